-- What: an event may carry an idempotency key: published again with the same key, it is stored once.
-- Why:  a module that does not know whether its transaction was committed, or that is called twice, publishes again. The mark is made
--       by the transaction that publishes and dies with it; a concurrent transaction with the same key waits for that one.
--       A trigger, so that it holds for INSERT, COPY and the functions alike; of rows without a key it costs a look at a NULL.
-- Lock: ACCESS EXCLUSIVE on outbox for a moment. Safe beside an older binary: yes, which forgets no keys.
-- NOT VALID: V39 looks at the rows that are there
ALTER TABLE posthorn.outbox ADD COLUMN idempotency_key text,
    ADD CONSTRAINT idempotency_key_is_1_to_200_printable_characters CHECK (idempotency_key ~ '^[^[:cntrl:]]{1,200}$') NOT VALID;
COMMENT ON COLUMN posthorn.outbox.idempotency_key IS 'Of events of a tenant with the same key within 7 days only the first is stored. Publishing waits for an open transaction that published with the key.';
GRANT INSERT (idempotency_key) ON posthorn.outbox TO posthorn_publisher;
GRANT SELECT (idempotency_key) ON posthorn.outbox TO posthorn_readonly;

CREATE TABLE posthorn.published_keys (
    tenant_id uuid NOT NULL,
    idempotency_key text NOT NULL,
    event_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT published_keys_pkey PRIMARY KEY (tenant_id, idempotency_key),
    -- the same words as the outbox's: whichever looks first
    CONSTRAINT idempotency_key_is_1_to_200_printable_characters CHECK (idempotency_key ~ '^[^[:cntrl:]]{1,200}$')
);
-- which are older than 7 days?
CREATE INDEX published_keys_created_idx ON posthorn.published_keys (created_at);
COMMENT ON TABLE posthorn.published_keys IS 'Idempotency keys of the events of the last 7 days.';
COMMENT ON COLUMN posthorn.published_keys.tenant_id IS 'Whose event.';
COMMENT ON COLUMN posthorn.published_keys.idempotency_key IS 'The key it was published with.';
COMMENT ON COLUMN posthorn.published_keys.event_id IS 'The event that was stored.';
COMMENT ON COLUMN posthorn.published_keys.created_at IS 'Start of the publishing transaction.';
ALTER TABLE posthorn.published_keys ENABLE ROW LEVEL SECURITY;
CREATE POLICY every_row_read ON posthorn.published_keys FOR SELECT TO posthorn_readonly USING (true);
GRANT SELECT ON posthorn.published_keys TO posthorn_readonly;

CREATE FUNCTION posthorn.claim_idempotency_key() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
BEGIN
    -- waits for a transaction that has claimed it and is still open
    INSERT INTO published_keys (tenant_id, idempotency_key, event_id)
    VALUES (NEW.tenant_id, NEW.idempotency_key, NEW.id) ON CONFLICT DO NOTHING;
    -- its own: a row that is put back, say from a dump
    IF FOUND OR EXISTS (SELECT FROM published_keys k
            WHERE k.tenant_id = NEW.tenant_id AND k.idempotency_key = NEW.idempotency_key AND k.event_id = NEW.id) THEN
        RETURN NEW;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION posthorn.claim_idempotency_key() IS 'Trigger: leaves an event out whose idempotency key another one has.';
CREATE TRIGGER claim_idempotency_key BEFORE INSERT ON posthorn.outbox
    FOR EACH ROW WHEN (NEW.idempotency_key IS NOT NULL AND NEW.tenant_id IS NOT NULL) EXECUTE FUNCTION posthorn.claim_idempotency_key();

CREATE FUNCTION posthorn.forget_published_keys(max_rows integer) RETURNS integer
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
    WITH old AS (
        SELECT k.tenant_id, k.idempotency_key FROM published_keys k
        WHERE k.created_at < now() - interval '7 days'
        ORDER BY k.created_at LIMIT max_rows
        FOR UPDATE SKIP LOCKED),
    gone AS (
        DELETE FROM published_keys k USING old o
        WHERE k.tenant_id = o.tenant_id AND k.idempotency_key = o.idempotency_key
        RETURNING 1)
    SELECT count(*)::integer FROM gone
$$;
COMMENT ON FUNCTION posthorn.forget_published_keys(integer) IS 'Deletes at most so many idempotency keys of events older than 7 days, and says how many.';
GRANT EXECUTE ON FUNCTION posthorn.forget_published_keys(integer) TO posthorn_api, posthorn_dispatcher;
