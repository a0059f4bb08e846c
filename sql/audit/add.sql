-- audit/add: adds a row to the current tenant's audit log, for what no trigger sees.
-- $1 action, $2 target type, $3 target id, $4 details (text, JSON object or NULL)
SELECT posthorn.audit($1::text, $2::text, $3::text, $4::text::jsonb) AS id
