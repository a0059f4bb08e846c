-- subscriptions/set: everything a subscription says of itself, secrets apart.
-- $1 url to $26 suspend after s, $27 id uuid; index: primary key; locks: the row
UPDATE posthorn.webhook_subscriptions s
SET url = $1::text, events = $2::text[], filter = $3::text::jsonpath, description = $4::text, metadata = $5::text::jsonb,
    signing = $6::text, signature = $7::text, payload_format = $8::text, template = $9::text, template_content_type = $10::text,
    header_families = $11::text[], success_policy = $12::text, success_codes = $13::int4[], timeout_seconds = $14::int4,
    retry_schedule = $15::int4[], max_retries = $16::int4, max_in_flight = $17::int4, rate_per_second = $18::float8,
    rate_burst = $19::int4, ordered = $20::bool, batch_max = $21::int4, batch_wait_ms = $22::int4, circuit_failures = $23::int4,
    circuit_failure_ratio = $24::float8, circuit_seconds = $25::int4, suspend_after_seconds = $26::int4,
    public_key = CASE WHEN $7::text = s.signature THEN s.public_key END
WHERE s.id = $27::uuid AND s.status <> 'deleted'
RETURNING s.id
