-- stats/dispatchers: those that are alive, and what they have on its way; of each subscription the 500 deliveries due longest.
SELECT to_jsonb(f) AS facts FROM (
    SELECT d.host, d.pid, d.version, d.concurrency AS slots, coalesce(l.leases, 0) AS in_flight, extract(epoch FROM now() - d.seen_at)::float8 AS seen_seconds
    FROM posthorn.dispatchers d
    LEFT JOIN (
        SELECT w.dispatcher_id, count(*) AS leases
        FROM posthorn.tenants t
        CROSS JOIN LATERAL (SELECT s.tenant_id, s.id FROM posthorn.webhook_subscriptions s WHERE s.tenant_id = t.id OFFSET 0) s
        CROSS JOIN LATERAL (
            SELECT v.dispatcher_id, v.lease_until FROM posthorn.webhook_deliveries v
            WHERE v.tenant_id = s.tenant_id AND v.subscription_id = s.id AND v.status IN ('pending', 'sending', 'retrying')
            ORDER BY v.due_at LIMIT 500) w
        WHERE w.lease_until > now()
        GROUP BY w.dispatcher_id) l ON l.dispatcher_id = d.id
    WHERE d.stopped_at IS NULL AND d.seen_at > now() - interval '15 seconds'
    ORDER BY d.started_at
    LIMIT 50) f
