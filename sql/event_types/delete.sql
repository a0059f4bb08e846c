-- event_types/delete: deletes an own type of the current tenant. $1 name text; index: one_type_per_name; locks: the row
DELETE FROM posthorn.event_types t
WHERE t.tenant_id = (SELECT posthorn.current_tenant()) AND t.name = $1::text
RETURNING t.name
