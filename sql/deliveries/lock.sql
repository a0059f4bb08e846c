-- deliveries/lock: a delivery about to be retried, whether it is erased, and whether its subscription could receive it.
-- $1 id uuid; index: primary keys; locks: the delivery's row
SELECT d.status, d.erased_at IS NOT NULL AS is_erased, s.status AS subscription_status
FROM posthorn.webhook_deliveries d
LEFT JOIN posthorn.webhook_subscriptions s ON s.id = d.subscription_id
WHERE d.id = $1::uuid
FOR UPDATE OF d
