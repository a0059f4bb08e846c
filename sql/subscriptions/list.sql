-- subscriptions/list: the current tenant's subscriptions, newest first, without deleted ones.
-- $1 any of these patterns text[], $2 is active bool, $3 before this id uuid (each NULL: any), $4 rows int8
-- index: webhook_subscriptions_tenant_key
SELECT s.id, s.tenant_id, s.url, s.events, s.filter::text AS filter, s.description, s.metadata::text AS metadata, s.status,
    s.status_reason, s.status_changed_at, s.signing, s.signature, s.public_key, s.previous_secret_until, s.payload_format,
    s.template, s.template_content_type, s.header_families, s.header_names, s.credentials_type, s.client_certificate,
    s.success_policy, s.success_codes, s.timeout_seconds, s.retry_schedule, s.max_retries, s.max_in_flight, s.rate_per_second,
    s.rate_burst, s.ordered, s.batch_max, s.batch_wait_ms, s.circuit_failures, s.circuit_failure_ratio, s.circuit_seconds,
    s.suspend_after_seconds, s.created_at, s.updated_at
FROM posthorn.webhook_subscriptions s
WHERE s.status <> 'deleted'
  AND ($1::text[] IS NULL OR s.events && $1::text[])
  AND ($2::bool IS NULL OR s.active = $2::bool)
  AND ($3::uuid IS NULL OR s.id < $3::uuid)
ORDER BY s.id DESC
LIMIT $4::int8
