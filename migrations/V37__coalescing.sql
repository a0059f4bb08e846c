-- What: an event may carry a coalesce key: while it waits, a newer event of the tenant with the same key and type supersedes it.
-- Why:  of many changes of one thing only the last is news. A row per key says which event is the newest; its lock makes publishers of
--       the same key go one after the other until their commits. Events without a key cost a look at a NULL.
--       Waiting deliveries are cancelled in the publishing transaction. Those in a line (ordered) and open fan-outs are a dispatcher's to
--       cancel a moment after the commit: in a line they would make the dispatcher wait for the business transaction.
-- Lock: ACCESS EXCLUSIVE on outbox and event_fanouts for a moment. Safe beside an older binary: yes.
-- NOT VALID: V39 looks at the rows that are there
ALTER TABLE posthorn.outbox ADD COLUMN coalesce_key text,
    ADD CONSTRAINT coalesce_key_is_1_to_200_printable_characters CHECK (coalesce_key ~ '^[^[:cntrl:]]{1,200}$') NOT VALID;
COMMENT ON COLUMN posthorn.outbox.coalesce_key IS 'A newer event of the same tenant, type and key cancels what still waits of this one, pending or retrying. Publishing takes a lock on the key until the commit.';
GRANT INSERT (coalesce_key) ON posthorn.outbox TO posthorn_publisher;
GRANT SELECT (coalesce_key) ON posthorn.outbox TO posthorn_readonly;

ALTER TABLE posthorn.event_fanouts ADD COLUMN superseded_by uuid;
COMMENT ON COLUMN posthorn.event_fanouts.superseded_by IS 'The newer event with its coalesce key: instead of fanning it out a dispatcher cancels what waits of it.';

CREATE TABLE posthorn.coalesced_keys (
    tenant_id uuid NOT NULL,
    coalesce_key text NOT NULL,
    event text NOT NULL,
    event_id uuid NOT NULL,
    previous_event_id uuid,
    look_at timestamptz NOT NULL DEFAULT now() + interval '1 day',
    CONSTRAINT coalesced_keys_pkey PRIMARY KEY (tenant_id, coalesce_key, event)
);
-- which may be forgotten?
CREATE INDEX coalesced_keys_look_idx ON posthorn.coalesced_keys (look_at);
COMMENT ON TABLE posthorn.coalesced_keys IS 'The newest event of each coalesce key, kept while something of it waits.';
COMMENT ON COLUMN posthorn.coalesced_keys.tenant_id IS 'Whose event.';
COMMENT ON COLUMN posthorn.coalesced_keys.coalesce_key IS 'The key it was published with.';
COMMENT ON COLUMN posthorn.coalesced_keys.event IS 'Its type.';
COMMENT ON COLUMN posthorn.coalesced_keys.event_id IS 'The newest event.';
COMMENT ON COLUMN posthorn.coalesced_keys.previous_event_id IS 'The one that it superseded.';
COMMENT ON COLUMN posthorn.coalesced_keys.look_at IS 'When to look whether something of it still waits.';
ALTER TABLE posthorn.coalesced_keys ENABLE ROW LEVEL SECURITY;
CREATE POLICY every_row_read ON posthorn.coalesced_keys FOR SELECT TO posthorn_readonly USING (true);
GRANT SELECT ON posthorn.coalesced_keys TO posthorn_readonly;

