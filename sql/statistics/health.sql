-- statistics/health: how the current tenant's receivers fare, the worst first.
-- $1 state text, $2 rank int4, $3 us int8, $4 id uuid of the last one seen (each NULL: any), $5 rows int8
-- index: webhook_subscriptions_tenant_key, delivery_statistics_subscription_idx
SELECT h.subscription_id, h.url, h.state, h.since_at, h.reason, h.attempts_last_hour::bigint AS attempts_last_hour,
    h.failures_last_hour::bigint AS failures_last_hour, h.circuit, h.retry_at, h.last_delivered_at, h.last_failed_at,
    h.last_failed_delivery_id
FROM posthorn.subscription_health h
CROSS JOIN LATERAL (
    SELECT array_position('{suspended,failing,degraded,paused,healthy}'::text[], h.state) AS rank,
        coalesce(trunc(extract(epoch FROM h.since_at) * 1000000)::bigint, 9223372036854775807) AS since_us) place
WHERE h.tenant_id = (SELECT posthorn.current_tenant()) AND ($1::text IS NULL OR h.state = $1::text)
    AND ($2::int4 IS NULL OR (place.rank, -place.since_us, h.subscription_id) > ($2::int4, -$3::int8, $4::uuid))
ORDER BY place.rank, -place.since_us, h.subscription_id
LIMIT $5::int8
