-- event_types/list: the catalogue that the current tenant sees, by group; an own type hides the common one of its name.
-- $1 group text, $2 whether own bool (each NULL: any); index: one_type_per_name
SELECT t.name, t.group_name, t.description, t.tenant_id IS NOT NULL AS is_own, t.is_strict, t.is_deprecated,
    t.json_schema IS NOT NULL AS has_json_schema
FROM posthorn.event_types t
WHERE ($1::text IS NULL OR t.group_name = $1::text)
  AND ($2::bool IS NULL OR (t.tenant_id IS NOT NULL) = $2::bool)
  AND (t.tenant_id IS NOT NULL OR NOT EXISTS (
      SELECT FROM posthorn.event_types o WHERE o.tenant_id = (SELECT posthorn.current_tenant()) AND o.name = t.name))
ORDER BY t.group_name, t.name
