-- subscriptions/get: one subscription of the current tenant; a deleted one is not found.
-- $1 id uuid; index: primary key
SELECT s.id, s.tenant_id, s.url, s.events, s.filter::text AS filter, s.description, s.status, s.status_reason,
    s.status_changed_at, s.signing, s.payload_format, s.header_families, s.success_policy, s.timeout_seconds,
    s.retry_schedule, s.max_retries, s.max_in_flight, s.created_at, s.updated_at
FROM posthorn.webhook_subscriptions s
WHERE s.id = $1::uuid AND s.status <> 'deleted'
