-- doctor/tables: size and upkeep of the tables that grow with traffic, their partitions added up.
SELECT to_jsonb(f) AS facts FROM (
    SELECT t.name, sum(pg_table_size(t.oid) + pg_indexes_size(t.oid))::bigint AS bytes, sum(pg_stat_get_live_tuples(t.oid))::bigint AS live_rows,
        sum(pg_stat_get_dead_tuples(t.oid))::bigint AS dead_rows, max(age(t.relfrozenxid)) AS xid_age
    FROM (
        SELECT c.oid, c.relfrozenxid, regexp_replace(c.relname, '_(\d{8}|default)$', '') AS name
        FROM pg_class c
        WHERE c.relnamespace = 'posthorn'::regnamespace AND c.relkind = 'r'
          AND c.relname ~ '^(outbox|webhook_deliveries_live|webhook_deliveries_done|webhook_attempts|event_fanouts)(_(\d{8}|default))?$') t
    GROUP BY t.name) f
ORDER BY f.name
