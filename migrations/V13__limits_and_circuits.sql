-- What: what a subscription may ask of its sender (rate, batches, circuit breaker, suspension) and how its receiver fares.
-- Why:  all of it is state of the database, so that it holds over any number of dispatchers and can be seen and mended in SQL.
-- Lock: ACCESS EXCLUSIVE on subscriptions and tenants for moments (a small table is rewritten). Safe beside an older binary:
--       yes; it does not know these limits.
ALTER TABLE posthorn.webhook_subscriptions
    DROP CONSTRAINT rate_per_second_is_not_available_yet,
    ALTER COLUMN rate_per_second TYPE double precision,
    ADD COLUMN rate_burst integer,
    ADD COLUMN batch_max integer,
    ADD COLUMN batch_wait_ms integer NOT NULL DEFAULT 0,
    ADD COLUMN circuit_failures integer,
    ADD COLUMN circuit_failure_ratio double precision,
    ADD COLUMN circuit_seconds integer,
    ADD COLUMN suspend_after_seconds integer,
    ADD CONSTRAINT rate_per_second_is_0_01_to_10000 CHECK (rate_per_second BETWEEN 0.01 AND 10000),
    ADD CONSTRAINT rate_burst_is_1_to_100000 CHECK (rate_burst BETWEEN 1 AND 100000),
    ADD CONSTRAINT batch_max_is_1_to_1000 CHECK (batch_max BETWEEN 1 AND 1000),
    ADD CONSTRAINT batch_wait_is_0_to_60000_ms CHECK (batch_wait_ms BETWEEN 0 AND 60000),
    -- CloudEvents has a batch of structured events only
    ADD CONSTRAINT batches_are_not_cloudevents_binary CHECK (batch_max IS NULL OR payload_format <> 'cloudevents_binary'),
    ADD CONSTRAINT circuit_failures_is_0_to_100000 CHECK (circuit_failures BETWEEN 0 AND 100000),
    ADD CONSTRAINT circuit_failure_ratio_is_above_0_to_1 CHECK (circuit_failure_ratio > 0 AND circuit_failure_ratio <= 1),
    ADD CONSTRAINT circuit_seconds_is_1_to_86400 CHECK (circuit_seconds BETWEEN 1 AND 86400),
    ADD CONSTRAINT suspend_after_seconds_is_0_to_a_year CHECK (suspend_after_seconds BETWEEN 0 AND 31536000);
COMMENT ON COLUMN posthorn.webhook_subscriptions.max_in_flight IS 'Deliveries in flight at once, over all dispatchers; NULL: an eighth of POSTHORN_CONCURRENCY in each dispatcher.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.rate_per_second IS 'Requests per second at most, over all dispatchers, 0.01 to 10000; NULL: no limit.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.rate_burst IS 'Requests that may go at once after a pause; NULL: as many as one second allows, at least 1.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.batch_max IS 'Events of one request at most, which is then a JSON array; NULL: one event per request, no array.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.batch_wait_ms IS 'How long an event may wait for a batch to fill, in milliseconds; 0: a batch is what is due.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.circuit_failures IS 'Failures in a row that open the circuit; 0: it never opens, not by the ratio either; NULL: POSTHORN_CIRCUIT_FAILURES.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.circuit_failure_ratio IS 'Share of failures among the attempts of a minute (at least 20) that opens the circuit; NULL: POSTHORN_CIRCUIT_FAILURE_RATIO.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.circuit_seconds IS 'How long the circuit stays open before a probe; doubles from probe to probe, up to an hour; NULL: POSTHORN_CIRCUIT_SECONDS.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.suspend_after_seconds IS 'Nothing but failures for so long suspends the subscription; 0: never; NULL: POSTHORN_SUSPEND_AFTER_SECONDS.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.status IS 'active; inactive (deliveries wait); suspended (the receiver answered 410, or nothing but failures for long: deliveries wait); deleted.';
GRANT SELECT (rate_burst, batch_max, batch_wait_ms, circuit_failures, circuit_failure_ratio, circuit_seconds, suspend_after_seconds)
    ON posthorn.webhook_subscriptions TO posthorn_api, posthorn_readonly;
GRANT INSERT (rate_per_second, rate_burst, batch_max, batch_wait_ms, circuit_failures, circuit_failure_ratio, circuit_seconds,
        suspend_after_seconds),
    UPDATE (rate_per_second, rate_burst, batch_max, batch_wait_ms, circuit_failures, circuit_failure_ratio, circuit_seconds,
        suspend_after_seconds)
    ON posthorn.webhook_subscriptions TO posthorn_api;

