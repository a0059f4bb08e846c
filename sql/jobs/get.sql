-- jobs/get: one job of the current tenant.
-- $1 id uuid; index: jobs_pkey
SELECT j.id, j.kind, j.subscription_id, j.filter::text AS filter, j.state, j.total, j.is_total_exact, j.looked_at, j.changed,
    j.skipped, j.error, j.created_by, j.created_at, j.started_at, j.updated_at, j.finished_at
FROM posthorn.jobs j
WHERE j.id = $1::uuid
