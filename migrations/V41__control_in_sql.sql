-- What: retry(), cancel(), replay() and backfill() in plain SQL: in the caller's transaction up to so many rows, above that as a job.
-- Why:  a DBA and a tenant's session can do by psql what the API does, in one transaction with what else they change. Over the same
--       picks and chunks as jobs, so that there is one way of doing each; so jobs understand the further filters too.
--       Two doors with one room behind: control_as_tenant acts for the tenant of the transaction and can name no other,
--       control_as_operator acts for any and is posthorn_admin's alone. What looks for a door has the caller's rights.
-- Lock: none. Safe beside an older binary: yes, whose jobs do not have the new filters.

-- As before, and: event_ids, delivery_id, resource_type and resource_id (by way of their events), ordering_key.
CREATE OR REPLACE FUNCTION posthorn.pick_deliveries(tenant uuid, subscription uuid, wanted jsonb, after_id uuid, before_id uuid, most integer)
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
    wanted_key CONSTANT text := wanted ->> 'ordering_key';
    wanted_type CONSTANT text := wanted ->> 'resource_type';
    wanted_resource CONSTANT text := wanted ->> 'resource_id';
    wanted_delivery CONSTANT uuid := (wanted ->> 'delivery_id')::uuid;
    of_events uuid[];
BEGIN
    IF wanted ? 'event_ids' THEN
        of_events := ARRAY(SELECT e.id::uuid FROM jsonb_array_elements_text(wanted -> 'event_ids') AS e (id));
    ELSIF wanted_delivery IS NOT NULL THEN
        of_events := ARRAY(SELECT d.event_id FROM webhook_deliveries d WHERE d.id = wanted_delivery);
    ELSIF wanted_resource IS NOT NULL THEN
        of_events := ARRAY(SELECT o.id FROM outbox o
            WHERE o.tenant_id = tenant AND o.resource_id = wanted_resource AND o.resource_type = wanted_type);
    END IF;
    IF of_events IS NOT NULL THEN
        RETURN QUERY
        SELECT d.id, (subscription IS NULL OR d.subscription_id = subscription)
            AND (wanted_delivery IS NULL OR d.id = wanted_delivery)
            AND (wanted_event IS NULL OR wanted_event = ANY (event_patterns(d.event)))
            AND (wanted_error IS NULL OR d.last_error_kind = wanted_error)
            AND (wanted_code IS NULL OR d.last_status_code = wanted_code)
            AND (coalesce(wanted_key, wanted_resource) IS NULL OR EXISTS (SELECT FROM outbox o WHERE o.id = d.event_id
                AND (wanted_key IS NULL OR o.ordering_key = wanted_key)
                AND (wanted_resource IS NULL OR (o.resource_id = wanted_resource AND o.resource_type = wanted_type))))
        FROM (SELECT DISTINCT e.id FROM unnest(of_events) AS e (id)) AS e
        JOIN webhook_deliveries d ON d.event_id = e.id
        WHERE d.tenant_id = tenant AND d.status = ANY (statuses) AND d.id > after_id AND d.id < before_id
        ORDER BY d.id LIMIT most;
    ELSIF 'delivered' = ANY (statuses) THEN
        RETURN QUERY
        SELECT d.id, d.status = ANY (statuses)
            AND (wanted_event IS NULL OR wanted_event = ANY (event_patterns(d.event)))
            AND (wanted_error IS NULL OR d.last_error_kind = wanted_error)
            AND (wanted_code IS NULL OR d.last_status_code = wanted_code)
            AND (wanted_key IS NULL OR EXISTS (SELECT FROM outbox o WHERE o.id = d.event_id AND o.ordering_key = wanted_key))
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
                AND (wanted_code IS NULL OR d.last_status_code = wanted_code)
                AND (wanted_key IS NULL OR EXISTS (SELECT FROM outbox o WHERE o.id = d.event_id AND o.ordering_key = wanted_key))
                AS is_wanted
            FROM webhook_deliveries d
            -- that it was not delivered is said twice: so the index that has nothing else is used
            WHERE d.tenant_id = tenant AND d.status = s.status AND d.status <> 'delivered' AND d.id > after_id AND d.id < before_id
            ORDER BY d.id LIMIT most) p
        ORDER BY p.id LIMIT most;
    END IF;
