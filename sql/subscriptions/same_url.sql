-- subscriptions/same_url: subscriptions of a tenant with this URL, oldest first: candidates for a duplicate.
-- $1 tenant uuid, $2 normalised url text; index: webhook_subscriptions_tenant_key
SELECT s.id, s.events
FROM posthorn.webhook_subscriptions s
WHERE s.tenant_id = $1::uuid AND s.url = $2::text AND s.status <> 'deleted'
ORDER BY s.id
