-- events/some: these events of the current tenant without their payloads, newest first.
-- $1 ids uuid[]; index: outbox_pkey
SELECT e.id, e.tenant_id, e.event, e.resource_type, e.resource_id, e.ordering_key, e.deliver_after, e.created_at, e.fanout,
    e.fanout_reason
FROM unnest($1::uuid[]) AS i (id)
-- LIMIT keeps this a lookup for each
CROSS JOIN LATERAL (
    SELECT v.id, v.tenant_id, v.event, v.resource_type, v.resource_id, v.ordering_key, v.deliver_after, v.created_at, v.fanout,
        v.fanout_reason
    FROM posthorn.events v WHERE v.id = i.id LIMIT 1
) e
ORDER BY e.id DESC
