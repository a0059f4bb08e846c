-- What: requests that are made on demand, to see what a receiver answers.
-- Why:  only a dispatcher talks to strangers and opens secrets; the API asks for one here and waits for the answer.
-- Lock: none. Safe beside an older binary: yes; one that is alone answers none.
-- UNLOGGED: whoever asked is waiting for the answer, and after a crash is no longer.
CREATE UNLOGGED TABLE posthorn.test_sends (
    id uuid NOT NULL DEFAULT posthorn.uuid7(),
    tenant_id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    event text NOT NULL,
    payload jsonb NOT NULL,
    resource_type text,
    resource_id text,
    metadata jsonb,
    requested_at timestamptz NOT NULL DEFAULT now(),
    taken_at timestamptz,
    answer json,
    CONSTRAINT test_sends_pkey PRIMARY KEY (id)
);
-- how many does a tenant wait for?
CREATE INDEX test_sends_tenant_idx ON posthorn.test_sends (tenant_id, requested_at);
COMMENT ON TABLE posthorn.test_sends IS 'Requests made on demand to see what a receiver answers; kept for ten minutes.';
COMMENT ON COLUMN posthorn.test_sends.id IS 'UUIDv7; the webhook-id of the request.';
COMMENT ON COLUMN posthorn.test_sends.tenant_id IS 'Whose.';
COMMENT ON COLUMN posthorn.test_sends.subscription_id IS 'To whom.';
COMMENT ON COLUMN posthorn.test_sends.event IS 'Event type it pretends to be of.';
COMMENT ON COLUMN posthorn.test_sends.payload IS 'The data.';
COMMENT ON COLUMN posthorn.test_sends.resource_type IS 'Kind of the thing it is about.';
COMMENT ON COLUMN posthorn.test_sends.resource_id IS 'Id of the thing it is about.';
COMMENT ON COLUMN posthorn.test_sends.metadata IS 'The event''s metadata.';
COMMENT ON COLUMN posthorn.test_sends.requested_at IS 'When it was asked for.';
COMMENT ON COLUMN posthorn.test_sends.taken_at IS 'When a dispatcher took it; it is made once or not at all.';
COMMENT ON COLUMN posthorn.test_sends.answer IS 'The request as it was made, without credentials, and what came of it.';
ALTER TABLE posthorn.test_sends ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON posthorn.test_sends TO posthorn_api
    USING (tenant_id = (SELECT posthorn.current_tenant())) WITH CHECK (tenant_id = (SELECT posthorn.current_tenant()));
CREATE POLICY every_row ON posthorn.test_sends TO posthorn_dispatcher USING (true) WITH CHECK (true);
GRANT SELECT, INSERT (tenant_id, subscription_id, event, payload, resource_type, resource_id, metadata) ON posthorn.test_sends TO posthorn_api;
GRANT SELECT, UPDATE (taken_at, answer), DELETE ON posthorn.test_sends TO posthorn_dispatcher;

CREATE FUNCTION posthorn.call_tester() RETURNS trigger
LANGUAGE plpgsql SET search_path = posthorn, pg_temp
AS $$
BEGIN
    NOTIFY posthorn_tests;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION posthorn.call_tester() IS 'Trigger: tells dispatchers that a test is wanted.';
CREATE TRIGGER call_tester AFTER INSERT ON posthorn.test_sends FOR EACH STATEMENT EXECUTE FUNCTION posthorn.call_tester();
