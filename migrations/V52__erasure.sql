-- What: posthorn.erase(): what events say of a person is blanked, in outbox and attempts; ids, types, times and statuses stay.
-- Why:  whoever asks to be forgotten may not wait for retention, and what was sent when has to be provable afterwards.
--       An event is erased as a whole or left alone: who holds it, or has it in flight, is waited for by the next call or by the job.
--       Erased deliveries are known by a column, so that nobody makes them due again (a trigger of finished rows alone: claims pay nothing).
-- Lock: ACCESS EXCLUSIVE on outbox, deliveries and jobs for moments. Safe beside an older binary: yes; its API shows no list of jobs
--       while there is one of erasure, and what it hears of a request after the lease ended is kept: erase once all are new.
ALTER TABLE posthorn.outbox ADD COLUMN erased_at timestamptz;
COMMENT ON COLUMN posthorn.outbox.erased_at IS 'When posthorn.erase() blanked payload and metadata; the payload says it too: {"posthorn.erased": …}.';
GRANT SELECT (erased_at) ON posthorn.outbox TO posthorn_readonly;
ALTER TABLE posthorn.webhook_deliveries ADD COLUMN erased_at timestamptz;
COMMENT ON COLUMN posthorn.webhook_deliveries.erased_at IS 'When its event was erased: it is finished for ever, and its attempts keep codes and times alone.';

ALTER TABLE posthorn.jobs DROP CONSTRAINT kind_is_known, DROP CONSTRAINT replay_and_backfill_are_of_a_subscription,
    ADD CONSTRAINT kind_is_known CHECK (kind IN ('retry', 'replay', 'backfill', 'cancel', 'erase')),
    ADD CONSTRAINT replay_and_backfill_are_of_a_subscription CHECK (kind IN ('retry', 'cancel', 'erase') OR subscription_id IS NOT NULL);
COMMENT ON COLUMN posthorn.jobs.kind IS 'retry: deliveries that were given up, again; replay: a subscription''s deliveries again, delivered ones too; backfill: a subscription gets events from before it; cancel: deliveries that wait are given up; erase: events are blanked.';

CREATE FUNCTION posthorn.refuse_erased() RETURNS trigger
LANGUAGE plpgsql SET search_path = posthorn, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'event % was erased: there is nothing left to send', OLD.event_id USING ERRCODE = 'object_not_in_prerequisite_state';
END
$$;
COMMENT ON FUNCTION posthorn.refuse_erased() IS 'Trigger: a delivery of an erased event stays finished, whoever wants it otherwise.';
CREATE TRIGGER refuse_erased BEFORE UPDATE ON posthorn.webhook_deliveries_done FOR EACH ROW
    WHEN (OLD.erased_at IS NOT NULL AND NEW.finished_at IS NULL) EXECUTE FUNCTION posthorn.refuse_erased();

CREATE FUNCTION posthorn.is_erased(delivery uuid) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
DECLARE
    answer boolean;
BEGIN
    -- either we wait for whoever erases it at this moment, or it waits until what we write is there to be blanked
    SELECT d.erased_at IS NOT NULL INTO answer FROM webhook_deliveries d WHERE d.id = delivery FOR SHARE;
    RETURN coalesce(answer, false);
END
$$;
COMMENT ON FUNCTION posthorn.is_erased(uuid) IS 'For dispatchers: whether a delivery was erased, so that nothing is kept of an answer that comes late.';
GRANT EXECUTE ON FUNCTION posthorn.is_erased(uuid) TO posthorn_dispatcher;

