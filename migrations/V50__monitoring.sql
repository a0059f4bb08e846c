-- What: two functions for the metrics of a dispatcher: how many subscriptions, circuits and jobs have which state, and what waits
--       for which tenant and subscription.
-- Why:  dashboards and alerts ask every quarter of a minute. What is about every tenant is for dispatchers and for whoever may
--       read everything: posthorn_api, which tenants' requests run as, may ask neither.
-- Cost: states reads the subscriptions once, a few hundred bytes each; what is not closed or not finished has its index.
--       waiting reads at most 10,000 entries of an index of each subscription that has any.
-- Lock: none. Safe beside an older binary: yes, which asks neither.
CREATE FUNCTION posthorn.monitored_states() RETURNS TABLE (what text, state text, count bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
    SELECT 'subscriptions', s.status, count(*) FROM webhook_subscriptions s WHERE s.status <> 'deleted' GROUP BY s.status
    UNION ALL
    SELECT 'circuits', c.state, count(*) FROM circuits c WHERE c.state <> 'closed' GROUP BY c.state
    UNION ALL
    SELECT 'jobs', j.state, count(*) FROM jobs j WHERE j.state IN ('waiting', 'running') GROUP BY j.state
$$;
COMMENT ON FUNCTION posthorn.monitored_states() IS
    'For metrics: subscriptions by status, circuits that are not closed by state, jobs that are not finished by state.';
REVOKE ALL ON FUNCTION posthorn.monitored_states() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION posthorn.monitored_states() TO posthorn_dispatcher, posthorn_readonly;

-- Steps from one subscription that has anything waiting to the next by the index: those that have nothing cost nothing. The session of a
-- dispatcher forbids sorting, which is right for its own statements alone.
CREATE FUNCTION posthorn.monitored_waiting(most integer)
RETURNS TABLE (tenant_id uuid, subscription_id uuid, waiting bigint, oldest_seconds double precision)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = posthorn, pg_temp SET enable_sort = on
AS $$
    WITH RECURSIVE who AS (
        (SELECT l.tenant_id, l.subscription_id FROM webhook_deliveries_live l ORDER BY l.tenant_id, l.subscription_id LIMIT 1)
        UNION ALL
        SELECT n.tenant_id, n.subscription_id FROM who w CROSS JOIN LATERAL (
            SELECT l.tenant_id, l.subscription_id FROM webhook_deliveries_live l
            WHERE (l.tenant_id, l.subscription_id) > (w.tenant_id, w.subscription_id)
            ORDER BY l.tenant_id, l.subscription_id LIMIT 1) n
    ), counted AS MATERIALIZED (
        SELECT w.tenant_id, w.subscription_id, q.waiting,
            -- of those that are paused nothing is due: it waits for them, not for us
            CASE WHEN s.status = 'active' THEN coalesce(extract(epoch FROM now() - q.oldest_due_at), 0) ELSE 0 END::double precision AS oldest_seconds
        FROM who w
        JOIN webhook_subscriptions s ON s.id = w.subscription_id AND s.status <> 'deleted'
        CROSS JOIN LATERAL (
            SELECT (SELECT count(*) FROM (
                    SELECT FROM webhook_deliveries_live l
                    WHERE l.tenant_id = w.tenant_id AND l.subscription_id = w.subscription_id LIMIT 10000) l) AS waiting,
                -- those on their way are few and at the head
                (SELECT l.due_at FROM webhook_deliveries_live l
                 WHERE l.tenant_id = w.tenant_id AND l.subscription_id = w.subscription_id AND l.due_at <= now()
                   AND coalesce(l.lease_until <= now(), true)
                 ORDER BY l.due_at LIMIT 1) AS oldest_due_at) q
    )
    (SELECT c.tenant_id, c.subscription_id, c.waiting, c.oldest_seconds FROM counted c ORDER BY c.waiting DESC, c.subscription_id LIMIT $1)
    UNION ALL
    (SELECT c.tenant_id, NULL, sum(c.waiting)::bigint, max(c.oldest_seconds) FROM counted c
     GROUP BY c.tenant_id ORDER BY 3 DESC, c.tenant_id LIMIT $1)
$$;
COMMENT ON FUNCTION posthorn.monitored_waiting(integer) IS
    'For metrics: what waits, and since when the oldest due one does, for so many subscriptions and tenants (subscription_id NULL) with most of it.';
REVOKE ALL ON FUNCTION posthorn.monitored_waiting(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION posthorn.monitored_waiting(integer) TO posthorn_dispatcher, posthorn_readonly;
