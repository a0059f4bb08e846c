-- What: what monitoring asks about days, and which days the rows in default partitions wait for. Lock: none.
-- Safe beside an older binary: yes.
CREATE FUNCTION posthorn.stray_days(keep_days integer)
RETURNS TABLE (parent text, day date)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
DECLARE
    first_kept date := greatest((now() AT TIME ZONE 'UTC')::date - CASE keep_days WHEN 0 THEN 3650 ELSE keep_days END, '1970-01-01');
    last_made date := (now() AT TIME ZONE 'UTC')::date + 59;
    low uuid;
    one uuid;
BEGIN
    FOREACH parent IN ARRAY '{webhook_deliveries_done,webhook_attempts,outbox}'::text[] LOOP
        low := first_id_of(first_kept);
        LOOP
            EXECUTE format('SELECT %1$I FROM %2$I WHERE %1$I >= $1 AND %1$I < $2 ORDER BY %1$I LIMIT 1',
                CASE parent WHEN 'webhook_attempts' THEN 'delivery_id' ELSE 'id' END, parent || '_default')
                INTO one USING low, first_id_of(last_made + 1);
            EXIT WHEN one IS NULL;
            day := (to_timestamp(('x' || left(replace(one::text, '-', ''), 12))::bit(48)::bigint / 1000.0) AT TIME ZONE 'UTC')::date;
            RETURN NEXT;
            low := first_id_of(day + 1);
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON FUNCTION posthorn.stray_days(integer) IS
    'Days that are to be kept and whose rows are in a default partition: make_day gives each a partition and moves its rows there.';

CREATE FUNCTION posthorn.growth()
RETURNS TABLE (parent text, default_rows integer, oldest_day date, newest_day date)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
    SELECT p.parent, p.default_rows, days.oldest, days.newest
    FROM (VALUES
        ('outbox', (SELECT count(*)::integer FROM (SELECT FROM outbox_default LIMIT 10000) r)),
        ('webhook_deliveries_done', (SELECT count(*)::integer FROM (SELECT FROM webhook_deliveries_done_default LIMIT 10000) r)),
        ('webhook_attempts', (SELECT count(*)::integer FROM (SELECT FROM webhook_attempts_default LIMIT 10000) r))
    ) AS p (parent, default_rows)
    CROSS JOIN LATERAL (
        SELECT min(d.day) AS oldest, max(d.day) AS newest
        FROM pg_inherits i
        JOIN pg_class c ON c.oid = i.inhrelid
        CROSS JOIN LATERAL (SELECT to_date(substring(c.relname FROM '_(\d{8})$'), 'YYYYMMDD') AS day) d
        WHERE i.inhparent = to_regclass(format('posthorn.%I', p.parent))
    ) days
    ORDER BY p.parent
$$;
COMMENT ON FUNCTION posthorn.growth() IS
    'For monitoring: rows in the default partition (counted up to 10,000; more than none is a fault), oldest and newest day partition.';

GRANT EXECUTE ON FUNCTION posthorn.stray_days(integer) TO posthorn_api, posthorn_dispatcher;
GRANT EXECUTE ON FUNCTION posthorn.growth() TO posthorn_api, posthorn_dispatcher, posthorn_readonly;