-- The events of one statement in their order. The last of a key is the newest.
CREATE FUNCTION posthorn.supersede_earlier(event_ids uuid[], tenant_ids uuid[], events text[], coalesce_keys text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
DECLARE
    old_ids uuid[];
    newer_ids uuid[];
    more_old_ids uuid[];
    more_newer_ids uuid[];
    tries integer := 0;
BEGIN
    IF event_ids IS NULL THEN
        RETURN;
    END IF;
    SELECT array_agg(e.id) FILTER (WHERE e.id <> e.newest_id), array_agg(e.newest_id) FILTER (WHERE e.id <> e.newest_id)
    INTO old_ids, newer_ids
    FROM (
        SELECT u.id, last_value(u.id) OVER (PARTITION BY u.tenant_id, u.coalesce_key, u.event ORDER BY u.place
                ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS newest_id
        FROM unnest(event_ids, tenant_ids, events, coalesce_keys) WITH ORDINALITY AS u (id, tenant_id, event, coalesce_key, place)
    ) e;
    -- in the order of the keys, so that two statements with the same keys cannot wait for each other
    WITH claimed AS (
        INSERT INTO coalesced_keys AS k (tenant_id, coalesce_key, event, event_id)
        SELECT u.tenant_id, u.coalesce_key, u.event, (array_agg(u.id ORDER BY u.place DESC))[1]
        FROM unnest(event_ids, tenant_ids, events, coalesce_keys) WITH ORDINALITY AS u (id, tenant_id, event, coalesce_key, place)
        GROUP BY u.tenant_id, u.coalesce_key, u.event
        ORDER BY u.tenant_id, u.coalesce_key, u.event
        ON CONFLICT (tenant_id, coalesce_key, event)
            DO UPDATE SET previous_event_id = k.event_id, event_id = excluded.event_id, look_at = excluded.look_at
        RETURNING k.previous_event_id AS old_id, k.event_id AS newer_id
    )
    SELECT array_agg(c.old_id), array_agg(c.newer_id) INTO more_old_ids, more_newer_ids FROM claimed c WHERE c.old_id IS NOT NULL;
    old_ids := old_ids || more_old_ids;
    newer_ids := newer_ids || more_newer_ids;
    IF old_ids IS NULL THEN
        RETURN;
    END IF;

    INSERT INTO event_fanouts AS f (event_id, tenant_id, state, reason, superseded_by)
    SELECT o.id, o.tenant_id, 'open', 'a newer event has its coalesce key', u.newer_id
    FROM unnest(old_ids, newer_ids) AS u (old_id, newer_id)
    JOIN outbox o ON o.id = u.old_id
    WHERE EXISTS (SELECT FROM event_fanouts x WHERE x.event_id = o.id AND x.state = 'open')
       OR EXISTS (SELECT FROM webhook_deliveries_live d WHERE d.event_id = o.id AND d.ordering_key IS NOT NULL)
    ORDER BY o.id
    ON CONFLICT (event_id) DO UPDATE SET superseded_by = excluded.superseded_by, due_at = now() WHERE f.state = 'open';

    LOOP
        -- a dispatcher that finishes one of them at this moment moves its row, which is an error to whoever waits for it
        BEGIN
            WITH waiting AS MATERIALIZED (
                SELECT d.id, u.newer_id
                FROM unnest(old_ids, newer_ids) AS u (old_id, newer_id)
                JOIN webhook_deliveries d ON d.event_id = u.old_id
                WHERE d.ordering_key IS NULL AND d.generation = 0 AND d.status IN ('pending', 'retrying')
                ORDER BY d.id FOR UPDATE OF d
            )
            UPDATE webhook_deliveries d
            SET status = 'cancelled', finished_at = now(), updated_at = now(), epoch = d.epoch + 1,
                last_error = format('superseded by event %s', w.newer_id)
            FROM waiting w
            WHERE d.id = w.id AND d.status IN ('pending', 'retrying');
            RETURN;
        EXCEPTION WHEN serialization_failure OR deadlock_detected THEN
            -- under an older snapshot it would be the same again
            IF tries >= 10 OR current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
                RAISE;
            END IF;
            tries := tries + 1;
        END;
    END LOOP;
END
$$;
COMMENT ON FUNCTION posthorn.supersede_earlier(uuid[], uuid[], text[], text[]) IS 'Cancels what waits of earlier events with the coalesce keys of these, or leaves it to a dispatcher; part of fan_out.';

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
    is_coalesced boolean;
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
            SELECT e.id, e.tenant_id, e.event, e.ordering_key, e.coalesce_key, e.payload #> '{}' AS payload,
                greatest(e.deliver_after, now()) AS due_at
            FROM new_events e
        ), matched AS MATERIALIZED (
            SELECT i.id, i.tenant_id, i.event, i.due_at, i.ordering_key, i.coalesce_key, m.found, m.wanted, m.wanted_in_order, m.has_dear_filter, m.is_checked,
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
            array_agg(m.id) FILTER (WHERE m.is_unknown),
            bool_or(m.coalesce_key IS NOT NULL)
        INTO event_ids, tenant_ids, events, due_ats, subscription_ids, ordering_keys, in_order_ids, too_many_ids, dear_ids, checked_ids,
            unknown_ids, is_coalesced
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

    IF failure IS NOT NULL OR is_coalesced THEN
        PERFORM supersede_earlier(array_agg(e.id), array_agg(e.tenant_id), array_agg(e.event), array_agg(e.coalesce_key))
        FROM new_events e WHERE e.coalesce_key IS NOT NULL;
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
    IF open_event.superseded_by IS NOT NULL THEN
        -- what still waits of it: what is in flight goes its way, what was asked for again stays
        WITH waiting AS MATERIALIZED (
            SELECT d.id FROM webhook_deliveries d
            WHERE d.event_id = taken_event_id AND d.generation = 0 AND d.status IN ('pending', 'retrying')
            ORDER BY d.id FOR UPDATE
        )
        UPDATE webhook_deliveries d
        SET status = 'cancelled', finished_at = now(), updated_at = now(), epoch = d.epoch + 1,
            last_error = format('superseded by event %s', open_event.superseded_by)
        FROM waiting w
        WHERE d.id = w.id AND d.status IN ('pending', 'retrying');
        UPDATE event_fanouts f SET state = 'cancelled', reason = format('superseded by event %s', open_event.superseded_by)
        WHERE f.event_id = taken_event_id;
        PERFORM wake(); -- open events behind it in its line can go on
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

CREATE FUNCTION posthorn.forget_coalesced_keys(max_rows integer) RETURNS integer
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
    WITH old AS MATERIALIZED (
        SELECT k.tenant_id, k.coalesce_key, k.event,
            EXISTS (SELECT FROM webhook_deliveries_live d WHERE d.event_id = k.event_id)
                OR EXISTS (SELECT FROM event_fanouts f WHERE f.event_id = k.event_id AND f.state = 'open') AS is_waiting
        FROM coalesced_keys k
        WHERE k.look_at < now()
        ORDER BY k.look_at LIMIT max_rows
        FOR UPDATE SKIP LOCKED),
    kept AS (
        UPDATE coalesced_keys k SET look_at = now() + interval '1 day' FROM old o
        WHERE o.is_waiting AND k.tenant_id = o.tenant_id AND k.coalesce_key = o.coalesce_key AND k.event = o.event),
    gone AS (
        DELETE FROM coalesced_keys k USING old o
        WHERE NOT o.is_waiting AND k.tenant_id = o.tenant_id AND k.coalesce_key = o.coalesce_key AND k.event = o.event)
    SELECT count(*)::integer FROM old
$$;
COMMENT ON FUNCTION posthorn.forget_coalesced_keys(integer) IS 'Looks at most at so many coalesce keys of more than a day ago, deletes those whose event no longer waits, and says how many it looked at.';
GRANT EXECUTE ON FUNCTION posthorn.forget_coalesced_keys(integer) TO posthorn_api, posthorn_dispatcher;
