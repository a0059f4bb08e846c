-- sealed/reseal_answers: puts answers sealed anew in place of those that were read, where these still stand.
-- $1 tenants, $2 routes, $3 keys, $4 old answers, $5 new ones; index: primary key; locks: the rows, skipping locked ones
WITH given AS (
    SELECT g.place, g.tenant_id, g.route, g.key, g.answer, g.new_answer
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[], $5::bytea[])
        WITH ORDINALITY AS g (tenant_id, route, key, answer, new_answer, place)),
unchanged AS (
    SELECT k.tenant_id, k.route, k.key FROM posthorn.idempotency_keys k
    JOIN given g ON g.tenant_id = k.tenant_id AND g.route = k.route AND g.key = k.key
    WHERE k.answer = g.answer
    FOR NO KEY UPDATE OF k SKIP LOCKED)
UPDATE posthorn.idempotency_keys k
SET answer = g.new_answer
FROM given g
JOIN unchanged u ON u.tenant_id = g.tenant_id AND u.route = g.route AND u.key = g.key
WHERE k.tenant_id = g.tenant_id AND k.route = g.route AND k.key = g.key
RETURNING g.place
