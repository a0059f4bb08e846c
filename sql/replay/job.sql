-- replay/job: how far a job is, whosever it is.
-- $1 id uuid; index: jobs_pkey
SELECT j.state, j.changed, j.skipped, j.error FROM posthorn.jobs j WHERE j.id = $1::uuid