END
$$;
COMMENT ON COLUMN posthorn.jobs.filter IS 'Which: statuses, event (name or pattern), error_kind, status_code, since, until, event_ids, delivery_id, resource_type and resource_id, ordering_key; a key that is not there asks for nothing.';

-- An event that is still to be fanned out waits like a delivery; where nothing is asked that only a delivery has.
CREATE FUNCTION posthorn.cancel_fanouts(tenant uuid, wanted jsonb, after_id uuid, before_id uuid, is_dry boolean) RETURNS bigint
LANGUAGE plpgsql VOLATILE SET search_path = posthorn, pg_temp
AS $$
DECLARE
    chosen CONSTANT uuid[] := ARRAY(
        SELECT f.event_id FROM event_fanouts f
        JOIN outbox o ON o.id = f.event_id
        WHERE f.tenant_id = tenant AND f.state = 'open' AND f.event_id > after_id AND f.event_id < before_id
          AND (NOT wanted ? 'event_ids' OR wanted -> 'event_ids' ? f.event_id::text)
          AND (NOT wanted ? 'event' OR wanted ->> 'event' = ANY (event_patterns(o.event)))
          AND (NOT wanted ? 'ordering_key' OR o.ordering_key = wanted ->> 'ordering_key')
          AND (NOT wanted ? 'resource_id' OR (o.resource_id = wanted ->> 'resource_id' AND o.resource_type = wanted ->> 'resource_type'))
        ORDER BY f.event_id);
    cancelled bigint := cardinality(chosen);
BEGIN
    IF NOT is_dry AND cancelled > 0 THEN
        -- a dispatcher that fans one out at this moment holds it: this waits, and its deliveries are seen afterwards
        UPDATE event_fanouts f SET state = 'cancelled', reason = NULL WHERE f.event_id = ANY (chosen) AND f.state = 'open';
        GET DIAGNOSTICS cancelled = ROW_COUNT;
        PERFORM wake(); -- open events behind them in their lines can go on
    END IF;
    RETURN cancelled;
END
$$;
COMMENT ON FUNCTION posthorn.cancel_fanouts(uuid, jsonb, uuid, uuid, boolean) IS 'Part of cancel(): cancels, or counts, events that are still to be fanned out.';

-- Counting and jobs go by the current tenant: it is put back at the end.
CREATE FUNCTION posthorn.control(tenant uuid, kind text, subscription uuid, wanted jsonb, at_most integer, dry_run boolean,
    OUT matched bigint, OUT changed bigint, OUT skipped bigint, OUT job_id uuid)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
DECLARE
    ids record := ids_of_job(wanted);
    of_the_caller CONSTANT text := coalesce(current_setting('posthorn.tenant_id', true), '');
    -- what a job without a subscription is called
    as_job CONSTANT text := CASE WHEN kind = 'replay' AND subscription IS NULL THEN 'retry' ELSE kind END;
    counted record;
    chunk record;
    fanouts bigint := 0;
    after uuid := ids.after_id;
    is_later boolean;
