-- What: views for operators: backlog, throughput, errors, slow receivers, leases, unmatched events, the health of tables and
--       server; and deliveries and subscriptions in the plain shape (schema posthorn_webhooks) that short queries ask for.
-- Why:  whoever operates it has psql. All are security_invoker: posthorn_readonly sees every tenant, posthorn_api its own, and
--       neither a secret nor, as posthorn_readonly, a payload. What tells of the cluster is for posthorn_readonly alone.
-- Cost: below 200 ms beside ten million finished deliveries, because none reads those as a whole. backlog, backlog_by_tenant,
--       dispatcher_leases: the live partition, so many rows of each subscription by webhook_deliveries_live_claim_idx.
--       throughput, slowest_receivers, errors_by_kind: the roll-up, a short stretch of an index per tenant or subscription.
--       unmatched_events: the newest 5,000 events, each looked for in the days since. The rest: catalog and statistics.
--       posthorn_webhooks.webhook_deliveries leaves nothing out, so it costs what is asked of it: two indexes made here lead to the
--       newest, and to the newest of a status. They cost each delivery a microsecond or two and 25 bytes.
-- Lock: SHARE on the finished deliveries while the two are built, which reads them once. Safe beside an older binary: yes.
CREATE FUNCTION posthorn.percentile(counts bigint[], largest_ms integer, share double precision) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = posthorn, pg_temp
AS $$
DECLARE
    bounds CONSTANT integer[] := bucket_bounds();
    wanted double precision := 0;
    below double precision := 0;
    low double precision;
    high double precision;
BEGIN
    FOR bucket IN 1 .. 24 LOOP
        wanted := wanted + counts[bucket];
    END LOOP;
    IF wanted = 0 THEN
        RETURN NULL;
    END IF;
    wanted := wanted * share;
    FOR bucket IN 1 .. 24 LOOP
        IF counts[bucket] > 0 AND below + counts[bucket] >= wanted THEN
            low := CASE WHEN bucket = 1 THEN 0 ELSE bounds[bucket - 1] END;
            high := coalesce(bounds[bucket], largest_ms);
            RETURN round(least(low + (high - low) * ((wanted - below) / counts[bucket]), largest_ms)::numeric, 1);
        END IF;
        below := below + counts[bucket];
    END LOOP;
    RETURN largest_ms;
END
$$;
COMMENT ON FUNCTION posthorn.percentile(bigint[], integer, double precision) IS
    'The milliseconds beneath which a share (0 to 1) of a histogram lies, as the statistics API tells it; right to its bucket. NULL: nothing was counted.';
GRANT EXECUTE ON FUNCTION posthorn.percentile(bigint[], integer, double precision) TO posthorn_api, posthorn_readonly;

-- As posthorn.events has it, without what that joins.
CREATE FUNCTION posthorn.own_payload(event_id uuid) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$ SELECT o.payload FROM outbox o WHERE o.id = $1 AND o.tenant_id = current_tenant() $$;
COMMENT ON FUNCTION posthorn.own_payload(uuid) IS 'The payload of an event of the current tenant; else NULL.';
GRANT EXECUTE ON FUNCTION posthorn.own_payload(uuid) TO posthorn_api;

-- The caller's rights decide, branch by branch: one query that names both could be run by neither.
CREATE FUNCTION posthorn.payload_of(event_id uuid) RETURNS jsonb
LANGUAGE plpgsql STABLE COST 1000
AS $$
BEGIN
    IF has_column_privilege('posthorn.outbox', 'payload', 'SELECT') THEN
        RETURN (SELECT o.payload FROM posthorn.outbox o WHERE o.id = $1);
    ELSIF has_function_privilege('posthorn.own_payload(uuid)', 'EXECUTE') THEN
        RETURN posthorn.own_payload($1);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION posthorn.payload_of(uuid) IS
    'The payload of an event, where the caller may read it: any with SELECT on outbox.payload, as posthorn_api those of the current tenant; else NULL.';
GRANT EXECUTE ON FUNCTION posthorn.payload_of(uuid) TO posthorn_api, posthorn_readonly;
GRANT EXECUTE ON FUNCTION posthorn.event_patterns(text) TO posthorn_readonly;