ALTER TABLE posthorn.tenants ADD COLUMN max_in_flight integer,
    ADD CONSTRAINT max_in_flight_is_1_to_10000 CHECK (max_in_flight BETWEEN 1 AND 10000);
COMMENT ON COLUMN posthorn.tenants.max_in_flight IS 'Deliveries in flight at once in each dispatcher, all subscriptions together; NULL: three quarters of POSTHORN_CONCURRENCY.';

-- A receiver that is well has no row: only failures, and successes after failures, write here.
CREATE TABLE posthorn.circuits (
    subscription_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    state text NOT NULL DEFAULT 'closed',
    reason text,
    changed_at timestamptz NOT NULL DEFAULT now(),
    retry_at timestamptz,
    times_opened integer NOT NULL DEFAULT 0,
    failures_in_a_row integer NOT NULL DEFAULT 0,
    failing_since_at timestamptz,
    window_started_at timestamptz NOT NULL DEFAULT now(),
    window_failures integer NOT NULL DEFAULT 0,
    window_successes integer NOT NULL DEFAULT 0,
    ramp integer,
    CONSTRAINT circuits_pkey PRIMARY KEY (subscription_id),
    CONSTRAINT state_is_known CHECK (state IN ('closed', 'open', 'half_open')),
    CONSTRAINT retry_unless_closed CHECK ((state = 'closed') = (retry_at IS NULL)),
    CONSTRAINT reason_is_at_most_500_characters CHECK (char_length(reason) <= 500),
    CONSTRAINT ramp_is_positive CHECK (ramp > 0)
) WITH (fillfactor = 50);
-- when may the next probe go?
CREATE INDEX circuits_retry_idx ON posthorn.circuits (retry_at) WHERE state <> 'closed';
-- which of this tenant's receivers are in trouble? (row security's own index)
CREATE INDEX circuits_tenant_idx ON posthorn.circuits (tenant_id, subscription_id);
COMMENT ON TABLE posthorn.circuits IS 'How receivers fare that failed lately. No row: nothing to say, the circuit is closed.';
COMMENT ON COLUMN posthorn.circuits.subscription_id IS 'The subscription.';
COMMENT ON COLUMN posthorn.circuits.tenant_id IS 'Whose.';
COMMENT ON COLUMN posthorn.circuits.state IS 'closed: deliveries go out; open: they wait until retry_at; half_open: one is on its way as a probe.';
COMMENT ON COLUMN posthorn.circuits.reason IS 'Why it opened last.';
COMMENT ON COLUMN posthorn.circuits.changed_at IS 'Since when it has this state.';
COMMENT ON COLUMN posthorn.circuits.retry_at IS 'When the next probe may go.';
COMMENT ON COLUMN posthorn.circuits.times_opened IS 'How often it opened since this row was made; each time it stays open twice as long. The row goes when the receiver is well again and the ramp is over.';
COMMENT ON COLUMN posthorn.circuits.failures_in_a_row IS 'Failed attempts since the last that succeeded.';
COMMENT ON COLUMN posthorn.circuits.failing_since_at IS 'Since when there was nothing but failures; NULL: the last attempt succeeded.';
COMMENT ON COLUMN posthorn.circuits.window_started_at IS 'Start of the minute over which the ratio is taken.';
COMMENT ON COLUMN posthorn.circuits.window_failures IS 'Failed attempts of that minute.';
COMMENT ON COLUMN posthorn.circuits.window_successes IS 'Successful attempts of that minute, since its first failure.';
COMMENT ON COLUMN posthorn.circuits.ramp IS 'Requests in flight allowed while the receiver recovers, over all dispatchers; grows with every success. NULL: no such limit.';
ALTER TABLE posthorn.circuits ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON posthorn.circuits TO posthorn_api
    USING (tenant_id = (SELECT posthorn.current_tenant())) WITH CHECK (tenant_id = (SELECT posthorn.current_tenant()));
CREATE POLICY every_row ON posthorn.circuits TO posthorn_dispatcher USING (true) WITH CHECK (true);
CREATE POLICY every_row_read ON posthorn.circuits FOR SELECT TO posthorn_readonly USING (true);
GRANT SELECT, DELETE ON posthorn.circuits TO posthorn_api;
GRANT SELECT ON posthorn.circuits TO posthorn_dispatcher, posthorn_readonly;

