-- What: what jobs do, a chunk at a time, and how they are made. Lock: none. Safe beside an older binary: yes.
-- Why:  as functions, so that whoever has SQL alone can do the same; each leaves everything to its caller's transaction.

-- The next deliveries that a filter is about, in the order of their ids, and whether each is wanted. Looks at no more than `most`:
-- of what was delivered by way of its subscription, of what failed by way of its status, where nothing else is in the way.
CREATE FUNCTION posthorn.pick_deliveries(tenant uuid, subscription uuid, wanted jsonb, after_id uuid, before_id uuid, most integer)
RETURNS TABLE (id uuid, is_wanted boolean)
LANGUAGE plpgsql STABLE
SET search_path = posthorn, pg_temp SET plan_cache_mode = force_custom_plan SET enable_sort = on SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
    statuses CONSTANT text[] := ARRAY(SELECT jsonb_array_elements_text(wanted -> 'statuses'));
    wanted_event CONSTANT text := wanted ->> 'event';
    wanted_error CONSTANT text := wanted ->> 'error_kind';
    wanted_code CONSTANT integer := (wanted ->> 'status_code')::integer;
BEGIN
    IF 'delivered' = ANY (statuses) THEN
        RETURN QUERY
        SELECT d.id, d.status = ANY (statuses)
            AND (wanted_event IS NULL OR wanted_event = ANY (event_patterns(d.event)))
            AND (wanted_error IS NULL OR d.last_error_kind = wanted_error)
            AND (wanted_code IS NULL OR d.last_status_code = wanted_code)
        FROM webhook_deliveries d
        WHERE d.subscription_id = subscription AND d.tenant_id = tenant AND d.id > after_id AND d.id < before_id
          AND d.status IN ('delivered', 'failed', 'abandoned', 'cancelled')
        ORDER BY d.id LIMIT most;
    ELSE
        RETURN QUERY
        SELECT p.id, p.is_wanted
        FROM unnest(statuses) AS s (status)
        CROSS JOIN LATERAL (
            SELECT d.id, (subscription IS NULL OR d.subscription_id = subscription)
                AND (wanted_event IS NULL OR wanted_event = ANY (event_patterns(d.event)))
                AND (wanted_error IS NULL OR d.last_error_kind = wanted_error)
                AND (wanted_code IS NULL OR d.last_status_code = wanted_code) AS is_wanted
            FROM webhook_deliveries d
            -- that it was not delivered is said twice: so the index that has nothing else is used
            WHERE d.tenant_id = tenant AND d.status = s.status AND d.status <> 'delivered' AND d.id > after_id AND d.id < before_id
            ORDER BY d.id LIMIT most) p
        ORDER BY p.id LIMIT most;
    END IF;
END
$$;
COMMENT ON FUNCTION posthorn.pick_deliveries(uuid, uuid, jsonb, uuid, uuid, integer) IS
    'Part of jobs: the next deliveries of a tenant between two ids with one of the statuses, and whether the rest of the filter wants them.';

CREATE FUNCTION posthorn.retry_chunk(tenant uuid, subscription uuid, wanted jsonb, after_id uuid, before_id uuid, most integer,
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
        WHERE (wanted -> 'statuses') ? d.status
        FOR UPDATE OF d SKIP LOCKED);
    UPDATE webhook_deliveries d
    SET status = 'pending', generation = d.generation + 1, epoch = d.epoch + 1, attempts = 0, due_at = now(), lease_until = NULL,
        updated_at = now(), finished_at = NULL
    FROM unnest(held) AS h (id)
    WHERE d.id = h.id AND (wanted -> 'statuses') ? d.status;
    GET DIAGNOSTICS changed = ROW_COUNT;
    skipped := cardinality(chosen) - changed;
    IF changed > 0 THEN
        PERFORM wake();
    END IF;
END
$$;
COMMENT ON FUNCTION posthorn.retry_chunk(uuid, uuid, jsonb, uuid, uuid, integer) IS
    'Makes the next deliveries that a filter wants due again, each as a new generation with its attempts counted from 0. Where the subscription is not active they stay as they are.';