CREATE VIEW posthorn.backlog WITH (security_invoker) AS
SELECT s.tenant_id, s.id AS subscription_id, s.url, s.status, q.waiting, q.due, q.in_flight, q.in_line, q.oldest_due_at,
    now() - q.oldest_due_at AS late_by, coalesce(c.state, 'closed') AS circuit, c.retry_at
FROM posthorn.webhook_subscriptions s
CROSS JOIN LATERAL (
    SELECT count(*) AS waiting, count(*) FILTER (WHERE w.is_due) AS due, count(*) FILTER (WHERE w.lease_until > now()) AS in_flight,
        count(*) FILTER (WHERE w.due_at IS NULL) AS in_line, min(w.due_at) FILTER (WHERE w.is_due) AS oldest_due_at
    FROM (
        SELECT d.due_at, d.lease_until, d.due_at <= now() AND coalesce(d.lease_until <= now(), true) AS is_due
        FROM posthorn.webhook_deliveries d
        WHERE d.tenant_id = s.tenant_id AND d.subscription_id = s.id AND d.status IN ('pending', 'sending', 'retrying')
        ORDER BY d.due_at LIMIT 10000) w) q
LEFT JOIN posthorn.circuits c ON c.subscription_id = s.id
WHERE q.waiting > 0;
COMMENT ON VIEW posthorn.backlog IS 'What waits for each subscription that anything waits for, counted up to 10,000 each.';
COMMENT ON COLUMN posthorn.backlog.tenant_id IS 'Whose subscription.';
COMMENT ON COLUMN posthorn.backlog.subscription_id IS 'The subscription.';
COMMENT ON COLUMN posthorn.backlog.url IS 'Its receiver.';
COMMENT ON COLUMN posthorn.backlog.status IS 'active; inactive or suspended: what waits goes on waiting; deleted: it is about to be cancelled.';
COMMENT ON COLUMN posthorn.backlog.waiting IS 'Deliveries not finished, those on their way included; 10000 stands for that many or more.';
COMMENT ON COLUMN posthorn.backlog.due IS 'Those that could go now.';
COMMENT ON COLUMN posthorn.backlog.in_flight IS 'Those that are on their way.';
COMMENT ON COLUMN posthorn.backlog.in_line IS 'Those that wait for the one before them with the same ordering key.';
COMMENT ON COLUMN posthorn.backlog.oldest_due_at IS 'Since when the oldest that could go waits; NULL: none could.';
COMMENT ON COLUMN posthorn.backlog.late_by IS 'How long that is.';
COMMENT ON COLUMN posthorn.backlog.circuit IS 'closed, open or half_open: see posthorn.circuits.';
COMMENT ON COLUMN posthorn.backlog.retry_at IS 'When an open circuit lets a probe through.';

CREATE VIEW posthorn.backlog_by_tenant WITH (security_invoker) AS
SELECT b.tenant_id, count(*) AS subscriptions, sum(b.waiting)::bigint AS waiting, sum(b.due)::bigint AS due,
    sum(b.in_flight)::bigint AS in_flight, min(b.oldest_due_at) AS oldest_due_at, now() - min(b.oldest_due_at) AS late_by
FROM posthorn.backlog b
GROUP BY b.tenant_id;
COMMENT ON VIEW posthorn.backlog_by_tenant IS 'What waits for each tenant that anything waits for: posthorn.backlog, added up.';
COMMENT ON COLUMN posthorn.backlog_by_tenant.tenant_id IS 'The tenant.';
COMMENT ON COLUMN posthorn.backlog_by_tenant.subscriptions IS 'Subscriptions that anything waits for.';
COMMENT ON COLUMN posthorn.backlog_by_tenant.waiting IS 'Deliveries not finished, up to 10,000 of each subscription.';
COMMENT ON COLUMN posthorn.backlog_by_tenant.due IS 'Those that could go now.';
COMMENT ON COLUMN posthorn.backlog_by_tenant.in_flight IS 'Those that are on their way.';
COMMENT ON COLUMN posthorn.backlog_by_tenant.oldest_due_at IS 'Since when the oldest that could go waits.';
COMMENT ON COLUMN posthorn.backlog_by_tenant.late_by IS 'How long that is.';

CREATE VIEW posthorn.throughput WITH (security_invoker) AS
SELECT m.tenant_id, m.starts_at, m.attempts, m.delivered, m.retried, m.failed, m.abandoned,
    round(m.delivered / nullif(m.delivered + m.failed + m.abandoned, 0)::numeric, 4)::double precision AS success_rate,
    round(m.duration_sum_ms / nullif(m.attempts, 0)::numeric, 1)::double precision AS mean_ms, m.duration_max_ms AS max_ms
