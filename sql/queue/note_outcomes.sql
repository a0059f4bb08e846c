-- queue/note_outcomes: counts what receivers in trouble answered; answers with the circuits and subscriptions changed.
-- $1 subscriptions uuid[], $2 successes int[], $3 failures int[], $4 failures at the end int[], $5 last errors text[],
-- $6 failures, $7 ratio, $8 seconds, $9 suspend after s
SELECT n.subscription_id, n.change, n.reason
FROM posthorn.note_outcomes($1::uuid[], $2::int[], $3::int[], $4::int[], $5::text[], $6::int, $7::float8, $8::int, $9::int) AS n
