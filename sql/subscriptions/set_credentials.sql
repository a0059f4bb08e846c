-- subscriptions/set_credentials: what identifies its requests to the receiver.
-- $1 id uuid, $2 type text, $3 sealed bytea; index: primary key; locks: the row
UPDATE posthorn.webhook_subscriptions s
SET credentials_type = $2::text, sealed_credentials = $3::bytea
WHERE s.id = $1::uuid
RETURNING s.id
