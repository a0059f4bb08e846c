-- What: the fan-out: from an event to its deliveries, within the event's own transaction, or later by a dispatcher.
-- Lock: a trigger on the outbox (SHARE ROW EXCLUSIVE, at once on a new table). Safe beside an older binary: yes.
CREATE FUNCTION posthorn.event_patterns(event text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = posthorn, pg_temp
AS $$
DECLARE
    parts text[] := string_to_array(event, '.');
    patterns text[] := ARRAY[event];
BEGIN
    FOR n IN REVERSE cardinality(parts) - 1 .. 1 LOOP
        patterns := patterns || (array_to_string(parts[1:n], '.') || '.*');
    END LOOP;
    -- posthorn.… are operational events: only a pattern that names them matches
    RETURN CASE WHEN parts[1] = 'posthorn' THEN patterns ELSE patterns || '*'::text END;
END
$$;
COMMENT ON FUNCTION posthorn.event_patterns(text) IS 'Every pattern that matches an event name: a.b.c gives a.b.c, a.b.*, a.*, *.';

CREATE FUNCTION posthorn.fan_out() RETURNS trigger
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
    too_many_ids uuid[];
    dear_ids uuid[];
    unknown_ids uuid[];
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
            SELECT e.id, e.tenant_id, e.event, e.payload #> '{}' AS payload,
                greatest(e.deliver_after, now()) AS due_at
            FROM new_events e
        ), matched AS MATERIALIZED (
            SELECT i.id, i.tenant_id, i.event, i.due_at, m.found, m.wanted, m.has_dear_filter,
                m.found = 0 AND NOT EXISTS (SELECT FROM tenants t WHERE t.id = i.tenant_id) AS is_unknown
            FROM incoming i
            CROSS JOIN LATERAL (
                SELECT count(*) AS found,
                    bool_or(c.filter IS NOT NULL AND NOT (c.is_cheap AND pg_column_size(i.payload) <= 16384)) AS has_dear_filter,
                    array_agg(DISTINCT c.subscription_id) FILTER (WHERE c.filter IS NULL
                        OR CASE WHEN c.is_cheap AND pg_column_size(i.payload) <= 16384 THEN i.payload @@ c.filter END) AS wanted
                FROM (
                    SELECT p.subscription_id, p.filter, p.is_cheap
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
            array_agg(DISTINCT m.id) FILTER (WHERE m.found > inline_limit),
            array_agg(DISTINCT m.id) FILTER (WHERE m.found <= inline_limit AND m.has_dear_filter),
            array_agg(DISTINCT m.id) FILTER (WHERE m.is_unknown)
        INTO event_ids, tenant_ids, events, due_ats, subscription_ids, too_many_ids, dear_ids, unknown_ids
        FROM matched m
        LEFT JOIN LATERAL unnest(m.wanted) AS w (subscription_id) ON m.found <= inline_limit;
    EXCEPTION WHEN OTHERS THEN
        failure := left(SQLERRM, 500);
    END;

    IF failure IS NOT NULL THEN
        INSERT INTO event_fanouts (event_id, tenant_id, state, reason)
        SELECT e.id, e.tenant_id, 'open', failure FROM new_events e;
    ELSE
        IF event_ids IS NOT NULL THEN
            INSERT INTO webhook_deliveries_live (event_id, tenant_id, event, due_at, subscription_id)
            SELECT d.event_id, d.tenant_id, d.event, d.due_at, d.subscription_id
            FROM unnest(event_ids, tenant_ids, events, due_ats, subscription_ids)
                AS d (event_id, tenant_id, event, due_at, subscription_id);
        END IF;
        IF too_many_ids IS NOT NULL THEN
            INSERT INTO event_fanouts (event_id, tenant_id, state, reason)
            SELECT e.id, e.tenant_id, 'open', format('more than %s subscriptions match', inline_limit)
            FROM new_events e WHERE e.id = ANY (too_many_ids);
        END IF;
        IF dear_ids IS NOT NULL THEN
            INSERT INTO event_fanouts (event_id, tenant_id, state, reason)
            SELECT e.id, e.tenant_id, 'open', 'a filter takes too long for a publisher to wait for it'
            FROM new_events e WHERE e.id = ANY (dear_ids);
        END IF;
        IF unknown_ids IS NOT NULL THEN
            INSERT INTO event_fanouts (event_id, tenant_id, state)
            SELECT e.id, e.tenant_id, 'unknown_tenant' FROM new_events e WHERE e.id = ANY (unknown_ids);
        END IF;
    END IF;

    IF failure IS NOT NULL OR event_ids IS NOT NULL OR too_many_ids IS NOT NULL OR dear_ids IS NOT NULL THEN
        PERFORM wake();
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION posthorn.fan_out() IS 'Trigger: one delivery per event and matching subscription, in the event''s own transaction.';
CREATE TRIGGER fan_out AFTER INSERT ON posthorn.outbox REFERENCING NEW TABLE AS new_events
    FOR EACH STATEMENT EXECUTE FUNCTION posthorn.fan_out();

-- Later, by a dispatcher: an open event, at most chunk subscriptions. The open row is locked and closed (or its cursor moved)
-- in the same transaction as the deliveries, and a subscription that has its delivery is passed over: a fan-out happens
-- exactly once, whoever dies, and adds what the trigger left out.
-- Who gets it: subscriptions that were there before the event (ids are in the order of time) and, as far as can be told
-- afterwards, were active then; one that was paused since gets its delivery, which waits. Patterns and filters are today's.
CREATE FUNCTION posthorn.fan_out_event(taken_event_id uuid, chunk integer, gives_up boolean, OUT deliveries integer, OUT is_finished boolean)
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
BEGIN
    deliveries := 0;
    is_finished := true;
    SELECT f.* INTO open_event FROM event_fanouts f WHERE f.event_id = taken_event_id AND f.state = 'open' FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT o.* INTO happened FROM outbox o WHERE o.id = taken_event_id;
    is_small := pg_column_size(happened.payload #> '{}') <= 16384;

    FOR candidate IN
        SELECT s.id, s.filter, NOT (is_cheap_filter(s.filter) AND (s.filter IS NULL OR is_small)) AS is_dear
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
        IF failure IS NOT NULL THEN
            -- marked where its owner looks, and there to be retried
            INSERT INTO webhook_deliveries (event_id, tenant_id, event, subscription_id, status, finished_at,
                last_error_kind, last_error)
            VALUES (happened.id, happened.tenant_id, happened.event, candidate.id, 'failed', now(), 'filter_error', failure);
        ELSIF wanted THEN
            INSERT INTO webhook_deliveries_live (event_id, tenant_id, event, due_at, subscription_id)
            VALUES (happened.id, happened.tenant_id, happened.event, greatest(happened.deliver_after, now()), candidate.id);
            deliveries := deliveries + 1;
        END IF;
        IF candidate.is_dear THEN
            is_cut_short := true;
            EXIT;
        END IF;
    END LOOP;

    is_finished := seen < chunk AND NOT is_cut_short;
    IF is_finished THEN
        DELETE FROM event_fanouts f WHERE f.event_id = taken_event_id;
    ELSE
        UPDATE event_fanouts f SET after_subscription_id = last_id, failures = 0, due_at = now() WHERE f.event_id = taken_event_id;
    END IF;
END
$$;
COMMENT ON FUNCTION posthorn.fan_out_event(uuid, integer, boolean) IS
    'Fans an open event out to at most so many subscriptions; with gives_up a dear filter is not tried again but marked as failed. For dispatchers.';

CREATE FUNCTION posthorn.fan_out_open(chunk integer, OUT is_found boolean, OUT deliveries integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
DECLARE
    open_event uuid;
BEGIN
    deliveries := 0;
    SELECT f.event_id INTO open_event FROM event_fanouts f
    WHERE f.state = 'open' AND f.due_at <= now() ORDER BY f.due_at LIMIT 1 FOR UPDATE SKIP LOCKED;
    is_found := FOUND;
    IF is_found THEN
        BEGIN
            SELECT f.deliveries INTO deliveries FROM fan_out_event(open_event, chunk, false) f;
        EXCEPTION WHEN OTHERS THEN
            -- a right is still missing, say: later, so that it does not stand in the way of the others
            deliveries := 0;
            UPDATE event_fanouts f SET due_at = now() + interval '5 s', reason = left(SQLERRM, 500)
            WHERE f.event_id = open_event;
        END;
    END IF;
END
$$;
COMMENT ON FUNCTION posthorn.fan_out_open(integer) IS 'Fans out the oldest open event to at most so many subscriptions, by hand.';
GRANT EXECUTE ON FUNCTION posthorn.fan_out_event(uuid, integer, boolean), posthorn.fan_out_open(integer) TO posthorn_dispatcher;
