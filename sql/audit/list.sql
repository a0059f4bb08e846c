-- audit/list: a page of a tenant's audit log, newest first. Index: audit_log_tenant_idx or audit_log_target_idx
-- $1 tenant uuid, $2 action, $3 target id (text), $4 since, $5 until (timestamptz), $6 cursor uuid (each NULL: any), $7 rows
SELECT a.id, a.created_at, a.actor, a.action, a.target_type, a.target_id, a.changes::text AS changes,
    a.details::text AS details
FROM posthorn.audit_log a
WHERE a.tenant_id = $1::uuid
    AND ($2::text IS NULL OR a.action = $2::text)
    AND ($3::text IS NULL OR a.target_id = $3::text)
    AND ($4::timestamptz IS NULL OR a.created_at >= $4::timestamptz)
    AND ($5::timestamptz IS NULL OR a.created_at < $5::timestamptz)
    AND ($6::uuid IS NULL OR a.id < $6::uuid)
ORDER BY a.id DESC
LIMIT $7::bigint
