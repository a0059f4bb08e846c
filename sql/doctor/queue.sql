-- doctor/queue: what waits, since when, and who is there to send it.
SELECT to_jsonb(f) AS facts FROM (
    SELECT q.waiting, extract(epoch FROM now() - q.oldest_due_at)::float8 AS oldest_seconds, q.open_fanouts,
        posthorn.is_copy() IS TRUE AS is_copy
    FROM posthorn.queue_state() q) f
