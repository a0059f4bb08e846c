-- subscriptions/matches: whether an active subscription of the current tenant has one of these patterns.
-- $1 patterns text[]; index: webhook_subscriptions_tenant_key
SELECT EXISTS (
    SELECT FROM posthorn.webhook_subscriptions s WHERE s.active AND s.events && $1::text[]
) AS is_found
