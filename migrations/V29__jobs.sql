-- What: long work that a tenant asks for: retry, replay, backfill, cancel in bulk. Lock: none. Safe beside an older binary: yes,
--       it runs none of them.
-- Why:  a million rows in one transaction would hold locks, storm receivers and lose everything with one fault. A job goes on in
--       chunks; where it stands is written in the transaction of the chunk, so that whoever dies, none is done twice or left out.
CREATE TABLE posthorn.jobs (
    id uuid NOT NULL DEFAULT posthorn.uuid7(),
    tenant_id uuid NOT NULL REFERENCES posthorn.tenants (id) ON DELETE CASCADE,
    kind text NOT NULL,
    subscription_id uuid,
    filter jsonb NOT NULL DEFAULT '{}',
    state text NOT NULL DEFAULT 'waiting',
    total bigint NOT NULL,
    is_total_exact boolean NOT NULL,
    looked_at bigint NOT NULL DEFAULT 0,
    changed bigint NOT NULL DEFAULT 0,
    skipped bigint NOT NULL DEFAULT 0,
    position uuid NOT NULL,
    before_id uuid NOT NULL,
    failures integer NOT NULL DEFAULT 0,
    error text,
    created_by text,
    waits_for text[] NOT NULL DEFAULT '{}',
    due_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    updated_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    CONSTRAINT jobs_pkey PRIMARY KEY (id),
    CONSTRAINT jobs_subscription_fkey FOREIGN KEY (tenant_id, subscription_id)
        REFERENCES posthorn.webhook_subscriptions (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT kind_is_known CHECK (kind IN ('retry', 'replay', 'backfill', 'cancel')),
    CONSTRAINT replay_and_backfill_are_of_a_subscription CHECK (kind IN ('retry', 'cancel') OR subscription_id IS NOT NULL),
    CONSTRAINT state_is_known CHECK (state IN ('waiting', 'running', 'done', 'cancelled', 'failed')),
    CONSTRAINT finished_iff_at_its_end CHECK ((state IN ('done', 'cancelled', 'failed')) = (finished_at IS NOT NULL)),
    CONSTRAINT filter_is_an_object CHECK (jsonb_typeof(filter) = 'object'),
    CONSTRAINT error_is_at_most_500_characters CHECK (char_length(error) <= 500),
    CONSTRAINT created_by_is_at_most_200_characters CHECK (char_length(created_by) <= 200)
);
-- what are this tenant's newest jobs? (row security's own index)
CREATE INDEX jobs_tenant_idx ON posthorn.jobs (tenant_id, id);
-- which job goes on next?
CREATE INDEX jobs_due_idx ON posthorn.jobs (due_at) WHERE state IN ('waiting', 'running');
-- whose jobs go with a subscription that is removed?
CREATE INDEX jobs_subscription_idx ON posthorn.jobs (tenant_id, subscription_id);
COMMENT ON TABLE posthorn.jobs IS 'Long work in chunks, by whichever dispatcher takes it. Kept for 90 days after its end.';
COMMENT ON COLUMN posthorn.jobs.id IS 'UUIDv7.';
COMMENT ON COLUMN posthorn.jobs.tenant_id IS 'Whose.';
COMMENT ON COLUMN posthorn.jobs.kind IS 'retry: deliveries that were given up, again; replay: a subscription''s deliveries again, delivered ones too; backfill: a subscription gets events from before it; cancel: deliveries that wait are given up.';
COMMENT ON COLUMN posthorn.jobs.subscription_id IS 'Only of this subscription.';
COMMENT ON COLUMN posthorn.jobs.filter IS 'Which: statuses, event (name or pattern), error_kind, status_code, since, until; a key that is not there asks for nothing.';
COMMENT ON COLUMN posthorn.jobs.state IS 'waiting, running, done, cancelled (by someone), failed (error says why).';
COMMENT ON COLUMN posthorn.jobs.total IS 'How many it was about when it was made.';
COMMENT ON COLUMN posthorn.jobs.is_total_exact IS 'False: there were more than that; counting was cut short.';
COMMENT ON COLUMN posthorn.jobs.looked_at IS 'Rows looked at so far.';
COMMENT ON COLUMN posthorn.jobs.changed IS 'Deliveries made due, made anew or cancelled so far.';
COMMENT ON COLUMN posthorn.jobs.skipped IS 'Rows that met the filter and were left as they are: their subscription is not active, someone else held them, or they have their delivery already.';
COMMENT ON COLUMN posthorn.jobs.position IS 'Everything up to this id is done: of a delivery, of a backfill of an event.';
COMMENT ON COLUMN posthorn.jobs.before_id IS 'It is about ids below this one.';
COMMENT ON COLUMN posthorn.jobs.failures IS 'Tries since the last that got on; a dispatcher raises it before it tries.';
COMMENT ON COLUMN posthorn.jobs.error IS 'Why the last try, or the job, failed.';
COMMENT ON COLUMN posthorn.jobs.created_by IS 'Who asked for it.';
COMMENT ON COLUMN posthorn.jobs.waits_for IS 'Virtual ids of transactions that had written to the outbox and were open when it was made: a backfill begins when they are over.';
COMMENT ON COLUMN posthorn.jobs.due_at IS 'When a dispatcher may take the next chunk.';
COMMENT ON COLUMN posthorn.jobs.created_at IS 'When it was made.';
COMMENT ON COLUMN posthorn.jobs.started_at IS 'When a dispatcher first took it.';
COMMENT ON COLUMN posthorn.jobs.updated_at IS 'When it last got on.';
COMMENT ON COLUMN posthorn.jobs.finished_at IS 'When it came to its end.';

ALTER TABLE posthorn.jobs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON posthorn.jobs TO posthorn_api
    USING (tenant_id = (SELECT posthorn.current_tenant())) WITH CHECK (tenant_id = (SELECT posthorn.current_tenant()));
CREATE POLICY every_row ON posthorn.jobs TO posthorn_dispatcher USING (true) WITH CHECK (true);
CREATE POLICY every_row_read ON posthorn.jobs FOR SELECT TO posthorn_readonly USING (true);
GRANT SELECT ON posthorn.jobs TO posthorn_api, posthorn_dispatcher, posthorn_readonly;
GRANT INSERT (tenant_id, kind, subscription_id, filter, total, is_total_exact, position, before_id, waits_for, created_by),
    UPDATE (state, updated_at, finished_at), DELETE ON posthorn.jobs TO posthorn_api;
GRANT UPDATE (state, looked_at, changed, skipped, position, failures, error, due_at, started_at, updated_at, finished_at)
    ON posthorn.jobs TO posthorn_dispatcher;
