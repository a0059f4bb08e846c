-- tenant/rename: a tenant's name, by the tenant.
-- $1 tenant uuid, $2 name text (NULL: as it is); index: primary key; locks: the row
UPDATE posthorn.tenants
SET name = coalesce($2::text, name)
WHERE id = $1::uuid
RETURNING id, name, max_in_flight, created_at, disabled_at
