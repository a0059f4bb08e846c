-- event_types/get: one type as the current tenant sees it: its own, else the common one.
-- $1 name text; index: one_type_per_name
SELECT t.name, t.group_name, t.description, t.tenant_id IS NOT NULL AS is_own, t.is_strict, t.is_deprecated,
    t.json_schema::text AS json_schema, t.example::text AS example, t.created_at, t.updated_at
FROM posthorn.event_types t
WHERE t.name = $1::text AND (t.tenant_id IS NULL OR t.tenant_id = (SELECT posthorn.current_tenant()))
ORDER BY t.tenant_id NULLS LAST
LIMIT 1
