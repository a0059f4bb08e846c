-- doctor/failing: receivers whose circuit is not closed, with five failures in a row, or where nothing arrives for a minute; longest first.
-- $1 most rows int8; index: claim_idx of live, for the last error among the 100 deliveries due longest
SELECT to_jsonb(f) AS facts FROM (
    SELECT s.id, s.url, c.state AS circuit, extract(epoch FROM c.retry_at - now())::float8 AS retry_in_seconds, c.failures_in_a_row,
        extract(epoch FROM now() - coalesce(c.failing_since_at, c.changed_at))::float8 AS failing_seconds, e.last_error, count(*) OVER () AS all_failing
    FROM posthorn.circuits c
    JOIN posthorn.webhook_subscriptions s ON s.id = c.subscription_id AND s.status = 'active'
    LEFT JOIN LATERAL (
        SELECT d.last_error FROM (
            SELECT v.last_error FROM posthorn.webhook_deliveries v
            WHERE v.tenant_id = s.tenant_id AND v.subscription_id = s.id AND v.status IN ('pending', 'sending', 'retrying')
            ORDER BY v.due_at LIMIT 100) d
        WHERE d.last_error IS NOT NULL LIMIT 1) e ON true
    WHERE c.state <> 'closed' OR c.failures_in_a_row >= 5 OR c.failures_in_a_row > 0 AND c.failing_since_at < now() - interval '1 minute'
    ORDER BY c.failing_since_at
    LIMIT $1::int8) f
