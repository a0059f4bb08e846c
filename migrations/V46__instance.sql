-- What: where this schema sends from: the server's system identifier and the database's oid, and a way to tell a copy by them.
-- Why:  a dump that is restored for staging holds everything that production still has to send, and would send it a second time.
--       The row is written by the first dispatcher that starts, goes into every dump, and does not fit where that is restored:
--       dispatchers then claim nothing until posthorn.resume() says that this is the place from now on. Copies of the server's
--       files (a standby, a base backup, a snapshot of its disk) keep both numbers and go on sending, as a failover must.
--       A restore with both what was here and what came makes two rows, and is a copy too.
-- Lock: none. Safe beside an older binary: yes, which does not look; the row is written here for one that runs already.
CREATE TABLE posthorn.instance (
    system_identifier bigint NOT NULL,
    database_oid bigint NOT NULL,
    settled_at timestamptz NOT NULL DEFAULT now(),
    settled_by text NOT NULL DEFAULT posthorn.current_actor(),
    CONSTRAINT instance_pkey PRIMARY KEY (system_identifier, database_oid)
);
COMMENT ON TABLE posthorn.instance IS
    'Where this schema sends from. A row that does not fit the server and the database it is in came with a dump: nothing is sent then.';
COMMENT ON COLUMN posthorn.instance.system_identifier IS 'Of the server, as pg_control_system() says; 0 where that may not be asked.';
COMMENT ON COLUMN posthorn.instance.database_oid IS 'Of the database, as in pg_database.';
COMMENT ON COLUMN posthorn.instance.settled_at IS 'Since when it sends from there.';
COMMENT ON COLUMN posthorn.instance.settled_by IS 'Who said so: dispatcher, or role:<login> for posthorn.resume().';
GRANT SELECT ON posthorn.instance TO posthorn_readonly;

CREATE FUNCTION posthorn.here(OUT system_identifier bigint, OUT database_oid bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
BEGIN
    -- some providers take this right away, and then the database alone has to tell; by EXECUTE, because a right is asked
    -- for when an expression is made ready, also in a branch that is not gone into
    system_identifier := 0;
    IF has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE') THEN
        EXECUTE 'SELECT c.system_identifier FROM pg_catalog.pg_control_system() c' INTO system_identifier;
    END IF;
    database_oid := (SELECT d.oid::bigint FROM pg_database d WHERE d.datname = current_database());
END
$$;
COMMENT ON FUNCTION posthorn.here() IS 'The server and the database that this session is in, as posthorn.instance has them.';
GRANT EXECUTE ON FUNCTION posthorn.here() TO posthorn_readonly;

-- every claim asks: so plpgsql, which keeps its plan, and without here(), which costs as much again
CREATE FUNCTION posthorn.is_copy() RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
DECLARE
    server bigint := 0;
BEGIN
    IF has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE') THEN
        EXECUTE 'SELECT c.system_identifier FROM pg_catalog.pg_control_system() c' INTO server;
    END IF;
    -- 0 is not known: a right that comes or goes makes no copy
    RETURN (SELECT bool_or((i.system_identifier <> server AND 0 NOT IN (i.system_identifier, server))
                           OR i.database_oid <> d.oid::bigint)
            FROM pg_database d CROSS JOIN instance i WHERE d.datname = current_database());
END
$$;
COMMENT ON FUNCTION posthorn.is_copy() IS
    'Whether what is here came from another place by dump and restore: dispatchers send nothing then. NULL: nothing has ever been sent from it.';
GRANT EXECUTE ON FUNCTION posthorn.is_copy() TO posthorn_api, posthorn_dispatcher, posthorn_admin, posthorn_readonly;

CREATE FUNCTION posthorn.settle() RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
BEGIN
    INSERT INTO instance (system_identifier, database_oid)
    SELECT h.system_identifier, h.database_oid FROM here() h WHERE NOT EXISTS (SELECT FROM instance)
    ON CONFLICT DO NOTHING;
    RETURN is_copy();
END
$$;
COMMENT ON FUNCTION posthorn.settle() IS
    'Notes where it sends from, unless that is known; answers as posthorn.is_copy(). For dispatchers that start.';
GRANT EXECUTE ON FUNCTION posthorn.settle() TO posthorn_dispatcher;

CREATE FUNCTION posthorn.resume() RETURNS boolean
LANGUAGE plpgsql SET search_path = posthorn, pg_temp
AS $$
DECLARE
    before jsonb;
BEGIN
    -- whoever else says it at this moment waits, and then has nothing to say
    LOCK TABLE instance IN SHARE ROW EXCLUSIVE MODE;
    IF is_copy() IS FALSE THEN
        RETURN false;
    END IF;
    before := (SELECT jsonb_agg(to_jsonb(i)) FROM instance i);
    DELETE FROM instance;
    PERFORM settle();
    -- of no tenant: it is the whole instance
    INSERT INTO audit_log (tenant_id, actor, action, target_type, target_id, details)
    SELECT '00000000-0000-0000-0000-000000000000', current_actor(), 'instance.resumed', 'instance',
        i.system_identifier || '/' || i.database_oid, jsonb_build_object('before', before)
    FROM instance i;
    RETURN true;
END
$$;
COMMENT ON FUNCTION posthorn.resume() IS
    'Says that a restored copy may send from now on; false: it sends already. For posthorn_owner. What waits is sent: cancel first what must not be.';

-- an installation whose dispatchers run: one of the binary before this goes on claiming beside a new one
SELECT posthorn.settle() WHERE EXISTS (SELECT FROM posthorn.dispatchers);
