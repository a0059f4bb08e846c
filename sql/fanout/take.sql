-- fanout/take: takes the oldest open event for 10 s or, after failures, longer; whoever dies with it holds up nobody else.
-- index: event_fanouts (due_at) of open ones; locks: the row, SKIP LOCKED
UPDATE posthorn.event_fanouts f
SET failures = f.failures + 1, due_at = now() + make_interval(secs => 10 * least(f.failures + 1, 6))
WHERE f.event_id = (
    SELECT o.event_id
    FROM posthorn.event_fanouts o
    WHERE o.state = 'open' AND o.due_at <= now()
    ORDER BY o.due_at
    LIMIT 1
    FOR UPDATE SKIP LOCKED)
RETURNING f.event_id, f.failures
