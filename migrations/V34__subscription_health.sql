-- What: how each receiver fares, since when and why: for people and for the API. Lock: none. Safe beside an older binary: yes.
CREATE VIEW posthorn.subscription_health WITH (security_invoker) AS
SELECT s.tenant_id, s.id AS subscription_id, s.url,
    judged.state,
    CASE judged.state
        WHEN 'suspended' THEN s.status_changed_at
        WHEN 'paused' THEN s.status_changed_at
        WHEN 'failing' THEN coalesce(c.failing_since_at, c.changed_at, h.first_failed_at)
        WHEN 'degraded' THEN least(coalesce(c.failing_since_at, c.window_started_at), h.first_failed_at)
        ELSE greatest(s.created_at, s.status_changed_at, a.last_failed_at) END AS since_at,
    CASE judged.state
        WHEN 'suspended' THEN s.status_reason
        WHEN 'paused' THEN 'it is disabled'
        WHEN 'failing' THEN coalesce(CASE WHEN c.state <> 'closed' THEN c.reason END, CASE WHEN c.failures_in_a_row > 0
            THEN format('%s failures in a row', c.failures_in_a_row) END, 'nothing but failures in the last hour')
        WHEN 'degraded' THEN CASE WHEN coalesce(h.failures, 0) > 0 THEN format('%s of %s attempts failed in the last hour', h.failures, h.attempts)
            WHEN c.failures_in_a_row > 0 THEN format('%s failures in a row', c.failures_in_a_row)
            ELSE 'it recovers from an outage' END
        END AS reason,
    coalesce(h.attempts, 0) AS attempts_last_hour, coalesce(h.failures, 0) AS failures_last_hour,
    coalesce(c.state, 'closed') AS circuit, c.retry_at, a.last_delivered_at, a.last_failed_at, a.last_failed_delivery_id
FROM posthorn.webhook_subscriptions s
LEFT JOIN posthorn.circuits c ON c.subscription_id = s.id
LEFT JOIN posthorn.subscription_activity a ON a.tenant_id = s.tenant_id AND a.subscription_id = s.id
LEFT JOIN LATERAL (
    SELECT sum(m.attempts) AS attempts, sum(m.attempts - m.delivered) AS failures,
        min(m.starts_at) FILTER (WHERE m.attempts > m.delivered) AS first_failed_at
    FROM posthorn.delivery_statistics m
    WHERE m.tenant_id = s.tenant_id AND m.subscription_id = s.id AND m.event = '*' AND m.resolution = 'minute' AND m.starts_at > now() - interval '1 hour') h ON true
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN s.status = 'suspended' THEN 'suspended'
        WHEN s.status = 'inactive' THEN 'paused'
        WHEN c.state <> 'closed' THEN 'failing'
        WHEN c.failures_in_a_row >= 5 OR (h.attempts >= 5 AND h.failures = h.attempts) THEN 'failing'
        WHEN c.failures_in_a_row > 0 OR c.ramp IS NOT NULL OR h.failures * 20 >= h.attempts AND h.failures > 0 THEN 'degraded'
        ELSE 'healthy' END AS state) judged
WHERE s.status <> 'deleted';
COMMENT ON VIEW posthorn.subscription_health IS 'How each receiver fares. Reads the roll-up of the last hour, never deliveries.';
COMMENT ON COLUMN posthorn.subscription_health.tenant_id IS 'Whose subscription.';
COMMENT ON COLUMN posthorn.subscription_health.subscription_id IS 'The subscription.';
COMMENT ON COLUMN posthorn.subscription_health.url IS 'Its receiver.';
COMMENT ON COLUMN posthorn.subscription_health.state IS 'healthy; degraded: a twentieth of the last hour''s attempts or more failed, the last one did, or it recovers; failing: its circuit is not closed, five failures in a row, or an hour of at least five attempts and nothing but failures; suspended; paused: disabled.';
COMMENT ON COLUMN posthorn.subscription_health.since_at IS 'Since when; of a healthy one since its last failure.';
COMMENT ON COLUMN posthorn.subscription_health.reason IS 'Why; NULL: healthy.';
COMMENT ON COLUMN posthorn.subscription_health.attempts_last_hour IS 'Attempts of the last hour.';
COMMENT ON COLUMN posthorn.subscription_health.failures_last_hour IS 'Those of them that failed.';
COMMENT ON COLUMN posthorn.subscription_health.circuit IS 'closed, open or half_open.';
COMMENT ON COLUMN posthorn.subscription_health.retry_at IS 'When an open circuit lets a probe through.';
COMMENT ON COLUMN posthorn.subscription_health.last_delivered_at IS 'When a delivery was last accepted.';
COMMENT ON COLUMN posthorn.subscription_health.last_failed_at IS 'When an attempt last failed.';
COMMENT ON COLUMN posthorn.subscription_health.last_failed_delivery_id IS 'Whose attempt that was.';
GRANT SELECT ON posthorn.subscription_health TO posthorn_api, posthorn_readonly;