CREATE FUNCTION posthorn.pick_events(tenant uuid, wanted jsonb, after_id uuid, before_id uuid, most integer,
    OUT ids uuid[], OUT looked_at integer, OUT last_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = posthorn, pg_temp SET plan_cache_mode = force_custom_plan SET enable_sort = on SET enable_seqscan = off
AS $$
DECLARE
    named CONSTANT uuid[] := CASE WHEN wanted ? 'event_ids' THEN ARRAY(
        SELECT e.id::uuid FROM jsonb_array_elements_text(wanted -> 'event_ids') AS e (id)) END;
    wanted_event CONSTANT text := wanted ->> 'event';
    wanted_type CONSTANT text := wanted ->> 'resource_type';
    wanted_resource CONSTANT text := wanted ->> 'resource_id';
    condition CONSTANT jsonpath := (wanted ->> 'payload')::jsonpath;
BEGIN
    SELECT coalesce(array_agg(e.id ORDER BY e.id) FILTER (WHERE e.is_wanted), '{}'), count(*), (array_agg(e.id ORDER BY e.id DESC))[1]
    INTO ids, looked_at, last_id
    FROM (
        SELECT o.id, CASE WHEN wanted_event <> ALL (event_patterns(o.event)) THEN false
            WHEN condition IS NULL THEN true ELSE coalesce(o.payload @@ condition, false) END AS is_wanted
        FROM outbox o
        WHERE o.tenant_id = tenant AND o.id > after_id AND o.id < before_id AND o.erased_at IS NULL
          AND (named IS NULL OR o.id = ANY (named))
          AND (wanted_resource IS NULL OR (o.resource_id = wanted_resource AND o.resource_type = wanted_type))
        ORDER BY o.id LIMIT most) e;
END
$$;
COMMENT ON FUNCTION posthorn.pick_events(uuid, jsonb, uuid, uuid, integer) IS
    'Part of erase(): of the next so many events of a tenant between two ids that are not erased, those that are wanted.';

-- Lock order: event, fan-out, deliveries. Nobody is waited for: what someone holds is left for the next time, whole.
CREATE FUNCTION posthorn.erase_chunk(tenant uuid, wanted jsonb, after_id uuid, before_id uuid, most integer,
    OUT "position" uuid, OUT looked_at integer, OUT changed integer, OUT skipped integer, OUT cancelled integer, OUT is_last boolean)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = posthorn, pg_temp SET plan_cache_mode = force_custom_plan SET enable_sort = on SET enable_seqscan = off
AS $$
DECLARE
    picked record := pick_events(tenant, wanted, after_id, before_id, most);
    with_keys CONSTANT boolean := coalesce((wanted ->> 'with_keys')::boolean, false);
    events uuid[];
    deliveries uuid[];
    fanouts uuid[];
    cancelled_fanouts integer;
BEGIN
    looked_at := picked.looked_at;
    "position" := coalesce(picked.last_id, after_id);
    is_last := looked_at < most;
    -- a backfill that is about to make a delivery of one holds it, and waits for us (V52, backfill_chunk)
    events := ARRAY(SELECT o.id FROM outbox o WHERE o.id = ANY (picked.ids) AND o.erased_at IS NULL ORDER BY o.id FOR UPDATE SKIP LOCKED);
    -- a dispatcher that fans one out, or is about to, holds its mark
    fanouts := ARRAY(SELECT f.event_id FROM event_fanouts f WHERE f.event_id = ANY (events) FOR UPDATE SKIP LOCKED);
    deliveries := ARRAY(SELECT d.id FROM webhook_deliveries d WHERE d.event_id = ANY (events) ORDER BY d.id FOR UPDATE SKIP LOCKED);
    -- in flight: the request is on its way, and what comes of it is still to be written. After its lease nobody sends it any more.
    events := ARRAY(
        SELECT e.id FROM unnest(events) AS e (id)
        WHERE NOT EXISTS (SELECT FROM event_fanouts f WHERE f.event_id = e.id AND f.event_id <> ALL (fanouts))
          AND NOT EXISTS (SELECT FROM webhook_deliveries d WHERE d.event_id = e.id
                          AND (d.id <> ALL (deliveries) OR d.lease_until > clock_timestamp())));
    changed := cardinality(events);
    skipped := cardinality(picked.ids) - changed;

    UPDATE event_fanouts f SET state = 'cancelled' WHERE f.event_id = ANY (events) AND f.state = 'open';
    GET DIAGNOSTICS cancelled_fanouts = ROW_COUNT;
    UPDATE event_fanouts f SET reason = NULL, ordering_key = CASE WHEN NOT with_keys THEN f.ordering_key END WHERE f.event_id = ANY (events);
    UPDATE webhook_deliveries d
    SET status = 'cancelled', finished_at = now(), updated_at = now(), lease_until = NULL, epoch = d.epoch + 1
    WHERE d.event_id = ANY (events) AND d.status IN ('pending', 'sending', 'retrying');
    GET DIAGNOSTICS cancelled = ROW_COUNT;
    deliveries := ARRAY(SELECT d.id FROM webhook_deliveries d WHERE d.event_id = ANY (events));
    UPDATE webhook_deliveries d SET erased_at = now(), last_error = NULL,
        ordering_key = CASE WHEN NOT with_keys THEN d.ordering_key END,
        ordering_number = CASE WHEN NOT with_keys THEN d.ordering_number END,
        due_at = CASE WHEN with_keys THEN coalesce(d.due_at, d.created_at) ELSE d.due_at END
    WHERE d.id = ANY (deliveries) AND d.status IN ('delivered', 'failed', 'abandoned', 'cancelled');
    UPDATE webhook_attempts a SET error = NULL, response_headers = NULL, response_body = NULL, response_body_truncated = false
    WHERE a.delivery_id = ANY (deliveries);
    IF with_keys THEN
        DELETE FROM published_keys k USING outbox o
        WHERE o.id = ANY (events) AND k.tenant_id = o.tenant_id AND k.idempotency_key = o.idempotency_key AND k.event_id = o.id;
        DELETE FROM coalesced_keys k USING outbox o
        WHERE o.id = ANY (events) AND k.tenant_id = o.tenant_id AND k.coalesce_key = o.coalesce_key AND k.event = o.event
          AND k.event_id = o.id;
    END IF;
    UPDATE outbox o SET payload = jsonb_build_object('posthorn.erased', envelope_time(now())), metadata = NULL, erased_at = now(),
        resource_id = CASE WHEN NOT with_keys THEN o.resource_id END, ordering_key = CASE WHEN NOT with_keys THEN o.ordering_key END,
        idempotency_key = CASE WHEN NOT with_keys THEN o.idempotency_key END, coalesce_key = CASE WHEN NOT with_keys THEN o.coalesce_key END
    WHERE o.id = ANY (events);
    IF cancelled + cancelled_fanouts > 0 THEN
        PERFORM wake(); -- what stood behind them in a line can go on
    END IF;
END
$$;
COMMENT ON FUNCTION posthorn.erase_chunk(uuid, jsonb, uuid, uuid, integer) IS
    'Erases the next events that are wanted: cancels what waits of them, blanks payload, metadata, and errors and answers of attempts. skipped: in flight, or held by someone.';
GRANT EXECUTE ON FUNCTION posthorn.erase_chunk(uuid, jsonb, uuid, uuid, integer) TO posthorn_dispatcher;

-- What may be written down of an erasure for ever: what it was about without what it was to forget.
CREATE FUNCTION posthorn.erasure_criteria(wanted jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE SET search_path = posthorn, pg_temp
AS $$
    SELECT jsonb_build_object('criteria_sha256', encode(sha256(convert_to(wanted::text, 'UTF8')), 'hex'))
        || (wanted - '{payload,event_ids}'::text[] - CASE WHEN (wanted ->> 'with_keys')::boolean THEN 'resource_id' ELSE '' END)
$$;
COMMENT ON FUNCTION posthorn.erasure_criteria(jsonb) IS
    'What audit log and jobs keep of what was asked to be erased: a SHA-256 of all of it, the resource (its id unless keys go too), event and times.';

CREATE FUNCTION posthorn.note_erasure() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
BEGIN
    PERFORM audit_for(NEW.tenant_id, 'events.erased', 'job', NEW.id::text, erasure_criteria(NEW.filter)
        || jsonb_build_object('state', NEW.state, 'erased', NEW.changed, 'asked_by', NEW.created_by));
    NEW.filter := erasure_criteria(NEW.filter);
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION posthorn.note_erasure() IS 'Trigger: a job of erasure that ends, however it does, is in the audit log and forgets whom it was about.';
CREATE TRIGGER note_erasure BEFORE UPDATE ON posthorn.jobs FOR EACH ROW
    WHEN (NEW.kind = 'erase' AND NEW.finished_at IS NOT NULL AND OLD.finished_at IS NULL) EXECUTE FUNCTION posthorn.note_erasure();

CREATE FUNCTION posthorn.check_erasure(wanted jsonb, at_most integer, dry_run boolean) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = posthorn, pg_temp
AS $$
BEGIN
    IF (wanted ? 'resource_type') <> (wanted ? 'resource_id') THEN
        RAISE EXCEPTION 'resource_type and resource_id go together' USING ERRCODE = 'invalid_parameter_value';
    ELSIF NOT wanted ?| '{resource_id,payload,event_ids}' THEN
        -- a sub-select that finds nothing must not mean everything
        RAISE EXCEPTION 'erase needs a resource, a condition on the payload, or events' USING ERRCODE = 'invalid_parameter_value';
    ELSIF wanted ->> 'payload' ~ '^(strict )?\$' THEN
        RAISE EXCEPTION 'payload must be a condition, which a path alone is not' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Such as $.customer.email == "ada@example.com", or exists($.customer.email).';
    ELSIF jsonb_array_length(wanted -> 'event_ids') > 10000 THEN
        RAISE EXCEPTION 'event_ids are at most 10000' USING ERRCODE = 'invalid_parameter_value';
    ELSIF at_most IS NULL OR at_most NOT BETWEEN 0 AND 100000 OR dry_run IS NULL THEN
        RAISE EXCEPTION 'at_most must be 0 to 100000, and dry_run not NULL' USING ERRCODE = 'invalid_parameter_value';
    END IF;
END
$$;
COMMENT ON FUNCTION posthorn.check_erasure(jsonb, integer, boolean) IS 'Part of erase(): refuses what cannot be asked for, and says why.';

CREATE FUNCTION posthorn.count_erasure(tenant uuid, wanted jsonb, after_id uuid, before_id uuid, OUT total bigint, OUT is_total_exact boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
DECLARE
    began_at CONSTANT timestamptz := clock_timestamp();
    picked record;
    after uuid := after_id;
BEGIN
    total := 0;
    LOOP
        picked := pick_events(tenant, wanted, after, before_id, 5000);
        total := total + cardinality(picked.ids);
        after := picked.last_id;
        is_total_exact := picked.looked_at < 5000;
        EXIT WHEN is_total_exact OR clock_timestamp() > began_at + interval '2 s';
    END LOOP;
END
$$;
COMMENT ON FUNCTION posthorn.count_erasure(uuid, jsonb, uuid, uuid) IS 'Part of erase(): how many events it is about. Not exact: at least so many, it was cut short.';

CREATE FUNCTION posthorn.add_erasure(tenant uuid, wanted jsonb, after_id uuid, before_id uuid, total bigint, is_total_exact boolean) RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
DECLARE
    added uuid;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(tenant::text, 1886352490));
    IF (SELECT count(*) FROM jobs j WHERE j.tenant_id = tenant AND j.state IN ('waiting', 'running')) >= 3 THEN
        RAISE EXCEPTION 'tenant % has three unfinished jobs', tenant USING ERRCODE = 'configuration_limit_exceeded',
            HINT = 'Wait for one, or end one with posthorn.cancel_job(id).';
    END IF;
    -- what is published and not committed yet is meant too
    INSERT INTO jobs (tenant_id, kind, filter, total, is_total_exact, position, before_id, waits_for, created_by)
    VALUES (tenant, 'erase', wanted, $5, $6, after_id, $4, open_publishers(), left(current_actor(), 200))
    RETURNING id INTO added;
    PERFORM audit_for(tenant, 'job.created', 'job', added::text, jsonb_build_object('kind', 'erase', 'filter', erasure_criteria(wanted), 'total', $5));
    IF coalesce(current_setting('posthorn.notify', true), '') <> 'off' THEN
        PERFORM pg_notify('posthorn_wake', 'jobs');
    END IF;
    RETURN added;
END
$$;
COMMENT ON FUNCTION posthorn.add_erasure(uuid, jsonb, uuid, uuid, bigint, boolean) IS 'Part of erase(): makes a job of it.';

CREATE FUNCTION posthorn.erase_for(tenant uuid, wanted jsonb, at_most integer, dry_run boolean,
    OUT matched bigint, OUT erased bigint, OUT cancelled bigint, OUT in_flight bigint, OUT job_id uuid)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
DECLARE
    ids record := ids_of_job(wanted);
    counted record;
    chunk record;
    after uuid := ids.after_id;
BEGIN
    PERFORM check_erasure(wanted, at_most, dry_run);
    counted := count_erasure(tenant, wanted, ids.after_id, ids.before_id);
    matched := counted.total;
    erased := 0;
    cancelled := 0;
    in_flight := 0;
    IF NOT counted.is_total_exact THEN
        RAISE NOTICE 'counting was cut short: at least %', matched;
    END IF;
    IF dry_run THEN
        RETURN;
    -- under a snapshot a delivery that was made since could be missed
    ELSIF NOT counted.is_total_exact OR matched > at_most OR current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
        job_id := add_erasure(tenant, wanted, ids.after_id, ids.before_id, counted.total, counted.is_total_exact);
        RETURN;
    END IF;
    LOOP
        FOR try IN 1 .. 10 LOOP
            BEGIN
                chunk := erase_chunk(tenant, wanted, after, ids.before_id, 1000);
                EXIT;
            EXCEPTION WHEN serialization_failure THEN -- a dispatcher has finished one of them at this moment
                IF try = 10 THEN
                    RAISE;
                END IF;
            END;
        END LOOP;
        erased := erased + chunk.changed;
        cancelled := cancelled + chunk.cancelled;
        in_flight := in_flight + chunk.skipped;
        after := chunk.position;
        EXIT WHEN chunk.is_last;
    END LOOP;
    PERFORM audit_for(tenant, 'events.erased', 'tenant', tenant::text, erasure_criteria(wanted)
        || jsonb_build_object('matched', matched, 'erased', erased, 'cancelled', cancelled, 'in_flight', in_flight));
END
$$;
COMMENT ON FUNCTION posthorn.erase_for(uuid, jsonb, integer, boolean) IS 'Part of erase(): does it for a tenant, or counts, or makes a job of it.';

-- Two doors with one room behind, as control() has: the tenant of the transaction, or any for posthorn_admin.
CREATE FUNCTION posthorn.erase_as_tenant(wanted jsonb, at_most integer, dry_run boolean,
    OUT matched bigint, OUT erased bigint, OUT cancelled bigint, OUT in_flight bigint, OUT job_id uuid)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
BEGIN
    IF current_tenant() IS NULL THEN
        RAISE EXCEPTION 'this transaction acts for no tenant' USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT e.matched, e.erased, e.cancelled, e.in_flight, e.job_id INTO matched, erased, cancelled, in_flight, job_id
    FROM erase_for(current_tenant(), $1, $2, $3) e;
END
$$;
COMMENT ON FUNCTION posthorn.erase_as_tenant(jsonb, integer, boolean) IS 'Part of erase(): for the current tenant.';
GRANT EXECUTE ON FUNCTION posthorn.erase_as_tenant(jsonb, integer, boolean) TO posthorn_api;

CREATE FUNCTION posthorn.erase_as_operator(tenant uuid, wanted jsonb, at_most integer, dry_run boolean,
    OUT matched bigint, OUT erased bigint, OUT cancelled bigint, OUT in_flight bigint, OUT job_id uuid)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
BEGIN
    IF $1 IS NULL THEN
        RAISE EXCEPTION 'whose events is not said' USING ERRCODE = 'invalid_parameter_value', HINT = 'tenant_id => ''…''';
    ELSIF NOT EXISTS (SELECT FROM tenants t WHERE t.id = $1) THEN
        RAISE EXCEPTION 'there is no tenant %', $1 USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT e.matched, e.erased, e.cancelled, e.in_flight, e.job_id INTO matched, erased, cancelled, in_flight, job_id
    FROM erase_for($1, $2, $3, $4) e;
END
$$;
COMMENT ON FUNCTION posthorn.erase_as_operator(uuid, jsonb, integer, boolean) IS 'Part of erase(): for any tenant.';
GRANT EXECUTE ON FUNCTION posthorn.erase_as_operator(uuid, jsonb, integer, boolean) TO posthorn_admin;

-- With the caller's rights, so that current_user is the caller.
CREATE FUNCTION posthorn.erase(tenant_id uuid DEFAULT NULL, resource_type text DEFAULT NULL, resource_id text DEFAULT NULL,
    payload jsonpath DEFAULT NULL, event text DEFAULT NULL, event_id uuid DEFAULT NULL, event_ids uuid[] DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, with_keys boolean DEFAULT false, at_most integer DEFAULT 10000,
    dry_run boolean DEFAULT false)
RETURNS TABLE (matched bigint, erased bigint, cancelled bigint, in_flight bigint, job_id uuid)
LANGUAGE plpgsql VOLATILE SET search_path = posthorn, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    wanted CONSTANT jsonb := jsonb_strip_nulls(jsonb_build_object('resource_type', $2, 'resource_id', $3, 'payload', $4::text, 'event', $5,
        'event_ids', CASE WHEN $6 IS NULL THEN $7 ELSE $7 || $6 END, 'since', $8, 'until', $9, 'with_keys', coalesce($10, false)));
BEGIN
    IF pg_has_role('posthorn_admin', 'USAGE') THEN
        RETURN QUERY SELECT e.matched, e.erased, e.cancelled, e.in_flight, e.job_id
            FROM erase_as_operator(coalesce($1, current_tenant()), wanted, $11, $12) e;
    ELSIF $1 IS DISTINCT FROM current_tenant() AND $1 IS NOT NULL THEN
        RAISE EXCEPTION 'this transaction does not act for that tenant' USING ERRCODE = 'insufficient_privilege';
    ELSE
        RETURN QUERY SELECT e.matched, e.erased, e.cancelled, e.in_flight, e.job_id FROM erase_as_tenant(wanted, $11, $12) e;
    END IF;
END
$$;
COMMENT ON FUNCTION posthorn.erase(uuid, text, text, jsonpath, text, uuid, uuid[], timestamptz, timestamptz, boolean, integer, boolean) IS
    'Blanks what a tenant''s events of a resource, or that meet a condition, say: payload, metadata, answers and errors of attempts; with_keys: resource_id and the keys too. What waits is cancelled. in_flight: left alone, ask again. More than at_most by a job after the commit. dry_run only counts.';
GRANT EXECUTE ON FUNCTION posthorn.erase(uuid, text, text, jsonpath, text, uuid, uuid[], timestamptz, timestamptz, boolean, integer, boolean)
    TO posthorn_api, posthorn_admin;

-- As before, and what is erased stays finished.
CREATE OR REPLACE FUNCTION posthorn.retry_chunk(tenant uuid, subscription uuid, wanted jsonb, after_id uuid, before_id uuid, most integer,
    OUT "position" uuid, OUT looked_at integer, OUT changed integer, OUT skipped integer, OUT is_last boolean)
LANGUAGE plpgsql SET search_path = posthorn, pg_temp
AS $$
DECLARE
    chosen uuid[];
    held uuid[];
BEGIN
    SELECT count(*), (array_agg(p.id ORDER BY p.id DESC))[1], coalesce(array_agg(p.id ORDER BY p.id) FILTER (WHERE p.is_wanted), '{}')
    INTO looked_at, "position", chosen
    FROM pick_deliveries(tenant, subscription, wanted, after_id, before_id, most) p;
    is_last := looked_at < most;
    "position" := coalesce("position", after_id);
    -- whoever holds one of them is sending, recording or retrying it: it is in good hands
    held := ARRAY(
        SELECT d.id FROM unnest(chosen) AS c (id)
        JOIN webhook_deliveries d ON d.id = c.id
        JOIN webhook_subscriptions s ON s.id = d.subscription_id AND s.status = 'active'
        WHERE (wanted -> 'statuses') ? d.status AND d.erased_at IS NULL
        FOR UPDATE OF d SKIP LOCKED);
    UPDATE webhook_deliveries d
    SET status = 'pending', generation = d.generation + 1, epoch = d.epoch + 1, attempts = 0, due_at = now(), lease_until = NULL,
        updated_at = now(), finished_at = NULL
    FROM unnest(held) AS h (id)
    WHERE d.id = h.id AND (wanted -> 'statuses') ? d.status AND d.erased_at IS NULL;
    GET DIAGNOSTICS changed = ROW_COUNT;
    skipped := cardinality(chosen) - changed;
    IF changed > 0 THEN
        PERFORM wake();
    END IF;
END
$$;

-- As before, and passes over what is erased.
CREATE OR REPLACE FUNCTION posthorn.backfill_chunk(tenant uuid, subscription uuid, after_id uuid, before_id uuid, most integer, gives_up boolean,
    is_dry boolean,
    OUT "position" uuid, OUT looked_at integer, OUT changed integer, OUT skipped integer, OUT is_last boolean)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = posthorn, pg_temp SET plan_cache_mode = force_custom_plan SET enable_sort = on SET enable_seqscan = off
AS $$
DECLARE
    began_at CONSTANT timestamptz := clock_timestamp();
    receiver record;
    candidate record;
    end_id uuid;
    counted integer;
    this_millisecond text := '';
    wanted boolean;
    failure text;
    added integer;
BEGIN
    looked_at := 0;
    changed := 0;
    skipped := 0;
    is_last := true;
    "position" := after_id;
    SELECT s.events, s.filter, s.ordered, is_cheap_filter(s.filter) AS is_cheap INTO receiver
    FROM webhook_subscriptions s WHERE s.id = subscription AND s.tenant_id = tenant AND s.status <> 'deleted';
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT count(*), (array_agg(e.id ORDER BY e.id DESC))[1] INTO counted, end_id
    FROM (SELECT o.id FROM outbox o WHERE o.tenant_id = tenant AND o.id > after_id AND o.id < before_id ORDER BY o.id LIMIT most) e;
    is_last := counted < most;
    IF is_last THEN
        end_id := before_id;
    ELSE
        -- the whole of its millisecond
        end_id := least(before_id, (lpad(to_hex(('x' || left(replace(end_id::text, '-', ''), 12))::bit(48)::bigint + 1), 12, '0')
            || repeat('0', 20))::uuid);
    END IF;
    IF NOT is_dry THEN
        PERFORM pg_advisory_xact_lock(hashtextextended(subscription::text, 1886352489));
        PERFORM FROM event_fanouts f
        WHERE f.event_id IN (SELECT o.id FROM outbox o WHERE o.tenant_id = tenant AND o.id > after_id AND o.id < end_id)
          AND f.state = 'open'
        ORDER BY f.event_id FOR UPDATE;
    END IF;

    FOR candidate IN
        SELECT o.id, o.event, o.payload, o.deliver_after, o.ordering_key, left(o.id::text, 13) AS millisecond,
            receiver.events && event_patterns(o.event) AS is_matched
        FROM outbox o
        WHERE o.tenant_id = tenant AND o.id > after_id AND o.id < end_id AND o.erased_at IS NULL
        ORDER BY left(o.id::text, 13), o.tableoid, o.ctid
    LOOP
        IF looked_at > 0 AND candidate.millisecond <> this_millisecond AND clock_timestamp() > began_at + interval '2 s' THEN
            -- a filter that takes its time: the rest is for the next chunk
            end_id := (replace(candidate.millisecond, '-', '') || repeat('0', 20))::uuid;
            is_last := false;
            EXIT;
        END IF;
        this_millisecond := candidate.millisecond;
        looked_at := looked_at + 1;
        CONTINUE WHEN NOT candidate.is_matched
            OR EXISTS (SELECT FROM event_fanouts f WHERE f.event_id = candidate.id AND f.state IN ('muted', 'cancelled', 'refused'));
        wanted := true;
        failure := NULL;
        IF receiver.filter IS NOT NULL THEN
            IF gives_up AND NOT (receiver.is_cheap AND pg_column_size(candidate.payload #> '{}') <= 16384) THEN
                failure := 'the filter takes too long on this event';
            ELSE
                BEGIN
                    wanted := candidate.payload @@ receiver.filter;
                EXCEPTION WHEN OTHERS THEN
                    failure := left('the filter fails on this event: ' || SQLERRM, 500);
                END;
            END IF;
        END IF;
        CONTINUE WHEN failure IS NULL AND wanted IS NOT TRUE;
        IF NOT is_dry THEN
            -- whoever erases it at this moment is waited for, and sees the delivery otherwise
            PERFORM FROM outbox o WHERE o.id = candidate.id AND o.erased_at IS NULL FOR SHARE;
            CONTINUE WHEN NOT FOUND;
        END IF;
        IF EXISTS (SELECT FROM webhook_deliveries d WHERE d.event_id = candidate.id AND d.subscription_id = subscription) THEN
            skipped := skipped + 1;
        ELSIF is_dry THEN
            changed := changed + 1;
        ELSIF failure IS NOT NULL THEN
            -- marked where its owner looks, and there to be retried
            INSERT INTO webhook_deliveries (event_id, tenant_id, event, subscription_id, status, finished_at, last_error_kind,
                last_error)
            VALUES (candidate.id, tenant, candidate.event, subscription, 'failed', now(), 'filter_error', failure);
            changed := changed + 1;
        ELSE
            INSERT INTO webhook_deliveries_live (event_id, tenant_id, event, due_at, subscription_id, ordering_key, ordering_number)
            VALUES (candidate.id, tenant, candidate.event, greatest(candidate.deliver_after, now()), subscription,
                CASE WHEN receiver.ordered THEN candidate.ordering_key END,
                CASE WHEN receiver.ordered AND candidate.ordering_key IS NOT NULL
                     THEN nextval('ordering_numbers') - 2305843009213693952 END)
            ON CONFLICT (event_id, subscription_id) DO NOTHING;
            GET DIAGNOSTICS added = ROW_COUNT;
            changed := changed + added;
            skipped := skipped + 1 - added;
        END IF;
    END LOOP;
    "position" := end_id;
    IF changed > 0 AND NOT is_dry THEN
        PERFORM wake();
    END IF;
END
$$;

-- As before, and erases.
CREATE OR REPLACE FUNCTION posthorn.run_job(job uuid, most integer, rows_per_second integer, gives_up boolean,
    OUT kind text, OUT is_finished boolean, OUT changed integer, OUT pause_seconds double precision)
LANGUAGE plpgsql SET search_path = posthorn, pg_temp
AS $$
DECLARE
    todo jobs;
    chunk record;
BEGIN
    SELECT j.* INTO todo FROM jobs j WHERE j.id = job AND j.state = 'running' FOR UPDATE;
    IF NOT FOUND THEN
        RETURN; -- cancelled
    END IF;
    kind := todo.kind;
    IF todo.kind = 'backfill' THEN
        chunk := backfill_chunk(todo.tenant_id, todo.subscription_id, todo.position, todo.before_id, most, gives_up, false);
    ELSIF todo.kind = 'cancel' THEN
        chunk := cancel_chunk(todo.tenant_id, todo.subscription_id, todo.filter, todo.position, todo.before_id, most);
    ELSIF todo.kind = 'erase' THEN
        chunk := erase_chunk(todo.tenant_id, todo.filter, todo.position, todo.before_id, most);
    ELSE
        chunk := retry_chunk(todo.tenant_id, todo.subscription_id, todo.filter, todo.position, todo.before_id, most);
    END IF;
    changed := chunk.changed;
    is_finished := chunk.is_last;
    pause_seconds := chunk.changed::double precision / rows_per_second;
    IF todo.kind = 'erase' AND chunk.is_last AND todo.skipped + chunk.skipped > 0 THEN
        -- once more for what was in flight: what is erased is not looked at again
        is_finished := false;
        pause_seconds := pause_seconds + 1;
        UPDATE jobs j SET skipped = -chunk.skipped WHERE j.id = job;
        chunk.position := (ids_of_job(todo.filter)).after_id;
    END IF;
    UPDATE jobs j
    SET position = chunk.position, looked_at = j.looked_at + chunk.looked_at, changed = j.changed + chunk.changed,
        skipped = j.skipped + chunk.skipped, failures = 0, error = NULL, updated_at = now(),
        due_at = now() + make_interval(secs => pause_seconds),
        state = CASE WHEN is_finished THEN 'done' ELSE 'running' END, finished_at = CASE WHEN is_finished THEN now() END
    WHERE j.id = job;
END
$$;

-- As before, and says so where all that is named is erased.
CREATE OR REPLACE FUNCTION posthorn.check_control(tenant uuid, kind text, subscription uuid, wanted jsonb, at_most integer, dry_run boolean)
RETURNS void
LANGUAGE plpgsql STABLE SET search_path = posthorn, pg_temp
AS $$
DECLARE
    known CONSTANT text[] := CASE kind WHEN 'retry' THEN '{failed,abandoned,cancelled,retrying}' WHEN 'cancel' THEN '{pending,retrying,sending}'
        ELSE '{delivered,failed,abandoned,cancelled}' END;
    statuses CONSTANT text[] := ARRAY(SELECT jsonb_array_elements_text(wanted -> 'statuses'));
    receiver record;
    erased record;
BEGIN
    IF array_position('{retry,cancel,replay,backfill}', kind) IS NULL THEN
        RAISE EXCEPTION 'kind must be retry, cancel, replay or backfill' USING ERRCODE = 'invalid_parameter_value';
    ELSIF kind <> 'backfill' AND (statuses = '{}' OR NOT statuses <@ known) THEN
        RAISE EXCEPTION 'statuses must be some of %', array_to_string(array_remove(known, 'sending'), ', ') USING ERRCODE = 'invalid_parameter_value';
    ELSIF at_most IS NULL OR at_most NOT BETWEEN 0 AND 100000 OR dry_run IS NULL THEN
        RAISE EXCEPTION 'at_most must be 0 to 100000, and dry_run not NULL' USING ERRCODE = 'invalid_parameter_value';
    ELSIF (wanted ? 'resource_type') <> (wanted ? 'resource_id') THEN
        RAISE EXCEPTION 'resource_type and resource_id go together' USING ERRCODE = 'invalid_parameter_value';
    ELSIF jsonb_array_length(wanted -> 'event_ids') > 10000 THEN
        RAISE EXCEPTION 'event_ids are at most 10000' USING ERRCODE = 'invalid_parameter_value';
    ELSIF kind IN ('retry', 'cancel') AND subscription IS NULL AND NOT wanted
          ?| '{event,error_kind,status_code,since,until,event_ids,delivery_id,resource_id,ordering_key}' THEN
        -- a sub-select that finds nothing must not mean everything
        RAISE EXCEPTION '% of everything is to be said', kind USING ERRCODE = 'invalid_parameter_value', HINT = 'since => ''-infinity''';
    ELSIF kind = 'replay' AND NOT wanted ?| '{event_ids,delivery_id,resource_id}' AND (subscription IS NULL OR NOT wanted ? 'since') THEN
        RAISE EXCEPTION 'replay needs subscription_id and since, or events, a delivery or a resource' USING ERRCODE = 'invalid_parameter_value';
    ELSIF kind = 'backfill' AND (subscription IS NULL OR NOT wanted ? 'since') THEN
        RAISE EXCEPTION 'backfill needs a subscription and since' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF kind IN ('retry', 'replay') AND wanted ?| '{event_ids,delivery_id}' THEN
        -- all that is named; of several the others are sent
        SELECT o.id, o.erased_at INTO erased FROM outbox o
        WHERE o.tenant_id = tenant AND o.id IN (
            SELECT e.id::uuid FROM jsonb_array_elements_text(wanted -> 'event_ids') AS e (id)
            UNION ALL SELECT d.event_id FROM webhook_deliveries d WHERE d.id = (wanted ->> 'delivery_id')::uuid)
        ORDER BY o.erased_at NULLS FIRST LIMIT 1;
        IF erased.erased_at IS NOT NULL THEN
            RAISE EXCEPTION 'event % was erased at %: there is nothing left to send', erased.id, erased.erased_at
                USING ERRCODE = 'object_not_in_prerequisite_state';
        END IF;
    END IF;
    IF subscription IS NOT NULL THEN
        SELECT s.status, s.created_at INTO receiver FROM webhook_subscriptions s
        WHERE s.id = subscription AND s.tenant_id = tenant AND s.status <> 'deleted';
        IF NOT FOUND THEN
            RAISE EXCEPTION 'there is no subscription %', subscription USING ERRCODE = 'no_data_found';
        ELSIF kind IN ('replay', 'backfill') AND receiver.status <> 'active' THEN
            RAISE EXCEPTION 'subscription % is %', subscription, receiver.status USING ERRCODE = 'object_not_in_prerequisite_state';
        ELSIF kind = 'backfill' AND receiver.created_at = now() THEN
            -- others cannot see it yet, so what they publish from now to the commit would be in neither
            RAISE EXCEPTION 'subscription % is not committed yet', subscription USING ERRCODE = 'object_not_in_prerequisite_state',
                HINT = 'Commit it, then backfill it.';
        END IF;
    END IF;
END
$$;

GRANT EXECUTE ON FUNCTION posthorn.ids_of_job(jsonb) TO posthorn_dispatcher;

-- For `posthorn prune --archive`: a day goes as it was written to a file, or not at all.
CREATE FUNCTION posthorn.day_state(parent text, day date, OUT row_count bigint, OUT state text)
LANGUAGE plpgsql STABLE SET search_path = posthorn, pg_temp
AS $$
DECLARE
    changed_at CONSTANT text := CASE parent WHEN 'outbox' THEN 'erased_at' WHEN 'webhook_deliveries_done' THEN 'updated_at'
        WHEN 'webhook_attempts' THEN 'recorded_at' END;
BEGIN
    IF changed_at IS NULL THEN
        RAISE EXCEPTION 'no days are kept of %', parent USING ERRCODE = 'invalid_parameter_value';
    END IF;
    EXECUTE format('SELECT count(*), concat_ws('' '', count(*), count(%1$I), max(%1$I)) FROM %2$I', changed_at,
        parent || to_char(day, '_YYYYMMDD')) INTO row_count, state;
END
$$;
COMMENT ON FUNCTION posthorn.day_state(text, date) IS 'Rows of a day, and a text that is another one when rows came, went or were changed.';

CREATE FUNCTION posthorn.drop_archived_day(parent text, day date, archived_state text, OUT is_dropped boolean, OUT held_back_by text)
LANGUAGE plpgsql VOLATILE SET search_path = posthorn, pg_temp
AS $$
BEGIN
    PERFORM day_state(parent, day); -- the name is right; 42P01 where it is gone
    PERFORM set_config('lock_timeout', '100ms', true);
    EXECUTE format('LOCK TABLE %I IN SHARE MODE', parent || to_char(day, '_YYYYMMDD'));
    is_dropped := false;
    held_back_by := 'it has changed since it was archived';
    IF (SELECT s.state FROM day_state(parent, day) s) = archived_state THEN
        SELECT d.is_dropped, d.held_back_by INTO is_dropped, held_back_by FROM drop_day(parent, day) d;
    END IF;
END
$$;
COMMENT ON FUNCTION posthorn.drop_archived_day(text, date, text) IS
    'As drop_day(), if the day still is what day_state() said when it was archived. For posthorn_owner.';
