-- keys/add: stores the hash of a new API key.
-- $1 key id text, $2 tenant uuid, $3 name text, $4 SHA-256 bytea; role: owner
INSERT INTO posthorn.api_keys (id, tenant_id, name, secret_sha256)
VALUES ($1::text, $2::uuid, $3::text, $4::bytea)
RETURNING created_at
