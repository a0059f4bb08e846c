-- keys/add: stores the hash of a new API key.
-- $1 key id text, $2 tenant uuid, $3 name text, $4 SHA-256 bytea, $5 scopes text[], $6 expiry timestamptz (NULL: never)
INSERT INTO posthorn.api_keys (id, tenant_id, name, secret_sha256, scopes, expires_at)
VALUES ($1::text, $2::uuid, $3::text, $4::bytea, $5::text[], $6::timestamptz)
RETURNING id, tenant_id, name, scopes, created_at, expires_at, last_used_at, revoked_at