FROM posthorn.tenants t
CROSS JOIN LATERAL (
    SELECT s.* FROM posthorn.delivery_statistics s
    WHERE s.tenant_id = t.id AND s.subscription_id = '00000000-0000-0000-0000-000000000000' AND s.resolution = 'minute'
      AND s.starts_at > now() - interval '61 minutes' AND s.event = '*') m;
COMMENT ON VIEW posthorn.throughput IS 'Attempts and what came of them, by tenant and minute of the last hour; minutes without any are left out. Some seconds behind.';
COMMENT ON COLUMN posthorn.throughput.tenant_id IS 'The tenant.';
COMMENT ON COLUMN posthorn.throughput.starts_at IS 'Beginning of the minute.';
COMMENT ON COLUMN posthorn.throughput.attempts IS 'Attempts made.';
COMMENT ON COLUMN posthorn.throughput.delivered IS 'Deliveries that a receiver accepted.';
COMMENT ON COLUMN posthorn.throughput.retried IS 'Attempts that failed and are made again.';
COMMENT ON COLUMN posthorn.throughput.failed IS 'Deliveries refused for good.';
COMMENT ON COLUMN posthorn.throughput.abandoned IS 'Deliveries given up.';
COMMENT ON COLUMN posthorn.throughput.success_rate IS 'Delivered of all that were finished, 0 to 1; NULL: none was.';
COMMENT ON COLUMN posthorn.throughput.mean_ms IS 'Mean duration of the attempts, in milliseconds.';
COMMENT ON COLUMN posthorn.throughput.max_ms IS 'The longest of them.';

CREATE VIEW posthorn.errors_by_kind WITH (security_invoker) AS
SELECT t.id AS tenant_id, e.error_kind, sum(e.failures)::bigint AS failures, max(e.starts_at) AS last_hour_at
FROM posthorn.tenants t
-- hour by hour: the index leads to one hour's totals, and a range would lead through those of every subscription
CROSS JOIN generate_series(0, 24) AS hours (ago)
CROSS JOIN LATERAL (
    SELECT s.error_kind, s.failures, s.starts_at FROM posthorn.delivery_errors s
    WHERE s.tenant_id = t.id AND s.resolution = 'hour' AND s.starts_at = date_trunc('hour', now(), 'UTC') - make_interval(hours => hours.ago)
      AND s.subscription_id = '00000000-0000-0000-0000-000000000000' AND s.event = '*') e
GROUP BY t.id, e.error_kind;
COMMENT ON VIEW posthorn.errors_by_kind IS 'Failed attempts of the last day by tenant and kind: this hour and the 24 before. Some seconds behind.';
COMMENT ON COLUMN posthorn.errors_by_kind.tenant_id IS 'The tenant.';
COMMENT ON COLUMN posthorn.errors_by_kind.error_kind IS 'Why they failed, as in webhook_attempts.error_kind.';
COMMENT ON COLUMN posthorn.errors_by_kind.failures IS 'How often, attempts that are made again included.';
COMMENT ON COLUMN posthorn.errors_by_kind.last_hour_at IS 'Beginning of the last hour that had any.';

CREATE VIEW posthorn.slowest_receivers WITH (security_invoker) AS
SELECT s.tenant_id, s.id AS subscription_id, s.url, h.attempts, posthorn.percentile(h.durations, h.max_ms, 0.5) AS p50_ms,
    posthorn.percentile(h.durations, h.max_ms, 0.95) AS p95_ms, posthorn.percentile(h.durations, h.max_ms, 0.99) AS p99_ms, h.max_ms
FROM posthorn.webhook_subscriptions s
CROSS JOIN LATERAL (
    SELECT sum(m.attempts)::bigint AS attempts, max(m.duration_max_ms) AS max_ms,
        ARRAY[sum(m.durations[1]), sum(m.durations[2]), sum(m.durations[3]), sum(m.durations[4]), sum(m.durations[5]), sum(m.durations[6]),
            sum(m.durations[7]), sum(m.durations[8]), sum(m.durations[9]), sum(m.durations[10]), sum(m.durations[11]), sum(m.durations[12]),
            sum(m.durations[13]), sum(m.durations[14]), sum(m.durations[15]), sum(m.durations[16]), sum(m.durations[17]), sum(m.durations[18]),
            sum(m.durations[19]), sum(m.durations[20]), sum(m.durations[21]), sum(m.durations[22]), sum(m.durations[23]), sum(m.durations[24])] AS durations
    FROM posthorn.delivery_statistics m
    WHERE m.tenant_id = s.tenant_id AND m.subscription_id = s.id AND m.resolution = 'hour'
      AND m.starts_at >= date_trunc('hour', now(), 'UTC') - interval '1 hour' AND m.event = '*') h
