-- own_keys/revoke: refuses a tenant's API key from now on; a second time changes nothing.
-- $1 tenant uuid, $2 key id text; index: primary key; locks: the row
UPDATE posthorn.api_keys
SET revoked_at = coalesce(revoked_at, now())
WHERE tenant_id = $1::uuid AND id = $2::text
RETURNING id
