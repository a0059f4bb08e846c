-- queue/claim: leases due deliveries fairly: a row of the look, subscriptions served, what was leased; none in a copy.
-- $1 dispatcher uuid, $2 room, $3 share, $4 margin s, $5 timeout s, $6 cap, $7 tenant cap,
-- $8 subscriptions uuid[], $9 in flight int[], $10 tenants uuid[], $11 in flight int[]
SELECT c.is_claimer, c.has_more, c.has_open_fanouts, c.look_again_seconds, c.capped,
    c.subscription_id, c.tenant_id, c.changed_at, c.timeout_seconds, c.is_troubled,
    c.id, c.event_id, c.event, c.generation, c.epoch, c.attempts, c.is_rescue, c.payload, c.metadata, c.resource_type,
    c.resource_id, c.happened_at, c.traceparent
FROM posthorn.claim($1::uuid, $2::int, $3::int, $4::float8, $5::int, $6::int, $7::int, $8::uuid[], $9::int[], $10::uuid[],
    $11::int[], with_trace => true) AS c
WHERE posthorn.is_copy() IS FALSE
