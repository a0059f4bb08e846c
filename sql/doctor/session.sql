-- doctor/session: what the login finds as it comes in, before anything is set.
SELECT to_jsonb(f) AS facts FROM (
    SELECT current_setting('server_version_num')::int AS version, split_part(current_setting('server_version'), ' ', 1) AS version_text,
        session_user::text AS login, current_database()::text AS database, pg_is_in_recovery() AS is_standby,
        current_setting('max_connections')::int AS max_connections,
        current_setting('superuser_reserved_connections')::int + coalesce(current_setting('reserved_connections', true)::int, 0) AS reserved,
        (SELECT coalesce(sum(s.numbackends), 0)::int FROM pg_stat_database s) AS connected,
        (SELECT nullif(d.datconnlimit, -1) FROM pg_database d WHERE d.datname = current_database()) AS database_limit,
        (SELECT nullif(r.rolconnlimit, -1) FROM pg_roles r WHERE r.rolname = session_user) AS login_limit,
        (SELECT s.ssl FROM pg_stat_ssl s WHERE s.pid = pg_backend_pid()) AS is_encrypted,
        (SELECT jsonb_object_agg(s.name, jsonb_build_object('value', s.setting, 'source', s.source, 'context', s.context))
         FROM pg_settings s
         WHERE s.name IN ('fsync', 'full_page_writes', 'synchronous_commit', 'autovacuum', 'track_counts', 'default_transaction_read_only',
             'statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'idle_session_timeout', 'jit', 'jit_above_cost')) AS settings
) f
