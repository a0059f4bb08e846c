-- What: one row per attempt. Why: the complete trail of what was sent and answered. Lock: none. Safe beside an older binary: yes.
CREATE TABLE posthorn.webhook_attempts (
    delivery_id uuid NOT NULL,
    epoch integer NOT NULL,
    tenant_id uuid NOT NULL,
    generation integer NOT NULL,
    number integer NOT NULL,
    dispatcher_id uuid,
    target_url text NOT NULL,
    started_at timestamptz NOT NULL,
    duration_ms integer NOT NULL,
    status_code integer,
    error_kind text,
    error text,
    response_headers jsonb,
    response_body text,
    response_body_truncated boolean NOT NULL DEFAULT false,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT webhook_attempts_pkey PRIMARY KEY (delivery_id, epoch),
    CONSTRAINT status_code_or_error CHECK (status_code IS NOT NULL OR error_kind IS NOT NULL),
    CONSTRAINT error_is_at_most_500_characters CHECK (char_length(error) <= 500),
    CONSTRAINT duration_is_not_negative CHECK (duration_ms >= 0)
) PARTITION BY RANGE (delivery_id);
COMMENT ON TABLE posthorn.webhook_attempts IS 'One HTTP request and what came of it. Append-only, but for a lease_expired placeholder that the late truth replaces.';
COMMENT ON COLUMN posthorn.webhook_attempts.delivery_id IS 'The delivery.';
COMMENT ON COLUMN posthorn.webhook_attempts.epoch IS 'The claim it was made under: unique within the delivery, over all generations.';
COMMENT ON COLUMN posthorn.webhook_attempts.tenant_id IS 'Whose.';
COMMENT ON COLUMN posthorn.webhook_attempts.generation IS 'Which replay of the delivery.';
COMMENT ON COLUMN posthorn.webhook_attempts.number IS 'First, second, … attempt of this generation.';
COMMENT ON COLUMN posthorn.webhook_attempts.dispatcher_id IS 'Who made it.';
COMMENT ON COLUMN posthorn.webhook_attempts.target_url IS 'Where it went.';
COMMENT ON COLUMN posthorn.webhook_attempts.started_at IS 'When it began, by the database''s clock.';
COMMENT ON COLUMN posthorn.webhook_attempts.duration_ms IS 'From DNS to the last byte read, in milliseconds.';
COMMENT ON COLUMN posthorn.webhook_attempts.status_code IS 'HTTP status, when there was an answer.';
COMMENT ON COLUMN posthorn.webhook_attempts.error_kind IS 'Why it did not deliver; NULL when it did.';
COMMENT ON COLUMN posthorn.webhook_attempts.error IS 'The same in words, up to 500 characters.';
COMMENT ON COLUMN posthorn.webhook_attempts.response_headers IS 'Headers of the answer as [name, value] pairs, at most 64 and 8 KiB.';
COMMENT ON COLUMN posthorn.webhook_attempts.response_body IS 'Beginning of the answer''s body as text, at most 4 KiB.';
COMMENT ON COLUMN posthorn.webhook_attempts.response_body_truncated IS 'Whether there was more of it.';
COMMENT ON COLUMN posthorn.webhook_attempts.recorded_at IS 'When the row was written.';

CREATE TABLE posthorn.webhook_attempts_default PARTITION OF posthorn.webhook_attempts DEFAULT;
COMMENT ON TABLE posthorn.webhook_attempts_default IS 'Attempts of days without a partition of their own.';

ALTER TABLE posthorn.webhook_attempts ENABLE ROW LEVEL SECURITY;
ALTER TABLE posthorn.webhook_attempts_default ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON posthorn.webhook_attempts FOR SELECT TO posthorn_api
    USING (tenant_id = (SELECT posthorn.current_tenant()));
CREATE POLICY every_row ON posthorn.webhook_attempts TO posthorn_dispatcher USING (true) WITH CHECK (true);
CREATE POLICY every_row_read ON posthorn.webhook_attempts FOR SELECT TO posthorn_readonly USING (true);
GRANT SELECT ON posthorn.webhook_attempts TO posthorn_api, posthorn_readonly;
GRANT SELECT, INSERT, UPDATE ON posthorn.webhook_attempts TO posthorn_dispatcher;
