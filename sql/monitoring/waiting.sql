-- monitoring/waiting: the $1 int4 subscriptions and tenants (subscription_id NULL) for which most waits.
SELECT m.tenant_id, m.subscription_id, m.waiting, m.oldest_seconds FROM posthorn.monitored_waiting($1::int4) m
