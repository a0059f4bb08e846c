-- sealed/subscriptions: sealed values of subscriptions, in the order of their ids.
-- $1 after uuid, $2 most rows int8; index: primary key
SELECT s.id, s.tenant_id, s.secret, s.previous_secret, s.sealed_headers, s.sealed_credentials, s.sealed_client_key
FROM posthorn.webhook_subscriptions s
WHERE s.id > $1::uuid
ORDER BY s.id
LIMIT $2::int8
