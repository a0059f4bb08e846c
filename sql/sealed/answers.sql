-- sealed/answers: sealed answers to requests with an Idempotency-Key, in the order of their key.
-- $1 after tenant uuid, $2 after route, $3 after key, $4 most rows int8; index: primary key
SELECT k.tenant_id, k.route, k.key, k.answer
FROM posthorn.idempotency_keys k
WHERE (k.tenant_id, k.route, k.key) > ($1::uuid, $2::text, $3::text)
ORDER BY k.tenant_id, k.route, k.key
LIMIT $4::int8
