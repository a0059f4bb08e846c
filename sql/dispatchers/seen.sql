-- dispatchers/seen: a sign of life; answers with the database's clock. Index: primary key.
-- $1 id uuid, $2 whether it has stopped bool
UPDATE posthorn.dispatchers
SET seen_at = now(), stopped_at = CASE WHEN $2::bool THEN now() END
WHERE id = $1::uuid
RETURNING clock_timestamp() AS clock
