-- What: the claim as a function that walks from tenant to tenant and from subscription to subscription.
-- Why:  as one statement it could not both stop as soon as the room is filled and respect what a subscription may ask: limits
--       in flight over all dispatchers, a rate, batches, a circuit, an order. What does not concern a subscription is not
--       even asked for it here.
-- Lock: builds an index on the live deliveries (SHARE: publishers wait, about a second for a million). Safe beside an older
--       binary: yes; with a backlog its claims are much slower meanwhile.
-- whose subscription has something due? (the claim)
CREATE INDEX webhook_deliveries_live_claim_idx ON posthorn.webhook_deliveries_live (tenant_id, subscription_id, due_at);
DROP INDEX posthorn.webhook_deliveries_live_due_idx;

-- UNLOGGED: where the last claim stopped is worth no WAL, and nothing is lost with it.
CREATE UNLOGGED TABLE posthorn.claim_places (
    tenant_id uuid NOT NULL,
    after_id uuid NOT NULL,
    looked_at timestamptz,
    CONSTRAINT claim_places_pkey PRIMARY KEY (tenant_id)
) WITH (fillfactor = 50);
COMMENT ON TABLE posthorn.claim_places IS 'Where the next claim goes on, so that everyone gets a turn: after which tenant, and within a tenant after which subscription.';
COMMENT ON COLUMN posthorn.claim_places.tenant_id IS 'The tenant; nil: the walk over the tenants.';
COMMENT ON COLUMN posthorn.claim_places.after_id IS 'Its subscription that was served last; of the walk over the tenants: the tenant.';
COMMENT ON COLUMN posthorn.claim_places.looked_at IS 'Of the walk over the tenants: when a claim last looked from the beginning while posthorn.claim_floors was in use.';
GRANT SELECT ON posthorn.claim_places TO posthorn_dispatcher, posthorn_readonly;

-- A transaction that stays open (a forgotten session, a backup) keeps finished rows from being cleaned away, and every look at the
-- head of the line passes all of them again: 60,000 after five minutes at 200 a second, some 100 ms each time. While that is
-- so, claims look only at the subscriptions served lately and only behind where they were, and every five seconds at everything.
CREATE UNLOGGED TABLE posthorn.claim_floors (
    tenant_id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    due_at timestamptz NOT NULL,
    CONSTRAINT claim_floors_pkey PRIMARY KEY (tenant_id, subscription_id)
) WITH (fillfactor = 50);
COMMENT ON TABLE posthorn.claim_floors IS 'While a long transaction holds finished rows in the way: from where claims look at each subscription served lately. Else empty.';
COMMENT ON COLUMN posthorn.claim_floors.tenant_id IS 'Whose subscription.';
COMMENT ON COLUMN posthorn.claim_floors.subscription_id IS 'The subscription.';
COMMENT ON COLUMN posthorn.claim_floors.due_at IS 'What fell due before is looked for every five seconds only.';
GRANT SELECT ON posthorn.claim_floors TO posthorn_dispatcher, posthorn_readonly;

-- One subscription's turn.
CREATE FUNCTION posthorn.lease(dispatcher uuid, tenant uuid, subscription uuid, wanted integer, most integer, busy integer,
    default_cap integer, default_timeout integer, margin double precision, floor_at timestamptz,
    OUT leased uuid[], OUT rescued uuid[], OUT is_cut boolean, OUT is_capped boolean, OUT look_again_at timestamptz)
LANGUAGE plpgsql SET search_path = posthorn, pg_temp
AS $$
DECLARE
    policy record;
    in_flight integer := busy;
    cap_left integer;
    allowed integer;
    is_probe boolean;
    tokens double precision;
    counted_at timestamptz;
    waiting integer;
    oldest_at timestamptz;
    blocked uuid[];
    parked integer;
