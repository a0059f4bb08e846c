-- admin/add_tenant: a new tenant; no row when the id is taken.
-- $1 id uuid (NULL: a new one), $2 name text, $3 most deliveries in flight integer (NULL: the server's share)
INSERT INTO posthorn.tenants (id, name, max_in_flight)
VALUES (coalesce($1::uuid, posthorn.uuid7()), $2::text, $3::integer)
ON CONFLICT (id) DO NOTHING
RETURNING id, name, max_in_flight, strict_event_types, is_operator, created_at, disabled_at