CREATE TABLE posthorn.rate_buckets (
    subscription_id uuid NOT NULL,
    tokens double precision NOT NULL,
    filled_at timestamptz NOT NULL,
    CONSTRAINT rate_buckets_pkey PRIMARY KEY (subscription_id)
) WITH (fillfactor = 50);
COMMENT ON TABLE posthorn.rate_buckets IS 'Token buckets of subscriptions with rate_per_second, written by claims alone, which take turns. No row: full.';
COMMENT ON COLUMN posthorn.rate_buckets.subscription_id IS 'The subscription.';
COMMENT ON COLUMN posthorn.rate_buckets.tokens IS 'Requests that could go at filled_at.';
COMMENT ON COLUMN posthorn.rate_buckets.filled_at IS 'When that was; since then rate_per_second tokens a second have come, up to rate_burst.';
GRANT SELECT ON posthorn.rate_buckets TO posthorn_dispatcher, posthorn_readonly;

-- Called by dispatchers with what a batch of results says about receivers in trouble, and answers with what changed. In the
-- order of the ids, so that two of them cannot wait for each other.
CREATE FUNCTION posthorn.note_outcomes(subscriptions uuid[], successes integer[], failures integer[], trailing_failures integer[],
    errors text[], default_failures integer, default_ratio double precision, default_seconds integer, default_suspend_seconds integer)