BEGIN
    leased := '{}';
    is_cut := false;
    is_capped := false;
    SELECT s.url, s.max_in_flight, coalesce(s.timeout_seconds, default_timeout) AS timeout_seconds, s.rate_per_second,
        coalesce(s.rate_burst, greatest(1, ceil(s.rate_per_second))) AS rate_burst, coalesce(s.batch_max, 1) AS batch_max,
        s.batch_wait_ms, s.ordered, c.state AS circuit, c.retry_at, c.ramp, b.tokens, b.filled_at
    INTO policy
    FROM webhook_subscriptions s
    LEFT JOIN circuits c ON c.subscription_id = s.id
    LEFT JOIN rate_buckets b ON b.subscription_id = s.id
    WHERE s.id = subscription AND s.status = 'active';
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF policy.retry_at > now() THEN
        RETURN;
    END IF;

    is_probe := coalesce(policy.circuit, 'closed') <> 'closed';
    IF is_probe THEN
        -- who is noting an outcome may wait for others, and nobody must wait for that here
        PERFORM FROM circuits c WHERE c.subscription_id = subscription FOR UPDATE SKIP LOCKED;
        IF NOT FOUND THEN
            RETURN;
        END IF;
    END IF;
    -- a share never cuts a batch in two
    wanted := least(greatest(wanted, policy.batch_max), most);
    IF policy.ramp IS NOT NULL OR policy.max_in_flight < (
        SELECT sum(d.concurrency) FROM dispatchers d WHERE d.stopped_at IS NULL AND d.seen_at > now() - interval '1 minute') THEN
        -- What the receiver asked for holds over all dispatchers. Leased rows stand at the head of the line, since they
        -- fell due first: a look at its beginning counts them.
        in_flight := greatest(busy, (
            SELECT count(*) FROM (
                SELECT d.lease_until FROM webhook_deliveries_live d
                WHERE d.tenant_id = tenant AND d.subscription_id = subscription AND d.due_at <= now() AND d.due_at >= floor_at
                ORDER BY d.due_at LIMIT coalesce(policy.max_in_flight, default_cap) + 1000) head
            WHERE head.lease_until > now()));
    END IF;
    -- a batch fits into the limit that nobody set
    cap_left := least(coalesce(policy.max_in_flight, greatest(default_cap, policy.batch_max)), policy.ramp * policy.batch_max) - in_flight;
    IF cap_left <= 0 THEN
        is_capped := true;
        RETURN;
    END IF;
    allowed := CASE WHEN is_probe THEN 1 ELSE least(wanted, cap_left) END;

    IF policy.rate_per_second IS NOT NULL THEN
        -- not now(): claims take turns, but one that came later may have begun its transaction earlier
        counted_at := clock_timestamp();
        tokens := least(policy.rate_burst, coalesce(policy.tokens + policy.rate_per_second
            * greatest(0, extract(epoch FROM counted_at - policy.filled_at)), policy.rate_burst));
        IF floor(tokens) * policy.batch_max <= allowed THEN
            allowed := floor(tokens) * policy.batch_max;
            look_again_at := counted_at + make_interval(secs => (1 + floor(tokens) - tokens) / policy.rate_per_second);
        END IF;
        IF allowed <= 0 THEN
            RETURN;
        END IF;
    END IF;

    IF policy.batch_wait_ms > 0 AND policy.batch_max > 1 THEN
        SELECT count(*), min(due.due_at) INTO waiting, oldest_at
        FROM (SELECT d.due_at FROM webhook_deliveries_live d
              WHERE d.tenant_id = tenant AND d.subscription_id = subscription AND d.due_at <= now() AND d.due_at >= floor_at
                AND (d.lease_until IS NULL OR d.lease_until <= now())
              ORDER BY d.due_at LIMIT policy.batch_max) due;
        IF oldest_at + make_interval(secs => policy.batch_wait_ms / 1000.0) > now() THEN
            IF waiting < policy.batch_max THEN
                look_again_at := oldest_at + make_interval(secs => policy.batch_wait_ms / 1000.0);
                RETURN;
            END IF;
            -- a full one goes at once; what is behind it waits for its own
            allowed := least(allowed, policy.batch_max);
            wanted := allowed;
        END IF;
    END IF;

    IF NOT policy.ordered THEN
        SELECT array_agg(due.id), array_agg(due.id) FILTER (WHERE due.status = 'sending') INTO leased, rescued
        FROM (SELECT d.id, d.status FROM webhook_deliveries_live d
              WHERE d.tenant_id = tenant AND d.subscription_id = subscription AND d.due_at <= now() AND d.due_at >= floor_at
                AND (d.lease_until IS NULL OR d.lease_until <= now())
              ORDER BY d.due_at LIMIT allowed FOR UPDATE SKIP LOCKED) due;
    ELSE
        -- more are looked at than are wanted: most may stand in line behind another
        SELECT array_agg(due.id) FILTER (WHERE NOT due.is_behind AND NOT due.is_overtaken),
            array_agg(due.id) FILTER (WHERE due.status = 'sending'), array_agg(due.id) FILTER (WHERE due.is_behind)
        INTO leased, rescued, blocked
        FROM (SELECT d.id, d.status,
                  d.ordering_key IS NOT NULL AND EXISTS (
                      SELECT FROM webhook_deliveries_live f
                      WHERE f.subscription_id = d.subscription_id AND f.ordering_key = d.ordering_key
                        AND f.ordering_number < d.ordering_number) AS is_behind,
                  -- a replay came before one that is on its way
                  d.ordering_key IS NOT NULL AND EXISTS (
                      SELECT FROM webhook_deliveries_live l
                      WHERE l.subscription_id = d.subscription_id AND l.ordering_key = d.ordering_key
                        AND l.ordering_number > d.ordering_number AND l.lease_until > now()) AS is_overtaken
              FROM webhook_deliveries_live d
              WHERE d.tenant_id = tenant AND d.subscription_id = subscription AND d.due_at <= now() AND d.due_at >= floor_at
                AND (d.lease_until IS NULL OR d.lease_until <= now())
              ORDER BY d.due_at LIMIT greatest(allowed, 200) FOR UPDATE OF d SKIP LOCKED) due;
        is_cut := coalesce(cardinality(leased), 0) > allowed;
        leased := leased[1:allowed];
        rescued := (SELECT array_agg(r.id) FROM unnest(rescued) AS r (id) WHERE r.id = ANY (leased));
        IF blocked IS NOT NULL THEN
            -- Parked, so that no later claim passes them. Only behind a row that is held here until this commits: if it is
            -- leaving just now, nobody would call them.
            UPDATE webhook_deliveries_live d SET due_at = NULL
            FROM (SELECT b.id FROM webhook_deliveries_live b
                  CROSS JOIN LATERAL (
                      SELECT FROM webhook_deliveries_live f
                      WHERE f.subscription_id = b.subscription_id AND f.ordering_key = b.ordering_key
                        AND f.ordering_number < b.ordering_number
                      ORDER BY f.ordering_number LIMIT 1 FOR SHARE SKIP LOCKED) before
                  WHERE b.id = ANY (blocked)) behind
            WHERE d.id = behind.id;
            GET DIAGNOSTICS parked = ROW_COUNT;
            is_cut := is_cut OR parked > 0;
        END IF;
    END IF;
    IF leased IS NULL OR leased = '{}' THEN
        leased := '{}';
        RETURN;
    END IF;

    IF rescued IS NOT NULL THEN
        -- a lease ran out: its holder vanished or is too slow. The attempt is told, until the late truth replaces it.
        INSERT INTO webhook_attempts (delivery_id, epoch, tenant_id, generation, number, dispatcher_id, target_url, started_at,
            duration_ms, error_kind, error)
        SELECT d.id, d.epoch, d.tenant_id, d.generation, d.attempts, d.dispatcher_id, policy.url, d.updated_at,
            least(extract(epoch FROM now() - d.updated_at), 2000000)::integer * 1000, 'lease_expired',
            'the dispatcher that held this delivery vanished or did not finish in time'
        FROM webhook_deliveries_live d WHERE d.id = ANY (rescued)
        ON CONFLICT (delivery_id, epoch) DO NOTHING;
    END IF;
    UPDATE webhook_deliveries_live d
    SET status = 'sending', epoch = d.epoch + 1, attempts = d.attempts + 1, dispatcher_id = dispatcher,
        lease_until = now() + make_interval(secs => policy.timeout_seconds + margin), updated_at = now()
    WHERE d.id = ANY (leased);

    is_cut := is_cut OR cardinality(leased) >= wanted;
    is_capped := cardinality(leased) >= cap_left;
    IF policy.rate_per_second IS NOT NULL THEN
        INSERT INTO rate_buckets AS r (subscription_id, tokens, filled_at)
        VALUES (subscription, tokens - ceil(cardinality(leased)::numeric / policy.batch_max), counted_at)
        ON CONFLICT (subscription_id) DO UPDATE SET tokens = EXCLUDED.tokens, filled_at = EXCLUDED.filled_at;
    END IF;
    IF is_probe THEN
        UPDATE circuits c
        SET state = 'half_open', changed_at = now(), retry_at = now() + make_interval(secs => policy.timeout_seconds + margin)
        WHERE c.subscription_id = subscription;
    END IF;
