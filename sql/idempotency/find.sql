-- idempotency/find: what was answered to a request within the last 24 hours.
-- $1 tenant uuid, $2 route text, $3 key text; index: primary key
SELECT k.request_sha256, k.answer
FROM posthorn.idempotency_keys k
WHERE k.tenant_id = $1::uuid AND k.route = $2::text AND k.key = $3::text AND k.created_at > now() - interval '24 hours'
