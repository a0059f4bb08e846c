-- admin/tenants: a page of tenants, newest first.
-- $1 cursor: id uuid of the last tenant seen (NULL: from the start), $2 rows
SELECT t.id, t.name, t.max_in_flight, t.strict_event_types, t.is_operator, t.created_at, t.disabled_at
FROM posthorn.tenants t
WHERE $1::uuid IS NULL OR (t.created_at, t.id) < (SELECT c.created_at, c.id FROM posthorn.tenants c WHERE c.id = $1::uuid)
ORDER BY t.created_at DESC, t.id DESC
LIMIT $2::bigint
