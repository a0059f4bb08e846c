-- doctor/days: rows without a day's partition, and for how many days to come there is one.
SELECT to_jsonb(f) AS facts FROM (
    SELECT g.parent AS name, g.default_rows, coalesce(g.newest_day - (now() AT TIME ZONE 'UTC')::date, -1) AS days_ahead
    FROM posthorn.growth() g) f
ORDER BY f.name
