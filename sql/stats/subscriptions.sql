-- stats/subscriptions: those that are not well, the worst first.
-- $1 tenant uuid (NULL: all), $2 most rows int8
SELECT to_jsonb(f) AS facts FROM (
    SELECT h.subscription_id AS id, h.tenant_id, h.url, h.state, h.reason, extract(epoch FROM now() - h.since_at)::float8 AS since_seconds,
        h.attempts_last_hour, h.failures_last_hour, h.circuit, extract(epoch FROM h.retry_at - now())::float8 AS retry_in_seconds
    FROM posthorn.tenants t
    CROSS JOIN LATERAL (
        SELECT p.subscription_id, p.tenant_id, p.url, p.state, p.reason, p.since_at, p.attempts_last_hour, p.failures_last_hour, p.circuit, p.retry_at
        FROM posthorn.subscription_health p WHERE p.tenant_id = t.id OFFSET 0) h
    WHERE ($1::uuid IS NULL OR t.id = $1::uuid) AND h.state IN ('suspended', 'failing', 'degraded')
    ORDER BY array_position('{failing,suspended,degraded}'::text[], h.state), h.failures_last_hour DESC, h.since_at
    LIMIT $2::int8) f
