-- fanout/note: says why a taken event could not be fanned out, to be tried again in seconds. Index: primary key.
-- $1 event uuid, $2 reason text, $3 whether it took too long bool: only that can be the fault of a filter
UPDATE posthorn.event_fanouts
SET reason = left($2::text, 500), failures = CASE WHEN $3::bool THEN failures ELSE 0 END,
    due_at = now() + make_interval(secs => CASE WHEN $3::bool THEN failures ELSE 5 END)
WHERE event_id = $1::uuid
