-- deliveries/count_of_event: how many deliveries an event of this transaction became.
-- $1 event id uuid; index: one_delivery_per_event_and_subscription, webhook_deliveries_done_event_idx
SELECT count(*) AS deliveries
FROM posthorn.webhook_deliveries d
WHERE d.event_id = $1::uuid
