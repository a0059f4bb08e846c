-- subscriptions/delete: deletes a subscription, forgets its secrets and cancels what waits for it.
-- $1 id uuid; index: primary key, live due; locks: the rows
SELECT d.is_found
FROM posthorn.delete_subscription($1::uuid) d
