-- jobs/add: makes a job of the current tenant and wakes a dispatcher; NULL: it has three unfinished ones.
-- $1 kind text, $2 subscription uuid or NULL, $3 filter jsonb text; locks: advisory, of the tenant
SELECT posthorn.add_job($1::text, $2::uuid, $3::text::jsonb) AS id
