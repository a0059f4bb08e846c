-- subscriptions/add: a new subscription.
-- $1 id uuid, $2 tenant uuid, $3 url, $4 events text[], $5 filter, $6 description, $7 status, $8 signing, $9 sealed bytea,
-- $10 format, $11 families text[], $12 policy, $13 timeout int4, $14 schedule int4[], $15 retries int4, $16 in flight int4
INSERT INTO posthorn.webhook_subscriptions (id, tenant_id, url, events, filter, description, status, signing, secret,
    payload_format, header_families, success_policy, timeout_seconds, retry_schedule, max_retries, max_in_flight)
VALUES ($1::uuid, $2::uuid, $3::text, $4::text[], $5::text::jsonpath, $6::text, $7::text, $8::text, $9::bytea,
    $10::text, $11::text[], $12::text, $13::int4, $14::int4[], $15::int4, $16::int4)
RETURNING id
