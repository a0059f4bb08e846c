-- statistics/waiting_of_some: deliveries of some subscriptions not finished, counted to $2, and since when the oldest due one waits.
-- $1 subscriptions uuid[], $2 rows int8; index: webhook_deliveries_live_claim_idx
SELECT s.id AS subscription_id, (SELECT count(*) FROM (
        SELECT FROM posthorn.webhook_deliveries d
        WHERE d.tenant_id = (SELECT posthorn.current_tenant()) AND d.subscription_id = s.id
          AND d.status IN ('pending', 'sending', 'retrying')
        LIMIT $2::int8) w) AS waiting,
    (SELECT d.due_at FROM posthorn.webhook_deliveries d
     WHERE d.tenant_id = (SELECT posthorn.current_tenant()) AND d.subscription_id = s.id
       AND d.status IN ('pending', 'sending', 'retrying') AND d.due_at <= now()
     ORDER BY d.due_at LIMIT 1) AS oldest_due_at
FROM unnest($1::uuid[]) AS s (id)
