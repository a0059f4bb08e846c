-- What: ordered delivery: events with the same ordering key reach an ordered subscription one at a time, in commit order.
-- Why:  the fan-out draws a number under a lock on the key that lasts until the commit, so numbers are in commit order. The
--       claim leases the first of a line only; what stands behind it is parked with due_at NULL, where no claim passes it,
--       and is made due when the one before it leaves the live partition, whoever moves it and why.
-- Lock: ACCESS EXCLUSIVE on outbox, deliveries, patterns and event_fanouts (which is rewritten: marks of muted and unknown
--       events) for moments. Safe beside an older binary: yes, as long as no
--       subscription is ordered: an older dispatcher does not know what that is.
-- NOT VALID: V19 looks at the rows that are there, without a lock that anyone waits for
ALTER TABLE posthorn.outbox ADD COLUMN ordering_key text,
    ADD CONSTRAINT ordering_key_is_1_to_200_printable_characters CHECK (ordering_key ~ '^[^[:cntrl:]]{1,200}$') NOT VALID;
COMMENT ON COLUMN posthorn.outbox.ordering_key IS 'Events with the same key reach ordered subscriptions one at a time, in the order of their commits. Publishing takes a lock on the key until the commit.';
GRANT INSERT (ordering_key) ON posthorn.outbox TO posthorn_publisher;
GRANT SELECT (ordering_key) ON posthorn.outbox TO posthorn_readonly;

CREATE SEQUENCE posthorn.ordering_numbers;
COMMENT ON SEQUENCE posthorn.ordering_numbers IS 'Places in line of ordered deliveries.';

ALTER TABLE posthorn.webhook_deliveries ADD COLUMN ordering_key text, ADD COLUMN ordering_number bigint,
    ALTER COLUMN due_at DROP NOT NULL,
    ADD CONSTRAINT ordering_key_has_a_number CHECK ((ordering_key IS NULL) = (ordering_number IS NULL)) NOT VALID,
    ADD CONSTRAINT due_unless_in_line CHECK (due_at IS NOT NULL OR ordering_key IS NOT NULL) NOT VALID;
COMMENT ON COLUMN posthorn.webhook_deliveries.ordering_key IS 'Its event''s ordering key, when its subscription is ordered.';
COMMENT ON COLUMN posthorn.webhook_deliveries.ordering_number IS 'Its place in the line of its subscription and ordering key: the smallest goes first.';
COMMENT ON COLUMN posthorn.webhook_deliveries.due_at IS 'Not to be claimed before; only a retry moves it. NULL: it waits for the delivery before it in its line.';
-- who is first in this line?
CREATE INDEX webhook_deliveries_live_line_idx ON posthorn.webhook_deliveries_live (subscription_id, ordering_key, ordering_number)
    WHERE ordering_key IS NOT NULL;
-- who is parked? (whoever looks after those that nobody called)
CREATE INDEX webhook_deliveries_live_parked_idx ON posthorn.webhook_deliveries_live (id) WHERE due_at IS NULL;

CREATE FUNCTION posthorn.call_next_in_line() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
DECLARE
    next_id uuid;
BEGIN
    -- its subscription is being deleted: everyone leaves
    IF EXISTS (SELECT FROM webhook_subscriptions s WHERE s.id = OLD.subscription_id AND s.status = 'deleted') THEN
        RETURN NULL;
    END IF;
    -- If the one found is leaving too, in a transaction that is still open, this waits for it: who comes behind both would
    -- be called by neither.
    SELECT d.id INTO next_id FROM webhook_deliveries_live d
    WHERE d.subscription_id = OLD.subscription_id AND d.ordering_key = OLD.ordering_key
    ORDER BY d.ordering_number LIMIT 1 FOR KEY SHARE;
    IF FOUND THEN
        -- whoever parked it held the row that leaves now, so this statement sees it parked, or it never will be behind it
        UPDATE webhook_deliveries_live d SET due_at = now(), updated_at = now() WHERE d.id = next_id AND d.due_at IS NULL;
        PERFORM wake();
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION posthorn.call_next_in_line() IS 'Trigger: makes the next of its line due when a delivery leaves the live partition.';
CREATE TRIGGER call_next_in_line AFTER DELETE ON posthorn.webhook_deliveries_live
    FOR EACH ROW WHEN (OLD.ordering_key IS NOT NULL) EXECUTE FUNCTION posthorn.call_next_in_line();

