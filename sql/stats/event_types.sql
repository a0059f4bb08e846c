-- stats/event_types: those with the most attempts in this hour and the one before.
-- $1 tenant uuid (NULL: all), $2 most rows int8; index: delivery_statistics_pkey
SELECT to_jsonb(f) AS facts FROM (
    SELECT e.event, sum(e.attempts)::bigint AS attempts, sum(e.delivered)::bigint AS delivered, sum(e.retried)::bigint AS retried,
        sum(e.failed + e.abandoned)::bigint AS failed
    FROM posthorn.tenants t
    CROSS JOIN LATERAL (
        SELECT s.event, s.attempts, s.delivered, s.retried, s.failed, s.abandoned
        FROM posthorn.delivery_statistics s
        WHERE s.tenant_id = t.id AND s.resolution = 'hour' AND s.starts_at >= date_trunc('hour', now(), 'UTC') - interval '1 hour'
          AND s.subscription_id = '00000000-0000-0000-0000-000000000000' AND s.event <> '*' OFFSET 0) e
    WHERE $1::uuid IS NULL OR t.id = $1::uuid
    GROUP BY e.event
    ORDER BY attempts DESC, e.event
    LIMIT $2::int8) f
