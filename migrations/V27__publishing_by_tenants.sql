-- What: tenants publish with an ordering key and many events at once, and cancel what is still to come of one.
-- Lock: ACCESS EXCLUSIVE on event_fanouts for a moment (a constraint of a small table). Safe beside an older binary: yes, the
--       function that it publishes with stays.
CREATE FUNCTION posthorn.publish_as_tenant(event text, payload jsonb, resource_type text, resource_id text, metadata jsonb,
    deliver_after timestamptz, ordering_key text) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
DECLARE
    published uuid;
BEGIN
    IF current_tenant() IS NULL THEN
        RAISE EXCEPTION 'this transaction acts for no tenant' USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO outbox (tenant_id, event, payload, resource_type, resource_id, metadata, deliver_after, ordering_key)
    VALUES (current_tenant(), $1, $2, $3, $4, $5, $6, $7)
    RETURNING id INTO published;
    RETURN published;
END
$$;
COMMENT ON FUNCTION posthorn.publish_as_tenant(text, jsonb, text, text, jsonb, timestamptz, text) IS
    'Publishes an event of the current tenant (posthorn.tenant_id), with an ordering key or NULL; for the API.';
GRANT EXECUTE ON FUNCTION posthorn.publish_as_tenant(text, jsonb, text, text, jsonb, timestamptz, text) TO posthorn_api;

-- One statement, so that the fan-out runs once. Ids are made ahead: only so can it be told which is whose.
CREATE FUNCTION posthorn.publish_many_as_tenant(events text[], payloads text[], resource_types text[], resource_ids text[],
    metadata text[], deliver_afters timestamptz[], ordering_keys text[]) RETURNS uuid[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
DECLARE
    ids uuid[] := ARRAY(SELECT uuid7() FROM generate_series(1, cardinality(events)));
BEGIN
    IF current_tenant() IS NULL THEN
        RAISE EXCEPTION 'this transaction acts for no tenant' USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO outbox (id, tenant_id, event, payload, resource_type, resource_id, metadata, deliver_after, ordering_key)
    SELECT e.id, current_tenant(), e.event, e.payload::jsonb, e.resource_type, e.resource_id, e.metadata::jsonb, e.deliver_after,
        e.ordering_key
    FROM unnest(ids, events, payloads, resource_types, resource_ids, metadata, deliver_afters, ordering_keys) WITH ORDINALITY
        AS e (id, event, payload, resource_type, resource_id, metadata, deliver_after, ordering_key, place)
    ORDER BY e.place;
    RETURN ids;
END
$$;
COMMENT ON FUNCTION posthorn.publish_many_as_tenant(text[], text[], text[], text[], text[], timestamptz[], text[]) IS
    'Publishes events of the current tenant in the order given and answers with their ids in the same order; for the API.';
GRANT EXECUTE ON FUNCTION posthorn.publish_many_as_tenant(text[], text[], text[], text[], text[], timestamptz[], text[])
    TO posthorn_api;

-- Asked when many could not be published, to tell which: a statement that fails does not say.
CREATE FUNCTION posthorn.json_faults(texts text[]) RETURNS TABLE (place integer, fault text)
LANGUAGE plpgsql STABLE SET search_path = posthorn, pg_temp
AS $$
BEGIN
    FOR nth IN 1 .. cardinality(texts) LOOP
        place := nth;
        fault := NULL;
        BEGIN
            IF NOT payload_fits(texts[nth]::jsonb) THEN
                fault := 'is larger than WEBHOOK_MAX_PAYLOAD_BYTES as PostgreSQL prints it';
            END IF;
        EXCEPTION WHEN OTHERS THEN
            fault := SQLERRM;
        END;
        IF fault IS NOT NULL THEN
            RETURN NEXT;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION posthorn.json_faults(text[]) IS 'Which of these texts, from 1, cannot be payloads or metadata, and why.';
GRANT EXECUTE ON FUNCTION posthorn.json_faults(text[]) TO posthorn_api;

ALTER TABLE posthorn.event_fanouts DROP CONSTRAINT state_is_known,
    ADD CONSTRAINT state_is_known CHECK (state IN ('open', 'muted', 'unknown_tenant', 'cancelled'));
COMMENT ON COLUMN posthorn.event_fanouts.state IS 'open: a dispatcher will do it; muted: published with posthorn.mute = on; unknown_tenant: no such tenant, nobody to send to; cancelled: cancelled while it was open.';
COMMENT ON COLUMN posthorn.events.fanout IS 'done, or open, muted, unknown_tenant, cancelled: see posthorn.event_fanouts.';

-- The owner's rights, since tenants have none on event_fanouts. A dispatcher that fans the event out at this moment holds its row:
-- this waits for it, and then sees what it made.
CREATE FUNCTION posthorn.cancel_event(event uuid, OUT is_found boolean, OUT is_fanout_cancelled boolean, OUT cancelled integer,
    OUT in_flight integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
#variable_conflict use_variable
BEGIN
    is_found := EXISTS (SELECT FROM outbox o WHERE o.id = event AND o.tenant_id = current_tenant());
    is_fanout_cancelled := false;
    cancelled := 0;
    in_flight := 0;
    IF NOT is_found THEN
        RETURN;
    END IF;
    UPDATE event_fanouts f SET state = 'cancelled', reason = NULL WHERE f.event_id = event AND f.state = 'open';
    is_fanout_cancelled := FOUND;
    WITH waiting AS MATERIALIZED (
        SELECT d.id FROM webhook_deliveries d
        WHERE d.event_id = event AND d.tenant_id = current_tenant() AND d.status IN ('pending', 'retrying')
        ORDER BY d.id FOR UPDATE
    )
    UPDATE webhook_deliveries d
    SET status = 'cancelled', finished_at = now(), updated_at = now(), epoch = d.epoch + 1
    FROM waiting w
    WHERE d.id = w.id AND d.status IN ('pending', 'retrying');
    GET DIAGNOSTICS cancelled = ROW_COUNT;
    SELECT count(*) INTO in_flight FROM webhook_deliveries d
    WHERE d.event_id = event AND d.tenant_id = current_tenant() AND d.status = 'sending';
    IF is_fanout_cancelled THEN
        PERFORM wake(); -- open events behind it in its line can go on
    END IF;
END
$$;
COMMENT ON FUNCTION posthorn.cancel_event(uuid) IS
    'Cancels what waits of an event of the current tenant: its deliveries that are pending or retrying, and an open fan-out. What is in flight is only counted.';
GRANT EXECUTE ON FUNCTION posthorn.cancel_event(uuid) TO posthorn_api;
