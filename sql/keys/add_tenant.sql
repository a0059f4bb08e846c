-- keys/add_tenant: the tenant of a new key, if it is not there yet; answers with a row when it was made.
-- $1 tenant uuid, $2 name text; index: primary key; role: owner
INSERT INTO posthorn.tenants (id, name)
VALUES ($1::uuid, $2::text)
ON CONFLICT (id) DO NOTHING
RETURNING id
