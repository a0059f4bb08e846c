-- doctor/failing: receivers whose circuit is not closed, or that failed twice and more for a minute or five times; the longest first.
-- $1 most rows int8; index: claim_idx of live, for the error of the next that was tried
SELECT to_jsonb(f) AS facts FROM (
    SELECT c.id, c.url, c.circuit, c.retry_in_seconds, c.failing_seconds, c.all_failing,
        coalesce(c.reason, c.failures_in_a_row || ' failures in a row' || coalesce(', the last: ' || e.last_error, '')) AS reason
    FROM (
        SELECT s.id, s.tenant_id, s.url, t.state AS circuit, extract(epoch FROM t.retry_at - now())::float8 AS retry_in_seconds, t.failures_in_a_row,
            CASE WHEN t.state <> 'closed' THEN t.reason END AS reason,
            extract(epoch FROM now() - coalesce(t.failing_since_at, t.changed_at))::float8 AS failing_seconds, count(*) OVER () AS all_failing
        FROM posthorn.circuits t
        JOIN posthorn.webhook_subscriptions s ON s.id = t.subscription_id AND s.status = 'active'
        WHERE t.state <> 'closed' OR t.failures_in_a_row >= 5
           OR t.failures_in_a_row >= 2 AND t.failing_since_at < now() - interval '1 minute'
        ORDER BY coalesce(t.failing_since_at, t.changed_at)
        LIMIT $1::int8) c
    LEFT JOIN LATERAL (
        -- those that were tried are due at their next retry; those that were not are due by now
        SELECT d.last_error FROM (
            SELECT v.last_error FROM posthorn.webhook_deliveries v
            WHERE v.tenant_id = c.tenant_id AND v.subscription_id = c.id AND v.status IN ('pending', 'sending', 'retrying') AND v.due_at > now()
            ORDER BY v.due_at LIMIT 100) d
        WHERE d.last_error IS NOT NULL LIMIT 1) e ON true
    ORDER BY c.failing_seconds DESC) f
