-- doctor/parts: indexes, triggers, row security and grants of our tables and functions, as a list; see src/cli/doctor/parts.txt.
WITH ours AS (
    SELECT c.oid, c.relname::text AS name, c.relkind, c.relowner, c.relacl, c.relrowsecurity,
        -- those that are made for a day, or for no day in particular, come and go with their parent's
        c.relispartition AND c.relname ~ '_(\d{8}|default)$' AS is_day
    FROM pg_class c WHERE c.relnamespace = 'posthorn'::regnamespace AND c.relkind IN ('r', 'p', 'v')
), parts AS (
    SELECT 'index' AS kind, t.name AS owner, i.relname::text AS name, x.indisvalid AND x.indisready AS is_sound,
        CASE WHEN k.oid IS NULL THEN pg_get_indexdef(i.oid)
            ELSE format('ALTER TABLE posthorn.%I ADD CONSTRAINT %I %s', t.name, k.conname, pg_get_constraintdef(k.oid)) END AS made_by,
        -- of a partition, unless it is the partition's own
        t.is_day OR EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = i.oid) AS is_derived
    FROM ours t
    JOIN pg_index x ON x.indrelid = t.oid
    JOIN pg_class i ON i.oid = x.indexrelid
    LEFT JOIN pg_constraint k ON k.conindid = i.oid AND k.conrelid = t.oid AND k.contype IN ('p', 'u')
    UNION ALL
    SELECT 'trigger', t.name, g.tgname::text, g.tgenabled IN ('O', 'A'), pg_get_triggerdef(g.oid), t.is_day OR g.tgparentid <> 0
    FROM ours t JOIN pg_trigger g ON g.tgrelid = t.oid AND NOT g.tgisinternal
    UNION ALL
    SELECT 'row security', t.name, '', t.relrowsecurity, format('ALTER TABLE posthorn.%I ENABLE ROW LEVEL SECURITY', t.name), t.is_day
    FROM ours t WHERE EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = t.oid)
    UNION ALL
    SELECT 'policy', t.name, p.polname::text, true,
        format('CREATE POLICY %I ON posthorn.%I FOR %s TO %s', p.polname, t.name,
            CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
            (SELECT string_agg(coalesce(quote_ident(r.rolname), 'PUBLIC'), ', ' ORDER BY r.rolname) FROM unnest(p.polroles) AS m (oid) LEFT JOIN pg_roles r ON r.oid = m.oid))
        || coalesce(format(' USING (%s)', pg_get_expr(p.polqual, p.polrelid)), '') || coalesce(format(' WITH CHECK (%s)', pg_get_expr(p.polwithcheck, p.polrelid)), ''),
        t.is_day
    FROM ours t JOIN pg_policy p ON p.polrelid = t.oid
    UNION ALL
    SELECT 'grant', 'schema', format('%s TO %s', a.privilege_type, a.grantee::regrole), true,
        format('GRANT %s ON SCHEMA posthorn TO %s', a.privilege_type, a.grantee::regrole), false
    FROM pg_namespace n CROSS JOIN LATERAL aclexplode(n.nspacl) a WHERE n.nspname = 'posthorn' AND a.grantee NOT IN (0, n.nspowner)
    UNION ALL
    SELECT 'grant', t.name, format('%s TO %s', a.privilege_type, a.grantee::regrole), true,
        format('GRANT %s ON posthorn.%I TO %s', a.privilege_type, t.name, a.grantee::regrole), t.is_day
    FROM ours t CROSS JOIN LATERAL aclexplode(t.relacl) a WHERE a.grantee NOT IN (0, t.relowner)
    UNION ALL
    SELECT 'grant', t.name, format('%s (%I) TO %s', a.privilege_type, c.attname, a.grantee::regrole), true,
        format('GRANT %s (%I) ON posthorn.%I TO %s', a.privilege_type, c.attname, t.name, a.grantee::regrole), t.is_day
    FROM ours t JOIN pg_attribute c ON c.attrelid = t.oid AND NOT c.attisdropped
    CROSS JOIN LATERAL aclexplode(c.attacl) a WHERE a.grantee NOT IN (0, t.relowner)
    UNION ALL
    -- not as regprocedure has it, which goes by the login's search path
    SELECT 'grant', f.proname::text, format('EXECUTE (%s) TO %s', oidvectortypes(f.proargtypes), a.grantee::regrole), true,
        format('GRANT EXECUTE ON FUNCTION posthorn.%I(%s) TO %s', f.proname, oidvectortypes(f.proargtypes), a.grantee::regrole), false
    FROM pg_proc f CROSS JOIN LATERAL aclexplode(f.proacl) a
    WHERE f.pronamespace = 'posthorn'::regnamespace AND a.grantee NOT IN (0, f.proowner)
)
SELECT jsonb_build_object('kind', p.kind, 'owner', p.owner, 'name', p.name, 'is_sound', p.is_sound, 'made_by', regexp_replace(p.made_by, '\s+', ' ', 'g'), 'is_derived', p.is_derived) AS facts
FROM parts p
WHERE NOT p.is_derived OR NOT p.is_sound
ORDER BY p.kind COLLATE "C", p.owner COLLATE "C", p.name COLLATE "C"
