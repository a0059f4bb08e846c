-- statistics/health_of_some: how some receivers of the current tenant fare. $1 subscriptions uuid[]; index: primary keys
SELECT h.subscription_id, h.url, h.state, h.since_at, h.reason, h.attempts_last_hour::bigint AS attempts_last_hour,
    h.failures_last_hour::bigint AS failures_last_hour, h.circuit, h.retry_at, h.last_delivered_at, h.last_failed_at,
    h.last_failed_delivery_id
FROM posthorn.subscription_health h
WHERE h.tenant_id = (SELECT posthorn.current_tenant()) AND h.subscription_id = ANY ($1::uuid[])