BEGIN
    PERFORM set_config('posthorn.tenant_id', tenant::text, true);
    changed := 0;
    skipped := 0;
    -- first, so that what a dispatcher fans out at this moment is seen below
    IF kind = 'cancel' AND subscription IS NULL AND wanted -> 'statuses' ? 'pending'
       AND NOT wanted ?| '{error_kind,status_code,delivery_id}' THEN
        fanouts := cancel_fanouts(tenant, wanted, ids.after_id, ids.before_id, dry_run);
    END IF;
    counted := count_job(kind, subscription, wanted, ids.after_id, ids.before_id);
    matched := counted.total + fanouts;
    IF NOT counted.is_total_exact THEN
        RAISE NOTICE 'counting was cut short: at least %', matched;
    END IF;
    IF dry_run THEN
        PERFORM set_config('posthorn.tenant_id', of_the_caller, true);
        RETURN;
    END IF;
    changed := fanouts;
    -- what others have published and not committed, or committed since this snapshot, cannot be seen yet: a job waits for them
    is_later := NOT counted.is_total_exact OR counted.total > at_most OR (kind = 'backfill' AND (
        current_setting('transaction_isolation') IN ('repeatable read', 'serializable') OR open_publishers() && ARRAY(
            SELECT l.virtualtransaction FROM pg_locks l WHERE l.pid IS DISTINCT FROM pg_backend_pid())));
    IF is_later THEN
        job_id := add_job(as_job, subscription, wanted);
        IF job_id IS NULL THEN
            RAISE EXCEPTION 'tenant % has three unfinished jobs', tenant USING ERRCODE = 'configuration_limit_exceeded',
                HINT = 'Wait for one, or end one with posthorn.cancel_job(id).';
        END IF;
    ELSE
        LOOP
            chunk := control_chunk(tenant, kind, subscription, wanted, after, ids.before_id);
            changed := changed + chunk.changed;
            skipped := skipped + chunk.skipped;
            after := chunk.position;
            EXIT WHEN chunk.is_last;
        END LOOP;
    END IF;
    IF changed > 0 THEN
        PERFORM audit_for(tenant, CASE kind WHEN 'retry' THEN 'deliveries.retried' WHEN 'replay' THEN 'deliveries.replayed'
                WHEN 'cancel' THEN 'deliveries.cancelled' ELSE 'subscription.backfilled' END,
            CASE WHEN subscription IS NULL THEN 'tenant' ELSE 'subscription' END, coalesce(subscription, tenant)::text,
            jsonb_build_object('filter', wanted, 'matched', matched, 'changed', changed, 'skipped', skipped));
    END IF;
    PERFORM set_config('posthorn.tenant_id', of_the_caller, true);
END
$$;
COMMENT ON FUNCTION posthorn.control(uuid, text, uuid, jsonb, integer, boolean) IS
    'Part of retry(), cancel(), replay() and backfill(): does it for a tenant, or counts, or makes a job of it.';

-- In a transaction that sees what others commit, a row that a dispatcher moved at this moment is looked at again.
CREATE FUNCTION posthorn.control_chunk(tenant uuid, kind text, subscription uuid, wanted jsonb, after_id uuid, before_id uuid,
    OUT "position" uuid, OUT looked_at integer, OUT changed integer, OUT skipped integer, OUT is_last boolean)
LANGUAGE plpgsql VOLATILE SET search_path = posthorn, pg_temp
AS $$
DECLARE
    most CONSTANT integer := 1000;
    chunk record;
BEGIN
    FOR try IN 1 .. 10 LOOP
        BEGIN
            chunk := CASE kind
                WHEN 'backfill' THEN backfill_chunk(tenant, subscription, after_id, before_id, most, false, false)
                WHEN 'cancel' THEN cancel_chunk(tenant, subscription, wanted, after_id, before_id, most)
                ELSE retry_chunk(tenant, subscription, wanted, after_id, before_id, most) END;
            EXIT;
        EXCEPTION WHEN serialization_failure THEN
            IF try = 10 OR current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
                RAISE;
            END IF;
        END;
    END LOOP;
    "position" := chunk.position;
    looked_at := chunk.looked_at;
    changed := chunk.changed;
    skipped := chunk.skipped;
    is_last := chunk.is_last;
END
$$;
COMMENT ON FUNCTION posthorn.control_chunk(uuid, text, uuid, jsonb, uuid, uuid) IS 'Part of control(): the next rows.';

CREATE FUNCTION posthorn.control_as_tenant(kind text, subscription uuid, wanted jsonb, at_most integer, dry_run boolean,
    OUT matched bigint, OUT changed bigint, OUT skipped bigint, OUT job_id uuid)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
