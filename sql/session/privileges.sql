-- session/privileges: what the effective and the login role could do beyond row security, and durability of commits.
SELECT current_user::text AS effective_role, e.rolsuper OR e.rolbypassrls OR current_user = 'posthorn_owner' AS is_too_mighty,
    session_user::text AS login_role, l.rolsuper AS is_superuser_login,
    current_setting('synchronous_commit') AS synchronous_commit, current_setting('fsync') AS fsync,
    current_setting('server_version_num')::int AS server_version
FROM pg_roles e, pg_roles l
WHERE e.rolname = current_user AND l.rolname = session_user
