-- dispatchers/seen: a sign of life; $1 id uuid, $2 whether it has stopped bool. Index: primary key.
UPDATE posthorn.dispatchers
SET seen_at = now(), stopped_at = CASE WHEN $2::bool THEN now() END
WHERE id = $1::uuid
