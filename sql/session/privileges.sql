-- session/privileges: what the effective and the login role could do beyond row security, and durability of commits.
SELECT current_user::text AS effective_role, m.might AS too_mighty, m.mend,
    -- its policies are asked by nobody
    (SELECT min(c.relname)::text FROM pg_class c
     WHERE c.relnamespace = 'posthorn'::regnamespace AND NOT c.relrowsecurity
       AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid)) AS unguarded_table,
    session_user::text AS login_role, l.rolsuper AS is_superuser_login,
    current_setting('synchronous_commit') AS synchronous_commit, current_setting('fsync') AS fsync,
    current_setting('server_version_num')::int AS server_version
FROM pg_roles l
-- itself first, then whatever it is a member of: that it has already, or becomes by SET ROLE
LEFT JOIN LATERAL (
    SELECT CASE WHEN r.rolname <> current_user THEN 'is a member of ' || r.rolname
                WHEN r.rolsuper THEN 'is a superuser' WHEN r.rolbypassrls THEN 'has BYPASSRLS'
                ELSE 'owns tables of the schema posthorn' END AS might,
        CASE WHEN r.rolname <> current_user THEN format('REVOKE %I FROM %I', r.rolname, current_user)
             WHEN r.rolsuper THEN format('ALTER ROLE %I NOSUPERUSER', r.rolname)
             WHEN r.rolbypassrls THEN format('ALTER ROLE %I NOBYPASSRLS', r.rolname)
             ELSE format('REASSIGN OWNED BY %I TO posthorn_owner', r.rolname) END AS mend
    FROM pg_roles r
    WHERE pg_has_role(current_user, r.oid, 'MEMBER')
      AND (r.rolsuper OR r.rolbypassrls
           OR EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = 'posthorn'::regnamespace AND c.relowner = r.oid)
           -- whose policies show every tenant's rows, or whose rights reach every tenant
           OR current_user = 'posthorn_api'
              AND r.rolname IN ('posthorn_dispatcher', 'posthorn_admin', 'posthorn_readonly', 'posthorn_publisher', 'posthorn_rekey'))
    ORDER BY r.rolname <> current_user, r.rolname LIMIT 1
) m ON true
WHERE l.rolname = session_user
