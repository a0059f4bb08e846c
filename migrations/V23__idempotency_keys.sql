-- What: answers to requests that carried an Idempotency-Key, for a day.
-- Why:  a caller that heard no answer asks again and must not act twice; the answer is stored by the transaction that acts.
-- Lock: none. Safe beside an older binary: yes, which does not know the header.
CREATE TABLE posthorn.idempotency_keys (
    tenant_id uuid NOT NULL,
    route text NOT NULL,
    key text NOT NULL,
    request_sha256 bytea NOT NULL,
    answer bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (tenant_id, route, key),
    CONSTRAINT key_is_1_to_255_characters CHECK (char_length(key) BETWEEN 1 AND 255),
    CONSTRAINT request_is_a_sha256 CHECK (octet_length(request_sha256) = 32),
    CONSTRAINT answer_is_sealed_not_plain CHECK (octet_length(answer) >= 43 AND get_byte(answer, 0) = 1)
);
-- which are older than a day?
CREATE INDEX idempotency_keys_created_idx ON posthorn.idempotency_keys (created_at);
COMMENT ON TABLE posthorn.idempotency_keys IS 'Requests of the last 24 hours that carried an Idempotency-Key, and what was answered.';
COMMENT ON COLUMN posthorn.idempotency_keys.tenant_id IS 'Whose request.';
COMMENT ON COLUMN posthorn.idempotency_keys.route IS 'Method and path beneath the API''s base.';
COMMENT ON COLUMN posthorn.idempotency_keys.key IS 'The header Idempotency-Key.';
COMMENT ON COLUMN posthorn.idempotency_keys.request_sha256 IS 'SHA-256 of query and body: the same key with another request is refused.';
COMMENT ON COLUMN posthorn.idempotency_keys.answer IS 'Status, headers and body, sealed with the keyring: some answers show a secret.';
COMMENT ON COLUMN posthorn.idempotency_keys.created_at IS 'When it was answered.';

ALTER TABLE posthorn.idempotency_keys ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON posthorn.idempotency_keys TO posthorn_api
    USING (tenant_id = (SELECT posthorn.current_tenant())) WITH CHECK (tenant_id = (SELECT posthorn.current_tenant()));
GRANT SELECT, INSERT (tenant_id, route, key, request_sha256, answer), UPDATE (request_sha256, answer, created_at)
    ON posthorn.idempotency_keys TO posthorn_api;

CREATE FUNCTION posthorn.forget_idempotency_keys(max_rows integer) RETURNS integer
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
    WITH old AS (
        SELECT k.tenant_id, k.route, k.key FROM idempotency_keys k
        WHERE k.created_at < now() - interval '24 hours'
        ORDER BY k.created_at LIMIT max_rows
        FOR UPDATE SKIP LOCKED),
    gone AS (
        DELETE FROM idempotency_keys k USING old o
        WHERE k.tenant_id = o.tenant_id AND k.route = o.route AND k.key = o.key
        RETURNING 1)
    SELECT count(*)::integer FROM gone
$$;
COMMENT ON FUNCTION posthorn.forget_idempotency_keys(integer) IS 'Deletes at most so many answers older than 24 hours, and says how many.';
GRANT EXECUTE ON FUNCTION posthorn.forget_idempotency_keys(integer) TO posthorn_api, posthorn_dispatcher;
