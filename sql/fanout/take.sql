-- fanout/take: takes the oldest open event of its line for 10 s or, after failures, longer; whoever dies with it holds up nobody else.
-- needs_check: fanout/rule and fanout/judge come first
-- index: event_fanouts (due_at) of open ones; locks: the row, SKIP LOCKED
UPDATE posthorn.event_fanouts f
SET failures = f.failures + 1, due_at = now() + make_interval(secs => 10 * least(f.failures + 1, 6))
WHERE f.event_id = (
    SELECT o.event_id
    FROM posthorn.event_fanouts o
    WHERE o.state = 'open' AND o.due_at <= now() AND NOT EXISTS (
        SELECT FROM posthorn.event_fanouts b
        WHERE b.state = 'open' AND b.tenant_id = o.tenant_id AND b.ordering_key = o.ordering_key AND b.number < o.number)
    ORDER BY o.due_at
    LIMIT 1
    FOR UPDATE OF o SKIP LOCKED)
RETURNING f.event_id, f.failures, f.checked_at IS NULL AND coalesce((
    SELECT posthorn.is_checked_event(e.tenant_id, e.event) FROM posthorn.outbox e WHERE e.id = f.event_id), false) AS needs_check
