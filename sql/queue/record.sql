-- queue/record: writes attempts, moves their deliveries on, leaves a tally; answers with those moved.
-- $1 to $17: columns of result, but $8 dispatcher uuid; $18 whether to tell of what moves none bool
-- index: primary keys; locks: rows. A failure needs its epoch, a success its generation.
WITH result AS MATERIALIZED (
    SELECT r.id, r.epoch, r.generation, r.status, r.delay_seconds, r.number, r.tenant_id, r.target_url, r.age_seconds,
        r.duration_ms, r.status_code, r.error_kind, r.error, r.headers, r.body, r.body_truncated
    FROM unnest($1::uuid[], $2::int[], $3::int[], $4::text[], $5::float8[], $6::int[], $7::uuid[], $9::text[],
            $10::float8[], $11::int[], $12::int[], $13::text[], $14::text[], $15::text[], $16::text[], $17::bool[])
        AS r (id, epoch, generation, status, delay_seconds, number, tenant_id, target_url, age_seconds, duration_ms,
            status_code, error_kind, error, headers, body, body_truncated)
),
moved AS (
UPDATE posthorn.webhook_deliveries d
SET status = r.status, lease_until = NULL, updated_at = now(),
    due_at = CASE WHEN r.status = 'retrying' THEN now() + make_interval(secs => r.delay_seconds) ELSE d.due_at END,
    finished_at = CASE WHEN r.status <> 'retrying' THEN now() END,
    last_status_code = r.status_code, last_error_kind = r.error_kind, last_error = r.error
FROM result r
WHERE d.id = r.id AND d.status IN ('pending', 'sending', 'retrying')
  AND CASE WHEN r.status = 'delivered' THEN d.generation = r.generation
           ELSE d.epoch = r.epoch AND d.status = 'sending' END
RETURNING d.id, d.tenant_id, d.subscription_id, d.event, r.status, r.duration_ms, r.error_kind,
    -- a first attempt of what was not to go before due_at is not late before it; of a replay nobody asks how long it took
    CASE WHEN r.status = 'delivered' AND d.generation = 0 THEN
        least(2147483647, 1000 * greatest(0, extract(epoch FROM now()
            - CASE WHEN d.attempts = 1 AND d.ordering_key IS NULL THEN greatest(d.created_at, d.due_at) ELSE d.created_at END)))::int
    END AS delay_ms
),
attempt AS (
    INSERT INTO posthorn.webhook_attempts AS a (delivery_id, epoch, tenant_id, generation, number, dispatcher_id,
        target_url, started_at, duration_ms, status_code, error_kind, error, response_headers, response_body,
        response_body_truncated)
    SELECT r.id, r.epoch, r.tenant_id, r.generation, r.number, $8::uuid, r.target_url,
        now() - make_interval(secs => r.age_seconds), r.duration_ms, r.status_code, r.error_kind,
        CASE WHEN k.is_kept THEN r.error END, CASE WHEN k.is_kept THEN r.headers::jsonb END, CASE WHEN k.is_kept THEN r.body END,
        k.is_kept AND r.body_truncated
    FROM result r
    CROSS JOIN LATERAL (
        SELECT CASE WHEN r.id IN (SELECT m.id FROM moved m) THEN true ELSE NOT posthorn.is_erased(r.id) END AS is_kept) k
    -- a success that moves nothing may have to raise what was given up: it is told in the transaction that does
    WHERE r.status <> 'delivered' OR $18::bool OR r.id IN (SELECT m.id FROM moved m)
    ON CONFLICT (delivery_id, epoch) DO UPDATE
    SET dispatcher_id = EXCLUDED.dispatcher_id, started_at = EXCLUDED.started_at, duration_ms = EXCLUDED.duration_ms,
        status_code = EXCLUDED.status_code, error_kind = EXCLUDED.error_kind, error = EXCLUDED.error,
        response_headers = EXCLUDED.response_headers, response_body = EXCLUDED.response_body,
        response_body_truncated = EXCLUDED.response_body_truncated, recorded_at = EXCLUDED.recorded_at
    WHERE a.error_kind = 'lease_expired'
),
tallied AS (
INSERT INTO posthorn.delivery_tallies (tenant_id, subscription_id, event, delivered, retried, failed, abandoned, durations, delays,
    error_kinds, last_failed_delivery_id)
SELECT m.tenant_id, m.subscription_id, m.event, count(*) FILTER (WHERE m.status = 'delivered'),
    count(*) FILTER (WHERE m.status = 'retrying'), count(*) FILTER (WHERE m.status = 'failed'),
    count(*) FILTER (WHERE m.status = 'abandoned'), array_agg(m.duration_ms), array_agg(m.delay_ms) FILTER (WHERE m.delay_ms IS NOT NULL),
    array_agg(m.error_kind) FILTER (WHERE m.error_kind IS NOT NULL), (array_agg(m.id) FILTER (WHERE m.error_kind IS NOT NULL))[1]
FROM moved m
GROUP BY m.tenant_id, m.subscription_id, m.event
)
SELECT m.id FROM moved m
