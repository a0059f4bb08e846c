-- monitoring/held: what keeps dead rows from being cleaned away, as far as our role may see it.
SELECT coalesce(max(extract(epoch FROM now() - h.since_at)), 0)::float8 AS oldest_seconds,
    coalesce(max(h.xids), 0)::int8 AS oldest_xids,
    (SELECT count(*) FROM pg_stat_activity a
     WHERE a.query = '<insufficient privilege>' AND a.datname = current_database()) AS hidden_sessions,
    pg_notification_queue_usage() AS notify_queue_usage
FROM (
    -- a vacuum's own snapshot holds nobody up
    SELECT a.xact_start AS since_at, greatest(age(a.backend_xmin), age(a.backend_xid)) AS xids
    FROM pg_stat_activity a
    WHERE (a.backend_xmin IS NOT NULL OR a.backend_xid IS NOT NULL) AND a.pid <> pg_backend_pid()
      AND coalesce(a.datname = current_database(), true) AND a.backend_type <> 'autovacuum worker'
    UNION ALL
    SELECT p.prepared, age(p.transaction) FROM pg_prepared_xacts p WHERE p.database = current_database()
    UNION ALL
    SELECT NULL, greatest(age(r.xmin), age(r.catalog_xmin)) FROM pg_replication_slots r
    WHERE r.xmin IS NOT NULL OR r.catalog_xmin IS NOT NULL) h
