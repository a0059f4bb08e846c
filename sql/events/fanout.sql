-- events/fanout: whether an event was fanned out with its INSERT (done) or how it is marked.
-- $1 id uuid; index: outbox_pkey, event_fanouts_pkey
SELECT e.fanout
FROM posthorn.events e
WHERE e.id = $1::uuid
