-- What: statistics of deliveries by minute, hour and day. Why: asked of the deliveries themselves they would read millions of rows.
--       Every batch of results leaves a tally in its own transaction, so figures are exact whatever crashes; appending waits for
--       nobody. Every few seconds one dispatcher folds the tallies into the roll-up (docs/decisions/0012).
-- Lock: none. Safe beside an older binary: yes; what an older dispatcher delivers is not counted.
CREATE TABLE posthorn.delivery_tallies (
    recorded_at timestamptz NOT NULL DEFAULT now(),
    tenant_id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    event text NOT NULL,
    delivered integer NOT NULL DEFAULT 0,
    retried integer NOT NULL DEFAULT 0,
    failed integer NOT NULL DEFAULT 0,
    abandoned integer NOT NULL DEFAULT 0,
    durations integer[],
    delays integer[],
    error_kinds text[],
    last_failed_delivery_id uuid
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 100000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 1000000);
COMMENT ON TABLE posthorn.delivery_tallies IS 'What batches of results came to, until it is folded into the statistics some seconds later. Append and empty: no index.';
COMMENT ON COLUMN posthorn.delivery_tallies.recorded_at IS 'When the results were recorded.';
COMMENT ON COLUMN posthorn.delivery_tallies.tenant_id IS 'Whose.';
COMMENT ON COLUMN posthorn.delivery_tallies.subscription_id IS 'Of which subscription.';
COMMENT ON COLUMN posthorn.delivery_tallies.event IS 'Event type.';
COMMENT ON COLUMN posthorn.delivery_tallies.delivered IS 'Attempts that delivered.';
COMMENT ON COLUMN posthorn.delivery_tallies.retried IS 'Attempts that failed and are made again.';
COMMENT ON COLUMN posthorn.delivery_tallies.failed IS 'Deliveries refused for good.';
COMMENT ON COLUMN posthorn.delivery_tallies.abandoned IS 'Deliveries given up.';
COMMENT ON COLUMN posthorn.delivery_tallies.durations IS 'Milliseconds that each attempt took. A delivery refused without an attempt has none.';
COMMENT ON COLUMN posthorn.delivery_tallies.delays IS 'Milliseconds from the event to its being delivered, of each that was delivered and was not replayed.';
COMMENT ON COLUMN posthorn.delivery_tallies.error_kinds IS 'Kind of each failure.';
COMMENT ON COLUMN posthorn.delivery_tallies.last_failed_delivery_id IS 'A delivery among them whose attempt failed.';
GRANT SELECT ON posthorn.delivery_tallies TO posthorn_readonly;
GRANT INSERT ON posthorn.delivery_tallies TO posthorn_dispatcher;

