-- What: an event may carry the trace context of what published it (W3C Trace Context): its deliveries belong to that trace.
-- Why:  a webhook is the end of a story that began in a request; who follows one wants to see both. The column has a default that is
--       read from the setting posthorn.traceparent, so that one SET LOCAL at the start of a transaction reaches events that are
--       inserted, copied, published by a function or by the trigger of a table alike. What the setting holds may come from a stranger's
--       request: what is no traceparent is no reason to fail a business transaction, and stores nothing. A column that is named
--       must be right.
-- Lock: ACCESS EXCLUSIVE on outbox for a moment. Safe beside an older binary: yes, which sends no traceparent; its
--       claim() stays for it, beside one of another signature that answers with the traceparent too.
-- NOT VALID: nothing older than the column can have a value that breaks it
ALTER TABLE posthorn.outbox ADD COLUMN traceparent text,
    ADD CONSTRAINT traceparent_is_version_00_of_trace_context
        CHECK (traceparent ~ '^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$') NOT VALID;
-- after the column: rows that are there have none
ALTER TABLE posthorn.outbox ALTER COLUMN traceparent SET DEFAULT
    CASE WHEN current_setting('posthorn.traceparent', true) ~ '^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$'
        THEN current_setting('posthorn.traceparent', true) END;
COMMENT ON COLUMN posthorn.outbox.traceparent IS 'W3C trace context of what published it: the parent of its deliveries'' spans, whose trace its webhooks name. Unless given, what the setting posthorn.traceparent holds, if that is one.';
GRANT INSERT (traceparent) ON posthorn.outbox TO posthorn_publisher;
GRANT SELECT (traceparent) ON posthorn.outbox TO posthorn_readonly;

CREATE OR REPLACE VIEW posthorn.events WITH (security_barrier) AS
SELECT o.id, o.tenant_id, o.event, o.payload, o.resource_type, o.resource_id, o.metadata, o.deliver_after, o.created_at,
    coalesce(f.state, 'done') AS fanout, f.reason AS fanout_reason, o.ordering_key, o.traceparent
FROM posthorn.outbox o
LEFT JOIN posthorn.event_fanouts f ON f.event_id = o.id
WHERE o.tenant_id = (SELECT posthorn.current_tenant());
COMMENT ON COLUMN posthorn.events.traceparent IS 'W3C trace context of what published it.';

-- as V14 made it, with the traceparent. What a function answers with cannot be changed in place, and dropping V14's would take it
-- from the dispatchers of before; a later release may.
CREATE FUNCTION posthorn.claim(dispatcher uuid, room integer, share integer, margin double precision, default_timeout integer,
    default_cap integer, default_tenant_cap integer, busy_subscriptions uuid[], subscription_counts integer[],
    busy_tenants uuid[], tenant_counts integer[], with_trace boolean)
RETURNS TABLE (is_claimer boolean, has_more boolean, has_open_fanouts boolean, look_again_seconds double precision, capped uuid[],
    subscription_id uuid, tenant_id uuid, changed_at timestamptz, timeout_seconds integer, is_troubled boolean,
    id uuid, event_id uuid, event text, generation integer, epoch integer, attempts integer, is_rescue boolean, payload text,
    metadata text, resource_type text, resource_id text, happened_at timestamptz, traceparent text)
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
            NULL::text, NULL::text, NULL::timestamptz, NULL::text
        FROM unnest(served) AS t (id)
        JOIN webhook_subscriptions s ON s.id = t.id
        LEFT JOIN circuits c ON c.subscription_id = t.id;
        RETURN QUERY
        SELECT NULL::boolean, NULL::boolean, NULL::boolean, NULL::double precision, NULL::uuid[],
            d.subscription_id, d.tenant_id, NULL::timestamptz, NULL::integer, NULL::boolean,
            d.id, d.event_id, d.event, d.generation, d.epoch, d.attempts, d.id = ANY (rescues), o.payload::text, o.metadata::text,
            o.resource_type, o.resource_id, o.created_at,
            CASE WHEN with_trace THEN o.traceparent END
        FROM unnest(taken) WITH ORDINALITY AS t (id, place)
        JOIN webhook_deliveries_live d ON d.id = t.id
        LEFT JOIN outbox o ON o.id = d.event_id
        ORDER BY t.place;
    END IF;
END
$$;
COMMENT ON FUNCTION posthorn.claim(uuid, integer, integer, double precision, integer, integer, integer, uuid[], integer[], uuid[], integer[], boolean) IS
    'For dispatchers: leases at most room due deliveries, a fair share from each tenant and subscription; with_trace answers with their events'' trace contexts too. The first row tells of the look itself, then come the subscriptions served, then what was leased.';
GRANT EXECUTE ON FUNCTION posthorn.claim(uuid, integer, integer, double precision, integer, integer, integer, uuid[], integer[], uuid[], integer[], boolean)
    TO posthorn_dispatcher;

-- as V43 made it, with the header traceparent
CREATE OR REPLACE FUNCTION posthorn.preview(event_id uuid, subscription_id uuid DEFAULT NULL, at timestamptz DEFAULT now(), secret text DEFAULT NULL)
RETURNS TABLE (to_subscription_id uuid, url text, method text, headers jsonb, body text, signed_text text, note text)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_variable
DECLARE
    source CONSTANT text := coalesce(nullif(current_setting('posthorn.source', true), ''), 'posthorn');
    user_agent CONSTANT text := coalesce(nullif(current_setting('posthorn.user_agent', true), ''), 'Posthorn');
    e record;
    s record;
    is_batch boolean;
    format text;
    message_id text;
    usable_secret text;
    trace text;
