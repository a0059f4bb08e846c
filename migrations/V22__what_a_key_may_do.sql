-- What: scopes, expiry and last use of API keys, row security on them, tenants that can be disabled.
-- Why:  a key that may only publish is worth less to a thief, and tenants look after their own keys.
-- Lock: ACCESS EXCLUSIVE on api_keys and tenants for moments. Safe beside an older binary: yes, to which a key with fewer
--       scopes, an expired key and one of a disabled tenant look revoked, for it knows none of the three.
ALTER TABLE posthorn.api_keys
    ADD COLUMN scopes text[] NOT NULL DEFAULT '{read,publish,manage,keys}',
    ADD COLUMN expires_at timestamptz,
    ADD COLUMN last_used_at timestamptz,
    ADD CONSTRAINT scopes_are_known CHECK (cardinality(scopes) BETWEEN 1 AND 4 AND scopes <@ '{read,publish,manage,keys}'::text[]);
COMMENT ON COLUMN posthorn.api_keys.scopes IS 'What the key may do: read, publish, manage, keys.';
COMMENT ON COLUMN posthorn.api_keys.expires_at IS 'From when it is refused; NULL: never.';
COMMENT ON COLUMN posthorn.api_keys.last_used_at IS 'When it was used last, to the minute.';

ALTER TABLE posthorn.tenants ADD COLUMN disabled_at timestamptz;
COMMENT ON COLUMN posthorn.tenants.disabled_at IS 'Since when the tenant''s keys and tokens are refused; NULL: they are not. Its events are delivered all the same.';

ALTER TABLE posthorn.api_keys ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON posthorn.api_keys TO posthorn_api
    USING (tenant_id = (SELECT posthorn.current_tenant())) WITH CHECK (tenant_id = (SELECT posthorn.current_tenant()));
CREATE POLICY every_row_read ON posthorn.api_keys FOR SELECT TO posthorn_readonly USING (true);
-- the hash can be written and never read
GRANT SELECT (id, tenant_id, name, scopes, created_at, expires_at, last_used_at, revoked_at),
    INSERT (id, tenant_id, name, secret_sha256, scopes, expires_at), UPDATE (revoked_at) ON posthorn.api_keys TO posthorn_api;
GRANT SELECT (scopes, expires_at, last_used_at) ON posthorn.api_keys TO posthorn_readonly;

CREATE POLICY own_row_changed ON posthorn.tenants FOR UPDATE TO posthorn_api
    USING (id = (SELECT posthorn.current_tenant())) WITH CHECK (id = (SELECT posthorn.current_tenant()));
GRANT UPDATE (name) ON posthorn.tenants TO posthorn_api;

CREATE FUNCTION posthorn.identify_api_key(key_id text)
RETURNS TABLE (tenant_id uuid, secret_sha256 bytea, is_valid boolean, scopes text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
    SELECT k.tenant_id, k.secret_sha256,
        k.revoked_at IS NULL AND coalesce(k.expires_at > now(), true) AND t.disabled_at IS NULL, k.scopes
    FROM api_keys k JOIN tenants t ON t.id = k.tenant_id
    WHERE k.id = key_id
$$;
COMMENT ON FUNCTION posthorn.identify_api_key(text) IS 'Whose an API key is, its hash and what it may do, for the API''s authentication alone.';
GRANT EXECUTE ON FUNCTION posthorn.identify_api_key(text) TO posthorn_api;

CREATE OR REPLACE FUNCTION posthorn.find_api_key(key_id text)
RETURNS TABLE (tenant_id uuid, secret_sha256 bytea, revoked boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
    SELECT k.tenant_id, k.secret_sha256, NOT k.is_valid OR NOT k.scopes @> '{read,publish,manage,keys}'::text[]
    FROM identify_api_key(key_id) k
$$;
COMMENT ON FUNCTION posthorn.find_api_key(text) IS
    'For binaries that do not know scopes: keys without all of them count as revoked. Superseded by identify_api_key.';

CREATE FUNCTION posthorn.note_key_use(key_id text) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
    UPDATE api_keys SET last_used_at = now()
    WHERE id = key_id AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
$$;
COMMENT ON FUNCTION posthorn.note_key_use(text) IS 'Notes that a key was used, at most once a minute.';
GRANT EXECUTE ON FUNCTION posthorn.note_key_use(text) TO posthorn_api;

-- Whether a tenant may be acted for is asked before the transaction that acts for it.
CREATE FUNCTION posthorn.is_tenant_enabled(tenant uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$ SELECT EXISTS (SELECT FROM tenants t WHERE t.id = tenant AND t.disabled_at IS NULL) $$;
COMMENT ON FUNCTION posthorn.is_tenant_enabled(uuid) IS 'Whether there is this tenant and it is not disabled; for tokens that name one.';
GRANT EXECUTE ON FUNCTION posthorn.is_tenant_enabled(uuid) TO posthorn_api;
