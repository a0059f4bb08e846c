-- prune/attempts: attempts of a day's deliveries as JSON, in the order of delivery and epoch.
-- $1 day date, $2 after uuid, $3 after epoch int, $4 most int; index: primary key of the day
SELECT r.delivery_id AS id, r.epoch, row_to_json(r)::text AS line
FROM (
    SELECT a.delivery_id, a.epoch, a.tenant_id, a.generation, a.number, a.dispatcher_id, a.target_url, a.started_at, a.duration_ms,
        a.status_code, a.error_kind, a.error, a.response_headers, a.response_body, a.response_body_truncated, a.recorded_at
    FROM posthorn.webhook_attempts a
    WHERE a.delivery_id >= posthorn.first_id_of($1::date) AND a.delivery_id < posthorn.first_id_of($1::date + 1)
      AND (a.delivery_id, a.epoch) > ($2::uuid, $3::int)
    ORDER BY a.delivery_id, a.epoch LIMIT $4::int
) r
