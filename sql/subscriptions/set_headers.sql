-- subscriptions/set_headers: headers of its own.
-- $1 id uuid, $2 names text[], $3 sealed bytea; index: primary key; locks: the row
UPDATE posthorn.webhook_subscriptions s
SET header_names = $2::text[], sealed_headers = $3::bytea
WHERE s.id = $1::uuid
RETURNING s.id
