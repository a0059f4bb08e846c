-- statistics/errors: failures of a time by kind, most first. Reads the roll-up alone.
-- $1 resolution text, $2 since, $3 until timestamptz, $4 subscription uuid, $5 event text (NULL: any); index: delivery_errors_pkey
SELECT s.error_kind, sum(s.failures)::bigint AS failures
FROM posthorn.delivery_errors s
WHERE s.tenant_id = (SELECT posthorn.current_tenant()) AND s.resolution = $1::text AND s.starts_at >= $2::timestamptz
  AND s.starts_at < $3::timestamptz AND s.subscription_id = coalesce($4::uuid, '00000000-0000-0000-0000-000000000000')
  AND s.event = coalesce($5::text, '*')
GROUP BY s.error_kind
ORDER BY 2 DESC, 1
