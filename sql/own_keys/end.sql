-- own_keys/end: from when an API key is refused.
-- $1 tenant uuid, $2 key id text; index: primary key
SELECT k.expires_at FROM posthorn.api_keys k WHERE k.tenant_id = $1::uuid AND k.id = $2::text
