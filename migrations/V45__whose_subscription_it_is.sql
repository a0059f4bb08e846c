-- What: tells the planner that a finished delivery's subscription decides its tenant.
-- Why:  a list of one subscription asks for both, since row security adds the tenant. Taken as independent of each other they
--       seem to leave a hundredth of what they do: then all rows of the subscription were read and sorted for one page.
--       Days made from now on copy it (LIKE … INCLUDING ALL), and ANALYZE fills it.
-- Lock: SHARE UPDATE EXCLUSIVE on each day, for a moment. Safe beside an older binary: yes.

DO $$
DECLARE
    day text;
BEGIN
    FOR day IN SELECT c.relname FROM pg_class c
        WHERE c.oid = 'posthorn.webhook_deliveries_done'::regclass
           OR c.oid IN (SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = 'posthorn.webhook_deliveries_done'::regclass) LOOP
        EXECUTE format('CREATE STATISTICS posthorn.%I (dependencies) ON subscription_id, tenant_id FROM posthorn.%I',
            day || '_tenant_stat', day);
    END LOOP;
END
$$;
