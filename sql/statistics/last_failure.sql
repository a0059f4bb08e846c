-- statistics/last_failure: the newest failed attempt of a delivery. $1 delivery uuid; index: webhook_attempts_pkey
SELECT a.started_at, a.status_code, a.error_kind, a.error
FROM posthorn.webhook_attempts a
WHERE a.delivery_id = $1::uuid AND a.error_kind IS NOT NULL
ORDER BY a.epoch DESC
LIMIT 1