CREATE FUNCTION posthorn.ordering_lock(tenant_id uuid, ordering_key text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
-- 1024 of a tenant, so that no transaction can fill the server's lock table; two keys that share one wait for each other
RETURN (hashtextextended(tenant_id::text, 1886352488) & ~1023::bigint) | (hashtextextended(ordering_key, 1886352488) & 1023);
COMMENT ON FUNCTION posthorn.ordering_lock(uuid, text) IS 'The advisory lock that publishers of a tenant''s ordering key take until they commit, where a subscription wants order.';

ALTER TABLE posthorn.webhook_subscriptions DROP CONSTRAINT ordered_is_not_available_yet;
COMMENT ON COLUMN posthorn.webhook_subscriptions.ordered IS 'Whether events with an ordering key are delivered one at a time and in commit order, key by key. For events published from then on.';
GRANT INSERT (ordered), UPDATE (ordered) ON posthorn.webhook_subscriptions TO posthorn_api;

ALTER TABLE posthorn.subscription_patterns ADD COLUMN is_ordered boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN posthorn.subscription_patterns.is_ordered IS 'Copy of the subscription''s ordered.';
CREATE OR REPLACE FUNCTION posthorn.keep_subscription_patterns() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        DELETE FROM subscription_patterns WHERE tenant_id = OLD.tenant_id AND subscription_id = OLD.id;
    END IF;
    IF NEW.status = 'active' THEN
        -- the DISTINCT stands apart: jsonpath has no equality
        INSERT INTO subscription_patterns (tenant_id, pattern, subscription_id, filter, is_cheap, is_ordered)
        SELECT NEW.tenant_id, wanted.pattern, NEW.id, NEW.filter, is_cheap_filter(NEW.filter), NEW.ordered
        FROM (SELECT DISTINCT e.pattern FROM unnest(NEW.events) AS e (pattern)) AS wanted;
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.ordered AND NOT NEW.ordered THEN
        -- nobody stands in line any more
        UPDATE webhook_deliveries_live SET ordering_key = NULL, ordering_number = NULL, due_at = coalesce(due_at, now())
        WHERE subscription_id = NEW.id AND ordering_key IS NOT NULL;
        PERFORM wake();
    END IF;
    RETURN NULL;
END
$$;
DROP TRIGGER keep_patterns ON posthorn.webhook_subscriptions;
CREATE TRIGGER keep_patterns AFTER INSERT OR UPDATE OF tenant_id, events, filter, status, ordered ON posthorn.webhook_subscriptions
    FOR EACH ROW EXECUTE FUNCTION posthorn.keep_subscription_patterns();

ALTER TABLE posthorn.event_fanouts ADD COLUMN ordering_key text, ADD COLUMN number bigint NOT NULL GENERATED ALWAYS AS IDENTITY;
COMMENT ON COLUMN posthorn.event_fanouts.ordering_key IS 'The event''s ordering key: open events with the same key are fanned out one after the other.';
COMMENT ON COLUMN posthorn.event_fanouts.number IS 'The order in which events were marked; with the same ordering key, that of their commits.';
-- is there an open event before this one with the same key?
CREATE INDEX event_fanouts_line_idx ON posthorn.event_fanouts (tenant_id, ordering_key, number)
    WHERE state = 'open' AND ordering_key IS NOT NULL;

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
            SELECT i.id, i.tenant_id, i.event, i.due_at, i.ordering_key, m.found, m.wanted, m.wanted_in_order, m.has_dear_filter,
                m.found = 0 AND NOT EXISTS (SELECT FROM tenants t WHERE t.id = i.tenant_id) AS is_unknown
            FROM incoming i
            CROSS JOIN LATERAL (
                SELECT count(*) AS found,
                    bool_or(c.filter IS NOT NULL AND NOT (c.is_cheap AND pg_column_size(i.payload) <= 16384)) AS has_dear_filter,
                    array_agg(DISTINCT c.subscription_id) FILTER (WHERE c.filter IS NULL
                        OR CASE WHEN c.is_cheap AND pg_column_size(i.payload) <= 16384 THEN i.payload @@ c.filter END) AS wanted,
                    array_agg(c.subscription_id) FILTER (WHERE i.ordering_key IS NOT NULL AND c.is_ordered) AS wanted_in_order
                FROM (
                    SELECT p.subscription_id, p.filter, p.is_cheap, p.is_ordered
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
            array_agg(m.id) FILTER (WHERE m.is_unknown)
        INTO event_ids, tenant_ids, events, due_ats, subscription_ids, ordering_keys, in_order_ids, too_many_ids, dear_ids, unknown_ids
        FROM matched m
        LEFT JOIN LATERAL unnest(m.wanted) WITH ORDINALITY AS w (subscription_id, place) ON m.found <= inline_limit;
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
                       WHERE o.id IN (SELECT unnest(too_many_ids || dear_ids)) AND o.tenant_id = e.tenant_id AND o.ordering_key = e.ordering_key));
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
            WHERE behind_ids IS NULL OR d.event_id NOT IN (SELECT unnest(behind_ids));
        END IF;
        IF too_many_ids IS NOT NULL OR dear_ids IS NOT NULL OR behind_ids IS NOT NULL THEN
            INSERT INTO event_fanouts (event_id, tenant_id, state, reason, ordering_key)
            SELECT e.id, e.tenant_id, 'open',
                CASE WHEN e.id IN (SELECT unnest(too_many_ids)) THEN format('more than %s subscriptions match', inline_limit)
                     WHEN e.id IN (SELECT unnest(dear_ids)) THEN 'a filter takes too long for a publisher to wait for it'
                     ELSE 'an event before it with the same ordering key is still to be fanned out' END, e.ordering_key
            FROM new_events e WHERE e.id IN (SELECT unnest(too_many_ids || dear_ids || behind_ids));
        END IF;
        IF unknown_ids IS NOT NULL THEN
            INSERT INTO event_fanouts (event_id, tenant_id, state)
            SELECT e.id, e.tenant_id, 'unknown_tenant' FROM new_events e
            WHERE e.id IN (SELECT unnest(unknown_ids)) AND (behind_ids IS NULL OR e.id NOT IN (SELECT unnest(behind_ids)));
        END IF;
    END IF;

    IF failure IS NOT NULL OR event_ids IS NOT NULL OR too_many_ids IS NOT NULL OR dear_ids IS NOT NULL THEN
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
        IF failure IS NOT NULL THEN
            -- marked where its owner looks, and there to be retried
            INSERT INTO webhook_deliveries (event_id, tenant_id, event, subscription_id, status, finished_at,
                last_error_kind, last_error, ordering_key, ordering_number)
            VALUES (happened.id, happened.tenant_id, happened.event, candidate.id, 'failed', now(), 'filter_error', failure,
                CASE WHEN candidate.ordered THEN happened.ordering_key END,
                CASE WHEN candidate.ordered AND happened.ordering_key IS NOT NULL THEN nextval('ordering_numbers') END);
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

    is_finished := seen < chunk AND NOT is_cut_short;
    IF is_finished THEN
        DELETE FROM event_fanouts f WHERE f.event_id = taken_event_id;
    ELSE
        UPDATE event_fanouts f SET after_subscription_id = last_id, failures = 0, due_at = now() WHERE f.event_id = taken_event_id;
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION posthorn.fan_out_open(chunk integer, OUT is_found boolean, OUT deliveries integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
DECLARE
    open_event uuid;
BEGIN
    deliveries := 0;
    SELECT f.event_id INTO open_event FROM event_fanouts f
    WHERE f.state = 'open' AND f.due_at <= now() AND NOT EXISTS (
        SELECT FROM event_fanouts b WHERE b.state = 'open' AND b.tenant_id = f.tenant_id AND b.ordering_key = f.ordering_key
          AND b.number < f.number)
    ORDER BY f.due_at LIMIT 1 FOR UPDATE OF f SKIP LOCKED;
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
