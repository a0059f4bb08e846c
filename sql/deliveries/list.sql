-- deliveries/list: the current tenant's deliveries, newest first.
-- $1 event text, $2 status text, $3 subscription uuid, $4 event id uuid, $5 before this id uuid (each NULL: any),
-- $6 rows int8; index: webhook_deliveries_tenant_idx or the one of the filter
SELECT d.id, d.tenant_id, d.subscription_id, d.event_id, d.event, d.status, d.generation, d.attempts, d.due_at,
    d.last_status_code, d.last_error_kind, d.last_error, d.created_at, d.updated_at, d.finished_at,
    s.url AS target_url
FROM posthorn.webhook_deliveries d
LEFT JOIN posthorn.webhook_subscriptions s ON s.id = d.subscription_id
WHERE ($1::text IS NULL OR d.event = $1::text)
  AND ($2::text IS NULL OR d.status = $2::text)
  AND ($3::uuid IS NULL OR d.subscription_id = $3::uuid)
  AND ($4::uuid IS NULL OR d.event_id = $4::uuid)
  AND ($5::uuid IS NULL OR d.id < $5::uuid)
ORDER BY d.id DESC
LIMIT $6::int8
