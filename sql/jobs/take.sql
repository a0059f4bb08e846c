-- jobs/take: takes the job that is due longest, for ten seconds or, after failures, longer.
-- index: jobs_due_idx; locks: the row, SKIP LOCKED
SELECT t.id, t.failures FROM posthorn.take_job() t WHERE t.id IS NOT NULL