WHERE s.status <> 'deleted' AND h.attempts > 0
ORDER BY p95_ms DESC;
COMMENT ON VIEW posthorn.slowest_receivers IS 'How long receivers take to answer, the slowest first: this hour and the one before. Percentiles are right to a factor of 2 at most.';
COMMENT ON COLUMN posthorn.slowest_receivers.tenant_id IS 'Whose subscription.';
COMMENT ON COLUMN posthorn.slowest_receivers.subscription_id IS 'The subscription.';
COMMENT ON COLUMN posthorn.slowest_receivers.url IS 'Its receiver.';
COMMENT ON COLUMN posthorn.slowest_receivers.attempts IS 'Attempts made.';
COMMENT ON COLUMN posthorn.slowest_receivers.p50_ms IS 'Half of the attempts took no longer, in milliseconds.';
COMMENT ON COLUMN posthorn.slowest_receivers.p95_ms IS '95 of 100 took no longer.';
COMMENT ON COLUMN posthorn.slowest_receivers.p99_ms IS '99 of 100 took no longer.';
COMMENT ON COLUMN posthorn.slowest_receivers.max_ms IS 'The longest.';

-- Dispatchers lease what is due longest, so leases are at the head of each subscription's line.
CREATE VIEW posthorn.dispatcher_leases WITH (security_invoker) AS
SELECT d.id AS dispatcher_id, d.host, d.pid, d.version, d.concurrency, d.started_at, d.seen_at,
    d.stopped_at IS NULL AND d.seen_at > now() - interval '15 seconds' AS is_alive,
    coalesce(l.leases, 0) AS leases, coalesce(l.lapsed, 0) AS lapsed, l.first_ends_at
FROM posthorn.dispatchers d
LEFT JOIN (
    SELECT w.dispatcher_id, count(*) AS leases, count(*) FILTER (WHERE w.lease_until <= now()) AS lapsed, min(w.lease_until) AS first_ends_at
    FROM posthorn.webhook_subscriptions s
    CROSS JOIN LATERAL (
        SELECT v.dispatcher_id, v.lease_until FROM posthorn.webhook_deliveries v
        WHERE v.tenant_id = s.tenant_id AND v.subscription_id = s.id AND v.status IN ('pending', 'sending', 'retrying')
        ORDER BY v.due_at LIMIT 500) w
    WHERE w.lease_until IS NOT NULL
    GROUP BY w.dispatcher_id) l ON l.dispatcher_id = d.id
WHERE l.leases > 0 OR (d.stopped_at IS NULL AND d.seen_at > now() - interval '15 seconds');
COMMENT ON VIEW posthorn.dispatcher_leases IS 'Dispatchers that are alive, or hold leases although they are not; of each subscription the 500 deliveries due longest are looked at.';
COMMENT ON COLUMN posthorn.dispatcher_leases.dispatcher_id IS 'The dispatcher.';
COMMENT ON COLUMN posthorn.dispatcher_leases.host IS 'Its host.';
COMMENT ON COLUMN posthorn.dispatcher_leases.pid IS 'Its process id there.';
COMMENT ON COLUMN posthorn.dispatcher_leases.version IS 'Version of the binary.';
COMMENT ON COLUMN posthorn.dispatcher_leases.concurrency IS 'Deliveries it may have in flight.';
COMMENT ON COLUMN posthorn.dispatcher_leases.started_at IS 'When it started.';
COMMENT ON COLUMN posthorn.dispatcher_leases.seen_at IS 'Its last sign of life; one every 5 seconds.';
COMMENT ON COLUMN posthorn.dispatcher_leases.is_alive IS 'Whether it showed one in the last 15 seconds and has not stopped.';
COMMENT ON COLUMN posthorn.dispatcher_leases.leases IS 'Deliveries it holds.';
COMMENT ON COLUMN posthorn.dispatcher_leases.lapsed IS 'Those of them that another dispatcher may take over.';
COMMENT ON COLUMN posthorn.dispatcher_leases.first_ends_at IS 'When the first of its leases ends, or did.';

