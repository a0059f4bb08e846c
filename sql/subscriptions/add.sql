-- subscriptions/add: a new subscription. $1 to $26 as subscriptions/set has them.
-- $27 id uuid, $28 tenant uuid, $29 status, $30 sealed secret, $31 public key, $32 header names text[], $33 sealed headers,
-- $34 credentials type, $35 sealed credentials, $36 certificate, $37 sealed key
INSERT INTO posthorn.webhook_subscriptions (url, events, filter, description, metadata, signing, signature, payload_format,
    template, template_content_type, header_families, success_policy, success_codes, timeout_seconds, retry_schedule, max_retries,
    max_in_flight, rate_per_second, rate_burst, ordered, batch_max, batch_wait_ms, circuit_failures, circuit_failure_ratio,
    circuit_seconds, suspend_after_seconds, id, tenant_id, status, secret, public_key, header_names, sealed_headers,
    credentials_type, sealed_credentials, client_certificate, sealed_client_key)
VALUES ($1::text, $2::text[], $3::text::jsonpath, $4::text, $5::text::jsonb, $6::text, $7::text, $8::text,
    $9::text, $10::text, $11::text[], $12::text, $13::int4[], $14::int4, $15::int4[], $16::int4,
    $17::int4, $18::float8, $19::int4, $20::bool, $21::int4, $22::int4, $23::int4, $24::float8,
    $25::int4, $26::int4, $27::uuid, $28::uuid, $29::text, $30::bytea, $31::text, $32::text[], $33::bytea,
    $34::text, $35::bytea, $36::text, $37::bytea)
RETURNING id
