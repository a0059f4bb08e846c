-- tenant/change: what a tenant may change of itself.
-- $1 tenant uuid, $2 name text, $3 strict event types boolean (each NULL: as it is); index: primary key; locks: the row
UPDATE posthorn.tenants
SET name = coalesce($2::text, name), strict_event_types = coalesce($3::boolean, strict_event_types)
WHERE id = $1::uuid
RETURNING id, name, max_in_flight, strict_event_types, is_operator, created_at, disabled_at
