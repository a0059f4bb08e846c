-- subscriptions/set_status: switches a subscription on or off; what waits for it goes when it is on.
-- $1 id uuid, $2 status text; index: primary key; locks: the row
WITH woken AS MATERIALIZED (SELECT posthorn.wake())
UPDATE posthorn.webhook_subscriptions s
SET status = $2::text, status_reason = NULL
FROM woken
WHERE s.id = $1::uuid AND s.status <> 'deleted'
RETURNING s.id
