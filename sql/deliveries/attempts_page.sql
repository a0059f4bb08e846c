-- deliveries/attempts_page: what was tried for a delivery, newest first.
-- $1 delivery uuid, $2 before this epoch int or NULL, $3 rows int8; index: webhook_attempts_pkey
SELECT a.epoch, a.generation, a.number, a.target_url, a.started_at, a.duration_ms, a.status_code, a.error_kind, a.error,
    a.response_headers::text AS response_headers, a.response_body, a.response_body_truncated
FROM posthorn.webhook_attempts a
WHERE a.delivery_id = $1::uuid AND ($2::int IS NULL OR a.epoch < $2::int)
ORDER BY a.epoch DESC
LIMIT $3::int8
