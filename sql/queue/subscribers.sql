-- queue/subscribers: subscriptions as sending to them needs them.
-- $1 ids uuid[]; index: primary key
SELECT s.id, s.tenant_id, s.updated_at AS changed_at, s.url, s.signing, s.signature, s.secret, s.previous_secret,
    s.previous_secret_until, s.payload_format, s.template, s.template_content_type, s.header_families, s.success_policy,
    s.success_codes, s.retry_schedule, s.max_retries, s.timeout_seconds, s.batch_max, s.sealed_headers, s.sealed_credentials,
    s.client_certificate, s.sealed_client_key
FROM posthorn.webhook_subscriptions s
WHERE s.id = ANY ($1::uuid[])
