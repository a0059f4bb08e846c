-- admin/change_tenant: name, limit, whether it is disabled, and whether it is the operator's.
-- $1 tenant uuid, $2 name text, $3 is disabled boolean (each NULL: as it is), $4 whether $5 counts, $5 most in flight integer,
-- $6 is the operator's boolean (NULL: as it is)
UPDATE posthorn.tenants
SET name = coalesce($2::text, name),
    disabled_at = CASE WHEN $3::boolean THEN coalesce(disabled_at, now()) WHEN NOT $3::boolean THEN NULL ELSE disabled_at END,
    max_in_flight = CASE WHEN $4::boolean THEN $5::integer ELSE max_in_flight END,
    is_operator = coalesce($6::boolean, is_operator)
WHERE id = $1::uuid
RETURNING id, name, max_in_flight, strict_event_types, is_operator, created_at, disabled_at
