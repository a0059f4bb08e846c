-- queue/claim: leases due deliveries fairly, walking from subscription to subscription after $2.
-- $1 room int, $2 after uuid, $3 dispatcher uuid, $4 margin s, $5 timeout s, $6 busy uuid[], $7 their counts int[], $8 cap int
-- index: live (subscription_id, due_at); locks: rows, SKIP LOCKED
WITH RECURSIVE turn AS MATERIALIZED (
    -- asked once: were it asked again at the end, a claimer that came too early could believe that there was nothing
    SELECT pg_try_advisory_xact_lock(1886352488, 4) AS is_mine
),
walk AS (
    (SELECT d.subscription_id, 1 AS step
     FROM posthorn.webhook_deliveries d
     WHERE d.subscription_id > $2::uuid AND d.status IN ('pending', 'sending', 'retrying')
       AND (SELECT t.is_mine FROM turn t)
     ORDER BY d.subscription_id LIMIT 1)
    UNION ALL
    SELECT (SELECT d.subscription_id
            FROM posthorn.webhook_deliveries d
            WHERE d.subscription_id > w.subscription_id AND d.status IN ('pending', 'sending', 'retrying')
            ORDER BY d.subscription_id LIMIT 1), w.step + 1
    FROM walk w
    WHERE w.subscription_id IS NOT NULL AND w.step < 1000
),
pass AS MATERIALIZED (
    SELECT w.subscription_id, w.step,
        greatest(10, $1::int / greatest(1, count(w.subscription_id) OVER ())::int) AS share
    FROM walk w
),
picked AS MATERIALIZED (
    SELECT d.id, d.status, d.epoch, d.generation, d.attempts, d.tenant_id, d.dispatcher_id, d.lease_until, d.updated_at,
        p.step, s.url, s.signing, s.secret,
        CASE WHEN s.previous_secret_until > now() THEN s.previous_secret END AS previous_secret,
        s.payload_format, s.header_families, s.success_policy, s.retry_schedule, s.max_retries,
        coalesce(s.timeout_seconds, $5::int) AS timeout_seconds, coalesce(s.max_in_flight, $8::int) AS cap
    FROM pass p
    -- the LIMIT keeps it a look-up per step: as a join, the planner may walk every subscription there is
    CROSS JOIN LATERAL (
        SELECT u.url, u.signing, u.secret, u.previous_secret, u.previous_secret_until, u.payload_format, u.header_families,
            u.success_policy, u.retry_schedule, u.max_retries, u.timeout_seconds, u.max_in_flight
        FROM posthorn.webhook_subscriptions u
        WHERE u.id = p.subscription_id AND u.status = 'active'
        LIMIT 1
    ) s
    LEFT JOIN unnest($6::uuid[], $7::int[]) AS busy (subscription_id, in_flight) ON busy.subscription_id = p.subscription_id
    CROSS JOIN LATERAL (
        SELECT l.id, l.status, l.epoch, l.generation, l.attempts, l.tenant_id, l.dispatcher_id, l.lease_until, l.updated_at
        FROM posthorn.webhook_deliveries l
        WHERE l.subscription_id = p.subscription_id AND l.status IN ('pending', 'sending', 'retrying')
          AND l.due_at <= now() AND (l.lease_until IS NULL OR l.lease_until <= now())
        ORDER BY l.due_at
        LIMIT least(p.share, greatest(0, coalesce(s.max_in_flight, $8::int) - coalesce(busy.in_flight, 0)))
        FOR UPDATE SKIP LOCKED
    ) d
    LIMIT $1::int
),
lost AS (
    -- a lease ran out: its holder vanished or is too slow. The attempt is told, until the late truth replaces it.
    INSERT INTO posthorn.webhook_attempts (delivery_id, epoch, tenant_id, generation, number, dispatcher_id, target_url,
        started_at, duration_ms, error_kind, error)
    SELECT p.id, p.epoch, p.tenant_id, p.generation, p.attempts, p.dispatcher_id, p.url, p.updated_at,
        least(extract(epoch FROM now() - p.updated_at), 2000000)::int * 1000, 'lease_expired',
        'the dispatcher that held this delivery vanished or did not finish in time'
    FROM picked p WHERE p.status = 'sending'
    ON CONFLICT (delivery_id, epoch) DO NOTHING
),
leased AS (
    UPDATE posthorn.webhook_deliveries d
    SET status = 'sending', epoch = d.epoch + 1, attempts = d.attempts + 1, dispatcher_id = $3::uuid,
        lease_until = now() + make_interval(secs => p.timeout_seconds + $4::float8), updated_at = now()
    FROM picked p
    WHERE d.id = p.id AND d.status IN ('pending', 'sending', 'retrying')
    RETURNING d.id, d.tenant_id, d.subscription_id, d.event_id, d.event, d.generation, d.epoch, d.attempts,
        p.status = 'sending' AS is_rescue, d.created_at, p.url, p.signing, p.secret, p.previous_secret, p.payload_format,
        p.header_families, p.success_policy, p.retry_schedule, p.max_retries, p.timeout_seconds, p.cap
),
scan AS (
    SELECT t.is_mine AS is_claimer,
        (SELECT p.subscription_id FROM pass p
         WHERE p.step = CASE WHEN (SELECT count(*) FROM picked) >= $1::int THEN (SELECT max(p.step) FROM picked p)
                             ELSE 1000 END) AS stopped_at,
        EXISTS (SELECT FROM posthorn.event_fanouts f WHERE f.state = 'open' AND f.due_at <= now()) AS has_open_fanouts
    FROM turn t
)
SELECT scan.is_claimer, scan.stopped_at, scan.has_open_fanouts, leased.id, leased.tenant_id, leased.subscription_id, leased.event_id, leased.event,
    leased.generation, leased.epoch, leased.attempts, leased.is_rescue, leased.created_at, leased.url, leased.signing,
    leased.secret, leased.previous_secret, leased.payload_format, leased.header_families, leased.success_policy,
    leased.retry_schedule, leased.max_retries, leased.timeout_seconds, leased.cap,
    o.payload::text AS payload, o.metadata::text AS metadata, o.resource_type, o.resource_id, o.created_at AS happened_at
FROM scan
LEFT JOIN leased ON true
LEFT JOIN posthorn.outbox o ON o.id = leased.event_id
