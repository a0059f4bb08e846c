-- statistics/backlog: the current tenant's deliveries not finished, counted to $1, and since when the oldest due one waits.
-- $1 rows int8; index: webhook_subscriptions_tenant_key, webhook_deliveries_live_claim_idx
SELECT (SELECT count(*) FROM (
        SELECT FROM posthorn.webhook_subscriptions s
        CROSS JOIN LATERAL (
            SELECT FROM posthorn.webhook_deliveries d
            WHERE d.tenant_id = s.tenant_id AND d.subscription_id = s.id AND d.status IN ('pending', 'sending', 'retrying')
            LIMIT $1::int8) d
        WHERE s.tenant_id = (SELECT posthorn.current_tenant()) AND s.status <> 'deleted'
        LIMIT $1::int8) w) AS waiting,
    -- of subscriptions that are paused nothing is due: it waits for them, not for us
    (SELECT min(o.due_at) FROM posthorn.webhook_subscriptions s
     CROSS JOIN LATERAL (
        SELECT d.due_at FROM posthorn.webhook_deliveries d
        WHERE d.tenant_id = s.tenant_id AND d.subscription_id = s.id AND d.status IN ('pending', 'sending', 'retrying')
          AND d.due_at <= now()
        ORDER BY d.due_at LIMIT 1) o
     WHERE s.tenant_id = (SELECT posthorn.current_tenant()) AND s.status = 'active') AS oldest_due_at
