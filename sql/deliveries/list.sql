-- deliveries/list: the current tenant's deliveries, newest first; index: of the filter, else webhook_deliveries_tenant_idx
-- $1 event, $2 status text, $3 subscription, $4 event id uuid, $5 error kind text, $6 status code int, $7 from, $8 below this id
-- uuid (each NULL: any), $9 rows int8
SELECT d.id, d.tenant_id, d.subscription_id, d.event_id, d.event, d.status, d.generation, d.attempts, d.due_at,
    d.last_status_code, d.last_error_kind, d.last_error, d.created_at, d.updated_at, d.finished_at,
    s.url AS target_url
FROM posthorn.webhook_deliveries d
LEFT JOIN posthorn.webhook_subscriptions s ON s.id = d.subscription_id
WHERE ($1::text IS NULL OR d.event = $1::text)
  AND ($2::text IS NULL OR d.status = $2::text)
  AND ($3::uuid IS NULL OR d.subscription_id = $3::uuid)
  AND ($4::uuid IS NULL OR d.event_id = $4::uuid)
  AND ($5::text IS NULL OR d.last_error_kind = $5::text)
  AND ($6::int IS NULL OR d.last_status_code = $6::int)
  AND ($7::uuid IS NULL OR d.id >= $7::uuid)
  AND ($8::uuid IS NULL OR d.id < $8::uuid)
ORDER BY d.id DESC
LIMIT $9::int8
