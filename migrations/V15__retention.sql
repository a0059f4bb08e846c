-- What: how days go: what may be dropped, what is held back and why. Lock: none. Safe beside an older binary: yes.
-- Why:  a DROP takes milliseconds and gives the space back; DELETE of the same rows takes seconds, WAL and a vacuum.
--       Deliveries go first, their attempts after them, the events last: a delivery that can be retried has its event and
--       its trail, and an event that is gone has no delivery left that could ask for it.
CREATE FUNCTION posthorn.is_day_there(parent text, day date) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
    SELECT EXISTS (
        SELECT FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = to_regclass(format('posthorn.%I', parent)) AND c.relname = parent || to_char(day, '_YYYYMMDD'))
$$;
COMMENT ON FUNCTION posthorn.is_day_there(text, date) IS 'Whether a table has a partition of this day; one that was detached by hand does not count.';

CREATE FUNCTION posthorn.held_back_by(parent text, day date) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
DECLARE
    low uuid := first_id_of(day);
    high uuid := first_id_of(day + 1);
    one uuid;
BEGIN
    IF parent IN ('webhook_deliveries_done', 'webhook_attempts') THEN
        SELECT l.id INTO one FROM webhook_deliveries_live l WHERE l.id >= low AND l.id < high ORDER BY l.id LIMIT 1;
        IF FOUND THEN
            RETURN format('delivery %s is not finished', one);
        ELSIF parent = 'webhook_attempts' AND is_day_there('webhook_deliveries_done', day) THEN
            RETURN 'the finished deliveries of this day are still there';
        END IF;
        RETURN NULL;
    END IF;
    SELECT l.id INTO one FROM webhook_deliveries_live l
    WHERE l.event_id >= low AND l.event_id < high ORDER BY l.event_id LIMIT 1;
    IF FOUND THEN
        RETURN format('delivery %s of an event of this day is not finished', one);
    END IF;
    SELECT f.event_id INTO one FROM event_fanouts f
    WHERE f.event_id >= low AND f.event_id < high AND f.state = 'open' LIMIT 1;
    IF FOUND THEN
        RETURN format('event %s is not fanned out yet', one);
    END IF;
    IF is_day_there('webhook_deliveries_done', day) OR is_day_there('webhook_attempts', day) THEN
        RETURN 'the finished deliveries or attempts of this day are still there';
    END IF;
    -- fanned out later or across midnight: it can be retried as long as it is there, and then needs its event
    SELECT d.id INTO one FROM webhook_deliveries_done d WHERE d.event_id >= low AND d.event_id < high LIMIT 1;
    IF FOUND THEN
        RETURN format('finished delivery %s of an event of this day is still there', one);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION posthorn.held_back_by(text, date) IS 'Why a day of outbox, webhook_deliveries_done or webhook_attempts may not be dropped yet; NULL: it may.';

