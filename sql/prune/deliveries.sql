-- prune/deliveries: finished deliveries of a day as JSON, in the order of their ids.
-- $1 day date, $2 after uuid, $3 most int; index: primary key of the day
SELECT r.id, 0 AS epoch, row_to_json(r)::text AS line
FROM (
    SELECT d.id, d.tenant_id, d.subscription_id, d.event_id, d.event, d.status, d.generation, d.epoch, d.attempts, d.due_at,
        d.dispatcher_id, d.last_status_code, d.last_error_kind, d.last_error, d.created_at, d.updated_at, d.finished_at, d.ordering_key,
        d.erased_at
    FROM posthorn.webhook_deliveries_done d
    WHERE d.id >= posthorn.first_id_of($1::date) AND d.id < posthorn.first_id_of($1::date + 1) AND d.id > $2::uuid
    ORDER BY d.id LIMIT $3::int
) r
