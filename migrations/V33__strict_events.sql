-- What: strict event types and tenants: an event that must fit a schema waits, open, for a dispatcher to check it.
-- Why:  plain PostgreSQL knows no JSON Schema, and a business transaction must neither wait for a check nor fail by it. Of
--       tenants without anything strict the fan-out learns that from the pattern rows it reads anyway: they pay nothing.
-- Lock: ACCESS EXCLUSIVE on tenants, patterns and event_fanouts, SHARE ROW EXCLUSIVE on subscriptions and event_types, for
--       moments. Safe beside an older binary: yes; it leaves events that are to be checked to a newer one.
ALTER TABLE posthorn.tenants ADD COLUMN strict_event_types boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN posthorn.tenants.strict_event_types IS 'Whether events must be of a type of the catalogue and fit its JSON Schema, if it has one: the API refuses others, by SQL they are stored and their deliveries fail as unknown_event_type or schema_mismatch.';

GRANT UPDATE (strict_event_types) ON posthorn.tenants TO posthorn_api, posthorn_admin;

ALTER TABLE posthorn.event_fanouts ADD COLUMN checked_at timestamptz, ADD COLUMN error_kind text,
    DROP CONSTRAINT state_is_known,
    -- V35 looks at the rows that are there
    ADD CONSTRAINT state_is_known CHECK (state IN ('open', 'muted', 'unknown_tenant', 'cancelled', 'refused')) NOT VALID;
COMMENT ON COLUMN posthorn.event_fanouts.state IS 'open: a dispatcher will do it; muted: published with posthorn.mute = on; unknown_tenant: no such tenant, nobody to send to; cancelled: cancelled while it was open; refused: not as its strict type or tenant wants it, its deliveries have failed.';
COMMENT ON COLUMN posthorn.event_fanouts.reason IS 'Why it is open (the error of the matching, more subscriptions than are fanned out within a commit, to be checked), or refused.';
COMMENT ON COLUMN posthorn.event_fanouts.checked_at IS 'When a dispatcher checked it against the schema of its type.';
COMMENT ON COLUMN posthorn.event_fanouts.error_kind IS 'What its deliveries fail as: schema_mismatch or unknown_event_type; NULL: they do not.';
COMMENT ON COLUMN posthorn.events.fanout IS 'done, or open, muted, unknown_tenant, cancelled, refused: see posthorn.event_fanouts.';
GRANT UPDATE (checked_at, error_kind), DELETE ON posthorn.event_fanouts TO posthorn_dispatcher;

