-- keys/find: whose an API key is, its hash and scopes; the one question asked before a tenant is known.
-- $1 key id text; index: primary key
SELECT k.tenant_id, k.secret_sha256, k.is_valid, k.scopes
FROM posthorn.identify_api_key($1::text) k
