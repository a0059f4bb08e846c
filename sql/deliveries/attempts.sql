-- deliveries/attempts: what was tried for a delivery, in order, over all generations.
-- $1 delivery uuid; index: webhook_attempts_pkey
SELECT a.epoch, a.generation, a.number, a.target_url, a.started_at, a.duration_ms, a.status_code, a.error_kind, a.error,
    a.response_headers::text AS response_headers, a.response_body, a.response_body_truncated
FROM posthorn.webhook_attempts a
WHERE a.delivery_id = $1::uuid
ORDER BY a.epoch
