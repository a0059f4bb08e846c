-- What: ids, the current tenant, the size limit and the wake-up: the functions every later table leans on.
-- Why:  schema and roles exist already (sql/schema/bootstrap.sql); nothing is executable by PUBLIC from here on.
-- Lock: none that traffic could wait for. Safe beside an older binary: yes, there is none.
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
GRANT USAGE ON SCHEMA posthorn TO posthorn_publisher, posthorn_api, posthorn_dispatcher, posthorn_readonly;

COMMENT ON SCHEMA posthorn IS 'Posthorn: webhooks straight from Postgres. Business modules INSERT into posthorn.outbox; everything else follows.';
COMMENT ON TABLE posthorn.schema_history IS 'Migrations applied to this schema, kept by the migration runner.';
COMMENT ON COLUMN posthorn.schema_history.version IS 'Number of the migration; a binary refuses a schema newer than its own newest.';
COMMENT ON COLUMN posthorn.schema_history.name IS 'Name of the migration file.';
COMMENT ON COLUMN posthorn.schema_history.applied_on IS 'When it was applied, RFC 3339.';
COMMENT ON COLUMN posthorn.schema_history.checksum IS 'Checksum of the file, so that an edited migration is noticed.';

-- gen_random_uuid() as a key halves producers and writes eight times the WAL on big tables; time-ordered keys do not,
-- and their first 48 bits (milliseconds) let days be RANGE partitions over the id itself.
CREATE FUNCTION posthorn.uuid7() RETURNS uuid
LANGUAGE sql VOLATILE PARALLEL SAFE
RETURN encode(
    set_bit(set_bit(
        overlay(uuid_send(gen_random_uuid())
            PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6),
        52, 1), 53, 1), 'hex')::uuid;
COMMENT ON FUNCTION posthorn.uuid7() IS 'A new UUIDv7 (RFC 9562): 48 bits of milliseconds, then random bits.';

CREATE FUNCTION posthorn.first_id_of(day date) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN encode(
    substring(int8send((extract(epoch FROM day::timestamp) * 1000)::bigint) FROM 3)
        || '\x00000000000000000000'::bytea, 'hex')::uuid;
COMMENT ON FUNCTION posthorn.first_id_of(date) IS 'The smallest UUIDv7 of a day in UTC: the bound of that day''s partition.';

-- After a transaction-local set_config the setting reads as '' and not NULL, and ''::uuid would raise.
CREATE FUNCTION posthorn.current_tenant() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('posthorn.tenant_id', true), '')::uuid;
COMMENT ON FUNCTION posthorn.current_tenant() IS 'The tenant this transaction acts for (posthorn.tenant_id), or NULL: then row security shows nothing.';

CREATE FUNCTION posthorn.payload_fits(payload jsonb) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN octet_length(payload::text)
    <= coalesce(nullif(current_setting('posthorn.max_payload_bytes', true), '')::integer, 262144);
COMMENT ON FUNCTION posthorn.payload_fits(jsonb) IS
    'Whether a payload is small enough as printed (jsonb can print 13 MB from 1.6 kB stored). Limit: setting posthorn.max_payload_bytes, 256 KiB unless set.';

-- The wake-up gate. NOTIFY in every commit takes one lock of the whole cluster through the WAL flush (32 producers with
-- a 1 ms flush: 1,780 -> 114 transactions/s), so producers notify only while a dispatcher sleeps. A sleeping dispatcher
-- holds the lock exclusively. Who gets it shared keeps it until after its commit is visible, and no dispatcher falls
-- asleep before that; who does not get it sends NOTIFY, which is delivered at commit. Either way nothing is missed.
-- posthorn.notify = off skips the lock as well: a prepared transaction would hold it until COMMIT PREPARED.
CREATE FUNCTION posthorn.wake() RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = posthorn, pg_temp
AS $$
BEGIN
    IF coalesce(current_setting('posthorn.notify', true), '') <> 'off'
       AND NOT pg_try_advisory_xact_lock_shared(1886352488, 1) THEN
        PERFORM pg_notify('posthorn_wake', '');
    END IF;
END
$$;
COMMENT ON FUNCTION posthorn.wake() IS 'Tells a sleeping dispatcher, at commit, that there is work. Costs nothing while one is awake.';

GRANT EXECUTE ON FUNCTION posthorn.uuid7(), posthorn.payload_fits(jsonb)
    TO posthorn_publisher, posthorn_api, posthorn_dispatcher;
GRANT EXECUTE ON FUNCTION posthorn.current_tenant(), posthorn.wake() TO posthorn_api, posthorn_dispatcher, posthorn_readonly;
GRANT EXECUTE ON FUNCTION posthorn.first_id_of(date) TO posthorn_dispatcher, posthorn_readonly;

-- Whoever serves may see whether the schema is the one it needs.
CREATE FUNCTION posthorn.schema_version() RETURNS integer
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$ SELECT coalesce(max(h.version), 0) FROM schema_history h $$;
COMMENT ON FUNCTION posthorn.schema_version() IS 'Number of the newest migration applied.';
GRANT EXECUTE ON FUNCTION posthorn.schema_version() TO posthorn_api, posthorn_dispatcher, posthorn_readonly;
