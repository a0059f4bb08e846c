-- jobs/run: does the next chunk of a taken job.
-- $1 job uuid, $2 rows at most int, $3 rows per second int, $4 whether to give dear filters up bool; locks: the job and its rows
SELECT r.kind, r.is_finished, r.changed, r.pause_seconds FROM posthorn.run_job($1::uuid, $2::int, $3::int, $4::bool) r
