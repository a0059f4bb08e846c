-- events/get: one event of the current tenant.
-- $1 id uuid; index: outbox_pkey
SELECT e.id, e.tenant_id, e.event, e.payload::text AS payload, e.resource_type, e.resource_id, e.metadata::text AS metadata,
    e.ordering_key, e.deliver_after, e.created_at, e.fanout, e.fanout_reason, e.traceparent
FROM posthorn.events e
WHERE e.id = $1::uuid
