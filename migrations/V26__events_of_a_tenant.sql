-- What: looking through a tenant's events: two indexes, a bounded search, the ordering key in the tenants' view.
-- Why:  without them a tenant's events could be found by id alone. A jsonpath over payloads can be as dear as its writer likes,
--       so a search looks at so many events and for so long, and says how far it came.
-- Lock: SHARE on outbox while its indexes are built: publishers wait, about a second for a million events.
-- Safe beside an older binary: yes.
-- what are this tenant's newest events?
CREATE INDEX outbox_tenant_idx ON posthorn.outbox (tenant_id, id);
-- what happened to this thing of the tenant's?
CREATE INDEX outbox_resource_idx ON posthorn.outbox (tenant_id, resource_id, id) WHERE resource_id IS NOT NULL;

CREATE FUNCTION posthorn.first_id_at(at timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN encode(
    substring(int8send(greatest(0, floor(extract(epoch FROM at AT TIME ZONE 'UTC') * 1000))::bigint) FROM 3)
        || '\x00000000000000000000'::bytea, 'hex')::uuid;
COMMENT ON FUNCTION posthorn.first_id_at(timestamptz) IS 'Below every UUIDv7 of this millisecond and above those of the one before.';
GRANT EXECUTE ON FUNCTION posthorn.first_id_at(timestamptz) TO posthorn_api, posthorn_dispatcher, posthorn_readonly;

CREATE OR REPLACE VIEW posthorn.events WITH (security_barrier) AS
SELECT o.id, o.tenant_id, o.event, o.payload, o.resource_type, o.resource_id, o.metadata, o.deliver_after, o.created_at,
    coalesce(f.state, 'done') AS fanout, f.reason AS fanout_reason, o.ordering_key
FROM posthorn.outbox o
LEFT JOIN posthorn.event_fanouts f ON f.event_id = o.id
WHERE o.tenant_id = (SELECT posthorn.current_tenant());
COMMENT ON COLUMN posthorn.events.ordering_key IS 'Events with the same key reach ordered subscriptions one at a time.';

-- The owner's rights, and the tenant asked for by hand: the view cannot be read in the order of an index. Newest first, so that
-- what was found can be shown although the search ends early. Payloads are read one at a time: the clock is looked at between two.
CREATE FUNCTION posthorn.find_events(wanted_event text, wanted_type text, wanted_resource text, wanted_fanout text, filter jsonpath,
    since_id uuid, before_id uuid, most_found integer,
    OUT event_ids uuid[], OUT looked_at integer, OUT oldest_id uuid, OUT ended_by text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = posthorn, pg_temp SET plan_cache_mode = force_custom_plan
-- the first rows must not wait for the last: by an index in its order, or not at all
SET enable_sort = off SET enable_bitmapscan = off SET enable_seqscan = off
AS $$
DECLARE
    tenant CONSTANT uuid := current_tenant();
    most_looked_at CONSTANT integer := CASE WHEN filter IS NULL THEN 50000 ELSE 10000 END;
    began_at CONSTANT timestamptz := clock_timestamp();
    exact CONSTANT text := CASE WHEN wanted_event !~ '\*$' THEN wanted_event END;
    beginning CONSTANT text := CASE WHEN wanted_event ~ '\.\*$' THEN left(wanted_event, -1) END;
    candidate record;
BEGIN
    -- recompiled for every event, and the user's to abuse
    IF filter::text ~ 'like_regex' THEN
        RAISE EXCEPTION 'like_regex is not allowed in a search' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    event_ids := '{}';
    looked_at := 0;
    FOR candidate IN
        SELECT o.id, o.payload, (exact IS NULL OR o.event = exact) AND (beginning IS NULL OR starts_with(o.event, beginning))
            AND (wanted_event IS DISTINCT FROM '*' OR NOT starts_with(o.event, 'posthorn.'))
            AND (wanted_type IS NULL OR o.resource_type = wanted_type)
            AND (wanted_fanout IS NULL OR wanted_fanout = coalesce(
                (SELECT f.state FROM event_fanouts f WHERE f.event_id = o.id), 'done')) AS is_wanted
        FROM outbox o
        WHERE o.tenant_id = tenant AND (since_id IS NULL OR o.id >= since_id) AND (before_id IS NULL OR o.id < before_id)
          AND (wanted_resource IS NULL OR o.resource_id = wanted_resource)
        ORDER BY o.id DESC LIMIT most_looked_at + 1
    LOOP
        IF cardinality(event_ids) >= most_found THEN
            ended_by := 'found';
        ELSIF looked_at >= most_looked_at THEN
            ended_by := 'number';
        ELSIF clock_timestamp() > began_at + interval '1 s' THEN
            ended_by := 'time';
        END IF;
        EXIT WHEN ended_by IS NOT NULL;
        looked_at := looked_at + 1;
        oldest_id := candidate.id;
        IF candidate.is_wanted AND (filter IS NULL OR candidate.payload @@ filter) THEN
            event_ids := event_ids || candidate.id;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION posthorn.find_events(text, text, text, text, jsonpath, uuid, uuid, integer) IS
    'The current tenant''s newest events that are wanted, as far as 10,000 events (50,000 without a filter) or one second reach; ended_by: found, number, time, or NULL when everything was looked at.';
GRANT EXECUTE ON FUNCTION posthorn.find_events(text, text, text, text, jsonpath, uuid, uuid, integer) TO posthorn_api;
