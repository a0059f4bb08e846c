-- doctor/failing: receivers whose circuit is not closed, with five failures in a row, or where nothing arrives for a minute; longest first.
-- $1 most rows int8; index: claim_idx of live, for the last error among the 100 deliveries due longest
SELECT to_jsonb(f) AS facts FROM (
    SELECT c.id, c.url, c.circuit, c.retry_in_seconds, c.failures_in_a_row, c.failing_seconds, e.last_error, c.all_failing
    FROM (
        SELECT s.id, s.tenant_id, s.url, t.state AS circuit, extract(epoch FROM t.retry_at - now())::float8 AS retry_in_seconds, t.failures_in_a_row,
            extract(epoch FROM now() - coalesce(t.failing_since_at, t.changed_at))::float8 AS failing_seconds, count(*) OVER () AS all_failing
        FROM posthorn.circuits t
        JOIN posthorn.webhook_subscriptions s ON s.id = t.subscription_id AND s.status = 'active'
        WHERE t.state <> 'closed' OR t.failures_in_a_row >= 5 OR t.failures_in_a_row > 0 AND t.failing_since_at < now() - interval '1 minute'
        ORDER BY t.failing_since_at
        LIMIT $1::int8) c
    LEFT JOIN LATERAL (
        SELECT d.last_error FROM (
            SELECT v.last_error FROM posthorn.webhook_deliveries v
            WHERE v.tenant_id = c.tenant_id AND v.subscription_id = c.id AND v.status IN ('pending', 'sending', 'retrying')
            ORDER BY v.due_at LIMIT 100) d
        WHERE d.last_error IS NOT NULL LIMIT 1) e ON true
    ORDER BY c.failing_seconds DESC) f
