-- jobs/note: says why a chunk failed; too many failures in a row end the job. Index: jobs_pkey.
-- $1 job uuid, $2 reason text, $3 failures that end it int, $4 whether to try again at once bool
UPDATE posthorn.jobs
SET error = left($2::text, 500), updated_at = now(), due_at = CASE WHEN $4::bool THEN now() ELSE due_at END,
    state = CASE WHEN failures >= $3::int THEN 'failed' ELSE state END,
    finished_at = CASE WHEN failures >= $3::int THEN now() END
WHERE id = $1::uuid AND state = 'running'
