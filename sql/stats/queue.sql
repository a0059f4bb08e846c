-- stats/queue: what waits and what is on its way, of a tenant or of all.
-- $1 tenant uuid (NULL: all); counted up to 10,000 of each subscription, but for what waits of all
SELECT to_jsonb(f) AS facts FROM (
    SELECT coalesce(q.waiting, b.waiting, 0)::bigint AS waiting, coalesce(b.due, 0)::bigint AS due, coalesce(b.in_flight, 0)::bigint AS in_flight,
        extract(epoch FROM now() - b.oldest_due_at)::float8 AS oldest_seconds
    FROM (
        SELECT sum(w.waiting) AS waiting, sum(w.due) AS due, sum(w.in_flight) AS in_flight, min(w.oldest_due_at) FILTER (WHERE w.status = 'active') AS oldest_due_at
        FROM posthorn.tenants t
        CROSS JOIN LATERAL (
            SELECT p.waiting, p.due, p.in_flight, p.oldest_due_at, p.status FROM posthorn.backlog p WHERE p.tenant_id = t.id OFFSET 0) w
        WHERE $1::uuid IS NULL OR t.id = $1::uuid) b
    LEFT JOIN posthorn.queue_state() q ON $1::uuid IS NULL) f
