-- What: events of Posthorn about itself: subscriptions suspended, recovered, given another secret, circuits opened and closed,
--       deliveries exhausted, backlogs high and cleared. They are rows of the outbox as any others, of the tenant concerned and of the
--       operator's tenant, if there is one, and are written by triggers in the transaction of what they tell of.
-- Why:  whoever has to act gets them signed, retried and logged as every other webhook, without another way out.
--       Where nobody of either tenant wants them nothing is written. Names posthorn.… are refused to everyone else: the column
--       is_operational, which no publisher has a right on, says whose they are.
--       No chain of them is endless: a delivery of an operational event that is exhausted, or that waits, is not told of; circuits of
--       subscriptions that want to hear of circuits are not; everything else takes a person, or days, to happen again.
-- Lock: ACCESS EXCLUSIVE on outbox for the column and the check, which look at no row; SHARE ROW EXCLUSIVE for the triggers and SHARE for the
--       index, each for moments.
-- Safe beside an older binary: yes; what it does is told of too, but for what is left to the upkeep of a dispatcher that knows of it.

ALTER TABLE posthorn.outbox ADD COLUMN is_operational boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN posthorn.outbox.is_operational IS 'Whether it is an event of Posthorn''s own, posthorn.…; nobody else can publish those.';
-- not validated: what someone published by such a name before stays
ALTER TABLE posthorn.outbox ADD CONSTRAINT names_beginning_posthorn_are_for_operational_events
    CHECK (is_operational OR NOT starts_with(event, 'posthorn.')) NOT VALID;
GRANT SELECT (is_operational) ON posthorn.outbox TO posthorn_readonly;

ALTER TABLE posthorn.tenants ADD COLUMN is_operator boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN posthorn.tenants.is_operator IS
    'Whether it is the tenant of whoever runs Posthorn: its subscriptions to posthorn.… hear of every tenant. One at most, and only posthorn_admin or the owner can say so.';
CREATE UNIQUE INDEX one_operator ON posthorn.tenants (is_operator) WHERE is_operator;
GRANT UPDATE (is_operator) ON posthorn.tenants TO posthorn_admin;

-- Whom backlogs are of interest to is asked every few seconds.
CREATE INDEX subscription_patterns_operational_idx ON posthorn.subscription_patterns (pattern, tenant_id)
    WHERE starts_with(pattern, 'posthorn.');

CREATE TABLE posthorn.exhausted_notes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    noted_at timestamptz NOT NULL DEFAULT now(),
    held_back jsonb
);
CREATE INDEX exhausted_notes_subscription_idx ON posthorn.exhausted_notes (subscription_id, noted_at);
CREATE INDEX exhausted_notes_noted_idx ON posthorn.exhausted_notes (noted_at);
ALTER TABLE posthorn.exhausted_notes ENABLE ROW LEVEL SECURITY;
COMMENT ON TABLE posthorn.exhausted_notes IS 'Exhausted deliveries of the last minutes that someone wants to hear of: so that thousands at once become few events.';
COMMENT ON COLUMN posthorn.exhausted_notes.id IS 'The order in which they were noted.';
COMMENT ON COLUMN posthorn.exhausted_notes.tenant_id IS 'Whose delivery.';
COMMENT ON COLUMN posthorn.exhausted_notes.subscription_id IS 'The subscription.';
COMMENT ON COLUMN posthorn.exhausted_notes.noted_at IS 'When; the row goes a minute later.';
COMMENT ON COLUMN posthorn.exhausted_notes.held_back IS 'What is still to be told, together with the others of the subscription; NULL: it was told at once.';