CREATE FUNCTION posthorn.cancel_chunk(tenant uuid, subscription uuid, wanted jsonb, after_id uuid, before_id uuid, most integer,
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
    held := ARRAY(
        SELECT d.id FROM unnest(chosen) AS c (id)
        JOIN webhook_deliveries d ON d.id = c.id
        WHERE d.status IN ('pending', 'retrying')
        FOR UPDATE OF d SKIP LOCKED);
    UPDATE webhook_deliveries d
    SET status = 'cancelled', finished_at = now(), updated_at = now(), lease_until = NULL, epoch = d.epoch + 1
    FROM unnest(held) AS h (id)
    WHERE d.id = h.id AND d.status IN ('pending', 'retrying');
    GET DIAGNOSTICS changed = ROW_COUNT;
    skipped := cardinality(chosen) - changed;
END
$$;
COMMENT ON FUNCTION posthorn.cancel_chunk(uuid, uuid, jsonb, uuid, uuid, integer) IS
    'Cancels the next waiting deliveries that a filter wants. What a dispatcher holds at this moment stays as it is.';

-- The owner's rights: nobody else may add deliveries. Events in the order in which they were written: of one millisecond the ids
-- are random, so a chunk ends between two milliseconds and goes by the place in the table within one.
-- Exactly once: one backfill of a subscription at a time; an event that is still to be fanned out is held, so that no dispatcher
-- fans it out meanwhile; and a subscription that has its delivery, finished or not, is passed over.
-- Places in line below all others: what is older goes before what already waits with the same ordering key.
CREATE FUNCTION posthorn.backfill_chunk(tenant uuid, subscription uuid, after_id uuid, before_id uuid, most integer, gives_up boolean,
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
        WHERE o.tenant_id = tenant AND o.id > after_id AND o.id < end_id
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
            OR EXISTS (SELECT FROM event_fanouts f WHERE f.event_id = candidate.id AND f.state IN ('muted', 'cancelled'));
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
COMMENT ON FUNCTION posthorn.backfill_chunk(uuid, uuid, uuid, uuid, integer, boolean, boolean) IS
    'Gives a subscription its deliveries of the next events between two ids that it wants and has none of; is_dry only counts. For run_job and count_job.';

-- Of the current tenant. Counting ends after a million, or after two seconds.
CREATE FUNCTION posthorn.count_job(kind text, subscription uuid, wanted jsonb, after_id uuid, before_id uuid,
    OUT total bigint, OUT is_total_exact boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
DECLARE
    most CONSTANT integer := 5000;
    began_at CONSTANT timestamptz := clock_timestamp();
    after uuid := after_id;
    picked bigint;
    last_id uuid;
    chosen bigint;
    chunk record;
BEGIN
    total := 0;
    LOOP
        IF kind = 'backfill' THEN
            chunk := backfill_chunk(current_tenant(), subscription, after, before_id, most, false, true);
            total := total + chunk.changed;
            after := chunk.position;
            is_total_exact := chunk.is_last;
        ELSE
            SELECT count(*), (array_agg(p.id ORDER BY p.id DESC))[1], count(*) FILTER (WHERE p.is_wanted)
            INTO picked, last_id, chosen
            FROM pick_deliveries(current_tenant(), subscription, wanted, after, before_id, most) p;
            total := total + chosen;
            after := last_id;
            is_total_exact := picked < most;
        END IF;
        EXIT WHEN is_total_exact OR total >= 1000000 OR clock_timestamp() > began_at + interval '2 s';
    END LOOP;
END
$$;
COMMENT ON FUNCTION posthorn.count_job(text, uuid, jsonb, uuid, uuid) IS
    'How many rows of the current tenant a job would be about. Not exact: at least so many.';

CREATE FUNCTION posthorn.ids_of_job(wanted jsonb, OUT after_id uuid, OUT before_id uuid)
LANGUAGE sql STABLE SET search_path = posthorn, pg_temp
AS $$
    -- what is made from now on is not meant
    SELECT first_id_at(coalesce((wanted ->> 'since')::timestamptz, 'epoch')),
        first_id_at(least(coalesce((wanted ->> 'until')::timestamptz, 'infinity'), clock_timestamp() + interval '1 ms'))
$$;
COMMENT ON FUNCTION posthorn.ids_of_job(jsonb) IS 'The ids that since and until of a job''s filter stand for; not beyond this moment.';

-- Whoever has written to a table holds its lock until the end.
CREATE FUNCTION posthorn.open_publishers() RETURNS text[]
LANGUAGE sql VOLATILE SET search_path = posthorn, pg_temp
AS $$
    SELECT coalesce(array_agg(DISTINCT l.virtualtransaction), '{}') FROM pg_locks l
    WHERE l.locktype = 'relation' AND l.relation = 'posthorn.outbox'::regclass AND l.mode = 'RowExclusiveLock' AND l.granted
      AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
$$;
COMMENT ON FUNCTION posthorn.open_publishers() IS 'Virtual ids of the transactions that have written to the outbox and are still open.';

CREATE FUNCTION posthorn.add_job(kind text, subscription uuid, wanted jsonb) RETURNS uuid
LANGUAGE plpgsql SET search_path = posthorn, pg_temp
AS $$
DECLARE
    ids record := ids_of_job(wanted);
    counted record := count_job(kind, subscription, wanted, ids.after_id, ids.before_id);
    added uuid;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(current_tenant()::text, 1886352490));
    DELETE FROM jobs j WHERE j.tenant_id = current_tenant() AND j.finished_at < now() - interval '90 days';
    IF (SELECT count(*) FROM jobs j WHERE j.tenant_id = current_tenant() AND j.state IN ('waiting', 'running')) >= 3 THEN
        RETURN NULL;
    END IF;
    INSERT INTO jobs (tenant_id, kind, subscription_id, filter, total, is_total_exact, position, before_id, waits_for, created_by)
    VALUES (current_tenant(), $1, $2, $3, counted.total, counted.is_total_exact, ids.after_id, ids.before_id,
        CASE WHEN $1 = 'backfill' THEN open_publishers() ELSE '{}' END, left(current_actor(), 200))
    RETURNING jobs.id INTO added;
    PERFORM audit('job.created', 'job', added::text,
        jsonb_build_object('kind', kind, 'subscription_id', subscription, 'filter', wanted, 'total', counted.total));
    IF coalesce(current_setting('posthorn.notify', true), '') <> 'off' THEN
        PERFORM pg_notify('posthorn_wake', 'jobs');
    END IF;
    RETURN added;
END
$$;
COMMENT ON FUNCTION posthorn.add_job(text, uuid, jsonb) IS
    'Makes a job of the current tenant: retry, replay, backfill or cancel; answers with its id, NULL when the tenant has three unfinished ones.';

CREATE FUNCTION posthorn.cancel_job(job uuid, OUT state text, OUT is_changed boolean)
LANGUAGE plpgsql SET search_path = posthorn, pg_temp
AS $$
BEGIN
    UPDATE jobs j SET state = 'cancelled', updated_at = now(), finished_at = now()
    WHERE j.id = job AND j.state IN ('waiting', 'running');
    is_changed := FOUND;
    IF is_changed THEN
        PERFORM audit('job.cancelled', 'job', job::text);
    END IF;
    SELECT j.state INTO state FROM jobs j WHERE j.id = job;
END
$$;
COMMENT ON FUNCTION posthorn.cancel_job(uuid) IS
    'Ends a job after the chunk that is under way; what it did stays. Answers with its state, NULL: there is none.';

-- Who takes a job has it for ten seconds or, after failures, longer; whoever dies with it holds up nobody else.
CREATE FUNCTION posthorn.take_job(OUT id uuid, OUT failures integer)
LANGUAGE plpgsql SET search_path = posthorn, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    UPDATE jobs j
    SET state = 'running', failures = j.failures + 1, started_at = coalesce(j.started_at, now()),
        due_at = now() + make_interval(secs => 10 * least(j.failures + 1, 6))
    WHERE j.id = (
        SELECT o.id FROM jobs o
        WHERE o.state IN ('waiting', 'running') AND o.due_at <= now()
          -- what a transaction has written that was open when the job was made must be there to be seen; not for ever
          AND (o.waits_for = '{}' OR o.state = 'running' OR NOT o.waits_for && open_publishers()
               OR o.created_at < now() - interval '1 minute')
        ORDER BY o.due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING j.id, j.failures INTO id, failures;
END
$$;
COMMENT ON FUNCTION posthorn.take_job() IS 'For dispatchers: takes the job that is due longest; NULL: none is.';

CREATE FUNCTION posthorn.run_job(job uuid, most integer, rows_per_second integer, gives_up boolean,
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
    ELSE
        chunk := retry_chunk(todo.tenant_id, todo.subscription_id, todo.filter, todo.position, todo.before_id, most);
    END IF;
    changed := chunk.changed;
    is_finished := chunk.is_last;
    pause_seconds := chunk.changed::double precision / rows_per_second;
    UPDATE jobs j
    SET position = chunk.position, looked_at = j.looked_at + chunk.looked_at, changed = j.changed + chunk.changed,
        skipped = j.skipped + chunk.skipped, failures = 0, error = NULL, updated_at = now(),
        due_at = now() + make_interval(secs => pause_seconds),
        state = CASE WHEN is_finished THEN 'done' ELSE 'running' END, finished_at = CASE WHEN is_finished THEN now() END
    WHERE j.id = job;
END
$$;
COMMENT ON FUNCTION posthorn.run_job(uuid, integer, integer, boolean) IS
    'For dispatchers: does the next chunk of a job that was taken and writes down where it stands. kind is NULL when it is not running any more.';

GRANT EXECUTE ON FUNCTION posthorn.current_actor() TO posthorn_api;
GRANT EXECUTE ON FUNCTION posthorn.event_patterns(text) TO posthorn_dispatcher, posthorn_api;
GRANT EXECUTE ON FUNCTION posthorn.count_job(text, uuid, jsonb, uuid, uuid), posthorn.ids_of_job(jsonb),
    posthorn.add_job(text, uuid, jsonb), posthorn.cancel_job(uuid), posthorn.open_publishers() TO posthorn_api;
GRANT EXECUTE ON FUNCTION posthorn.pick_deliveries(uuid, uuid, jsonb, uuid, uuid, integer),
    posthorn.retry_chunk(uuid, uuid, jsonb, uuid, uuid, integer), posthorn.cancel_chunk(uuid, uuid, jsonb, uuid, uuid, integer),
    posthorn.backfill_chunk(uuid, uuid, uuid, uuid, integer, boolean, boolean),
    posthorn.open_publishers(), posthorn.take_job(), posthorn.run_job(uuid, integer, integer, boolean) TO posthorn_dispatcher;