CREATE VIEW posthorn.unmatched_events WITH (security_invoker) AS
SELECT e.id AS event_id, e.tenant_id, e.event, e.resource_type, e.resource_id, e.created_at, coalesce(f.state, 'unmatched') AS reason
FROM (
    SELECT o.id, o.tenant_id, o.event, o.resource_type, o.resource_id, o.created_at
    FROM posthorn.outbox o
    WHERE o.id >= posthorn.first_id_at(now() - interval '1 day')
    ORDER BY o.id DESC LIMIT 5000) e
LEFT JOIN posthorn.event_fanouts f ON f.event_id = e.id
WHERE f.state IS DISTINCT FROM 'open'
  -- a delivery is made after its event, so the days before it need not be looked at (a minute: clocks are set)
  AND NOT EXISTS (SELECT FROM posthorn.webhook_deliveries d
      WHERE d.event_id = e.id AND d.id >= posthorn.first_id_at(e.created_at - interval '1 minute') OFFSET 0);
COMMENT ON VIEW posthorn.unmatched_events IS 'Events that no subscription took, among the newest 5,000 of the last day.';
COMMENT ON COLUMN posthorn.unmatched_events.event_id IS 'The event.';
COMMENT ON COLUMN posthorn.unmatched_events.tenant_id IS 'Whose.';
COMMENT ON COLUMN posthorn.unmatched_events.event IS 'Event type.';
COMMENT ON COLUMN posthorn.unmatched_events.resource_type IS 'Kind of the thing it is about.';
COMMENT ON COLUMN posthorn.unmatched_events.resource_id IS 'Id of the thing it is about.';
COMMENT ON COLUMN posthorn.unmatched_events.created_at IS 'Start of the publishing transaction.';
COMMENT ON COLUMN posthorn.unmatched_events.reason IS 'unmatched: no active subscription''s events and filter matched; muted, unknown_tenant, cancelled: see posthorn.event_fanouts.';

CREATE VIEW posthorn.table_health WITH (security_invoker) AS
SELECT t.name::text AS table_name, count(*) AS partitions, sum(pg_table_size(t.oid))::bigint AS table_bytes,
    sum(pg_indexes_size(t.oid))::bigint AS index_bytes, sum(greatest(t.reltuples, 0))::bigint AS rows_estimated,
    sum(pg_stat_get_dead_tuples(t.oid))::bigint AS dead_rows,
    max(greatest(pg_stat_get_last_autovacuum_time(t.oid), pg_stat_get_last_vacuum_time(t.oid))) AS last_vacuum_at,
    max(greatest(pg_stat_get_last_autoanalyze_time(t.oid), pg_stat_get_last_analyze_time(t.oid))) AS last_analyze_at,
    max(age(t.relfrozenxid)) AS xid_age, sum(t.invalid)::bigint AS invalid_indexes, g.default_rows, g.oldest_day, g.newest_day
FROM (
    SELECT c.oid, c.reltuples, c.relfrozenxid, CASE WHEN c.relname ~ '_(\d{8}|default)$' THEN coalesce(p.relname, c.relname) ELSE c.relname END AS name,
        (SELECT count(*) FROM pg_index i WHERE i.indrelid = c.oid AND NOT i.indisvalid) AS invalid
    FROM pg_class c
    LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
    LEFT JOIN pg_class p ON p.oid = i.inhparent
    WHERE c.relnamespace = 'posthorn'::regnamespace AND c.relkind = 'r') t
