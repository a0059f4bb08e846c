-- subscriptions/set_certificate: the client certificate it shows.
-- $1 id uuid, $2 PEM text, $3 sealed key bytea; index: primary key; locks: the row
UPDATE posthorn.webhook_subscriptions s
SET client_certificate = $2::text, sealed_client_key = $3::bytea
WHERE s.id = $1::uuid
RETURNING s.id
