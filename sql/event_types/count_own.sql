-- event_types/count_own: how many types of its own the current tenant has. Index: one_type_per_name
SELECT count(*) AS types
FROM posthorn.event_types t
WHERE t.tenant_id = (SELECT posthorn.current_tenant())
