-- keys/list: API keys without their hashes, newest first.
-- $1 tenant uuid (NULL: all); index: api_keys_tenant_idx; role: owner
SELECT k.id, k.tenant_id, k.name, k.scopes, k.created_at, k.expires_at, k.last_used_at, k.revoked_at
FROM posthorn.api_keys k
WHERE ($1::uuid IS NULL OR k.tenant_id = $1::uuid)
ORDER BY k.created_at DESC, k.id
