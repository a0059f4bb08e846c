-- What: who is held back by which limit, and how much of it is in use: for people (a view) and for metrics (a column more).
-- Lock: none. Safe beside an older binary: yes, the function gives one column more than it asks for.
CREATE VIEW posthorn.subscription_limits WITH (security_invoker) AS
SELECT s.tenant_id, s.id AS subscription_id, s.url, s.status, s.status_reason, coalesce(q.waiting, 0) AS waiting, q.oldest_due_at,
    coalesce(q.in_flight, 0) AS in_flight, s.max_in_flight, c.ramp, s.rate_per_second,
    CASE WHEN s.rate_per_second IS NOT NULL THEN
        least(coalesce(s.rate_burst, greatest(1, ceil(s.rate_per_second))),
            coalesce(b.tokens + s.rate_per_second * extract(epoch FROM now() - b.filled_at),
                coalesce(s.rate_burst, greatest(1, ceil(s.rate_per_second))))) END AS tokens,
    coalesce(c.state, 'closed') AS circuit, c.reason AS circuit_reason, c.retry_at, coalesce(c.failures_in_a_row, 0) AS failures_in_a_row,
    c.failing_since_at, s.ordered, coalesce(q.in_line, 0) AS in_line
FROM posthorn.webhook_subscriptions s
LEFT JOIN posthorn.circuits c ON c.subscription_id = s.id
LEFT JOIN posthorn.rate_buckets b ON b.subscription_id = s.id
LEFT JOIN (
    SELECT d.subscription_id, count(*) AS waiting, count(*) FILTER (WHERE d.lease_until > now()) AS in_flight,
        count(*) FILTER (WHERE d.due_at IS NULL) AS in_line,
        min(d.due_at) FILTER (WHERE d.due_at <= now() AND d.lease_until IS NULL) AS oldest_due_at
    FROM posthorn.webhook_deliveries d
    WHERE d.status IN ('pending', 'sending', 'retrying')
    GROUP BY d.subscription_id) q ON q.subscription_id = s.id
WHERE s.status <> 'deleted';
COMMENT ON VIEW posthorn.subscription_limits IS 'For operators: each subscription''s limits, how much of them is in use, and what waits behind them. Reads every waiting delivery.';
COMMENT ON COLUMN posthorn.subscription_limits.tenant_id IS 'Whose subscription.';
COMMENT ON COLUMN posthorn.subscription_limits.subscription_id IS 'The subscription.';
COMMENT ON COLUMN posthorn.subscription_limits.url IS 'Its receiver.';
COMMENT ON COLUMN posthorn.subscription_limits.status IS 'active, inactive or suspended.';
COMMENT ON COLUMN posthorn.subscription_limits.status_reason IS 'Why it is suspended.';
COMMENT ON COLUMN posthorn.subscription_limits.waiting IS 'Deliveries not finished, those in flight included.';
COMMENT ON COLUMN posthorn.subscription_limits.oldest_due_at IS 'Since when the oldest that could go waits.';
COMMENT ON COLUMN posthorn.subscription_limits.in_flight IS 'Deliveries leased now, by all dispatchers.';
COMMENT ON COLUMN posthorn.subscription_limits.max_in_flight IS 'Its own limit of them; NULL: that of each dispatcher.';
COMMENT ON COLUMN posthorn.subscription_limits.ramp IS 'The limit while its receiver recovers; NULL: none.';
COMMENT ON COLUMN posthorn.subscription_limits.rate_per_second IS 'Requests per second it may be sent; NULL: any.';
COMMENT ON COLUMN posthorn.subscription_limits.tokens IS 'Requests that could go now by its rate.';
COMMENT ON COLUMN posthorn.subscription_limits.circuit IS 'closed, open or half_open.';
COMMENT ON COLUMN posthorn.subscription_limits.circuit_reason IS 'Why it opened last.';
COMMENT ON COLUMN posthorn.subscription_limits.retry_at IS 'When an open circuit lets a probe through.';
COMMENT ON COLUMN posthorn.subscription_limits.failures_in_a_row IS 'Failed requests since the last that succeeded.';
COMMENT ON COLUMN posthorn.subscription_limits.failing_since_at IS 'Since when there was nothing but failures.';
COMMENT ON COLUMN posthorn.subscription_limits.ordered IS 'Whether it is delivered to in order.';
COMMENT ON COLUMN posthorn.subscription_limits.in_line IS 'Deliveries that wait for the one before them with the same ordering key.';
GRANT SELECT ON posthorn.subscription_limits TO posthorn_readonly;

DROP FUNCTION posthorn.queue_state();
CREATE FUNCTION posthorn.queue_state()
RETURNS TABLE (waiting bigint, oldest_due_at timestamptz, open_fanouts bigint, dispatchers_alive bigint, open_circuits bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
    SELECT (SELECT count(*) FROM webhook_deliveries_live),
        (SELECT min(l.due_at) FROM webhook_deliveries_live l
         JOIN webhook_subscriptions s ON s.id = l.subscription_id AND s.status = 'active'
         WHERE l.due_at <= now() AND l.status IN ('pending', 'retrying')),
        (SELECT count(*) FROM event_fanouts f WHERE f.state = 'open'),
        (SELECT count(*) FROM dispatchers d WHERE d.stopped_at IS NULL AND d.seen_at > now() - interval '15 seconds'),
        (SELECT count(*) FROM circuits c WHERE c.state <> 'closed')
$$;
COMMENT ON FUNCTION posthorn.queue_state() IS
    'For monitoring: deliveries not finished, since when the oldest due one of an active subscription waits, events still to fan out, dispatchers alive, circuits not closed.';
GRANT EXECUTE ON FUNCTION posthorn.queue_state() TO posthorn_api, posthorn_dispatcher, posthorn_readonly;
