-- What: how partitions of days come into being. Lock: none. Safe beside an older binary: yes.
-- Why:  CREATE TABLE … PARTITION OF would wait for every open producer (and new ones queue behind it). A table made apart
--       and then attached does not.
CREATE FUNCTION posthorn.make_day(parent text, day date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
DECLARE
    partition text := parent || to_char(day, '_YYYYMMDD');
    key text := CASE parent WHEN 'webhook_attempts' THEN 'delivery_id' ELSE 'id' END;
    low uuid := first_id_of(day);
    high uuid := first_id_of(day + 1);
    is_needed boolean;
BEGIN
    IF parent NOT IN ('outbox', 'webhook_deliveries_done', 'webhook_attempts') THEN
        RAISE EXCEPTION 'no days are kept of %', parent USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF (day BETWEEN current_date - 3660 AND current_date + 60) IS NOT TRUE THEN
        RAISE EXCEPTION 'day % is more than ten years ago or more than 60 days ahead', day
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM set_config('lock_timeout', '1s', true);      -- the caller tries again on 55P03
    PERFORM pg_advisory_xact_lock(1886352488, 3);        -- several processes make days at once
    -- pg_class and not to_regclass: waiting for the lock above does not refresh a cached "no such table"
    IF EXISTS (SELECT FROM pg_class c WHERE c.relname = partition AND c.relnamespace = 'posthorn'::regnamespace) THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', partition, parent);
    EXECUTE format('COMMENT ON TABLE %I IS %L', partition, format('Rows of %s whose id is of %s (UTC).', parent, day));
    IF parent <> 'outbox' THEN
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', partition);
    END IF;
    -- rows that came before their day had a partition: ATTACH would fail on them
    EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE %I >= $1 AND %I < $2)', parent || '_default', key, key)
        INTO is_needed USING low, high;
    IF is_needed THEN
        EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', parent || '_default');
        EXECUTE format('WITH moved AS (DELETE FROM %I WHERE %I >= $1 AND %I < $2 RETURNING *) INSERT INTO %I SELECT * FROM moved',
            parent || '_default', key, key, partition) USING low, high;
    END IF;
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, partition, low, high);
    RETURN true;
END
$$;
COMMENT ON FUNCTION posthorn.make_day(text, date) IS
    'Makes the partition of a day (UTC) of outbox, webhook_deliveries_done or webhook_attempts, moving early rows out of the default partition. False: it exists.';

CREATE FUNCTION posthorn.missing_days(ahead integer)
RETURNS TABLE (parent text, day date)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
    SELECT parents.parent, days.day::date
    FROM unnest('{outbox,webhook_deliveries_done,webhook_attempts}'::text[]) AS parents (parent)
    CROSS JOIN generate_series((now() AT TIME ZONE 'UTC')::date, (now() AT TIME ZONE 'UTC')::date + ahead, '1 day') AS days (day)
    WHERE to_regclass('posthorn.' || parents.parent || to_char(days.day, '_YYYYMMDD')) IS NULL
    ORDER BY days.day, parents.parent
$$;
COMMENT ON FUNCTION posthorn.missing_days(integer) IS 'Partitions still to be made, from today to so many days ahead.';
GRANT EXECUTE ON FUNCTION posthorn.make_day(text, date), posthorn.missing_days(integer) TO posthorn_api, posthorn_dispatcher;
