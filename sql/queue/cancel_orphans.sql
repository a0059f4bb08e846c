-- queue/cancel_orphans: cancels what a fan-out committed after its subscription was deleted.
-- $1 limit int; index: live (tenant_id, subscription_id, due_at); locks: the rows, SKIP LOCKED
WITH RECURSIVE walk AS (
    (SELECT d.tenant_id, d.subscription_id
     FROM posthorn.webhook_deliveries d
     WHERE d.tenant_id > '00000000-0000-0000-0000-000000000000' AND d.status IN ('pending', 'sending', 'retrying')
     ORDER BY d.tenant_id, d.subscription_id LIMIT 1)
    UNION ALL
    SELECT n.tenant_id, n.subscription_id
    FROM walk w
    CROSS JOIN LATERAL (
        SELECT d.tenant_id, d.subscription_id
        FROM posthorn.webhook_deliveries d
        WHERE (d.tenant_id, d.subscription_id) > (w.tenant_id, w.subscription_id) AND d.status IN ('pending', 'sending', 'retrying')
        ORDER BY d.tenant_id, d.subscription_id LIMIT 1
    ) n
),
orphan AS MATERIALIZED (
    SELECT l.id
    FROM walk w
    -- LIMIT keeps this a lookup by key for each step: as a join it was planned as one scan of all subscriptions
    CROSS JOIN LATERAL (
        SELECT FROM posthorn.webhook_subscriptions s WHERE s.id = w.subscription_id AND s.status = 'deleted' LIMIT 1
    ) gone
    CROSS JOIN LATERAL (
        SELECT d.id FROM posthorn.webhook_deliveries d
        WHERE d.tenant_id = w.tenant_id AND d.subscription_id = w.subscription_id AND d.status IN ('pending', 'sending', 'retrying')
        LIMIT $1::int FOR UPDATE SKIP LOCKED
    ) l
    LIMIT $1::int
)
UPDATE posthorn.webhook_deliveries d
SET status = 'cancelled', finished_at = now(), updated_at = now(), lease_until = NULL, epoch = d.epoch + 1
FROM orphan o
WHERE d.id = o.id AND d.status IN ('pending', 'sending', 'retrying')
RETURNING d.id