LEFT JOIN posthorn.growth() g ON g.parent = t.name
GROUP BY t.name, g.default_rows, g.oldest_day, g.newest_day;
COMMENT ON VIEW posthorn.table_health IS 'Size and upkeep of each table, its days and indexes added up. Deliveries are two: webhook_deliveries_live and webhook_deliveries_done.';
COMMENT ON COLUMN posthorn.table_health.table_name IS 'The table, in schema posthorn.';
COMMENT ON COLUMN posthorn.table_health.partitions IS 'Of how many tables it consists.';
COMMENT ON COLUMN posthorn.table_health.table_bytes IS 'Bytes of its rows.';
COMMENT ON COLUMN posthorn.table_health.index_bytes IS 'Bytes of its indexes.';
COMMENT ON COLUMN posthorn.table_health.rows_estimated IS 'About how many rows, as of the last vacuum or analyze.';
COMMENT ON COLUMN posthorn.table_health.dead_rows IS 'About how many rows a vacuum would remove.';
COMMENT ON COLUMN posthorn.table_health.last_vacuum_at IS 'When a part of it was last vacuumed, by autovacuum or by hand.';
COMMENT ON COLUMN posthorn.table_health.last_analyze_at IS 'When a part of it was last analysed.';
COMMENT ON COLUMN posthorn.table_health.xid_age IS 'Transactions since its oldest row was frozen; autovacuum acts at autovacuum_freeze_max_age.';
COMMENT ON COLUMN posthorn.table_health.invalid_indexes IS 'Indexes that are not used, since building them failed: drop and make them again.';
COMMENT ON COLUMN posthorn.table_health.default_rows IS 'Rows of days without a partition, counted up to 10,000; more than none is a fault. NULL: it has no days.';
COMMENT ON COLUMN posthorn.table_health.oldest_day IS 'Its oldest day.';
COMMENT ON COLUMN posthorn.table_health.newest_day IS 'Its newest day; some are made ahead.';

CREATE VIEW posthorn.held_snapshots WITH (security_invoker) AS
SELECT h.kind, h.holder, h.since_at, h.xids, h.detail
FROM (
    SELECT 'session' AS kind, format('pid %s, %s, %s', a.pid, a.usename, nullif(a.application_name, '')) AS holder, a.xact_start AS since_at,
        greatest(age(a.backend_xmin), age(a.backend_xid)) AS xids, concat_ws(': ', a.state, left(a.query, 100)) AS detail
    FROM pg_stat_activity a
    WHERE (a.backend_xmin IS NOT NULL OR a.backend_xid IS NOT NULL) AND a.pid <> pg_backend_pid()
      AND coalesce(a.datname = current_database(), true)
    UNION ALL
    SELECT 'prepared transaction', p.gid, p.prepared, age(p.transaction), 'waits for COMMIT PREPARED or ROLLBACK PREPARED'
    FROM pg_prepared_xacts p
    WHERE p.database = current_database()
    UNION ALL
    SELECT 'replication slot', r.slot_name::text, NULL, greatest(age(r.xmin), age(r.catalog_xmin)), CASE WHEN r.active THEN 'active' ELSE 'nobody reads it' END
    FROM pg_replication_slots r
    WHERE r.xmin IS NOT NULL OR r.catalog_xmin IS NOT NULL) h
ORDER BY h.xids DESC NULLS LAST;
COMMENT ON VIEW posthorn.held_snapshots IS 'Who keeps dead rows from being cleaned away, the oldest first. Sessions of others are shown to members of pg_read_all_stats alone: see server_health.hidden_sessions.';
COMMENT ON COLUMN posthorn.held_snapshots.kind IS 'session, prepared transaction or replication slot.';
COMMENT ON COLUMN posthorn.held_snapshots.holder IS 'Which one.';
COMMENT ON COLUMN posthorn.held_snapshots.since_at IS 'When its transaction began.';
COMMENT ON COLUMN posthorn.held_snapshots.xids IS 'Transactions begun since.';
COMMENT ON COLUMN posthorn.held_snapshots.detail IS 'What it does.';

CREATE VIEW posthorn.server_health WITH (security_invoker) AS
SELECT pg_notification_queue_usage() AS notify_queue_usage, h.since_at AS oldest_snapshot_at, h.xids AS oldest_snapshot_xids,
    concat_ws(' ', h.kind, h.holder) AS oldest_snapshot_holder,
    (SELECT count(*) FROM pg_stat_activity a WHERE a.query = '<insufficient privilege>' AND a.datname = current_database()) AS hidden_sessions,
    (SELECT count(*) FROM pg_prepared_xacts p WHERE p.database = current_database()) AS prepared_transactions,
    (SELECT max(pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, r.restart_lsn))::bigint
     FROM pg_replication_slots r) AS slot_wal_bytes
