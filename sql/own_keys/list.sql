-- own_keys/list: a page of a tenant's API keys, newest first, without those made for a day at most that have ended.
-- $1 tenant uuid, $2 cursor: id text of the last key seen (NULL: from the start), $3 rows; index: api_keys_tenant_idx
SELECT k.id, k.tenant_id, k.name, k.scopes, k.created_at, k.expires_at, k.last_used_at, k.revoked_at
FROM posthorn.api_keys k
WHERE k.tenant_id = $1::uuid AND ($2::text IS NULL OR (k.created_at, k.id) < (
    SELECT c.created_at, c.id FROM posthorn.api_keys c WHERE c.tenant_id = $1::uuid AND c.id = $2::text))
    -- as posthorn.forget_short_lived_keys() has it
    AND (k.expires_at <= k.created_at + interval '25 hours' AND least(k.expires_at, k.revoked_at) <= now()) IS NOT TRUE
ORDER BY k.created_at DESC, k.id DESC
LIMIT $3::bigint
