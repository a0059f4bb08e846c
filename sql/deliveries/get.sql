-- deliveries/get: one delivery of the current tenant.
-- $1 id uuid; index: primary keys
SELECT d.id, d.tenant_id, d.subscription_id, d.event_id, d.event, d.status, d.generation, d.attempts, d.due_at,
    d.last_status_code, d.last_error_kind, d.last_error, d.created_at, d.updated_at, d.finished_at,
    s.url AS target_url
FROM posthorn.webhook_deliveries d
LEFT JOIN posthorn.webhook_subscriptions s ON s.id = d.subscription_id
WHERE d.id = $1::uuid
