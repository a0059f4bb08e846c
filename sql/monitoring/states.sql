-- monitoring/states: subscriptions, circuits and jobs by state, over all tenants.
SELECT m.what, m.state, m.count FROM posthorn.monitored_states() m
