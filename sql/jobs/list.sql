-- jobs/list: the current tenant's jobs, newest first.
-- $1 state text, $2 kind text, $3 before this id uuid (each NULL: any), $4 rows int8; index: jobs_tenant_idx
SELECT j.id, j.kind, j.subscription_id, j.filter::text AS filter, j.state, j.total, j.is_total_exact, j.looked_at, j.changed,
    j.skipped, j.error, j.created_by, j.created_at, j.started_at, j.updated_at, j.finished_at
FROM posthorn.jobs j
WHERE ($1::text IS NULL OR j.state = $1::text)
  AND ($2::text IS NULL OR j.kind = $2::text)
  AND ($3::uuid IS NULL OR j.id < $3::uuid)
ORDER BY j.id DESC
LIMIT $4::int8
