-- queue/record_late: a success that arrives after its delivery was given up still counts, within its generation.
-- $1 ids uuid[], $2 generations int[], $3 status codes int[]; index: done primary key; locks: the rows
UPDATE posthorn.webhook_deliveries d
SET status = 'delivered', updated_at = now(), finished_at = now(), last_status_code = r.status_code,
    last_error_kind = NULL, last_error = NULL
FROM unnest($1::uuid[], $2::int[], $3::int[]) AS r (id, generation, status_code)
WHERE d.id = r.id AND d.generation = r.generation AND d.status IN ('delivered', 'failed', 'abandoned', 'cancelled')
  -- apart, or the index of failures would be read as a whole
  AND CASE WHEN d.status IN ('failed', 'abandoned') THEN true ELSE false END
RETURNING d.id
