-- keys/find: tenant and hash of an API key; the one question asked before a tenant is known.
-- $1 key id text; index: primary key
SELECT k.tenant_id, k.secret_sha256, k.revoked
FROM posthorn.find_api_key($1::text) k
