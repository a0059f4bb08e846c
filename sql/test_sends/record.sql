-- test_sends/record: says what came of a request.
-- $1 id uuid, $2 answer json text; index: primary key
UPDATE posthorn.test_sends t
SET answer = $2::text::json
WHERE t.id = $1::uuid
RETURNING t.id
