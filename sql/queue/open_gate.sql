-- queue/open_gate: opens the wake-up gate: a dispatcher is awake and producers need not notify.
SELECT pg_advisory_unlock(1886352488, 1) AS was_held
