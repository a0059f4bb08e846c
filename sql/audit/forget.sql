-- audit/forget: deletes rows of the audit log older than $1 whole days, at most $2 of them; both int.
-- index: primary key; locks: the rows, skipping locked ones
SELECT posthorn.forget_audit_log($1::int, $2::int) AS forgotten