CREATE TABLE posthorn.delivery_statistics (
    tenant_id uuid NOT NULL,
    resolution text NOT NULL,
    starts_at timestamptz NOT NULL,
    subscription_id uuid NOT NULL,
    event text NOT NULL,
    attempts bigint NOT NULL,
    delivered bigint NOT NULL,
    retried bigint NOT NULL,
    failed bigint NOT NULL,
    abandoned bigint NOT NULL,
    duration_sum_ms bigint NOT NULL,
    duration_max_ms integer NOT NULL,
    durations integer[] NOT NULL,
    delay_sum_ms bigint NOT NULL,
    delay_max_ms integer NOT NULL,
    delays integer[] NOT NULL,
    CONSTRAINT delivery_statistics_pkey PRIMARY KEY (tenant_id, resolution, starts_at, subscription_id, event),
    CONSTRAINT resolution_is_known CHECK (resolution IN ('minute', 'hour', 'day')),
    CONSTRAINT histograms_have_24_buckets CHECK (cardinality(durations) = 24 AND cardinality(delays) = 24)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
-- this subscription's figures over time, and those of all together
CREATE INDEX delivery_statistics_subscription_idx ON posthorn.delivery_statistics (tenant_id, subscription_id, resolution, starts_at, event);
-- what is too old to be kept?
CREATE INDEX delivery_statistics_age_idx ON posthorn.delivery_statistics (resolution, starts_at);
COMMENT ON TABLE posthorn.delivery_statistics IS 'Figures of deliveries by minute (kept 2 days), hour (90 days) and day (2 years), UTC. A row for each subscription and event type that had any, and rows of all subscriptions, all events and both.';
COMMENT ON COLUMN posthorn.delivery_statistics.tenant_id IS 'Whose.';
COMMENT ON COLUMN posthorn.delivery_statistics.resolution IS 'minute, hour or day: each holds everything, so add up rows of one of them.';
COMMENT ON COLUMN posthorn.delivery_statistics.starts_at IS 'Beginning of the minute, hour or day (UTC) in which the result was recorded.';
COMMENT ON COLUMN posthorn.delivery_statistics.subscription_id IS 'Of which subscription, deleted ones included; 00000000-0000-0000-0000-000000000000: of all.';
COMMENT ON COLUMN posthorn.delivery_statistics.event IS 'Event type; *: all.';
COMMENT ON COLUMN posthorn.delivery_statistics.attempts IS 'Attempts made; each of a batch counts.';
COMMENT ON COLUMN posthorn.delivery_statistics.delivered IS 'Deliveries that a receiver accepted.';
COMMENT ON COLUMN posthorn.delivery_statistics.retried IS 'Attempts that failed and are made again.';
COMMENT ON COLUMN posthorn.delivery_statistics.failed IS 'Deliveries refused for good, those without an attempt included.';
COMMENT ON COLUMN posthorn.delivery_statistics.abandoned IS 'Deliveries given up.';
COMMENT ON COLUMN posthorn.delivery_statistics.duration_sum_ms IS 'Sum of the durations of the attempts, in milliseconds.';
COMMENT ON COLUMN posthorn.delivery_statistics.duration_max_ms IS 'The longest of them.';
COMMENT ON COLUMN posthorn.delivery_statistics.durations IS 'Attempts by duration: how many took less than 1, 2, 3, 5, 10, 20, 30, 50, … ms, see posthorn.bucket_bounds().';
COMMENT ON COLUMN posthorn.delivery_statistics.delay_sum_ms IS 'Sum of the delays from the event to its being delivered, in milliseconds; replays do not count.';
COMMENT ON COLUMN posthorn.delivery_statistics.delay_max_ms IS 'The longest of them.';
COMMENT ON COLUMN posthorn.delivery_statistics.delays IS 'Deliveries by delay, in the same buckets.';
ALTER TABLE posthorn.delivery_statistics ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON posthorn.delivery_statistics FOR SELECT TO posthorn_api
    USING (tenant_id = (SELECT posthorn.current_tenant()));
CREATE POLICY every_row_read ON posthorn.delivery_statistics FOR SELECT TO posthorn_readonly USING (true);
GRANT SELECT ON posthorn.delivery_statistics TO posthorn_api, posthorn_readonly;

CREATE TABLE posthorn.delivery_errors (
    tenant_id uuid NOT NULL,
    resolution text NOT NULL,
    starts_at timestamptz NOT NULL,
    subscription_id uuid NOT NULL,
    event text NOT NULL,
    error_kind text NOT NULL,
    failures bigint NOT NULL,
    CONSTRAINT delivery_errors_pkey PRIMARY KEY (tenant_id, resolution, starts_at, subscription_id, event, error_kind),
    CONSTRAINT resolution_is_known CHECK (resolution IN ('minute', 'hour', 'day'))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
-- what is too old to be kept?
CREATE INDEX delivery_errors_age_idx ON posthorn.delivery_errors (resolution, starts_at);
COMMENT ON TABLE posthorn.delivery_errors IS 'Failures by kind, beside posthorn.delivery_statistics and kept as long.';
COMMENT ON COLUMN posthorn.delivery_errors.tenant_id IS 'Whose.';
COMMENT ON COLUMN posthorn.delivery_errors.resolution IS 'minute, hour or day: each holds everything.';
COMMENT ON COLUMN posthorn.delivery_errors.starts_at IS 'Beginning of the minute, hour or day (UTC).';
COMMENT ON COLUMN posthorn.delivery_errors.subscription_id IS 'Of which subscription; nil: of all.';
COMMENT ON COLUMN posthorn.delivery_errors.event IS 'Event type; *: all.';
COMMENT ON COLUMN posthorn.delivery_errors.error_kind IS 'Why, as in webhook_attempts.error_kind.';
COMMENT ON COLUMN posthorn.delivery_errors.failures IS 'How often, failures that were retried included.';
ALTER TABLE posthorn.delivery_errors ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON posthorn.delivery_errors FOR SELECT TO posthorn_api
    USING (tenant_id = (SELECT posthorn.current_tenant()));
CREATE POLICY every_row_read ON posthorn.delivery_errors FOR SELECT TO posthorn_readonly USING (true);
GRANT SELECT ON posthorn.delivery_errors TO posthorn_api, posthorn_readonly;

CREATE TABLE posthorn.subscription_activity (
    tenant_id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    last_delivered_at timestamptz,
    last_failed_at timestamptz,
    last_failed_delivery_id uuid,
    CONSTRAINT subscription_activity_pkey PRIMARY KEY (tenant_id, subscription_id)
) WITH (fillfactor = 50);
COMMENT ON TABLE posthorn.subscription_activity IS 'When each subscription was last delivered to and last failed. No row: nothing has been sent yet.';
COMMENT ON COLUMN posthorn.subscription_activity.tenant_id IS 'Whose.';
COMMENT ON COLUMN posthorn.subscription_activity.subscription_id IS 'The subscription.';
COMMENT ON COLUMN posthorn.subscription_activity.last_delivered_at IS 'When a delivery was last accepted.';
COMMENT ON COLUMN posthorn.subscription_activity.last_failed_at IS 'When an attempt last failed.';
COMMENT ON COLUMN posthorn.subscription_activity.last_failed_delivery_id IS 'Whose attempt that was; its attempts say more.';
ALTER TABLE posthorn.subscription_activity ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON posthorn.subscription_activity FOR SELECT TO posthorn_api
    USING (tenant_id = (SELECT posthorn.current_tenant()));
CREATE POLICY every_row_read ON posthorn.subscription_activity FOR SELECT TO posthorn_readonly USING (true);
GRANT SELECT ON posthorn.subscription_activity TO posthorn_api, posthorn_readonly;

CREATE FUNCTION posthorn.bucket_bounds() RETURNS integer[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '{1,2,3,5,10,20,30,50,100,200,300,500,1000,2000,3000,5000,10000,20000,30000,60000,300000,3600000,86400000}'::integer[];
COMMENT ON FUNCTION posthorn.bucket_bounds() IS
    'Upper bounds of the first 23 buckets of a histogram, in milliseconds, exclusive; the 24th holds the rest. Neighbours differ by a factor of 2 at most, up to 30 s.';

CREATE FUNCTION posthorn.count_buckets(milliseconds integer[]) RETURNS integer[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = posthorn, pg_temp
AS $$
DECLARE
    counts integer[] := array_fill(0, ARRAY[24]);
    bounds integer[] := bucket_bounds();
    one integer;
    bucket integer;
BEGIN
    FOREACH one IN ARRAY coalesce(milliseconds, '{}') LOOP
        bucket := width_bucket(one, bounds) + 1;
        counts[bucket] := counts[bucket] + 1;
    END LOOP;
    RETURN counts;
END
$$;
COMMENT ON FUNCTION posthorn.count_buckets(integer[]) IS 'The histogram of these values.';

-- no SET: it is inlined, which is what makes it cheap
CREATE FUNCTION posthorn.add_counts(a integer[], b integer[]) RETURNS integer[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY[a[1] + b[1], a[2] + b[2], a[3] + b[3], a[4] + b[4], a[5] + b[5], a[6] + b[6], a[7] + b[7], a[8] + b[8],
    a[9] + b[9], a[10] + b[10], a[11] + b[11], a[12] + b[12], a[13] + b[13], a[14] + b[14], a[15] + b[15], a[16] + b[16],
    a[17] + b[17], a[18] + b[18], a[19] + b[19], a[20] + b[20], a[21] + b[21], a[22] + b[22], a[23] + b[23], a[24] + b[24]];
COMMENT ON FUNCTION posthorn.add_counts(integer[], integer[]) IS 'Two histograms added up.';

-- One at a time, so that nobody waits for a row of the roll-up; a minute at a time, so that a row is touched once. Dispatchers
-- plan without sorts and hashes, which is right for queues and not here.
CREATE FUNCTION posthorn.fold_tallies(most integer, OUT folded integer, OUT has_older boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = posthorn, pg_temp
    SET enable_seqscan = on SET enable_hashjoin = on SET enable_mergejoin = on SET enable_sort = on SET enable_bitmapscan = on
AS $$
DECLARE
    oldest_minute_at timestamptz;
BEGIN
    folded := 0;
    has_older := false;
    IF NOT pg_try_advisory_xact_lock(1886352488, 6) THEN
        RETURN;
    END IF;
    SELECT date_trunc('minute', min(t.recorded_at), 'UTC') INTO oldest_minute_at FROM delivery_tallies t;
    IF oldest_minute_at IS NULL THEN
        RETURN;
    END IF;

    WITH gone AS MATERIALIZED (
        DELETE FROM delivery_tallies t
        WHERE t.ctid = ANY (ARRAY(
            SELECT n.ctid FROM delivery_tallies n
            WHERE n.recorded_at >= oldest_minute_at AND n.recorded_at < oldest_minute_at + interval '1 minute' LIMIT most))
        RETURNING t.*
    ), counted AS (
        SELECT g.tenant_id, g.subscription_id, g.event, sum(g.delivered) AS delivered, sum(g.retried) AS retried,
            sum(g.failed) AS failed, sum(g.abandoned) AS abandoned
        FROM gone g
        GROUP BY g.tenant_id, g.subscription_id, g.event
    ), durations AS (
        SELECT g.tenant_id, g.subscription_id, g.event, count(*) AS attempts, sum(d.ms) AS sum_ms, max(d.ms) AS max_ms,
            count_buckets(array_agg(d.ms)) AS buckets
        FROM gone g, unnest(g.durations) AS d (ms)
        GROUP BY g.tenant_id, g.subscription_id, g.event
    ), delays AS (
        SELECT g.tenant_id, g.subscription_id, g.event, sum(d.ms) AS sum_ms, max(d.ms) AS max_ms,
            count_buckets(array_agg(d.ms)) AS buckets
        FROM gone g, unnest(g.delays) AS d (ms)
        GROUP BY g.tenant_id, g.subscription_id, g.event
    ), details AS MATERIALIZED (
        SELECT c.tenant_id, c.subscription_id, c.event, coalesce(t.attempts, 0) AS attempts, c.delivered, c.retried, c.failed,
            c.abandoned, coalesce(t.sum_ms, 0) AS duration_sum_ms, coalesce(t.max_ms, 0) AS duration_max_ms,
            coalesce(t.buckets, count_buckets(NULL)) AS durations, coalesce(l.sum_ms, 0) AS delay_sum_ms,
            coalesce(l.max_ms, 0) AS delay_max_ms, coalesce(l.buckets, count_buckets(NULL)) AS delays
        FROM counted c
        LEFT JOIN durations t USING (tenant_id, subscription_id, event)
        LEFT JOIN delays l USING (tenant_id, subscription_id, event)
    ), figures AS (
        SELECT d.tenant_id, d.subscription_id, d.event, d.attempts, d.delivered, d.retried, d.failed, d.abandoned, d.duration_sum_ms,
            d.duration_max_ms, d.durations, d.delay_sum_ms, d.delay_max_ms, d.delays
        FROM details d
        UNION ALL
        -- so that what is asked most is one row a step: nil is all subscriptions, * all events
        SELECT d.tenant_id, coalesce(d.subscription_id, '00000000-0000-0000-0000-000000000000'), coalesce(d.event, '*'),
            sum(d.attempts), sum(d.delivered), sum(d.retried), sum(d.failed), sum(d.abandoned), sum(d.duration_sum_ms),
            max(d.duration_max_ms), ARRAY[sum(d.durations[1]), sum(d.durations[2]), sum(d.durations[3]), sum(d.durations[4]), sum(d.durations[5]), sum(d.durations[6]), sum(d.durations[7]), sum(d.durations[8]),
                sum(d.durations[9]), sum(d.durations[10]), sum(d.durations[11]), sum(d.durations[12]), sum(d.durations[13]), sum(d.durations[14]), sum(d.durations[15]), sum(d.durations[16]),
                sum(d.durations[17]), sum(d.durations[18]), sum(d.durations[19]), sum(d.durations[20]), sum(d.durations[21]), sum(d.durations[22]), sum(d.durations[23]), sum(d.durations[24])]::integer[],
            sum(d.delay_sum_ms), max(d.delay_max_ms), ARRAY[sum(d.delays[1]), sum(d.delays[2]), sum(d.delays[3]), sum(d.delays[4]), sum(d.delays[5]), sum(d.delays[6]), sum(d.delays[7]), sum(d.delays[8]),
                sum(d.delays[9]), sum(d.delays[10]), sum(d.delays[11]), sum(d.delays[12]), sum(d.delays[13]), sum(d.delays[14]), sum(d.delays[15]), sum(d.delays[16]),
                sum(d.delays[17]), sum(d.delays[18]), sum(d.delays[19]), sum(d.delays[20]), sum(d.delays[21]), sum(d.delays[22]), sum(d.delays[23]), sum(d.delays[24])]::integer[]
        FROM details d
        GROUP BY GROUPING SETS ((d.tenant_id, d.subscription_id), (d.tenant_id, d.event), (d.tenant_id))
    ), rolled_up AS (
        INSERT INTO delivery_statistics AS s (tenant_id, resolution, starts_at, subscription_id, event, attempts, delivered,
            retried, failed, abandoned, duration_sum_ms, duration_max_ms, durations, delay_sum_ms, delay_max_ms, delays)
        SELECT f.tenant_id, r.resolution, date_trunc(r.resolution, oldest_minute_at, 'UTC'), f.subscription_id, f.event, f.attempts,
            f.delivered, f.retried, f.failed, f.abandoned, f.duration_sum_ms, f.duration_max_ms, f.durations, f.delay_sum_ms,
            f.delay_max_ms, f.delays
        FROM figures f
        CROSS JOIN (VALUES ('minute'), ('hour'), ('day')) AS r (resolution)
        ON CONFLICT ON CONSTRAINT delivery_statistics_pkey DO UPDATE
        SET attempts = s.attempts + EXCLUDED.attempts, delivered = s.delivered + EXCLUDED.delivered,
            retried = s.retried + EXCLUDED.retried, failed = s.failed + EXCLUDED.failed, abandoned = s.abandoned + EXCLUDED.abandoned,
            duration_sum_ms = s.duration_sum_ms + EXCLUDED.duration_sum_ms,
            duration_max_ms = greatest(s.duration_max_ms, EXCLUDED.duration_max_ms),
            durations = add_counts(s.durations, EXCLUDED.durations),
            delay_sum_ms = s.delay_sum_ms + EXCLUDED.delay_sum_ms, delay_max_ms = greatest(s.delay_max_ms, EXCLUDED.delay_max_ms),
            delays = add_counts(s.delays, EXCLUDED.delays)
    ), failures AS (
        INSERT INTO delivery_errors AS s (tenant_id, resolution, starts_at, subscription_id, event, error_kind, failures)
        SELECT f.tenant_id, r.resolution, date_trunc(r.resolution, oldest_minute_at, 'UTC'), f.subscription_id, f.event,
            f.error_kind, f.failures
        FROM (
            SELECT g.tenant_id, coalesce(g.subscription_id, '00000000-0000-0000-0000-000000000000') AS subscription_id,
                coalesce(g.event, '*') AS event, k.error_kind, count(*) AS failures
            FROM gone g, unnest(g.error_kinds) AS k (error_kind)
            GROUP BY GROUPING SETS ((g.tenant_id, g.subscription_id, g.event, k.error_kind), (g.tenant_id, g.subscription_id, k.error_kind),
                (g.tenant_id, g.event, k.error_kind), (g.tenant_id, k.error_kind))) f
        CROSS JOIN (VALUES ('minute'), ('hour'), ('day')) AS r (resolution)
        ON CONFLICT ON CONSTRAINT delivery_errors_pkey DO UPDATE SET failures = s.failures + EXCLUDED.failures
    ), activity AS (
        INSERT INTO subscription_activity AS s (tenant_id, subscription_id, last_delivered_at, last_failed_at, last_failed_delivery_id)
        SELECT g.tenant_id, g.subscription_id, max(g.recorded_at) FILTER (WHERE g.delivered > 0),
            max(g.recorded_at) FILTER (WHERE g.last_failed_delivery_id IS NOT NULL),
            (array_agg(g.last_failed_delivery_id ORDER BY g.recorded_at DESC) FILTER (WHERE g.last_failed_delivery_id IS NOT NULL))[1]
        FROM gone g
        GROUP BY g.tenant_id, g.subscription_id
        ON CONFLICT ON CONSTRAINT subscription_activity_pkey DO UPDATE
        SET last_delivered_at = greatest(s.last_delivered_at, EXCLUDED.last_delivered_at),
            last_failed_at = greatest(s.last_failed_at, EXCLUDED.last_failed_at),
            last_failed_delivery_id = CASE WHEN EXCLUDED.last_failed_at >= coalesce(s.last_failed_at, '-infinity')
                THEN EXCLUDED.last_failed_delivery_id ELSE s.last_failed_delivery_id END
    )
    SELECT count(*) INTO folded FROM gone;
    has_older := EXISTS (SELECT FROM delivery_tallies t WHERE t.recorded_at < date_trunc('minute', now(), 'UTC'));
END
$$;
COMMENT ON FUNCTION posthorn.fold_tallies(integer) IS
    'Adds at most so many tallies of the oldest minute to the statistics; answers with how many (0: there are none, or another session does it), and whether there are some of minutes that are over.';

CREATE FUNCTION posthorn.prune_statistics(most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
DECLARE
    kept record;
    pruned integer;
    total integer := 0;
BEGIN
    FOR kept IN SELECT * FROM (VALUES ('minute', interval '2 days'), ('hour', interval '90 days'), ('day', interval '2 years'))
        AS k (resolution, age)
    LOOP
        DELETE FROM delivery_statistics s WHERE s.ctid = ANY (ARRAY(
            SELECT o.ctid FROM delivery_statistics o
            WHERE o.resolution = kept.resolution AND o.starts_at < now() - kept.age
            ORDER BY o.resolution, o.starts_at LIMIT most));
        GET DIAGNOSTICS pruned = ROW_COUNT;
        total := total + pruned;
        DELETE FROM delivery_errors e WHERE e.ctid = ANY (ARRAY(
            SELECT o.ctid FROM delivery_errors o
            WHERE o.resolution = kept.resolution AND o.starts_at < now() - kept.age
            ORDER BY o.resolution, o.starts_at LIMIT most));
        GET DIAGNOSTICS pruned = ROW_COUNT;
        total := total + pruned;
    END LOOP;
    RETURN total;
END
$$;
COMMENT ON FUNCTION posthorn.prune_statistics(integer) IS
    'Deletes at most so many rows of each kind that are older than kept: minutes 2 days, hours 90 days, days 2 years; answers with how many.';
GRANT EXECUTE ON FUNCTION posthorn.bucket_bounds() TO posthorn_api, posthorn_readonly;
GRANT EXECUTE ON FUNCTION posthorn.fold_tallies(integer), posthorn.prune_statistics(integer) TO posthorn_dispatcher;
