-- statistics/health: how the current tenant's receivers fare, the worst first.
-- $1 state text (NULL: any), $2 rows int8; index: webhook_subscriptions_tenant_key, delivery_statistics_subscription_idx
SELECT h.subscription_id, h.url, h.state, h.since_at, h.reason, h.attempts_last_hour::bigint AS attempts_last_hour,
    h.failures_last_hour::bigint AS failures_last_hour, h.circuit, h.retry_at, h.last_delivered_at, h.last_failed_at,
    h.last_failed_delivery_id
FROM posthorn.subscription_health h
WHERE h.tenant_id = (SELECT posthorn.current_tenant()) AND ($1::text IS NULL OR h.state = $1::text)
ORDER BY array_position('{suspended,failing,degraded,paused,healthy}'::text[], h.state), h.since_at DESC, h.subscription_id
LIMIT $2::int8
