-- What: publish(), the tenants' view of events, deleting a subscription, what monitoring asks. Lock: none.
-- Safe beside an older binary: yes.
CREATE FUNCTION posthorn.publish(tenant_id uuid, event text, payload jsonb, resource_type text DEFAULT NULL,
    resource_id text DEFAULT NULL, metadata jsonb DEFAULT NULL, deliver_after timestamptz DEFAULT NULL) RETURNS uuid
LANGUAGE sql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
    INSERT INTO outbox (tenant_id, event, payload, resource_type, resource_id, metadata, deliver_after)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    RETURNING id
$$;
COMMENT ON FUNCTION posthorn.publish(uuid, text, jsonb, text, text, jsonb, timestamptz) IS
    'Publishes an event in the caller''s transaction and returns its id; the same as INSERT INTO posthorn.outbox, which returns nothing to a publisher.';
GRANT EXECUTE ON FUNCTION posthorn.publish(uuid, text, jsonb, text, text, jsonb, timestamptz) TO posthorn_publisher;

-- The API publishes for the tenant it acts for and cannot name another.
CREATE FUNCTION posthorn.publish_as_tenant(event text, payload jsonb, resource_type text, resource_id text, metadata jsonb,
    deliver_after timestamptz) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
BEGIN
    IF current_tenant() IS NULL THEN
        RAISE EXCEPTION 'this transaction acts for no tenant' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN publish(current_tenant(), event, payload, resource_type, resource_id, metadata, deliver_after);
END
$$;
COMMENT ON FUNCTION posthorn.publish_as_tenant(text, jsonb, text, text, jsonb, timestamptz) IS
    'Publishes an event of the current tenant (posthorn.tenant_id); for the API.';
GRANT EXECUTE ON FUNCTION posthorn.publish_as_tenant(text, jsonb, text, text, jsonb, timestamptz) TO posthorn_api;

-- Owner's rights on purpose (no security_invoker): tenant-facing roles have no right on the outbox, which has no row
-- security. security_barrier keeps a caller's function from seeing rows before the tenant test.
CREATE VIEW posthorn.events WITH (security_barrier) AS
SELECT o.id, o.tenant_id, o.event, o.payload, o.resource_type, o.resource_id, o.metadata, o.deliver_after, o.created_at,
    coalesce(f.state, 'done') AS fanout, f.reason AS fanout_reason
FROM posthorn.outbox o
LEFT JOIN posthorn.event_fanouts f ON f.event_id = o.id
WHERE o.tenant_id = (SELECT posthorn.current_tenant());
COMMENT ON VIEW posthorn.events IS 'The current tenant''s events.';
COMMENT ON COLUMN posthorn.events.id IS 'The event''s id.';
COMMENT ON COLUMN posthorn.events.tenant_id IS 'The current tenant.';
COMMENT ON COLUMN posthorn.events.event IS 'Event type.';
COMMENT ON COLUMN posthorn.events.payload IS 'The data.';
COMMENT ON COLUMN posthorn.events.resource_type IS 'Kind of the thing it is about.';
COMMENT ON COLUMN posthorn.events.resource_id IS 'Id of the thing it is about.';
COMMENT ON COLUMN posthorn.events.metadata IS 'The event''s own metadata.';
COMMENT ON COLUMN posthorn.events.deliver_after IS 'Not to be sent before this time.';
COMMENT ON COLUMN posthorn.events.created_at IS 'Start of the publishing transaction.';
COMMENT ON COLUMN posthorn.events.fanout IS 'done, or open, muted, unknown_tenant: see posthorn.event_fanouts.';
COMMENT ON COLUMN posthorn.events.fanout_reason IS 'Why it is open.';
GRANT SELECT ON posthorn.events TO posthorn_api;

-- Invoker's rights: row security decides whose subscription this can be. Rows in flight are cancelled too: their failure
-- is fenced by the epoch, and nothing would ever claim them again. At most 10,000 are cancelled here, and none that someone
-- else holds: dispatchers cancel what is left (queue/cancel_orphans), so that deleting never waits for a backlog.
CREATE FUNCTION posthorn.delete_subscription(subscription uuid, OUT is_found boolean, OUT cancelled integer)
LANGUAGE plpgsql SET search_path = posthorn, pg_temp
AS $$
BEGIN
    cancelled := 0;
    UPDATE webhook_subscriptions s
    SET status = 'deleted', status_reason = NULL, secret = NULL, previous_secret = NULL, previous_secret_until = NULL
    WHERE s.id = subscription AND s.status <> 'deleted';
    is_found := FOUND;
    IF is_found THEN
        BEGIN
            WITH waiting AS MATERIALIZED (
                SELECT d.id FROM webhook_deliveries d
                WHERE d.subscription_id = subscription AND d.status IN ('pending', 'sending', 'retrying')
                LIMIT 10000 FOR UPDATE SKIP LOCKED
            )
            UPDATE webhook_deliveries d
            SET status = 'cancelled', finished_at = now(), updated_at = now(), lease_until = NULL, epoch = d.epoch + 1
            FROM waiting w
            WHERE d.id = w.id AND d.status IN ('pending', 'sending', 'retrying');
            GET DIAGNOSTICS cancelled = ROW_COUNT;
        EXCEPTION WHEN serialization_failure OR deadlock_detected THEN
            cancelled := 0; -- a dispatcher was finishing them at this moment
        END;
    END IF;
END
$$;
COMMENT ON FUNCTION posthorn.delete_subscription(uuid) IS 'Deletes a subscription, forgets its secrets and cancels what waits for it.';
GRANT EXECUTE ON FUNCTION posthorn.delete_subscription(uuid) TO posthorn_api;

CREATE FUNCTION posthorn.queue_state()
RETURNS TABLE (waiting bigint, oldest_due_at timestamptz, open_fanouts bigint, dispatchers_alive bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
    SELECT (SELECT count(*) FROM webhook_deliveries_live),
        (SELECT min(l.due_at) FROM webhook_deliveries_live l
         JOIN webhook_subscriptions s ON s.id = l.subscription_id AND s.status = 'active'
         WHERE l.due_at <= now() AND l.status IN ('pending', 'retrying')),
        (SELECT count(*) FROM event_fanouts f WHERE f.state = 'open'),
        (SELECT count(*) FROM dispatchers d WHERE d.stopped_at IS NULL AND d.seen_at > now() - interval '15 seconds')
$$;
COMMENT ON FUNCTION posthorn.queue_state() IS
    'For monitoring: deliveries not finished, since when the oldest due one of an active subscription waits, events still to fan out, dispatchers alive.';
GRANT EXECUTE ON FUNCTION posthorn.queue_state() TO posthorn_api, posthorn_dispatcher, posthorn_readonly;
