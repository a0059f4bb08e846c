-- doctor/holders: who keeps dead rows of the queue from being cleaned away, or WAL from being removed.
-- $1 seconds from which a transaction is long float8
SELECT to_jsonb(h) AS facts FROM (
    SELECT 'session' AS kind, a.pid::text AS name, concat_ws(', ', a.usename, nullif(a.application_name, ''), a.state) AS who,
        extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS seconds, 0::bigint AS bytes
    FROM pg_stat_activity a
    WHERE (a.backend_xmin IS NOT NULL OR a.backend_xid IS NOT NULL OR a.state = 'idle in transaction') AND a.pid <> pg_backend_pid()
      AND a.backend_type = 'client backend' AND a.datname = current_database() AND a.xact_start <= clock_timestamp() - make_interval(secs => $1::float8)
    UNION ALL
    SELECT 'prepared transaction', p.gid, p.owner::text, extract(epoch FROM clock_timestamp() - p.prepared)::float8, 0
    FROM pg_prepared_xacts p
    WHERE p.database = current_database() AND p.prepared <= clock_timestamp() - make_interval(secs => $1::float8)
    UNION ALL
    SELECT 'replication slot', r.slot_name::text, coalesce(r.plugin::text, 'physical'), NULL,
        pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, r.restart_lsn)::bigint
    FROM pg_replication_slots r
    WHERE NOT r.active) h
ORDER BY h.seconds DESC NULLS LAST
LIMIT 20
