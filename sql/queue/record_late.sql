-- queue/record_late: a success that arrives after its delivery was given up still counts, within its generation.
-- $1 ids uuid[], $2 generations int[], $3 status codes int[], $4 durations int[] ms; index: done primary key; locks: the rows
WITH moved AS (
UPDATE posthorn.webhook_deliveries d
SET status = 'delivered', updated_at = now(), finished_at = now(), last_status_code = r.status_code,
    last_error_kind = NULL, last_error = NULL
FROM unnest($1::uuid[], $2::int[], $3::int[], $4::int[]) AS r (id, generation, status_code, duration_ms)
WHERE d.id = r.id AND d.generation = r.generation AND d.status IN ('delivered', 'failed', 'abandoned', 'cancelled')
  -- apart, or the index of failures would be read as a whole
  AND CASE WHEN d.status IN ('failed', 'abandoned') THEN true ELSE false END
RETURNING d.id, d.tenant_id, d.subscription_id, d.event, r.duration_ms
),
tallied AS (
INSERT INTO posthorn.delivery_tallies (tenant_id, subscription_id, event, delivered, durations)
SELECT m.tenant_id, m.subscription_id, m.event, count(*), array_agg(m.duration_ms)
FROM moved m
GROUP BY m.tenant_id, m.subscription_id, m.event
)
SELECT m.id FROM moved m
