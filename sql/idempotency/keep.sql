-- idempotency/keep: stores what a request is answered with, in place of one older than 24 hours.
-- $1 tenant uuid, $2 route text, $3 key text, $4 SHA-256 of the request bytea, $5 sealed answer bytea; index: primary key
INSERT INTO posthorn.idempotency_keys (tenant_id, route, key, request_sha256, answer)
VALUES ($1::uuid, $2::text, $3::text, $4::bytea, $5::bytea)
ON CONFLICT (tenant_id, route, key)
DO UPDATE SET request_sha256 = excluded.request_sha256, answer = excluded.answer, created_at = now()