FROM (SELECT) one
LEFT JOIN (SELECT s.kind, s.holder, s.since_at, s.xids FROM posthorn.held_snapshots s ORDER BY s.xids DESC NULLS LAST LIMIT 1) h ON true;
COMMENT ON VIEW posthorn.server_health IS 'What outside of our tables can slow everything down; one row.';
COMMENT ON COLUMN posthorn.server_health.notify_queue_usage IS 'How full the queue of NOTIFY is, 0 to 1. It grows while a session that listens stays in a transaction; full, commits fail.';
COMMENT ON COLUMN posthorn.server_health.oldest_snapshot_at IS 'When the transaction began that holds the oldest snapshot.';
COMMENT ON COLUMN posthorn.server_health.oldest_snapshot_xids IS 'Transactions begun since.';
COMMENT ON COLUMN posthorn.server_health.oldest_snapshot_holder IS 'Who holds it; empty: nobody but this query.';
COMMENT ON COLUMN posthorn.server_health.hidden_sessions IS 'Sessions of this database that this role may not look into; none for members of pg_read_all_stats.';
COMMENT ON COLUMN posthorn.server_health.prepared_transactions IS 'Transactions of this database that are prepared and not ended.';
COMMENT ON COLUMN posthorn.server_health.slot_wal_bytes IS 'WAL kept for the replication slot that is furthest behind.';

GRANT SELECT ON posthorn.backlog, posthorn.backlog_by_tenant, posthorn.throughput, posthorn.errors_by_kind, posthorn.slowest_receivers
    TO posthorn_api, posthorn_readonly;
GRANT SELECT ON posthorn.dispatcher_leases, posthorn.unmatched_events, posthorn.table_health, posthorn.held_snapshots, posthorn.server_health
    TO posthorn_readonly;

-- the newest finished deliveries of everybody
CREATE INDEX webhook_deliveries_done_created_idx ON posthorn.webhook_deliveries_done (created_at);
-- the newest of a status as the view below has it, but for what nearly every delivery becomes; not by upper(), which row security keeps
-- from being looked up in an index
CREATE INDEX webhook_deliveries_done_plain_status_idx ON posthorn.webhook_deliveries_done (
    (CASE status
        WHEN 'pending' THEN 'PENDING' WHEN 'retrying' THEN 'PENDING' WHEN 'sending' THEN 'SENDING' WHEN 'delivered' THEN 'DELIVERED'
        WHEN 'failed' THEN 'FAILED' WHEN 'abandoned' THEN 'FAILED' WHEN 'cancelled' THEN 'CANCELLED' END), created_at)
    WHERE CASE status
        WHEN 'pending' THEN 'PENDING' WHEN 'retrying' THEN 'PENDING' WHEN 'sending' THEN 'SENDING' WHEN 'delivered' THEN 'DELIVERED'
        WHEN 'failed' THEN 'FAILED' WHEN 'abandoned' THEN 'FAILED' WHEN 'cancelled' THEN 'CANCELLED' END <> 'DELIVERED';

-- The schema is made by sql/schema/bootstrap.sql: this role may make none.
CREATE VIEW posthorn_webhooks.webhook_deliveries WITH (security_invoker) AS
SELECT d.id, d.tenant_id, d.event_id, d.subscription_id, d.event,
    CASE WHEN (SELECT has_column_privilege('posthorn.outbox', 'payload', 'SELECT') OR has_function_privilege('posthorn.own_payload(uuid)', 'EXECUTE'))
        THEN posthorn.payload_of(d.event_id) END AS payload, s.url AS target_url,
    CASE d.status
        WHEN 'pending' THEN 'PENDING' WHEN 'retrying' THEN 'PENDING' WHEN 'sending' THEN 'SENDING' WHEN 'delivered' THEN 'DELIVERED'
        WHEN 'failed' THEN 'FAILED' WHEN 'abandoned' THEN 'FAILED' WHEN 'cancelled' THEN 'CANCELLED' END AS status,
    d.attempts, d.last_error, d.created_at, d.updated_at, d.status AS state
FROM posthorn.webhook_deliveries d
LEFT JOIN posthorn.webhook_subscriptions s ON s.id = d.subscription_id;
COMMENT ON VIEW posthorn_webhooks.webhook_deliveries IS
    'Every delivery, with receiver and payload. Quick by id, event_id, tenant_id or status and for the newest (ORDER BY created_at DESC LIMIT …); anything else reads all there are. With every column: posthorn.webhook_deliveries.';