BEGIN
    IF current_tenant() IS NULL THEN
        RAISE EXCEPTION 'this transaction acts for no tenant' USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM check_control(current_tenant(), $1, $2, $3, $4, $5);
    SELECT c.matched, c.changed, c.skipped, c.job_id INTO matched, changed, skipped, job_id
    FROM control(current_tenant(), $1, $2, $3, $4, $5) c;
END
$$;
COMMENT ON FUNCTION posthorn.control_as_tenant(text, uuid, jsonb, integer, boolean) IS
    'Part of retry(), cancel(), replay() and backfill(): for the current tenant.';
GRANT EXECUTE ON FUNCTION posthorn.control_as_tenant(text, uuid, jsonb, integer, boolean) TO posthorn_api;

CREATE FUNCTION posthorn.control_as_operator(tenant uuid, kind text, subscription uuid, wanted jsonb, at_most integer,
    dry_run boolean, OUT matched bigint, OUT changed bigint, OUT skipped bigint, OUT job_id uuid)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
#variable_conflict use_variable
BEGIN
    -- what is named says whose it is
    tenant := coalesce(tenant, current_tenant(),
        (SELECT s.tenant_id FROM webhook_subscriptions s WHERE s.id = subscription),
        (SELECT o.tenant_id FROM outbox o WHERE o.id = (wanted #>> '{event_ids,0}')::uuid),
        (SELECT d.tenant_id FROM webhook_deliveries d WHERE d.id = (wanted ->> 'delivery_id')::uuid));
    IF tenant IS NULL AND coalesce(subscription::text, wanted #>> '{event_ids,0}', wanted ->> 'delivery_id') IS NULL THEN
        RAISE EXCEPTION 'whose deliveries is not said' USING ERRCODE = 'invalid_parameter_value', HINT = 'tenant_id => ''…''';
    ELSIF tenant IS NULL OR NOT EXISTS (SELECT FROM tenants t WHERE t.id = tenant) THEN
        RAISE EXCEPTION 'there is no %', CASE WHEN tenant IS NOT NULL THEN 'tenant ' || tenant WHEN subscription IS NOT NULL THEN 'subscription ' || subscription
            ELSE coalesce('event ' || (wanted #>> '{event_ids,0}'), 'delivery ' || (wanted ->> 'delivery_id')) END USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM check_control(tenant, $2, $3, $4, $5, $6);
    SELECT c.matched, c.changed, c.skipped, c.job_id INTO matched, changed, skipped, job_id FROM control(tenant, $2, $3, $4, $5, $6) c;
END
$$;
COMMENT ON FUNCTION posthorn.control_as_operator(uuid, text, uuid, jsonb, integer, boolean) IS
    'Part of retry(), cancel(), replay() and backfill(): for any tenant.';
GRANT EXECUTE ON FUNCTION posthorn.control_as_operator(uuid, text, uuid, jsonb, integer, boolean) TO posthorn_admin;

CREATE FUNCTION posthorn.check_control(tenant uuid, kind text, subscription uuid, wanted jsonb, at_most integer, dry_run boolean)
RETURNS void
LANGUAGE plpgsql STABLE SET search_path = posthorn, pg_temp
AS $$
DECLARE
    known CONSTANT text[] := CASE kind WHEN 'retry' THEN '{failed,abandoned,cancelled,retrying}' WHEN 'cancel' THEN '{pending,retrying,sending}'
        ELSE '{delivered,failed,abandoned,cancelled}' END;
    statuses CONSTANT text[] := ARRAY(SELECT jsonb_array_elements_text(wanted -> 'statuses'));
    receiver record;
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
COMMENT ON FUNCTION posthorn.check_control(uuid, text, uuid, jsonb, integer, boolean) IS
    'Part of retry(), cancel(), replay() and backfill(): refuses what cannot be asked for, and says why.';

-- With the caller's rights, so that current_user is the caller.
CREATE FUNCTION posthorn.ask_control(kind text, tenant_id uuid, subscription_id uuid, wanted jsonb, at_most integer, dry_run boolean,
    OUT matched bigint, OUT changed bigint, OUT skipped bigint, OUT job_id uuid)
LANGUAGE plpgsql VOLATILE SET search_path = posthorn, pg_temp
AS $$
BEGIN
    IF pg_has_role('posthorn_admin', 'USAGE') THEN
        SELECT c.matched, c.changed, c.skipped, c.job_id INTO matched, changed, skipped, job_id
        FROM control_as_operator($2, $1, $3, jsonb_strip_nulls($4), $5, $6) c;
    ELSIF $2 IS DISTINCT FROM current_tenant() AND $2 IS NOT NULL THEN
        RAISE EXCEPTION 'this transaction does not act for that tenant' USING ERRCODE = 'insufficient_privilege';
    ELSE
        SELECT c.matched, c.changed, c.skipped, c.job_id INTO matched, changed, skipped, job_id
        FROM control_as_tenant($1, $3, jsonb_strip_nulls($4), $5, $6) c;
    END IF;
END
$$;
COMMENT ON FUNCTION posthorn.ask_control(text, uuid, uuid, jsonb, integer, boolean) IS
    'Part of retry(), cancel(), replay() and backfill(): as the current tenant or, of a posthorn_admin, as the operator.';

CREATE FUNCTION posthorn.retry(tenant_id uuid DEFAULT NULL, subscription_id uuid DEFAULT NULL, event text DEFAULT NULL,
    statuses text[] DEFAULT '{failed,abandoned}', error_kind text DEFAULT NULL, status_code integer DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, event_id uuid DEFAULT NULL, event_ids uuid[] DEFAULT NULL,
    delivery_id uuid DEFAULT NULL, resource_type text DEFAULT NULL, resource_id text DEFAULT NULL, ordering_key text DEFAULT NULL,
    at_most integer DEFAULT 10000, dry_run boolean DEFAULT false)
RETURNS TABLE (matched bigint, changed bigint, skipped bigint, job_id uuid)
LANGUAGE sql VOLATILE SET search_path = posthorn, pg_temp
AS $$
    SELECT c.matched, c.changed, c.skipped, c.job_id FROM ask_control('retry', tenant_id, subscription_id, jsonb_build_object(
        'statuses', statuses, 'event', event, 'error_kind', error_kind, 'status_code', status_code, 'since', since, 'until', until,
        'event_ids', CASE WHEN event_id IS NULL THEN event_ids ELSE event_ids || event_id END, 'delivery_id', delivery_id,
        'resource_type', resource_type, 'resource_id', resource_id, 'ordering_key', ordering_key), at_most, dry_run) c
$$;
COMMENT ON FUNCTION posthorn.retry(uuid, uuid, text, text[], text, integer, timestamptz, timestamptz, uuid, uuid[], uuid, text, text, text, integer, boolean) IS
    'Makes deliveries that were given up due again, at once; more than at_most by a job after the commit. dry_run only counts.';

CREATE FUNCTION posthorn.replay(tenant_id uuid DEFAULT NULL, subscription_id uuid DEFAULT NULL, event text DEFAULT NULL,
    statuses text[] DEFAULT '{delivered,failed,abandoned}', error_kind text DEFAULT NULL, status_code integer DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, event_id uuid DEFAULT NULL, event_ids uuid[] DEFAULT NULL,
    delivery_id uuid DEFAULT NULL, resource_type text DEFAULT NULL, resource_id text DEFAULT NULL, ordering_key text DEFAULT NULL,
    at_most integer DEFAULT 10000, dry_run boolean DEFAULT false)
RETURNS TABLE (matched bigint, changed bigint, skipped bigint, job_id uuid)
LANGUAGE sql VOLATILE SET search_path = posthorn, pg_temp
AS $$
    SELECT c.matched, c.changed, c.skipped, c.job_id FROM ask_control('replay', tenant_id, subscription_id, jsonb_build_object(
        'statuses', statuses, 'event', event, 'error_kind', error_kind, 'status_code', status_code, 'since', since, 'until', until,
        'event_ids', CASE WHEN event_id IS NULL THEN event_ids ELSE event_ids || event_id END, 'delivery_id', delivery_id,
        'resource_type', resource_type, 'resource_id', resource_id, 'ordering_key', ordering_key), at_most, dry_run) c
$$;
COMMENT ON FUNCTION posthorn.replay(uuid, uuid, text, text[], text, integer, timestamptz, timestamptz, uuid, uuid[], uuid, text, text, text, integer, boolean) IS
    'Sends finished deliveries again, delivered ones too, with the same webhook-id and body; more than at_most by a job after the commit. dry_run only counts.';

CREATE FUNCTION posthorn.cancel(tenant_id uuid DEFAULT NULL, subscription_id uuid DEFAULT NULL, event text DEFAULT NULL,
    statuses text[] DEFAULT '{pending,retrying}', error_kind text DEFAULT NULL, status_code integer DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, event_id uuid DEFAULT NULL, event_ids uuid[] DEFAULT NULL,
    delivery_id uuid DEFAULT NULL, resource_type text DEFAULT NULL, resource_id text DEFAULT NULL, ordering_key text DEFAULT NULL,
    at_most integer DEFAULT 10000, dry_run boolean DEFAULT false)
RETURNS TABLE (matched bigint, changed bigint, skipped bigint, job_id uuid)
LANGUAGE sql VOLATILE SET search_path = posthorn, pg_temp
AS $$
    -- what is in flight is counted and left alone
    SELECT c.matched, c.changed, c.skipped, c.job_id FROM ask_control('cancel', tenant_id, subscription_id, jsonb_build_object(
        'statuses', CASE WHEN 'pending' = ANY (statuses) THEN statuses || 'sending'::text ELSE statuses END,
        'event', event, 'error_kind', error_kind, 'status_code', status_code, 'since', since, 'until', until,
        'event_ids', CASE WHEN event_id IS NULL THEN event_ids ELSE event_ids || event_id END, 'delivery_id', delivery_id,
        'resource_type', resource_type, 'resource_id', resource_id, 'ordering_key', ordering_key), at_most, dry_run) c
$$;
COMMENT ON FUNCTION posthorn.cancel(uuid, uuid, text, text[], text, integer, timestamptz, timestamptz, uuid, uuid[], uuid, text, text, text, integer, boolean) IS
    'Cancels deliveries that wait, and events that are still to be fanned out; what is in flight is only counted (skipped). More than at_most by a job after the commit. dry_run only counts.';

CREATE FUNCTION posthorn.backfill(subscription_id uuid, since timestamptz, until timestamptz DEFAULT NULL, tenant_id uuid DEFAULT NULL,
    at_most integer DEFAULT 10000, dry_run boolean DEFAULT false)
RETURNS TABLE (matched bigint, changed bigint, skipped bigint, job_id uuid)
LANGUAGE sql VOLATILE SET search_path = posthorn, pg_temp
AS $$
    SELECT c.matched, c.changed, c.skipped, c.job_id FROM ask_control('backfill', tenant_id, subscription_id,
        jsonb_build_object('since', since, 'until', until), at_most, dry_run) c
$$;
COMMENT ON FUNCTION posthorn.backfill(uuid, timestamptz, timestamptz, uuid, integer, boolean) IS
    'Gives a subscription the events since then that it wants and has no delivery of; more than at_most, while others are publishing or under REPEATABLE READ, by a job after the commit. dry_run only counts.';

GRANT EXECUTE ON FUNCTION posthorn.ask_control(text, uuid, uuid, jsonb, integer, boolean),
    posthorn.retry(uuid, uuid, text, text[], text, integer, timestamptz, timestamptz, uuid, uuid[], uuid, text, text, text, integer, boolean),
    posthorn.replay(uuid, uuid, text, text[], text, integer, timestamptz, timestamptz, uuid, uuid[], uuid, text, text, text, integer, boolean),
    posthorn.cancel(uuid, uuid, text, text[], text, integer, timestamptz, timestamptz, uuid, uuid[], uuid, text, text, text, integer, boolean),
    posthorn.backfill(uuid, timestamptz, timestamptz, uuid, integer, boolean) TO posthorn_api, posthorn_admin;
