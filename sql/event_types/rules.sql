-- event_types/rules: of event names those that the current tenant is strict about, with their schema.
-- $1 names text[]; index: one_type_per_name
SELECT n.name, own.json_schema::text AS json_schema,
    NOT EXISTS (SELECT FROM posthorn.event_types t WHERE t.name = n.name) AS is_unknown
FROM unnest($1::text[]) AS n (name)
LEFT JOIN posthorn.event_types own ON own.tenant_id = (SELECT posthorn.current_tenant()) AND own.name = n.name
WHERE posthorn.is_checked_event((SELECT posthorn.current_tenant()), n.name)
