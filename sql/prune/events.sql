-- prune/events: events of a day as JSON, in the order of their ids.
-- $1 day date, $2 after uuid, $3 most int; index: primary key of the day
SELECT r.id, 0 AS epoch, row_to_json(r)::text AS line
FROM (
    SELECT o.id, o.tenant_id, o.event, o.payload, o.resource_type, o.resource_id, o.metadata, o.deliver_after, o.created_at,
        o.ordering_key, o.idempotency_key, o.coalesce_key, o.erased_at
    FROM posthorn.outbox o
    WHERE o.id >= posthorn.first_id_of($1::date) AND o.id < posthorn.first_id_of($1::date + 1) AND o.id > $2::uuid
    ORDER BY o.id LIMIT $3::int
) r
