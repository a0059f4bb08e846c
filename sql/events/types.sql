-- events/types: the catalogue of event types that the current tenant sees, by group.
-- index: one_type_per_name
SELECT t.name, t.group_name, t.description, t.tenant_id IS NOT NULL AS is_own
FROM posthorn.event_types t
ORDER BY t.group_name, t.name