COMMENT ON COLUMN posthorn_webhooks.webhook_deliveries.id IS 'The delivery.';
COMMENT ON COLUMN posthorn_webhooks.webhook_deliveries.tenant_id IS 'Whose.';
COMMENT ON COLUMN posthorn_webhooks.webhook_deliveries.event_id IS 'What happened: posthorn.outbox.id, and the webhook-id of what is sent.';
COMMENT ON COLUMN posthorn_webhooks.webhook_deliveries.subscription_id IS 'To whom.';
COMMENT ON COLUMN posthorn_webhooks.webhook_deliveries.event IS 'Event type.';
COMMENT ON COLUMN posthorn_webhooks.webhook_deliveries.payload IS 'The event''s payload; NULL where the role may not read payloads, as posthorn_readonly may not.';
COMMENT ON COLUMN posthorn_webhooks.webhook_deliveries.target_url IS 'The subscription''s URL as it is now.';
COMMENT ON COLUMN posthorn_webhooks.webhook_deliveries.status IS 'PENDING (a retry that waits included), SENDING, DELIVERED, FAILED (refused for good or given up), CANCELLED.';
COMMENT ON COLUMN posthorn_webhooks.webhook_deliveries.attempts IS 'Attempts made.';
COMMENT ON COLUMN posthorn_webhooks.webhook_deliveries.last_error IS 'The last failure in words.';
COMMENT ON COLUMN posthorn_webhooks.webhook_deliveries.created_at IS 'When it was made.';
COMMENT ON COLUMN posthorn_webhooks.webhook_deliveries.updated_at IS 'When it last changed.';
COMMENT ON COLUMN posthorn_webhooks.webhook_deliveries.state IS 'The status as posthorn.webhook_deliveries has it: pending, sending, retrying, delivered, failed, abandoned, cancelled.';

CREATE VIEW posthorn_webhooks.webhook_subscriptions WITH (security_invoker) AS
SELECT s.id, s.tenant_id, p.pattern AS event, s.url, s.active, s.status, s.description, s.created_at, s.updated_at
FROM posthorn.webhook_subscriptions s
CROSS JOIN LATERAL unnest(s.events) AS p (pattern)
WHERE s.status <> 'deleted'
UNION ALL
SELECT s.id, s.tenant_id, t.name, s.url, s.active, s.status, s.description, s.created_at, s.updated_at
FROM (SELECT y.name, y.tenant_id, posthorn.event_patterns(y.name) AS patterns FROM posthorn.event_types y OFFSET 0) t
JOIN posthorn.webhook_subscriptions s ON (t.tenant_id IS NULL OR t.tenant_id = s.tenant_id)
    AND s.events && t.patterns AND NOT t.name = ANY (s.events)
WHERE s.status <> 'deleted';
COMMENT ON VIEW posthorn_webhooks.webhook_subscriptions IS
    'Subscriptions, a row for each event: those they name, and those of the catalogue that their patterns match. Whole: posthorn.webhook_subscriptions.';
COMMENT ON COLUMN posthorn_webhooks.webhook_subscriptions.id IS 'The subscription.';
COMMENT ON COLUMN posthorn_webhooks.webhook_subscriptions.tenant_id IS 'Whose.';
COMMENT ON COLUMN posthorn_webhooks.webhook_subscriptions.event IS 'Event type or pattern that it wants.';
COMMENT ON COLUMN posthorn_webhooks.webhook_subscriptions.url IS 'Its receiver.';
COMMENT ON COLUMN posthorn_webhooks.webhook_subscriptions.active IS 'Whether events reach it.';
COMMENT ON COLUMN posthorn_webhooks.webhook_subscriptions.status IS 'active, inactive or suspended.';
COMMENT ON COLUMN posthorn_webhooks.webhook_subscriptions.description IS 'For people.';
COMMENT ON COLUMN posthorn_webhooks.webhook_subscriptions.created_at IS 'When it was made.';
COMMENT ON COLUMN posthorn_webhooks.webhook_subscriptions.updated_at IS 'When it was last changed.';

COMMENT ON SCHEMA posthorn_webhooks IS 'Deliveries and subscriptions in a plain shape, for short queries: SET search_path = posthorn_webhooks.';
GRANT USAGE ON SCHEMA posthorn_webhooks TO posthorn_api, posthorn_readonly;
GRANT SELECT ON posthorn_webhooks.webhook_deliveries, posthorn_webhooks.webhook_subscriptions TO posthorn_api, posthorn_readonly;
