-- fanout/rule: a taken event with the schema it must fit. No row: nothing to check any more. $1 event uuid; index: primary keys
SELECT o.tenant_id, o.event, o.payload::text AS payload, own.json_schema::text AS json_schema,
    own.name IS NULL AND common.name IS NULL AS is_unknown
FROM posthorn.outbox o
LEFT JOIN posthorn.event_types own ON own.tenant_id = o.tenant_id AND own.name = o.event
LEFT JOIN posthorn.event_types common ON common.tenant_id IS NULL AND common.name = o.event
WHERE o.id = $1::uuid AND posthorn.is_checked_event(o.tenant_id, o.event)
