-- monitoring/tables: size on disk and dead rows of each table of ours, its days added up.
SELECT t.name AS table_name, coalesce(sum(pg_total_relation_size(t.oid)), 0)::int8 AS bytes,
    coalesce(sum(pg_stat_get_dead_tuples(t.oid)), 0)::int8 AS dead_rows
FROM (
    SELECT c.oid, CASE WHEN c.relname ~ '_(\d{8}|default)$' THEN coalesce(p.relname, c.relname) ELSE c.relname END::text AS name
    FROM pg_catalog.pg_class c
    LEFT JOIN pg_catalog.pg_inherits i ON i.inhrelid = c.oid
    LEFT JOIN pg_catalog.pg_class p ON p.oid = i.inhparent
    WHERE c.relnamespace = 'posthorn'::regnamespace AND c.relkind = 'r') t
GROUP BY t.name