RETURNS TABLE (subscription_id uuid, change text, reason text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    outcome record;
    policy record;
    known circuits;
    opens boolean;
    pause interval;
    suspend_seconds integer;
BEGIN
    FOR outcome IN
        SELECT o.id, o.succeeded, o.failed, o.failed_since, o.error
        FROM unnest(subscriptions, successes, failures, trailing_failures, errors) AS o (id, succeeded, failed, failed_since, error)
        ORDER BY o.id
    LOOP
        SELECT s.tenant_id, coalesce(s.circuit_failures, default_failures) AS failures,
            coalesce(s.circuit_failure_ratio, default_ratio) AS ratio, coalesce(s.circuit_seconds, default_seconds) AS seconds,
            coalesce(s.suspend_after_seconds, default_suspend_seconds) AS suspend_seconds
        INTO policy FROM webhook_subscriptions s WHERE s.id = outcome.id;
        CONTINUE WHEN NOT FOUND;
        IF outcome.failed > 0 THEN
            INSERT INTO circuits (subscription_id, tenant_id) VALUES (outcome.id, policy.tenant_id)
            ON CONFLICT ON CONSTRAINT circuits_pkey DO NOTHING;
        END IF;
        SELECT c.* INTO known FROM circuits c WHERE c.subscription_id = outcome.id FOR UPDATE;
        CONTINUE WHEN NOT FOUND;

        IF outcome.succeeded > 0 THEN
            known.failures_in_a_row := outcome.failed_since;
            known.failing_since_at := CASE WHEN outcome.failed_since > 0 THEN now() END;
        ELSE
            known.failures_in_a_row := known.failures_in_a_row + outcome.failed;
            known.failing_since_at := coalesce(known.failing_since_at, now());
        END IF;
        IF known.window_started_at < now() - interval '1 minute' THEN
            known.window_started_at := now();
            known.window_failures := 0;
            known.window_successes := 0;
        END IF;
        known.window_failures := known.window_failures + outcome.failed;
        known.window_successes := known.window_successes + outcome.succeeded;

        opens := false;
        IF known.state <> 'closed' AND outcome.succeeded > 0 THEN
            -- it answers again: not everything that waited goes to it at once
            known.state := 'closed';
            known.changed_at := now();
            known.retry_at := NULL;
            known.ramp := greatest(1, outcome.succeeded);
            known.window_started_at := now();
            known.window_failures := outcome.failed_since;
            known.window_successes := outcome.succeeded;
            RETURN QUERY SELECT outcome.id, 'closed', 'the receiver answers again';
        ELSIF known.state = 'closed' THEN
            IF policy.failures > 0 AND known.failures_in_a_row >= policy.failures THEN
                opens := true;
                known.reason := format('%s failures in a row', known.failures_in_a_row);
            ELSIF policy.failures > 0 AND known.window_failures + known.window_successes >= 20
                  AND known.window_failures >= policy.ratio * (known.window_failures + known.window_successes) THEN
                opens := true;
                known.reason := format('%s of %s attempts failed', known.window_failures, known.window_failures + known.window_successes);
            ELSIF known.ramp IS NOT NULL THEN
                -- as many more as were answered: doubles with every round trip; a failure halves it
                known.ramp := CASE WHEN outcome.failed > 0 THEN greatest(1, known.ramp / 2)
                                   WHEN known.ramp + outcome.succeeded < 100 THEN known.ramp + outcome.succeeded END;
            END IF;
        ELSIF known.state = 'half_open' THEN
            opens := true;
            known.reason := 'the probe failed';
        END IF;
        IF opens THEN
            pause := make_interval(secs => least(policy.seconds * 2.0 ^ least(known.times_opened, 20), greatest(policy.seconds, 3600)));
            known.state := 'open';
            known.changed_at := now();
            known.retry_at := now() + pause;
            known.times_opened := known.times_opened + 1;
            known.ramp := NULL;
            known.reason := left(known.reason || coalesce(', the last: ' || outcome.error, ''), 500);
            RETURN QUERY SELECT outcome.id, 'opened', known.reason;
        END IF;

        IF policy.suspend_seconds > 0 AND known.failing_since_at < now() - make_interval(secs => policy.suspend_seconds) THEN
            -- not now if someone is changing it, who may be about to change the circuit too: the next failure will do it
            PERFORM FROM webhook_subscriptions s WHERE s.id = outcome.id AND s.status = 'active' FOR NO KEY UPDATE SKIP LOCKED;
            IF FOUND THEN
                UPDATE webhook_subscriptions s
                SET status = 'suspended',
                    status_reason = format('nothing but failures since %s', date_trunc('second', known.failing_since_at))
                WHERE s.id = outcome.id;
                RETURN QUERY SELECT outcome.id, 'suspended',
                    format('nothing but failures since %s', date_trunc('second', known.failing_since_at));
            END IF;
        END IF;

        IF known.state = 'closed' AND known.ramp IS NULL AND known.failures_in_a_row = 0 AND known.window_failures = 0 THEN
            DELETE FROM circuits c WHERE c.subscription_id = outcome.id;
        ELSE
            UPDATE circuits c
            SET state = known.state, reason = known.reason, changed_at = known.changed_at, retry_at = known.retry_at,
                times_opened = known.times_opened, failures_in_a_row = known.failures_in_a_row,
                failing_since_at = known.failing_since_at, window_started_at = known.window_started_at,
                window_failures = known.window_failures, window_successes = known.window_successes, ramp = known.ramp
            WHERE c.subscription_id = outcome.id;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION posthorn.note_outcomes(uuid[], integer[], integer[], integer[], text[], integer, double precision, integer, integer) IS
    'For dispatchers: counts what receivers in trouble answered, opens and closes circuits, suspends; answers with what changed.';
GRANT EXECUTE ON FUNCTION posthorn.note_outcomes(uuid[], integer[], integer[], integer[], text[], integer, double precision, integer, integer)
    TO posthorn_dispatcher;

CREATE FUNCTION posthorn.reset_circuit(subscription uuid) RETURNS boolean
LANGUAGE plpgsql SET search_path = posthorn, pg_temp
AS $$
BEGIN
    DELETE FROM circuits c WHERE c.subscription_id = subscription;
    IF FOUND THEN
        PERFORM wake();
        RETURN true;
    END IF;
    RETURN false;
END
$$;
COMMENT ON FUNCTION posthorn.reset_circuit(uuid) IS 'Closes a subscription''s circuit by hand and forgets its failures. False: there was nothing to reset.';
GRANT EXECUTE ON FUNCTION posthorn.reset_circuit(uuid) TO posthorn_api;

-- A subscription that is activated again, or moved to another receiver, starts afresh: its old failures are not held against
-- it. What is deleted or no longer limited leaves nothing behind.
CREATE FUNCTION posthorn.forget_circuit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
BEGIN
    IF NEW.rate_per_second IS NULL OR NEW.status = 'deleted' THEN
        DELETE FROM rate_buckets b WHERE b.subscription_id = NEW.id;
    END IF;
    IF NEW.status = 'deleted' OR NEW.url <> OLD.url OR (NEW.status = 'active' AND OLD.status <> 'active') THEN
        DELETE FROM circuits c WHERE c.subscription_id = NEW.id;
    END IF;
    IF NEW.status = 'active' THEN
        PERFORM wake();
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION posthorn.forget_circuit() IS 'Trigger: forgets how the receiver fared when a subscription is activated again, gets another URL or is deleted, and buckets nobody needs.';
CREATE TRIGGER forget_circuit AFTER UPDATE OF status, url, rate_per_second ON posthorn.webhook_subscriptions
    FOR EACH ROW WHEN (NEW.status <> OLD.status OR NEW.url <> OLD.url OR NEW.rate_per_second IS DISTINCT FROM OLD.rate_per_second)
    EXECUTE FUNCTION posthorn.forget_circuit();
