-- subscriptions/suspend: the receiver answered 410 Gone: nothing more is sent until someone activates it again.
-- $1 ids uuid[], $2 reason text; index: primary key; locks: the rows
UPDATE posthorn.webhook_subscriptions
SET status = 'suspended', status_reason = $2::text
WHERE id = ANY ($1::uuid[]) AND status = 'active'
RETURNING id
