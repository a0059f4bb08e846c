-- queue/state: what monitoring asks of the queue, over all tenants.
SELECT q.waiting, extract(epoch FROM now() - q.oldest_due_at)::float8 AS oldest_age_seconds, q.open_fanouts, q.dispatchers_alive, q.open_circuits,
    posthorn.is_copy() IS TRUE AS is_copy
FROM posthorn.queue_state() q