CREATE FUNCTION posthorn.is_checked_event(tenant uuid, event_name text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
    SELECT NOT starts_with(event_name, 'posthorn.') AND (
        EXISTS (SELECT FROM event_types e WHERE e.tenant_id = tenant AND e.name = event_name AND e.is_strict)
        OR (EXISTS (SELECT FROM tenants t WHERE t.id = tenant AND t.strict_event_types)
            AND (EXISTS (SELECT FROM event_types e WHERE e.tenant_id = tenant AND e.name = event_name AND e.json_schema IS NOT NULL)
                OR NOT EXISTS (SELECT FROM event_types e WHERE e.name = event_name AND (e.tenant_id IS NULL OR e.tenant_id = tenant)))))
$$;
COMMENT ON FUNCTION posthorn.is_checked_event(uuid, text) IS 'Whether events of this name must be checked: the type is strict, or the tenant is and the type has a schema or is unknown.';
GRANT EXECUTE ON FUNCTION posthorn.is_checked_event(uuid, text) TO posthorn_api, posthorn_dispatcher;

CREATE FUNCTION posthorn.is_strict_tenant(tenant uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
    SELECT EXISTS (SELECT FROM tenants t WHERE t.id = tenant AND t.strict_event_types)
        OR EXISTS (SELECT FROM event_types e WHERE e.tenant_id = tenant AND e.is_strict)
$$;
COMMENT ON FUNCTION posthorn.is_strict_tenant(uuid) IS 'Whether this tenant is strict about anything.';

-- A copy of that in every pattern row, which the fan-out reads anyway. Whoever changes a subscription holds its tenant's row,
-- and whoever changes strictness locks it, so that neither overlooks the other.
ALTER TABLE posthorn.subscription_patterns ADD COLUMN is_checked boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN posthorn.subscription_patterns.is_checked IS 'Whether the tenant is strict about anything, so that the fan-out looks whether it is about the event.';

CREATE FUNCTION posthorn.hold_tenant() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
BEGIN
    PERFORM FROM tenants t WHERE t.id = NEW.tenant_id FOR KEY SHARE;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION posthorn.hold_tenant() IS 'Trigger: keeps the tenant from becoming strict while its subscription changes.';
CREATE TRIGGER hold_tenant BEFORE INSERT OR UPDATE ON posthorn.webhook_subscriptions
    FOR EACH ROW EXECUTE FUNCTION posthorn.hold_tenant();

CREATE FUNCTION posthorn.mark_pattern() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
BEGIN
    NEW.is_checked := is_strict_tenant(NEW.tenant_id);
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION posthorn.mark_pattern() IS 'Trigger: a new pattern row says whether its tenant is strict.';
CREATE TRIGGER mark_pattern BEFORE INSERT ON posthorn.subscription_patterns
    FOR EACH ROW EXECUTE FUNCTION posthorn.mark_pattern();

CREATE FUNCTION posthorn.keep_patterns_marked(tenant uuid) RETURNS void
LANGUAGE plpgsql SET search_path = posthorn, pg_temp
AS $$
BEGIN
    PERFORM FROM tenants t WHERE t.id = tenant FOR UPDATE;
    UPDATE subscription_patterns p SET is_checked = is_strict_tenant(tenant)
    WHERE p.tenant_id = tenant AND p.is_checked <> is_strict_tenant(tenant);
END
$$;
COMMENT ON FUNCTION posthorn.keep_patterns_marked(uuid) IS 'Makes the pattern rows of a tenant say whether it is strict.';

CREATE FUNCTION posthorn.note_strictness() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
BEGIN
    IF TG_TABLE_NAME = 'tenants' THEN
        PERFORM keep_patterns_marked(NEW.id);
    ELSIF TG_OP = 'DELETE' THEN
        PERFORM keep_patterns_marked(OLD.tenant_id);
    ELSE
        PERFORM keep_patterns_marked(NEW.tenant_id);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION posthorn.note_strictness() IS 'Trigger: keeps subscription_patterns.is_checked.';
CREATE TRIGGER note_strictness AFTER UPDATE OF strict_event_types ON posthorn.tenants
    FOR EACH ROW WHEN (NEW.strict_event_types <> OLD.strict_event_types) EXECUTE FUNCTION posthorn.note_strictness();
CREATE TRIGGER note_strict_type AFTER INSERT ON posthorn.event_types
    FOR EACH ROW WHEN (NEW.is_strict) EXECUTE FUNCTION posthorn.note_strictness();
CREATE TRIGGER note_strictness AFTER UPDATE OF is_strict ON posthorn.event_types
    FOR EACH ROW WHEN (NEW.is_strict <> OLD.is_strict) EXECUTE FUNCTION posthorn.note_strictness();
CREATE TRIGGER note_strict_type_gone AFTER DELETE ON posthorn.event_types
    FOR EACH ROW WHEN (OLD.is_strict) EXECUTE FUNCTION posthorn.note_strictness();

CREATE OR REPLACE FUNCTION posthorn.fan_out() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
DECLARE
    -- more would make the business transaction's COMMIT wait (16 to 20 us each); the dispatcher does those
    inline_limit CONSTANT integer := 500;
    event_ids uuid[];
    tenant_ids uuid[];
    events text[];
    due_ats timestamptz[];
    subscription_ids uuid[];
    ordering_keys text[];
    in_order_ids uuid[];
    key_lock bigint;
    too_many_ids uuid[];
    dear_ids uuid[];
    checked_ids uuid[];
    unknown_ids uuid[];
    behind_ids uuid[];
    failure text;
BEGIN
    IF coalesce(current_setting('posthorn.mute', true), '') = 'on' THEN
        INSERT INTO event_fanouts (event_id, tenant_id, state) SELECT e.id, e.tenant_id, 'muted' FROM new_events e;
        RETURN NULL;
    END IF;

    -- Matching must not be able to fail the business transaction. The block is read-only, so it takes no subtransaction
    -- id; around the INSERT below it would take one per statement. OTHERS does not catch a cancelled statement: right.
    BEGIN
        WITH incoming AS MATERIALIZED (
            -- #> '{}' is the whole value, detoasted once and not once per filter
            SELECT e.id, e.tenant_id, e.event, e.ordering_key, e.payload #> '{}' AS payload,
                greatest(e.deliver_after, now()) AS due_at
            FROM new_events e
        ), matched AS MATERIALIZED (
            SELECT i.id, i.tenant_id, i.event, i.due_at, i.ordering_key, m.found, m.wanted, m.wanted_in_order, m.has_dear_filter, m.is_checked,
                m.found = 0 AND NOT EXISTS (SELECT FROM tenants t WHERE t.id = i.tenant_id) AS is_unknown
            FROM incoming i
            CROSS JOIN LATERAL (
                SELECT count(*) AS found,
                    bool_or(c.filter IS NOT NULL AND NOT (c.is_cheap AND pg_column_size(i.payload) <= 16384)) AS has_dear_filter,
                    array_agg(DISTINCT c.subscription_id) FILTER (WHERE c.filter IS NULL
                        OR CASE WHEN c.is_cheap AND pg_column_size(i.payload) <= 16384 THEN i.payload @@ c.filter END) AS wanted,
                    array_agg(c.subscription_id) FILTER (WHERE i.ordering_key IS NOT NULL AND c.is_ordered) AS wanted_in_order,
                    bool_or(c.is_checked) AS is_checked
                FROM (
                    SELECT p.subscription_id, p.filter, p.is_cheap, p.is_ordered, p.is_checked
                    FROM subscription_patterns p
                    WHERE p.tenant_id = i.tenant_id AND p.pattern = ANY (event_patterns(i.event))
                    LIMIT inline_limit + 1
                ) c
            ) m
        )
        SELECT array_agg(m.id) FILTER (WHERE w.subscription_id IS NOT NULL),
            array_agg(m.tenant_id) FILTER (WHERE w.subscription_id IS NOT NULL),
            array_agg(m.event) FILTER (WHERE w.subscription_id IS NOT NULL),
            array_agg(m.due_at) FILTER (WHERE w.subscription_id IS NOT NULL),
            array_agg(w.subscription_id) FILTER (WHERE w.subscription_id IS NOT NULL),
            array_agg(CASE WHEN w.subscription_id = ANY (m.wanted_in_order) THEN m.ordering_key END)
                FILTER (WHERE w.subscription_id IS NOT NULL),
            -- once per event, and without DISTINCT or ORDER BY: from PostgreSQL 16 on these would sort the input of all of them,
            -- and the events of one statement must keep their order
            array_agg(m.id) FILTER (WHERE m.ordering_key IS NOT NULL AND coalesce(w.place, 1) = 1
                AND (m.wanted_in_order IS NOT NULL OR m.found > inline_limit)),
            array_agg(m.id) FILTER (WHERE m.found > inline_limit),
            array_agg(m.id) FILTER (WHERE m.found <= inline_limit AND m.has_dear_filter AND coalesce(w.place, 1) = 1),
            array_agg(m.id) FILTER (WHERE m.is_checked AND coalesce(w.place, 1) = 1),
            array_agg(m.id) FILTER (WHERE m.is_unknown)
        INTO event_ids, tenant_ids, events, due_ats, subscription_ids, ordering_keys, in_order_ids, too_many_ids, dear_ids, checked_ids,
            unknown_ids
        FROM matched m
        LEFT JOIN LATERAL unnest(m.wanted) WITH ORDINALITY AS w (subscription_id, place) ON m.found <= inline_limit;
        -- whose tenant is strict about something: is it about this? A dispatcher checks it, plain SQL knows no JSON Schema.
        IF checked_ids IS NOT NULL THEN
            SELECT array_agg(e.id) INTO checked_ids
            FROM new_events e WHERE e.id IN (SELECT unnest(checked_ids)) AND is_checked_event(e.tenant_id, e.event);
        END IF;
    EXCEPTION WHEN OTHERS THEN
        failure := left(SQLERRM, 500);
    END;

    IF failure IS NOT NULL THEN
        SELECT array_agg(e.id) INTO in_order_ids FROM new_events e WHERE e.ordering_key IS NOT NULL;
    END IF;
    IF in_order_ids IS NOT NULL THEN
        -- until the commit: so the numbers drawn below are in the order of the commits
        -- one after the other by their numbers, so that two statements with the same keys cannot wait for each other
        FOR key_lock IN
            SELECT DISTINCT ordering_lock(e.tenant_id, e.ordering_key) FROM new_events e WHERE e.id IN (SELECT unnest(in_order_ids)) ORDER BY 1
        LOOP
            PERFORM pg_advisory_xact_lock(key_lock);
        END LOOP;
        -- (unnested, here and below: a prepared plan searches an array from its beginning for every row)
        -- whose key has an event that is still to be fanned out lines up behind it
        SELECT array_agg(e.id) INTO behind_ids
        FROM new_events e
        WHERE e.id IN (SELECT unnest(in_order_ids)) AND (
            -- under a snapshot of before the lock such an event cannot be seen
            current_setting('transaction_isolation') IN ('repeatable read', 'serializable')
            OR EXISTS (SELECT FROM event_fanouts f
                    WHERE f.state = 'open' AND f.tenant_id = e.tenant_id AND f.ordering_key = e.ordering_key)
            OR EXISTS (SELECT FROM new_events o
                       WHERE o.id IN (SELECT unnest(too_many_ids || dear_ids || checked_ids)) AND o.tenant_id = e.tenant_id AND o.ordering_key = e.ordering_key));
    END IF;

    IF failure IS NOT NULL THEN
        INSERT INTO event_fanouts (event_id, tenant_id, state, reason, ordering_key)
        SELECT e.id, e.tenant_id, 'open', failure, e.ordering_key FROM new_events e;
    ELSE
        IF event_ids IS NOT NULL THEN
            INSERT INTO webhook_deliveries_live (event_id, tenant_id, event, due_at, subscription_id, ordering_key, ordering_number)
            SELECT d.event_id, d.tenant_id, d.event, d.due_at, d.subscription_id, d.ordering_key,
                CASE WHEN d.ordering_key IS NOT NULL THEN nextval('ordering_numbers') END
            FROM unnest(event_ids, tenant_ids, events, due_ats, subscription_ids, ordering_keys)
                AS d (event_id, tenant_id, event, due_at, subscription_id, ordering_key)
            WHERE (behind_ids IS NULL AND checked_ids IS NULL) OR d.event_id NOT IN (SELECT unnest(behind_ids || checked_ids));
        END IF;
        IF too_many_ids IS NOT NULL OR dear_ids IS NOT NULL OR checked_ids IS NOT NULL OR behind_ids IS NOT NULL THEN
            INSERT INTO event_fanouts (event_id, tenant_id, state, reason, ordering_key)
            SELECT e.id, e.tenant_id, 'open',
                CASE WHEN e.id IN (SELECT unnest(checked_ids)) THEN 'it is to be checked: its type or its tenant is strict'
                     WHEN e.id IN (SELECT unnest(too_many_ids)) THEN format('more than %s subscriptions match', inline_limit)
                     WHEN e.id IN (SELECT unnest(dear_ids)) THEN 'a filter takes too long for a publisher to wait for it'
                     ELSE 'an event before it with the same ordering key is still to be fanned out' END, e.ordering_key
            FROM new_events e WHERE e.id IN (SELECT unnest(too_many_ids || dear_ids || checked_ids || behind_ids));
        END IF;
        IF unknown_ids IS NOT NULL THEN
            INSERT INTO event_fanouts (event_id, tenant_id, state)
            SELECT e.id, e.tenant_id, 'unknown_tenant' FROM new_events e
            WHERE e.id IN (SELECT unnest(unknown_ids)) AND (behind_ids IS NULL OR e.id NOT IN (SELECT unnest(behind_ids)));
        END IF;
    END IF;

    IF failure IS NOT NULL OR event_ids IS NOT NULL OR too_many_ids IS NOT NULL OR dear_ids IS NOT NULL
       OR checked_ids IS NOT NULL THEN
        PERFORM wake();
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION posthorn.fan_out_event(taken_event_id uuid, chunk integer, gives_up boolean, OUT deliveries integer, OUT is_finished boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
DECLARE
    open_event event_fanouts;
    happened outbox;
    -- the largest id of the event's millisecond, and that millisecond
    newest_id uuid := (left(replace(taken_event_id::text, '-', ''), 12) || repeat('f', 20))::uuid;
    happened_at timestamptz := to_timestamp(('x' || left(replace(taken_event_id::text, '-', ''), 12))::bit(48)::bigint / 1000.0);
    is_small boolean;
    candidate record;
    last_id uuid;
    seen integer := 0;
    is_cut_short boolean := false;
    wanted boolean;
    failure text;
    refused_by uuid[];
    refused_as text[];
BEGIN
    deliveries := 0;
    is_finished := true;
    SELECT f.* INTO open_event FROM event_fanouts f WHERE f.event_id = taken_event_id AND f.state = 'open' FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT o.* INTO happened FROM outbox o WHERE o.id = taken_event_id;
    -- only a dispatcher that knows of schemas can do that
    IF open_event.checked_at IS NULL AND is_checked_event(happened.tenant_id, happened.event) THEN
        UPDATE event_fanouts f SET due_at = now() + interval '5 s' WHERE f.event_id = taken_event_id;
        is_finished := false;
        RETURN;
    END IF;
    is_small := pg_column_size(happened.payload #> '{}') <= 16384;

    FOR candidate IN
        SELECT s.id, s.filter, s.ordered, NOT (is_cheap_filter(s.filter) AND (s.filter IS NULL OR is_small)) AS is_dear
        FROM webhook_subscriptions s
        WHERE s.tenant_id = happened.tenant_id AND s.events && event_patterns(happened.event)
          AND (open_event.after_subscription_id IS NULL OR s.id > open_event.after_subscription_id) AND s.id <= newest_id
          AND (s.status = 'active' OR (s.status IN ('inactive', 'suspended') AND s.status_changed_at > happened_at))
          AND NOT EXISTS (SELECT FROM webhook_deliveries d WHERE d.event_id = happened.id AND d.subscription_id = s.id)
        ORDER BY s.id LIMIT chunk
    LOOP
        -- a filter that may run into the caller's time limit has a transaction of its own
        IF candidate.is_dear AND seen > 0 THEN
            is_cut_short := true;
            EXIT;
        END IF;
        seen := seen + 1;
        last_id := candidate.id;
        failure := NULL;
        IF candidate.filter IS NULL THEN
            wanted := true;
        ELSIF gives_up AND candidate.is_dear THEN
            failure := 'the filter takes too long on this event';
        ELSE
            BEGIN
                wanted := happened.payload @@ candidate.filter;
            EXCEPTION WHEN OTHERS THEN
                failure := left('the filter fails on this event: ' || SQLERRM, 500);
            END;
        END IF;
        IF failure IS NOT NULL OR (wanted AND open_event.error_kind IS NOT NULL) THEN
            -- marked where its owner looks, and there to be retried
            INSERT INTO webhook_deliveries (event_id, tenant_id, event, subscription_id, status, finished_at,
                last_error_kind, last_error, ordering_key, ordering_number)
            VALUES (happened.id, happened.tenant_id, happened.event, candidate.id, 'failed', now(),
                CASE WHEN failure IS NULL THEN open_event.error_kind ELSE 'filter_error' END, coalesce(failure, open_event.reason),
                CASE WHEN candidate.ordered THEN happened.ordering_key END,
                CASE WHEN candidate.ordered AND happened.ordering_key IS NOT NULL THEN nextval('ordering_numbers') END);
            refused_by := refused_by || candidate.id;
            refused_as := refused_as || CASE WHEN failure IS NULL THEN open_event.error_kind ELSE 'filter_error' END;
        ELSIF wanted THEN
            INSERT INTO webhook_deliveries_live (event_id, tenant_id, event, due_at, subscription_id, ordering_key,
                ordering_number)
            VALUES (happened.id, happened.tenant_id, happened.event, greatest(happened.deliver_after, now()), candidate.id,
                CASE WHEN candidate.ordered THEN happened.ordering_key END,
                CASE WHEN candidate.ordered AND happened.ordering_key IS NOT NULL THEN nextval('ordering_numbers') END);
            deliveries := deliveries + 1;
        END IF;
        IF candidate.is_dear THEN
            is_cut_short := true;
            EXIT;
        END IF;
    END LOOP;

    INSERT INTO delivery_tallies (tenant_id, subscription_id, event, failed, error_kinds)
    SELECT happened.tenant_id, r.subscription_id, happened.event, 1, ARRAY[r.error_kind]
    FROM unnest(refused_by, refused_as) AS r (subscription_id, error_kind);

    is_finished := seen < chunk AND NOT is_cut_short;
    IF is_finished AND open_event.error_kind IS NOT NULL THEN
        -- said beside the event, and looked at before one of its deliveries is sent after all
        UPDATE event_fanouts f SET state = 'refused' WHERE f.event_id = taken_event_id;
    ELSIF is_finished THEN
        DELETE FROM event_fanouts f WHERE f.event_id = taken_event_id;
    ELSE
        UPDATE event_fanouts f SET after_subscription_id = last_id, failures = 0, due_at = now() WHERE f.event_id = taken_event_id;
    END IF;
END
$$;

-- A backfill passes over what was refused.
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
