-- test_sends/take: takes a request that someone asked for lately and still waits for.
-- locks: the row
UPDATE posthorn.test_sends t
SET taken_at = now()
WHERE t.id = (
    SELECT w.id FROM posthorn.test_sends w
    WHERE posthorn.is_copy() IS FALSE AND w.taken_at IS NULL AND w.requested_at > now() - interval '1 minute'
    ORDER BY w.id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING t.id, t.tenant_id, t.subscription_id, t.event, t.payload::text AS payload, t.resource_type, t.resource_id,
    t.metadata::text AS metadata, t.requested_at
