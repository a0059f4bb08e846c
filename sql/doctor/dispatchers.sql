-- doctor/dispatchers: those that showed a sign of life in the last 15 seconds.
SELECT to_jsonb(f) AS facts FROM (
    SELECT d.host, d.pid, d.version, d.concurrency
    FROM posthorn.dispatchers d
    WHERE d.stopped_at IS NULL AND d.seen_at > now() - interval '15 seconds'
    ORDER BY d.started_at) f
