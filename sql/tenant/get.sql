-- tenant/get: one tenant.
-- $1 tenant uuid; index: primary key
SELECT t.id, t.name, t.max_in_flight, t.strict_event_types, t.is_operator, t.created_at, t.disabled_at
FROM posthorn.tenants t
WHERE t.id = $1::uuid
