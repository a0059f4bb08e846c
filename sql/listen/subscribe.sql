-- listen/subscribe: a subscription of a program that listens for a while. $1 id uuid, $2 tenant uuid, $3 url, $4 events text[],
-- $5 sealed secret
INSERT INTO posthorn.webhook_subscriptions (id, tenant_id, url, events, description, secret)
VALUES ($1::uuid, $2::uuid, $3::text, $4::text[], 'posthorn listen', $5::bytea)
RETURNING id
