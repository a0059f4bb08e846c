-- What: who is dispatching, and who may call the API. Lock: none. Safe beside an older binary: yes.
CREATE TABLE posthorn.dispatchers (
    id uuid NOT NULL DEFAULT posthorn.uuid7(),
    host text NOT NULL,
    pid integer NOT NULL,
    version text NOT NULL,
    concurrency integer NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL DEFAULT now(),
    stopped_at timestamptz,
    CONSTRAINT dispatchers_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE posthorn.dispatchers IS 'Dispatcher processes; one is alive while seen_at is recent and stopped_at is NULL.';
COMMENT ON COLUMN posthorn.dispatchers.id IS 'One per start of a process.';
COMMENT ON COLUMN posthorn.dispatchers.host IS 'Host name.';
COMMENT ON COLUMN posthorn.dispatchers.pid IS 'Process id on that host.';
COMMENT ON COLUMN posthorn.dispatchers.version IS 'Version of the binary.';
COMMENT ON COLUMN posthorn.dispatchers.concurrency IS 'Deliveries it may have in flight.';
COMMENT ON COLUMN posthorn.dispatchers.started_at IS 'When it started.';
COMMENT ON COLUMN posthorn.dispatchers.seen_at IS 'Its last sign of life; one every 5 seconds.';
COMMENT ON COLUMN posthorn.dispatchers.stopped_at IS 'When it stopped in good order.';
GRANT SELECT ON posthorn.dispatchers TO posthorn_dispatcher, posthorn_readonly;
GRANT INSERT (host, pid, version, concurrency), UPDATE (seen_at, stopped_at), DELETE
    ON posthorn.dispatchers TO posthorn_dispatcher;

CREATE TABLE posthorn.api_keys (
    id text NOT NULL,
    tenant_id uuid NOT NULL REFERENCES posthorn.tenants (id) ON DELETE CASCADE,
    name text NOT NULL DEFAULT '',
    secret_sha256 bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz,
    CONSTRAINT api_keys_pkey PRIMARY KEY (id),
    CONSTRAINT id_is_10_letters_or_digits CHECK (id ~ '^[A-Za-z0-9]{10}$'),
    CONSTRAINT secret_is_a_sha256 CHECK (octet_length(secret_sha256) = 32),
    CONSTRAINT name_is_at_most_200_characters CHECK (char_length(name) <= 200)
);
CREATE INDEX api_keys_tenant_idx ON posthorn.api_keys (tenant_id);
COMMENT ON TABLE posthorn.api_keys IS 'Keys of the REST API. The key itself is shown once and not kept; it has 256 random bits, so a plain hash suffices.';
COMMENT ON COLUMN posthorn.api_keys.id IS 'The part of the key between phk_ and the second underscore.';
COMMENT ON COLUMN posthorn.api_keys.tenant_id IS 'Whom the key acts for.';
COMMENT ON COLUMN posthorn.api_keys.name IS 'For people.';
COMMENT ON COLUMN posthorn.api_keys.secret_sha256 IS 'SHA-256 of the part after the second underscore.';
COMMENT ON COLUMN posthorn.api_keys.created_at IS 'When it was made.';
COMMENT ON COLUMN posthorn.api_keys.revoked_at IS 'Since when it is refused.';
GRANT SELECT (id, tenant_id, name, created_at, revoked_at) ON posthorn.api_keys TO posthorn_readonly;

-- The API knows no tenant before it has looked up the key, so row security cannot serve this one question.
CREATE FUNCTION posthorn.find_api_key(key_id text)
RETURNS TABLE (tenant_id uuid, secret_sha256 bytea, revoked boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$ SELECT k.tenant_id, k.secret_sha256, k.revoked_at IS NOT NULL FROM api_keys k WHERE k.id = key_id $$;
COMMENT ON FUNCTION posthorn.find_api_key(text) IS 'Tenant and hash of an API key, for the API''s authentication alone.';
GRANT EXECUTE ON FUNCTION posthorn.find_api_key(text) TO posthorn_api;