END
$$;
COMMENT ON FUNCTION posthorn.lease(uuid, uuid, uuid, integer, integer, integer, integer, integer, double precision, timestamptz) IS
    'Part of the claim: leases at most so many due deliveries of one subscription, as far as its limits allow.';

CREATE FUNCTION posthorn.claim(dispatcher uuid, room integer, share integer, margin double precision, default_timeout integer,
    default_cap integer, default_tenant_cap integer, busy_subscriptions uuid[], subscription_counts integer[],
    busy_tenants uuid[], tenant_counts integer[])
RETURNS TABLE (is_claimer boolean, has_more boolean, has_open_fanouts boolean, look_again_seconds double precision, capped uuid[],
    subscription_id uuid, tenant_id uuid, changed_at timestamptz, timeout_seconds integer, is_troubled boolean,
    id uuid, event_id uuid, event text, generation integer, epoch integer, attempts integer, is_rescue boolean, payload text,
    metadata text, resource_type text, resource_id text, happened_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    nil CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
    room_left integer := room;
    tenant_left integer;
    -- a walk past very many that have nothing to start goes on with the next claim, unless it found nothing at all yet: only
    -- a whole round tells that there is nothing
    steps_left integer := 2000;
    is_tired boolean := false;
    first_tenant uuid := coalesce((SELECT p.after_id FROM claim_places p WHERE p.tenant_id = nil), nil);
    tenant uuid;
    next_tenant uuid;
    is_second_lap boolean;
    first_subscription uuid;
    subscription uuid;
    step record;
    is_second_turn boolean;
    turn record;
    taken uuid[] := '{}';
    served uuid[] := '{}';
    rescues uuid[] := '{}';
    look_again_at timestamptz;
    place integer;
    is_brief boolean;
BEGIN
    is_claimer := pg_try_advisory_xact_lock(1886352488, 4);
    has_more := false;
    has_open_fanouts := false;
    IF NOT is_claimer THEN
        RETURN NEXT;
        RETURN;
    END IF;

    is_brief := EXISTS (SELECT FROM claim_floors) AND EXISTS (
        SELECT FROM claim_places p WHERE p.tenant_id = nil AND p.looked_at > now() - interval '5 s');

    -- in the first round nobody takes more than a share; what is left then goes to whoever has more
    FOR round IN 1..2 LOOP
        EXIT WHEN round = 2 AND NOT has_more;
        has_more := false;
        tenant := first_tenant;
        is_second_lap := first_tenant = nil;
        <<tenants>>
        LOOP
            IF is_brief THEN
                SELECT f.tenant_id INTO next_tenant FROM claim_floors f WHERE f.tenant_id > tenant ORDER BY f.tenant_id LIMIT 1;
            ELSE
                SELECT d.tenant_id INTO next_tenant FROM webhook_deliveries_live d
                WHERE d.tenant_id > tenant ORDER BY d.tenant_id LIMIT 1;
            END IF;
            IF NOT FOUND THEN
                EXIT tenants WHEN is_second_lap;
                is_second_lap := true;
                tenant := nil;
                CONTINUE tenants;
            END IF;
            EXIT tenants WHEN is_second_lap AND first_tenant <> nil AND next_tenant > first_tenant;
            tenant := next_tenant;

            tenant_left := coalesce((SELECT t.max_in_flight FROM tenants t WHERE t.id = tenant), default_tenant_cap)
                - coalesce(tenant_counts[array_position(busy_tenants, tenant)], 0);
            IF tenant_left <= 0 THEN
                capped := capped || tenant;
                CONTINUE tenants;
            END IF;
            first_subscription := coalesce((SELECT p.after_id FROM claim_places p WHERE p.tenant_id = tenant), nil);
            subscription := first_subscription;
            is_second_turn := first_subscription = nil;
            <<subscriptions>>
            LOOP
                IF is_brief THEN
                    SELECT f.subscription_id, true AS is_due, 1 AS steps, f.due_at AS floor_at INTO step FROM claim_floors f
                    WHERE f.tenant_id = tenant AND f.subscription_id > subscription ORDER BY f.subscription_id LIMIT 1;
                ELSE
                    -- on to the next that may be sent to and has something due, past the others
                    WITH RECURSIVE walk AS (
                        (SELECT d.subscription_id, 1 AS steps, d.due_at <= now() AND EXISTS (
                                SELECT FROM webhook_subscriptions s WHERE s.id = d.subscription_id AND s.status = 'active')
                                AND NOT EXISTS (
                                    SELECT FROM circuits c WHERE c.subscription_id = d.subscription_id AND c.retry_at > now()) AS is_due
                         FROM webhook_deliveries_live d
                         WHERE d.tenant_id = tenant AND d.subscription_id > subscription
                         ORDER BY d.subscription_id, d.due_at LIMIT 1)
                        UNION ALL
                        SELECT n.subscription_id, w.steps + 1, n.is_due
                        FROM walk w
                        CROSS JOIN LATERAL (
                            SELECT d.subscription_id, d.due_at <= now() AND EXISTS (
                                SELECT FROM webhook_subscriptions s WHERE s.id = d.subscription_id AND s.status = 'active')
                                AND NOT EXISTS (
                                    SELECT FROM circuits c WHERE c.subscription_id = d.subscription_id AND c.retry_at > now()) AS is_due
                            FROM webhook_deliveries_live d
                            WHERE d.tenant_id = tenant AND d.subscription_id > w.subscription_id
                            ORDER BY d.subscription_id, d.due_at LIMIT 1) n
                        WHERE w.is_due IS NOT TRUE AND w.steps < 500
                    )
                    SELECT w.subscription_id, w.is_due IS TRUE AS is_due, w.steps, '-infinity'::timestamptz AS floor_at INTO step
                    FROM walk w ORDER BY w.steps DESC LIMIT 1;
                END IF;
                IF NOT FOUND THEN
                    EXIT subscriptions WHEN is_second_turn;
                    is_second_turn := true;
                    subscription := nil;
                    CONTINUE subscriptions;
                END IF;
                EXIT subscriptions WHEN is_second_turn AND first_subscription <> nil AND step.subscription_id > first_subscription;
                subscription := step.subscription_id;
                steps_left := steps_left - step.steps;

                IF step.is_due THEN
                    place := array_position(busy_subscriptions, subscription);
                    turn := lease(dispatcher, tenant, subscription,
                        CASE round WHEN 1 THEN share ELSE room_left END, least(room_left, tenant_left),
                        coalesce(subscription_counts[place], 0), default_cap, default_timeout, margin, step.floor_at);
                    has_more := has_more OR turn.is_cut;
                    look_again_at := least(look_again_at, turn.look_again_at);
                    IF turn.is_capped THEN
                        capped := capped || subscription;
                    END IF;
                    IF turn.leased <> '{}' THEN
                        taken := taken || turn.leased;
                        IF subscription <> ALL (served) THEN
                            served := served || subscription;
                        END IF;
                        rescues := rescues || turn.rescued;
                        room_left := room_left - cardinality(turn.leased);
                        tenant_left := tenant_left - cardinality(turn.leased);
                        IF place IS NULL THEN
                            busy_subscriptions := busy_subscriptions || subscription;
                            subscription_counts := subscription_counts || cardinality(turn.leased);
                        ELSE
                            subscription_counts[place] := subscription_counts[place] + cardinality(turn.leased);
                        END IF;
                        place := array_position(busy_tenants, tenant);
                        IF place IS NULL THEN
                            busy_tenants := busy_tenants || tenant;
                            tenant_counts := tenant_counts || cardinality(turn.leased);
                        ELSE
                            tenant_counts[place] := tenant_counts[place] + cardinality(turn.leased);
                        END IF;
                    END IF;
                END IF;
                is_tired := steps_left <= 0 AND taken <> '{}';
                IF room_left <= 0 OR tenant_left <= 0 OR is_tired THEN
                    -- this tenant's next turn goes on behind the one just served
                    INSERT INTO claim_places AS p (tenant_id, after_id) VALUES (tenant, subscription)
                    ON CONFLICT ON CONSTRAINT claim_places_pkey DO UPDATE SET after_id = EXCLUDED.after_id
                    WHERE p.after_id <> EXCLUDED.after_id;
                    IF tenant_left <= 0 THEN
                        capped := capped || tenant;
                    END IF;
                    EXIT subscriptions;
                END IF;
            END LOOP subscriptions;
            EXIT tenants WHEN room_left <= 0 OR is_tired;
        END LOOP tenants;
        EXIT WHEN room_left <= 0 OR is_tired;
    END LOOP;
    IF tenant <> first_tenant THEN
        INSERT INTO claim_places AS p (tenant_id, after_id) VALUES (nil, tenant)
        ON CONFLICT ON CONSTRAINT claim_places_pkey DO UPDATE SET after_id = EXCLUDED.after_id;
    END IF;

    -- the dead are counted by the statistics, a second late at most; a machine that is merely slow has none
    IF is_brief OR (clock_timestamp() - now() > interval '50 ms'
                    AND pg_stat_get_dead_tuples('posthorn.webhook_deliveries_live'::regclass) > 10000) THEN
        INSERT INTO claim_floors AS f (tenant_id, subscription_id, due_at)
        SELECT d.tenant_id, d.subscription_id, max(d.due_at) - interval '2 s'
        FROM webhook_deliveries_live d WHERE d.id = ANY (taken) GROUP BY d.tenant_id, d.subscription_id
        ON CONFLICT ON CONSTRAINT claim_floors_pkey DO UPDATE SET due_at = EXCLUDED.due_at
        WHERE EXCLUDED.due_at > f.due_at + interval '1 s';
        IF NOT is_brief THEN
            INSERT INTO claim_places AS p (tenant_id, after_id, looked_at) VALUES (nil, coalesce(tenant, nil), now())
            ON CONFLICT ON CONSTRAINT claim_places_pkey DO UPDATE SET looked_at = EXCLUDED.looked_at;
        END IF;
    ELSIF EXISTS (SELECT FROM claim_floors) THEN
        DELETE FROM claim_floors;
    END IF;

    has_more := has_more OR room_left <= 0 OR is_tired;
    has_open_fanouts := EXISTS (SELECT FROM event_fanouts f WHERE f.state = 'open' AND f.due_at <= now());
    look_again_at := least(look_again_at, (
        SELECT c.retry_at FROM circuits c WHERE c.state <> 'closed' AND c.retry_at > now() ORDER BY c.retry_at LIMIT 1));
    IF look_again_at IS NOT NULL THEN
        look_again_seconds := greatest(0, extract(epoch FROM look_again_at - clock_timestamp()));
    END IF;
    RETURN NEXT;
    IF taken <> '{}' THEN
        RETURN QUERY
        SELECT NULL::boolean, NULL::boolean, NULL::boolean, NULL::double precision, NULL::uuid[],
            s.id, s.tenant_id, s.updated_at, coalesce(s.timeout_seconds, default_timeout), c.subscription_id IS NOT NULL,
            NULL::uuid, NULL::uuid, NULL::text, NULL::integer, NULL::integer, NULL::integer, NULL::boolean, NULL::text, NULL::text,
            NULL::text, NULL::text, NULL::timestamptz
        FROM unnest(served) AS t (id)
        JOIN webhook_subscriptions s ON s.id = t.id
        LEFT JOIN circuits c ON c.subscription_id = t.id;
        RETURN QUERY
        SELECT NULL::boolean, NULL::boolean, NULL::boolean, NULL::double precision, NULL::uuid[],
            d.subscription_id, d.tenant_id, NULL::timestamptz, NULL::integer, NULL::boolean,
            d.id, d.event_id, d.event, d.generation, d.epoch, d.attempts, d.id = ANY (rescues), o.payload::text, o.metadata::text,
            o.resource_type, o.resource_id, o.created_at
        FROM unnest(taken) WITH ORDINALITY AS t (id, place)
        JOIN webhook_deliveries_live d ON d.id = t.id
        LEFT JOIN outbox o ON o.id = d.event_id
        ORDER BY t.place;
    END IF;
END
$$;
COMMENT ON FUNCTION posthorn.claim(uuid, integer, integer, double precision, integer, integer, integer, uuid[], integer[], uuid[], integer[]) IS
    'For dispatchers: leases at most room due deliveries, a fair share from each tenant and subscription. The first row tells of the look itself, then come the subscriptions served, then what was leased.';
GRANT EXECUTE ON FUNCTION posthorn.claim(uuid, integer, integer, double precision, integer, integer, integer, uuid[], integer[], uuid[], integer[])
    TO posthorn_dispatcher;
