-- jobs/count: how many rows a job would be about, without making it.
-- $1 kind text, $2 subscription uuid or NULL, $3 filter jsonb text
SELECT c.total, c.is_total_exact
FROM posthorn.ids_of_job($3::text::jsonb) i
CROSS JOIN LATERAL posthorn.count_job($1::text, $2::uuid, $3::text::jsonb, i.after_id, i.before_id) c