BEGIN
    -- the caller's rights decide what there is to see
    IF has_column_privilege('posthorn.outbox', 'payload', 'SELECT') AND has_column_privilege('posthorn.outbox', 'metadata', 'SELECT') THEN
        SELECT o.id, o.tenant_id, o.event, o.payload::text AS payload, o.metadata, o.resource_type, o.resource_id, o.created_at INTO e
        FROM posthorn.outbox o WHERE o.id = event_id;
    ELSIF has_table_privilege('posthorn.events', 'SELECT') THEN
        SELECT o.id, o.tenant_id, o.event, o.payload::text AS payload, o.metadata, o.resource_type, o.resource_id, o.created_at INTO e
        FROM posthorn.events o WHERE o.id = event_id;
    ELSE
        SELECT o.id, o.tenant_id, o.event, NULL::text AS payload, NULL::jsonb AS metadata, o.resource_type, o.resource_id, o.created_at INTO e
        FROM posthorn.outbox o WHERE o.id = event_id;
    END IF;
    IF has_column_privilege('posthorn.outbox', 'traceparent', 'SELECT') THEN
        SELECT o.traceparent INTO trace FROM posthorn.outbox o WHERE o.id = e.id;
    ELSIF has_table_privilege('posthorn.events', 'SELECT') THEN
        SELECT o.traceparent INTO trace FROM posthorn.events o WHERE o.id = e.id;
    END IF;
    FOR s IN
        SELECT w.id, w.url, w.payload_format, w.header_families, w.signing, w.signature, w.header_names, w.credentials_type, w.batch_max,
            w.template_content_type, w.status, w.previous_secret_until, w.id = ANY (t.ids) AS is_taken
        FROM (SELECT ARRAY(SELECT d.subscription_id FROM posthorn.webhook_deliveries d WHERE d.event_id = e.id) AS ids) t
        JOIN posthorn.webhook_subscriptions w ON w.id = ANY (CASE WHEN subscription_id IS NULL THEN t.ids ELSE ARRAY[subscription_id] END)
        WHERE w.tenant_id = e.tenant_id
        ORDER BY w.id
    LOOP
        is_batch := s.batch_max IS NOT NULL;
        format := s.payload_format;
        message_id := CASE WHEN is_batch THEN posthorn.batch_id(e.id) ELSE e.id END;
        usable_secret := CASE WHEN s.signature = 'hmac' AND NOT starts_with(secret, 'whsk_') THEN secret END;
        to_subscription_id := s.id;
        url := s.url;
        method := 'POST';
        body := posthorn.render_body(format, e.id, e.event, e.tenant_id, e.created_at, e.resource_type, e.resource_id, e.payload,
            e.metadata, source);
        IF is_batch THEN
            body := '[' || body || ']';
        END IF;
        signed_text := CASE WHEN s.signing <> 'none' AND 'standard' = ANY (s.header_families)
            THEN message_id || '.' || floor(extract(epoch FROM at))::bigint || '.' || body END;
        headers := jsonb_build_object('user-agent', user_agent)
            || coalesce((SELECT jsonb_object_agg(lower(h.name), '****') FROM unnest(s.header_names) AS h (name)), '{}')
            || CASE s.credentials_type WHEN 'basic' THEN '{"authorization": "Basic ****"}'::jsonb
                WHEN 'bearer' THEN '{"authorization": "Bearer ****"}' ELSE '{}' END
            || jsonb_build_object('content-type', CASE WHEN format = 'template' THEN s.template_content_type
                WHEN format = 'cloudevents' THEN CASE WHEN is_batch THEN 'application/cloudevents-batch+json' ELSE 'application/cloudevents+json' END
                ELSE 'application/json' END)
            || posthorn.signature_headers(s.header_families, message_id, CASE WHEN is_batch THEN 'batch' ELSE e.event END, at, body,
                usable_secret, s.signing <> 'none')
            || CASE WHEN format = 'cloudevents_binary' THEN (
                SELECT jsonb_object_agg('ce-' || a.name, CASE WHEN a.name = 'source' THEN a.value
                    ELSE posthorn.percent_encode(a.value, '[!#$&-~]') END)
                FROM posthorn.cloudevent_attributes(e.id, e.event, e.tenant_id, e.created_at, e.resource_type, e.resource_id, source) a)
                ELSE '{}' END
            -- the span is the attempt's
            || CASE WHEN trace IS NOT NULL THEN jsonb_build_object('traceparent', overlay(trace placing '****************' from 37))
                ELSE '{}' END;
        note := nullif(concat_ws('; ',
            CASE WHEN NOT s.is_taken THEN 'the event has no delivery to this subscription' END,
            CASE WHEN s.status <> 'active' THEN 'the subscription is ' || s.status END,
            CASE WHEN format = 'template' THEN 'templates are not rendered in SQL: ask POST /subscriptions/{id}/preview'
                WHEN body IS NULL THEN 'this role may not read payloads' END,
            CASE WHEN s.signing = 'none' THEN 'unsigned'
                WHEN s.signature = 'ed25519' THEN 'ed25519 signatures are not made in SQL'
                WHEN secret IS NULL THEN 'signatures are null: secrets are sealed, give the secret to have them'
                WHEN usable_secret IS NULL THEN 'signatures are null: the secret given is an ed25519 key' END,
            CASE WHEN s.previous_secret_until > at AND s.signing <> 'none'
                THEN 'webhook-signature carries another signature, of the secret before the last rotation' END,
            CASE WHEN cardinality(s.header_names) > 0 OR s.credentials_type IS NOT NULL THEN 'its own headers and credentials are sealed' END,
            CASE WHEN is_batch THEN 'the batch may hold other events too' END), '');
        RETURN NEXT;
    END LOOP;
END
$$;
