-- stats/rates: attempts, what came of them and how late deliveries were, in the minute that runs with the one before, and in the last hour.
-- $1 tenant uuid (NULL: all); index: delivery_statistics_pkey
WITH minutes AS (
    SELECT m.starts_at, m.attempts, m.delivered, m.retried, m.failed, m.abandoned, m.delay_max_ms, m.delays
    FROM posthorn.tenants t
    CROSS JOIN LATERAL (
        SELECT s.starts_at, s.attempts, s.delivered, s.retried, s.failed, s.abandoned, s.delay_max_ms, s.delays
        FROM posthorn.delivery_statistics s
        WHERE s.tenant_id = t.id AND s.resolution = 'minute' AND s.starts_at >= date_trunc('minute', now()) - interval '1 hour'
          AND s.subscription_id = '00000000-0000-0000-0000-000000000000' AND s.event = '*' OFFSET 0) m
    WHERE $1::uuid IS NULL OR t.id = $1::uuid
), spans (name, since) AS (
    VALUES ('minute', date_trunc('minute', now()) - interval '1 minute'), ('hour', date_trunc('minute', now()) - interval '1 hour')
)
SELECT to_jsonb(f) AS facts FROM (
    SELECT s.name, extract(epoch FROM now() - s.since)::float8 AS seconds, r.attempts, r.delivered, r.retried, r.failed, r.abandoned,
        posthorn.percentile(d.counts, r.delay_max_ms, 0.5) AS delay_p50_ms, posthorn.percentile(d.counts, r.delay_max_ms, 0.95) AS delay_p95_ms,
        posthorn.percentile(d.counts, r.delay_max_ms, 0.99) AS delay_p99_ms
    FROM spans s
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(m.attempts), 0)::bigint AS attempts, coalesce(sum(m.delivered), 0)::bigint AS delivered,
            coalesce(sum(m.retried), 0)::bigint AS retried, coalesce(sum(m.failed), 0)::bigint AS failed,
            coalesce(sum(m.abandoned), 0)::bigint AS abandoned, coalesce(max(m.delay_max_ms), 0) AS delay_max_ms
        FROM minutes m WHERE m.starts_at >= s.since) r
    CROSS JOIN LATERAL (
        SELECT coalesce(array_agg(b.count ORDER BY b.bucket), array_fill(0::bigint, ARRAY[24])) AS counts
        FROM (
            SELECT u.bucket, sum(u.count)::bigint AS count
            FROM minutes m CROSS JOIN LATERAL unnest(m.delays) WITH ORDINALITY AS u (count, bucket)
            WHERE m.starts_at >= s.since
            GROUP BY u.bucket) b) d) f
ORDER BY f.seconds
