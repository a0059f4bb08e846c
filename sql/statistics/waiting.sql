-- statistics/waiting: deliveries of a subscription not finished, counted to 10,000, and since when the oldest due one waits.
-- $1 subscription uuid; index: webhook_deliveries_live_claim_idx
SELECT (SELECT count(*) FROM (
        SELECT FROM posthorn.webhook_deliveries d
        WHERE d.tenant_id = (SELECT posthorn.current_tenant()) AND d.subscription_id = $1::uuid
          AND d.status IN ('pending', 'sending', 'retrying')
        LIMIT 10001) w) AS waiting,
    (SELECT d.due_at FROM posthorn.webhook_deliveries d
     WHERE d.tenant_id = (SELECT posthorn.current_tenant()) AND d.subscription_id = $1::uuid
       AND d.status IN ('pending', 'sending', 'retrying') AND d.due_at <= now()
     ORDER BY d.due_at LIMIT 1) AS oldest_due_at