CREATE TABLE posthorn.high_backlogs (
    tenant_id uuid PRIMARY KEY,
    high_since_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE posthorn.high_backlogs ENABLE ROW LEVEL SECURITY;
CREATE POLICY every_row_read ON posthorn.high_backlogs FOR SELECT TO posthorn_readonly USING (true);
GRANT SELECT ON posthorn.high_backlogs TO posthorn_readonly;
COMMENT ON TABLE posthorn.high_backlogs IS 'Tenants whose backlog was told to be high, and not yet to be cleared.';
COMMENT ON COLUMN posthorn.high_backlogs.tenant_id IS 'The tenant.';
COMMENT ON COLUMN posthorn.high_backlogs.high_since_at IS 'When it was told.';

CREATE FUNCTION posthorn.receiver_host(url text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN substring(url FROM '^[a-z]+://(?:[^/?#]*@)?([^/?#]+)');
COMMENT ON FUNCTION posthorn.receiver_host(text) IS 'Host and port of a URL, without what may be secret: user, path and query.';

CREATE FUNCTION posthorn.who_hears(tenant uuid, event text) RETURNS uuid[]
LANGUAGE plpgsql STABLE SET search_path = posthorn, pg_temp
AS $$
DECLARE
    patterns CONSTANT text[] := event_patterns(event);
BEGIN
    RETURN ARRAY(
        SELECT h.id FROM (SELECT tenant AS id UNION SELECT o.id FROM tenants o WHERE o.is_operator) h
        WHERE EXISTS (SELECT FROM subscription_patterns p WHERE p.tenant_id = h.id AND p.pattern = ANY (patterns)));
END
$$;
COMMENT ON FUNCTION posthorn.who_hears(uuid, text) IS
    'Tenants with an active subscription that wants an operational event about a tenant: of itself and the operator''s.';
REVOKE ALL ON FUNCTION posthorn.who_hears(uuid, text) FROM PUBLIC;

CREATE FUNCTION posthorn.tell(tenant uuid, event text, resource_type text, resource_id text, details jsonb) RETURNS void
LANGUAGE plpgsql SET search_path = posthorn, pg_temp
AS $$
DECLARE
    hearers CONSTANT uuid[] := who_hears($1, $2);
    told jsonb;
BEGIN
    IF hearers = '{}' OR coalesce(current_setting('posthorn.mute', true), '') = 'on' THEN
        RETURN;
    END IF;
    told := jsonb_build_object('tenant_id', $1, 'at', envelope_time(now()),
                'tenant_name', (SELECT t.name FROM tenants t WHERE t.id = $1))
        || jsonb_strip_nulls($5);
    -- under a limit of one kilobyte, say: what it tells of must not fail for a long text
    IF NOT payload_fits(told) THEN
        told := told - '{tenant_name,description,host,reason,error}'::text[];
        IF NOT payload_fits(told) THEN
            RETURN;
        END IF;
    END IF;
    INSERT INTO outbox (tenant_id, event, payload, resource_type, resource_id, is_operational)
    SELECT h.id, $2, told, $3, $4, true FROM unnest(hearers) AS h (id);
END
$$;
COMMENT ON FUNCTION posthorn.tell(uuid, text, text, text, jsonb) IS
    'Publishes an operational event about a tenant to those who hear of it, in the caller''s transaction; to nobody, nothing.';
REVOKE ALL ON FUNCTION posthorn.tell(uuid, text, text, text, jsonb) FROM PUBLIC;

CREATE FUNCTION posthorn.tell_of_subscription() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
DECLARE
    it CONSTANT jsonb := jsonb_build_object('subscription_id', NEW.id, 'description', left(NEW.description, 200),
        'host', receiver_host(NEW.url), 'actor', current_actor());
BEGIN
    IF NEW.status = 'suspended' AND OLD.status <> 'suspended' THEN
        PERFORM tell(NEW.tenant_id, 'posthorn.subscription.suspended', 'subscription', NEW.id::text,
            it || jsonb_build_object('reason', NEW.status_reason));
    ELSIF NEW.status = 'active' AND OLD.status = 'suspended' THEN
        PERFORM tell(NEW.tenant_id, 'posthorn.subscription.recovered', 'subscription', NEW.id::text,
            it || jsonb_build_object('reason', OLD.status_reason, 'suspended_at', envelope_time(OLD.status_changed_at)));
    END IF;
    -- sealed under another key is what it was; the setting and not current_user, which is the owner here
    IF NEW.secret IS DISTINCT FROM OLD.secret AND NEW.status <> 'deleted' AND current_setting('role') <> 'posthorn_rekey' THEN
        PERFORM tell(NEW.tenant_id, 'posthorn.subscription.secret_rotated', 'subscription', NEW.id::text,
            it || jsonb_build_object('signing', NEW.signing,
                'previous_secret_until', envelope_time(CASE WHEN NEW.previous_secret IS NOT NULL THEN NEW.previous_secret_until END)));
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION posthorn.tell_of_subscription() IS 'Trigger: tells of a subscription that was suspended, activated after that, or given another secret.';
REVOKE ALL ON FUNCTION posthorn.tell_of_subscription() FROM PUBLIC;
-- by its name after keep_patterns: who is suspended no longer hears of it
CREATE TRIGGER tell_of_change AFTER UPDATE OF status, secret ON posthorn.webhook_subscriptions
    FOR EACH ROW WHEN (NEW.status <> OLD.status OR NEW.secret IS DISTINCT FROM OLD.secret)
    EXECUTE FUNCTION posthorn.tell_of_subscription();

CREATE FUNCTION posthorn.tell_of_circuit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
DECLARE
    opened CONSTANT text := 'posthorn.subscription.circuit_opened';
    closed CONSTANT text := 'posthorn.subscription.circuit_closed';
    it webhook_subscriptions;
    details jsonb;
BEGIN
    SELECT s.* INTO it FROM webhook_subscriptions s WHERE s.id = OLD.subscription_id AND s.status <> 'deleted';
    -- an event about the circuit of who hears of circuits could open or close it, and so on for ever
    IF NOT FOUND OR it.events && (event_patterns(opened) || event_patterns(closed)) THEN
        RETURN NULL;
    END IF;
    details := jsonb_build_object('subscription_id', it.id, 'description', left(it.description, 200), 'host', receiver_host(it.url));
    IF TG_OP = 'DELETE' THEN
        PERFORM tell(it.tenant_id, closed, 'subscription', it.id::text, details || '{"reason": "reset"}');
    ELSIF NEW.state = 'closed' THEN
        PERFORM tell(it.tenant_id, closed, 'subscription', it.id::text, details || '{"reason": "the receiver answers again"}');
    ELSE
        PERFORM tell(it.tenant_id, opened, 'subscription', it.id::text, details || jsonb_build_object('reason', left(NEW.reason, 300),
            'failures_in_a_row', NEW.failures_in_a_row, 'retry_at', envelope_time(NEW.retry_at)));
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION posthorn.tell_of_circuit() IS 'Trigger: tells of a circuit that opened, or closed; not of each probe that failed.';
REVOKE ALL ON FUNCTION posthorn.tell_of_circuit() FROM PUBLIC;
CREATE TRIGGER tell_of_change AFTER UPDATE OF state ON posthorn.circuits
    FOR EACH ROW WHEN ((OLD.state = 'closed') <> (NEW.state = 'closed')) EXECUTE FUNCTION posthorn.tell_of_circuit();
CREATE TRIGGER tell_of_reset AFTER DELETE ON posthorn.circuits
    FOR EACH ROW WHEN (OLD.state <> 'closed') EXECUTE FUNCTION posthorn.tell_of_circuit();

-- Ten a minute of each subscription at once, each on its own; the others are held back, and told of as one. Counted without a lock, so
-- that two batches with the same subscriptions cannot wait for each other: what others have not committed yet comes on top.
CREATE FUNCTION posthorn.tell_of_exhausted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
DECLARE
    at_once CONSTANT integer := 10;
    told integer;
    details jsonb;
BEGIN
    IF who_hears(NEW.tenant_id, 'posthorn.delivery.exhausted') = '{}' OR coalesce(current_setting('posthorn.mute', true), '') = 'on' THEN
        RETURN NULL;
    END IF;
    details := jsonb_build_object('count', 1, 'subscription_id', NEW.subscription_id, 'delivery_id', NEW.id, 'event_id', NEW.event_id,
        'event', NEW.event, 'status', NEW.status, 'attempts', NEW.attempts, 'generation', NEW.generation,
        'status_code', NEW.last_status_code, 'error_kind', NEW.last_error_kind, 'error', left(NEW.last_error, 300),
        'first_at', envelope_time(now()), 'last_at', envelope_time(now()),
        'host', (SELECT receiver_host(s.url) FROM webhook_subscriptions s WHERE s.id = NEW.subscription_id));
    SELECT count(*) INTO told FROM (
        SELECT FROM exhausted_notes n
        WHERE n.subscription_id = NEW.subscription_id AND n.noted_at > now() - interval '1 minute' LIMIT at_once) n;
    INSERT INTO exhausted_notes (tenant_id, subscription_id, held_back)
    VALUES (NEW.tenant_id, NEW.subscription_id, CASE WHEN told >= at_once THEN details END);
    IF told < at_once THEN
        PERFORM tell(NEW.tenant_id, 'posthorn.delivery.exhausted', 'delivery', NEW.id::text, details);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION posthorn.tell_of_exhausted() IS 'Trigger: tells of a delivery that was given up, or notes it to be told of with others.';
REVOKE ALL ON FUNCTION posthorn.tell_of_exhausted() FROM PUBLIC;
CREATE TRIGGER tell_of_exhausted AFTER INSERT ON posthorn.webhook_deliveries_done
    FOR EACH ROW WHEN (NEW.status IN ('failed', 'abandoned') AND NOT starts_with(NEW.event, 'posthorn.'))
    EXECUTE FUNCTION posthorn.tell_of_exhausted();

CREATE FUNCTION posthorn.tell_held_back(OUT told integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = posthorn, pg_temp SET enable_sort = on
AS $$
DECLARE
    held record;
    gone record;
BEGIN
    told := 0;
    -- one dispatcher does it; the others need not wait
    IF NOT pg_try_advisory_xact_lock(1886352488, 53) THEN
        RETURN;
    END IF;
    FOR held IN
        SELECT DISTINCT n.tenant_id, n.subscription_id FROM exhausted_notes n
        WHERE n.held_back IS NOT NULL AND n.noted_at <= now() - interval '1 minute'
    LOOP
        WITH deleted AS (
            DELETE FROM exhausted_notes n WHERE n.subscription_id = held.subscription_id AND n.held_back IS NOT NULL RETURNING n.*
        )
        SELECT count(*) AS count, min(d.noted_at) AS first_at, (array_agg(d.held_back ORDER BY d.id DESC))[1] AS latest
        INTO gone FROM deleted d;
        PERFORM tell(held.tenant_id, 'posthorn.delivery.exhausted', 'delivery', gone.latest ->> 'delivery_id',
            gone.latest || jsonb_build_object('count', gone.count, 'first_at', envelope_time(gone.first_at)));
        told := told + 1;
    END LOOP;
    DELETE FROM exhausted_notes n WHERE n.held_back IS NULL AND n.noted_at <= now() - interval '1 minute';
END
$$;
COMMENT ON FUNCTION posthorn.tell_held_back() IS
    'Tells of exhausted deliveries that were held back for a minute, one event for each subscription; answers how many. For dispatchers.';
REVOKE ALL ON FUNCTION posthorn.tell_held_back() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION posthorn.tell_held_back() TO posthorn_dispatcher;

-- Operational events themselves do not count: those to a receiver that is down would make the backlog high, and cleared, for ever.
CREATE FUNCTION posthorn.oldest_waiting(tenant uuid, OUT subscription_id uuid, OUT due_at timestamptz)
LANGUAGE sql STABLE SET search_path = posthorn, pg_temp SET enable_sort = on
AS $$
    WITH RECURSIVE who AS (
        (SELECT l.subscription_id FROM webhook_deliveries_live l WHERE l.tenant_id = $1 ORDER BY l.subscription_id LIMIT 1)
        UNION ALL
        SELECT n.subscription_id FROM who w CROSS JOIN LATERAL (
            SELECT l.subscription_id FROM webhook_deliveries_live l
            WHERE l.tenant_id = $1 AND l.subscription_id > w.subscription_id
            ORDER BY l.subscription_id LIMIT 1) n
    )
    SELECT w.subscription_id, q.due_at
    FROM who w
    JOIN webhook_subscriptions s ON s.id = w.subscription_id AND s.status = 'active'
    CROSS JOIN LATERAL (
        SELECT l.due_at FROM webhook_deliveries_live l
        WHERE l.tenant_id = $1 AND l.subscription_id = w.subscription_id AND l.due_at <= now()
          AND coalesce(l.lease_until <= now(), true) AND NOT starts_with(l.event, 'posthorn.')
        ORDER BY l.due_at LIMIT 1) q
    ORDER BY q.due_at LIMIT 1
$$;
COMMENT ON FUNCTION posthorn.oldest_waiting(uuid) IS
    'Since when the oldest delivery of a tenant''s active subscriptions is due and not on its way, but for operational events.';
REVOKE ALL ON FUNCTION posthorn.oldest_waiting(uuid) FROM PUBLIC;

CREATE FUNCTION posthorn.tell_of_backlogs(high_seconds integer, OUT told integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = posthorn, pg_temp SET enable_sort = on
AS $$
DECLARE
    high CONSTANT text := 'posthorn.backlog.high';
    cleared CONSTANT text := 'posthorn.backlog.cleared';
    patterns CONSTANT text[] := event_patterns(high) || event_patterns(cleared);
    is_all_heard boolean;
    tenant uuid;
    oldest record;
    waits double precision;
    was_high_since_at timestamptz;
    details jsonb;
BEGIN
    told := 0;
    IF high_seconds <= 0 OR is_copy() OR NOT pg_try_advisory_xact_lock(1886352488, 54) THEN
        RETURN;
    END IF;
    is_all_heard := EXISTS (SELECT FROM tenants o JOIN subscription_patterns p ON p.tenant_id = o.id
        WHERE o.is_operator AND p.pattern = ANY (patterns));
    FOR tenant IN
        WITH RECURSIVE waiting AS (
            (SELECT l.tenant_id FROM webhook_deliveries_live l WHERE is_all_heard ORDER BY l.tenant_id LIMIT 1)
            UNION ALL
            SELECT n.tenant_id FROM waiting w CROSS JOIN LATERAL (
                SELECT l.tenant_id FROM webhook_deliveries_live l WHERE l.tenant_id > w.tenant_id ORDER BY l.tenant_id LIMIT 1) n
        )
        SELECT w.tenant_id FROM waiting w
        UNION
        SELECT p.tenant_id FROM subscription_patterns p WHERE starts_with(p.pattern, 'posthorn.') AND p.pattern = ANY (patterns)
        UNION
        SELECT b.tenant_id FROM high_backlogs b
    LOOP
        SELECT o.subscription_id, o.due_at INTO oldest FROM oldest_waiting(tenant) o;
        waits := coalesce(extract(epoch FROM now() - oldest.due_at), 0);
        details := jsonb_build_object('threshold_seconds', high_seconds, 'oldest_seconds', round(waits), 'subscription_id', oldest.subscription_id,
            'oldest_due_at', envelope_time(oldest.due_at),
            'host', (SELECT receiver_host(s.url) FROM webhook_subscriptions s WHERE s.id = oldest.subscription_id));
        IF waits >= high_seconds THEN
            -- whoever writes the row tells of it
            INSERT INTO high_backlogs (tenant_id) VALUES (tenant) ON CONFLICT DO NOTHING;
            IF FOUND THEN
                PERFORM tell(tenant, high, 'tenant', tenant::text, details);
                told := told + 1;
            END IF;
        ELSIF waits < high_seconds / 2.0 THEN
            DELETE FROM high_backlogs b WHERE b.tenant_id = tenant RETURNING b.high_since_at INTO was_high_since_at;
            IF FOUND THEN
                PERFORM tell(tenant, cleared, 'tenant', tenant::text,
                    details || jsonb_build_object('high_since_at', envelope_time(was_high_since_at)));
                told := told + 1;
            END IF;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION posthorn.tell_of_backlogs(integer) IS
    'Tells, once each time, of tenants whose oldest due delivery waits so many seconds, and when it waits less than half of that again; answers how many. For dispatchers.';
REVOKE ALL ON FUNCTION posthorn.tell_of_backlogs(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION posthorn.tell_of_backlogs(integer) TO posthorn_dispatcher;

-- As before, and: names of operational events, with which every later write to the table would fail.
CREATE OR REPLACE FUNCTION posthorn.check_attachment(source regclass, resource text, events text[], columns text[]) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    relation pg_class;
    owner name;
    name text;
BEGIN
    SELECT c.* INTO relation FROM pg_class c WHERE c.oid = source;
    owner := relation.relowner::regrole::text;
    IF relation.relkind NOT IN ('r', 'p') OR relation.relpersistence = 't' OR relation.relnamespace = 'posthorn'::regnamespace THEN
        RAISE EXCEPTION '% is no table that can be attached', source USING ERRCODE = 'wrong_object_type';
    ELSIF relation.relispartition THEN
        RAISE EXCEPTION '% is a partition', source USING ERRCODE = 'wrong_object_type', HINT = 'Attach the partitioned table.';
    ELSIF relation.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits i WHERE source IN (i.inhparent, i.inhrelid)) THEN
        -- a statement fires the triggers of the table that it names alone, and a key tells no rows of several tables apart
        RAISE EXCEPTION '% inherits, or is inherited from', source USING ERRCODE = 'wrong_object_type';
    ELSIF NOT pg_has_role(relation.relowner, 'USAGE') THEN
        RAISE EXCEPTION 'only the owner of % can attach it', source USING ERRCODE = 'insufficient_privilege';
    ELSIF NOT has_column_privilege(relation.relowner, 'posthorn.outbox', 'payload', 'INSERT') THEN
        RAISE EXCEPTION 'the owner of %, %, may not publish', source, owner
            USING ERRCODE = 'insufficient_privilege', HINT = format('GRANT posthorn_publisher TO %s', owner);
    ELSIF NOT has_schema_privilege(relation.relowner, relation.relnamespace, 'CREATE') THEN
        RAISE EXCEPTION 'the owner of %, %, may not create the trigger''s function beside it', source, owner
            USING ERRCODE = 'insufficient_privilege', HINT = format('GRANT CREATE ON SCHEMA %s TO %s', relation.relnamespace::regnamespace, owner);
    ELSIF resource IS NULL OR resource !~ '^[^[:cntrl:]]{1,100}$' THEN
        RAISE EXCEPTION 'resource must be 1 to 100 printable characters' USING ERRCODE = 'invalid_parameter_value';
    ELSIF array_remove(events, NULL) = '{}' THEN
        RAISE EXCEPTION 'at least one of on_insert, on_update and on_delete must be an event' USING ERRCODE = 'invalid_parameter_value';
    ELSIF columns = '{}' THEN
        RAISE EXCEPTION 'columns must name at least one, or be NULL for all' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    FOREACH name IN ARRAY array_remove(events, NULL) LOOP
        IF char_length(name) > 100 OR name !~ '^[a-z0-9_]+(\.[a-z0-9_]+)+$' THEN
            RAISE EXCEPTION '% is no event name: at least two segments of a-z, 0-9 and _ with dots between, up to 100 characters',
                quote_literal(name) USING ERRCODE = 'invalid_parameter_value';
        ELSIF starts_with(name, 'posthorn.') THEN
            RAISE EXCEPTION 'event names must not begin with posthorn., which is for operational events' USING ERRCODE = 'invalid_parameter_value';
        END IF;
    END LOOP;
    FOREACH name IN ARRAY coalesce(columns, '{}') LOOP
        IF NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = source AND a.attname = name AND a.attnum > 0 AND NOT a.attisdropped) THEN
            RAISE EXCEPTION '% has no column %', source, coalesce(quote_ident(name), 'NULL') USING ERRCODE = 'undefined_column';
        END IF;
    END LOOP;
    IF events[2] IS NOT NULL AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = source AND a.attname = 'changes'
            AND a.attnum > 0 AND NOT a.attisdropped AND (columns IS NULL OR 'changes' = ANY (columns))) THEN
        RAISE EXCEPTION '% has a column "changes", which is where a payload says what an update changed', source
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Leave it out of columns.';
    END IF;
END
$$;

INSERT INTO posthorn.event_types (name, group_name, description, json_schema, example) VALUES
    ('posthorn.subscription.suspended', 'Posthorn', 'A subscription was suspended: its receiver answered 410 Gone, or nothing but failures for days. Its deliveries wait.',
     '{"type": "object", "required": ["tenant_id", "at", "subscription_id"], "properties": {"tenant_id": {"type": "string", "format": "uuid"}, "tenant_name": {"type": "string"}, "at": {"type": "string", "format": "date-time"}, "subscription_id": {"type": "string", "format": "uuid"}, "description": {"type": "string"}, "host": {"type": "string"}, "reason": {"type": "string"}, "actor": {"type": "string"}}}',
     '{"tenant_id": "6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10", "tenant_name": "Acme", "at": "2026-11-02T09:14:05.123456Z", "subscription_id": "01a04c7e-95d8-7c21-8a54-3e0f5b7f9a01", "description": "Accounting", "host": "receiver.example", "reason": "the receiver answered 410 Gone", "actor": "dispatcher"}'),
    ('posthorn.subscription.recovered', 'Posthorn', 'A suspended subscription was activated again; what waited for it goes out.',
     '{"type": "object", "required": ["tenant_id", "at", "subscription_id"], "properties": {"tenant_id": {"type": "string", "format": "uuid"}, "tenant_name": {"type": "string"}, "at": {"type": "string", "format": "date-time"}, "subscription_id": {"type": "string", "format": "uuid"}, "description": {"type": "string"}, "host": {"type": "string"}, "reason": {"type": "string"}, "actor": {"type": "string"}, "suspended_at": {"type": "string", "format": "date-time"}}}',
     '{"tenant_id": "6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10", "tenant_name": "Acme", "at": "2026-11-02T09:14:05.123456Z", "subscription_id": "01a04c7e-95d8-7c21-8a54-3e0f5b7f9a01", "description": "Accounting", "host": "receiver.example", "reason": "the receiver answered 410 Gone", "actor": "api_key:4f0qk2v9xa", "suspended_at": "2026-11-01T17:40:11.004512Z"}'),
    ('posthorn.subscription.secret_rotated', 'Posthorn', 'A subscription was given another secret; until previous_secret_until the one before signs too.',
     '{"type": "object", "required": ["tenant_id", "at", "subscription_id"], "properties": {"tenant_id": {"type": "string", "format": "uuid"}, "tenant_name": {"type": "string"}, "at": {"type": "string", "format": "date-time"}, "subscription_id": {"type": "string", "format": "uuid"}, "description": {"type": "string"}, "host": {"type": "string"}, "actor": {"type": "string"}, "signing": {"type": "string"}, "previous_secret_until": {"type": "string", "format": "date-time"}}}',
     '{"tenant_id": "6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10", "tenant_name": "Acme", "at": "2026-11-02T09:14:05.123456Z", "subscription_id": "01a04c7e-95d8-7c21-8a54-3e0f5b7f9a01", "description": "Accounting", "host": "receiver.example", "actor": "api_key:4f0qk2v9xa", "signing": "required", "previous_secret_until": "2026-11-03T09:14:05.123456Z"}'),
    ('posthorn.subscription.circuit_opened', 'Posthorn', 'A receiver fails so often that its deliveries wait, but for a probe now and then.',
     '{"type": "object", "required": ["tenant_id", "at", "subscription_id"], "properties": {"tenant_id": {"type": "string", "format": "uuid"}, "tenant_name": {"type": "string"}, "at": {"type": "string", "format": "date-time"}, "subscription_id": {"type": "string", "format": "uuid"}, "description": {"type": "string"}, "host": {"type": "string"}, "reason": {"type": "string"}, "failures_in_a_row": {"type": "integer"}, "retry_at": {"type": "string", "format": "date-time"}}}',
     '{"tenant_id": "6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10", "tenant_name": "Acme", "at": "2026-11-02T09:14:05.123456Z", "subscription_id": "01a04c7e-95d8-7c21-8a54-3e0f5b7f9a01", "description": "Accounting", "host": "receiver.example", "reason": "20 failures in a row, the last: the receiver answered 503", "failures_in_a_row": 20, "retry_at": "2026-11-02T09:14:35.123456Z"}'),
    ('posthorn.subscription.circuit_closed', 'Posthorn', 'A receiver answers again, or its circuit was reset; what waited goes out.',
     '{"type": "object", "required": ["tenant_id", "at", "subscription_id"], "properties": {"tenant_id": {"type": "string", "format": "uuid"}, "tenant_name": {"type": "string"}, "at": {"type": "string", "format": "date-time"}, "subscription_id": {"type": "string", "format": "uuid"}, "description": {"type": "string"}, "host": {"type": "string"}, "reason": {"type": "string"}}}',
     '{"tenant_id": "6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10", "tenant_name": "Acme", "at": "2026-11-02T09:14:05.123456Z", "subscription_id": "01a04c7e-95d8-7c21-8a54-3e0f5b7f9a01", "description": "Accounting", "host": "receiver.example", "reason": "the receiver answers again"}'),
    ('posthorn.delivery.exhausted', 'Posthorn', 'A delivery was given up: the receiver refused it for good, or every retry failed. With count above 1 it tells of so many of the subscription since first_at, and names the latest.',
     '{"type": "object", "required": ["tenant_id", "at", "count", "subscription_id", "delivery_id", "event_id", "event", "status", "first_at", "last_at"], "properties": {"tenant_id": {"type": "string", "format": "uuid"}, "tenant_name": {"type": "string"}, "at": {"type": "string", "format": "date-time"}, "count": {"type": "integer", "minimum": 1}, "subscription_id": {"type": "string", "format": "uuid"}, "host": {"type": "string"}, "delivery_id": {"type": "string", "format": "uuid"}, "event_id": {"type": "string", "format": "uuid"}, "event": {"type": "string"}, "status": {"enum": ["failed", "abandoned"]}, "attempts": {"type": "integer"}, "generation": {"type": "integer"}, "status_code": {"type": "integer"}, "error_kind": {"type": "string"}, "error": {"type": "string"}, "first_at": {"type": "string", "format": "date-time"}, "last_at": {"type": "string", "format": "date-time"}}}',
     '{"tenant_id": "6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10", "tenant_name": "Acme", "at": "2026-11-02T09:14:05.123456Z", "count": 1, "subscription_id": "01a04c7e-95d8-7c21-8a54-3e0f5b7f9a01", "host": "receiver.example", "delivery_id": "01a04c7f-0b5e-7f10-9c1d-5a2be0c4d702", "event_id": "01a04c7f-0b5d-7a3c-b2a6-91f7d0a1e4c3", "event": "invoice.created", "status": "abandoned", "attempts": 7, "generation": 0, "status_code": 503, "error_kind": "server_error", "error": "the receiver answered 503", "first_at": "2026-11-02T09:14:05.123456Z", "last_at": "2026-11-02T09:14:05.123456Z"}'),
    ('posthorn.backlog.high', 'Posthorn', 'The oldest delivery that is due waits longer than it should (POSTHORN_BACKLOG_HIGH_SECONDS).',
     '{"type": "object", "required": ["tenant_id", "at", "threshold_seconds", "oldest_seconds"], "properties": {"tenant_id": {"type": "string", "format": "uuid"}, "tenant_name": {"type": "string"}, "at": {"type": "string", "format": "date-time"}, "threshold_seconds": {"type": "integer"}, "oldest_seconds": {"type": "integer"}, "oldest_due_at": {"type": "string", "format": "date-time"}, "subscription_id": {"type": "string", "format": "uuid"}, "host": {"type": "string"}}}',
     '{"tenant_id": "6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10", "tenant_name": "Acme", "at": "2026-11-02T09:14:05.123456Z", "threshold_seconds": 300, "oldest_seconds": 304, "oldest_due_at": "2026-11-02T09:09:01.000127Z", "subscription_id": "01a04c7e-95d8-7c21-8a54-3e0f5b7f9a01", "host": "receiver.example"}'),
    ('posthorn.backlog.cleared', 'Posthorn', 'The oldest delivery that is due waits less than half of that again, or nothing does.',
     '{"type": "object", "required": ["tenant_id", "at", "threshold_seconds", "oldest_seconds", "high_since_at"], "properties": {"tenant_id": {"type": "string", "format": "uuid"}, "tenant_name": {"type": "string"}, "at": {"type": "string", "format": "date-time"}, "threshold_seconds": {"type": "integer"}, "oldest_seconds": {"type": "integer"}, "oldest_due_at": {"type": "string", "format": "date-time"}, "subscription_id": {"type": "string", "format": "uuid"}, "host": {"type": "string"}, "high_since_at": {"type": "string", "format": "date-time"}}}',
     '{"tenant_id": "6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10", "tenant_name": "Acme", "at": "2026-11-02T09:31:40.551203Z", "threshold_seconds": 300, "oldest_seconds": 0, "high_since_at": "2026-11-02T09:14:05.123456Z"}');
