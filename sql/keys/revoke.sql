-- keys/revoke: refuses an API key from now on; a second time changes nothing.
-- $1 key id text; index: primary key; locks: the row; role: owner
UPDATE posthorn.api_keys
SET revoked_at = coalesce(revoked_at, now())
WHERE id = $1::text
RETURNING id, tenant_id, name, scopes, created_at, expires_at, last_used_at, revoked_at
