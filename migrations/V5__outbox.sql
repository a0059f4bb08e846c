-- What: the outbox, and what is to be said about an event whose fan-out did not simply happen with its INSERT.
-- Why:  no row security here: COPY into a table that has it is refused. Publishers may insert the columns below and
--       nothing else; tenant-facing roles have no right at all and read the view posthorn.events (V11).
-- Lock: none. Safe beside an older binary: yes.
CREATE TABLE posthorn.outbox (
    id uuid NOT NULL DEFAULT posthorn.uuid7(),
    tenant_id uuid NOT NULL,
    event text NOT NULL,
    payload jsonb NOT NULL,
    resource_type text,
    resource_id text,
    metadata jsonb,
    deliver_after timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT outbox_pkey PRIMARY KEY (id),
    CONSTRAINT event_name_is_valid CHECK (char_length(event) <= 100 AND event ~ '^[a-z0-9_]+(\.[a-z0-9_]+)+$'),
    CONSTRAINT payload_is_an_object CHECK (jsonb_typeof(payload) = 'object'),
    CONSTRAINT payload_is_within_the_size_limit CHECK (posthorn.payload_fits(payload)),
    CONSTRAINT metadata_is_an_object_within_the_size_limit
        CHECK (metadata IS NULL OR (jsonb_typeof(metadata) = 'object' AND posthorn.payload_fits(metadata))),
    CONSTRAINT resource_type_is_1_to_100_printable_characters CHECK (resource_type ~ '^[^[:cntrl:]]{1,100}$'),
    CONSTRAINT resource_id_is_1_to_200_printable_characters CHECK (resource_id ~ '^[^[:cntrl:]]{1,200}$'),
    -- beyond them a time cannot be written in an answer (RFC 3339), nor read by every driver
    CONSTRAINT deliver_after_is_within_the_years_1_to_9999
        CHECK (deliver_after >= '0001-01-01 00:00:00+00' AND deliver_after < '10000-01-01 00:00:00+00')
) PARTITION BY RANGE (id);
COMMENT ON TABLE posthorn.outbox IS 'Events, append-only. INSERT one in the transaction that changes your data; a rolled-back event is never sent.';
COMMENT ON COLUMN posthorn.outbox.id IS 'The event''s id, a UUIDv7: webhook-id of every webhook it becomes.';
COMMENT ON COLUMN posthorn.outbox.tenant_id IS 'Whose event it is.';
COMMENT ON COLUMN posthorn.outbox.event IS 'Event type such as invoice.created: lower case, at least two segments, up to 100 characters.';
COMMENT ON COLUMN posthorn.outbox.payload IS 'The data, a JSON object of at most 256 KiB as printed (setting posthorn.max_payload_bytes).';
COMMENT ON COLUMN posthorn.outbox.resource_type IS 'Kind of the thing it is about, such as invoice.';
COMMENT ON COLUMN posthorn.outbox.resource_id IS 'Id of the thing it is about.';
COMMENT ON COLUMN posthorn.outbox.metadata IS 'Merged into the envelope''s metadata, beneath tenant_id, source and version.';
COMMENT ON COLUMN posthorn.outbox.deliver_after IS 'Not to be sent before this time.';
COMMENT ON COLUMN posthorn.outbox.created_at IS 'Start of the publishing transaction: the envelope''s timestamp.';

-- days are made ahead by serve and migrate; this one is why a producer never fails when nobody did
CREATE TABLE posthorn.outbox_default PARTITION OF posthorn.outbox DEFAULT;
COMMENT ON TABLE posthorn.outbox_default IS 'Events of days without a partition of their own; make_day moves them out.';

CREATE TABLE posthorn.event_fanouts (
    event_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    state text NOT NULL,
    reason text,
    after_subscription_id uuid,
    failures integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT event_fanouts_pkey PRIMARY KEY (event_id),
    CONSTRAINT state_is_known CHECK (state IN ('open', 'muted', 'unknown_tenant')),
    CONSTRAINT reason_is_at_most_500_characters CHECK (char_length(reason) <= 500)
);
-- which events are still to be fanned out?
CREATE INDEX event_fanouts_open_idx ON posthorn.event_fanouts (due_at) WHERE state = 'open';
-- what of this tenant's was not simply fanned out?
CREATE INDEX event_fanouts_tenant_idx ON posthorn.event_fanouts (tenant_id, event_id);
COMMENT ON TABLE posthorn.event_fanouts IS 'Events whose fan-out did not simply happen with their INSERT. No row: it did.';
COMMENT ON COLUMN posthorn.event_fanouts.event_id IS 'The event.';
COMMENT ON COLUMN posthorn.event_fanouts.tenant_id IS 'Whose event.';
COMMENT ON COLUMN posthorn.event_fanouts.state IS 'open: a dispatcher will do it; muted: published with posthorn.mute = on; unknown_tenant: no such tenant, nobody to send to.';
COMMENT ON COLUMN posthorn.event_fanouts.reason IS 'Why it is open: the error of the matching, or more subscriptions than are fanned out within a commit.';
COMMENT ON COLUMN posthorn.event_fanouts.after_subscription_id IS 'Fanned out up to and including this subscription.';
COMMENT ON COLUMN posthorn.event_fanouts.failures IS 'Tries since the last that got on; a dispatcher raises it before it tries.';
COMMENT ON COLUMN posthorn.event_fanouts.due_at IS 'When a dispatcher may try; one that tries moves it ahead, so that no other does meanwhile.';
COMMENT ON COLUMN posthorn.event_fanouts.created_at IS 'When it was marked.';

GRANT INSERT (tenant_id, event, payload, resource_type, resource_id, metadata, deliver_after)
    ON posthorn.outbox TO posthorn_publisher;
GRANT SELECT ON posthorn.outbox TO posthorn_dispatcher;
GRANT SELECT (id, tenant_id, event, resource_type, resource_id, deliver_after, created_at) ON posthorn.outbox TO posthorn_readonly;
GRANT SELECT ON posthorn.event_fanouts TO posthorn_dispatcher, posthorn_readonly;
GRANT UPDATE (failures, due_at, reason) ON posthorn.event_fanouts TO posthorn_dispatcher;