CREATE FUNCTION posthorn.expired_days(keep_days integer)
RETURNS TABLE (parent text, day date, held_back_by text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
    SELECT p.parent, c.day, held_back_by(p.parent, c.day)
    FROM unnest('{webhook_deliveries_done,webhook_attempts,outbox}'::text[]) WITH ORDINALITY AS p (parent, place)
    JOIN pg_inherits i ON i.inhparent = to_regclass(format('posthorn.%I', p.parent))
    JOIN pg_class r ON r.oid = i.inhrelid
    CROSS JOIN LATERAL (SELECT to_date(substring(r.relname FROM '_(\d{8})$'), 'YYYYMMDD') AS day) c
    WHERE keep_days > 0 AND c.day < (now() AT TIME ZONE 'UTC')::date - keep_days
    ORDER BY c.day, p.place
$$;
COMMENT ON FUNCTION posthorn.expired_days(integer) IS
    'Day partitions older than so many whole days, in the order in which they can go, and why one cannot go now. 0: none, days are kept for ever.';

CREATE FUNCTION posthorn.drop_day(parent text, day date, OUT is_dropped boolean, OUT held_back_by text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
DECLARE
    partition text := parent || to_char(day, '_YYYYMMDD');
BEGIN
    is_dropped := false;
    IF (parent IN ('outbox', 'webhook_deliveries_done', 'webhook_attempts')) IS NOT TRUE THEN
        RAISE EXCEPTION 'no days are kept of %', parent USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF (day < (now() AT TIME ZONE 'UTC')::date - 1) IS NOT TRUE THEN
        RAISE EXCEPTION 'day % is not older than yesterday', day USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- without locks first: most of what is held back is found out here
    held_back_by := posthorn.held_back_by(parent, day);
    IF held_back_by IS NOT NULL OR NOT is_day_there(parent, day) THEN
        RETURN;
    END IF;
    IF NOT pg_try_advisory_xact_lock(1886352488, 3) THEN
        RAISE EXCEPTION 'another process makes or drops days at this moment' USING ERRCODE = 'lock_not_available';
    END IF;
    -- Whoever writes to the table queues behind these locks while we wait for them, so we do not wait for long: 55P03, and
    -- the caller tries again later. Once we have them nobody can retry a delivery of this day, so that the second look is
    -- the truth.
    PERFORM set_config('lock_timeout', '100ms', true);
    EXECUTE format('LOCK TABLE ONLY %I IN ACCESS EXCLUSIVE MODE', parent);
    EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', partition);
    held_back_by := posthorn.held_back_by(parent, day);
    is_dropped := held_back_by IS NULL AND is_day_there(parent, day);
    IF is_dropped THEN
        EXECUTE format('DROP TABLE %I', partition);
    END IF;
END
$$;
COMMENT ON FUNCTION posthorn.drop_day(text, date) IS
    'Drops a day older than yesterday unless something holds it back. Gives up at once (55P03) when writers do not let go of the table within 100 ms.';

CREATE FUNCTION posthorn.prune_strays(parent text, keep_days integer, chunk integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
DECLARE
    bound uuid := first_id_of((now() AT TIME ZONE 'UTC')::date - greatest(keep_days, 1));
    pruned integer := 0;
BEGIN
    IF keep_days > 0 THEN
        CASE parent
            WHEN 'webhook_deliveries_done' THEN
                DELETE FROM webhook_deliveries_done_default d WHERE d.id IN (
                    SELECT e.id FROM webhook_deliveries_done_default e WHERE e.id < bound ORDER BY e.id LIMIT chunk);
            WHEN 'webhook_attempts' THEN
                DELETE FROM webhook_attempts_default a WHERE (a.delivery_id, a.epoch) IN (
                    SELECT e.delivery_id, e.epoch FROM webhook_attempts_default e
                    WHERE e.delivery_id < bound
                      AND NOT EXISTS (SELECT FROM webhook_deliveries d WHERE d.id = e.delivery_id)
                    ORDER BY e.delivery_id LIMIT chunk);
            WHEN 'outbox' THEN
                DELETE FROM outbox_default o WHERE o.id IN (
                    SELECT e.id FROM outbox_default e
                    WHERE e.id < bound
                      AND NOT EXISTS (SELECT FROM webhook_deliveries d WHERE d.event_id = e.id)
                      AND NOT EXISTS (SELECT FROM event_fanouts f WHERE f.event_id = e.id AND f.state = 'open')
                    ORDER BY e.id LIMIT chunk);
            WHEN 'event_fanouts' THEN
                DELETE FROM event_fanouts f WHERE f.event_id IN (
                    SELECT e.event_id FROM event_fanouts e
                    WHERE e.event_id < bound AND e.state <> 'open'
                      AND NOT EXISTS (SELECT FROM outbox o WHERE o.id = e.event_id)
                    ORDER BY e.event_id LIMIT chunk);
        END CASE;
        GET DIAGNOSTICS pruned = ROW_COUNT;
    END IF;
    RETURN pruned;
END
$$;
COMMENT ON FUNCTION posthorn.prune_strays(text, integer, integer) IS
    'Deletes at most so many expired rows that no day partition takes along: those in the default partition of a table, and marks in event_fanouts whose event is gone.';

GRANT EXECUTE ON FUNCTION posthorn.expired_days(integer) TO posthorn_dispatcher, posthorn_readonly;
GRANT EXECUTE ON FUNCTION posthorn.drop_day(text, date), posthorn.prune_strays(text, integer, integer)
    TO posthorn_dispatcher;
