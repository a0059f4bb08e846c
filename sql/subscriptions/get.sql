-- subscriptions/get: one subscription of the current tenant; a deleted one is not found.
-- $1 id uuid; index: primary key
SELECT s.id, s.tenant_id, s.url, s.events, s.filter::text AS filter, s.description, s.metadata::text AS metadata, s.status,
    s.status_reason, s.status_changed_at, s.signing, s.signature, s.public_key, s.previous_secret_until, s.payload_format,
    s.template, s.template_content_type, s.header_families, s.header_names, s.credentials_type, s.client_certificate,
    s.success_policy, s.success_codes, s.timeout_seconds, s.retry_schedule, s.max_retries, s.max_in_flight, s.rate_per_second,
    s.rate_burst, s.ordered, s.batch_max, s.batch_wait_ms, s.circuit_failures, s.circuit_failure_ratio, s.circuit_seconds,
    s.suspend_after_seconds, s.created_at, s.updated_at
FROM posthorn.webhook_subscriptions s
WHERE s.id = $1::uuid AND s.status <> 'deleted'
