-- What: two functions for the metrics of a dispatcher: how many subscriptions, circuits and jobs have which state, and what waits
--       for which tenant and subscription.
-- Why:  dashboards and alerts ask every quarter of a minute. What is about every tenant is for dispatchers and for whoever may
--       read everything: posthorn_api, which tenants' requests run as, may ask neither.
-- Cost: states reads the subscriptions once, a few hundred bytes each; what is not closed or not finished has its index.
--       waiting is posthorn.backlog: of each subscription at most 10,000 entries of an index.
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

-- the session of a dispatcher forbids sorting, which is right for its own statements alone
CREATE FUNCTION posthorn.monitored_waiting(most integer)
RETURNS TABLE (tenant_id uuid, subscription_id uuid, waiting bigint, oldest_seconds double precision)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = posthorn, pg_temp SET enable_sort = on SET enable_seqscan = on
AS $$
    WITH b AS MATERIALIZED (
        SELECT b.tenant_id, b.subscription_id, b.waiting,
            -- of those that are paused nothing is due: it waits for them, not for us
            CASE WHEN b.status = 'active' THEN coalesce(extract(epoch FROM b.late_by), 0) ELSE 0 END::double precision AS oldest_seconds
        FROM backlog b WHERE b.status <> 'deleted')
    (SELECT b.tenant_id, b.subscription_id, b.waiting, b.oldest_seconds FROM b ORDER BY b.waiting DESC, b.subscription_id LIMIT $1)
    UNION ALL
    (SELECT b.tenant_id, NULL, sum(b.waiting)::bigint, max(b.oldest_seconds) FROM b
     GROUP BY b.tenant_id ORDER BY 3 DESC, b.tenant_id LIMIT $1)
$$;
COMMENT ON FUNCTION posthorn.monitored_waiting(integer) IS
    'For metrics: what waits, and since when the oldest due one does, for so many subscriptions and tenants (subscription_id NULL) with most of it.';
REVOKE ALL ON FUNCTION posthorn.monitored_waiting(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION posthorn.monitored_waiting(integer) TO posthorn_dispatcher, posthorn_readonly;
