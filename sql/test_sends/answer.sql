-- test_sends/answer: what came of a request that was asked for.
-- $1 id uuid; index: primary key
SELECT t.answer::text AS answer
FROM posthorn.test_sends t
WHERE t.id = $1::uuid
