-- replay/ask: sends a tenant's deliveries again, or counts; NULL tenant: what is named says whose.
-- $1 tenant uuid, $2 kind text, $3 subscription uuid, $4 filter text, $5 at most int, $6 dry run bool
SELECT c.matched, c.changed, c.skipped, c.job_id
FROM posthorn.control_as_operator($1::uuid, $2::text, $3::uuid, $4::text::jsonb, $5::int, $6::bool) c
