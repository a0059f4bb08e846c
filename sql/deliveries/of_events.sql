-- deliveries/of_events: deliveries of these events, newest event first; index: event ids of live and done
-- $1 event ids uuid[], $2 event, $3 status text, $4 subscription uuid, $5 error kind text, $6 status code int (each NULL: any),
-- $7 below this event and $8 delivery uuid, $9 rows int8
SELECT d.id, d.tenant_id, d.subscription_id, d.event_id, d.event, d.status, d.generation, d.attempts, d.due_at,
    d.last_status_code, d.last_error_kind, d.last_error, d.created_at, d.updated_at, d.finished_at,
    s.url AS target_url
FROM unnest($1::uuid[]) AS e (id)
-- LIMIT keeps this a lookup for each event
CROSS JOIN LATERAL (
    SELECT w.id, w.tenant_id, w.subscription_id, w.event_id, w.event, w.status, w.generation, w.attempts, w.due_at,
        w.last_status_code, w.last_error_kind, w.last_error, w.created_at, w.updated_at, w.finished_at
    FROM posthorn.webhook_deliveries w
    WHERE w.event_id = e.id
      AND ($2::text IS NULL OR w.event = $2::text)
      AND ($3::text IS NULL OR w.status = $3::text)
      AND ($4::uuid IS NULL OR w.subscription_id = $4::uuid)
      AND ($5::text IS NULL OR w.last_error_kind = $5::text)
      AND ($6::int IS NULL OR w.last_status_code = $6::int)
      AND ($7::uuid IS NULL OR (w.event_id, w.id) < ($7::uuid, $8::uuid))
    ORDER BY w.id DESC
    LIMIT $9::int8
) d
LEFT JOIN posthorn.webhook_subscriptions s ON s.id = d.subscription_id
ORDER BY d.event_id DESC, d.id DESC
LIMIT $9::int8
