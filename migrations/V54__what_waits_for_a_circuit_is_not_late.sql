-- What: the oldest due delivery that monitoring is told no longer counts those that wait for a receiver whose circuit is open.
-- Why:  they are left alone on purpose, and one receiver that is down is not a queue that nobody works off: it made the alert that
--       wakes people ring. Receivers that are down have a figure of their own, open_circuits.
-- Cost: one array of the open circuits for each call; no join with what waits.
-- Lock: none. Safe beside an older binary: yes, it asks the same of the same columns.
CREATE OR REPLACE FUNCTION posthorn.queue_state()
RETURNS TABLE (waiting bigint, oldest_due_at timestamptz, open_fanouts bigint, dispatchers_alive bigint, open_circuits bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
    SELECT (SELECT count(*) FROM webhook_deliveries_live),
        (SELECT min(l.due_at) FROM webhook_deliveries_live l
         JOIN webhook_subscriptions s ON s.id = l.subscription_id AND s.status = 'active'
         WHERE l.due_at <= now() AND l.status IN ('pending', 'retrying')
           AND l.subscription_id <> ALL (ARRAY(SELECT c.subscription_id FROM circuits c WHERE c.retry_at > now()))),
        (SELECT count(*) FROM event_fanouts f WHERE f.state = 'open'),
        (SELECT count(*) FROM dispatchers d WHERE d.stopped_at IS NULL AND d.seen_at > now() - interval '15 seconds'),
        (SELECT count(*) FROM circuits c WHERE c.state <> 'closed')
$$;
