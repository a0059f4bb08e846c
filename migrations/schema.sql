-- What the migrations make, as pg_dump of PostgreSQL 15 prints it; kept by tests/it/schema.rs.
--
-- PostgreSQL database dump
--



SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: posthorn; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA posthorn;


--
-- Name: SCHEMA posthorn; Type: COMMENT; Schema: -; Owner: -
--

COMMENT ON SCHEMA posthorn IS 'Posthorn: webhooks straight from Postgres. Business modules INSERT into posthorn.outbox; everything else follows.';


--
-- Name: posthorn_webhooks; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA posthorn_webhooks;


--
-- Name: SCHEMA posthorn_webhooks; Type: COMMENT; Schema: -; Owner: -
--

COMMENT ON SCHEMA posthorn_webhooks IS 'Deliveries and subscriptions in a plain shape, for short queries: SET search_path = posthorn_webhooks.';


--
-- Name: add_counts(integer[], integer[]); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.add_counts(a integer[], b integer[]) RETURNS integer[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ARRAY[((a)[1] + (b)[1]), ((a)[2] + (b)[2]), ((a)[3] + (b)[3]), ((a)[4] + (b)[4]), ((a)[5] + (b)[5]), ((a)[6] + (b)[6]), ((a)[7] + (b)[7]), ((a)[8] + (b)[8]), ((a)[9] + (b)[9]), ((a)[10] + (b)[10]), ((a)[11] + (b)[11]), ((a)[12] + (b)[12]), ((a)[13] + (b)[13]), ((a)[14] + (b)[14]), ((a)[15] + (b)[15]), ((a)[16] + (b)[16]), ((a)[17] + (b)[17]), ((a)[18] + (b)[18]), ((a)[19] + (b)[19]), ((a)[20] + (b)[20]), ((a)[21] + (b)[21]), ((a)[22] + (b)[22]), ((a)[23] + (b)[23]), ((a)[24] + (b)[24])];


--
-- Name: FUNCTION add_counts(a integer[], b integer[]); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.add_counts(a integer[], b integer[]) IS 'Two histograms added up.';


--
-- Name: add_erasure(uuid, jsonb, uuid, uuid, bigint, boolean); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.add_erasure(tenant uuid, wanted jsonb, after_id uuid, before_id uuid, total bigint, is_total_exact boolean) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $_$
DECLARE
    added uuid;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(tenant::text, 1886352490));
    IF (SELECT count(*) FROM jobs j WHERE j.tenant_id = tenant AND j.state IN ('waiting', 'running')) >= 3 THEN
        RAISE EXCEPTION 'tenant % has three unfinished jobs', tenant USING ERRCODE = 'configuration_limit_exceeded',
            HINT = 'Wait for one, or end one with posthorn.cancel_job(id).';
    END IF;
    -- what is published and not committed yet is meant too
    INSERT INTO jobs (tenant_id, kind, filter, total, is_total_exact, position, before_id, waits_for, created_by)
    VALUES (tenant, 'erase', wanted, $5, $6, after_id, $4, open_publishers(), left(current_actor(), 200))
    RETURNING id INTO added;
    PERFORM audit_for(tenant, 'job.created', 'job', added::text, jsonb_build_object('kind', 'erase', 'filter', erasure_criteria(wanted), 'total', $5));
    IF coalesce(current_setting('posthorn.notify', true), '') <> 'off' THEN
        PERFORM pg_notify('posthorn_wake', 'jobs');
    END IF;
    RETURN added;
END
$_$;


--
-- Name: FUNCTION add_erasure(tenant uuid, wanted jsonb, after_id uuid, before_id uuid, total bigint, is_total_exact boolean); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.add_erasure(tenant uuid, wanted jsonb, after_id uuid, before_id uuid, total bigint, is_total_exact boolean) IS 'Part of erase(): makes a job of it.';


--
-- Name: add_job(text, uuid, jsonb); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.add_job(kind text, subscription uuid, wanted jsonb) RETURNS uuid
    LANGUAGE plpgsql
    SET search_path TO 'posthorn', 'pg_temp'
    AS $_$
DECLARE
    ids record := ids_of_job(wanted);
    counted record := count_job(kind, subscription, wanted, ids.after_id, ids.before_id);
    added uuid;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(current_tenant()::text, 1886352490));
    DELETE FROM jobs j WHERE j.tenant_id = current_tenant() AND j.finished_at < now() - interval '90 days';
    IF (SELECT count(*) FROM jobs j WHERE j.tenant_id = current_tenant() AND j.state IN ('waiting', 'running')) >= 3 THEN
        RETURN NULL;
    END IF;
    INSERT INTO jobs (tenant_id, kind, subscription_id, filter, total, is_total_exact, position, before_id, waits_for, created_by)
    VALUES (current_tenant(), $1, $2, $3, counted.total, counted.is_total_exact, ids.after_id, ids.before_id,
        CASE WHEN $1 = 'backfill' THEN open_publishers() ELSE '{}' END, left(current_actor(), 200))
    RETURNING jobs.id INTO added;
    PERFORM audit('job.created', 'job', added::text,
        jsonb_build_object('kind', kind, 'subscription_id', subscription, 'filter', wanted, 'total', counted.total));
    IF coalesce(current_setting('posthorn.notify', true), '') <> 'off' THEN
        PERFORM pg_notify('posthorn_wake', 'jobs');
    END IF;
    RETURN added;
END
$_$;


--
-- Name: FUNCTION add_job(kind text, subscription uuid, wanted jsonb); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.add_job(kind text, subscription uuid, wanted jsonb) IS 'Makes a job of the current tenant: retry, replay, backfill or cancel; answers with its id, NULL when the tenant has three unfinished ones.';


--
-- Name: are_event_patterns(text[]); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.are_event_patterns(patterns text[]) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (((cardinality(patterns) >= 1) AND (cardinality(patterns) <= 100)) AND (NOT (EXISTS (SELECT FROM unnest(are_event_patterns.patterns) p(pattern) WHERE ((p.pattern IS NULL) OR (char_length(p.pattern) > 100) OR (p.pattern !~ '^(\*|[a-z0-9_]+(\.[a-z0-9_]+)*\.\*|[a-z0-9_]+(\.[a-z0-9_]+)+)$'::text))))));


--
-- Name: FUNCTION are_event_patterns(patterns text[]); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.are_event_patterns(patterns text[]) IS 'Whether these are 1 to 100 event names (invoice.created), patterns of whole segments (invoice.*) or *.';


--
-- Name: ask_control(text, uuid, uuid, jsonb, integer, boolean); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.ask_control(kind text, tenant_id uuid, subscription_id uuid, wanted jsonb, at_most integer, dry_run boolean, OUT matched bigint, OUT changed bigint, OUT skipped bigint, OUT job_id uuid) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO 'posthorn', 'pg_temp'
    AS $_$
BEGIN
    IF pg_has_role('posthorn_admin', 'USAGE') THEN
        SELECT c.matched, c.changed, c.skipped, c.job_id INTO matched, changed, skipped, job_id
        FROM control_as_operator($2, $1, $3, jsonb_strip_nulls($4), $5, $6) c;
    ELSIF $2 IS DISTINCT FROM current_tenant() AND $2 IS NOT NULL THEN
        RAISE EXCEPTION 'this transaction does not act for that tenant' USING ERRCODE = 'insufficient_privilege';
    ELSE
        SELECT c.matched, c.changed, c.skipped, c.job_id INTO matched, changed, skipped, job_id
        FROM control_as_tenant($1, $3, jsonb_strip_nulls($4), $5, $6) c;
    END IF;
END
$_$;


--
-- Name: FUNCTION ask_control(kind text, tenant_id uuid, subscription_id uuid, wanted jsonb, at_most integer, dry_run boolean, OUT matched bigint, OUT changed bigint, OUT skipped bigint, OUT job_id uuid); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.ask_control(kind text, tenant_id uuid, subscription_id uuid, wanted jsonb, at_most integer, dry_run boolean, OUT matched bigint, OUT changed bigint, OUT skipped bigint, OUT job_id uuid) IS 'Part of retry(), cancel(), replay() and backfill(): as the current tenant or, of a posthorn_admin, as the operator.';


--
-- Name: attach(regclass, text, text, text, text, text, text[], text, text, boolean); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.attach(source regclass, resource text, tenant text, on_insert text DEFAULT 'created'::text, on_update text DEFAULT 'updated'::text, on_delete text DEFAULT 'deleted'::text, columns text[] DEFAULT NULL::text[], "when" text DEFAULT NULL::text, id text DEFAULT NULL::text, ordered boolean DEFAULT false) RETURNS text[]
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_variable
DECLARE
    operations CONSTANT text[] := '{INSERT,UPDATE,DELETE}';
    transitions CONSTANT text[] := '{NEW TABLE AS new_rows,OLD TABLE AS old_rows NEW TABLE AS new_rows,OLD TABLE AS old_rows}';
    -- a word is the last segment of the name
    events CONSTANT text[] := ARRAY(SELECT CASE WHEN e.name ~ '\.' THEN e.name ELSE resource || '.' || e.name END
        FROM unnest(ARRAY[on_insert, on_update, on_delete]) WITH ORDINALITY AS e (name, place) ORDER BY e.place);
    no_rows CONSTANT text := format('(SELECT r.* FROM %s AS r LIMIT 0)', source);
    relation pg_class;
    label text;
    function text;
    settings jsonb;
    body text := '';
BEGIN
    PERFORM posthorn.check_attachment(source, resource, events, columns);
    IF tenant IS NULL OR ordered IS NULL THEN
        RAISE EXCEPTION 'tenant and ordered must not be NULL' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT c.* INTO relation FROM pg_class c WHERE c.oid = source;
    label := left(btrim(regexp_replace(lower(relation.relname || '_' || resource), '[^a-z0-9]+', '_', 'g'), '_'), 36)
        || '_' || left(md5(relation.relname || ' ' || resource), 8);
    function := format('%s.%I', relation.relnamespace::regnamespace, 'posthorn_' || label);
    settings := jsonb_build_object('resource', resource, 'events', events, 'columns', columns, 'when', "when", 'tenant', tenant, 'id', id,
        'ordered', ordered, 'attached_by', current_user, 'attached_at', now(),
        'keys', posthorn.attached_keys(source, id), 'tenant_is_column', EXISTS (
            SELECT FROM pg_attribute a WHERE a.attrelid = source AND a.attname = tenant AND a.attnum > 0 AND NOT a.attisdropped));
    PERFORM posthorn.detach(source, resource);
    FOR place IN 1 .. 3 LOOP
        CONTINUE WHEN events[place] IS NULL;
        -- tried on no rows: a mistake in an expression is an error now, and not of whoever writes first
        EXECUTE 'EXPLAIN ' || posthorn.attached_insert(operations[place], no_rows, no_rows, source, settings);
        body := body || format(E'    IF TG_OP = %L THEN\n', operations[place])
            || posthorn.attached_insert(operations[place], 'old_rows', 'new_rows', source, settings) || E';\n    END IF;\n';
    END LOOP;
    body := E'\n#variable_conflict use_column\nBEGIN\n'
        || E'    IF coalesce(current_setting(''posthorn.mute'', true), '''') = ''on'' THEN\n        RETURN NULL;\n    END IF;\n'
        || body || E'    RETURN NULL;\nEND\n';
    -- left over from a table that was dropped; not replaced, since it could be somebody else's
    IF to_regprocedure(function || '()') IS NOT NULL THEN
        EXECUTE format('DROP FUNCTION %s()', function);
    END IF;
    -- times in UTC, whoever writes; compiling the statement would take longer than it does
    EXECUTE format('CREATE FUNCTION %s() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER '
        'SET search_path = pg_catalog, pg_temp SET timezone = ''UTC'' SET jit = off AS %L', function, body);
    EXECUTE format('COMMENT ON FUNCTION %s() IS %L', function,
        format('Publishes changes of %s as events of %s. Made by posthorn.attach(); posthorn.detach() drops it.', source, resource));
    -- else whoever has a table could publish through it
    EXECUTE format('REVOKE ALL ON FUNCTION %s() FROM PUBLIC', function);
    IF relation.relowner <> (SELECT r.oid FROM pg_roles r WHERE r.rolname = current_user) THEN
        EXECUTE format('ALTER FUNCTION %s() OWNER TO %s', function, relation.relowner::regrole);
    END IF;
    FOR place IN 1 .. 3 LOOP
        CONTINUE WHEN events[place] IS NULL;
        EXECUTE format('CREATE TRIGGER %I AFTER %s ON %s REFERENCING %s FOR EACH STATEMENT EXECUTE FUNCTION %s(%L)',
            'posthorn_' || lower(operations[place]) || '_' || label, operations[place], source, transitions[place], function,
            settings - '{keys,tenant_is_column}'::text[]);
    END LOOP;
    RETURN events;
END
$$;


--
-- Name: FUNCTION attach(source regclass, resource text, tenant text, on_insert text, on_update text, on_delete text, columns text[], "when" text, id text, ordered boolean); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.attach(source regclass, resource text, tenant text, on_insert text, on_update text, on_delete text, columns text[], "when" text, id text, ordered boolean) IS 'Makes a table publish its changes: tenant is a column or an expression over this, "when" a condition on OLD and NEW; on_insert, on_update and on_delete are names of events, a word for the last segment, or NULL. For the table''s owner, a posthorn_publisher. Attaching again replaces.';


--
-- Name: attached_insert(text, text, text, regclass, jsonb); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.attached_insert(operation text, old_rows text, new_rows text, source regclass, settings jsonb) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
DECLARE
    keys CONSTANT text[] := ARRAY(SELECT jsonb_array_elements_text(settings -> 'keys'));
    o_key CONSTANT text := CASE operation WHEN 'INSERT' THEN 'NULL' ELSE format('o.%I', keys[1]) END;
    n_key CONSTANT text := CASE operation WHEN 'DELETE' THEN 'NULL' ELSE format('n.%I', keys[1]) END;
    -- the row that the event is about, and both as they are seen by expressions
    this CONSTANT text := CASE operation WHEN 'DELETE' THEN 'o' ELSE 'n' END;
    old_star CONSTANT text := CASE operation WHEN 'INSERT' THEN format('(NULL::%s).*', source) ELSE 'o.*' END;
    new_star CONSTANT text := CASE operation WHEN 'DELETE' THEN format('(NULL::%s).*', source) ELSE 'n.*' END;
    json text := 'to_jsonb(%1$s.*)';
    id text := (SELECT string_agg(format('%%1$s.%s::text', replace(quote_ident(k.name), '%', '%%')), ', ' ORDER BY k.place)
                FROM unnest(keys) WITH ORDINALITY AS k (name, place));
    tenant text := '%1$s.' || replace(quote_ident(settings ->> 'tenant'), '%', '%%');
    per_row text;
BEGIN
    IF jsonb_typeof(settings -> 'columns') = 'array' THEN
        json := (SELECT '(SELECT to_jsonb(c.*) FROM (SELECT '
                || string_agg('%1$s.' || replace(quote_ident(c.name), '%', '%%'), ', ' ORDER BY c.place) || ') AS c)'
            FROM jsonb_array_elements_text(settings -> 'columns') WITH ORDINALITY AS c (name, place));
    END IF;
    IF cardinality(keys) > 1 THEN
        id := format('concat_ws('','', %s)', id);
    END IF;
    IF NOT (settings ->> 'tenant_is_column')::boolean THEN
        tenant := format(E'(SELECT (\n%s\n) FROM (SELECT %%1$s.*) AS this)', replace(settings ->> 'tenant', '%', '%%'));
    END IF;
    -- of a row whose key or tenant changed only one side is there
    per_row := CASE operation WHEN 'UPDATE' THEN 'CASE WHEN ' || replace(n_key, '%', '%%') || ' IS NULL THEN %s ELSE %s END' END;
    RETURN 'INSERT INTO posthorn.outbox (tenant_id, event, payload, resource_type, resource_id, ordering_key)'
        || E'\nSELECT coalesce(p.tenant_id::uuid, posthorn.no_tenant(' || quote_literal(source::text) || E')), p.event,\n'
        || E'    CASE WHEN d.changes IS NULL THEN p.payload ELSE p.payload || jsonb_build_object(''changes'', d.changes) END,\n'
        || format('    %L, p.id, ', settings ->> 'resource')
        || CASE WHEN (settings ->> 'ordered')::boolean THEN format('%L || p.id', (settings ->> 'resource') || ':') ELSE 'NULL' END
        || E'\nFROM '
        || CASE operation
            WHEN 'INSERT' THEN new_rows || ' AS n'
            WHEN 'DELETE' THEN old_rows || ' AS o'
            ELSE old_rows || ' AS o FULL JOIN ' || new_rows || ' AS n ON '
                || (SELECT string_agg(format('o.%1$I = n.%1$I', k.name), ' AND ') FROM unnest(keys) AS k (name))
                -- else the next tenant would be told what the row was when it was another's
                || format(' AND coalesce(%s::text, '''') = coalesce(%s::text, '''')', format(tenant, 'o'), format(tenant, 'n'))
           END
        || E'\nCROSS JOIN LATERAL (SELECT '
        || CASE operation
            WHEN 'UPDATE' THEN format('CASE WHEN %s IS NULL THEN %s WHEN %s IS NULL THEN %s ELSE %s END', o_key,
                quote_nullable(settings #>> '{events,0}'), n_key, quote_nullable(settings #>> '{events,2}'),
                quote_nullable(settings #>> '{events,1}'))
            ELSE quote_literal(settings #>> CASE operation WHEN 'INSERT' THEN '{events,0}' ELSE '{events,2}' END::text[])
           END || E' AS event,\n    '
        || coalesce(format(per_row, format(tenant, 'o'), format(tenant, 'n')), format(tenant, this)) || E' AS tenant_id,\n    '
        || coalesce(format(per_row, format(id, 'o'), format(id, 'n')), format(id, this)) || E' AS id,\n    '
        || coalesce(format(per_row, format(json, 'o'), format(json, 'n')), format(json, this)) || E' AS payload,\n    '
        || CASE operation WHEN 'UPDATE' THEN format(json, 'o') ELSE 'NULL::jsonb' END
        || E' AS was OFFSET 0) AS p\n'
        || 'CROSS JOIN LATERAL (SELECT ' || CASE operation
            WHEN 'UPDATE' THEN format('CASE WHEN %s IS NOT NULL AND %s IS NOT NULL THEN (', o_key, n_key)
                || 'SELECT jsonb_object_agg(c.key, jsonb_build_object(''old'', p.was -> c.key, ''new'', c.value)) '
                || 'FROM jsonb_each(p.payload) AS c WHERE p.was -> c.key IS DISTINCT FROM c.value) END'
            ELSE 'NULL::jsonb' END
        || E' AS changes OFFSET 0) AS d\nWHERE p.event IS NOT NULL'
        || CASE operation
            -- what had no tenant is no loss to anybody
            WHEN 'UPDATE' THEN format(' AND (d.changes IS NOT NULL OR %s IS NULL OR %s IS NULL AND p.tenant_id IS NOT NULL)', o_key, n_key)
            ELSE '' END
        || coalesce(E'\n  AND (SELECT (\n' || (settings ->> 'when')
            || format(E'\n) FROM (SELECT %s) AS new, (SELECT %s) AS old)', new_star, old_star), '');
END
$_$;


--
-- Name: FUNCTION attached_insert(operation text, old_rows text, new_rows text, source regclass, settings jsonb); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.attached_insert(operation text, old_rows text, new_rows text, source regclass, settings jsonb) IS 'Part of attach(): the statement that publishes the rows of an operation, from the names of its transition tables.';


--
-- Name: attached_keys(regclass, text); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.attached_keys(source regclass, id text) RETURNS text[]
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
DECLARE
    keys text[];
BEGIN
    SELECT array_agg(a.attname::text ORDER BY k.place) INTO keys
    FROM pg_index i
    CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
    WHERE i.indrelid = source AND k.place <= i.indnkeyatts AND i.indisvalid AND i.indpred IS NULL
      AND CASE WHEN $2 IS NULL THEN i.indisprimary ELSE i.indisunique AND i.indnkeyatts = 1 AND a.attname = $2 AND a.attnotnull END
    GROUP BY i.indexrelid
    LIMIT 1;
    IF keys IS NULL AND id IS NULL THEN
        RAISE EXCEPTION '% has no primary key', source
            USING ERRCODE = 'invalid_table_definition', HINT = 'Name a column that is NOT NULL and UNIQUE: id => ''…''.';
    ELSIF keys IS NULL THEN
        RAISE EXCEPTION '% has no column % that is NOT NULL and UNIQUE', source, quote_ident(id) USING ERRCODE = 'invalid_table_definition';
    END IF;
    RETURN keys;
END
$_$;


--
-- Name: FUNCTION attached_keys(source regclass, id text); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.attached_keys(source regclass, id text) IS 'Part of attach(): the columns that tell a table''s rows apart, or an error.';


--
-- Name: attachment(bytea); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.attachment(arguments bytea, OUT resource text, OUT events text[], OUT columns text[], OUT "when" text, OUT tenant text, OUT id text, OUT ordered boolean, OUT attached_by text, OUT attached_at timestamp with time zone) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
DECLARE
    settings jsonb;
BEGIN
    settings := convert_from(substring(arguments FOR octet_length(arguments) - 1), getdatabaseencoding())::jsonb;
    resource := settings ->> 'resource';
    events := ARRAY(SELECT jsonb_array_elements_text(settings -> 'events'));
    IF jsonb_typeof(settings -> 'columns') = 'array' THEN
        columns := ARRAY(SELECT jsonb_array_elements_text(settings -> 'columns'));
    END IF;
    "when" := settings ->> 'when';
    tenant := settings ->> 'tenant';
    id := settings ->> 'id';
    ordered := (settings ->> 'ordered')::boolean;
    attached_by := settings ->> 'attached_by';
    attached_at := (settings ->> 'attached_at')::timestamptz;
EXCEPTION WHEN OTHERS THEN
    resource := NULL;
END
$$;


--
-- Name: FUNCTION attachment(arguments bytea, OUT resource text, OUT events text[], OUT columns text[], OUT "when" text, OUT tenant text, OUT id text, OUT ordered boolean, OUT attached_by text, OUT attached_at timestamp with time zone); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.attachment(arguments bytea, OUT resource text, OUT events text[], OUT columns text[], OUT "when" text, OUT tenant text, OUT id text, OUT ordered boolean, OUT attached_by text, OUT attached_at timestamp with time zone) IS 'What the arguments of a trigger of attach() say (pg_trigger.tgargs); resource is NULL: it is none of these.';


--
-- Name: audit(text, text, text, jsonb); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.audit(action text, target_type text, target_id text, details jsonb DEFAULT NULL::jsonb) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $_$
BEGIN
    IF current_tenant() IS NULL THEN
        RAISE EXCEPTION 'this transaction acts for no tenant' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN audit_for(current_tenant(), $1, $2, $3, $4);
END
$_$;


--
-- Name: FUNCTION audit(action text, target_type text, target_id text, details jsonb); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.audit(action text, target_type text, target_id text, details jsonb) IS 'Adds a row to the current tenant''s audit log, for what no trigger sees as one thing, such as a bulk operation.';


--
-- Name: audit_for(uuid, text, text, text, jsonb); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.audit_for(tenant_id uuid, action text, target_type text, target_id text, details jsonb DEFAULT NULL::jsonb) RETURNS uuid
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $_$
    INSERT INTO audit_log (tenant_id, actor, action, target_type, target_id, details)
    VALUES ($1, current_actor(), $2, $3, $4, $5)
    RETURNING id
$_$;


--
-- Name: FUNCTION audit_for(tenant_id uuid, action text, target_type text, target_id text, details jsonb); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.audit_for(tenant_id uuid, action text, target_type text, target_id text, details jsonb) IS 'Adds a row to a tenant''s audit log; for dispatchers.';


--
-- Name: audited_action(text, text, jsonb, jsonb); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.audited_action(kind text, operation text, old_row jsonb, new_row jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (operation = 'INSERT'::text) THEN (kind || '.created'::text) WHEN (operation = 'DELETE'::text) THEN (kind || '.deleted'::text) WHEN ((kind = 'subscription'::text) AND ((old_row -> 'status'::text) <> (new_row -> 'status'::text))) THEN ((kind || '.'::text) || CASE (new_row ->> 'status'::text) WHEN 'active'::text THEN 'enabled'::text WHEN 'inactive'::text THEN 'disabled'::text ELSE (new_row ->> 'status'::text) END) WHEN ((kind = 'subscription'::text) AND ((old_row -> 'secret'::text) <> (new_row -> 'secret'::text))) THEN 'secret.rotated'::text WHEN ((old_row ? 'revoked_at'::text) AND ((old_row -> 'revoked_at'::text) = 'null'::jsonb) AND ((new_row -> 'revoked_at'::text) <> 'null'::jsonb)) THEN (kind || '.revoked'::text) WHEN ((old_row ? 'disabled_at'::text) AND ((old_row -> 'disabled_at'::text) = 'null'::jsonb) AND ((new_row -> 'disabled_at'::text) <> 'null'::jsonb)) THEN (kind || '.disabled'::text) WHEN ((old_row ? 'disabled_at'::text) AND ((old_row -> 'disabled_at'::text) <> 'null'::jsonb) AND ((new_row -> 'disabled_at'::text) = 'null'::jsonb)) THEN (kind || '.enabled'::text) ELSE (kind || '.updated'::text) END;


--
-- Name: FUNCTION audited_action(kind text, operation text, old_row jsonb, new_row jsonb); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.audited_action(kind text, operation text, old_row jsonb, new_row jsonb) IS 'The name of a change in the audit log.';


--
-- Name: audited_value(text, jsonb); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.audited_value(column_name text, value jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN ((value IS NULL) OR (value = 'null'::jsonb)) THEN 'null'::jsonb WHEN ((column_name ~ '(secret|sha256|password|token|credential|private|sealed|client_key|auth|headers$)'::text) AND (column_name !~ '_(at|until|type)$'::text)) THEN '"***"'::jsonb WHEN ((value)::text ~ '^"\\\\x[0-9a-f]*"$'::text) THEN '"***"'::jsonb ELSE value END;


--
-- Name: FUNCTION audited_value(column_name text, value jsonb); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.audited_value(column_name text, value jsonb) IS 'What the audit log shows of a column: *** for secrets.';


--
-- Name: backfill(uuid, timestamp with time zone, timestamp with time zone, uuid, integer, boolean); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.backfill(subscription_id uuid, since timestamp with time zone, until timestamp with time zone DEFAULT NULL::timestamp with time zone, tenant_id uuid DEFAULT NULL::uuid, at_most integer DEFAULT 10000, dry_run boolean DEFAULT false) RETURNS TABLE(matched bigint, changed bigint, skipped bigint, job_id uuid)
    LANGUAGE sql
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
    SELECT c.matched, c.changed, c.skipped, c.job_id FROM ask_control('backfill', tenant_id, subscription_id,
        jsonb_build_object('since', since, 'until', until), at_most, dry_run) c
$$;


--
-- Name: FUNCTION backfill(subscription_id uuid, since timestamp with time zone, until timestamp with time zone, tenant_id uuid, at_most integer, dry_run boolean); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.backfill(subscription_id uuid, since timestamp with time zone, until timestamp with time zone, tenant_id uuid, at_most integer, dry_run boolean) IS 'Gives a subscription the events since then that it wants and has no delivery of; more than at_most, while others are publishing or under REPEATABLE READ, by a job after the commit. dry_run only counts.';


--
-- Name: backfill_chunk(uuid, uuid, uuid, uuid, integer, boolean, boolean); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.backfill_chunk(tenant uuid, subscription uuid, after_id uuid, before_id uuid, most integer, gives_up boolean, is_dry boolean, OUT "position" uuid, OUT looked_at integer, OUT changed integer, OUT skipped integer, OUT is_last boolean) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
    SET enable_sort TO 'on'
    SET enable_seqscan TO 'off'
    AS $$
DECLARE
    began_at CONSTANT timestamptz := clock_timestamp();
    receiver record;
    candidate record;
    end_id uuid;
    counted integer;
    this_millisecond text := '';
    wanted boolean;
    failure text;
    added integer;
BEGIN
    looked_at := 0;
    changed := 0;
    skipped := 0;
    is_last := true;
    "position" := after_id;
    SELECT s.events, s.filter, s.ordered, is_cheap_filter(s.filter) AS is_cheap INTO receiver
    FROM webhook_subscriptions s WHERE s.id = subscription AND s.tenant_id = tenant AND s.status <> 'deleted';
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT count(*), (array_agg(e.id ORDER BY e.id DESC))[1] INTO counted, end_id
    FROM (SELECT o.id FROM outbox o WHERE o.tenant_id = tenant AND o.id > after_id AND o.id < before_id ORDER BY o.id LIMIT most) e;
    is_last := counted < most;
    IF is_last THEN
        end_id := before_id;
    ELSE
        -- the whole of its millisecond
        end_id := least(before_id, (lpad(to_hex(('x' || left(replace(end_id::text, '-', ''), 12))::bit(48)::bigint + 1), 12, '0')
            || repeat('0', 20))::uuid);
    END IF;
    IF NOT is_dry THEN
        PERFORM pg_advisory_xact_lock(hashtextextended(subscription::text, 1886352489));
        PERFORM FROM event_fanouts f
        WHERE f.event_id IN (SELECT o.id FROM outbox o WHERE o.tenant_id = tenant AND o.id > after_id AND o.id < end_id)
          AND f.state = 'open'
        ORDER BY f.event_id FOR UPDATE;
    END IF;

    FOR candidate IN
        SELECT o.id, o.event, o.payload, o.deliver_after, o.ordering_key, left(o.id::text, 13) AS millisecond,
            receiver.events && event_patterns(o.event) AS is_matched
        FROM outbox o
        WHERE o.tenant_id = tenant AND o.id > after_id AND o.id < end_id AND o.erased_at IS NULL
        ORDER BY left(o.id::text, 13), o.tableoid, o.ctid
    LOOP
        IF looked_at > 0 AND candidate.millisecond <> this_millisecond AND clock_timestamp() > began_at + interval '2 s' THEN
            -- a filter that takes its time: the rest is for the next chunk
            end_id := (replace(candidate.millisecond, '-', '') || repeat('0', 20))::uuid;
            is_last := false;
            EXIT;
        END IF;
        this_millisecond := candidate.millisecond;
        looked_at := looked_at + 1;
        CONTINUE WHEN NOT candidate.is_matched
            OR EXISTS (SELECT FROM event_fanouts f WHERE f.event_id = candidate.id AND f.state IN ('muted', 'cancelled', 'refused'));
        wanted := true;
        failure := NULL;
        IF receiver.filter IS NOT NULL THEN
            IF gives_up AND NOT (receiver.is_cheap AND pg_column_size(candidate.payload #> '{}') <= 16384) THEN
                failure := 'the filter takes too long on this event';
            ELSE
                BEGIN
                    wanted := candidate.payload @@ receiver.filter;
                EXCEPTION WHEN OTHERS THEN
                    failure := left('the filter fails on this event: ' || SQLERRM, 500);
                END;
            END IF;
        END IF;
        CONTINUE WHEN failure IS NULL AND wanted IS NOT TRUE;
        IF NOT is_dry THEN
            -- whoever erases it at this moment is waited for, and sees the delivery otherwise
            PERFORM FROM outbox o WHERE o.id = candidate.id AND o.erased_at IS NULL FOR SHARE;
            CONTINUE WHEN NOT FOUND;
        END IF;
        IF EXISTS (SELECT FROM webhook_deliveries d WHERE d.event_id = candidate.id AND d.subscription_id = subscription) THEN
            skipped := skipped + 1;
        ELSIF is_dry THEN
            changed := changed + 1;
        ELSIF failure IS NOT NULL THEN
            -- marked where its owner looks, and there to be retried
            INSERT INTO webhook_deliveries (event_id, tenant_id, event, subscription_id, status, finished_at, last_error_kind,
                last_error)
            VALUES (candidate.id, tenant, candidate.event, subscription, 'failed', now(), 'filter_error', failure);
            changed := changed + 1;
        ELSE
            INSERT INTO webhook_deliveries_live (event_id, tenant_id, event, due_at, subscription_id, ordering_key, ordering_number)
            VALUES (candidate.id, tenant, candidate.event, greatest(candidate.deliver_after, now()), subscription,
                CASE WHEN receiver.ordered THEN candidate.ordering_key END,
                CASE WHEN receiver.ordered AND candidate.ordering_key IS NOT NULL
                     THEN nextval('ordering_numbers') - 2305843009213693952 END)
            ON CONFLICT (event_id, subscription_id) DO NOTHING;
            GET DIAGNOSTICS added = ROW_COUNT;
            changed := changed + added;
            skipped := skipped + 1 - added;
        END IF;
    END LOOP;
    "position" := end_id;
    IF changed > 0 AND NOT is_dry THEN
        PERFORM wake();
    END IF;
END
$$;


--
-- Name: FUNCTION backfill_chunk(tenant uuid, subscription uuid, after_id uuid, before_id uuid, most integer, gives_up boolean, is_dry boolean, OUT "position" uuid, OUT looked_at integer, OUT changed integer, OUT skipped integer, OUT is_last boolean); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.backfill_chunk(tenant uuid, subscription uuid, after_id uuid, before_id uuid, most integer, gives_up boolean, is_dry boolean, OUT "position" uuid, OUT looked_at integer, OUT changed integer, OUT skipped integer, OUT is_last boolean) IS 'Gives a subscription its deliveries of the next events between two ids that it wants and has none of; is_dry only counts. For run_job and count_job.';


--
-- Name: batch_id(uuid); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.batch_id(event_id uuid) RETURNS uuid
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT encode(set_byte(set_byte(h.bytes, 6, get_byte(h.bytes, 6) & 15 | 128), 8, get_byte(h.bytes, 8) & 63 | 128), 'hex')::uuid
    FROM (SELECT substring(sha256(uuid_send(event_id)) FROM 1 FOR 16) AS bytes) h
$$;


--
-- Name: FUNCTION batch_id(event_id uuid); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.batch_id(event_id uuid) IS 'The webhook-id of a batch that holds this event alone.';


--
-- Name: bucket_bounds(); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.bucket_bounds() RETURNS integer[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '{1,2,3,5,10,20,30,50,100,200,300,500,1000,2000,3000,5000,10000,20000,30000,60000,300000,3600000,86400000}'::integer[];


--
-- Name: FUNCTION bucket_bounds(); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.bucket_bounds() IS 'Upper bounds of the first 23 buckets of a histogram, in milliseconds, exclusive; the 24th holds the rest. Neighbours differ by a factor of 2 at most, up to 30 s.';


--
-- Name: call_next_in_line(); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.call_next_in_line() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
DECLARE
    next_id uuid;
BEGIN
    -- its subscription is being deleted: everyone leaves
    IF EXISTS (SELECT FROM webhook_subscriptions s WHERE s.id = OLD.subscription_id AND s.status = 'deleted') THEN
        RETURN NULL;
    END IF;
    -- If the one found is leaving too, in a transaction that is still open, this waits for it: who comes behind both would
    -- be called by neither.
    SELECT d.id INTO next_id FROM webhook_deliveries_live d
    WHERE d.subscription_id = OLD.subscription_id AND d.ordering_key = OLD.ordering_key
    ORDER BY d.ordering_number LIMIT 1 FOR KEY SHARE;
    IF FOUND THEN
        -- whoever parked it held the row that leaves now, so this statement sees it parked, or it never will be behind it
        UPDATE webhook_deliveries_live d SET due_at = now(), updated_at = now() WHERE d.id = next_id AND d.due_at IS NULL;
        PERFORM wake();
    END IF;
    RETURN NULL;
END
$$;


--
-- Name: FUNCTION call_next_in_line(); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.call_next_in_line() IS 'Trigger: makes the next of its line due when a delivery leaves the live partition.';


--
-- Name: call_tester(); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.call_tester() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
BEGIN
    NOTIFY posthorn_tests;
    RETURN NULL;
END
$$;


--
-- Name: FUNCTION call_tester(); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.call_tester() IS 'Trigger: tells dispatchers that a test is wanted.';


--
-- Name: cancel(uuid, uuid, text, text[], text, integer, timestamp with time zone, timestamp with time zone, uuid, uuid[], uuid, text, text, text, integer, boolean); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.cancel(tenant_id uuid DEFAULT NULL::uuid, subscription_id uuid DEFAULT NULL::uuid, event text DEFAULT NULL::text, statuses text[] DEFAULT '{pending,retrying}'::text[], error_kind text DEFAULT NULL::text, status_code integer DEFAULT NULL::integer, since timestamp with time zone DEFAULT NULL::timestamp with time zone, until timestamp with time zone DEFAULT NULL::timestamp with time zone, event_id uuid DEFAULT NULL::uuid, event_ids uuid[] DEFAULT NULL::uuid[], delivery_id uuid DEFAULT NULL::uuid, resource_type text DEFAULT NULL::text, resource_id text DEFAULT NULL::text, ordering_key text DEFAULT NULL::text, at_most integer DEFAULT 10000, dry_run boolean DEFAULT false) RETURNS TABLE(matched bigint, changed bigint, skipped bigint, job_id uuid)
    LANGUAGE sql
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
    -- what is in flight is counted and left alone
    SELECT c.matched, c.changed, c.skipped, c.job_id FROM ask_control('cancel', tenant_id, subscription_id, jsonb_build_object(
        'statuses', CASE WHEN 'pending' = ANY (statuses) THEN statuses || 'sending'::text ELSE statuses END,
        'event', event, 'error_kind', error_kind, 'status_code', status_code, 'since', since, 'until', until,
        'event_ids', CASE WHEN event_id IS NULL THEN event_ids ELSE event_ids || event_id END, 'delivery_id', delivery_id,
        'resource_type', resource_type, 'resource_id', resource_id, 'ordering_key', ordering_key), at_most, dry_run) c
$$;


--
-- Name: FUNCTION cancel(tenant_id uuid, subscription_id uuid, event text, statuses text[], error_kind text, status_code integer, since timestamp with time zone, until timestamp with time zone, event_id uuid, event_ids uuid[], delivery_id uuid, resource_type text, resource_id text, ordering_key text, at_most integer, dry_run boolean); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.cancel(tenant_id uuid, subscription_id uuid, event text, statuses text[], error_kind text, status_code integer, since timestamp with time zone, until timestamp with time zone, event_id uuid, event_ids uuid[], delivery_id uuid, resource_type text, resource_id text, ordering_key text, at_most integer, dry_run boolean) IS 'Cancels deliveries that wait, and events that are still to be fanned out; what is in flight is only counted (skipped). More than at_most by a job after the commit. dry_run only counts.';


--
-- Name: cancel_chunk(uuid, uuid, jsonb, uuid, uuid, integer); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.cancel_chunk(tenant uuid, subscription uuid, wanted jsonb, after_id uuid, before_id uuid, most integer, OUT "position" uuid, OUT looked_at integer, OUT changed integer, OUT skipped integer, OUT is_last boolean) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
DECLARE
    chosen uuid[];
    held uuid[];
BEGIN
    SELECT count(*), (array_agg(p.id ORDER BY p.id DESC))[1], coalesce(array_agg(p.id ORDER BY p.id) FILTER (WHERE p.is_wanted), '{}')
    INTO looked_at, "position", chosen
    FROM pick_deliveries(tenant, subscription, wanted, after_id, before_id, most) p;
    is_last := looked_at < most;
    "position" := coalesce("position", after_id);
    held := ARRAY(
        SELECT d.id FROM unnest(chosen) AS c (id)
        JOIN webhook_deliveries d ON d.id = c.id
        WHERE d.status IN ('pending', 'retrying')
        FOR UPDATE OF d SKIP LOCKED);
    UPDATE webhook_deliveries d
    SET status = 'cancelled', finished_at = now(), updated_at = now(), lease_until = NULL, epoch = d.epoch + 1
    FROM unnest(held) AS h (id)
    WHERE d.id = h.id AND d.status IN ('pending', 'retrying');
    GET DIAGNOSTICS changed = ROW_COUNT;
    skipped := cardinality(chosen) - changed;
END
$$;


--
-- Name: FUNCTION cancel_chunk(tenant uuid, subscription uuid, wanted jsonb, after_id uuid, before_id uuid, most integer, OUT "position" uuid, OUT looked_at integer, OUT changed integer, OUT skipped integer, OUT is_last boolean); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.cancel_chunk(tenant uuid, subscription uuid, wanted jsonb, after_id uuid, before_id uuid, most integer, OUT "position" uuid, OUT looked_at integer, OUT changed integer, OUT skipped integer, OUT is_last boolean) IS 'Cancels the next waiting deliveries that a filter wants. What a dispatcher holds at this moment stays as it is.';


--
-- Name: cancel_event(uuid); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.cancel_event(event uuid, OUT is_found boolean, OUT is_fanout_cancelled boolean, OUT cancelled integer, OUT in_flight integer) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
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


--
-- Name: FUNCTION cancel_event(event uuid, OUT is_found boolean, OUT is_fanout_cancelled boolean, OUT cancelled integer, OUT in_flight integer); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.cancel_event(event uuid, OUT is_found boolean, OUT is_fanout_cancelled boolean, OUT cancelled integer, OUT in_flight integer) IS 'Cancels what waits of an event of the current tenant: its deliveries that are pending or retrying, and an open fan-out. What is in flight is only counted.';


--
-- Name: cancel_fanouts(uuid, jsonb, uuid, uuid, boolean); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.cancel_fanouts(tenant uuid, wanted jsonb, after_id uuid, before_id uuid, is_dry boolean) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
DECLARE
    chosen CONSTANT uuid[] := ARRAY(
        SELECT f.event_id FROM event_fanouts f
        JOIN outbox o ON o.id = f.event_id
        WHERE f.tenant_id = tenant AND f.state = 'open' AND f.event_id > after_id AND f.event_id < before_id
          AND (NOT wanted ? 'event_ids' OR wanted -> 'event_ids' ? f.event_id::text)
          AND (NOT wanted ? 'event' OR wanted ->> 'event' = ANY (event_patterns(o.event)))
          AND (NOT wanted ? 'ordering_key' OR o.ordering_key = wanted ->> 'ordering_key')
          AND (NOT wanted ? 'resource_id' OR (o.resource_id = wanted ->> 'resource_id' AND o.resource_type = wanted ->> 'resource_type'))
        ORDER BY f.event_id);
    cancelled bigint := cardinality(chosen);
BEGIN
    IF NOT is_dry AND cancelled > 0 THEN
        -- a dispatcher that fans one out at this moment holds it: this waits, and its deliveries are seen afterwards
        UPDATE event_fanouts f SET state = 'cancelled', reason = NULL WHERE f.event_id = ANY (chosen) AND f.state = 'open';
        GET DIAGNOSTICS cancelled = ROW_COUNT;
        PERFORM wake(); -- open events behind them in their lines can go on
    END IF;
    RETURN cancelled;
END
$$;


--
-- Name: FUNCTION cancel_fanouts(tenant uuid, wanted jsonb, after_id uuid, before_id uuid, is_dry boolean); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.cancel_fanouts(tenant uuid, wanted jsonb, after_id uuid, before_id uuid, is_dry boolean) IS 'Part of cancel(): cancels, or counts, events that are still to be fanned out.';


--
-- Name: cancel_job(uuid); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.cancel_job(job uuid, OUT state text, OUT is_changed boolean) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
BEGIN
    UPDATE jobs j SET state = 'cancelled', updated_at = now(), finished_at = now()
    WHERE j.id = job AND j.state IN ('waiting', 'running');
    is_changed := FOUND;
    IF is_changed THEN
        PERFORM audit('job.cancelled', 'job', job::text);
    END IF;
    SELECT j.state INTO state FROM jobs j WHERE j.id = job;
END
$$;


--
-- Name: FUNCTION cancel_job(job uuid, OUT state text, OUT is_changed boolean); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.cancel_job(job uuid, OUT state text, OUT is_changed boolean) IS 'Ends a job after the chunk that is under way; what it did stays. Answers with its state, NULL: there is none.';


--
-- Name: check_attachment(regclass, text, text[], text[]); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.check_attachment(source regclass, resource text, events text[], columns text[]) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
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
$_$;


--
-- Name: FUNCTION check_attachment(source regclass, resource text, events text[], columns text[]); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.check_attachment(source regclass, resource text, events text[], columns text[]) IS 'Part of attach(): refuses what cannot be attached, and says why.';


--
-- Name: check_control(uuid, text, uuid, jsonb, integer, boolean); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.check_control(tenant uuid, kind text, subscription uuid, wanted jsonb, at_most integer, dry_run boolean) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
DECLARE
    known CONSTANT text[] := CASE kind WHEN 'retry' THEN '{failed,abandoned,cancelled,retrying}' WHEN 'cancel' THEN '{pending,retrying,sending}'
        ELSE '{delivered,failed,abandoned,cancelled}' END;
    statuses CONSTANT text[] := ARRAY(SELECT jsonb_array_elements_text(wanted -> 'statuses'));
    receiver record;
    erased record;
BEGIN
    IF array_position('{retry,cancel,replay,backfill}', kind) IS NULL THEN
        RAISE EXCEPTION 'kind must be retry, cancel, replay or backfill' USING ERRCODE = 'invalid_parameter_value';
    ELSIF kind <> 'backfill' AND (statuses = '{}' OR NOT statuses <@ known) THEN
        RAISE EXCEPTION 'statuses must be some of %', array_to_string(array_remove(known, 'sending'), ', ') USING ERRCODE = 'invalid_parameter_value';
    ELSIF at_most IS NULL OR at_most NOT BETWEEN 0 AND 100000 OR dry_run IS NULL THEN
        RAISE EXCEPTION 'at_most must be 0 to 100000, and dry_run not NULL' USING ERRCODE = 'invalid_parameter_value';
    ELSIF (wanted ? 'resource_type') <> (wanted ? 'resource_id') THEN
        RAISE EXCEPTION 'resource_type and resource_id go together' USING ERRCODE = 'invalid_parameter_value';
    ELSIF jsonb_array_length(wanted -> 'event_ids') > 10000 THEN
        RAISE EXCEPTION 'event_ids are at most 10000' USING ERRCODE = 'invalid_parameter_value';
    ELSIF kind IN ('retry', 'cancel') AND subscription IS NULL AND NOT wanted
          ?| '{event,error_kind,status_code,since,until,event_ids,delivery_id,resource_id,ordering_key}' THEN
        -- a sub-select that finds nothing must not mean everything
        RAISE EXCEPTION '% of everything is to be said', kind USING ERRCODE = 'invalid_parameter_value', HINT = 'since => ''-infinity''';
    ELSIF kind = 'replay' AND NOT wanted ?| '{event_ids,delivery_id,resource_id}' AND (subscription IS NULL OR NOT wanted ? 'since') THEN
        RAISE EXCEPTION 'replay needs subscription_id and since, or events, a delivery or a resource' USING ERRCODE = 'invalid_parameter_value';
    ELSIF kind = 'backfill' AND (subscription IS NULL OR NOT wanted ? 'since') THEN
        RAISE EXCEPTION 'backfill needs a subscription and since' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF kind IN ('retry', 'replay') AND wanted ?| '{event_ids,delivery_id}' THEN
        -- all that is named; of several the others are sent
        SELECT o.id, o.erased_at INTO erased FROM outbox o
        WHERE o.tenant_id = tenant AND o.id IN (
            SELECT e.id::uuid FROM jsonb_array_elements_text(wanted -> 'event_ids') AS e (id)
            UNION ALL SELECT d.event_id FROM webhook_deliveries d WHERE d.id = (wanted ->> 'delivery_id')::uuid)
        ORDER BY o.erased_at NULLS FIRST LIMIT 1;
        IF erased.erased_at IS NOT NULL THEN
            RAISE EXCEPTION 'event % was erased at %: there is nothing left to send', erased.id, erased.erased_at
                USING ERRCODE = 'object_not_in_prerequisite_state';
        END IF;
    END IF;
    IF subscription IS NOT NULL THEN
        SELECT s.status, s.created_at INTO receiver FROM webhook_subscriptions s
        WHERE s.id = subscription AND s.tenant_id = tenant AND s.status <> 'deleted';
        IF NOT FOUND THEN
            RAISE EXCEPTION 'there is no subscription %', subscription USING ERRCODE = 'no_data_found';
        ELSIF kind IN ('replay', 'backfill') AND receiver.status <> 'active' THEN
            RAISE EXCEPTION 'subscription % is %', subscription, receiver.status USING ERRCODE = 'object_not_in_prerequisite_state';
        ELSIF kind = 'backfill' AND receiver.created_at = now() THEN
            -- others cannot see it yet, so what they publish from now to the commit would be in neither
            RAISE EXCEPTION 'subscription % is not committed yet', subscription USING ERRCODE = 'object_not_in_prerequisite_state',
                HINT = 'Commit it, then backfill it.';
        END IF;
    END IF;
END
$$;


--
-- Name: FUNCTION check_control(tenant uuid, kind text, subscription uuid, wanted jsonb, at_most integer, dry_run boolean); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.check_control(tenant uuid, kind text, subscription uuid, wanted jsonb, at_most integer, dry_run boolean) IS 'Part of retry(), cancel(), replay() and backfill(): refuses what cannot be asked for, and says why.';


--
-- Name: check_erasure(jsonb, integer, boolean); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.check_erasure(wanted jsonb, at_most integer, dry_run boolean) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'posthorn', 'pg_temp'
    AS $_$
BEGIN
    IF (wanted ? 'resource_type') <> (wanted ? 'resource_id') THEN
        RAISE EXCEPTION 'resource_type and resource_id go together' USING ERRCODE = 'invalid_parameter_value';
    ELSIF NOT wanted ?| '{resource_id,payload,event_ids}' THEN
        -- a sub-select that finds nothing must not mean everything
        RAISE EXCEPTION 'erase needs a resource, a condition on the payload, or events' USING ERRCODE = 'invalid_parameter_value';
    ELSIF wanted ->> 'payload' ~ '^(strict )?\$' THEN
        RAISE EXCEPTION 'payload must be a condition, which a path alone is not' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Such as $.customer.email == "ada@example.com", or exists($.customer.email).';
    ELSIF jsonb_array_length(wanted -> 'event_ids') > 10000 THEN
        RAISE EXCEPTION 'event_ids are at most 10000' USING ERRCODE = 'invalid_parameter_value';
    ELSIF at_most IS NULL OR at_most NOT BETWEEN 0 AND 100000 OR dry_run IS NULL THEN
        RAISE EXCEPTION 'at_most must be 0 to 100000, and dry_run not NULL' USING ERRCODE = 'invalid_parameter_value';
    END IF;
END
$_$;


--
-- Name: FUNCTION check_erasure(wanted jsonb, at_most integer, dry_run boolean); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.check_erasure(wanted jsonb, at_most integer, dry_run boolean) IS 'Part of erase(): refuses what cannot be asked for, and says why.';


--
-- Name: claim(uuid, integer, integer, double precision, integer, integer, integer, uuid[], integer[], uuid[], integer[]); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.claim(dispatcher uuid, room integer, share integer, margin double precision, default_timeout integer, default_cap integer, default_tenant_cap integer, busy_subscriptions uuid[], subscription_counts integer[], busy_tenants uuid[], tenant_counts integer[]) RETURNS TABLE(is_claimer boolean, has_more boolean, has_open_fanouts boolean, look_again_seconds double precision, capped uuid[], subscription_id uuid, tenant_id uuid, changed_at timestamp with time zone, timeout_seconds integer, is_troubled boolean, id uuid, event_id uuid, event text, generation integer, epoch integer, attempts integer, is_rescue boolean, payload text, metadata text, resource_type text, resource_id text, happened_at timestamp with time zone)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
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
            NULL::text, NULL::text, NULL::timestamptz
        FROM unnest(served) AS t (id)
        JOIN webhook_subscriptions s ON s.id = t.id
        LEFT JOIN circuits c ON c.subscription_id = t.id;
        RETURN QUERY
        SELECT NULL::boolean, NULL::boolean, NULL::boolean, NULL::double precision, NULL::uuid[],
            d.subscription_id, d.tenant_id, NULL::timestamptz, NULL::integer, NULL::boolean,
            d.id, d.event_id, d.event, d.generation, d.epoch, d.attempts, d.id = ANY (rescues), o.payload::text, o.metadata::text,
            o.resource_type, o.resource_id, o.created_at
        FROM unnest(taken) WITH ORDINALITY AS t (id, place)
        JOIN webhook_deliveries_live d ON d.id = t.id
        LEFT JOIN outbox o ON o.id = d.event_id
        ORDER BY t.place;
    END IF;
END
$$;


--
-- Name: FUNCTION claim(dispatcher uuid, room integer, share integer, margin double precision, default_timeout integer, default_cap integer, default_tenant_cap integer, busy_subscriptions uuid[], subscription_counts integer[], busy_tenants uuid[], tenant_counts integer[]); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.claim(dispatcher uuid, room integer, share integer, margin double precision, default_timeout integer, default_cap integer, default_tenant_cap integer, busy_subscriptions uuid[], subscription_counts integer[], busy_tenants uuid[], tenant_counts integer[]) IS 'For dispatchers: leases at most room due deliveries, a fair share from each tenant and subscription. The first row tells of the look itself, then come the subscriptions served, then what was leased.';


--
-- Name: claim(uuid, integer, integer, double precision, integer, integer, integer, uuid[], integer[], uuid[], integer[], boolean); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.claim(dispatcher uuid, room integer, share integer, margin double precision, default_timeout integer, default_cap integer, default_tenant_cap integer, busy_subscriptions uuid[], subscription_counts integer[], busy_tenants uuid[], tenant_counts integer[], with_trace boolean) RETURNS TABLE(is_claimer boolean, has_more boolean, has_open_fanouts boolean, look_again_seconds double precision, capped uuid[], subscription_id uuid, tenant_id uuid, changed_at timestamp with time zone, timeout_seconds integer, is_troubled boolean, id uuid, event_id uuid, event text, generation integer, epoch integer, attempts integer, is_rescue boolean, payload text, metadata text, resource_type text, resource_id text, happened_at timestamp with time zone, traceparent text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
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


--
-- Name: FUNCTION claim(dispatcher uuid, room integer, share integer, margin double precision, default_timeout integer, default_cap integer, default_tenant_cap integer, busy_subscriptions uuid[], subscription_counts integer[], busy_tenants uuid[], tenant_counts integer[], with_trace boolean); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.claim(dispatcher uuid, room integer, share integer, margin double precision, default_timeout integer, default_cap integer, default_tenant_cap integer, busy_subscriptions uuid[], subscription_counts integer[], busy_tenants uuid[], tenant_counts integer[], with_trace boolean) IS 'For dispatchers: leases at most room due deliveries, a fair share from each tenant and subscription; with_trace answers with their events'' trace contexts too. The first row tells of the look itself, then come the subscriptions served, then what was leased.';


--
-- Name: claim_idempotency_key(); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.claim_idempotency_key() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
BEGIN
    -- waits for a transaction that has claimed it and is still open
    INSERT INTO published_keys (tenant_id, idempotency_key, event_id)
    VALUES (NEW.tenant_id, NEW.idempotency_key, NEW.id) ON CONFLICT DO NOTHING;
    -- its own: a row that is put back, say from a dump
    IF FOUND OR EXISTS (SELECT FROM published_keys k
            WHERE k.tenant_id = NEW.tenant_id AND k.idempotency_key = NEW.idempotency_key AND k.event_id = NEW.id) THEN
        RETURN NEW;
    END IF;
    RETURN NULL;
END
$$;


--
-- Name: FUNCTION claim_idempotency_key(); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.claim_idempotency_key() IS 'Trigger: leaves an event out whose idempotency key another one has.';


--
-- Name: cloudevent_attributes(uuid, text, uuid, timestamp with time zone, text, text, text); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.cloudevent_attributes(event_id uuid, event text, tenant_id uuid, created_at timestamp with time zone, resource_type text, resource_id text, source text) RETURNS TABLE(name text, value text)
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $_$
    SELECT a.name, a.value
    FROM (VALUES (1, 'specversion', '1.0'), (2, 'id', event_id::text),
        (3, 'source', posthorn.percent_encode(source, '[A-Za-z0-9._~:/@!$&''()*+,;=-]')), (4, 'type', event),
        (5, 'time', posthorn.envelope_time(created_at)),
        (6, 'subject', nullif(concat_ws('/', nullif(resource_type, ''), nullif(resource_id, '')), '')),
        (7, 'tenantid', tenant_id::text)) AS a (n, name, value)
    WHERE a.value IS NOT NULL
    ORDER BY a.n
$_$;


--
-- Name: FUNCTION cloudevent_attributes(event_id uuid, event text, tenant_id uuid, created_at timestamp with time zone, resource_type text, resource_id text, source text); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.cloudevent_attributes(event_id uuid, event text, tenant_id uuid, created_at timestamp with time zone, resource_type text, resource_id text, source text) IS 'The CloudEvents attributes of an event, in their order.';


--
-- Name: control(uuid, text, uuid, jsonb, integer, boolean); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.control(tenant uuid, kind text, subscription uuid, wanted jsonb, at_most integer, dry_run boolean, OUT matched bigint, OUT changed bigint, OUT skipped bigint, OUT job_id uuid) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
DECLARE
    ids record := ids_of_job(wanted);
    of_the_caller CONSTANT text := coalesce(current_setting('posthorn.tenant_id', true), '');
    -- what a job without a subscription is called
    as_job CONSTANT text := CASE WHEN kind = 'replay' AND subscription IS NULL THEN 'retry' ELSE kind END;
    counted record;
    chunk record;
    fanouts bigint := 0;
    after uuid := ids.after_id;
    is_later boolean;
BEGIN
    PERFORM set_config('posthorn.tenant_id', tenant::text, true);
    changed := 0;
    skipped := 0;
    -- first, so that what a dispatcher fans out at this moment is seen below
    IF kind = 'cancel' AND subscription IS NULL AND wanted -> 'statuses' ? 'pending'
       AND NOT wanted ?| '{error_kind,status_code,delivery_id}' THEN
        fanouts := cancel_fanouts(tenant, wanted, ids.after_id, ids.before_id, dry_run);
    END IF;
    counted := count_job(kind, subscription, wanted, ids.after_id, ids.before_id);
    matched := counted.total + fanouts;
    IF NOT counted.is_total_exact THEN
        RAISE NOTICE 'counting was cut short: at least %', matched;
    END IF;
    IF dry_run THEN
        PERFORM set_config('posthorn.tenant_id', of_the_caller, true);
        RETURN;
    END IF;
    changed := fanouts;
    -- what others have published and not committed, or committed since this snapshot, cannot be seen yet: a job waits for them
    is_later := NOT counted.is_total_exact OR counted.total > at_most OR (kind = 'backfill' AND (
        current_setting('transaction_isolation') IN ('repeatable read', 'serializable') OR open_publishers() && ARRAY(
            SELECT l.virtualtransaction FROM pg_locks l WHERE l.pid IS DISTINCT FROM pg_backend_pid())));
    IF is_later THEN
        job_id := add_job(as_job, subscription, wanted);
        IF job_id IS NULL THEN
            RAISE EXCEPTION 'tenant % has three unfinished jobs', tenant USING ERRCODE = 'configuration_limit_exceeded',
                HINT = 'Wait for one, or end one with posthorn.cancel_job(id).';
        END IF;
    ELSE
        LOOP
            chunk := control_chunk(tenant, kind, subscription, wanted, after, ids.before_id);
            changed := changed + chunk.changed;
            skipped := skipped + chunk.skipped;
            after := chunk.position;
            EXIT WHEN chunk.is_last;
        END LOOP;
    END IF;
    IF changed > 0 THEN
        PERFORM audit_for(tenant, CASE kind WHEN 'retry' THEN 'deliveries.retried' WHEN 'replay' THEN 'deliveries.replayed'
                WHEN 'cancel' THEN 'deliveries.cancelled' ELSE 'subscription.backfilled' END,
            CASE WHEN subscription IS NULL THEN 'tenant' ELSE 'subscription' END, coalesce(subscription, tenant)::text,
            jsonb_build_object('filter', wanted, 'matched', matched, 'changed', changed, 'skipped', skipped));
    END IF;
    PERFORM set_config('posthorn.tenant_id', of_the_caller, true);
END
$$;


--
-- Name: FUNCTION control(tenant uuid, kind text, subscription uuid, wanted jsonb, at_most integer, dry_run boolean, OUT matched bigint, OUT changed bigint, OUT skipped bigint, OUT job_id uuid); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.control(tenant uuid, kind text, subscription uuid, wanted jsonb, at_most integer, dry_run boolean, OUT matched bigint, OUT changed bigint, OUT skipped bigint, OUT job_id uuid) IS 'Part of retry(), cancel(), replay() and backfill(): does it for a tenant, or counts, or makes a job of it.';


--
-- Name: control_as_operator(uuid, text, uuid, jsonb, integer, boolean); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.control_as_operator(tenant uuid, kind text, subscription uuid, wanted jsonb, at_most integer, dry_run boolean, OUT matched bigint, OUT changed bigint, OUT skipped bigint, OUT job_id uuid) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $_$
#variable_conflict use_variable
BEGIN
    -- what is named says whose it is
    tenant := coalesce(tenant, current_tenant(),
        (SELECT s.tenant_id FROM webhook_subscriptions s WHERE s.id = subscription),
        (SELECT o.tenant_id FROM outbox o WHERE o.id = (wanted #>> '{event_ids,0}')::uuid),
        (SELECT d.tenant_id FROM webhook_deliveries d WHERE d.id = (wanted ->> 'delivery_id')::uuid));
    IF tenant IS NULL AND coalesce(subscription::text, wanted #>> '{event_ids,0}', wanted ->> 'delivery_id') IS NULL THEN
        RAISE EXCEPTION 'whose deliveries is not said' USING ERRCODE = 'invalid_parameter_value', HINT = 'tenant_id => ''…''';
    ELSIF tenant IS NULL OR NOT EXISTS (SELECT FROM tenants t WHERE t.id = tenant) THEN
        RAISE EXCEPTION 'there is no %', CASE WHEN tenant IS NOT NULL THEN 'tenant ' || tenant WHEN subscription IS NOT NULL THEN 'subscription ' || subscription
            ELSE coalesce('event ' || (wanted #>> '{event_ids,0}'), 'delivery ' || (wanted ->> 'delivery_id')) END USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM check_control(tenant, $2, $3, $4, $5, $6);
    SELECT c.matched, c.changed, c.skipped, c.job_id INTO matched, changed, skipped, job_id FROM control(tenant, $2, $3, $4, $5, $6) c;
END
$_$;


--
-- Name: FUNCTION control_as_operator(tenant uuid, kind text, subscription uuid, wanted jsonb, at_most integer, dry_run boolean, OUT matched bigint, OUT changed bigint, OUT skipped bigint, OUT job_id uuid); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.control_as_operator(tenant uuid, kind text, subscription uuid, wanted jsonb, at_most integer, dry_run boolean, OUT matched bigint, OUT changed bigint, OUT skipped bigint, OUT job_id uuid) IS 'Part of retry(), cancel(), replay() and backfill(): for any tenant.';


--
-- Name: control_as_tenant(text, uuid, jsonb, integer, boolean); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.control_as_tenant(kind text, subscription uuid, wanted jsonb, at_most integer, dry_run boolean, OUT matched bigint, OUT changed bigint, OUT skipped bigint, OUT job_id uuid) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $_$
BEGIN
    IF current_tenant() IS NULL THEN
        RAISE EXCEPTION 'this transaction acts for no tenant' USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM check_control(current_tenant(), $1, $2, $3, $4, $5);
    SELECT c.matched, c.changed, c.skipped, c.job_id INTO matched, changed, skipped, job_id
    FROM control(current_tenant(), $1, $2, $3, $4, $5) c;
END
$_$;


--
-- Name: FUNCTION control_as_tenant(kind text, subscription uuid, wanted jsonb, at_most integer, dry_run boolean, OUT matched bigint, OUT changed bigint, OUT skipped bigint, OUT job_id uuid); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.control_as_tenant(kind text, subscription uuid, wanted jsonb, at_most integer, dry_run boolean, OUT matched bigint, OUT changed bigint, OUT skipped bigint, OUT job_id uuid) IS 'Part of retry(), cancel(), replay() and backfill(): for the current tenant.';


--
-- Name: control_chunk(uuid, text, uuid, jsonb, uuid, uuid); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.control_chunk(tenant uuid, kind text, subscription uuid, wanted jsonb, after_id uuid, before_id uuid, OUT "position" uuid, OUT looked_at integer, OUT changed integer, OUT skipped integer, OUT is_last boolean) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
DECLARE
    most CONSTANT integer := 1000;
    chunk record;
BEGIN
    FOR try IN 1 .. 10 LOOP
        BEGIN
            chunk := CASE kind
                WHEN 'backfill' THEN backfill_chunk(tenant, subscription, after_id, before_id, most, false, false)
                WHEN 'cancel' THEN cancel_chunk(tenant, subscription, wanted, after_id, before_id, most)
                ELSE retry_chunk(tenant, subscription, wanted, after_id, before_id, most) END;
            EXIT;
        EXCEPTION WHEN serialization_failure THEN
            IF try = 10 OR current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
                RAISE;
            END IF;
        END;
    END LOOP;
    "position" := chunk.position;
    looked_at := chunk.looked_at;
    changed := chunk.changed;
    skipped := chunk.skipped;
    is_last := chunk.is_last;
END
$$;


--
-- Name: FUNCTION control_chunk(tenant uuid, kind text, subscription uuid, wanted jsonb, after_id uuid, before_id uuid, OUT "position" uuid, OUT looked_at integer, OUT changed integer, OUT skipped integer, OUT is_last boolean); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.control_chunk(tenant uuid, kind text, subscription uuid, wanted jsonb, after_id uuid, before_id uuid, OUT "position" uuid, OUT looked_at integer, OUT changed integer, OUT skipped integer, OUT is_last boolean) IS 'Part of control(): the next rows.';


--
-- Name: count_buckets(integer[]); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.count_buckets(milliseconds integer[]) RETURNS integer[]
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
DECLARE
    counts integer[] := array_fill(0, ARRAY[24]);
    bounds integer[] := bucket_bounds();
    one integer;
    bucket integer;
BEGIN
    FOREACH one IN ARRAY coalesce(milliseconds, '{}') LOOP
        bucket := width_bucket(one, bounds) + 1;
        counts[bucket] := counts[bucket] + 1;
    END LOOP;
    RETURN counts;
END
$$;


--
-- Name: FUNCTION count_buckets(milliseconds integer[]); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.count_buckets(milliseconds integer[]) IS 'The histogram of these values.';


--
-- Name: count_erasure(uuid, jsonb, uuid, uuid); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.count_erasure(tenant uuid, wanted jsonb, after_id uuid, before_id uuid, OUT total bigint, OUT is_total_exact boolean) RETURNS record
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
DECLARE
    began_at CONSTANT timestamptz := clock_timestamp();
    picked record;
    after uuid := after_id;
BEGIN
    total := 0;
    LOOP
        picked := pick_events(tenant, wanted, after, before_id, 5000);
        total := total + cardinality(picked.ids);
        after := picked.last_id;
        is_total_exact := picked.looked_at < 5000;
        EXIT WHEN is_total_exact OR clock_timestamp() > began_at + interval '2 s';
    END LOOP;
END
$$;


--
-- Name: FUNCTION count_erasure(tenant uuid, wanted jsonb, after_id uuid, before_id uuid, OUT total bigint, OUT is_total_exact boolean); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.count_erasure(tenant uuid, wanted jsonb, after_id uuid, before_id uuid, OUT total bigint, OUT is_total_exact boolean) IS 'Part of erase(): how many events it is about. Not exact: at least so many, it was cut short.';


--
-- Name: count_job(text, uuid, jsonb, uuid, uuid); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.count_job(kind text, subscription uuid, wanted jsonb, after_id uuid, before_id uuid, OUT total bigint, OUT is_total_exact boolean) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
DECLARE
    most CONSTANT integer := 5000;
    began_at CONSTANT timestamptz := clock_timestamp();
    after uuid := after_id;
    picked bigint;
    last_id uuid;
    chosen bigint;
    chunk record;
BEGIN
    total := 0;
    LOOP
        IF kind = 'backfill' THEN
            chunk := backfill_chunk(current_tenant(), subscription, after, before_id, most, false, true);
            total := total + chunk.changed;
            after := chunk.position;
            is_total_exact := chunk.is_last;
        ELSE
            SELECT count(*), (array_agg(p.id ORDER BY p.id DESC))[1], count(*) FILTER (WHERE p.is_wanted)
            INTO picked, last_id, chosen
            FROM pick_deliveries(current_tenant(), subscription, wanted, after, before_id, most) p;
            total := total + chosen;
            after := last_id;
            is_total_exact := picked < most;
        END IF;
        EXIT WHEN is_total_exact OR total >= 1000000 OR clock_timestamp() > began_at + interval '2 s';
    END LOOP;
END
$$;


--
-- Name: FUNCTION count_job(kind text, subscription uuid, wanted jsonb, after_id uuid, before_id uuid, OUT total bigint, OUT is_total_exact boolean); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.count_job(kind text, subscription uuid, wanted jsonb, after_id uuid, before_id uuid, OUT total bigint, OUT is_total_exact boolean) IS 'How many rows of the current tenant a job would be about. Not exact: at least so many.';


--
-- Name: current_actor(); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.current_actor() RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN COALESCE(NULLIF(current_setting('posthorn.actor'::text, true), ''::text), ('role:'::text || (SESSION_USER)::text));


--
-- Name: FUNCTION current_actor(); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.current_actor() IS 'Who this transaction acts as (posthorn.actor), or the login for plain SQL.';


--
-- Name: current_tenant(); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.current_tenant() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (NULLIF(current_setting('posthorn.tenant_id'::text, true), ''::text))::uuid;


--
-- Name: FUNCTION current_tenant(); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.current_tenant() IS 'The tenant this transaction acts for (posthorn.tenant_id), or NULL: then row security shows nothing.';


--
-- Name: customer_created(uuid, text, text, text, text, text, jsonb, timestamp with time zone, text, text, text); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.customer_created(tenant_id uuid, customer_id text, customer_name text, customer_email text DEFAULT NULL::text, customer_phone text DEFAULT NULL::text, customer_type text DEFAULT NULL::text, metadata jsonb DEFAULT NULL::jsonb, deliver_after timestamp with time zone DEFAULT NULL::timestamp with time zone, ordering_key text DEFAULT NULL::text, idempotency_key text DEFAULT NULL::text, coalesce_key text DEFAULT NULL::text) RETURNS uuid
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
    SELECT publish_business_event(tenant_id, 'customer.created', '{customer_id,customer_name}', jsonb_build_object(
        'customer_id', customer_id, 'customer_name', customer_name, 'customer_email', customer_email, 'customer_phone', customer_phone,
        'customer_type', customer_type),
        metadata, deliver_after, ordering_key, idempotency_key, coalesce_key)
$$;


--
-- Name: FUNCTION customer_created(tenant_id uuid, customer_id text, customer_name text, customer_email text, customer_phone text, customer_type text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.customer_created(tenant_id uuid, customer_id text, customer_name text, customer_email text, customer_phone text, customer_type text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text) IS 'Publishes customer.created and returns the event''s id. Payload: customer_id, customer_name, customer_email, customer_phone, customer_type; what is not given is null.
Example: SELECT posthorn.customer_created(''6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10'', ''CUS-1001'', ''John Doe'', customer_email => ''john@acme.example'', customer_phone => ''+1234567890'', customer_type => ''individual'')';


--
-- Name: customer_updated(uuid, text, text, text, text, jsonb, jsonb, timestamp with time zone, text, text, text); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.customer_updated(tenant_id uuid, customer_id text, customer_name text, customer_email text DEFAULT NULL::text, customer_phone text DEFAULT NULL::text, changes jsonb DEFAULT '{}'::jsonb, metadata jsonb DEFAULT NULL::jsonb, deliver_after timestamp with time zone DEFAULT NULL::timestamp with time zone, ordering_key text DEFAULT NULL::text, idempotency_key text DEFAULT NULL::text, coalesce_key text DEFAULT NULL::text) RETURNS uuid
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
    SELECT publish_business_event(tenant_id, 'customer.updated', '{customer_id,customer_name}', jsonb_build_object(
        'customer_id', customer_id, 'customer_name', customer_name, 'customer_email', customer_email, 'customer_phone', customer_phone,
        'changes', coalesce(changes, '{}')),
        metadata, deliver_after, ordering_key, idempotency_key, coalesce_key)
$$;


--
-- Name: FUNCTION customer_updated(tenant_id uuid, customer_id text, customer_name text, customer_email text, customer_phone text, changes jsonb, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.customer_updated(tenant_id uuid, customer_id text, customer_name text, customer_email text, customer_phone text, changes jsonb, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text) IS 'Publishes customer.updated and returns the event''s id. Payload: customer_id, customer_name, customer_email, customer_phone, changes; what is not given is null.
Example: SELECT posthorn.customer_updated(''6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10'', ''CUS-1001'', ''John Doe'', customer_email => ''new@acme.example'', changes => ''{"email": "new@acme.example"}'')';


--
-- Name: day_state(text, date); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.day_state(parent text, day date, OUT row_count bigint, OUT state text) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO 'posthorn', 'pg_temp'
    AS $_$
DECLARE
    changed_at CONSTANT text := CASE parent WHEN 'outbox' THEN 'erased_at' WHEN 'webhook_deliveries_done' THEN 'updated_at'
        WHEN 'webhook_attempts' THEN 'recorded_at' END;
BEGIN
    IF changed_at IS NULL THEN
        RAISE EXCEPTION 'no days are kept of %', parent USING ERRCODE = 'invalid_parameter_value';
    END IF;
    EXECUTE format('SELECT count(*), concat_ws('' '', count(*), count(%1$I), max(%1$I)) FROM %2$I', changed_at,
        parent || to_char(day, '_YYYYMMDD')) INTO row_count, state;
END
$_$;


--
-- Name: FUNCTION day_state(parent text, day date, OUT row_count bigint, OUT state text); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.day_state(parent text, day date, OUT row_count bigint, OUT state text) IS 'Rows of a day, and a text that is another one when rows came, went or were changed.';


--
-- Name: delete_subscription(uuid); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.delete_subscription(subscription uuid, OUT is_found boolean, OUT cancelled integer) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
BEGIN
    cancelled := 0;
    UPDATE webhook_subscriptions s
    SET status = 'deleted', status_reason = NULL, secret = NULL, previous_secret = NULL, previous_secret_until = NULL,
        header_names = '{}', sealed_headers = NULL, credentials_type = NULL, sealed_credentials = NULL, client_certificate = NULL,
        sealed_client_key = NULL
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


--
-- Name: FUNCTION delete_subscription(subscription uuid, OUT is_found boolean, OUT cancelled integer); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.delete_subscription(subscription uuid, OUT is_found boolean, OUT cancelled integer) IS 'Deletes a subscription, forgets its secrets and cancels what waits for it.';


--
-- Name: detach(regclass, text); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.detach(source regclass, resource text DEFAULT NULL::text) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
#variable_conflict use_variable
DECLARE
    made record;
    trigger_name name;
    detached integer := 0;
BEGIN
    FOR made IN
        SELECT p.oid::regprocedure AS function, array_agg(t.tgname) AS triggers, p.proowner = c.relowner AS is_of_the_owner
        FROM pg_trigger t
        JOIN pg_class c ON c.oid = t.tgrelid
        JOIN pg_proc p ON p.oid = t.tgfoid AND p.proname ~ '^posthorn_'
        CROSS JOIN LATERAL posthorn.attachment(t.tgargs) a
        WHERE t.tgrelid = source AND NOT t.tgisinternal AND t.tgname ~ '^posthorn_' AND t.tgnargs = 1 AND a.resource IS NOT NULL
          AND (resource IS NULL OR a.resource = resource)
        GROUP BY p.oid, p.proowner, c.relowner
    LOOP
        FOREACH trigger_name IN ARRAY made.triggers LOOP
            EXECUTE format('DROP TRIGGER %I ON %s', trigger_name, source);
        END LOOP;
        -- of a table that got another owner the function stays; without its triggers it does nothing
        IF made.is_of_the_owner THEN
            EXECUTE format('DROP FUNCTION %s', made.function);
        END IF;
        detached := detached + 1;
    END LOOP;
    RETURN detached;
END
$$;


--
-- Name: FUNCTION detach(source regclass, resource text); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.detach(source regclass, resource text) IS 'Ends what attach() began, for one resource or for all (NULL), and says how many it ended. For the table''s owner.';


--
-- Name: drop_archived_day(text, date, text); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.drop_archived_day(parent text, day date, archived_state text, OUT is_dropped boolean, OUT held_back_by text) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
BEGIN
    PERFORM day_state(parent, day); -- the name is right; 42P01 where it is gone
    PERFORM set_config('lock_timeout', '100ms', true);
    EXECUTE format('LOCK TABLE %I IN SHARE MODE', parent || to_char(day, '_YYYYMMDD'));
    is_dropped := false;
    held_back_by := 'it has changed since it was archived';
    IF (SELECT s.state FROM day_state(parent, day) s) = archived_state THEN
        SELECT d.is_dropped, d.held_back_by INTO is_dropped, held_back_by FROM drop_day(parent, day) d;
    END IF;
END
$$;


--
-- Name: FUNCTION drop_archived_day(parent text, day date, archived_state text, OUT is_dropped boolean, OUT held_back_by text); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.drop_archived_day(parent text, day date, archived_state text, OUT is_dropped boolean, OUT held_back_by text) IS 'As drop_day(), if the day still is what day_state() said when it was archived. For posthorn_owner.';


--
-- Name: drop_day(text, date); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.drop_day(parent text, day date, OUT is_dropped boolean, OUT held_back_by text) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
DECLARE
    partition text := parent || to_char(day, '_YYYYMMDD');
BEGIN
    is_dropped := false;
    IF (parent IN ('outbox', 'webhook_deliveries_done', 'webhook_attempts')) IS NOT TRUE THEN
        RAISE EXCEPTION 'no days are kept of %', parent USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF (day < (now() AT TIME ZONE 'UTC')::date - 1) IS NOT TRUE THEN
        RAISE EXCEPTION 'day % is not older than yesterday', day USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- without locks first: most of what is held back is found out here
    held_back_by := posthorn.held_back_by(parent, day);
    IF held_back_by IS NOT NULL OR NOT is_day_there(parent, day) THEN
        RETURN;
    END IF;
    IF NOT pg_try_advisory_xact_lock(1886352488, 3) THEN
        RAISE EXCEPTION 'another process makes or drops days at this moment' USING ERRCODE = 'lock_not_available';
    END IF;
    -- Whoever writes to the table queues behind these locks while we wait for them, so we do not wait for long: 55P03, and
    -- the caller tries again later. Once we have them nobody can retry a delivery of this day, so that the second look is
    -- the truth.
    PERFORM set_config('lock_timeout', '100ms', true);
    EXECUTE format('LOCK TABLE ONLY %I IN ACCESS EXCLUSIVE MODE', parent);
    EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', partition);
    held_back_by := posthorn.held_back_by(parent, day);
    is_dropped := held_back_by IS NULL AND is_day_there(parent, day);
    IF is_dropped THEN
        EXECUTE format('DROP TABLE %I', partition);
    END IF;
END
$$;


--
-- Name: FUNCTION drop_day(parent text, day date, OUT is_dropped boolean, OUT held_back_by text); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.drop_day(parent text, day date, OUT is_dropped boolean, OUT held_back_by text) IS 'Drops a day older than yesterday unless something holds it back. Gives up at once (55P03) when writers do not let go of the table within 100 ms.';


--
-- Name: envelope_metadata(jsonb, uuid, text); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.envelope_metadata(metadata jsonb, tenant_id uuid, source text) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT '{' || coalesce(string_agg(posthorn.json_text(m.key) || ':' || m.value::text, ',' ORDER BY m.key COLLATE "C") || ',', '')
        || '"tenant_id":' || posthorn.json_text(tenant_id::text) || ',"source":' || posthorn.json_text(source) || ',"version":"1.0"}'
    FROM jsonb_each(coalesce(metadata, '{}')) AS m (key, value)
    WHERE m.key NOT IN ('tenant_id', 'source', 'version')
$$;


--
-- Name: FUNCTION envelope_metadata(metadata jsonb, tenant_id uuid, source text); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.envelope_metadata(metadata jsonb, tenant_id uuid, source text) IS 'The metadata of an envelope: the event''s own beneath ours.';


--
-- Name: envelope_time(timestamp with time zone); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.envelope_time(at timestamp with time zone) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') $$;


--
-- Name: FUNCTION envelope_time(at timestamp with time zone); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.envelope_time(at timestamp with time zone) IS 'A time as envelopes have it: RFC 3339, UTC, six digits.';


--
-- Name: erase(uuid, text, text, jsonpath, text, uuid, uuid[], timestamp with time zone, timestamp with time zone, boolean, integer, boolean); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.erase(tenant_id uuid DEFAULT NULL::uuid, resource_type text DEFAULT NULL::text, resource_id text DEFAULT NULL::text, payload jsonpath DEFAULT NULL::jsonpath, event text DEFAULT NULL::text, event_id uuid DEFAULT NULL::uuid, event_ids uuid[] DEFAULT NULL::uuid[], since timestamp with time zone DEFAULT NULL::timestamp with time zone, until timestamp with time zone DEFAULT NULL::timestamp with time zone, with_keys boolean DEFAULT false, at_most integer DEFAULT 10000, dry_run boolean DEFAULT false) RETURNS TABLE(matched bigint, erased bigint, cancelled bigint, in_flight bigint, job_id uuid)
    LANGUAGE plpgsql
    SET search_path TO 'posthorn', 'pg_temp'
    AS $_$
#variable_conflict use_column
DECLARE
    wanted CONSTANT jsonb := jsonb_strip_nulls(jsonb_build_object('resource_type', $2, 'resource_id', $3, 'payload', $4::text, 'event', $5,
        'event_ids', CASE WHEN $6 IS NULL THEN $7 ELSE $7 || $6 END, 'since', $8, 'until', $9, 'with_keys', coalesce($10, false)));
BEGIN
    IF pg_has_role('posthorn_admin', 'USAGE') THEN
        RETURN QUERY SELECT e.matched, e.erased, e.cancelled, e.in_flight, e.job_id
            FROM erase_as_operator(coalesce($1, current_tenant()), wanted, $11, $12) e;
    ELSIF $1 IS DISTINCT FROM current_tenant() AND $1 IS NOT NULL THEN
        RAISE EXCEPTION 'this transaction does not act for that tenant' USING ERRCODE = 'insufficient_privilege';
    ELSE
        RETURN QUERY SELECT e.matched, e.erased, e.cancelled, e.in_flight, e.job_id FROM erase_as_tenant(wanted, $11, $12) e;
    END IF;
END
$_$;


--
-- Name: FUNCTION erase(tenant_id uuid, resource_type text, resource_id text, payload jsonpath, event text, event_id uuid, event_ids uuid[], since timestamp with time zone, until timestamp with time zone, with_keys boolean, at_most integer, dry_run boolean); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.erase(tenant_id uuid, resource_type text, resource_id text, payload jsonpath, event text, event_id uuid, event_ids uuid[], since timestamp with time zone, until timestamp with time zone, with_keys boolean, at_most integer, dry_run boolean) IS 'Blanks what a tenant''s events of a resource, or that meet a condition, say: payload, metadata, answers and errors of attempts; with_keys: resource_id and the keys too. What waits is cancelled. in_flight: left alone, ask again. More than at_most by a job after the commit. dry_run only counts.';


--
-- Name: erase_as_operator(uuid, jsonb, integer, boolean); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.erase_as_operator(tenant uuid, wanted jsonb, at_most integer, dry_run boolean, OUT matched bigint, OUT erased bigint, OUT cancelled bigint, OUT in_flight bigint, OUT job_id uuid) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $_$
BEGIN
    IF $1 IS NULL THEN
        RAISE EXCEPTION 'whose events is not said' USING ERRCODE = 'invalid_parameter_value', HINT = 'tenant_id => ''…''';
    ELSIF NOT EXISTS (SELECT FROM tenants t WHERE t.id = $1) THEN
        RAISE EXCEPTION 'there is no tenant %', $1 USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT e.matched, e.erased, e.cancelled, e.in_flight, e.job_id INTO matched, erased, cancelled, in_flight, job_id
    FROM erase_for($1, $2, $3, $4) e;
END
$_$;


--
-- Name: FUNCTION erase_as_operator(tenant uuid, wanted jsonb, at_most integer, dry_run boolean, OUT matched bigint, OUT erased bigint, OUT cancelled bigint, OUT in_flight bigint, OUT job_id uuid); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.erase_as_operator(tenant uuid, wanted jsonb, at_most integer, dry_run boolean, OUT matched bigint, OUT erased bigint, OUT cancelled bigint, OUT in_flight bigint, OUT job_id uuid) IS 'Part of erase(): for any tenant.';


--
-- Name: erase_as_tenant(jsonb, integer, boolean); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.erase_as_tenant(wanted jsonb, at_most integer, dry_run boolean, OUT matched bigint, OUT erased bigint, OUT cancelled bigint, OUT in_flight bigint, OUT job_id uuid) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $_$
BEGIN
    IF current_tenant() IS NULL THEN
        RAISE EXCEPTION 'this transaction acts for no tenant' USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT e.matched, e.erased, e.cancelled, e.in_flight, e.job_id INTO matched, erased, cancelled, in_flight, job_id
    FROM erase_for(current_tenant(), $1, $2, $3) e;
END
$_$;


--
-- Name: FUNCTION erase_as_tenant(wanted jsonb, at_most integer, dry_run boolean, OUT matched bigint, OUT erased bigint, OUT cancelled bigint, OUT in_flight bigint, OUT job_id uuid); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.erase_as_tenant(wanted jsonb, at_most integer, dry_run boolean, OUT matched bigint, OUT erased bigint, OUT cancelled bigint, OUT in_flight bigint, OUT job_id uuid) IS 'Part of erase(): for the current tenant.';


--
-- Name: erase_chunk(uuid, jsonb, uuid, uuid, integer); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.erase_chunk(tenant uuid, wanted jsonb, after_id uuid, before_id uuid, most integer, OUT "position" uuid, OUT looked_at integer, OUT changed integer, OUT skipped integer, OUT cancelled integer, OUT is_last boolean) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
    SET enable_sort TO 'on'
    SET enable_seqscan TO 'off'
    AS $$
DECLARE
    picked record := pick_events(tenant, wanted, after_id, before_id, most);
    with_keys CONSTANT boolean := coalesce((wanted ->> 'with_keys')::boolean, false);
    events uuid[];
    deliveries uuid[];
    fanouts uuid[];
    cancelled_fanouts integer;
BEGIN
    looked_at := picked.looked_at;
    "position" := coalesce(picked.last_id, after_id);
    is_last := looked_at < most;
    -- a backfill that is about to make a delivery of one holds it, and waits for us (V52, backfill_chunk)
    events := ARRAY(SELECT o.id FROM outbox o WHERE o.id = ANY (picked.ids) AND o.erased_at IS NULL ORDER BY o.id FOR UPDATE SKIP LOCKED);
    -- a dispatcher that fans one out, or is about to, holds its mark
    fanouts := ARRAY(SELECT f.event_id FROM event_fanouts f WHERE f.event_id = ANY (events) FOR UPDATE SKIP LOCKED);
    deliveries := ARRAY(SELECT d.id FROM webhook_deliveries d WHERE d.event_id = ANY (events) ORDER BY d.id FOR UPDATE SKIP LOCKED);
    -- in flight: the request is on its way, and what comes of it is still to be written. After its lease nobody sends it any more.
    events := ARRAY(
        SELECT e.id FROM unnest(events) AS e (id)
        WHERE NOT EXISTS (SELECT FROM event_fanouts f WHERE f.event_id = e.id AND f.event_id <> ALL (fanouts))
          AND NOT EXISTS (SELECT FROM webhook_deliveries d WHERE d.event_id = e.id
                          AND (d.id <> ALL (deliveries) OR d.lease_until > clock_timestamp())));
    changed := cardinality(events);
    skipped := cardinality(picked.ids) - changed;

    UPDATE event_fanouts f SET state = 'cancelled' WHERE f.event_id = ANY (events) AND f.state = 'open';
    GET DIAGNOSTICS cancelled_fanouts = ROW_COUNT;
    UPDATE event_fanouts f SET reason = NULL, ordering_key = CASE WHEN NOT with_keys THEN f.ordering_key END WHERE f.event_id = ANY (events);
    UPDATE webhook_deliveries d
    SET status = 'cancelled', finished_at = now(), updated_at = now(), lease_until = NULL, epoch = d.epoch + 1
    WHERE d.event_id = ANY (events) AND d.status IN ('pending', 'sending', 'retrying');
    GET DIAGNOSTICS cancelled = ROW_COUNT;
    deliveries := ARRAY(SELECT d.id FROM webhook_deliveries d WHERE d.event_id = ANY (events));
    UPDATE webhook_deliveries d SET erased_at = now(), last_error = NULL,
        ordering_key = CASE WHEN NOT with_keys THEN d.ordering_key END,
        ordering_number = CASE WHEN NOT with_keys THEN d.ordering_number END,
        due_at = CASE WHEN with_keys THEN coalesce(d.due_at, d.created_at) ELSE d.due_at END
    WHERE d.id = ANY (deliveries) AND d.status IN ('delivered', 'failed', 'abandoned', 'cancelled');
    UPDATE webhook_attempts a SET error = NULL, response_headers = NULL, response_body = NULL, response_body_truncated = false
    WHERE a.delivery_id = ANY (deliveries);
    IF with_keys THEN
        DELETE FROM published_keys k USING outbox o
        WHERE o.id = ANY (events) AND k.tenant_id = o.tenant_id AND k.idempotency_key = o.idempotency_key AND k.event_id = o.id;
        DELETE FROM coalesced_keys k USING outbox o
        WHERE o.id = ANY (events) AND k.tenant_id = o.tenant_id AND k.coalesce_key = o.coalesce_key AND k.event = o.event
          AND k.event_id = o.id;
    END IF;
    UPDATE outbox o SET payload = jsonb_build_object('posthorn.erased', envelope_time(now())), metadata = NULL, erased_at = now(),
        resource_id = CASE WHEN NOT with_keys THEN o.resource_id END, ordering_key = CASE WHEN NOT with_keys THEN o.ordering_key END,
        idempotency_key = CASE WHEN NOT with_keys THEN o.idempotency_key END, coalesce_key = CASE WHEN NOT with_keys THEN o.coalesce_key END
    WHERE o.id = ANY (events);
    IF cancelled + cancelled_fanouts > 0 THEN
        PERFORM wake(); -- what stood behind them in a line can go on
    END IF;
END
$$;


--
-- Name: FUNCTION erase_chunk(tenant uuid, wanted jsonb, after_id uuid, before_id uuid, most integer, OUT "position" uuid, OUT looked_at integer, OUT changed integer, OUT skipped integer, OUT cancelled integer, OUT is_last boolean); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.erase_chunk(tenant uuid, wanted jsonb, after_id uuid, before_id uuid, most integer, OUT "position" uuid, OUT looked_at integer, OUT changed integer, OUT skipped integer, OUT cancelled integer, OUT is_last boolean) IS 'Erases the next events that are wanted: cancels what waits of them, blanks payload, metadata, and errors and answers of attempts. skipped: in flight, or held by someone.';


--
-- Name: erase_for(uuid, jsonb, integer, boolean); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.erase_for(tenant uuid, wanted jsonb, at_most integer, dry_run boolean, OUT matched bigint, OUT erased bigint, OUT cancelled bigint, OUT in_flight bigint, OUT job_id uuid) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
DECLARE
    ids record := ids_of_job(wanted);
    counted record;
    chunk record;
    after uuid := ids.after_id;
BEGIN
    PERFORM check_erasure(wanted, at_most, dry_run);
    counted := count_erasure(tenant, wanted, ids.after_id, ids.before_id);
    matched := counted.total;
    erased := 0;
    cancelled := 0;
    in_flight := 0;
    IF NOT counted.is_total_exact THEN
        RAISE NOTICE 'counting was cut short: at least %', matched;
    END IF;
    IF dry_run THEN
        RETURN;
    -- under a snapshot a delivery that was made since could be missed
    ELSIF NOT counted.is_total_exact OR matched > at_most OR current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
        job_id := add_erasure(tenant, wanted, ids.after_id, ids.before_id, counted.total, counted.is_total_exact);
        RETURN;
    END IF;
    LOOP
        FOR try IN 1 .. 10 LOOP
            BEGIN
                chunk := erase_chunk(tenant, wanted, after, ids.before_id, 1000);
                EXIT;
            EXCEPTION WHEN serialization_failure THEN -- a dispatcher has finished one of them at this moment
                IF try = 10 THEN
                    RAISE;
                END IF;
            END;
        END LOOP;
        erased := erased + chunk.changed;
        cancelled := cancelled + chunk.cancelled;
        in_flight := in_flight + chunk.skipped;
        after := chunk.position;
        EXIT WHEN chunk.is_last;
    END LOOP;
    PERFORM audit_for(tenant, 'events.erased', 'tenant', tenant::text, erasure_criteria(wanted)
        || jsonb_build_object('matched', matched, 'erased', erased, 'cancelled', cancelled, 'in_flight', in_flight));
END
$$;


--
-- Name: FUNCTION erase_for(tenant uuid, wanted jsonb, at_most integer, dry_run boolean, OUT matched bigint, OUT erased bigint, OUT cancelled bigint, OUT in_flight bigint, OUT job_id uuid); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.erase_for(tenant uuid, wanted jsonb, at_most integer, dry_run boolean, OUT matched bigint, OUT erased bigint, OUT cancelled bigint, OUT in_flight bigint, OUT job_id uuid) IS 'Part of erase(): does it for a tenant, or counts, or makes a job of it.';


--
-- Name: erasure_criteria(jsonb); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.erasure_criteria(wanted jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
    SELECT jsonb_build_object('criteria_sha256', encode(sha256(convert_to(wanted::text, 'UTF8')), 'hex'))
        || (wanted - '{payload,event_ids}'::text[] - CASE WHEN (wanted ->> 'with_keys')::boolean THEN 'resource_id' ELSE '' END)
$$;


--
-- Name: FUNCTION erasure_criteria(wanted jsonb); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.erasure_criteria(wanted jsonb) IS 'What audit log and jobs keep of what was asked to be erased: a SHA-256 of all of it, the resource (its id unless keys go too), event and times.';


--
-- Name: event_patterns(text); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.event_patterns(event text) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
DECLARE
    parts text[] := string_to_array(event, '.');
    patterns text[] := ARRAY[event];
BEGIN
    FOR n IN REVERSE cardinality(parts) - 1 .. 1 LOOP
        patterns := patterns || (array_to_string(parts[1:n], '.') || '.*');
    END LOOP;
    -- posthorn.… are operational events: only a pattern that names them matches
    RETURN CASE WHEN parts[1] = 'posthorn' THEN patterns ELSE patterns || '*'::text END;
END
$$;


--
-- Name: FUNCTION event_patterns(event text); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.event_patterns(event text) IS 'Every pattern that matches an event name: a.b.c gives a.b.c, a.b.*, a.*, *.';


--
-- Name: expired_days(integer); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.expired_days(keep_days integer) RETURNS TABLE(parent text, day date, held_back_by text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $_$
    SELECT p.parent, c.day, held_back_by(p.parent, c.day)
    FROM unnest('{webhook_deliveries_done,webhook_attempts,outbox}'::text[]) WITH ORDINALITY AS p (parent, place)
    JOIN pg_inherits i ON i.inhparent = to_regclass(format('posthorn.%I', p.parent))
    JOIN pg_class r ON r.oid = i.inhrelid
    CROSS JOIN LATERAL (SELECT to_date(substring(r.relname FROM '_(\d{8})$'), 'YYYYMMDD') AS day) c
    WHERE keep_days > 0 AND c.day < (now() AT TIME ZONE 'UTC')::date - keep_days
    ORDER BY c.day, p.place
$_$;


--
-- Name: FUNCTION expired_days(keep_days integer); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.expired_days(keep_days integer) IS 'Day partitions older than so many whole days, in the order in which they can go, and why one cannot go now. 0: none, days are kept for ever.';


--
-- Name: fan_out(); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.fan_out() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
DECLARE
    -- more would make the business transaction's COMMIT wait (16 to 20 us each); the dispatcher does those
    inline_limit CONSTANT integer := 500;
    event_ids uuid[];
    tenant_ids uuid[];
    events text[];
    due_ats timestamptz[];
    subscription_ids uuid[];
    ordering_keys text[];
    in_order_ids uuid[];
    key_lock bigint;
    too_many_ids uuid[];
    dear_ids uuid[];
    checked_ids uuid[];
    unknown_ids uuid[];
    behind_ids uuid[];
    is_coalesced boolean;
    failure text;
BEGIN
    IF coalesce(current_setting('posthorn.mute', true), '') = 'on' THEN
        INSERT INTO event_fanouts (event_id, tenant_id, state) SELECT e.id, e.tenant_id, 'muted' FROM new_events e;
        RETURN NULL;
    END IF;

    -- Matching must not be able to fail the business transaction. The block is read-only, so it takes no subtransaction
    -- id; around the INSERT below it would take one per statement. OTHERS does not catch a cancelled statement: right.
    BEGIN
        WITH incoming AS MATERIALIZED (
            -- #> '{}' is the whole value, detoasted once and not once per filter
            SELECT e.id, e.tenant_id, e.event, e.ordering_key, e.coalesce_key, e.payload #> '{}' AS payload,
                greatest(e.deliver_after, now()) AS due_at
            FROM new_events e
        ), matched AS MATERIALIZED (
            SELECT i.id, i.tenant_id, i.event, i.due_at, i.ordering_key, i.coalesce_key, m.found, m.wanted, m.wanted_in_order, m.has_dear_filter, m.is_checked,
                m.found = 0 AND NOT EXISTS (SELECT FROM tenants t WHERE t.id = i.tenant_id) AS is_unknown
            FROM incoming i
            CROSS JOIN LATERAL (
                SELECT count(*) AS found,
                    bool_or(c.filter IS NOT NULL AND NOT (c.is_cheap AND pg_column_size(i.payload) <= 16384)) AS has_dear_filter,
                    array_agg(DISTINCT c.subscription_id) FILTER (WHERE c.filter IS NULL
                        OR CASE WHEN c.is_cheap AND pg_column_size(i.payload) <= 16384 THEN i.payload @@ c.filter END) AS wanted,
                    array_agg(c.subscription_id) FILTER (WHERE i.ordering_key IS NOT NULL AND c.is_ordered) AS wanted_in_order,
                    bool_or(c.is_checked) AS is_checked
                FROM (
                    SELECT p.subscription_id, p.filter, p.is_cheap, p.is_ordered, p.is_checked
                    FROM subscription_patterns p
                    WHERE p.tenant_id = i.tenant_id AND p.pattern = ANY (event_patterns(i.event))
                    LIMIT inline_limit + 1
                ) c
            ) m
        )
        SELECT array_agg(m.id) FILTER (WHERE w.subscription_id IS NOT NULL),
            array_agg(m.tenant_id) FILTER (WHERE w.subscription_id IS NOT NULL),
            array_agg(m.event) FILTER (WHERE w.subscription_id IS NOT NULL),
            array_agg(m.due_at) FILTER (WHERE w.subscription_id IS NOT NULL),
            array_agg(w.subscription_id) FILTER (WHERE w.subscription_id IS NOT NULL),
            array_agg(CASE WHEN w.subscription_id = ANY (m.wanted_in_order) THEN m.ordering_key END)
                FILTER (WHERE w.subscription_id IS NOT NULL),
            -- once per event, and without DISTINCT or ORDER BY: from PostgreSQL 16 on these would sort the input of all of them,
            -- and the events of one statement must keep their order
            array_agg(m.id) FILTER (WHERE m.ordering_key IS NOT NULL AND coalesce(w.place, 1) = 1
                AND (m.wanted_in_order IS NOT NULL OR m.found > inline_limit)),
            array_agg(m.id) FILTER (WHERE m.found > inline_limit),
            array_agg(m.id) FILTER (WHERE m.found <= inline_limit AND m.has_dear_filter AND coalesce(w.place, 1) = 1),
            array_agg(m.id) FILTER (WHERE m.is_checked AND coalesce(w.place, 1) = 1),
            array_agg(m.id) FILTER (WHERE m.is_unknown),
            bool_or(m.coalesce_key IS NOT NULL)
        INTO event_ids, tenant_ids, events, due_ats, subscription_ids, ordering_keys, in_order_ids, too_many_ids, dear_ids, checked_ids,
            unknown_ids, is_coalesced
        FROM matched m
        LEFT JOIN LATERAL unnest(m.wanted) WITH ORDINALITY AS w (subscription_id, place) ON m.found <= inline_limit;
        -- whose tenant is strict about something: is it about this? A dispatcher checks it, plain SQL knows no JSON Schema.
        IF checked_ids IS NOT NULL THEN
            SELECT array_agg(e.id) INTO checked_ids
            FROM new_events e WHERE e.id IN (SELECT unnest(checked_ids)) AND is_checked_event(e.tenant_id, e.event);
        END IF;
    EXCEPTION WHEN OTHERS THEN
        failure := left(SQLERRM, 500);
    END;

    IF failure IS NOT NULL THEN
        SELECT array_agg(e.id) INTO in_order_ids FROM new_events e WHERE e.ordering_key IS NOT NULL;
    END IF;
    IF in_order_ids IS NOT NULL THEN
        -- until the commit: so the numbers drawn below are in the order of the commits
        -- one after the other by their numbers, so that two statements with the same keys cannot wait for each other
        FOR key_lock IN
            SELECT DISTINCT ordering_lock(e.tenant_id, e.ordering_key) FROM new_events e WHERE e.id IN (SELECT unnest(in_order_ids)) ORDER BY 1
        LOOP
            PERFORM pg_advisory_xact_lock(key_lock);
        END LOOP;
        -- (unnested, here and below: a prepared plan searches an array from its beginning for every row)
        -- whose key has an event that is still to be fanned out lines up behind it
        SELECT array_agg(e.id) INTO behind_ids
        FROM new_events e
        WHERE e.id IN (SELECT unnest(in_order_ids)) AND (
            -- under a snapshot of before the lock such an event cannot be seen
            current_setting('transaction_isolation') IN ('repeatable read', 'serializable')
            OR EXISTS (SELECT FROM event_fanouts f
                    WHERE f.state = 'open' AND f.tenant_id = e.tenant_id AND f.ordering_key = e.ordering_key)
            OR EXISTS (SELECT FROM new_events o
                       WHERE o.id IN (SELECT unnest(too_many_ids || dear_ids || checked_ids)) AND o.tenant_id = e.tenant_id AND o.ordering_key = e.ordering_key));
    END IF;

    IF failure IS NOT NULL THEN
        INSERT INTO event_fanouts (event_id, tenant_id, state, reason, ordering_key)
        SELECT e.id, e.tenant_id, 'open', failure, e.ordering_key FROM new_events e;
    ELSE
        IF event_ids IS NOT NULL THEN
            INSERT INTO webhook_deliveries_live (event_id, tenant_id, event, due_at, subscription_id, ordering_key, ordering_number)
            SELECT d.event_id, d.tenant_id, d.event, d.due_at, d.subscription_id, d.ordering_key,
                CASE WHEN d.ordering_key IS NOT NULL THEN nextval('ordering_numbers') END
            FROM unnest(event_ids, tenant_ids, events, due_ats, subscription_ids, ordering_keys)
                AS d (event_id, tenant_id, event, due_at, subscription_id, ordering_key)
            WHERE (behind_ids IS NULL AND checked_ids IS NULL) OR d.event_id NOT IN (SELECT unnest(behind_ids || checked_ids));
        END IF;
        IF too_many_ids IS NOT NULL OR dear_ids IS NOT NULL OR checked_ids IS NOT NULL OR behind_ids IS NOT NULL THEN
            INSERT INTO event_fanouts (event_id, tenant_id, state, reason, ordering_key)
            SELECT e.id, e.tenant_id, 'open',
                CASE WHEN e.id IN (SELECT unnest(checked_ids)) THEN 'it is to be checked: its type or its tenant is strict'
                     WHEN e.id IN (SELECT unnest(too_many_ids)) THEN format('more than %s subscriptions match', inline_limit)
                     WHEN e.id IN (SELECT unnest(dear_ids)) THEN 'a filter takes too long for a publisher to wait for it'
                     ELSE 'an event before it with the same ordering key is still to be fanned out' END, e.ordering_key
            FROM new_events e WHERE e.id IN (SELECT unnest(too_many_ids || dear_ids || checked_ids || behind_ids));
        END IF;
        IF unknown_ids IS NOT NULL THEN
            INSERT INTO event_fanouts (event_id, tenant_id, state)
            SELECT e.id, e.tenant_id, 'unknown_tenant' FROM new_events e
            WHERE e.id IN (SELECT unnest(unknown_ids)) AND (behind_ids IS NULL OR e.id NOT IN (SELECT unnest(behind_ids)));
        END IF;
    END IF;

    IF failure IS NOT NULL OR is_coalesced THEN
        PERFORM supersede_earlier(array_agg(e.id), array_agg(e.tenant_id), array_agg(e.event), array_agg(e.coalesce_key))
        FROM new_events e WHERE e.coalesce_key IS NOT NULL;
    END IF;

    IF failure IS NOT NULL OR event_ids IS NOT NULL OR too_many_ids IS NOT NULL OR dear_ids IS NOT NULL
       OR checked_ids IS NOT NULL THEN
        PERFORM wake();
    END IF;
    RETURN NULL;
END
$$;


--
-- Name: FUNCTION fan_out(); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.fan_out() IS 'Trigger: one delivery per event and matching subscription, in the event''s own transaction.';


--
-- Name: fan_out_event(uuid, integer, boolean); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.fan_out_event(taken_event_id uuid, chunk integer, gives_up boolean, OUT deliveries integer, OUT is_finished boolean) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
DECLARE
    open_event event_fanouts;
    happened outbox;
    -- the largest id of the event's millisecond, and that millisecond
    newest_id uuid := (left(replace(taken_event_id::text, '-', ''), 12) || repeat('f', 20))::uuid;
    happened_at timestamptz := to_timestamp(('x' || left(replace(taken_event_id::text, '-', ''), 12))::bit(48)::bigint / 1000.0);
    is_small boolean;
    candidate record;
    last_id uuid;
    seen integer := 0;
    is_cut_short boolean := false;
    wanted boolean;
    failure text;
    refused_by uuid[];
    refused_as text[];
BEGIN
    deliveries := 0;
    is_finished := true;
    SELECT f.* INTO open_event FROM event_fanouts f WHERE f.event_id = taken_event_id AND f.state = 'open' FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF open_event.superseded_by IS NOT NULL THEN
        -- what still waits of it: what is in flight goes its way, what was asked for again stays
        WITH waiting AS MATERIALIZED (
            SELECT d.id FROM webhook_deliveries d
            WHERE d.event_id = taken_event_id AND d.generation = 0 AND d.status IN ('pending', 'retrying')
            ORDER BY d.id FOR UPDATE
        )
        UPDATE webhook_deliveries d
        SET status = 'cancelled', finished_at = now(), updated_at = now(), epoch = d.epoch + 1,
            last_error = format('superseded by event %s', open_event.superseded_by)
        FROM waiting w
        WHERE d.id = w.id AND d.status IN ('pending', 'retrying');
        UPDATE event_fanouts f SET state = 'cancelled', reason = format('superseded by event %s', open_event.superseded_by)
        WHERE f.event_id = taken_event_id;
        PERFORM wake(); -- open events behind it in its line can go on
        RETURN;
    END IF;
    SELECT o.* INTO happened FROM outbox o WHERE o.id = taken_event_id;
    -- only a dispatcher that knows of schemas can do that
    IF open_event.checked_at IS NULL AND is_checked_event(happened.tenant_id, happened.event) THEN
        UPDATE event_fanouts f SET due_at = now() + interval '5 s' WHERE f.event_id = taken_event_id;
        is_finished := false;
        RETURN;
    END IF;
    is_small := pg_column_size(happened.payload #> '{}') <= 16384;

    FOR candidate IN
        SELECT s.id, s.filter, s.ordered, NOT (is_cheap_filter(s.filter) AND (s.filter IS NULL OR is_small)) AS is_dear
        FROM webhook_subscriptions s
        WHERE s.tenant_id = happened.tenant_id AND s.events && event_patterns(happened.event)
          AND (open_event.after_subscription_id IS NULL OR s.id > open_event.after_subscription_id) AND s.id <= newest_id
          AND (s.status = 'active' OR (s.status IN ('inactive', 'suspended') AND s.status_changed_at > happened_at))
          AND NOT EXISTS (SELECT FROM webhook_deliveries d WHERE d.event_id = happened.id AND d.subscription_id = s.id)
        ORDER BY s.id LIMIT chunk
    LOOP
        -- a filter that may run into the caller's time limit has a transaction of its own
        IF candidate.is_dear AND seen > 0 THEN
            is_cut_short := true;
            EXIT;
        END IF;
        seen := seen + 1;
        last_id := candidate.id;
        failure := NULL;
        IF candidate.filter IS NULL THEN
            wanted := true;
        ELSIF gives_up AND candidate.is_dear THEN
            failure := 'the filter takes too long on this event';
        ELSE
            BEGIN
                wanted := happened.payload @@ candidate.filter;
            EXCEPTION WHEN OTHERS THEN
                failure := left('the filter fails on this event: ' || SQLERRM, 500);
            END;
        END IF;
        IF failure IS NOT NULL OR (wanted AND open_event.error_kind IS NOT NULL) THEN
            -- marked where its owner looks, and there to be retried
            INSERT INTO webhook_deliveries (event_id, tenant_id, event, subscription_id, status, finished_at,
                last_error_kind, last_error, ordering_key, ordering_number)
            VALUES (happened.id, happened.tenant_id, happened.event, candidate.id, 'failed', now(),
                CASE WHEN failure IS NULL THEN open_event.error_kind ELSE 'filter_error' END, coalesce(failure, open_event.reason),
                CASE WHEN candidate.ordered THEN happened.ordering_key END,
                CASE WHEN candidate.ordered AND happened.ordering_key IS NOT NULL THEN nextval('ordering_numbers') END);
            refused_by := refused_by || candidate.id;
            refused_as := refused_as || CASE WHEN failure IS NULL THEN open_event.error_kind ELSE 'filter_error' END;
        ELSIF wanted THEN
            INSERT INTO webhook_deliveries_live (event_id, tenant_id, event, due_at, subscription_id, ordering_key,
                ordering_number)
            VALUES (happened.id, happened.tenant_id, happened.event, greatest(happened.deliver_after, now()), candidate.id,
                CASE WHEN candidate.ordered THEN happened.ordering_key END,
                CASE WHEN candidate.ordered AND happened.ordering_key IS NOT NULL THEN nextval('ordering_numbers') END);
            deliveries := deliveries + 1;
        END IF;
        IF candidate.is_dear THEN
            is_cut_short := true;
            EXIT;
        END IF;
    END LOOP;

    INSERT INTO delivery_tallies (tenant_id, subscription_id, event, failed, error_kinds)
    SELECT happened.tenant_id, r.subscription_id, happened.event, 1, ARRAY[r.error_kind]
    FROM unnest(refused_by, refused_as) AS r (subscription_id, error_kind);

    is_finished := seen < chunk AND NOT is_cut_short;
    IF is_finished AND open_event.error_kind IS NOT NULL THEN
        -- said beside the event, and looked at before one of its deliveries is sent after all
        UPDATE event_fanouts f SET state = 'refused' WHERE f.event_id = taken_event_id;
    ELSIF is_finished THEN
        DELETE FROM event_fanouts f WHERE f.event_id = taken_event_id;
    ELSE
        UPDATE event_fanouts f SET after_subscription_id = last_id, failures = 0, due_at = now() WHERE f.event_id = taken_event_id;
    END IF;
END
$$;


--
-- Name: FUNCTION fan_out_event(taken_event_id uuid, chunk integer, gives_up boolean, OUT deliveries integer, OUT is_finished boolean); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.fan_out_event(taken_event_id uuid, chunk integer, gives_up boolean, OUT deliveries integer, OUT is_finished boolean) IS 'Fans an open event out to at most so many subscriptions; with gives_up a dear filter is not tried again but marked as failed. For dispatchers.';


--
-- Name: fan_out_open(integer); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.fan_out_open(chunk integer, OUT is_found boolean, OUT deliveries integer) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
DECLARE
    open_event uuid;
BEGIN
    deliveries := 0;
    SELECT f.event_id INTO open_event FROM event_fanouts f
    WHERE f.state = 'open' AND f.due_at <= now() AND NOT EXISTS (
        SELECT FROM event_fanouts b WHERE b.state = 'open' AND b.tenant_id = f.tenant_id AND b.ordering_key = f.ordering_key
          AND b.number < f.number)
    ORDER BY f.due_at LIMIT 1 FOR UPDATE OF f SKIP LOCKED;
    is_found := FOUND;
    IF is_found THEN
        BEGIN
            SELECT f.deliveries INTO deliveries FROM fan_out_event(open_event, chunk, false) f;
        EXCEPTION WHEN OTHERS THEN
            -- a right is still missing, say: later, so that it does not stand in the way of the others
            deliveries := 0;
            UPDATE event_fanouts f SET due_at = now() + interval '5 s', reason = left(SQLERRM, 500)
            WHERE f.event_id = open_event;
        END;
    END IF;
END
$$;


--
-- Name: FUNCTION fan_out_open(chunk integer, OUT is_found boolean, OUT deliveries integer); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.fan_out_open(chunk integer, OUT is_found boolean, OUT deliveries integer) IS 'Fans out the oldest open event to at most so many subscriptions, by hand.';


--
-- Name: find_api_key(text); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.find_api_key(key_id text) RETURNS TABLE(tenant_id uuid, secret_sha256 bytea, revoked boolean)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
    SELECT k.tenant_id, k.secret_sha256, NOT k.is_valid OR NOT k.scopes @> '{read,publish,manage,keys}'::text[]
    FROM identify_api_key(key_id) k
$$;


--
-- Name: FUNCTION find_api_key(key_id text); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.find_api_key(key_id text) IS 'For binaries that do not know scopes: keys without all of them count as revoked. Superseded by identify_api_key.';


--
-- Name: find_events(text, text, text, text, jsonpath, uuid, uuid, integer); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.find_events(wanted_event text, wanted_type text, wanted_resource text, wanted_fanout text, filter jsonpath, since_id uuid, before_id uuid, most_found integer, OUT event_ids uuid[], OUT looked_at integer, OUT oldest_id uuid, OUT ended_by text) RETURNS record
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
    SET enable_sort TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_seqscan TO 'off'
    AS $_$
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
$_$;


--
-- Name: FUNCTION find_events(wanted_event text, wanted_type text, wanted_resource text, wanted_fanout text, filter jsonpath, since_id uuid, before_id uuid, most_found integer, OUT event_ids uuid[], OUT looked_at integer, OUT oldest_id uuid, OUT ended_by text); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.find_events(wanted_event text, wanted_type text, wanted_resource text, wanted_fanout text, filter jsonpath, since_id uuid, before_id uuid, most_found integer, OUT event_ids uuid[], OUT looked_at integer, OUT oldest_id uuid, OUT ended_by text) IS 'The current tenant''s newest events that are wanted, as far as 10,000 events (50,000 without a filter) or one second reach; ended_by: found, number, time, or NULL when everything was looked at.';


--
-- Name: first_id_at(timestamp with time zone); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.first_id_at(at timestamp with time zone) RETURNS uuid
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (encode((SUBSTRING(int8send((GREATEST((0)::numeric, floor((EXTRACT(epoch FROM (at AT TIME ZONE 'UTC'::text)) * (1000)::numeric))))::bigint) FROM 3) || '\x00000000000000000000'::bytea), 'hex'::text))::uuid;


--
-- Name: FUNCTION first_id_at(at timestamp with time zone); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.first_id_at(at timestamp with time zone) IS 'Below every UUIDv7 of this millisecond and above those of the one before.';


--
-- Name: first_id_of(date); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.first_id_of(day date) RETURNS uuid
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (encode((SUBSTRING(int8send(((EXTRACT(epoch FROM (day)::timestamp without time zone) * (1000)::numeric))::bigint) FROM 3) || '\x00000000000000000000'::bytea), 'hex'::text))::uuid;


--
-- Name: FUNCTION first_id_of(day date); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.first_id_of(day date) IS 'The smallest UUIDv7 of a day in UTC: the bound of that day''s partition.';


--
-- Name: fold_tallies(integer); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.fold_tallies(most integer, OUT folded integer, OUT has_older boolean) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    SET enable_seqscan TO 'on'
    SET enable_hashjoin TO 'on'
    SET enable_mergejoin TO 'on'
    SET enable_sort TO 'on'
    SET enable_bitmapscan TO 'on'
    AS $$
DECLARE
    oldest_minute_at timestamptz;
BEGIN
    folded := 0;
    has_older := false;
    IF NOT pg_try_advisory_xact_lock(1886352488, 6) THEN
        RETURN;
    END IF;
    SELECT date_trunc('minute', min(t.recorded_at), 'UTC') INTO oldest_minute_at FROM delivery_tallies t;
    IF oldest_minute_at IS NULL THEN
        RETURN;
    END IF;

    WITH gone AS MATERIALIZED (
        DELETE FROM delivery_tallies t
        WHERE t.ctid = ANY (ARRAY(
            SELECT n.ctid FROM delivery_tallies n
            WHERE n.recorded_at >= oldest_minute_at AND n.recorded_at < oldest_minute_at + interval '1 minute' LIMIT most))
        RETURNING t.*
    ), counted AS (
        SELECT g.tenant_id, g.subscription_id, g.event, sum(g.delivered) AS delivered, sum(g.retried) AS retried,
            sum(g.failed) AS failed, sum(g.abandoned) AS abandoned
        FROM gone g
        GROUP BY g.tenant_id, g.subscription_id, g.event
    ), durations AS (
        SELECT g.tenant_id, g.subscription_id, g.event, count(*) AS attempts, sum(d.ms) AS sum_ms, max(d.ms) AS max_ms,
            count_buckets(array_agg(d.ms)) AS buckets
        FROM gone g, unnest(g.durations) AS d (ms)
        GROUP BY g.tenant_id, g.subscription_id, g.event
    ), delays AS (
        SELECT g.tenant_id, g.subscription_id, g.event, sum(d.ms) AS sum_ms, max(d.ms) AS max_ms,
            count_buckets(array_agg(d.ms)) AS buckets
        FROM gone g, unnest(g.delays) AS d (ms)
        GROUP BY g.tenant_id, g.subscription_id, g.event
    ), details AS MATERIALIZED (
        SELECT c.tenant_id, c.subscription_id, c.event, coalesce(t.attempts, 0) AS attempts, c.delivered, c.retried, c.failed,
            c.abandoned, coalesce(t.sum_ms, 0) AS duration_sum_ms, coalesce(t.max_ms, 0) AS duration_max_ms,
            coalesce(t.buckets, count_buckets(NULL)) AS durations, coalesce(l.sum_ms, 0) AS delay_sum_ms,
            coalesce(l.max_ms, 0) AS delay_max_ms, coalesce(l.buckets, count_buckets(NULL)) AS delays
        FROM counted c
        LEFT JOIN durations t USING (tenant_id, subscription_id, event)
        LEFT JOIN delays l USING (tenant_id, subscription_id, event)
    ), figures AS (
        SELECT d.tenant_id, d.subscription_id, d.event, d.attempts, d.delivered, d.retried, d.failed, d.abandoned, d.duration_sum_ms,
            d.duration_max_ms, d.durations, d.delay_sum_ms, d.delay_max_ms, d.delays
        FROM details d
        UNION ALL
        -- so that what is asked most is one row a step: nil is all subscriptions, * all events
        SELECT d.tenant_id, coalesce(d.subscription_id, '00000000-0000-0000-0000-000000000000'), coalesce(d.event, '*'),
            sum(d.attempts), sum(d.delivered), sum(d.retried), sum(d.failed), sum(d.abandoned), sum(d.duration_sum_ms),
            max(d.duration_max_ms), ARRAY[sum(d.durations[1]), sum(d.durations[2]), sum(d.durations[3]), sum(d.durations[4]), sum(d.durations[5]), sum(d.durations[6]), sum(d.durations[7]), sum(d.durations[8]),
                sum(d.durations[9]), sum(d.durations[10]), sum(d.durations[11]), sum(d.durations[12]), sum(d.durations[13]), sum(d.durations[14]), sum(d.durations[15]), sum(d.durations[16]),
                sum(d.durations[17]), sum(d.durations[18]), sum(d.durations[19]), sum(d.durations[20]), sum(d.durations[21]), sum(d.durations[22]), sum(d.durations[23]), sum(d.durations[24])]::integer[],
            sum(d.delay_sum_ms), max(d.delay_max_ms), ARRAY[sum(d.delays[1]), sum(d.delays[2]), sum(d.delays[3]), sum(d.delays[4]), sum(d.delays[5]), sum(d.delays[6]), sum(d.delays[7]), sum(d.delays[8]),
                sum(d.delays[9]), sum(d.delays[10]), sum(d.delays[11]), sum(d.delays[12]), sum(d.delays[13]), sum(d.delays[14]), sum(d.delays[15]), sum(d.delays[16]),
                sum(d.delays[17]), sum(d.delays[18]), sum(d.delays[19]), sum(d.delays[20]), sum(d.delays[21]), sum(d.delays[22]), sum(d.delays[23]), sum(d.delays[24])]::integer[]
        FROM details d
        GROUP BY GROUPING SETS ((d.tenant_id, d.subscription_id), (d.tenant_id, d.event), (d.tenant_id))
    ), rolled_up AS (
        INSERT INTO delivery_statistics AS s (tenant_id, resolution, starts_at, subscription_id, event, attempts, delivered,
            retried, failed, abandoned, duration_sum_ms, duration_max_ms, durations, delay_sum_ms, delay_max_ms, delays)
        SELECT f.tenant_id, r.resolution, date_trunc(r.resolution, oldest_minute_at, 'UTC'), f.subscription_id, f.event, f.attempts,
            f.delivered, f.retried, f.failed, f.abandoned, f.duration_sum_ms, f.duration_max_ms, f.durations, f.delay_sum_ms,
            f.delay_max_ms, f.delays
        FROM figures f
        CROSS JOIN (VALUES ('minute'), ('hour'), ('day')) AS r (resolution)
        ON CONFLICT ON CONSTRAINT delivery_statistics_pkey DO UPDATE
        SET attempts = s.attempts + EXCLUDED.attempts, delivered = s.delivered + EXCLUDED.delivered,
            retried = s.retried + EXCLUDED.retried, failed = s.failed + EXCLUDED.failed, abandoned = s.abandoned + EXCLUDED.abandoned,
            duration_sum_ms = s.duration_sum_ms + EXCLUDED.duration_sum_ms,
            duration_max_ms = greatest(s.duration_max_ms, EXCLUDED.duration_max_ms),
            durations = add_counts(s.durations, EXCLUDED.durations),
            delay_sum_ms = s.delay_sum_ms + EXCLUDED.delay_sum_ms, delay_max_ms = greatest(s.delay_max_ms, EXCLUDED.delay_max_ms),
            delays = add_counts(s.delays, EXCLUDED.delays)
    ), failures AS (
        INSERT INTO delivery_errors AS s (tenant_id, resolution, starts_at, subscription_id, event, error_kind, failures)
        SELECT f.tenant_id, r.resolution, date_trunc(r.resolution, oldest_minute_at, 'UTC'), f.subscription_id, f.event,
            f.error_kind, f.failures
        FROM (
            SELECT g.tenant_id, coalesce(g.subscription_id, '00000000-0000-0000-0000-000000000000') AS subscription_id,
                coalesce(g.event, '*') AS event, k.error_kind, count(*) AS failures
            FROM gone g, unnest(g.error_kinds) AS k (error_kind)
            GROUP BY GROUPING SETS ((g.tenant_id, g.subscription_id, g.event, k.error_kind), (g.tenant_id, g.subscription_id, k.error_kind),
                (g.tenant_id, g.event, k.error_kind), (g.tenant_id, k.error_kind))) f
        CROSS JOIN (VALUES ('minute'), ('hour'), ('day')) AS r (resolution)
        ON CONFLICT ON CONSTRAINT delivery_errors_pkey DO UPDATE SET failures = s.failures + EXCLUDED.failures
    ), activity AS (
        INSERT INTO subscription_activity AS s (tenant_id, subscription_id, last_delivered_at, last_failed_at, last_failed_delivery_id)
        SELECT g.tenant_id, g.subscription_id, max(g.recorded_at) FILTER (WHERE g.delivered > 0),
            max(g.recorded_at) FILTER (WHERE g.last_failed_delivery_id IS NOT NULL),
            (array_agg(g.last_failed_delivery_id ORDER BY g.recorded_at DESC) FILTER (WHERE g.last_failed_delivery_id IS NOT NULL))[1]
        FROM gone g
        GROUP BY g.tenant_id, g.subscription_id
        ON CONFLICT ON CONSTRAINT subscription_activity_pkey DO UPDATE
        SET last_delivered_at = greatest(s.last_delivered_at, EXCLUDED.last_delivered_at),
            last_failed_at = greatest(s.last_failed_at, EXCLUDED.last_failed_at),
            last_failed_delivery_id = CASE WHEN EXCLUDED.last_failed_at >= coalesce(s.last_failed_at, '-infinity')
                THEN EXCLUDED.last_failed_delivery_id ELSE s.last_failed_delivery_id END
    )
    SELECT count(*) INTO folded FROM gone;
    has_older := EXISTS (SELECT FROM delivery_tallies t WHERE t.recorded_at < date_trunc('minute', now(), 'UTC'));
END
$$;


--
-- Name: FUNCTION fold_tallies(most integer, OUT folded integer, OUT has_older boolean); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.fold_tallies(most integer, OUT folded integer, OUT has_older boolean) IS 'Adds at most so many tallies of the oldest minute to the statistics; answers with how many (0: there are none, or another session does it), and whether there are some of minutes that are over.';


--
-- Name: forget_audit_log(integer, integer); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.forget_audit_log(keep_days integer, max_rows integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
DECLARE
    forgotten integer;
BEGIN
    -- an id says when it was made; less than a day would be a mistake, not a wish
    DELETE FROM audit_log a WHERE a.id = ANY (ARRAY(
        SELECT o.id FROM audit_log o
        WHERE o.id < first_id_at(now() - make_interval(days => greatest(keep_days, 1)))
        ORDER BY o.id LIMIT max_rows
        FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS forgotten = ROW_COUNT;
    RETURN forgotten;
END
$$;


--
-- Name: FUNCTION forget_audit_log(keep_days integer, max_rows integer); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.forget_audit_log(keep_days integer, max_rows integer) IS 'Deletes at most so many entries of the audit log that are older than so many whole days, at least one; answers with how many.';


--
-- Name: forget_circuit(); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.forget_circuit() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
BEGIN
    IF NEW.rate_per_second IS NULL OR NEW.status = 'deleted' THEN
        DELETE FROM rate_buckets b WHERE b.subscription_id = NEW.id;
    END IF;
    IF NEW.status = 'deleted' OR NEW.url <> OLD.url OR (NEW.status = 'active' AND OLD.status <> 'active') THEN
        DELETE FROM circuits c WHERE c.subscription_id = NEW.id;
    END IF;
    IF NEW.status = 'active' THEN
        PERFORM wake();
    END IF;
    RETURN NULL;
END
$$;


--
-- Name: FUNCTION forget_circuit(); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.forget_circuit() IS 'Trigger: forgets how the receiver fared when a subscription is activated again, gets another URL or is deleted, and buckets nobody needs.';


--
-- Name: forget_coalesced_keys(integer); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.forget_coalesced_keys(max_rows integer) RETURNS integer
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
    WITH old AS MATERIALIZED (
        SELECT k.tenant_id, k.coalesce_key, k.event,
            EXISTS (SELECT FROM webhook_deliveries_live d WHERE d.event_id = k.event_id)
                OR EXISTS (SELECT FROM event_fanouts f WHERE f.event_id = k.event_id AND f.state = 'open') AS is_waiting
        FROM coalesced_keys k
        WHERE k.look_at < now()
        ORDER BY k.look_at LIMIT max_rows
        FOR UPDATE SKIP LOCKED),
    kept AS (
        UPDATE coalesced_keys k SET look_at = now() + interval '1 day' FROM old o
        WHERE o.is_waiting AND k.tenant_id = o.tenant_id AND k.coalesce_key = o.coalesce_key AND k.event = o.event),
    gone AS (
        DELETE FROM coalesced_keys k USING old o
        WHERE NOT o.is_waiting AND k.tenant_id = o.tenant_id AND k.coalesce_key = o.coalesce_key AND k.event = o.event)
    SELECT count(*)::integer FROM old
$$;


--
-- Name: FUNCTION forget_coalesced_keys(max_rows integer); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.forget_coalesced_keys(max_rows integer) IS 'Looks at most at so many coalesce keys of more than a day ago, deletes those whose event no longer waits, and says how many it looked at.';


--
-- Name: forget_idempotency_keys(integer); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.forget_idempotency_keys(max_rows integer) RETURNS integer
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
    WITH old AS (
        SELECT k.tenant_id, k.route, k.key FROM idempotency_keys k
        WHERE k.created_at < now() - interval '24 hours'
        ORDER BY k.created_at LIMIT max_rows
        FOR UPDATE SKIP LOCKED),
    gone AS (
        DELETE FROM idempotency_keys k USING old o
        WHERE k.tenant_id = o.tenant_id AND k.route = o.route AND k.key = o.key
        RETURNING 1)
    SELECT count(*)::integer FROM gone
$$;


--
-- Name: FUNCTION forget_idempotency_keys(max_rows integer); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.forget_idempotency_keys(max_rows integer) IS 'Deletes at most so many answers older than 24 hours, and says how many.';


--
-- Name: forget_published_keys(integer); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.forget_published_keys(max_rows integer) RETURNS integer
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
    WITH old AS (
        SELECT k.tenant_id, k.idempotency_key FROM published_keys k
        WHERE k.created_at < now() - interval '7 days'
        ORDER BY k.created_at LIMIT max_rows
        FOR UPDATE SKIP LOCKED),
    gone AS (
        DELETE FROM published_keys k USING old o
        WHERE k.tenant_id = o.tenant_id AND k.idempotency_key = o.idempotency_key
        RETURNING 1)
    SELECT count(*)::integer FROM gone
$$;


--
-- Name: FUNCTION forget_published_keys(max_rows integer); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.forget_published_keys(max_rows integer) IS 'Deletes at most so many idempotency keys of events older than 7 days, and says how many.';


--
-- Name: forget_short_lived_keys(integer); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.forget_short_lived_keys(max_rows integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
DECLARE
    forgotten integer;
BEGIN
    -- an hour more than a day: the end is of the API's clock, the beginning of ours
    DELETE FROM api_keys k WHERE k.id = ANY (ARRAY(
        SELECT o.id FROM api_keys o
        WHERE o.expires_at <= o.created_at + interval '25 hours' AND least(o.expires_at, o.revoked_at) < now() - interval '1 day'
        LIMIT max_rows
        FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS forgotten = ROW_COUNT;
    RETURN forgotten;
END
$$;


--
-- Name: FUNCTION forget_short_lived_keys(max_rows integer); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.forget_short_lived_keys(max_rows integer) IS 'Deletes at most so many API keys that were made for a day at most and ended more than a day ago; answers with how many.';


--
-- Name: growth(); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.growth() RETURNS TABLE(parent text, default_rows integer, oldest_day date, newest_day date)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $_$
    SELECT p.parent, p.default_rows, days.oldest, days.newest
    FROM (VALUES
        ('outbox', (SELECT count(*)::integer FROM (SELECT FROM outbox_default LIMIT 10000) r)),
        ('webhook_deliveries_done', (SELECT count(*)::integer FROM (SELECT FROM webhook_deliveries_done_default LIMIT 10000) r)),
        ('webhook_attempts', (SELECT count(*)::integer FROM (SELECT FROM webhook_attempts_default LIMIT 10000) r))
    ) AS p (parent, default_rows)
    CROSS JOIN LATERAL (
        SELECT min(d.day) AS oldest, max(d.day) AS newest
        FROM pg_inherits i
        JOIN pg_class c ON c.oid = i.inhrelid
        CROSS JOIN LATERAL (SELECT to_date(substring(c.relname FROM '_(\d{8})$'), 'YYYYMMDD') AS day) d
        WHERE i.inhparent = to_regclass(format('posthorn.%I', p.parent))
    ) days
    ORDER BY p.parent
$_$;


--
-- Name: FUNCTION growth(); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.growth() IS 'For monitoring: rows in the default partition (counted up to 10,000; more than none is a fault), oldest and newest day partition.';


--
-- Name: held_back_by(text, date); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.held_back_by(parent text, day date) RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
DECLARE
    low uuid := first_id_of(day);
    high uuid := first_id_of(day + 1);
    one uuid;
BEGIN
    IF parent IN ('webhook_deliveries_done', 'webhook_attempts') THEN
        SELECT l.id INTO one FROM webhook_deliveries_live l WHERE l.id >= low AND l.id < high ORDER BY l.id LIMIT 1;
        IF FOUND THEN
            RETURN format('delivery %s is not finished', one);
        ELSIF parent = 'webhook_attempts' AND is_day_there('webhook_deliveries_done', day) THEN
            RETURN 'the finished deliveries of this day are still there';
        END IF;
        RETURN NULL;
    END IF;
    SELECT l.id INTO one FROM webhook_deliveries_live l
    WHERE l.event_id >= low AND l.event_id < high ORDER BY l.event_id LIMIT 1;
    IF FOUND THEN
        RETURN format('delivery %s of an event of this day is not finished', one);
    END IF;
    SELECT f.event_id INTO one FROM event_fanouts f
    WHERE f.event_id >= low AND f.event_id < high AND f.state = 'open' LIMIT 1;
    IF FOUND THEN
        RETURN format('event %s is not fanned out yet', one);
    END IF;
    IF is_day_there('webhook_deliveries_done', day) OR is_day_there('webhook_attempts', day) THEN
        RETURN 'the finished deliveries or attempts of this day are still there';
    END IF;
    -- fanned out later or across midnight: it can be retried as long as it is there, and then needs its event
    SELECT d.id INTO one FROM webhook_deliveries_done d WHERE d.event_id >= low AND d.event_id < high LIMIT 1;
    IF FOUND THEN
        RETURN format('finished delivery %s of an event of this day is still there', one);
    END IF;
    RETURN NULL;
END
$$;


--
-- Name: FUNCTION held_back_by(parent text, day date); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.held_back_by(parent text, day date) IS 'Why a day of outbox, webhook_deliveries_done or webhook_attempts may not be dropped yet; NULL: it may.';


--
-- Name: here(); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.here(OUT system_identifier bigint, OUT database_oid bigint) RETURNS record
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
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


--
-- Name: FUNCTION here(OUT system_identifier bigint, OUT database_oid bigint); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.here(OUT system_identifier bigint, OUT database_oid bigint) IS 'The server and the database that this session is in, as posthorn.instance has them.';


--
-- Name: hmac_sha256(bytea, bytea); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.hmac_sha256(key bytea, message bytea) RETURNS bytea
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
DECLARE
    short bytea := CASE WHEN octet_length(key) > 64 THEN sha256(key) ELSE key END;
    inner_pad bytea := decode(repeat('36', 64), 'hex');
    outer_pad bytea := decode(repeat('5c', 64), 'hex');
BEGIN
    FOR n IN 0 .. octet_length(short) - 1 LOOP
        inner_pad := set_byte(inner_pad, n, get_byte(short, n) # 54);  -- 0x36
        outer_pad := set_byte(outer_pad, n, get_byte(short, n) # 92);  -- 0x5c
    END LOOP;
    RETURN sha256(outer_pad || sha256(inner_pad || message));
END
$$;


--
-- Name: FUNCTION hmac_sha256(key bytea, message bytea); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.hmac_sha256(key bytea, message bytea) IS 'HMAC-SHA256 (RFC 2104) of a message.';


--
-- Name: hold_tenant(); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.hold_tenant() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
BEGIN
    PERFORM FROM tenants t WHERE t.id = NEW.tenant_id FOR KEY SHARE;
    RETURN NEW;
END
$$;


--
-- Name: FUNCTION hold_tenant(); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.hold_tenant() IS 'Trigger: keeps the tenant from becoming strict while its subscription changes.';


--
-- Name: identify_api_key(text); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.identify_api_key(key_id text) RETURNS TABLE(tenant_id uuid, secret_sha256 bytea, is_valid boolean, scopes text[])
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
    SELECT k.tenant_id, k.secret_sha256,
        k.revoked_at IS NULL AND coalesce(k.expires_at > now(), true) AND t.disabled_at IS NULL, k.scopes
    FROM api_keys k JOIN tenants t ON t.id = k.tenant_id
    WHERE k.id = key_id
$$;


--
-- Name: FUNCTION identify_api_key(key_id text); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.identify_api_key(key_id text) IS 'Whose an API key is, its hash and what it may do, for the API''s authentication alone.';


--
-- Name: ids_of_job(jsonb); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.ids_of_job(wanted jsonb, OUT after_id uuid, OUT before_id uuid) RETURNS record
    LANGUAGE sql STABLE
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
    -- what is made from now on is not meant
    SELECT first_id_at(coalesce((wanted ->> 'since')::timestamptz, 'epoch')),
        first_id_at(least(coalesce((wanted ->> 'until')::timestamptz, 'infinity'), clock_timestamp() + interval '1 ms'))
$$;


--
-- Name: FUNCTION ids_of_job(wanted jsonb, OUT after_id uuid, OUT before_id uuid); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.ids_of_job(wanted jsonb, OUT after_id uuid, OUT before_id uuid) IS 'The ids that since and until of a job''s filter stand for; not beyond this moment.';


--
-- Name: invoice_authorized(uuid, text, text, text, text, jsonb, timestamp with time zone, text, text, text); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.invoice_authorized(tenant_id uuid, invoice_id text, invoice_number text, authorization_number text DEFAULT NULL::text, authorization_key text DEFAULT NULL::text, metadata jsonb DEFAULT NULL::jsonb, deliver_after timestamp with time zone DEFAULT NULL::timestamp with time zone, ordering_key text DEFAULT NULL::text, idempotency_key text DEFAULT NULL::text, coalesce_key text DEFAULT NULL::text) RETURNS uuid
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
    SELECT publish_business_event(tenant_id, 'invoice.authorized', '{invoice_id,invoice_number}', jsonb_build_object(
        'invoice_id', invoice_id, 'invoice_number', invoice_number, 'authorization_number', authorization_number,
        'authorization_key', authorization_key),
        metadata, deliver_after, ordering_key, idempotency_key, coalesce_key)
$$;


--
-- Name: FUNCTION invoice_authorized(tenant_id uuid, invoice_id text, invoice_number text, authorization_number text, authorization_key text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.invoice_authorized(tenant_id uuid, invoice_id text, invoice_number text, authorization_number text, authorization_key text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text) IS 'Publishes invoice.authorized and returns the event''s id. Payload: invoice_id, invoice_number, authorization_number, authorization_key; what is not given is null.
Example: SELECT posthorn.invoice_authorized(''6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10'', ''INV-1001'', ''F-2026-1001'', authorization_number => ''1402202601'', authorization_key => ''2110202601'')';


--
-- Name: invoice_cancelled(uuid, text, text, text, jsonb, timestamp with time zone, text, text, text); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.invoice_cancelled(tenant_id uuid, invoice_id text, invoice_number text, reason text DEFAULT NULL::text, metadata jsonb DEFAULT NULL::jsonb, deliver_after timestamp with time zone DEFAULT NULL::timestamp with time zone, ordering_key text DEFAULT NULL::text, idempotency_key text DEFAULT NULL::text, coalesce_key text DEFAULT NULL::text) RETURNS uuid
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
    SELECT publish_business_event(tenant_id, 'invoice.cancelled', '{invoice_id,invoice_number}', jsonb_build_object(
        'invoice_id', invoice_id, 'invoice_number', invoice_number, 'reason', reason),
        metadata, deliver_after, ordering_key, idempotency_key, coalesce_key)
$$;


--
-- Name: FUNCTION invoice_cancelled(tenant_id uuid, invoice_id text, invoice_number text, reason text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.invoice_cancelled(tenant_id uuid, invoice_id text, invoice_number text, reason text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text) IS 'Publishes invoice.cancelled and returns the event''s id. Payload: invoice_id, invoice_number, reason; what is not given is null.
Example: SELECT posthorn.invoice_cancelled(''6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10'', ''INV-1001'', ''F-2026-1001'', reason => ''Customer request'')';


--
-- Name: invoice_created(uuid, text, text, numeric, text, text, text, text, timestamp with time zone, jsonb, timestamp with time zone, text, text, text); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.invoice_created(tenant_id uuid, invoice_id text, invoice_number text, amount numeric, currency text DEFAULT 'USD'::text, customer_name text DEFAULT NULL::text, customer_id text DEFAULT NULL::text, status text DEFAULT 'draft'::text, created_at timestamp with time zone DEFAULT now(), metadata jsonb DEFAULT NULL::jsonb, deliver_after timestamp with time zone DEFAULT NULL::timestamp with time zone, ordering_key text DEFAULT NULL::text, idempotency_key text DEFAULT NULL::text, coalesce_key text DEFAULT NULL::text) RETURNS uuid
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
    SELECT publish_business_event(tenant_id, 'invoice.created', '{invoice_id,invoice_number,amount}', jsonb_build_object(
        'invoice_id', invoice_id, 'invoice_number', invoice_number, 'amount', amount::text, 'currency', coalesce(currency, 'USD'),
        'customer_name', customer_name, 'customer_id', customer_id, 'status', coalesce(status, 'draft'),
        'created_at', to_char(coalesce(created_at, now()) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')),
        metadata, deliver_after, ordering_key, idempotency_key, coalesce_key)
$$;


--
-- Name: FUNCTION invoice_created(tenant_id uuid, invoice_id text, invoice_number text, amount numeric, currency text, customer_name text, customer_id text, status text, created_at timestamp with time zone, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.invoice_created(tenant_id uuid, invoice_id text, invoice_number text, amount numeric, currency text, customer_name text, customer_id text, status text, created_at timestamp with time zone, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text) IS 'Publishes invoice.created and returns the event''s id. Payload: invoice_id, invoice_number, amount, currency, customer_name, customer_id, status, created_at; what is not given is null.
Example: SELECT posthorn.invoice_created(''6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10'', ''INV-1001'', ''F-2026-1001'', 1500.00, customer_name => ''Acme Corporation'', customer_id => ''CUS-1001'')';


--
-- Name: invoice_rejected(uuid, text, text, text, text, jsonb, timestamp with time zone, text, text, text); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.invoice_rejected(tenant_id uuid, invoice_id text, invoice_number text, reason text DEFAULT NULL::text, error_code text DEFAULT NULL::text, metadata jsonb DEFAULT NULL::jsonb, deliver_after timestamp with time zone DEFAULT NULL::timestamp with time zone, ordering_key text DEFAULT NULL::text, idempotency_key text DEFAULT NULL::text, coalesce_key text DEFAULT NULL::text) RETURNS uuid
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
    SELECT publish_business_event(tenant_id, 'invoice.rejected', '{invoice_id,invoice_number}', jsonb_build_object(
        'invoice_id', invoice_id, 'invoice_number', invoice_number, 'reason', reason, 'error_code', error_code),
        metadata, deliver_after, ordering_key, idempotency_key, coalesce_key)
$$;


--
-- Name: FUNCTION invoice_rejected(tenant_id uuid, invoice_id text, invoice_number text, reason text, error_code text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.invoice_rejected(tenant_id uuid, invoice_id text, invoice_number text, reason text, error_code text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text) IS 'Publishes invoice.rejected and returns the event''s id. Payload: invoice_id, invoice_number, reason, error_code; what is not given is null.
Example: SELECT posthorn.invoice_rejected(''6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10'', ''INV-1001'', ''F-2026-1001'', reason => ''Invalid tax number'', error_code => ''SRI-001'')';


--
-- Name: invoice_sent(uuid, text, text, text, jsonb, timestamp with time zone, text, text, text); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.invoice_sent(tenant_id uuid, invoice_id text, invoice_number text, sent_to text DEFAULT NULL::text, metadata jsonb DEFAULT NULL::jsonb, deliver_after timestamp with time zone DEFAULT NULL::timestamp with time zone, ordering_key text DEFAULT NULL::text, idempotency_key text DEFAULT NULL::text, coalesce_key text DEFAULT NULL::text) RETURNS uuid
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
    SELECT publish_business_event(tenant_id, 'invoice.sent', '{invoice_id,invoice_number}', jsonb_build_object(
        'invoice_id', invoice_id, 'invoice_number', invoice_number, 'sent_to', sent_to),
        metadata, deliver_after, ordering_key, idempotency_key, coalesce_key)
$$;


--
-- Name: FUNCTION invoice_sent(tenant_id uuid, invoice_id text, invoice_number text, sent_to text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.invoice_sent(tenant_id uuid, invoice_id text, invoice_number text, sent_to text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text) IS 'Publishes invoice.sent and returns the event''s id. Payload: invoice_id, invoice_number, sent_to; what is not given is null.
Example: SELECT posthorn.invoice_sent(''6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10'', ''INV-1001'', ''F-2026-1001'', sent_to => ''billing@acme.example'')';


--
-- Name: is_cheap_filter(jsonpath); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.is_cheap_filter(filter jsonpath) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ((filter IS NULL) OR ((char_length((filter)::text) <= 200) AND (regexp_replace((filter)::text, '"(\\.|[^"\\])*"'::text, '""'::text, 'g'::text) !~ '[*?@\[]|[=<>] *[-+(]*\$'::text)));


--
-- Name: FUNCTION is_cheap_filter(filter jsonpath); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.is_cheap_filter(filter jsonpath) IS 'Whether a filter takes little time on any payload of 16 KiB, so that it may run within a publisher''s transaction.';


--
-- Name: is_checked_event(uuid, text); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.is_checked_event(tenant uuid, event_name text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
    SELECT NOT starts_with(event_name, 'posthorn.') AND (
        EXISTS (SELECT FROM event_types e WHERE e.tenant_id = tenant AND e.name = event_name AND e.is_strict)
        OR (EXISTS (SELECT FROM tenants t WHERE t.id = tenant AND t.strict_event_types)
            AND (EXISTS (SELECT FROM event_types e WHERE e.tenant_id = tenant AND e.name = event_name AND e.json_schema IS NOT NULL)
                OR NOT EXISTS (SELECT FROM event_types e WHERE e.name = event_name AND (e.tenant_id IS NULL OR e.tenant_id = tenant)))))
$$;


--
-- Name: FUNCTION is_checked_event(tenant uuid, event_name text); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.is_checked_event(tenant uuid, event_name text) IS 'Whether events of this name must be checked: the type is strict, or the tenant is and the type has a schema or is unknown.';


--
-- Name: is_copy(); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.is_copy() RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
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


--
-- Name: FUNCTION is_copy(); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.is_copy() IS 'Whether what is here came from another place by dump and restore: dispatchers send nothing then. NULL: nothing has ever been sent from it.';


--
-- Name: is_day_there(text, date); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.is_day_there(parent text, day date) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
    SELECT EXISTS (
        SELECT FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = to_regclass(format('posthorn.%I', parent)) AND c.relname = parent || to_char(day, '_YYYYMMDD'))
$$;


--
-- Name: FUNCTION is_day_there(parent text, day date); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.is_day_there(parent text, day date) IS 'Whether a table has a partition of this day; one that was detached by hand does not count.';


--
-- Name: is_erased(uuid); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.is_erased(delivery uuid) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
DECLARE
    answer boolean;
BEGIN
    -- either we wait for whoever erases it at this moment, or it waits until what we write is there to be blanked
    SELECT d.erased_at IS NOT NULL INTO answer FROM webhook_deliveries d WHERE d.id = delivery FOR SHARE;
    RETURN coalesce(answer, false);
END
$$;


--
-- Name: FUNCTION is_erased(delivery uuid); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.is_erased(delivery uuid) IS 'For dispatchers: whether a delivery was erased, so that nothing is kept of an answer that comes late.';


--
-- Name: is_strict_tenant(uuid); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.is_strict_tenant(tenant uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
    SELECT EXISTS (SELECT FROM tenants t WHERE t.id = tenant AND t.strict_event_types)
        OR EXISTS (SELECT FROM event_types e WHERE e.tenant_id = tenant AND e.is_strict)
$$;


--
-- Name: FUNCTION is_strict_tenant(tenant uuid); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.is_strict_tenant(tenant uuid) IS 'Whether this tenant is strict about anything.';


--
-- Name: is_tenant_enabled(uuid); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.is_tenant_enabled(tenant uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$ SELECT EXISTS (SELECT FROM tenants t WHERE t.id = tenant AND t.disabled_at IS NULL) $$;


--
-- Name: FUNCTION is_tenant_enabled(tenant uuid); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.is_tenant_enabled(tenant uuid) IS 'Whether there is this tenant and it is not disabled; for tokens that name one.';


--
-- Name: json_faults(text[]); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.json_faults(texts text[]) RETURNS TABLE(place integer, fault text)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'posthorn', 'pg_temp'
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


--
-- Name: FUNCTION json_faults(texts text[]); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.json_faults(texts text[]) IS 'Which of these texts, from 1, cannot be payloads or metadata, and why.';


--
-- Name: json_text(text); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.json_text(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT CASE WHEN value IS NULL THEN 'null' WHEN value !~ '["\\\x01-\x1f]' THEN '"' || value || '"' ELSE '"' || (
        SELECT string_agg(CASE WHEN r.c IN ('"', '\') THEN '\' || r.c WHEN ascii(r.c) < 32 THEN '\u' || lpad(to_hex(ascii(r.c)), 4, '0')
            ELSE r.c END, '' ORDER BY r.n)
        FROM regexp_split_to_table(value, '') WITH ORDINALITY AS r (c, n)) || '"' END
$$;


--
-- Name: FUNCTION json_text(value text); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.json_text(value text) IS 'A text as JSON, escaped as webhooks have it: what must be, and nothing else.';


--
-- Name: keep_patterns_marked(uuid); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.keep_patterns_marked(tenant uuid) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
BEGIN
    PERFORM FROM tenants t WHERE t.id = tenant FOR UPDATE;
    UPDATE subscription_patterns p SET is_checked = is_strict_tenant(tenant)
    WHERE p.tenant_id = tenant AND p.is_checked <> is_strict_tenant(tenant);
END
$$;


--
-- Name: FUNCTION keep_patterns_marked(tenant uuid); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.keep_patterns_marked(tenant uuid) IS 'Makes the pattern rows of a tenant say whether it is strict.';


--
-- Name: keep_subscription_patterns(); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.keep_subscription_patterns() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        DELETE FROM subscription_patterns WHERE tenant_id = OLD.tenant_id AND subscription_id = OLD.id;
    END IF;
    IF NEW.status = 'active' THEN
        -- the DISTINCT stands apart: jsonpath has no equality
        INSERT INTO subscription_patterns (tenant_id, pattern, subscription_id, filter, is_cheap, is_ordered)
        SELECT NEW.tenant_id, wanted.pattern, NEW.id, NEW.filter, is_cheap_filter(NEW.filter), NEW.ordered
        FROM (SELECT DISTINCT e.pattern FROM unnest(NEW.events) AS e (pattern)) AS wanted;
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.ordered AND NOT NEW.ordered THEN
        -- nobody stands in line any more
        UPDATE webhook_deliveries_live SET ordering_key = NULL, ordering_number = NULL, due_at = coalesce(due_at, now())
        WHERE subscription_id = NEW.id AND ordering_key IS NOT NULL;
        PERFORM wake();
    END IF;
    RETURN NULL;
END
$$;


--
-- Name: FUNCTION keep_subscription_patterns(); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.keep_subscription_patterns() IS 'Trigger: keeps subscription_patterns in step with a subscription.';


--
-- Name: lease(uuid, uuid, uuid, integer, integer, integer, integer, integer, double precision, timestamp with time zone); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.lease(dispatcher uuid, tenant uuid, subscription uuid, wanted integer, most integer, busy integer, default_cap integer, default_timeout integer, margin double precision, floor_at timestamp with time zone, OUT leased uuid[], OUT rescued uuid[], OUT is_cut boolean, OUT is_capped boolean, OUT look_again_at timestamp with time zone) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
DECLARE
    policy record;
    in_flight integer := busy;
    cap_left integer;
    allowed integer;
    is_probe boolean;
    tokens double precision;
    counted_at timestamptz;
    waiting integer;
    oldest_at timestamptz;
    blocked uuid[];
    parked integer;
BEGIN
    leased := '{}';
    is_cut := false;
    is_capped := false;
    SELECT s.url, s.max_in_flight, coalesce(s.timeout_seconds, default_timeout) AS timeout_seconds, s.rate_per_second,
        coalesce(s.rate_burst, greatest(1, ceil(s.rate_per_second))) AS rate_burst, coalesce(s.batch_max, 1) AS batch_max,
        s.batch_wait_ms, s.ordered, c.state AS circuit, c.retry_at, c.ramp, b.tokens, b.filled_at
    INTO policy
    FROM webhook_subscriptions s
    LEFT JOIN circuits c ON c.subscription_id = s.id
    LEFT JOIN rate_buckets b ON b.subscription_id = s.id
    WHERE s.id = subscription AND s.status = 'active';
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF policy.retry_at > now() THEN
        RETURN;
    END IF;

    is_probe := coalesce(policy.circuit, 'closed') <> 'closed';
    IF is_probe THEN
        -- who is noting an outcome may wait for others, and nobody must wait for that here
        PERFORM FROM circuits c WHERE c.subscription_id = subscription FOR UPDATE SKIP LOCKED;
        IF NOT FOUND THEN
            RETURN;
        END IF;
    END IF;
    -- a share never cuts a batch in two
    wanted := least(greatest(wanted, policy.batch_max), most);
    IF policy.ramp IS NOT NULL OR policy.max_in_flight < (
        SELECT sum(d.concurrency) FROM dispatchers d WHERE d.stopped_at IS NULL AND d.seen_at > now() - interval '1 minute') THEN
        -- What the receiver asked for holds over all dispatchers. Leased rows stand at the head of the line, since they
        -- fell due first: a look at its beginning counts them.
        in_flight := greatest(busy, (
            SELECT count(*) FROM (
                SELECT d.lease_until FROM webhook_deliveries_live d
                WHERE d.tenant_id = tenant AND d.subscription_id = subscription AND d.due_at <= now() AND d.due_at >= floor_at
                ORDER BY d.due_at LIMIT coalesce(policy.max_in_flight, default_cap) + 1000) head
            WHERE head.lease_until > now()));
    END IF;
    -- a batch fits into the limit that nobody set
    cap_left := least(coalesce(policy.max_in_flight, greatest(default_cap, policy.batch_max)), policy.ramp * policy.batch_max) - in_flight;
    IF cap_left <= 0 THEN
        is_capped := true;
        RETURN;
    END IF;
    allowed := CASE WHEN is_probe THEN 1 ELSE least(wanted, cap_left) END;

    IF policy.rate_per_second IS NOT NULL THEN
        -- not now(): claims take turns, but one that came later may have begun its transaction earlier
        counted_at := clock_timestamp();
        tokens := least(policy.rate_burst, coalesce(policy.tokens + policy.rate_per_second
            * greatest(0, extract(epoch FROM counted_at - policy.filled_at)), policy.rate_burst));
        IF floor(tokens) * policy.batch_max <= allowed THEN
            allowed := floor(tokens) * policy.batch_max;
            look_again_at := counted_at + make_interval(secs => (1 + floor(tokens) - tokens) / policy.rate_per_second);
        END IF;
        IF allowed <= 0 THEN
            RETURN;
        END IF;
    END IF;

    IF policy.batch_wait_ms > 0 AND policy.batch_max > 1 THEN
        SELECT count(*), min(due.due_at) INTO waiting, oldest_at
        FROM (SELECT d.due_at FROM webhook_deliveries_live d
              WHERE d.tenant_id = tenant AND d.subscription_id = subscription AND d.due_at <= now() AND d.due_at >= floor_at
                AND (d.lease_until IS NULL OR d.lease_until <= now())
              ORDER BY d.due_at LIMIT policy.batch_max) due;
        IF oldest_at + make_interval(secs => policy.batch_wait_ms / 1000.0) > now() THEN
            IF waiting < policy.batch_max THEN
                look_again_at := oldest_at + make_interval(secs => policy.batch_wait_ms / 1000.0);
                RETURN;
            END IF;
            -- a full one goes at once; what is behind it waits for its own
            allowed := least(allowed, policy.batch_max);
            wanted := allowed;
        END IF;
    END IF;

    IF NOT policy.ordered THEN
        SELECT array_agg(due.id), array_agg(due.id) FILTER (WHERE due.status = 'sending') INTO leased, rescued
        FROM (SELECT d.id, d.status FROM webhook_deliveries_live d
              WHERE d.tenant_id = tenant AND d.subscription_id = subscription AND d.due_at <= now() AND d.due_at >= floor_at
                AND (d.lease_until IS NULL OR d.lease_until <= now())
              ORDER BY d.due_at LIMIT allowed FOR UPDATE SKIP LOCKED) due;
    ELSE
        -- more are looked at than are wanted: most may stand in line behind another
        SELECT array_agg(due.id) FILTER (WHERE NOT due.is_behind AND NOT due.is_overtaken),
            array_agg(due.id) FILTER (WHERE due.status = 'sending'), array_agg(due.id) FILTER (WHERE due.is_behind)
        INTO leased, rescued, blocked
        FROM (SELECT d.id, d.status,
                  d.ordering_key IS NOT NULL AND EXISTS (
                      SELECT FROM webhook_deliveries_live f
                      WHERE f.subscription_id = d.subscription_id AND f.ordering_key = d.ordering_key
                        AND f.ordering_number < d.ordering_number) AS is_behind,
                  -- a replay came before one that is on its way
                  d.ordering_key IS NOT NULL AND EXISTS (
                      SELECT FROM webhook_deliveries_live l
                      WHERE l.subscription_id = d.subscription_id AND l.ordering_key = d.ordering_key
                        AND l.ordering_number > d.ordering_number AND l.lease_until > now()) AS is_overtaken
              FROM webhook_deliveries_live d
              WHERE d.tenant_id = tenant AND d.subscription_id = subscription AND d.due_at <= now() AND d.due_at >= floor_at
                AND (d.lease_until IS NULL OR d.lease_until <= now())
              ORDER BY d.due_at LIMIT greatest(allowed, 200) FOR UPDATE OF d SKIP LOCKED) due;
        is_cut := coalesce(cardinality(leased), 0) > allowed;
        leased := leased[1:allowed];
        rescued := (SELECT array_agg(r.id) FROM unnest(rescued) AS r (id) WHERE r.id = ANY (leased));
        IF blocked IS NOT NULL THEN
            -- Parked, so that no later claim passes them. Only behind a row that is held here until this commits: if it is
            -- leaving just now, nobody would call them.
            UPDATE webhook_deliveries_live d SET due_at = NULL
            FROM (SELECT b.id FROM webhook_deliveries_live b
                  CROSS JOIN LATERAL (
                      SELECT FROM webhook_deliveries_live f
                      WHERE f.subscription_id = b.subscription_id AND f.ordering_key = b.ordering_key
                        AND f.ordering_number < b.ordering_number
                      ORDER BY f.ordering_number LIMIT 1 FOR SHARE SKIP LOCKED) before
                  WHERE b.id = ANY (blocked)) behind
            WHERE d.id = behind.id;
            GET DIAGNOSTICS parked = ROW_COUNT;
            is_cut := is_cut OR parked > 0;
        END IF;
    END IF;
    IF leased IS NULL OR leased = '{}' THEN
        leased := '{}';
        RETURN;
    END IF;

    IF rescued IS NOT NULL THEN
        -- a lease ran out: its holder vanished or is too slow. The attempt is told, until the late truth replaces it.
        INSERT INTO webhook_attempts (delivery_id, epoch, tenant_id, generation, number, dispatcher_id, target_url, started_at,
            duration_ms, error_kind, error)
        SELECT d.id, d.epoch, d.tenant_id, d.generation, d.attempts, d.dispatcher_id, policy.url, d.updated_at,
            least(extract(epoch FROM now() - d.updated_at), 2000000)::integer * 1000, 'lease_expired',
            'the dispatcher that held this delivery vanished or did not finish in time'
        FROM webhook_deliveries_live d WHERE d.id = ANY (rescued)
        ON CONFLICT (delivery_id, epoch) DO NOTHING;
    END IF;
    UPDATE webhook_deliveries_live d
    SET status = 'sending', epoch = d.epoch + 1, attempts = d.attempts + 1, dispatcher_id = dispatcher,
        lease_until = now() + make_interval(secs => policy.timeout_seconds + margin), updated_at = now()
    WHERE d.id = ANY (leased);

    is_cut := is_cut OR cardinality(leased) >= wanted;
    is_capped := cardinality(leased) >= cap_left;
    IF policy.rate_per_second IS NOT NULL THEN
        INSERT INTO rate_buckets AS r (subscription_id, tokens, filled_at)
        VALUES (subscription, tokens - ceil(cardinality(leased)::numeric / policy.batch_max), counted_at)
        ON CONFLICT (subscription_id) DO UPDATE SET tokens = EXCLUDED.tokens, filled_at = EXCLUDED.filled_at;
    END IF;
    IF is_probe THEN
        UPDATE circuits c
        SET state = 'half_open', changed_at = now(), retry_at = now() + make_interval(secs => policy.timeout_seconds + margin)
        WHERE c.subscription_id = subscription;
    END IF;
END
$$;


--
-- Name: FUNCTION lease(dispatcher uuid, tenant uuid, subscription uuid, wanted integer, most integer, busy integer, default_cap integer, default_timeout integer, margin double precision, floor_at timestamp with time zone, OUT leased uuid[], OUT rescued uuid[], OUT is_cut boolean, OUT is_capped boolean, OUT look_again_at timestamp with time zone); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.lease(dispatcher uuid, tenant uuid, subscription uuid, wanted integer, most integer, busy integer, default_cap integer, default_timeout integer, margin double precision, floor_at timestamp with time zone, OUT leased uuid[], OUT rescued uuid[], OUT is_cut boolean, OUT is_capped boolean, OUT look_again_at timestamp with time zone) IS 'Part of the claim: leases at most so many due deliveries of one subscription, as far as its limits allow.';


--
-- Name: make_day(text, date); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.make_day(parent text, day date) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $_$
DECLARE
    partition text := parent || to_char(day, '_YYYYMMDD');
    key text := CASE parent WHEN 'webhook_attempts' THEN 'delivery_id' ELSE 'id' END;
    low uuid := first_id_of(day);
    high uuid := first_id_of(day + 1);
    is_needed boolean;
BEGIN
    IF parent NOT IN ('outbox', 'webhook_deliveries_done', 'webhook_attempts') THEN
        RAISE EXCEPTION 'no days are kept of %', parent USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF (day BETWEEN current_date - 3660 AND current_date + 60) IS NOT TRUE THEN
        RAISE EXCEPTION 'day % is more than ten years ago or more than 60 days ahead', day
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM set_config('lock_timeout', '1s', true);      -- the caller tries again on 55P03
    PERFORM pg_advisory_xact_lock(1886352488, 3);        -- several processes make days at once
    -- pg_class and not to_regclass: waiting for the lock above does not refresh a cached "no such table"
    IF EXISTS (SELECT FROM pg_class c WHERE c.relname = partition AND c.relnamespace = 'posthorn'::regnamespace) THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', partition, parent);
    EXECUTE format('COMMENT ON TABLE %I IS %L', partition, format('Rows of %s whose id is of %s (UTC).', parent, day));
    IF parent <> 'outbox' THEN
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', partition);
    END IF;
    -- rows that came before their day had a partition: ATTACH would fail on them
    EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE %I >= $1 AND %I < $2)', parent || '_default', key, key)
        INTO is_needed USING low, high;
    IF is_needed THEN
        EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', parent || '_default');
        EXECUTE format('WITH moved AS (DELETE FROM %I WHERE %I >= $1 AND %I < $2 RETURNING *) INSERT INTO %I SELECT * FROM moved',
            parent || '_default', key, key, partition) USING low, high;
    END IF;
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, partition, low, high);
    RETURN true;
END
$_$;


--
-- Name: FUNCTION make_day(parent text, day date); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.make_day(parent text, day date) IS 'Makes the partition of a day (UTC) of outbox, webhook_deliveries_done or webhook_attempts, moving early rows out of the default partition. False: it exists.';


--
-- Name: mark_pattern(); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.mark_pattern() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
BEGIN
    NEW.is_checked := is_strict_tenant(NEW.tenant_id);
    RETURN NEW;
END
$$;


--
-- Name: FUNCTION mark_pattern(); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.mark_pattern() IS 'Trigger: a new pattern row says whether its tenant is strict.';


--
-- Name: missing_days(integer); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.missing_days(ahead integer) RETURNS TABLE(parent text, day date)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
    SELECT parents.parent, days.day::date
    FROM unnest('{outbox,webhook_deliveries_done,webhook_attempts}'::text[]) AS parents (parent)
    CROSS JOIN generate_series((now() AT TIME ZONE 'UTC')::date, (now() AT TIME ZONE 'UTC')::date + ahead, '1 day') AS days (day)
    WHERE to_regclass('posthorn.' || parents.parent || to_char(days.day, '_YYYYMMDD')) IS NULL
    ORDER BY days.day, parents.parent
$$;


--
-- Name: FUNCTION missing_days(ahead integer); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.missing_days(ahead integer) IS 'Partitions still to be made, from today to so many days ahead.';


--
-- Name: monitored_states(); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.monitored_states() RETURNS TABLE(what text, state text, count bigint)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
    SELECT 'subscriptions', s.status, count(*) FROM webhook_subscriptions s WHERE s.status <> 'deleted' GROUP BY s.status
    UNION ALL
    SELECT 'circuits', c.state, count(*) FROM circuits c WHERE c.state <> 'closed' GROUP BY c.state
    UNION ALL
    SELECT 'jobs', j.state, count(*) FROM jobs j WHERE j.state IN ('waiting', 'running') GROUP BY j.state
$$;


--
-- Name: FUNCTION monitored_states(); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.monitored_states() IS 'For metrics: subscriptions by status, circuits that are not closed by state, jobs that are not finished by state.';


--
-- Name: monitored_waiting(integer); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.monitored_waiting(most integer) RETURNS TABLE(tenant_id uuid, subscription_id uuid, waiting bigint, oldest_seconds double precision)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    SET enable_sort TO 'on'
    AS $_$
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
$_$;


--
-- Name: FUNCTION monitored_waiting(most integer); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.monitored_waiting(most integer) IS 'For metrics: what waits, and since when the oldest due one does, for so many subscriptions and tenants (subscription_id NULL) with most of it.';


--
-- Name: no_tenant(text); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.no_tenant(source text) RETURNS uuid
    LANGUAGE plpgsql
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
BEGIN
    RAISE EXCEPTION 'a row of % has no tenant, so its change cannot be published', source
        USING ERRCODE = 'not_null_violation', HINT = 'Give it one, or attach the table with a "when" that leaves such rows out.';
END
$$;


--
-- Name: FUNCTION no_tenant(source text); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.no_tenant(source text) IS 'Part of attached tables: the error for a row whose tenant is NULL.';


--
-- Name: note_audit(); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.note_audit() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
DECLARE
    old_row jsonb := CASE WHEN TG_OP = 'INSERT' THEN '{}' ELSE to_jsonb(OLD) END;
    new_row jsonb := CASE WHEN TG_OP = 'DELETE' THEN '{}' ELSE to_jsonb(NEW) END;
    subject jsonb := old_row || new_row;
    tenant uuid := (subject->>TG_ARGV[1])::uuid;
    changed jsonb;
BEGIN
    SELECT jsonb_object_agg(c.column_name, jsonb_build_object(
        'old', audited_value(c.column_name, c.old_value), 'new', audited_value(c.column_name, c.new_value)))
    INTO changed
    FROM (SELECT column_name, coalesce(o.value, 'null') AS old_value, coalesce(n.value, 'null') AS new_value
          FROM jsonb_each(old_row) AS o (column_name, value)
          FULL JOIN jsonb_each(new_row) AS n (column_name, value) USING (column_name)) c
    WHERE c.old_value <> c.new_value
      AND c.column_name <> ALL ('{id,tenant_id,created_at,updated_at,status_changed_at,active,last_used_at}'::text[]);
    -- what belongs to every tenant is nobody's; what changes nothing is no change
    IF tenant IS NOT NULL AND (changed IS NOT NULL OR TG_OP <> 'UPDATE') THEN
        INSERT INTO audit_log (tenant_id, actor, action, target_type, target_id, changes)
        -- the setting and not current_user, which is the owner here
        VALUES (tenant, current_actor(), CASE current_setting('role') WHEN 'posthorn_rekey' THEN 'secret.resealed'
            ELSE audited_action(TG_ARGV[0], TG_OP, old_row, new_row) END, TG_ARGV[0], subject->>TG_ARGV[2], changed);
    END IF;
    RETURN NULL;
END
$$;


--
-- Name: FUNCTION note_audit(); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.note_audit() IS 'Trigger (kind, column of the tenant, column of the id): adds a row to the audit log for each row changed.';


--
-- Name: note_erasure(); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.note_erasure() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
BEGIN
    PERFORM audit_for(NEW.tenant_id, 'events.erased', 'job', NEW.id::text, erasure_criteria(NEW.filter)
        || jsonb_build_object('state', NEW.state, 'erased', NEW.changed, 'asked_by', NEW.created_by));
    NEW.filter := erasure_criteria(NEW.filter);
    RETURN NEW;
END
$$;


--
-- Name: FUNCTION note_erasure(); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.note_erasure() IS 'Trigger: a job of erasure that ends, however it does, is in the audit log and forgets whom it was about.';


--
-- Name: note_event_type_change(); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.note_event_type_change() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;


--
-- Name: FUNCTION note_event_type_change(); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.note_event_type_change() IS 'Trigger: keeps updated_at.';


--
-- Name: note_key_use(text); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.note_key_use(key_id text) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
    UPDATE api_keys SET last_used_at = now()
    WHERE id = key_id AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
$$;


--
-- Name: FUNCTION note_key_use(key_id text); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.note_key_use(key_id text) IS 'Notes that a key was used, at most once a minute.';


--
-- Name: note_outcomes(uuid[], integer[], integer[], integer[], text[], integer, double precision, integer, integer); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.note_outcomes(subscriptions uuid[], successes integer[], failures integer[], trailing_failures integer[], errors text[], default_failures integer, default_ratio double precision, default_seconds integer, default_suspend_seconds integer) RETURNS TABLE(subscription_id uuid, change text, reason text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
#variable_conflict use_column
DECLARE
    outcome record;
    policy record;
    known circuits;
    opens boolean;
    pause interval;
    suspend_seconds integer;
BEGIN
    FOR outcome IN
        SELECT o.id, o.succeeded, o.failed, o.failed_since, o.error
        FROM unnest(subscriptions, successes, failures, trailing_failures, errors) AS o (id, succeeded, failed, failed_since, error)
        ORDER BY o.id
    LOOP
        SELECT s.tenant_id, coalesce(s.circuit_failures, default_failures) AS failures,
            coalesce(s.circuit_failure_ratio, default_ratio) AS ratio, coalesce(s.circuit_seconds, default_seconds) AS seconds,
            coalesce(s.suspend_after_seconds, default_suspend_seconds) AS suspend_seconds
        INTO policy FROM webhook_subscriptions s WHERE s.id = outcome.id;
        CONTINUE WHEN NOT FOUND;
        IF outcome.failed > 0 THEN
            INSERT INTO circuits (subscription_id, tenant_id) VALUES (outcome.id, policy.tenant_id)
            ON CONFLICT ON CONSTRAINT circuits_pkey DO NOTHING;
        END IF;
        SELECT c.* INTO known FROM circuits c WHERE c.subscription_id = outcome.id FOR UPDATE;
        CONTINUE WHEN NOT FOUND;

        IF outcome.succeeded > 0 THEN
            known.failures_in_a_row := outcome.failed_since;
            known.failing_since_at := CASE WHEN outcome.failed_since > 0 THEN now() END;
        ELSE
            known.failures_in_a_row := known.failures_in_a_row + outcome.failed;
            known.failing_since_at := coalesce(known.failing_since_at, now());
        END IF;
        IF known.window_started_at < now() - interval '1 minute' THEN
            known.window_started_at := now();
            known.window_failures := 0;
            known.window_successes := 0;
        END IF;
        known.window_failures := known.window_failures + outcome.failed;
        known.window_successes := known.window_successes + outcome.succeeded;

        opens := false;
        IF known.state <> 'closed' AND outcome.succeeded > 0 THEN
            -- it answers again: not everything that waited goes to it at once
            known.state := 'closed';
            known.changed_at := now();
            known.retry_at := NULL;
            known.ramp := greatest(1, outcome.succeeded);
            known.window_started_at := now();
            known.window_failures := outcome.failed_since;
            known.window_successes := outcome.succeeded;
            RETURN QUERY SELECT outcome.id, 'closed', 'the receiver answers again';
        ELSIF known.state = 'closed' THEN
            IF policy.failures > 0 AND known.failures_in_a_row >= policy.failures THEN
                opens := true;
                known.reason := format('%s failures in a row', known.failures_in_a_row);
            ELSIF policy.failures > 0 AND known.window_failures + known.window_successes >= 20
                  AND known.window_failures >= policy.ratio * (known.window_failures + known.window_successes) THEN
                opens := true;
                known.reason := format('%s of %s attempts failed', known.window_failures, known.window_failures + known.window_successes);
            ELSIF known.ramp IS NOT NULL THEN
                -- as many more as were answered: doubles with every round trip; a failure halves it
                known.ramp := CASE WHEN outcome.failed > 0 THEN greatest(1, known.ramp / 2)
                                   WHEN known.ramp + outcome.succeeded < 100 THEN known.ramp + outcome.succeeded END;
            END IF;
        ELSIF known.state = 'half_open' THEN
            opens := true;
            known.reason := 'the probe failed';
        END IF;
        IF opens THEN
            pause := make_interval(secs => least(policy.seconds * 2.0 ^ least(known.times_opened, 20), greatest(policy.seconds, 3600)));
            known.state := 'open';
            known.changed_at := now();
            known.retry_at := now() + pause;
            known.times_opened := known.times_opened + 1;
            known.ramp := NULL;
            known.reason := left(known.reason || coalesce(', the last: ' || outcome.error, ''), 500);
            RETURN QUERY SELECT outcome.id, 'opened', known.reason;
        END IF;

        IF policy.suspend_seconds > 0 AND known.failing_since_at < now() - make_interval(secs => policy.suspend_seconds) THEN
            -- not now if someone is changing it, who may be about to change the circuit too: the next failure will do it
            PERFORM FROM webhook_subscriptions s WHERE s.id = outcome.id AND s.status = 'active' FOR NO KEY UPDATE SKIP LOCKED;
            IF FOUND THEN
                UPDATE webhook_subscriptions s
                SET status = 'suspended',
                    status_reason = format('nothing but failures since %s', date_trunc('second', known.failing_since_at))
                WHERE s.id = outcome.id;
                RETURN QUERY SELECT outcome.id, 'suspended',
                    format('nothing but failures since %s', date_trunc('second', known.failing_since_at));
            END IF;
        END IF;

        IF known.state = 'closed' AND known.ramp IS NULL AND known.failures_in_a_row = 0 AND known.window_failures = 0 THEN
            DELETE FROM circuits c WHERE c.subscription_id = outcome.id;
        ELSE
            UPDATE circuits c
            SET state = known.state, reason = known.reason, changed_at = known.changed_at, retry_at = known.retry_at,
                times_opened = known.times_opened, failures_in_a_row = known.failures_in_a_row,
                failing_since_at = known.failing_since_at, window_started_at = known.window_started_at,
                window_failures = known.window_failures, window_successes = known.window_successes, ramp = known.ramp
            WHERE c.subscription_id = outcome.id;
        END IF;
    END LOOP;
END
$$;


--
-- Name: FUNCTION note_outcomes(subscriptions uuid[], successes integer[], failures integer[], trailing_failures integer[], errors text[], default_failures integer, default_ratio double precision, default_seconds integer, default_suspend_seconds integer); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.note_outcomes(subscriptions uuid[], successes integer[], failures integer[], trailing_failures integer[], errors text[], default_failures integer, default_ratio double precision, default_seconds integer, default_suspend_seconds integer) IS 'For dispatchers: counts what receivers in trouble answered, opens and closes circuits, suspends; answers with what changed.';


--
-- Name: note_strictness(); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.note_strictness() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
BEGIN
    IF TG_TABLE_NAME = 'tenants' THEN
        PERFORM keep_patterns_marked(NEW.id);
    ELSIF TG_OP = 'DELETE' THEN
        PERFORM keep_patterns_marked(OLD.tenant_id);
    ELSE
        PERFORM keep_patterns_marked(NEW.tenant_id);
    END IF;
    RETURN NULL;
END
$$;


--
-- Name: FUNCTION note_strictness(); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.note_strictness() IS 'Trigger: keeps subscription_patterns.is_checked.';


--
-- Name: note_subscription_change(); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.note_subscription_change() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
BEGIN
    -- sealed under another key is what it was
    IF current_user = 'posthorn_rekey' THEN
        RETURN NEW;
    END IF;
    NEW.updated_at := now();
    IF NEW.status <> OLD.status THEN
        NEW.status_changed_at := now();
    END IF;
    RETURN NEW;
END
$$;


--
-- Name: FUNCTION note_subscription_change(); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.note_subscription_change() IS 'Trigger: keeps updated_at and status_changed_at.';


--
-- Name: oldest_waiting(uuid); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.oldest_waiting(tenant uuid, OUT subscription_id uuid, OUT due_at timestamp with time zone) RETURNS record
    LANGUAGE sql STABLE
    SET search_path TO 'posthorn', 'pg_temp'
    SET enable_sort TO 'on'
    AS $_$
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
$_$;


--
-- Name: FUNCTION oldest_waiting(tenant uuid, OUT subscription_id uuid, OUT due_at timestamp with time zone); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.oldest_waiting(tenant uuid, OUT subscription_id uuid, OUT due_at timestamp with time zone) IS 'Since when the oldest delivery of a tenant''s active subscriptions is due and not on its way, but for operational events.';


--
-- Name: open_publishers(); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.open_publishers() RETURNS text[]
    LANGUAGE sql
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
    SELECT coalesce(array_agg(DISTINCT l.virtualtransaction), '{}') FROM pg_locks l
    WHERE l.locktype = 'relation' AND l.relation = 'posthorn.outbox'::regclass AND l.mode = 'RowExclusiveLock' AND l.granted
      AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
$$;


--
-- Name: FUNCTION open_publishers(); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.open_publishers() IS 'Virtual ids of the transactions that have written to the outbox and are still open.';


--
-- Name: ordering_lock(uuid, text); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.ordering_lock(tenant_id uuid, ordering_key text) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ((hashtextextended((tenant_id)::text, (1886352488)::bigint) & (~ (1023)::bigint)) | (hashtextextended(ordering_key, (1886352488)::bigint) & (1023)::bigint));


--
-- Name: FUNCTION ordering_lock(tenant_id uuid, ordering_key text); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.ordering_lock(tenant_id uuid, ordering_key text) IS 'The advisory lock that publishers of a tenant''s ordering key take until they commit, where a subscription wants order.';


--
-- Name: own_payload(uuid); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.own_payload(event_id uuid) RETURNS jsonb
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $_$ SELECT o.payload FROM outbox o WHERE o.id = $1 AND o.tenant_id = current_tenant() $_$;


--
-- Name: FUNCTION own_payload(event_id uuid); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.own_payload(event_id uuid) IS 'The payload of an event of the current tenant; else NULL.';


--
-- Name: payload_fits(jsonb); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.payload_fits(payload jsonb) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (octet_length((payload)::text) <= COALESCE((NULLIF(current_setting('posthorn.max_payload_bytes'::text, true), ''::text))::integer, 262144));


--
-- Name: FUNCTION payload_fits(payload jsonb); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.payload_fits(payload jsonb) IS 'Whether a payload is small enough as printed (jsonb can print 13 MB from 1.6 kB stored). Limit: setting posthorn.max_payload_bytes, 256 KiB unless set.';


--
-- Name: payload_of(uuid); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.payload_of(event_id uuid) RETURNS jsonb
    LANGUAGE plpgsql STABLE COST 1000
    AS $_$
BEGIN
    IF has_column_privilege('posthorn.outbox', 'payload', 'SELECT') THEN
        RETURN (SELECT o.payload FROM posthorn.outbox o WHERE o.id = $1);
    ELSIF has_function_privilege('posthorn.own_payload(uuid)', 'EXECUTE') THEN
        RETURN posthorn.own_payload($1);
    END IF;
    RETURN NULL;
END
$_$;


--
-- Name: FUNCTION payload_of(event_id uuid); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.payload_of(event_id uuid) IS 'The payload of an event, where the caller may read it: any with SELECT on outbox.payload, as posthorn_api those of the current tenant; else NULL.';


--
-- Name: payment_failed(uuid, text, text, numeric, text, text, text, jsonb, timestamp with time zone, text, text, text); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.payment_failed(tenant_id uuid, payment_id text, invoice_id text, amount numeric, currency text DEFAULT 'USD'::text, reason text DEFAULT NULL::text, error_code text DEFAULT NULL::text, metadata jsonb DEFAULT NULL::jsonb, deliver_after timestamp with time zone DEFAULT NULL::timestamp with time zone, ordering_key text DEFAULT NULL::text, idempotency_key text DEFAULT NULL::text, coalesce_key text DEFAULT NULL::text) RETURNS uuid
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
    SELECT publish_business_event(tenant_id, 'payment.failed', '{payment_id,invoice_id,amount}', jsonb_build_object(
        'payment_id', payment_id, 'invoice_id', invoice_id, 'amount', amount::text, 'currency', coalesce(currency, 'USD'),
        'reason', reason, 'error_code', error_code),
        metadata, deliver_after, ordering_key, idempotency_key, coalesce_key)
$$;


--
-- Name: FUNCTION payment_failed(tenant_id uuid, payment_id text, invoice_id text, amount numeric, currency text, reason text, error_code text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.payment_failed(tenant_id uuid, payment_id text, invoice_id text, amount numeric, currency text, reason text, error_code text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text) IS 'Publishes payment.failed and returns the event''s id. Payload: payment_id, invoice_id, amount, currency, reason, error_code; what is not given is null.
Example: SELECT posthorn.payment_failed(''6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10'', ''PAY-2002'', ''INV-1001'', 1500.00, reason => ''Card declined'', error_code => ''card_declined'')';


--
-- Name: payment_received(uuid, text, text, numeric, text, text, text, jsonb, timestamp with time zone, text, text, text); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.payment_received(tenant_id uuid, payment_id text, invoice_id text, amount numeric, currency text DEFAULT 'USD'::text, payment_method text DEFAULT NULL::text, reference_number text DEFAULT NULL::text, metadata jsonb DEFAULT NULL::jsonb, deliver_after timestamp with time zone DEFAULT NULL::timestamp with time zone, ordering_key text DEFAULT NULL::text, idempotency_key text DEFAULT NULL::text, coalesce_key text DEFAULT NULL::text) RETURNS uuid
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
    SELECT publish_business_event(tenant_id, 'payment.received', '{payment_id,invoice_id,amount}', jsonb_build_object(
        'payment_id', payment_id, 'invoice_id', invoice_id, 'amount', amount::text, 'currency', coalesce(currency, 'USD'),
        'payment_method', payment_method, 'reference_number', reference_number),
        metadata, deliver_after, ordering_key, idempotency_key, coalesce_key)
$$;


--
-- Name: FUNCTION payment_received(tenant_id uuid, payment_id text, invoice_id text, amount numeric, currency text, payment_method text, reference_number text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.payment_received(tenant_id uuid, payment_id text, invoice_id text, amount numeric, currency text, payment_method text, reference_number text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text) IS 'Publishes payment.received and returns the event''s id. Payload: payment_id, invoice_id, amount, currency, payment_method, reference_number; what is not given is null.
Example: SELECT posthorn.payment_received(''6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10'', ''PAY-2001'', ''INV-1001'', 1500.00, payment_method => ''credit_card'', reference_number => ''stripe-tx-789'')';


--
-- Name: percent_encode(text, text); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.percent_encode(value text, plain text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT coalesce(string_agg(CASE WHEN r.c ~ plain THEN r.c
        ELSE upper(regexp_replace(encode(convert_to(r.c, 'UTF8'), 'hex'), '(..)', '%\1', 'g')) END, '' ORDER BY r.n), '')
    FROM regexp_split_to_table(value, '') WITH ORDINALITY AS r (c, n)
$$;


--
-- Name: FUNCTION percent_encode(value text, plain text); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.percent_encode(value text, plain text) IS 'A text with every character percent-encoded (UTF-8) that does not match the regular expression plain.';


--
-- Name: percentile(bigint[], integer, double precision); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.percentile(counts bigint[], largest_ms integer, share double precision) RETURNS double precision
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
DECLARE
    bounds CONSTANT integer[] := bucket_bounds();
    wanted double precision := 0;
    below double precision := 0;
    low double precision;
    high double precision;
BEGIN
    FOR bucket IN 1 .. 24 LOOP
        wanted := wanted + counts[bucket];
    END LOOP;
    IF wanted = 0 THEN
        RETURN NULL;
    END IF;
    wanted := wanted * share;
    FOR bucket IN 1 .. 24 LOOP
        IF counts[bucket] > 0 AND below + counts[bucket] >= wanted THEN
            low := CASE WHEN bucket = 1 THEN 0 ELSE bounds[bucket - 1] END;
            high := coalesce(bounds[bucket], largest_ms);
            RETURN round(least(low + (high - low) * ((wanted - below) / counts[bucket]), largest_ms)::numeric, 1);
        END IF;
        below := below + counts[bucket];
    END LOOP;
    RETURN largest_ms;
END
$$;


--
-- Name: FUNCTION percentile(counts bigint[], largest_ms integer, share double precision); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.percentile(counts bigint[], largest_ms integer, share double precision) IS 'The milliseconds beneath which a share (0 to 1) of a histogram lies, as the statistics API tells it; right to its bucket. NULL: nothing was counted.';


--
-- Name: pick_deliveries(uuid, uuid, jsonb, uuid, uuid, integer); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.pick_deliveries(tenant uuid, subscription uuid, wanted jsonb, after_id uuid, before_id uuid, most integer) RETURNS TABLE(id uuid, is_wanted boolean)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'posthorn', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
    SET enable_sort TO 'on'
    SET enable_seqscan TO 'off'
    AS $$
#variable_conflict use_column
DECLARE
    statuses CONSTANT text[] := ARRAY(SELECT jsonb_array_elements_text(wanted -> 'statuses'));
    wanted_event CONSTANT text := wanted ->> 'event';
    wanted_error CONSTANT text := wanted ->> 'error_kind';
    wanted_code CONSTANT integer := (wanted ->> 'status_code')::integer;
    wanted_key CONSTANT text := wanted ->> 'ordering_key';
    wanted_type CONSTANT text := wanted ->> 'resource_type';
    wanted_resource CONSTANT text := wanted ->> 'resource_id';
    wanted_delivery CONSTANT uuid := (wanted ->> 'delivery_id')::uuid;
    of_events uuid[];
BEGIN
    IF wanted ? 'event_ids' THEN
        of_events := ARRAY(SELECT e.id::uuid FROM jsonb_array_elements_text(wanted -> 'event_ids') AS e (id));
    ELSIF wanted_delivery IS NOT NULL THEN
        of_events := ARRAY(SELECT d.event_id FROM webhook_deliveries d WHERE d.id = wanted_delivery);
    ELSIF wanted_resource IS NOT NULL THEN
        of_events := ARRAY(SELECT o.id FROM outbox o
            WHERE o.tenant_id = tenant AND o.resource_id = wanted_resource AND o.resource_type = wanted_type);
    END IF;
    IF of_events IS NOT NULL THEN
        RETURN QUERY
        SELECT d.id, (subscription IS NULL OR d.subscription_id = subscription)
            AND (wanted_delivery IS NULL OR d.id = wanted_delivery)
            AND (wanted_event IS NULL OR wanted_event = ANY (event_patterns(d.event)))
            AND (wanted_error IS NULL OR d.last_error_kind = wanted_error)
            AND (wanted_code IS NULL OR d.last_status_code = wanted_code)
            AND (coalesce(wanted_key, wanted_resource) IS NULL OR EXISTS (SELECT FROM outbox o WHERE o.id = d.event_id
                AND (wanted_key IS NULL OR o.ordering_key = wanted_key)
                AND (wanted_resource IS NULL OR (o.resource_id = wanted_resource AND o.resource_type = wanted_type))))
        FROM (SELECT DISTINCT e.id FROM unnest(of_events) AS e (id)) AS e
        JOIN webhook_deliveries d ON d.event_id = e.id
        WHERE d.tenant_id = tenant AND d.status = ANY (statuses) AND d.id > after_id AND d.id < before_id
        ORDER BY d.id LIMIT most;
    ELSIF 'delivered' = ANY (statuses) THEN
        RETURN QUERY
        SELECT d.id, d.status = ANY (statuses)
            AND (wanted_event IS NULL OR wanted_event = ANY (event_patterns(d.event)))
            AND (wanted_error IS NULL OR d.last_error_kind = wanted_error)
            AND (wanted_code IS NULL OR d.last_status_code = wanted_code)
            AND (wanted_key IS NULL OR EXISTS (SELECT FROM outbox o WHERE o.id = d.event_id AND o.ordering_key = wanted_key))
        FROM webhook_deliveries d
        WHERE d.subscription_id = subscription AND d.tenant_id = tenant AND d.id > after_id AND d.id < before_id
          AND d.status IN ('delivered', 'failed', 'abandoned', 'cancelled')
        ORDER BY d.id LIMIT most;
    ELSE
        RETURN QUERY
        SELECT p.id, p.is_wanted
        FROM unnest(statuses) AS s (status)
        CROSS JOIN LATERAL (
            SELECT d.id, (subscription IS NULL OR d.subscription_id = subscription)
                AND (wanted_event IS NULL OR wanted_event = ANY (event_patterns(d.event)))
                AND (wanted_error IS NULL OR d.last_error_kind = wanted_error)
                AND (wanted_code IS NULL OR d.last_status_code = wanted_code)
                AND (wanted_key IS NULL OR EXISTS (SELECT FROM outbox o WHERE o.id = d.event_id AND o.ordering_key = wanted_key))
                AS is_wanted
            FROM webhook_deliveries d
            -- that it was not delivered is said twice: so the index that has nothing else is used
            WHERE d.tenant_id = tenant AND d.status = s.status AND d.status <> 'delivered' AND d.id > after_id AND d.id < before_id
            ORDER BY d.id LIMIT most) p
        ORDER BY p.id LIMIT most;
    END IF;
END
$$;


--
-- Name: FUNCTION pick_deliveries(tenant uuid, subscription uuid, wanted jsonb, after_id uuid, before_id uuid, most integer); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.pick_deliveries(tenant uuid, subscription uuid, wanted jsonb, after_id uuid, before_id uuid, most integer) IS 'Part of jobs: the next deliveries of a tenant between two ids with one of the statuses, and whether the rest of the filter wants them.';


--
-- Name: pick_events(uuid, jsonb, uuid, uuid, integer); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.pick_events(tenant uuid, wanted jsonb, after_id uuid, before_id uuid, most integer, OUT ids uuid[], OUT looked_at integer, OUT last_id uuid) RETURNS record
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
    SET enable_sort TO 'on'
    SET enable_seqscan TO 'off'
    AS $$
DECLARE
    named CONSTANT uuid[] := CASE WHEN wanted ? 'event_ids' THEN ARRAY(
        SELECT e.id::uuid FROM jsonb_array_elements_text(wanted -> 'event_ids') AS e (id)) END;
    wanted_event CONSTANT text := wanted ->> 'event';
    wanted_type CONSTANT text := wanted ->> 'resource_type';
    wanted_resource CONSTANT text := wanted ->> 'resource_id';
    condition CONSTANT jsonpath := (wanted ->> 'payload')::jsonpath;
BEGIN
    SELECT coalesce(array_agg(e.id ORDER BY e.id) FILTER (WHERE e.is_wanted), '{}'), count(*), (array_agg(e.id ORDER BY e.id DESC))[1]
    INTO ids, looked_at, last_id
    FROM (
        SELECT o.id, CASE WHEN wanted_event <> ALL (event_patterns(o.event)) THEN false
            WHEN condition IS NULL THEN true ELSE coalesce(o.payload @@ condition, false) END AS is_wanted
        FROM outbox o
        WHERE o.tenant_id = tenant AND o.id > after_id AND o.id < before_id AND o.erased_at IS NULL
          AND (named IS NULL OR o.id = ANY (named))
          AND (wanted_resource IS NULL OR (o.resource_id = wanted_resource AND o.resource_type = wanted_type))
        ORDER BY o.id LIMIT most) e;
END
$$;


--
-- Name: FUNCTION pick_events(tenant uuid, wanted jsonb, after_id uuid, before_id uuid, most integer, OUT ids uuid[], OUT looked_at integer, OUT last_id uuid); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.pick_events(tenant uuid, wanted jsonb, after_id uuid, before_id uuid, most integer, OUT ids uuid[], OUT looked_at integer, OUT last_id uuid) IS 'Part of erase(): of the next so many events of a tenant between two ids that are not erased, those that are wanted.';


--
-- Name: preview(uuid, uuid, timestamp with time zone, text); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.preview(event_id uuid, subscription_id uuid DEFAULT NULL::uuid, at timestamp with time zone DEFAULT now(), secret text DEFAULT NULL::text) RETURNS TABLE(to_subscription_id uuid, url text, method text, headers jsonb, body text, signed_text text, note text)
    LANGUAGE plpgsql STABLE
    AS $_$
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
$_$;


--
-- Name: FUNCTION preview(event_id uuid, subscription_id uuid, at timestamp with time zone, secret text); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.preview(event_id uuid, subscription_id uuid, at timestamp with time zone, secret text) IS 'The request that an event becomes, for each subscription that has a delivery of it (or for the one named), within the transaction that publishes it or later. Signatures need the secret. Settings posthorn.source and posthorn.user_agent stand for WEBHOOK_SOURCE and WEBHOOK_USER_AGENT. Host and Content-Length are added on sending.';


--
-- Name: prune_statistics(integer); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.prune_statistics(most integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
DECLARE
    kept record;
    pruned integer;
    total integer := 0;
BEGIN
    FOR kept IN SELECT * FROM (VALUES ('minute', interval '2 days'), ('hour', interval '90 days'), ('day', interval '2 years'))
        AS k (resolution, age)
    LOOP
        DELETE FROM delivery_statistics s WHERE s.ctid = ANY (ARRAY(
            SELECT o.ctid FROM delivery_statistics o
            WHERE o.resolution = kept.resolution AND o.starts_at < now() - kept.age
            ORDER BY o.resolution, o.starts_at LIMIT most));
        GET DIAGNOSTICS pruned = ROW_COUNT;
        total := total + pruned;
        DELETE FROM delivery_errors e WHERE e.ctid = ANY (ARRAY(
            SELECT o.ctid FROM delivery_errors o
            WHERE o.resolution = kept.resolution AND o.starts_at < now() - kept.age
            ORDER BY o.resolution, o.starts_at LIMIT most));
        GET DIAGNOSTICS pruned = ROW_COUNT;
        total := total + pruned;
    END LOOP;
    RETURN total;
END
$$;


--
-- Name: FUNCTION prune_statistics(most integer); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.prune_statistics(most integer) IS 'Deletes at most so many rows of each kind that are older than kept: minutes 2 days, hours 90 days, days 2 years; answers with how many.';


--
-- Name: prune_strays(text, integer, integer); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.prune_strays(parent text, keep_days integer, chunk integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
DECLARE
    bound uuid := first_id_of((now() AT TIME ZONE 'UTC')::date - greatest(keep_days, 1));
    pruned integer := 0;
BEGIN
    IF keep_days > 0 THEN
        CASE parent
            WHEN 'webhook_deliveries_done' THEN
                DELETE FROM webhook_deliveries_done_default d WHERE d.id IN (
                    SELECT e.id FROM webhook_deliveries_done_default e WHERE e.id < bound ORDER BY e.id LIMIT chunk);
            WHEN 'webhook_attempts' THEN
                DELETE FROM webhook_attempts_default a WHERE (a.delivery_id, a.epoch) IN (
                    SELECT e.delivery_id, e.epoch FROM webhook_attempts_default e
                    WHERE e.delivery_id < bound
                      AND NOT EXISTS (SELECT FROM webhook_deliveries d WHERE d.id = e.delivery_id)
                    ORDER BY e.delivery_id LIMIT chunk);
            WHEN 'outbox' THEN
                DELETE FROM outbox_default o WHERE o.id IN (
                    SELECT e.id FROM outbox_default e
                    WHERE e.id < bound
                      AND NOT EXISTS (SELECT FROM webhook_deliveries d WHERE d.event_id = e.id)
                      AND NOT EXISTS (SELECT FROM event_fanouts f WHERE f.event_id = e.id AND f.state = 'open')
                    ORDER BY e.id LIMIT chunk);
            WHEN 'event_fanouts' THEN
                DELETE FROM event_fanouts f WHERE f.event_id IN (
                    SELECT e.event_id FROM event_fanouts e
                    WHERE e.event_id < bound AND e.state <> 'open'
                      AND NOT EXISTS (SELECT FROM outbox o WHERE o.id = e.event_id)
                    ORDER BY e.event_id LIMIT chunk);
        END CASE;
        GET DIAGNOSTICS pruned = ROW_COUNT;
    END IF;
    RETURN pruned;
END
$$;


--
-- Name: FUNCTION prune_strays(parent text, keep_days integer, chunk integer); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.prune_strays(parent text, keep_days integer, chunk integer) IS 'Deletes at most so many expired rows that no day partition takes along: those in the default partition of a table, and marks in event_fanouts whose event is gone.';


--
-- Name: publish(uuid, text, jsonb, text, text, jsonb, timestamp with time zone, text, text, text); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.publish(tenant_id uuid, event text, payload jsonb, resource_type text DEFAULT NULL::text, resource_id text DEFAULT NULL::text, metadata jsonb DEFAULT NULL::jsonb, deliver_after timestamp with time zone DEFAULT NULL::timestamp with time zone, ordering_key text DEFAULT NULL::text, idempotency_key text DEFAULT NULL::text, coalesce_key text DEFAULT NULL::text) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
#variable_conflict use_column
DECLARE
    published_id uuid;
    is_same boolean;
BEGIN
    IF coalesce(current_setting('posthorn.mute', true), '') = 'on' THEN
        RETURN NULL;
    END IF;
    -- twice: the key may be forgotten between being taken and being looked up
    FOR attempt IN 1 .. 2 LOOP
        INSERT INTO outbox (tenant_id, event, payload, resource_type, resource_id, metadata, deliver_after, ordering_key, idempotency_key,
            coalesce_key)
        VALUES (publish.tenant_id, publish.event, publish.payload, publish.resource_type, publish.resource_id, publish.metadata,
            publish.deliver_after, publish.ordering_key, publish.idempotency_key, publish.coalesce_key)
        RETURNING id INTO published_id;
        EXIT WHEN published_id IS NOT NULL OR publish.idempotency_key IS NULL;
        -- of an event whose day is gone nothing can be compared; when it was made may be a default of now()
        SELECT k.event_id,
            o.id IS NULL OR coalesce(o.event = publish.event AND CASE WHEN jsonb_typeof(publish.payload) = 'object'
                THEN o.payload - 'created_at' = publish.payload - 'created_at' END, false)
        INTO published_id, is_same
        FROM published_keys k LEFT JOIN outbox o ON o.id = k.event_id
        WHERE k.tenant_id = publish.tenant_id AND k.idempotency_key = publish.idempotency_key;
        IF NOT is_same THEN
            RAISE EXCEPTION 'idempotency key % was used for another event', quote_literal(publish.idempotency_key)
                USING ERRCODE = 'unique_violation',
                    DETAIL = format('Event %s of tenant %s has it, with another type or payload.', published_id, publish.tenant_id),
                    HINT = 'Give each event a key of its own, and publish it again with the type and payload that it had.';
        END IF;
        EXIT WHEN published_id IS NOT NULL;
    END LOOP;
    RETURN published_id;
END
$$;


--
-- Name: FUNCTION publish(tenant_id uuid, event text, payload jsonb, resource_type text, resource_id text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.publish(tenant_id uuid, event text, payload jsonb, resource_type text, resource_id text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text) IS 'Publishes an event in the caller''s transaction and returns its id. Only the first three arguments are needed.
  deliver_after: not to be sent before
  ordering_key: events with the same key reach ordered subscriptions one at a time
  idempotency_key: published again within 7 days, it is stored once: the first event''s id; another type or payload is an error
  coalesce_key: a newer event of the same type and key cancels what still waits of this one
With posthorn.mute = on it stores nothing and returns NULL.
Example: SELECT posthorn.publish(tenant_id => ''6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10'', event => ''invoice.paid'', payload => ''{"invoice_id": "INV-1001"}'', idempotency_key => ''INV-1001 paid'')';


--
-- Name: publish_as_tenant(text, jsonb, text, text, jsonb, timestamp with time zone); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.publish_as_tenant(event text, payload jsonb, resource_type text, resource_id text, metadata jsonb, deliver_after timestamp with time zone) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
BEGIN
    IF current_tenant() IS NULL THEN
        RAISE EXCEPTION 'this transaction acts for no tenant' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN publish(current_tenant(), event, payload, resource_type, resource_id, metadata, deliver_after);
END
$$;


--
-- Name: FUNCTION publish_as_tenant(event text, payload jsonb, resource_type text, resource_id text, metadata jsonb, deliver_after timestamp with time zone); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.publish_as_tenant(event text, payload jsonb, resource_type text, resource_id text, metadata jsonb, deliver_after timestamp with time zone) IS 'Publishes an event of the current tenant (posthorn.tenant_id); for the API.';


--
-- Name: publish_as_tenant(text, jsonb, text, text, jsonb, timestamp with time zone, text); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.publish_as_tenant(event text, payload jsonb, resource_type text, resource_id text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $_$
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
$_$;


--
-- Name: FUNCTION publish_as_tenant(event text, payload jsonb, resource_type text, resource_id text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.publish_as_tenant(event text, payload jsonb, resource_type text, resource_id text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text) IS 'Publishes an event of the current tenant (posthorn.tenant_id), with an ordering key or NULL; for the API.';


--
-- Name: publish_business_event(uuid, text, text[], jsonb, jsonb, timestamp with time zone, text, text, text); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.publish_business_event(tenant_id uuid, event text, required text[], payload jsonb, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
DECLARE
    missing text := CASE WHEN tenant_id IS NULL THEN 'tenant_id'
        ELSE (SELECT r.field FROM unnest(required) WITH ORDINALITY AS r (field, place)
              WHERE payload ->> r.field IS NULL ORDER BY r.place LIMIT 1) END;
BEGIN
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION '% is required', missing
            USING ERRCODE = 'null_value_not_allowed',
                HINT = format('posthorn.%s needs tenant_id, %s.', replace(event, '.', '_'), array_to_string(required, ', '));
    ELSIF payload ->> 'amount' IN ('NaN', 'Infinity', '-Infinity') THEN
        RAISE EXCEPTION 'amount is %, which is no amount', payload ->> 'amount' USING ERRCODE = 'invalid_parameter_value';
    ELSIF jsonb_typeof(payload -> 'changes') <> 'object' THEN
        RAISE EXCEPTION 'changes is not a JSON object' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN publish(tenant_id, event, payload, split_part(event, '.', 1), payload ->> required[1], metadata, deliver_after, ordering_key,
        idempotency_key, coalesce_key);
END
$$;


--
-- Name: FUNCTION publish_business_event(tenant_id uuid, event text, required text[], payload jsonb, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.publish_business_event(tenant_id uuid, event text, required text[], payload jsonb, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text) IS 'What the functions of the business events have in common: looks for what is required and publishes.';


--
-- Name: publish_many_as_tenant(text[], text[], text[], text[], text[], timestamp with time zone[], text[]); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.publish_many_as_tenant(events text[], payloads text[], resource_types text[], resource_ids text[], metadata text[], deliver_afters timestamp with time zone[], ordering_keys text[]) RETURNS uuid[]
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
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


--
-- Name: FUNCTION publish_many_as_tenant(events text[], payloads text[], resource_types text[], resource_ids text[], metadata text[], deliver_afters timestamp with time zone[], ordering_keys text[]); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.publish_many_as_tenant(events text[], payloads text[], resource_types text[], resource_ids text[], metadata text[], deliver_afters timestamp with time zone[], ordering_keys text[]) IS 'Publishes events of the current tenant in the order given and answers with their ids in the same order; for the API.';


--
-- Name: queue_state(); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.queue_state() RETURNS TABLE(waiting bigint, oldest_due_at timestamp with time zone, open_fanouts bigint, dispatchers_alive bigint, open_circuits bigint)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
    SELECT (SELECT count(*) FROM webhook_deliveries_live),
        (SELECT min(l.due_at) FROM webhook_deliveries_live l
         JOIN webhook_subscriptions s ON s.id = l.subscription_id AND s.status = 'active'
         WHERE l.due_at <= now() AND l.status IN ('pending', 'retrying')
           AND l.subscription_id <> ALL (ARRAY(SELECT c.subscription_id FROM circuits c WHERE c.retry_at > now()))),
        (SELECT count(*) FROM event_fanouts f WHERE f.state = 'open'),
        (SELECT count(*) FROM dispatchers d WHERE d.stopped_at IS NULL AND d.seen_at > now() - interval '15 seconds'),
        (SELECT count(*) FROM circuits c WHERE c.state <> 'closed')
$$;


--
-- Name: FUNCTION queue_state(); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.queue_state() IS 'For monitoring: deliveries not finished, since when the oldest due one of an active subscription waits, events still to fan out, dispatchers alive, circuits not closed.';


--
-- Name: receiver_host(text); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.receiver_host(url text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN "substring"(url, '^[a-z]+://(?:[^/?#]*@)?([^/?#]+)'::text);


--
-- Name: FUNCTION receiver_host(url text); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.receiver_host(url text) IS 'Host and port of a URL, without what may be secret: user, path and query.';


--
-- Name: refuse_erased(); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.refuse_erased() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
BEGIN
    RAISE EXCEPTION 'event % was erased: there is nothing left to send', OLD.event_id USING ERRCODE = 'object_not_in_prerequisite_state';
END
$$;


--
-- Name: FUNCTION refuse_erased(); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.refuse_erased() IS 'Trigger: a delivery of an erased event stays finished, whoever wants it otherwise.';


--
-- Name: render_body(text, uuid, text, uuid, timestamp with time zone, text, text, text, jsonb, text); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.render_body(format text, event_id uuid, event text, tenant_id uuid, created_at timestamp with time zone, resource_type text, resource_id text, payload text, metadata jsonb, source text) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT CASE format
        WHEN 'default' THEN '{"id":"' || event_id || '","type":' || posthorn.json_text(event) || ',"event":' || posthorn.json_text(event)
            || ',"timestamp":"' || posthorn.envelope_time(created_at) || '","tenant_id":"' || tenant_id || '","resource_type":'
            || posthorn.json_text(resource_type) || ',"resource_id":' || posthorn.json_text(resource_id) || ',"data":' || payload
            || ',"metadata":' || posthorn.envelope_metadata(metadata, tenant_id, source) || '}'
        WHEN 'gestiq' THEN '{"event":' || posthorn.json_text(event) || ',"resource_type":' || posthorn.json_text(resource_type)
            || ',"resource_id":' || posthorn.json_text(resource_id) || ',"timestamp":"' || posthorn.envelope_time(created_at)
            || '","data":' || payload || ',"metadata":' || posthorn.envelope_metadata(NULL, tenant_id, source) || '}'
        WHEN 'dotmac' THEN '{"id":"' || event_id || '","type":' || posthorn.json_text(event) || ',"timestamp":"'
            || posthorn.envelope_time(created_at) || '","tenant_id":"' || tenant_id || '","data":' || payload || '}'
        WHEN 'cloudevents' THEN '{' || (
            SELECT string_agg(posthorn.json_text(a.name) || ':' || posthorn.json_text(a.value), ',' ORDER BY a.n)
            FROM posthorn.cloudevent_attributes(event_id, event, tenant_id, created_at, resource_type, resource_id, source)
                WITH ORDINALITY AS a (name, value, n)) || ',"datacontenttype":"application/json","data":' || payload || '}'
        WHEN 'cloudevents_binary' THEN payload
        WHEN 'raw' THEN payload
    END
$$;


--
-- Name: FUNCTION render_body(format text, event_id uuid, event text, tenant_id uuid, created_at timestamp with time zone, resource_type text, resource_id text, payload text, metadata jsonb, source text); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.render_body(format text, event_id uuid, event text, tenant_id uuid, created_at timestamp with time zone, resource_type text, resource_id text, payload text, metadata jsonb, source text) IS 'The body of a webhook in a payload_format, byte for byte as it is sent; NULL for template, which the program alone renders. Payload: the text of the JSON.';


--
-- Name: replay(uuid, uuid, text, text[], text, integer, timestamp with time zone, timestamp with time zone, uuid, uuid[], uuid, text, text, text, integer, boolean); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.replay(tenant_id uuid DEFAULT NULL::uuid, subscription_id uuid DEFAULT NULL::uuid, event text DEFAULT NULL::text, statuses text[] DEFAULT '{delivered,failed,abandoned}'::text[], error_kind text DEFAULT NULL::text, status_code integer DEFAULT NULL::integer, since timestamp with time zone DEFAULT NULL::timestamp with time zone, until timestamp with time zone DEFAULT NULL::timestamp with time zone, event_id uuid DEFAULT NULL::uuid, event_ids uuid[] DEFAULT NULL::uuid[], delivery_id uuid DEFAULT NULL::uuid, resource_type text DEFAULT NULL::text, resource_id text DEFAULT NULL::text, ordering_key text DEFAULT NULL::text, at_most integer DEFAULT 10000, dry_run boolean DEFAULT false) RETURNS TABLE(matched bigint, changed bigint, skipped bigint, job_id uuid)
    LANGUAGE sql
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
    SELECT c.matched, c.changed, c.skipped, c.job_id FROM ask_control('replay', tenant_id, subscription_id, jsonb_build_object(
        'statuses', statuses, 'event', event, 'error_kind', error_kind, 'status_code', status_code, 'since', since, 'until', until,
        'event_ids', CASE WHEN event_id IS NULL THEN event_ids ELSE event_ids || event_id END, 'delivery_id', delivery_id,
        'resource_type', resource_type, 'resource_id', resource_id, 'ordering_key', ordering_key), at_most, dry_run) c
$$;


--
-- Name: FUNCTION replay(tenant_id uuid, subscription_id uuid, event text, statuses text[], error_kind text, status_code integer, since timestamp with time zone, until timestamp with time zone, event_id uuid, event_ids uuid[], delivery_id uuid, resource_type text, resource_id text, ordering_key text, at_most integer, dry_run boolean); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.replay(tenant_id uuid, subscription_id uuid, event text, statuses text[], error_kind text, status_code integer, since timestamp with time zone, until timestamp with time zone, event_id uuid, event_ids uuid[], delivery_id uuid, resource_type text, resource_id text, ordering_key text, at_most integer, dry_run boolean) IS 'Sends finished deliveries again, delivered ones too, with the same webhook-id and body; more than at_most by a job after the commit. dry_run only counts.';


--
-- Name: reset_circuit(uuid); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.reset_circuit(subscription uuid) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
BEGIN
    DELETE FROM circuits c WHERE c.subscription_id = subscription;
    IF FOUND THEN
        PERFORM wake();
        RETURN true;
    END IF;
    RETURN false;
END
$$;


--
-- Name: FUNCTION reset_circuit(subscription uuid); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.reset_circuit(subscription uuid) IS 'Closes a subscription''s circuit by hand and forgets its failures. False: there was nothing to reset.';


--
-- Name: resume(); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.resume() RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'posthorn', 'pg_temp'
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


--
-- Name: FUNCTION resume(); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.resume() IS 'Says that a restored copy may send from now on; false: it sends already. For posthorn_owner. What waits is sent: cancel first what must not be.';


--
-- Name: retry(uuid, uuid, text, text[], text, integer, timestamp with time zone, timestamp with time zone, uuid, uuid[], uuid, text, text, text, integer, boolean); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.retry(tenant_id uuid DEFAULT NULL::uuid, subscription_id uuid DEFAULT NULL::uuid, event text DEFAULT NULL::text, statuses text[] DEFAULT '{failed,abandoned}'::text[], error_kind text DEFAULT NULL::text, status_code integer DEFAULT NULL::integer, since timestamp with time zone DEFAULT NULL::timestamp with time zone, until timestamp with time zone DEFAULT NULL::timestamp with time zone, event_id uuid DEFAULT NULL::uuid, event_ids uuid[] DEFAULT NULL::uuid[], delivery_id uuid DEFAULT NULL::uuid, resource_type text DEFAULT NULL::text, resource_id text DEFAULT NULL::text, ordering_key text DEFAULT NULL::text, at_most integer DEFAULT 10000, dry_run boolean DEFAULT false) RETURNS TABLE(matched bigint, changed bigint, skipped bigint, job_id uuid)
    LANGUAGE sql
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
    SELECT c.matched, c.changed, c.skipped, c.job_id FROM ask_control('retry', tenant_id, subscription_id, jsonb_build_object(
        'statuses', statuses, 'event', event, 'error_kind', error_kind, 'status_code', status_code, 'since', since, 'until', until,
        'event_ids', CASE WHEN event_id IS NULL THEN event_ids ELSE event_ids || event_id END, 'delivery_id', delivery_id,
        'resource_type', resource_type, 'resource_id', resource_id, 'ordering_key', ordering_key), at_most, dry_run) c
$$;


--
-- Name: FUNCTION retry(tenant_id uuid, subscription_id uuid, event text, statuses text[], error_kind text, status_code integer, since timestamp with time zone, until timestamp with time zone, event_id uuid, event_ids uuid[], delivery_id uuid, resource_type text, resource_id text, ordering_key text, at_most integer, dry_run boolean); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.retry(tenant_id uuid, subscription_id uuid, event text, statuses text[], error_kind text, status_code integer, since timestamp with time zone, until timestamp with time zone, event_id uuid, event_ids uuid[], delivery_id uuid, resource_type text, resource_id text, ordering_key text, at_most integer, dry_run boolean) IS 'Makes deliveries that were given up due again, at once; more than at_most by a job after the commit. dry_run only counts.';


--
-- Name: retry_chunk(uuid, uuid, jsonb, uuid, uuid, integer); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.retry_chunk(tenant uuid, subscription uuid, wanted jsonb, after_id uuid, before_id uuid, most integer, OUT "position" uuid, OUT looked_at integer, OUT changed integer, OUT skipped integer, OUT is_last boolean) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
DECLARE
    chosen uuid[];
    held uuid[];
BEGIN
    SELECT count(*), (array_agg(p.id ORDER BY p.id DESC))[1], coalesce(array_agg(p.id ORDER BY p.id) FILTER (WHERE p.is_wanted), '{}')
    INTO looked_at, "position", chosen
    FROM pick_deliveries(tenant, subscription, wanted, after_id, before_id, most) p;
    is_last := looked_at < most;
    "position" := coalesce("position", after_id);
    -- whoever holds one of them is sending, recording or retrying it: it is in good hands
    held := ARRAY(
        SELECT d.id FROM unnest(chosen) AS c (id)
        JOIN webhook_deliveries d ON d.id = c.id
        JOIN webhook_subscriptions s ON s.id = d.subscription_id AND s.status = 'active'
        WHERE (wanted -> 'statuses') ? d.status AND d.erased_at IS NULL
        FOR UPDATE OF d SKIP LOCKED);
    UPDATE webhook_deliveries d
    SET status = 'pending', generation = d.generation + 1, epoch = d.epoch + 1, attempts = 0, due_at = now(), lease_until = NULL,
        updated_at = now(), finished_at = NULL
    FROM unnest(held) AS h (id)
    WHERE d.id = h.id AND (wanted -> 'statuses') ? d.status AND d.erased_at IS NULL;
    GET DIAGNOSTICS changed = ROW_COUNT;
    skipped := cardinality(chosen) - changed;
    IF changed > 0 THEN
        PERFORM wake();
    END IF;
END
$$;


--
-- Name: FUNCTION retry_chunk(tenant uuid, subscription uuid, wanted jsonb, after_id uuid, before_id uuid, most integer, OUT "position" uuid, OUT looked_at integer, OUT changed integer, OUT skipped integer, OUT is_last boolean); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.retry_chunk(tenant uuid, subscription uuid, wanted jsonb, after_id uuid, before_id uuid, most integer, OUT "position" uuid, OUT looked_at integer, OUT changed integer, OUT skipped integer, OUT is_last boolean) IS 'Makes the next deliveries that a filter wants due again, each as a new generation with its attempts counted from 0. Where the subscription is not active they stay as they are.';


--
-- Name: run_job(uuid, integer, integer, boolean); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.run_job(job uuid, most integer, rows_per_second integer, gives_up boolean, OUT kind text, OUT is_finished boolean, OUT changed integer, OUT pause_seconds double precision) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
DECLARE
    todo jobs;
    chunk record;
BEGIN
    SELECT j.* INTO todo FROM jobs j WHERE j.id = job AND j.state = 'running' FOR UPDATE;
    IF NOT FOUND THEN
        RETURN; -- cancelled
    END IF;
    kind := todo.kind;
    IF todo.kind = 'backfill' THEN
        chunk := backfill_chunk(todo.tenant_id, todo.subscription_id, todo.position, todo.before_id, most, gives_up, false);
    ELSIF todo.kind = 'cancel' THEN
        chunk := cancel_chunk(todo.tenant_id, todo.subscription_id, todo.filter, todo.position, todo.before_id, most);
    ELSIF todo.kind = 'erase' THEN
        chunk := erase_chunk(todo.tenant_id, todo.filter, todo.position, todo.before_id, most);
    ELSE
        chunk := retry_chunk(todo.tenant_id, todo.subscription_id, todo.filter, todo.position, todo.before_id, most);
    END IF;
    changed := chunk.changed;
    is_finished := chunk.is_last;
    pause_seconds := chunk.changed::double precision / rows_per_second;
    IF todo.kind = 'erase' AND chunk.is_last AND todo.skipped + chunk.skipped > 0 THEN
        -- once more for what was in flight: what is erased is not looked at again
        is_finished := false;
        pause_seconds := pause_seconds + 1;
        UPDATE jobs j SET skipped = -chunk.skipped WHERE j.id = job;
        chunk.position := (ids_of_job(todo.filter)).after_id;
    END IF;
    UPDATE jobs j
    SET position = chunk.position, looked_at = j.looked_at + chunk.looked_at, changed = j.changed + chunk.changed,
        skipped = j.skipped + chunk.skipped, failures = 0, error = NULL, updated_at = now(),
        due_at = now() + make_interval(secs => pause_seconds),
        state = CASE WHEN is_finished THEN 'done' ELSE 'running' END, finished_at = CASE WHEN is_finished THEN now() END
    WHERE j.id = job;
END
$$;


--
-- Name: FUNCTION run_job(job uuid, most integer, rows_per_second integer, gives_up boolean, OUT kind text, OUT is_finished boolean, OUT changed integer, OUT pause_seconds double precision); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.run_job(job uuid, most integer, rows_per_second integer, gives_up boolean, OUT kind text, OUT is_finished boolean, OUT changed integer, OUT pause_seconds double precision) IS 'For dispatchers: does the next chunk of a job that was taken and writes down where it stands. kind is NULL when it is not running any more.';


--
-- Name: sales_order_cancelled(uuid, text, text, text, jsonb, timestamp with time zone, text, text, text); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.sales_order_cancelled(tenant_id uuid, order_id text, order_number text, reason text DEFAULT NULL::text, metadata jsonb DEFAULT NULL::jsonb, deliver_after timestamp with time zone DEFAULT NULL::timestamp with time zone, ordering_key text DEFAULT NULL::text, idempotency_key text DEFAULT NULL::text, coalesce_key text DEFAULT NULL::text) RETURNS uuid
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
    SELECT publish_business_event(tenant_id, 'sales_order.cancelled', '{order_id,order_number}', jsonb_build_object(
        'order_id', order_id, 'order_number', order_number, 'reason', reason),
        metadata, deliver_after, ordering_key, idempotency_key, coalesce_key)
$$;


--
-- Name: FUNCTION sales_order_cancelled(tenant_id uuid, order_id text, order_number text, reason text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.sales_order_cancelled(tenant_id uuid, order_id text, order_number text, reason text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text) IS 'Publishes sales_order.cancelled and returns the event''s id. Payload: order_id, order_number, reason; what is not given is null.
Example: SELECT posthorn.sales_order_cancelled(''6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10'', ''SO-3001'', ''SO-2026-3001'', reason => ''Customer request'')';


--
-- Name: sales_order_confirmed(uuid, text, text, text, text, numeric, text, jsonb, timestamp with time zone, text, text, text); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.sales_order_confirmed(tenant_id uuid, order_id text, order_number text, customer_id text, customer_name text, amount numeric, currency text DEFAULT 'USD'::text, metadata jsonb DEFAULT NULL::jsonb, deliver_after timestamp with time zone DEFAULT NULL::timestamp with time zone, ordering_key text DEFAULT NULL::text, idempotency_key text DEFAULT NULL::text, coalesce_key text DEFAULT NULL::text) RETURNS uuid
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
    SELECT publish_business_event(tenant_id, 'sales_order.confirmed', '{order_id,order_number,customer_id,customer_name,amount}', jsonb_build_object(
        'order_id', order_id, 'order_number', order_number, 'customer_id', customer_id, 'customer_name', customer_name,
        'amount', amount::text, 'currency', coalesce(currency, 'USD')),
        metadata, deliver_after, ordering_key, idempotency_key, coalesce_key)
$$;


--
-- Name: FUNCTION sales_order_confirmed(tenant_id uuid, order_id text, order_number text, customer_id text, customer_name text, amount numeric, currency text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.sales_order_confirmed(tenant_id uuid, order_id text, order_number text, customer_id text, customer_name text, amount numeric, currency text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text) IS 'Publishes sales_order.confirmed and returns the event''s id. Payload: order_id, order_number, customer_id, customer_name, amount, currency; what is not given is null.
Example: SELECT posthorn.sales_order_confirmed(''6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10'', ''SO-3001'', ''SO-2026-3001'', ''CUS-1001'', ''Acme Corporation'', 5000.00)';


--
-- Name: sales_order_created(uuid, text, text, text, text, numeric, text, integer, jsonb, timestamp with time zone, text, text, text); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.sales_order_created(tenant_id uuid, order_id text, order_number text, customer_id text, customer_name text, amount numeric, currency text DEFAULT 'USD'::text, items_count integer DEFAULT NULL::integer, metadata jsonb DEFAULT NULL::jsonb, deliver_after timestamp with time zone DEFAULT NULL::timestamp with time zone, ordering_key text DEFAULT NULL::text, idempotency_key text DEFAULT NULL::text, coalesce_key text DEFAULT NULL::text) RETURNS uuid
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
    SELECT publish_business_event(tenant_id, 'sales_order.created', '{order_id,order_number,customer_id,customer_name,amount}', jsonb_build_object(
        'order_id', order_id, 'order_number', order_number, 'customer_id', customer_id, 'customer_name', customer_name,
        'amount', amount::text, 'currency', coalesce(currency, 'USD'), 'items_count', items_count),
        metadata, deliver_after, ordering_key, idempotency_key, coalesce_key)
$$;


--
-- Name: FUNCTION sales_order_created(tenant_id uuid, order_id text, order_number text, customer_id text, customer_name text, amount numeric, currency text, items_count integer, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.sales_order_created(tenant_id uuid, order_id text, order_number text, customer_id text, customer_name text, amount numeric, currency text, items_count integer, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text) IS 'Publishes sales_order.created and returns the event''s id. Payload: order_id, order_number, customer_id, customer_name, amount, currency, items_count; what is not given is null.
Example: SELECT posthorn.sales_order_created(''6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10'', ''SO-3001'', ''SO-2026-3001'', ''CUS-1001'', ''Acme Corporation'', 5000.00, items_count => 5)';


--
-- Name: schema_version(); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.schema_version() RETURNS integer
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$ SELECT coalesce(max(h.version), 0) FROM schema_history h $$;


--
-- Name: FUNCTION schema_version(); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.schema_version() IS 'Number of the newest migration applied.';


--
-- Name: set_secret(uuid, bytea, text, integer, text, text); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.set_secret(subscription uuid, sealed bytea, new_public_key text, overlap_seconds integer, new_signing text, new_signature text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
BEGIN
    UPDATE webhook_subscriptions s
    SET secret = sealed, public_key = new_public_key, signing = new_signing, signature = new_signature,
        header_families = CASE WHEN new_signature = 'ed25519' THEN '{standard}' ELSE s.header_families END,
        previous_secret = CASE WHEN overlap_seconds > 0 THEN s.secret END,
        previous_secret_until = CASE WHEN overlap_seconds > 0 AND s.secret IS NOT NULL THEN now() + make_interval(secs => overlap_seconds) END
    WHERE s.id = subscription AND s.tenant_id = current_tenant() AND s.status <> 'deleted';
    RETURN FOUND;
END
$$;


--
-- Name: FUNCTION set_secret(subscription uuid, sealed bytea, new_public_key text, overlap_seconds integer, new_signing text, new_signature text); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.set_secret(subscription uuid, sealed bytea, new_public_key text, overlap_seconds integer, new_signing text, new_signature text) IS 'For the API: gives a subscription of the current tenant a new sealed secret, and says what it is for; the old one signs too for so many seconds.';


--
-- Name: settle(); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.settle() RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
BEGIN
    INSERT INTO instance (system_identifier, database_oid)
    SELECT h.system_identifier, h.database_oid FROM here() h WHERE NOT EXISTS (SELECT FROM instance)
    ON CONFLICT DO NOTHING;
    RETURN is_copy();
END
$$;


--
-- Name: FUNCTION settle(); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.settle() IS 'Notes where it sends from, unless that is known; answers as posthorn.is_copy(). For dispatchers that start.';


--
-- Name: signature_headers(text[], text, text, timestamp with time zone, text, text, boolean); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.signature_headers(families text[], message_id text, event text, sent_at timestamp with time zone, body text, secret text, is_signed boolean) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT CASE WHEN 'standard' = ANY (families) THEN
            jsonb_build_object('webhook-id', message_id, 'webhook-timestamp', t.seconds) || CASE WHEN is_signed THEN
                jsonb_build_object('webhook-signature', 'v1,' || encode(posthorn.hmac_sha256(posthorn.standard_key(secret),
                    convert_to(message_id || '.' || t.seconds || '.' || body, 'UTF8')), 'base64')) ELSE '{}' END
            ELSE '{}' END
        || CASE WHEN 'gestiq' = ANY (families) THEN jsonb_build_object('x-event', event)
            || CASE WHEN is_signed THEN jsonb_build_object('x-signature', 'sha256=' || t.hex) ELSE '{}' END ELSE '{}' END
        || CASE WHEN 'dotmac' = ANY (families) THEN jsonb_build_object('x-webhook-event-type', event, 'x-webhook-event-id', message_id)
            || CASE WHEN is_signed THEN jsonb_build_object('x-webhook-signature', t.hex) ELSE '{}' END ELSE '{}' END
    FROM (SELECT floor(extract(epoch FROM sent_at))::bigint::text AS seconds,
        encode(posthorn.hmac_sha256(convert_to(secret, 'UTF8'), convert_to(body, 'UTF8')), 'hex') AS hex) t
$$;


--
-- Name: FUNCTION signature_headers(families text[], message_id text, event text, sent_at timestamp with time zone, body text, secret text, is_signed boolean); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.signature_headers(families text[], message_id text, event text, sent_at timestamp with time zone, body text, secret text, is_signed boolean) IS 'The headers of these families; a signature is null where secret or body is.';


--
-- Name: standard_key(text); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.standard_key(secret text) RETURNS bytea
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
BEGIN
    IF starts_with(secret, 'whsec_') THEN
        RETURN decode(substr(secret, 7), 'base64');
    END IF;
    RETURN convert_to(secret, 'UTF8');
EXCEPTION WHEN invalid_parameter_value THEN
    RETURN convert_to(secret, 'UTF8');
END
$$;


--
-- Name: FUNCTION standard_key(secret text); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.standard_key(secret text) IS 'The key of Standard Webhooks signatures: the base64 behind whsec_, else the text''s bytes.';


--
-- Name: stray_days(integer); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.stray_days(keep_days integer) RETURNS TABLE(parent text, day date)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $_$
DECLARE
    first_kept date := greatest((now() AT TIME ZONE 'UTC')::date - CASE keep_days WHEN 0 THEN 3650 ELSE keep_days END, '1970-01-01');
    last_made date := (now() AT TIME ZONE 'UTC')::date + 59;
    low uuid;
    one uuid;
BEGIN
    FOREACH parent IN ARRAY '{webhook_deliveries_done,webhook_attempts,outbox}'::text[] LOOP
        low := first_id_of(first_kept);
        LOOP
            EXECUTE format('SELECT %1$I FROM %2$I WHERE %1$I >= $1 AND %1$I < $2 ORDER BY %1$I LIMIT 1',
                CASE parent WHEN 'webhook_attempts' THEN 'delivery_id' ELSE 'id' END, parent || '_default')
                INTO one USING low, first_id_of(last_made + 1);
            EXIT WHEN one IS NULL;
            day := (to_timestamp(('x' || left(replace(one::text, '-', ''), 12))::bit(48)::bigint / 1000.0) AT TIME ZONE 'UTC')::date;
            RETURN NEXT;
            low := first_id_of(day + 1);
        END LOOP;
    END LOOP;
END
$_$;


--
-- Name: FUNCTION stray_days(keep_days integer); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.stray_days(keep_days integer) IS 'Days that are to be kept and whose rows are in a default partition: make_day gives each a partition and moves its rows there.';


--
-- Name: supersede_earlier(uuid[], uuid[], text[], text[]); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.supersede_earlier(event_ids uuid[], tenant_ids uuid[], events text[], coalesce_keys text[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
DECLARE
    old_ids uuid[];
    newer_ids uuid[];
    more_old_ids uuid[];
    more_newer_ids uuid[];
    tries integer := 0;
BEGIN
    IF event_ids IS NULL THEN
        RETURN;
    END IF;
    SELECT array_agg(e.id) FILTER (WHERE e.id <> e.newest_id), array_agg(e.newest_id) FILTER (WHERE e.id <> e.newest_id)
    INTO old_ids, newer_ids
    FROM (
        SELECT u.id, last_value(u.id) OVER (PARTITION BY u.tenant_id, u.coalesce_key, u.event ORDER BY u.place
                ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS newest_id
        FROM unnest(event_ids, tenant_ids, events, coalesce_keys) WITH ORDINALITY AS u (id, tenant_id, event, coalesce_key, place)
    ) e;
    -- in the order of the keys, so that two statements with the same keys cannot wait for each other
    WITH claimed AS (
        INSERT INTO coalesced_keys AS k (tenant_id, coalesce_key, event, event_id)
        SELECT u.tenant_id, u.coalesce_key, u.event, (array_agg(u.id ORDER BY u.place DESC))[1]
        FROM unnest(event_ids, tenant_ids, events, coalesce_keys) WITH ORDINALITY AS u (id, tenant_id, event, coalesce_key, place)
        GROUP BY u.tenant_id, u.coalesce_key, u.event
        ORDER BY u.tenant_id, u.coalesce_key, u.event
        ON CONFLICT (tenant_id, coalesce_key, event)
            DO UPDATE SET previous_event_id = k.event_id, event_id = excluded.event_id, look_at = excluded.look_at
        RETURNING k.previous_event_id AS old_id, k.event_id AS newer_id
    )
    SELECT array_agg(c.old_id), array_agg(c.newer_id) INTO more_old_ids, more_newer_ids FROM claimed c WHERE c.old_id IS NOT NULL;
    old_ids := old_ids || more_old_ids;
    newer_ids := newer_ids || more_newer_ids;
    IF old_ids IS NULL THEN
        RETURN;
    END IF;

    INSERT INTO event_fanouts AS f (event_id, tenant_id, state, reason, superseded_by)
    SELECT o.id, o.tenant_id, 'open', 'a newer event has its coalesce key', u.newer_id
    FROM unnest(old_ids, newer_ids) AS u (old_id, newer_id)
    JOIN outbox o ON o.id = u.old_id
    WHERE EXISTS (SELECT FROM event_fanouts x WHERE x.event_id = o.id AND x.state = 'open')
       OR EXISTS (SELECT FROM webhook_deliveries_live d WHERE d.event_id = o.id AND d.ordering_key IS NOT NULL)
    ORDER BY o.id
    ON CONFLICT (event_id) DO UPDATE SET superseded_by = excluded.superseded_by, due_at = now() WHERE f.state = 'open';

    LOOP
        -- a dispatcher that finishes one of them at this moment moves its row, which is an error to whoever waits for it
        BEGIN
            WITH waiting AS MATERIALIZED (
                SELECT d.id, u.newer_id
                FROM unnest(old_ids, newer_ids) AS u (old_id, newer_id)
                JOIN webhook_deliveries d ON d.event_id = u.old_id
                WHERE d.ordering_key IS NULL AND d.generation = 0 AND d.status IN ('pending', 'retrying')
                ORDER BY d.id FOR UPDATE OF d
            )
            UPDATE webhook_deliveries d
            SET status = 'cancelled', finished_at = now(), updated_at = now(), epoch = d.epoch + 1,
                last_error = format('superseded by event %s', w.newer_id)
            FROM waiting w
            WHERE d.id = w.id AND d.status IN ('pending', 'retrying');
            RETURN;
        EXCEPTION WHEN serialization_failure OR deadlock_detected THEN
            -- under an older snapshot it would be the same again
            IF tries >= 10 OR current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
                RAISE;
            END IF;
            tries := tries + 1;
        END;
    END LOOP;
END
$$;


--
-- Name: FUNCTION supersede_earlier(event_ids uuid[], tenant_ids uuid[], events text[], coalesce_keys text[]); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.supersede_earlier(event_ids uuid[], tenant_ids uuid[], events text[], coalesce_keys text[]) IS 'Cancels what waits of earlier events with the coalesce keys of these, or leaves it to a dispatcher; part of fan_out.';


--
-- Name: take_job(); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.take_job(OUT id uuid, OUT failures integer) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
#variable_conflict use_column
BEGIN
    UPDATE jobs j
    SET state = 'running', failures = j.failures + 1, started_at = coalesce(j.started_at, now()),
        due_at = now() + make_interval(secs => 10 * least(j.failures + 1, 6))
    WHERE j.id = (
        SELECT o.id FROM jobs o
        WHERE o.state IN ('waiting', 'running') AND o.due_at <= now()
          -- what a transaction has written that was open when the job was made must be there to be seen; not for ever
          AND (o.waits_for = '{}' OR o.state = 'running' OR NOT o.waits_for && open_publishers()
               OR o.created_at < now() - interval '1 minute')
        ORDER BY o.due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING j.id, j.failures INTO id, failures;
END
$$;


--
-- Name: FUNCTION take_job(OUT id uuid, OUT failures integer); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.take_job(OUT id uuid, OUT failures integer) IS 'For dispatchers: takes the job that is due longest; NULL: none is.';


--
-- Name: tell(uuid, text, text, text, jsonb); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.tell(tenant uuid, event text, resource_type text, resource_id text, details jsonb) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'posthorn', 'pg_temp'
    AS $_$
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
$_$;


--
-- Name: FUNCTION tell(tenant uuid, event text, resource_type text, resource_id text, details jsonb); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.tell(tenant uuid, event text, resource_type text, resource_id text, details jsonb) IS 'Publishes an operational event about a tenant to those who hear of it, in the caller''s transaction; to nobody, nothing.';


--
-- Name: tell_held_back(); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.tell_held_back(OUT told integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    SET enable_sort TO 'on'
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


--
-- Name: FUNCTION tell_held_back(OUT told integer); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.tell_held_back(OUT told integer) IS 'Tells of exhausted deliveries that were held back for a minute, one event for each subscription; answers how many. For dispatchers.';


--
-- Name: tell_of_backlogs(integer); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.tell_of_backlogs(high_seconds integer, OUT told integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
    SET enable_sort TO 'on'
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


--
-- Name: FUNCTION tell_of_backlogs(high_seconds integer, OUT told integer); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.tell_of_backlogs(high_seconds integer, OUT told integer) IS 'Tells, once each time, of tenants whose oldest due delivery waits so many seconds, and when it waits less than half of that again; answers how many. For dispatchers.';


--
-- Name: tell_of_circuit(); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.tell_of_circuit() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
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


--
-- Name: FUNCTION tell_of_circuit(); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.tell_of_circuit() IS 'Trigger: tells of a circuit that opened, or closed; not of each probe that failed.';


--
-- Name: tell_of_exhausted(); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.tell_of_exhausted() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
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


--
-- Name: FUNCTION tell_of_exhausted(); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.tell_of_exhausted() IS 'Trigger: tells of a delivery that was given up, or notes it to be told of with others.';


--
-- Name: tell_of_subscription(); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.tell_of_subscription() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'posthorn', 'pg_temp'
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


--
-- Name: FUNCTION tell_of_subscription(); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.tell_of_subscription() IS 'Trigger: tells of a subscription that was suspended, activated after that, or given another secret.';


--
-- Name: uuid7(); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.uuid7() RETURNS uuid
    LANGUAGE sql PARALLEL SAFE
    RETURN (encode(set_bit(set_bit(OVERLAY(uuid_send(gen_random_uuid()) PLACING SUBSTRING(int8send(((EXTRACT(epoch FROM clock_timestamp()) * (1000)::numeric))::bigint) FROM 3) FROM 1 FOR 6), (52)::bigint, 1), (53)::bigint, 1), 'hex'::text))::uuid;


--
-- Name: FUNCTION uuid7(); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.uuid7() IS 'A new UUIDv7 (RFC 9562): 48 bits of milliseconds, then random bits.';


--
-- Name: wake(); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.wake() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
BEGIN
    IF coalesce(current_setting('posthorn.notify', true), '') <> 'off'
       AND NOT pg_try_advisory_xact_lock_shared(1886352488, 1) THEN
        PERFORM pg_notify('posthorn_wake', '');
    END IF;
END
$$;


--
-- Name: FUNCTION wake(); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.wake() IS 'Tells a sleeping dispatcher, at commit, that there is work. Costs nothing while one is awake.';


--
-- Name: who_hears(uuid, text); Type: FUNCTION; Schema: posthorn; Owner: -
--

CREATE FUNCTION posthorn.who_hears(tenant uuid, event text) RETURNS uuid[]
    LANGUAGE plpgsql STABLE
    SET search_path TO 'posthorn', 'pg_temp'
    AS $$
DECLARE
    patterns CONSTANT text[] := event_patterns(event);
BEGIN
    RETURN ARRAY(
        SELECT h.id FROM (SELECT tenant AS id UNION SELECT o.id FROM tenants o WHERE o.is_operator) h
        WHERE EXISTS (SELECT FROM subscription_patterns p WHERE p.tenant_id = h.id AND p.pattern = ANY (patterns)));
END
$$;


--
-- Name: FUNCTION who_hears(tenant uuid, event text); Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON FUNCTION posthorn.who_hears(tenant uuid, event text) IS 'Tenants with an active subscription that wants an operational event about a tenant: of itself and the operator''s.';


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: api_keys; Type: TABLE; Schema: posthorn; Owner: -
--

CREATE TABLE posthorn.api_keys (
    id text NOT NULL,
    tenant_id uuid NOT NULL,
    name text DEFAULT ''::text NOT NULL,
    secret_sha256 bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    revoked_at timestamp with time zone,
    scopes text[] DEFAULT '{read,publish,manage,keys}'::text[] NOT NULL,
    expires_at timestamp with time zone,
    last_used_at timestamp with time zone,
    CONSTRAINT id_is_10_letters_or_digits CHECK ((id ~ '^[A-Za-z0-9]{10}$'::text)),
    CONSTRAINT name_is_at_most_200_characters CHECK ((char_length(name) <= 200)),
    CONSTRAINT scopes_are_known CHECK ((((cardinality(scopes) >= 1) AND (cardinality(scopes) <= 4)) AND (scopes <@ '{read,publish,manage,keys}'::text[]))),
    CONSTRAINT secret_is_a_sha256 CHECK ((octet_length(secret_sha256) = 32))
);


--
-- Name: TABLE api_keys; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON TABLE posthorn.api_keys IS 'Keys of the REST API. The key itself is shown once and not kept; it has 256 random bits, so a plain hash suffices.';


--
-- Name: COLUMN api_keys.id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.api_keys.id IS 'The part of the key between phk_ and the second underscore.';


--
-- Name: COLUMN api_keys.tenant_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.api_keys.tenant_id IS 'Whom the key acts for.';


--
-- Name: COLUMN api_keys.name; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.api_keys.name IS 'For people.';


--
-- Name: COLUMN api_keys.secret_sha256; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.api_keys.secret_sha256 IS 'SHA-256 of the part after the second underscore.';


--
-- Name: COLUMN api_keys.created_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.api_keys.created_at IS 'When it was made.';


--
-- Name: COLUMN api_keys.revoked_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.api_keys.revoked_at IS 'Since when it is refused.';


--
-- Name: COLUMN api_keys.scopes; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.api_keys.scopes IS 'What the key may do: read, publish, manage, keys.';


--
-- Name: COLUMN api_keys.expires_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.api_keys.expires_at IS 'From when it is refused; NULL: never.';


--
-- Name: COLUMN api_keys.last_used_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.api_keys.last_used_at IS 'When it was used last, to the minute.';


--
-- Name: attached_tables; Type: VIEW; Schema: posthorn; Owner: -
--

CREATE VIEW posthorn.attached_tables WITH (security_invoker='true') AS
 SELECT DISTINCT ON (t.tgrelid, a.resource) (t.tgrelid)::regclass AS source,
    a.resource,
    a.events,
    a.columns,
    a."when",
    a.tenant,
    a.id,
    a.ordered,
    a.attached_by,
    a.attached_at,
    (t.tgfoid)::regprocedure AS function
   FROM ((pg_trigger t
     JOIN pg_proc p ON (((p.oid = t.tgfoid) AND (p.proname ~ '^posthorn_'::text))))
     CROSS JOIN LATERAL posthorn.attachment(t.tgargs) a(resource, events, columns, "when", tenant, id, ordered, attached_by, attached_at))
  WHERE ((NOT t.tgisinternal) AND (t.tgname ~ '^posthorn_'::text) AND (t.tgnargs = 1) AND (a.resource IS NOT NULL))
  ORDER BY t.tgrelid, a.resource, t.oid;


--
-- Name: VIEW attached_tables; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON VIEW posthorn.attached_tables IS 'Tables whose changes are published: one row per table and resource. Made by posthorn.attach().';


--
-- Name: COLUMN attached_tables.source; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.attached_tables.source IS 'The table.';


--
-- Name: COLUMN attached_tables.resource; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.attached_tables.resource IS 'resource_type of its events.';


--
-- Name: COLUMN attached_tables.events; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.attached_tables.events IS 'What an insert, an update and a delete is published as; NULL: not.';


--
-- Name: COLUMN attached_tables.columns; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.attached_tables.columns IS 'The columns that payloads have; NULL: all.';


--
-- Name: COLUMN attached_tables."when"; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.attached_tables."when" IS 'The condition on OLD and NEW, if there is one.';


--
-- Name: COLUMN attached_tables.tenant; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.attached_tables.tenant IS 'The column that says the tenant, or the expression.';


--
-- Name: COLUMN attached_tables.id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.attached_tables.id IS 'The column that tells its rows apart; NULL: the primary key.';


--
-- Name: COLUMN attached_tables.ordered; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.attached_tables.ordered IS 'Whether a row''s events have an ordering key.';


--
-- Name: COLUMN attached_tables.attached_by; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.attached_tables.attached_by IS 'Who attached it.';


--
-- Name: COLUMN attached_tables.attached_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.attached_tables.attached_at IS 'When.';


--
-- Name: COLUMN attached_tables.function; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.attached_tables.function IS 'The trigger function, which runs with the rights of its owner.';


--
-- Name: audit_log; Type: TABLE; Schema: posthorn; Owner: -
--

CREATE TABLE posthorn.audit_log (
    id uuid DEFAULT posthorn.uuid7() NOT NULL,
    tenant_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    target_type text NOT NULL,
    target_id text NOT NULL,
    changes jsonb,
    details jsonb
);


--
-- Name: TABLE audit_log; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON TABLE posthorn.audit_log IS 'Who changed what and when. Rows are only ever added, and deleted when they are older than POSTHORN_AUDIT_RETENTION_DAYS.';


--
-- Name: COLUMN audit_log.id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.audit_log.id IS 'UUIDv7, in the order of the changes.';


--
-- Name: COLUMN audit_log.tenant_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.audit_log.tenant_id IS 'Whose thing was changed.';


--
-- Name: COLUMN audit_log.created_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.audit_log.created_at IS 'Start of the transaction that changed it.';


--
-- Name: COLUMN audit_log.actor; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.audit_log.actor IS 'api_key:<id>, jwt:<subject>, operator, dispatcher, rekey, or role:<login> for plain SQL.';


--
-- Name: COLUMN audit_log.action; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.audit_log.action IS 'Such as subscription.created, secret.rotated, secret.resealed, api_key.revoked.';


--
-- Name: COLUMN audit_log.target_type; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.audit_log.target_type IS 'Kind of the thing: subscription, api_key, tenant, event_type, …';


--
-- Name: COLUMN audit_log.target_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.audit_log.target_id IS 'Its id.';


--
-- Name: COLUMN audit_log.changes; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.audit_log.changes IS 'Columns that changed, each with old and new; *** stands for a secret.';


--
-- Name: COLUMN audit_log.details; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.audit_log.details IS 'What else there is to say, such as the filter of a bulk operation.';


--
-- Name: circuits; Type: TABLE; Schema: posthorn; Owner: -
--

CREATE TABLE posthorn.circuits (
    subscription_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    state text DEFAULT 'closed'::text NOT NULL,
    reason text,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    retry_at timestamp with time zone,
    times_opened integer DEFAULT 0 NOT NULL,
    failures_in_a_row integer DEFAULT 0 NOT NULL,
    failing_since_at timestamp with time zone,
    window_started_at timestamp with time zone DEFAULT now() NOT NULL,
    window_failures integer DEFAULT 0 NOT NULL,
    window_successes integer DEFAULT 0 NOT NULL,
    ramp integer,
    CONSTRAINT ramp_is_positive CHECK ((ramp > 0)),
    CONSTRAINT reason_is_at_most_500_characters CHECK ((char_length(reason) <= 500)),
    CONSTRAINT retry_unless_closed CHECK (((state = 'closed'::text) = (retry_at IS NULL))),
    CONSTRAINT state_is_known CHECK ((state = ANY (ARRAY['closed'::text, 'open'::text, 'half_open'::text])))
)
WITH (fillfactor='50');


--
-- Name: TABLE circuits; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON TABLE posthorn.circuits IS 'How receivers fare that failed lately. No row: nothing to say, the circuit is closed.';


--
-- Name: COLUMN circuits.subscription_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.circuits.subscription_id IS 'The subscription.';


--
-- Name: COLUMN circuits.tenant_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.circuits.tenant_id IS 'Whose.';


--
-- Name: COLUMN circuits.state; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.circuits.state IS 'closed: deliveries go out; open: they wait until retry_at; half_open: one is on its way as a probe.';


--
-- Name: COLUMN circuits.reason; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.circuits.reason IS 'Why it opened last.';


--
-- Name: COLUMN circuits.changed_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.circuits.changed_at IS 'Since when it has this state.';


--
-- Name: COLUMN circuits.retry_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.circuits.retry_at IS 'When the next probe may go.';


--
-- Name: COLUMN circuits.times_opened; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.circuits.times_opened IS 'How often it opened since this row was made; each time it stays open twice as long. The row goes when the receiver is well again and the ramp is over.';


--
-- Name: COLUMN circuits.failures_in_a_row; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.circuits.failures_in_a_row IS 'Failed attempts since the last that succeeded.';


--
-- Name: COLUMN circuits.failing_since_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.circuits.failing_since_at IS 'Since when there was nothing but failures; NULL: the last attempt succeeded.';


--
-- Name: COLUMN circuits.window_started_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.circuits.window_started_at IS 'Start of the minute over which the ratio is taken.';


--
-- Name: COLUMN circuits.window_failures; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.circuits.window_failures IS 'Failed attempts of that minute.';


--
-- Name: COLUMN circuits.window_successes; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.circuits.window_successes IS 'Successful attempts of that minute, since its first failure.';


--
-- Name: COLUMN circuits.ramp; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.circuits.ramp IS 'Requests in flight allowed while the receiver recovers, over all dispatchers; grows with every success. NULL: no such limit.';


--
-- Name: webhook_deliveries; Type: TABLE; Schema: posthorn; Owner: -
--

CREATE TABLE posthorn.webhook_deliveries (
    id uuid DEFAULT posthorn.uuid7() NOT NULL,
    tenant_id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    event_id uuid NOT NULL,
    event text NOT NULL,
    status text DEFAULT 'pending'::text NOT NULL,
    generation integer DEFAULT 0 NOT NULL,
    epoch integer DEFAULT 0 NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone DEFAULT now(),
    lease_until timestamp with time zone,
    dispatcher_id uuid,
    last_status_code integer,
    last_error_kind text,
    last_error text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    ordering_key text,
    ordering_number bigint,
    erased_at timestamp with time zone,
    CONSTRAINT counters_are_not_negative CHECK (((generation >= 0) AND (epoch >= 0) AND (attempts >= 0))),
    CONSTRAINT due_unless_in_line CHECK (((due_at IS NOT NULL) OR (ordering_key IS NOT NULL))),
    CONSTRAINT finished_iff_terminal CHECK (((status = ANY (ARRAY['delivered'::text, 'failed'::text, 'abandoned'::text, 'cancelled'::text])) = (finished_at IS NOT NULL))),
    CONSTRAINT last_error_is_at_most_500_characters CHECK ((char_length(last_error) <= 500)),
    CONSTRAINT lease_iff_sending CHECK (((status = 'sending'::text) = (lease_until IS NOT NULL))),
    CONSTRAINT ordering_key_has_a_number CHECK (((ordering_key IS NULL) = (ordering_number IS NULL))),
    CONSTRAINT status_is_known CHECK ((status = ANY (ARRAY['pending'::text, 'sending'::text, 'retrying'::text, 'delivered'::text, 'failed'::text, 'abandoned'::text, 'cancelled'::text])))
)
PARTITION BY LIST (status);


--
-- Name: TABLE webhook_deliveries; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON TABLE posthorn.webhook_deliveries IS 'One row per event and subscription: one event on its way to one receiver.';


--
-- Name: COLUMN webhook_deliveries.id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_deliveries.id IS 'UUIDv7, made by the fan-out.';


--
-- Name: COLUMN webhook_deliveries.tenant_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_deliveries.tenant_id IS 'Whose delivery.';


--
-- Name: COLUMN webhook_deliveries.subscription_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_deliveries.subscription_id IS 'Who is to receive it.';


--
-- Name: COLUMN webhook_deliveries.event_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_deliveries.event_id IS 'What happened: posthorn.outbox.id.';


--
-- Name: COLUMN webhook_deliveries.event; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_deliveries.event IS 'Event type, copied from the event so that lists need no join.';


--
-- Name: COLUMN webhook_deliveries.status; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_deliveries.status IS 'pending, sending (leased), retrying (scheduled), delivered, failed (refused for good), abandoned (retries exhausted), cancelled.';


--
-- Name: COLUMN webhook_deliveries.generation; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_deliveries.generation IS 'How often it was replayed; a success counts only for its own generation.';


--
-- Name: COLUMN webhook_deliveries.epoch; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_deliveries.epoch IS 'Fencing number, raised by every claim; a failure is recorded only while it still matches.';


--
-- Name: COLUMN webhook_deliveries.attempts; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_deliveries.attempts IS 'Attempts made in this generation.';


--
-- Name: COLUMN webhook_deliveries.due_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_deliveries.due_at IS 'Not to be claimed before; only a retry moves it. NULL: it waits for the delivery before it in its line.';


--
-- Name: COLUMN webhook_deliveries.lease_until; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_deliveries.lease_until IS 'While sending: when another dispatcher may take it over.';


--
-- Name: COLUMN webhook_deliveries.dispatcher_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_deliveries.dispatcher_id IS 'Who claimed it last.';


--
-- Name: COLUMN webhook_deliveries.last_status_code; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_deliveries.last_status_code IS 'HTTP status of the last answer.';


--
-- Name: COLUMN webhook_deliveries.last_error_kind; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_deliveries.last_error_kind IS 'Kind of the last failure, such as timeout.';


--
-- Name: COLUMN webhook_deliveries.last_error; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_deliveries.last_error IS 'The last failure in words, up to 500 characters.';


--
-- Name: COLUMN webhook_deliveries.created_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_deliveries.created_at IS 'Start of the transaction that fanned it out.';


--
-- Name: COLUMN webhook_deliveries.updated_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_deliveries.updated_at IS 'Last change.';


--
-- Name: COLUMN webhook_deliveries.finished_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_deliveries.finished_at IS 'When it became delivered, failed, abandoned or cancelled.';


--
-- Name: COLUMN webhook_deliveries.ordering_key; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_deliveries.ordering_key IS 'Its event''s ordering key, when its subscription is ordered.';


--
-- Name: COLUMN webhook_deliveries.ordering_number; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_deliveries.ordering_number IS 'Its place in the line of its subscription and ordering key: the smallest goes first.';


--
-- Name: COLUMN webhook_deliveries.erased_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_deliveries.erased_at IS 'When its event was erased: it is finished for ever, and its attempts keep codes and times alone.';


--
-- Name: webhook_subscriptions; Type: TABLE; Schema: posthorn; Owner: -
--

CREATE TABLE posthorn.webhook_subscriptions (
    id uuid DEFAULT posthorn.uuid7() NOT NULL,
    tenant_id uuid NOT NULL,
    url text NOT NULL,
    events text[] NOT NULL,
    filter jsonpath,
    description text,
    status text DEFAULT 'active'::text NOT NULL,
    status_reason text,
    status_changed_at timestamp with time zone DEFAULT now() NOT NULL,
    active boolean GENERATED ALWAYS AS ((status = 'active'::text)) STORED NOT NULL,
    signing text DEFAULT 'required'::text NOT NULL,
    secret bytea,
    previous_secret bytea,
    previous_secret_until timestamp with time zone,
    payload_format text DEFAULT 'default'::text NOT NULL,
    header_families text[] DEFAULT '{standard,gestiq,dotmac}'::text[] NOT NULL,
    success_policy text DEFAULT 'standard'::text NOT NULL,
    timeout_seconds integer,
    retry_schedule integer[],
    max_retries integer,
    max_in_flight integer,
    rate_per_second double precision,
    ordered boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    rate_burst integer,
    batch_max integer,
    batch_wait_ms integer DEFAULT 0 NOT NULL,
    circuit_failures integer,
    circuit_failure_ratio double precision,
    circuit_seconds integer,
    suspend_after_seconds integer,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    success_codes integer[],
    template text,
    template_content_type text DEFAULT 'application/json'::text NOT NULL,
    signature text DEFAULT 'hmac'::text NOT NULL,
    public_key text,
    header_names text[] DEFAULT '{}'::text[] NOT NULL,
    sealed_headers bytea,
    credentials_type text,
    sealed_credentials bytea,
    client_certificate text,
    sealed_client_key bytea,
    CONSTRAINT batch_max_is_1_to_1000 CHECK (((batch_max >= 1) AND (batch_max <= 1000))),
    CONSTRAINT batch_wait_is_0_to_60000_ms CHECK (((batch_wait_ms >= 0) AND (batch_wait_ms <= 60000))),
    CONSTRAINT batches_are_not_cloudevents_binary CHECK (((batch_max IS NULL) OR (payload_format <> 'cloudevents_binary'::text))),
    CONSTRAINT batches_of_templates_are_json CHECK (((batch_max IS NULL) OR (template IS NULL) OR (template_content_type ~ '^application/([a-z0-9.-]+\+)?json'::text))),
    CONSTRAINT circuit_failure_ratio_is_above_0_to_1 CHECK (((circuit_failure_ratio > (0)::double precision) AND (circuit_failure_ratio <= (1)::double precision))),
    CONSTRAINT circuit_failures_is_0_to_100000 CHECK (((circuit_failures >= 0) AND (circuit_failures <= 100000))),
    CONSTRAINT circuit_seconds_is_1_to_86400 CHECK (((circuit_seconds >= 1) AND (circuit_seconds <= 86400))),
    CONSTRAINT client_certificate_has_a_key CHECK ((((client_certificate IS NULL) = (sealed_client_key IS NULL)) AND (octet_length(client_certificate) <= 32768))),
    CONSTRAINT credentials_are_basic_or_bearer CHECK ((((credentials_type IS NULL) = (sealed_credentials IS NULL)) AND (credentials_type = ANY (ARRAY['basic'::text, 'bearer'::text])))),
    CONSTRAINT description_is_at_most_500_characters CHECK ((char_length(description) <= 500)),
    CONSTRAINT ed25519_signs_standard_headers_alone CHECK (((signature = 'hmac'::text) OR (header_families = '{standard}'::text[]))),
    CONSTRAINT events_are_names_or_patterns CHECK (posthorn.are_event_patterns(events)),
    CONSTRAINT filter_has_no_like_regex CHECK (((filter)::text !~ 'like_regex'::text)),
    CONSTRAINT filter_is_at_most_4000_characters CHECK ((char_length((filter)::text) <= 4000)),
    CONSTRAINT header_families_are_known CHECK (((cardinality(header_families) >= 1) AND (header_families <@ '{standard,gestiq,dotmac}'::text[]))),
    CONSTRAINT header_names_are_those_of_the_sealed_headers CHECK ((((header_names = '{}'::text[]) = (sealed_headers IS NULL)) AND (cardinality(header_names) <= 32))),
    CONSTRAINT headers_credentials_and_key_are_sealed_not_plain CHECK ((((sealed_headers IS NULL) OR (((octet_length(sealed_headers) >= 43) AND (octet_length(sealed_headers) <= 262144)) AND (get_byte(sealed_headers, 0) = 1))) AND ((sealed_credentials IS NULL) OR (((octet_length(sealed_credentials) >= 43) AND (octet_length(sealed_credentials) <= 16384)) AND (get_byte(sealed_credentials, 0) = 1))) AND ((sealed_client_key IS NULL) OR (((octet_length(sealed_client_key) >= 43) AND (octet_length(sealed_client_key) <= 32768)) AND (get_byte(sealed_client_key, 0) = 1))))),
    CONSTRAINT max_in_flight_is_1_to_10000 CHECK (((max_in_flight >= 1) AND (max_in_flight <= 10000))),
    CONSTRAINT max_retries_is_0_to_30 CHECK (((max_retries >= 0) AND (max_retries <= 30))),
    CONSTRAINT metadata_is_an_object_of_at_most_16_kib CHECK (((jsonb_typeof(metadata) = 'object'::text) AND (octet_length((metadata)::text) <= 16384))),
    CONSTRAINT payload_format_is_known CHECK ((payload_format = ANY (ARRAY['default'::text, 'gestiq'::text, 'dotmac'::text, 'cloudevents'::text, 'cloudevents_binary'::text, 'raw'::text, 'template'::text]))),
    CONSTRAINT previous_secret_has_an_end CHECK (((previous_secret IS NULL) = (previous_secret_until IS NULL))),
    CONSTRAINT public_key_belongs_to_ed25519 CHECK (((public_key IS NULL) OR ((signature = 'ed25519'::text) AND (public_key ~ '^whpk_[A-Za-z0-9+/=]{44}$'::text)))),
    CONSTRAINT rate_burst_is_1_to_100000 CHECK (((rate_burst >= 1) AND (rate_burst <= 100000))),
    CONSTRAINT rate_per_second_is_0_01_to_10000 CHECK (((rate_per_second >= (0.01)::double precision) AND (rate_per_second <= (10000)::double precision))),
    CONSTRAINT retry_schedule_is_at_most_30_delays_of_up_to_30_days CHECK (((cardinality(retry_schedule) <= 30) AND (array_position(retry_schedule, NULL::integer) IS NULL) AND (0 <= ALL (retry_schedule)) AND (2592000 >= ALL (retry_schedule)))),
    CONSTRAINT secret_is_sealed_not_plain CHECK ((((secret IS NULL) OR (((octet_length(secret) >= 43) AND (octet_length(secret) <= 2048)) AND (get_byte(secret, 0) = 1))) AND ((previous_secret IS NULL) OR (((octet_length(previous_secret) >= 43) AND (octet_length(previous_secret) <= 2048)) AND (get_byte(previous_secret, 0) = 1))))),
    CONSTRAINT secret_unless_unsigned_or_deleted CHECK (((secret IS NOT NULL) OR (signing = 'none'::text) OR (status = 'deleted'::text))),
    CONSTRAINT signature_is_known CHECK ((signature = ANY (ARRAY['hmac'::text, 'ed25519'::text]))),
    CONSTRAINT signing_is_known CHECK ((signing = ANY (ARRAY['required'::text, 'none'::text]))),
    CONSTRAINT status_is_known CHECK ((status = ANY (ARRAY['active'::text, 'inactive'::text, 'suspended'::text, 'deleted'::text]))),
    CONSTRAINT success_codes_are_1_to_50_of_200_to_399 CHECK ((((cardinality(success_codes) >= 1) AND (cardinality(success_codes) <= 50)) AND (array_position(success_codes, NULL::integer) IS NULL) AND (200 <= ALL (success_codes)) AND (399 >= ALL (success_codes)))),
    CONSTRAINT success_policy_is_known CHECK ((success_policy = ANY (ARRAY['standard'::text, 'gestiq'::text]))),
    CONSTRAINT suspend_after_seconds_is_0_to_a_year CHECK (((suspend_after_seconds >= 0) AND (suspend_after_seconds <= 31536000))),
    CONSTRAINT template_content_type_is_a_media_type CHECK (((char_length(template_content_type) <= 100) AND (template_content_type ~ '^[a-z]+/[a-z0-9.+-]+(; ?charset=[a-z0-9-]+)?$'::text))),
    CONSTRAINT template_is_at_most_16384_characters CHECK (((char_length(template) >= 1) AND (char_length(template) <= 16384))),
    CONSTRAINT template_where_the_format_is_template CHECK (((payload_format = 'template'::text) = (template IS NOT NULL))),
    CONSTRAINT timeout_is_1_to_300_seconds CHECK (((timeout_seconds >= 1) AND (timeout_seconds <= 300))),
    CONSTRAINT url_is_http_or_https_without_user_or_fragment CHECK ((((char_length(url) >= 10) AND (char_length(url) <= 2048)) AND (url ~ '^https?://[^\s/@?#\\]+([/?][^\s#]*)?$'::text)))
);


--
-- Name: TABLE webhook_subscriptions; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON TABLE posthorn.webhook_subscriptions IS 'A tenant''s receiver and what it wants to hear of.';


--
-- Name: COLUMN webhook_subscriptions.id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_subscriptions.id IS 'UUIDv7.';


--
-- Name: COLUMN webhook_subscriptions.tenant_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_subscriptions.tenant_id IS 'Whose it is.';


--
-- Name: COLUMN webhook_subscriptions.url; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_subscriptions.url IS 'Where webhooks go, 10 to 2048 characters. http:// is sent to only where WEBHOOK_ALLOW_HTTP is set.';


--
-- Name: COLUMN webhook_subscriptions.events; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_subscriptions.events IS 'Event names and patterns: invoice.created, invoice.*, *.';


--
-- Name: COLUMN webhook_subscriptions.filter; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_subscriptions.filter IS 'jsonpath predicate over the payload; the event is delivered where payload @@ filter. No like_regex.';


--
-- Name: COLUMN webhook_subscriptions.description; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_subscriptions.description IS 'For people, up to 500 characters.';


--
-- Name: COLUMN webhook_subscriptions.status; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_subscriptions.status IS 'active; inactive (deliveries wait); suspended (the receiver answered 410, or nothing but failures for long: deliveries wait); deleted.';


--
-- Name: COLUMN webhook_subscriptions.status_reason; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_subscriptions.status_reason IS 'Why it is suspended.';


--
-- Name: COLUMN webhook_subscriptions.status_changed_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_subscriptions.status_changed_at IS 'Since when it has this status.';


--
-- Name: COLUMN webhook_subscriptions.active; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_subscriptions.active IS 'status = ''active''.';


--
-- Name: COLUMN webhook_subscriptions.signing; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_subscriptions.signing IS 'required, or none: the explicit choice to send unsigned.';


--
-- Name: COLUMN webhook_subscriptions.secret; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_subscriptions.secret IS 'Signing secret, sealed with the keyring for this tenant and subscription.';


--
-- Name: COLUMN webhook_subscriptions.previous_secret; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_subscriptions.previous_secret IS 'The secret before the last rotation, sealed; signs too until previous_secret_until.';


--
-- Name: COLUMN webhook_subscriptions.previous_secret_until; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_subscriptions.previous_secret_until IS 'End of the rotation overlap.';


--
-- Name: COLUMN webhook_subscriptions.payload_format; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_subscriptions.payload_format IS 'Shape of the body: default, gestiq, dotmac, cloudevents, cloudevents_binary, raw, template.';


--
-- Name: COLUMN webhook_subscriptions.header_families; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_subscriptions.header_families IS 'Which signature headers are sent: standard, gestiq, dotmac.';


--
-- Name: COLUMN webhook_subscriptions.success_policy; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_subscriptions.success_policy IS 'standard: 2xx is delivered; gestiq: 3xx too. Without meaning where success_codes is set.';


--
-- Name: COLUMN webhook_subscriptions.timeout_seconds; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_subscriptions.timeout_seconds IS 'Total seconds of one attempt; NULL: WEBHOOK_TIMEOUT_SECONDS.';


--
-- Name: COLUMN webhook_subscriptions.retry_schedule; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_subscriptions.retry_schedule IS 'Seconds before each retry; NULL: WEBHOOK_RETRY_SCHEDULE.';


--
-- Name: COLUMN webhook_subscriptions.max_retries; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_subscriptions.max_retries IS 'Retries after the first attempt; NULL: as many as the schedule has. The last delay repeats.';


--
-- Name: COLUMN webhook_subscriptions.max_in_flight; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_subscriptions.max_in_flight IS 'Deliveries in flight at once, over all dispatchers; NULL: an eighth of POSTHORN_CONCURRENCY in each dispatcher.';


--
-- Name: COLUMN webhook_subscriptions.rate_per_second; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_subscriptions.rate_per_second IS 'Requests per second at most, over all dispatchers, 0.01 to 10000; NULL: no limit.';


--
-- Name: COLUMN webhook_subscriptions.ordered; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_subscriptions.ordered IS 'Whether events with an ordering key are delivered one at a time and in commit order, key by key. For events published from then on.';


--
-- Name: COLUMN webhook_subscriptions.created_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_subscriptions.created_at IS 'When it was made.';


--
-- Name: COLUMN webhook_subscriptions.updated_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_subscriptions.updated_at IS 'When it was last changed.';


--
-- Name: COLUMN webhook_subscriptions.rate_burst; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_subscriptions.rate_burst IS 'Requests that may go at once after a pause; NULL: as many as one second allows, at least 1.';


--
-- Name: COLUMN webhook_subscriptions.batch_max; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_subscriptions.batch_max IS 'Events of one request at most, which is then a JSON array; NULL: one event per request, no array.';


--
-- Name: COLUMN webhook_subscriptions.batch_wait_ms; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_subscriptions.batch_wait_ms IS 'How long an event may wait for a batch to fill, in milliseconds; 0: a batch is what is due.';


--
-- Name: COLUMN webhook_subscriptions.circuit_failures; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_subscriptions.circuit_failures IS 'Failures in a row that open the circuit; 0: it never opens, not by the ratio either; NULL: POSTHORN_CIRCUIT_FAILURES.';


--
-- Name: COLUMN webhook_subscriptions.circuit_failure_ratio; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_subscriptions.circuit_failure_ratio IS 'Share of failures among the attempts of a minute (at least 20) that opens the circuit; NULL: POSTHORN_CIRCUIT_FAILURE_RATIO.';


--
-- Name: COLUMN webhook_subscriptions.circuit_seconds; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_subscriptions.circuit_seconds IS 'How long the circuit stays open before a probe; doubles from probe to probe, up to an hour; NULL: POSTHORN_CIRCUIT_SECONDS.';


--
-- Name: COLUMN webhook_subscriptions.suspend_after_seconds; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_subscriptions.suspend_after_seconds IS 'Nothing but failures for so long suspends the subscription; 0: never; NULL: POSTHORN_SUSPEND_AFTER_SECONDS.';


--
-- Name: COLUMN webhook_subscriptions.metadata; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_subscriptions.metadata IS 'Whatever its owner wants to keep with it, a JSON object. Not sent.';


--
-- Name: COLUMN webhook_subscriptions.success_codes; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_subscriptions.success_codes IS 'The status codes that count as delivered, of 200 to 399; NULL: success_policy decides.';


--
-- Name: COLUMN webhook_subscriptions.template; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_subscriptions.template IS 'The body''s template (minijinja), where payload_format is template.';


--
-- Name: COLUMN webhook_subscriptions.template_content_type; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_subscriptions.template_content_type IS 'Content-Type of what the template makes.';


--
-- Name: COLUMN webhook_subscriptions.signature; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_subscriptions.signature IS 'hmac (v1), or ed25519 (v1a): the receiver checks with public_key and holds no secret.';


--
-- Name: COLUMN webhook_subscriptions.public_key; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_subscriptions.public_key IS 'What checks ed25519 signatures: whpk_ and the base64 of 32 bytes.';


--
-- Name: COLUMN webhook_subscriptions.header_names; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_subscriptions.header_names IS 'Names of its own headers; their values are in sealed_headers.';


--
-- Name: COLUMN webhook_subscriptions.sealed_headers; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_subscriptions.sealed_headers IS 'Its own headers, sealed with the keyring for this tenant and subscription.';


--
-- Name: COLUMN webhook_subscriptions.credentials_type; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_subscriptions.credentials_type IS 'How requests identify themselves to the receiver: basic or bearer.';


--
-- Name: COLUMN webhook_subscriptions.sealed_credentials; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_subscriptions.sealed_credentials IS 'The value of the Authorization header, sealed.';


--
-- Name: COLUMN webhook_subscriptions.client_certificate; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_subscriptions.client_certificate IS 'Certificates to show the receiver in TLS, PEM, the own one first.';


--
-- Name: COLUMN webhook_subscriptions.sealed_client_key; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_subscriptions.sealed_client_key IS 'The certificate''s private key, sealed.';


--
-- Name: backlog; Type: VIEW; Schema: posthorn; Owner: -
--

CREATE VIEW posthorn.backlog WITH (security_invoker='true') AS
 SELECT s.tenant_id,
    s.id AS subscription_id,
    s.url,
    s.status,
    q.waiting,
    q.due,
    q.in_flight,
    q.in_line,
    q.oldest_due_at,
    (now() - q.oldest_due_at) AS late_by,
    COALESCE(c.state, 'closed'::text) AS circuit,
    c.retry_at
   FROM ((posthorn.webhook_subscriptions s
     CROSS JOIN LATERAL ( SELECT count(*) AS waiting,
            count(*) FILTER (WHERE w.is_due) AS due,
            count(*) FILTER (WHERE (w.lease_until > now())) AS in_flight,
            count(*) FILTER (WHERE (w.due_at IS NULL)) AS in_line,
            min(w.due_at) FILTER (WHERE w.is_due) AS oldest_due_at
           FROM ( SELECT d.due_at,
                    d.lease_until,
                    ((d.due_at <= now()) AND COALESCE((d.lease_until <= now()), true)) AS is_due
                   FROM posthorn.webhook_deliveries d
                  WHERE ((d.tenant_id = s.tenant_id) AND (d.subscription_id = s.id) AND (d.status = ANY (ARRAY['pending'::text, 'sending'::text, 'retrying'::text])))
                  ORDER BY d.due_at
                 LIMIT 10000) w) q)
     LEFT JOIN posthorn.circuits c ON ((c.subscription_id = s.id)))
  WHERE (q.waiting > 0);


--
-- Name: VIEW backlog; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON VIEW posthorn.backlog IS 'What waits for each subscription that anything waits for, counted up to 10,000 each.';


--
-- Name: COLUMN backlog.tenant_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.backlog.tenant_id IS 'Whose subscription.';


--
-- Name: COLUMN backlog.subscription_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.backlog.subscription_id IS 'The subscription.';


--
-- Name: COLUMN backlog.url; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.backlog.url IS 'Its receiver.';


--
-- Name: COLUMN backlog.status; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.backlog.status IS 'active; inactive or suspended: what waits goes on waiting; deleted: it is about to be cancelled.';


--
-- Name: COLUMN backlog.waiting; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.backlog.waiting IS 'Deliveries not finished, those on their way included; 10000 stands for that many or more.';


--
-- Name: COLUMN backlog.due; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.backlog.due IS 'Those that could go now.';


--
-- Name: COLUMN backlog.in_flight; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.backlog.in_flight IS 'Those that are on their way.';


--
-- Name: COLUMN backlog.in_line; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.backlog.in_line IS 'Those that wait for the one before them with the same ordering key.';


--
-- Name: COLUMN backlog.oldest_due_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.backlog.oldest_due_at IS 'Since when the oldest that could go waits; NULL: none could.';


--
-- Name: COLUMN backlog.late_by; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.backlog.late_by IS 'How long that is.';


--
-- Name: COLUMN backlog.circuit; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.backlog.circuit IS 'closed, open or half_open: see posthorn.circuits.';


--
-- Name: COLUMN backlog.retry_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.backlog.retry_at IS 'When an open circuit lets a probe through.';


--
-- Name: backlog_by_tenant; Type: VIEW; Schema: posthorn; Owner: -
--

CREATE VIEW posthorn.backlog_by_tenant WITH (security_invoker='true') AS
 SELECT b.tenant_id,
    count(*) AS subscriptions,
    (sum(b.waiting))::bigint AS waiting,
    (sum(b.due))::bigint AS due,
    (sum(b.in_flight))::bigint AS in_flight,
    min(b.oldest_due_at) AS oldest_due_at,
    (now() - min(b.oldest_due_at)) AS late_by
   FROM posthorn.backlog b
  GROUP BY b.tenant_id;


--
-- Name: VIEW backlog_by_tenant; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON VIEW posthorn.backlog_by_tenant IS 'What waits for each tenant that anything waits for: posthorn.backlog, added up.';


--
-- Name: COLUMN backlog_by_tenant.tenant_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.backlog_by_tenant.tenant_id IS 'The tenant.';


--
-- Name: COLUMN backlog_by_tenant.subscriptions; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.backlog_by_tenant.subscriptions IS 'Subscriptions that anything waits for.';


--
-- Name: COLUMN backlog_by_tenant.waiting; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.backlog_by_tenant.waiting IS 'Deliveries not finished, up to 10,000 of each subscription.';


--
-- Name: COLUMN backlog_by_tenant.due; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.backlog_by_tenant.due IS 'Those that could go now.';


--
-- Name: COLUMN backlog_by_tenant.in_flight; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.backlog_by_tenant.in_flight IS 'Those that are on their way.';


--
-- Name: COLUMN backlog_by_tenant.oldest_due_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.backlog_by_tenant.oldest_due_at IS 'Since when the oldest that could go waits.';


--
-- Name: COLUMN backlog_by_tenant.late_by; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.backlog_by_tenant.late_by IS 'How long that is.';


--
-- Name: claim_floors; Type: TABLE; Schema: posthorn; Owner: -
--

CREATE UNLOGGED TABLE posthorn.claim_floors (
    tenant_id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    due_at timestamp with time zone NOT NULL
)
WITH (fillfactor='50');


--
-- Name: TABLE claim_floors; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON TABLE posthorn.claim_floors IS 'While a long transaction holds finished rows in the way: from where claims look at each subscription served lately. Else empty.';


--
-- Name: COLUMN claim_floors.tenant_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.claim_floors.tenant_id IS 'Whose subscription.';


--
-- Name: COLUMN claim_floors.subscription_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.claim_floors.subscription_id IS 'The subscription.';


--
-- Name: COLUMN claim_floors.due_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.claim_floors.due_at IS 'What fell due before is looked for every five seconds only.';


--
-- Name: claim_places; Type: TABLE; Schema: posthorn; Owner: -
--

CREATE UNLOGGED TABLE posthorn.claim_places (
    tenant_id uuid NOT NULL,
    after_id uuid NOT NULL,
    looked_at timestamp with time zone
)
WITH (fillfactor='50');


--
-- Name: TABLE claim_places; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON TABLE posthorn.claim_places IS 'Where the next claim goes on, so that everyone gets a turn: after which tenant, and within a tenant after which subscription.';


--
-- Name: COLUMN claim_places.tenant_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.claim_places.tenant_id IS 'The tenant; nil: the walk over the tenants.';


--
-- Name: COLUMN claim_places.after_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.claim_places.after_id IS 'Its subscription that was served last; of the walk over the tenants: the tenant.';


--
-- Name: COLUMN claim_places.looked_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.claim_places.looked_at IS 'Of the walk over the tenants: when a claim last looked from the beginning while posthorn.claim_floors was in use.';


--
-- Name: coalesced_keys; Type: TABLE; Schema: posthorn; Owner: -
--

CREATE TABLE posthorn.coalesced_keys (
    tenant_id uuid NOT NULL,
    coalesce_key text NOT NULL,
    event text NOT NULL,
    event_id uuid NOT NULL,
    previous_event_id uuid,
    look_at timestamp with time zone DEFAULT (now() + '1 day'::interval) NOT NULL
);


--
-- Name: TABLE coalesced_keys; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON TABLE posthorn.coalesced_keys IS 'The newest event of each coalesce key, kept while something of it waits.';


--
-- Name: COLUMN coalesced_keys.tenant_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.coalesced_keys.tenant_id IS 'Whose event.';


--
-- Name: COLUMN coalesced_keys.coalesce_key; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.coalesced_keys.coalesce_key IS 'The key it was published with.';


--
-- Name: COLUMN coalesced_keys.event; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.coalesced_keys.event IS 'Its type.';


--
-- Name: COLUMN coalesced_keys.event_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.coalesced_keys.event_id IS 'The newest event.';


--
-- Name: COLUMN coalesced_keys.previous_event_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.coalesced_keys.previous_event_id IS 'The one that it superseded.';


--
-- Name: COLUMN coalesced_keys.look_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.coalesced_keys.look_at IS 'When to look whether something of it still waits.';


--
-- Name: delivery_errors; Type: TABLE; Schema: posthorn; Owner: -
--

CREATE TABLE posthorn.delivery_errors (
    tenant_id uuid NOT NULL,
    resolution text NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    subscription_id uuid NOT NULL,
    event text NOT NULL,
    error_kind text NOT NULL,
    failures bigint NOT NULL,
    CONSTRAINT resolution_is_known CHECK ((resolution = ANY (ARRAY['minute'::text, 'hour'::text, 'day'::text])))
)
WITH (fillfactor='70', autovacuum_vacuum_scale_factor='0.05');


--
-- Name: TABLE delivery_errors; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON TABLE posthorn.delivery_errors IS 'Failures by kind, beside posthorn.delivery_statistics and kept as long.';


--
-- Name: COLUMN delivery_errors.tenant_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.delivery_errors.tenant_id IS 'Whose.';


--
-- Name: COLUMN delivery_errors.resolution; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.delivery_errors.resolution IS 'minute, hour or day: each holds everything.';


--
-- Name: COLUMN delivery_errors.starts_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.delivery_errors.starts_at IS 'Beginning of the minute, hour or day (UTC).';


--
-- Name: COLUMN delivery_errors.subscription_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.delivery_errors.subscription_id IS 'Of which subscription; nil: of all.';


--
-- Name: COLUMN delivery_errors.event; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.delivery_errors.event IS 'Event type; *: all.';


--
-- Name: COLUMN delivery_errors.error_kind; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.delivery_errors.error_kind IS 'Why, as in webhook_attempts.error_kind.';


--
-- Name: COLUMN delivery_errors.failures; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.delivery_errors.failures IS 'How often, failures that were retried included.';


--
-- Name: delivery_statistics; Type: TABLE; Schema: posthorn; Owner: -
--

CREATE TABLE posthorn.delivery_statistics (
    tenant_id uuid NOT NULL,
    resolution text NOT NULL,
    starts_at timestamp with time zone NOT NULL,
    subscription_id uuid NOT NULL,
    event text NOT NULL,
    attempts bigint NOT NULL,
    delivered bigint NOT NULL,
    retried bigint NOT NULL,
    failed bigint NOT NULL,
    abandoned bigint NOT NULL,
    duration_sum_ms bigint NOT NULL,
    duration_max_ms integer NOT NULL,
    durations integer[] NOT NULL,
    delay_sum_ms bigint NOT NULL,
    delay_max_ms integer NOT NULL,
    delays integer[] NOT NULL,
    CONSTRAINT histograms_have_24_buckets CHECK (((cardinality(durations) = 24) AND (cardinality(delays) = 24))),
    CONSTRAINT resolution_is_known CHECK ((resolution = ANY (ARRAY['minute'::text, 'hour'::text, 'day'::text])))
)
WITH (fillfactor='70', autovacuum_vacuum_scale_factor='0.05');


--
-- Name: TABLE delivery_statistics; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON TABLE posthorn.delivery_statistics IS 'Figures of deliveries by minute (kept 2 days), hour (90 days) and day (2 years), UTC. A row for each subscription and event type that had any, and rows of all subscriptions, all events and both.';


--
-- Name: COLUMN delivery_statistics.tenant_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.delivery_statistics.tenant_id IS 'Whose.';


--
-- Name: COLUMN delivery_statistics.resolution; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.delivery_statistics.resolution IS 'minute, hour or day: each holds everything, so add up rows of one of them.';


--
-- Name: COLUMN delivery_statistics.starts_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.delivery_statistics.starts_at IS 'Beginning of the minute, hour or day (UTC) in which the result was recorded.';


--
-- Name: COLUMN delivery_statistics.subscription_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.delivery_statistics.subscription_id IS 'Of which subscription, deleted ones included; 00000000-0000-0000-0000-000000000000: of all.';


--
-- Name: COLUMN delivery_statistics.event; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.delivery_statistics.event IS 'Event type; *: all.';


--
-- Name: COLUMN delivery_statistics.attempts; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.delivery_statistics.attempts IS 'Attempts made; each of a batch counts.';


--
-- Name: COLUMN delivery_statistics.delivered; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.delivery_statistics.delivered IS 'Deliveries that a receiver accepted.';


--
-- Name: COLUMN delivery_statistics.retried; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.delivery_statistics.retried IS 'Attempts that failed and are made again.';


--
-- Name: COLUMN delivery_statistics.failed; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.delivery_statistics.failed IS 'Deliveries refused for good, those without an attempt included.';


--
-- Name: COLUMN delivery_statistics.abandoned; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.delivery_statistics.abandoned IS 'Deliveries given up.';


--
-- Name: COLUMN delivery_statistics.duration_sum_ms; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.delivery_statistics.duration_sum_ms IS 'Sum of the durations of the attempts, in milliseconds.';


--
-- Name: COLUMN delivery_statistics.duration_max_ms; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.delivery_statistics.duration_max_ms IS 'The longest of them.';


--
-- Name: COLUMN delivery_statistics.durations; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.delivery_statistics.durations IS 'Attempts by duration: how many took less than 1, 2, 3, 5, 10, 20, 30, 50, … ms, see posthorn.bucket_bounds().';


--
-- Name: COLUMN delivery_statistics.delay_sum_ms; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.delivery_statistics.delay_sum_ms IS 'Sum of the delays from the event to its being delivered, in milliseconds; replays do not count.';


--
-- Name: COLUMN delivery_statistics.delay_max_ms; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.delivery_statistics.delay_max_ms IS 'The longest of them.';


--
-- Name: COLUMN delivery_statistics.delays; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.delivery_statistics.delays IS 'Deliveries by delay, in the same buckets.';


--
-- Name: delivery_tallies; Type: TABLE; Schema: posthorn; Owner: -
--

CREATE TABLE posthorn.delivery_tallies (
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    tenant_id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    event text NOT NULL,
    delivered integer DEFAULT 0 NOT NULL,
    retried integer DEFAULT 0 NOT NULL,
    failed integer DEFAULT 0 NOT NULL,
    abandoned integer DEFAULT 0 NOT NULL,
    durations integer[],
    delays integer[],
    error_kinds text[],
    last_failed_delivery_id uuid
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='5000', autovacuum_vacuum_cost_delay='0', autovacuum_vacuum_insert_scale_factor='0', autovacuum_vacuum_insert_threshold='100000', autovacuum_analyze_scale_factor='0', autovacuum_analyze_threshold='1000000');


--
-- Name: TABLE delivery_tallies; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON TABLE posthorn.delivery_tallies IS 'What batches of results came to, until it is folded into the statistics some seconds later. Append and empty: no index.';


--
-- Name: COLUMN delivery_tallies.recorded_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.delivery_tallies.recorded_at IS 'When the results were recorded.';


--
-- Name: COLUMN delivery_tallies.tenant_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.delivery_tallies.tenant_id IS 'Whose.';


--
-- Name: COLUMN delivery_tallies.subscription_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.delivery_tallies.subscription_id IS 'Of which subscription.';


--
-- Name: COLUMN delivery_tallies.event; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.delivery_tallies.event IS 'Event type.';


--
-- Name: COLUMN delivery_tallies.delivered; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.delivery_tallies.delivered IS 'Attempts that delivered.';


--
-- Name: COLUMN delivery_tallies.retried; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.delivery_tallies.retried IS 'Attempts that failed and are made again.';


--
-- Name: COLUMN delivery_tallies.failed; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.delivery_tallies.failed IS 'Deliveries refused for good.';


--
-- Name: COLUMN delivery_tallies.abandoned; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.delivery_tallies.abandoned IS 'Deliveries given up.';


--
-- Name: COLUMN delivery_tallies.durations; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.delivery_tallies.durations IS 'Milliseconds that each attempt took. A delivery refused without an attempt has none.';


--
-- Name: COLUMN delivery_tallies.delays; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.delivery_tallies.delays IS 'Milliseconds from the event to its being delivered, of each that was delivered and was not replayed.';


--
-- Name: COLUMN delivery_tallies.error_kinds; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.delivery_tallies.error_kinds IS 'Kind of each failure.';


--
-- Name: COLUMN delivery_tallies.last_failed_delivery_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.delivery_tallies.last_failed_delivery_id IS 'A delivery among them whose attempt failed.';


--
-- Name: dispatchers; Type: TABLE; Schema: posthorn; Owner: -
--

CREATE TABLE posthorn.dispatchers (
    id uuid DEFAULT posthorn.uuid7() NOT NULL,
    host text NOT NULL,
    pid integer NOT NULL,
    version text NOT NULL,
    concurrency integer NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    seen_at timestamp with time zone DEFAULT now() NOT NULL,
    stopped_at timestamp with time zone
);


--
-- Name: TABLE dispatchers; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON TABLE posthorn.dispatchers IS 'Dispatcher processes; one is alive while seen_at is recent and stopped_at is NULL.';


--
-- Name: COLUMN dispatchers.id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.dispatchers.id IS 'One per start of a process.';


--
-- Name: COLUMN dispatchers.host; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.dispatchers.host IS 'Host name.';


--
-- Name: COLUMN dispatchers.pid; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.dispatchers.pid IS 'Process id on that host.';


--
-- Name: COLUMN dispatchers.version; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.dispatchers.version IS 'Version of the binary.';


--
-- Name: COLUMN dispatchers.concurrency; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.dispatchers.concurrency IS 'Deliveries it may have in flight.';


--
-- Name: COLUMN dispatchers.started_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.dispatchers.started_at IS 'When it started.';


--
-- Name: COLUMN dispatchers.seen_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.dispatchers.seen_at IS 'Its last sign of life; one every 5 seconds.';


--
-- Name: COLUMN dispatchers.stopped_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.dispatchers.stopped_at IS 'When it stopped in good order.';


--
-- Name: dispatcher_leases; Type: VIEW; Schema: posthorn; Owner: -
--

CREATE VIEW posthorn.dispatcher_leases WITH (security_invoker='true') AS
 SELECT d.id AS dispatcher_id,
    d.host,
    d.pid,
    d.version,
    d.concurrency,
    d.started_at,
    d.seen_at,
    ((d.stopped_at IS NULL) AND (d.seen_at > (now() - '00:00:15'::interval))) AS is_alive,
    COALESCE(l.leases, (0)::bigint) AS leases,
    COALESCE(l.lapsed, (0)::bigint) AS lapsed,
    l.first_ends_at
   FROM (posthorn.dispatchers d
     LEFT JOIN ( SELECT w.dispatcher_id,
            count(*) AS leases,
            count(*) FILTER (WHERE (w.lease_until <= now())) AS lapsed,
            min(w.lease_until) AS first_ends_at
           FROM (posthorn.webhook_subscriptions s
             CROSS JOIN LATERAL ( SELECT v.dispatcher_id,
                    v.lease_until
                   FROM posthorn.webhook_deliveries v
                  WHERE ((v.tenant_id = s.tenant_id) AND (v.subscription_id = s.id) AND (v.status = ANY (ARRAY['pending'::text, 'sending'::text, 'retrying'::text])))
                  ORDER BY v.due_at
                 LIMIT 500) w)
          WHERE (w.lease_until IS NOT NULL)
          GROUP BY w.dispatcher_id) l ON ((l.dispatcher_id = d.id)))
  WHERE ((l.leases > 0) OR ((d.stopped_at IS NULL) AND (d.seen_at > (now() - '00:00:15'::interval))));


--
-- Name: VIEW dispatcher_leases; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON VIEW posthorn.dispatcher_leases IS 'Dispatchers that are alive, or hold leases although they are not; of each subscription the 500 deliveries due longest are looked at.';


--
-- Name: COLUMN dispatcher_leases.dispatcher_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.dispatcher_leases.dispatcher_id IS 'The dispatcher.';


--
-- Name: COLUMN dispatcher_leases.host; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.dispatcher_leases.host IS 'Its host.';


--
-- Name: COLUMN dispatcher_leases.pid; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.dispatcher_leases.pid IS 'Its process id there.';


--
-- Name: COLUMN dispatcher_leases.version; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.dispatcher_leases.version IS 'Version of the binary.';


--
-- Name: COLUMN dispatcher_leases.concurrency; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.dispatcher_leases.concurrency IS 'Deliveries it may have in flight.';


--
-- Name: COLUMN dispatcher_leases.started_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.dispatcher_leases.started_at IS 'When it started.';


--
-- Name: COLUMN dispatcher_leases.seen_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.dispatcher_leases.seen_at IS 'Its last sign of life; one every 5 seconds.';


--
-- Name: COLUMN dispatcher_leases.is_alive; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.dispatcher_leases.is_alive IS 'Whether it showed one in the last 15 seconds and has not stopped.';


--
-- Name: COLUMN dispatcher_leases.leases; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.dispatcher_leases.leases IS 'Deliveries it holds.';


--
-- Name: COLUMN dispatcher_leases.lapsed; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.dispatcher_leases.lapsed IS 'Those of them that another dispatcher may take over.';


--
-- Name: COLUMN dispatcher_leases.first_ends_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.dispatcher_leases.first_ends_at IS 'When the first of its leases ends, or did.';


--
-- Name: tenants; Type: TABLE; Schema: posthorn; Owner: -
--

CREATE TABLE posthorn.tenants (
    id uuid DEFAULT posthorn.uuid7() NOT NULL,
    name text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    max_in_flight integer,
    disabled_at timestamp with time zone,
    strict_event_types boolean DEFAULT false NOT NULL,
    is_operator boolean DEFAULT false NOT NULL,
    CONSTRAINT max_in_flight_is_1_to_10000 CHECK (((max_in_flight >= 1) AND (max_in_flight <= 10000))),
    CONSTRAINT name_is_at_most_200_characters CHECK ((char_length(name) <= 200))
);


--
-- Name: TABLE tenants; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON TABLE posthorn.tenants IS 'Who owns subscriptions and events. An event of a tenant that is not here is stored and marked, never refused.';


--
-- Name: COLUMN tenants.id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.tenants.id IS 'May be supplied, so that it can be the id your own system uses.';


--
-- Name: COLUMN tenants.name; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.tenants.name IS 'For people.';


--
-- Name: COLUMN tenants.created_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.tenants.created_at IS 'When the tenant was added.';


--
-- Name: COLUMN tenants.max_in_flight; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.tenants.max_in_flight IS 'Deliveries in flight at once in each dispatcher, all subscriptions together; NULL: three quarters of POSTHORN_CONCURRENCY.';


--
-- Name: COLUMN tenants.disabled_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.tenants.disabled_at IS 'Since when the tenant''s keys and tokens are refused; NULL: they are not. Its events are delivered all the same.';


--
-- Name: COLUMN tenants.strict_event_types; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.tenants.strict_event_types IS 'Whether events must be of a type of the catalogue and fit its JSON Schema, if it has one: the API refuses others, by SQL they are stored and their deliveries fail as unknown_event_type or schema_mismatch.';


--
-- Name: COLUMN tenants.is_operator; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.tenants.is_operator IS 'Whether it is the tenant of whoever runs Posthorn: its subscriptions to posthorn.… hear of every tenant. One at most, and only posthorn_admin or the owner can say so.';


--
-- Name: errors_by_kind; Type: VIEW; Schema: posthorn; Owner: -
--

CREATE VIEW posthorn.errors_by_kind WITH (security_invoker='true') AS
 SELECT t.id AS tenant_id,
    e.error_kind,
    (sum(e.failures))::bigint AS failures,
    max(e.starts_at) AS last_hour_at
   FROM ((posthorn.tenants t
     CROSS JOIN generate_series(0, 24) hours(ago))
     CROSS JOIN LATERAL ( SELECT s.error_kind,
            s.failures,
            s.starts_at
           FROM posthorn.delivery_errors s
          WHERE ((s.tenant_id = t.id) AND (s.resolution = 'hour'::text) AND (s.starts_at = (date_trunc('hour'::text, now(), 'UTC'::text) - make_interval(hours => hours.ago))) AND (s.subscription_id = '00000000-0000-0000-0000-000000000000'::uuid) AND (s.event = '*'::text))) e)
  GROUP BY t.id, e.error_kind;


--
-- Name: VIEW errors_by_kind; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON VIEW posthorn.errors_by_kind IS 'Failed attempts of the last day by tenant and kind: this hour and the 24 before. Some seconds behind.';


--
-- Name: COLUMN errors_by_kind.tenant_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.errors_by_kind.tenant_id IS 'The tenant.';


--
-- Name: COLUMN errors_by_kind.error_kind; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.errors_by_kind.error_kind IS 'Why they failed, as in webhook_attempts.error_kind.';


--
-- Name: COLUMN errors_by_kind.failures; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.errors_by_kind.failures IS 'How often, attempts that are made again included.';


--
-- Name: COLUMN errors_by_kind.last_hour_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.errors_by_kind.last_hour_at IS 'Beginning of the last hour that had any.';


--
-- Name: event_fanouts; Type: TABLE; Schema: posthorn; Owner: -
--

CREATE TABLE posthorn.event_fanouts (
    event_id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    state text NOT NULL,
    reason text,
    after_subscription_id uuid,
    failures integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone DEFAULT now() NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    ordering_key text,
    number bigint NOT NULL,
    checked_at timestamp with time zone,
    error_kind text,
    superseded_by uuid,
    CONSTRAINT reason_is_at_most_500_characters CHECK ((char_length(reason) <= 500)),
    CONSTRAINT state_is_known CHECK ((state = ANY (ARRAY['open'::text, 'muted'::text, 'unknown_tenant'::text, 'cancelled'::text, 'refused'::text])))
);


--
-- Name: TABLE event_fanouts; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON TABLE posthorn.event_fanouts IS 'Events whose fan-out did not simply happen with their INSERT. No row: it did.';


--
-- Name: COLUMN event_fanouts.event_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.event_fanouts.event_id IS 'The event.';


--
-- Name: COLUMN event_fanouts.tenant_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.event_fanouts.tenant_id IS 'Whose event.';


--
-- Name: COLUMN event_fanouts.state; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.event_fanouts.state IS 'open: a dispatcher will do it; muted: published with posthorn.mute = on; unknown_tenant: no such tenant, nobody to send to; cancelled: cancelled while it was open; refused: not as its strict type or tenant wants it, its deliveries have failed.';


--
-- Name: COLUMN event_fanouts.reason; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.event_fanouts.reason IS 'Why it is open (the error of the matching, more subscriptions than are fanned out within a commit, to be checked), or refused.';


--
-- Name: COLUMN event_fanouts.after_subscription_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.event_fanouts.after_subscription_id IS 'Fanned out up to and including this subscription.';


--
-- Name: COLUMN event_fanouts.failures; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.event_fanouts.failures IS 'Tries since the last that got on; a dispatcher raises it before it tries.';


--
-- Name: COLUMN event_fanouts.due_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.event_fanouts.due_at IS 'When a dispatcher may try; one that tries moves it ahead, so that no other does meanwhile.';


--
-- Name: COLUMN event_fanouts.created_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.event_fanouts.created_at IS 'When it was marked.';


--
-- Name: COLUMN event_fanouts.ordering_key; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.event_fanouts.ordering_key IS 'The event''s ordering key: open events with the same key are fanned out one after the other.';


--
-- Name: COLUMN event_fanouts.number; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.event_fanouts.number IS 'The order in which events were marked; with the same ordering key, that of their commits.';


--
-- Name: COLUMN event_fanouts.checked_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.event_fanouts.checked_at IS 'When a dispatcher checked it against the schema of its type.';


--
-- Name: COLUMN event_fanouts.error_kind; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.event_fanouts.error_kind IS 'What its deliveries fail as: schema_mismatch or unknown_event_type; NULL: they do not.';


--
-- Name: COLUMN event_fanouts.superseded_by; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.event_fanouts.superseded_by IS 'The newer event with its coalesce key: instead of fanning it out a dispatcher cancels what waits of it.';


--
-- Name: event_fanouts_number_seq; Type: SEQUENCE; Schema: posthorn; Owner: -
--

ALTER TABLE posthorn.event_fanouts ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME posthorn.event_fanouts_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: event_types; Type: TABLE; Schema: posthorn; Owner: -
--

CREATE TABLE posthorn.event_types (
    name text NOT NULL,
    tenant_id uuid,
    group_name text NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    json_schema json,
    example json,
    is_strict boolean DEFAULT false NOT NULL,
    is_deprecated boolean DEFAULT false NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT a_strict_type_is_a_tenants_and_has_a_json_schema CHECK (((NOT is_strict) OR ((tenant_id IS NOT NULL) AND (json_schema IS NOT NULL)))),
    CONSTRAINT description_is_at_most_2000_characters CHECK ((char_length(description) <= 2000)),
    CONSTRAINT event_name_is_valid CHECK (((char_length(name) <= 100) AND (name ~ '^[a-z0-9_]+(\.[a-z0-9_]+)+$'::text))),
    CONSTRAINT example_is_an_object_of_at_most_64_kib CHECK (((example IS NULL) OR ((json_typeof(example) = 'object'::text) AND (octet_length((example)::text) <= 65536)))),
    CONSTRAINT group_name_is_1_to_100_printable_characters CHECK ((group_name ~ '^[^[:cntrl:]]{1,100}$'::text)),
    CONSTRAINT json_schema_is_an_object_of_at_most_64_kib CHECK (((json_schema IS NULL) OR ((json_typeof(json_schema) = 'object'::text) AND (octet_length((json_schema)::text) <= 65536)))),
    CONSTRAINT names_of_operational_events_are_not_a_tenants CHECK (((tenant_id IS NULL) OR (NOT starts_with(name, 'posthorn.'::text))))
);


--
-- Name: TABLE event_types; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON TABLE posthorn.event_types IS 'Catalogue of event types. An event need not be listed here to be published.';


--
-- Name: COLUMN event_types.name; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.event_types.name IS 'Such as invoice.created.';


--
-- Name: COLUMN event_types.tenant_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.event_types.tenant_id IS 'NULL: a common type, for everyone. Else the tenant whose own type it is; it may have the name of a common one, which it then replaces for this tenant.';


--
-- Name: COLUMN event_types.group_name; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.event_types.group_name IS 'Heading under which people find it.';


--
-- Name: COLUMN event_types.description; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.event_types.description IS 'What happened when this event is published.';


--
-- Name: COLUMN event_types.created_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.event_types.created_at IS 'When it was added.';


--
-- Name: COLUMN event_types.json_schema; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.event_types.json_schema IS 'JSON Schema of the payload, at most 64 KiB. Looked at where the type or its tenant is strict.';


--
-- Name: COLUMN event_types.example; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.event_types.example IS 'A payload, for people; fits the schema when it was saved over the API.';


--
-- Name: COLUMN event_types.is_strict; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.event_types.is_strict IS 'Whether payloads must fit the schema: the API refuses others, by SQL they are stored and their deliveries fail as schema_mismatch.';


--
-- Name: COLUMN event_types.is_deprecated; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.event_types.is_deprecated IS 'Whether new publishers and subscribers should choose another.';


--
-- Name: COLUMN event_types.updated_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.event_types.updated_at IS 'When it was last changed.';


--
-- Name: outbox; Type: TABLE; Schema: posthorn; Owner: -
--

CREATE TABLE posthorn.outbox (
    id uuid DEFAULT posthorn.uuid7() NOT NULL,
    tenant_id uuid NOT NULL,
    event text NOT NULL,
    payload jsonb NOT NULL,
    resource_type text,
    resource_id text,
    metadata jsonb,
    deliver_after timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    ordering_key text,
    idempotency_key text,
    coalesce_key text,
    traceparent text DEFAULT 
CASE
    WHEN (current_setting('posthorn.traceparent'::text, true) ~ '^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$'::text) THEN current_setting('posthorn.traceparent'::text, true)
    ELSE NULL::text
END,
    erased_at timestamp with time zone,
    is_operational boolean DEFAULT false NOT NULL,
    CONSTRAINT coalesce_key_is_1_to_200_printable_characters CHECK ((coalesce_key ~ '^[^[:cntrl:]]{1,200}$'::text)),
    CONSTRAINT deliver_after_is_within_the_years_1_to_9999 CHECK (((deliver_after >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (deliver_after < '10000-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT event_name_is_valid CHECK (((char_length(event) <= 100) AND (event ~ '^[a-z0-9_]+(\.[a-z0-9_]+)+$'::text))),
    CONSTRAINT idempotency_key_is_1_to_200_printable_characters CHECK ((idempotency_key ~ '^[^[:cntrl:]]{1,200}$'::text)),
    CONSTRAINT metadata_is_an_object_within_the_size_limit CHECK (((metadata IS NULL) OR ((jsonb_typeof(metadata) = 'object'::text) AND posthorn.payload_fits(metadata)))),
    CONSTRAINT ordering_key_is_1_to_200_printable_characters CHECK ((ordering_key ~ '^[^[:cntrl:]]{1,200}$'::text)),
    CONSTRAINT payload_is_an_object CHECK ((jsonb_typeof(payload) = 'object'::text)),
    CONSTRAINT payload_is_within_the_size_limit CHECK (posthorn.payload_fits(payload)),
    CONSTRAINT resource_id_is_1_to_200_printable_characters CHECK ((resource_id ~ '^[^[:cntrl:]]{1,200}$'::text)),
    CONSTRAINT resource_type_is_1_to_100_printable_characters CHECK ((resource_type ~ '^[^[:cntrl:]]{1,100}$'::text))
)
PARTITION BY RANGE (id);


--
-- Name: TABLE outbox; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON TABLE posthorn.outbox IS 'Events, append-only. INSERT one in the transaction that changes your data; a rolled-back event is never sent.';


--
-- Name: COLUMN outbox.id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.outbox.id IS 'The event''s id, a UUIDv7: webhook-id of every webhook it becomes.';


--
-- Name: COLUMN outbox.tenant_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.outbox.tenant_id IS 'Whose event it is.';


--
-- Name: COLUMN outbox.event; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.outbox.event IS 'Event type such as invoice.created: lower case, at least two segments, up to 100 characters.';


--
-- Name: COLUMN outbox.payload; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.outbox.payload IS 'The data, a JSON object of at most 256 KiB as printed (setting posthorn.max_payload_bytes).';


--
-- Name: COLUMN outbox.resource_type; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.outbox.resource_type IS 'Kind of the thing it is about, such as invoice.';


--
-- Name: COLUMN outbox.resource_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.outbox.resource_id IS 'Id of the thing it is about.';


--
-- Name: COLUMN outbox.metadata; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.outbox.metadata IS 'Merged into the envelope''s metadata, beneath tenant_id, source and version.';


--
-- Name: COLUMN outbox.deliver_after; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.outbox.deliver_after IS 'Not to be sent before this time.';


--
-- Name: COLUMN outbox.created_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.outbox.created_at IS 'Start of the publishing transaction: the envelope''s timestamp.';


--
-- Name: COLUMN outbox.ordering_key; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.outbox.ordering_key IS 'Events with the same key reach ordered subscriptions one at a time, in the order of their commits. Publishing takes a lock on the key until the commit.';


--
-- Name: COLUMN outbox.idempotency_key; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.outbox.idempotency_key IS 'Of events of a tenant with the same key within 7 days only the first is stored. Publishing waits for an open transaction that published with the key.';


--
-- Name: COLUMN outbox.coalesce_key; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.outbox.coalesce_key IS 'A newer event of the same tenant, type and key cancels what still waits of this one, pending or retrying. Publishing takes a lock on the key until the commit.';


--
-- Name: COLUMN outbox.traceparent; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.outbox.traceparent IS 'W3C trace context of what published it: the parent of its deliveries'' spans, whose trace its webhooks name. Unless given, what the setting posthorn.traceparent holds, if that is one.';


--
-- Name: COLUMN outbox.erased_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.outbox.erased_at IS 'When posthorn.erase() blanked payload and metadata; the payload says it too: {"posthorn.erased": …}.';


--
-- Name: COLUMN outbox.is_operational; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.outbox.is_operational IS 'Whether it is an event of Posthorn''s own, posthorn.…; nobody else can publish those.';


--
-- Name: events; Type: VIEW; Schema: posthorn; Owner: -
--

CREATE VIEW posthorn.events WITH (security_barrier='true') AS
 SELECT o.id,
    o.tenant_id,
    o.event,
    o.payload,
    o.resource_type,
    o.resource_id,
    o.metadata,
    o.deliver_after,
    o.created_at,
    COALESCE(f.state, 'done'::text) AS fanout,
    f.reason AS fanout_reason,
    o.ordering_key,
    o.traceparent
   FROM (posthorn.outbox o
     LEFT JOIN posthorn.event_fanouts f ON ((f.event_id = o.id)))
  WHERE (o.tenant_id = ( SELECT posthorn.current_tenant() AS current_tenant));


--
-- Name: VIEW events; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON VIEW posthorn.events IS 'The current tenant''s events.';


--
-- Name: COLUMN events.id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.events.id IS 'The event''s id.';


--
-- Name: COLUMN events.tenant_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.events.tenant_id IS 'The current tenant.';


--
-- Name: COLUMN events.event; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.events.event IS 'Event type.';


--
-- Name: COLUMN events.payload; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.events.payload IS 'The data.';


--
-- Name: COLUMN events.resource_type; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.events.resource_type IS 'Kind of the thing it is about.';


--
-- Name: COLUMN events.resource_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.events.resource_id IS 'Id of the thing it is about.';


--
-- Name: COLUMN events.metadata; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.events.metadata IS 'The event''s own metadata.';


--
-- Name: COLUMN events.deliver_after; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.events.deliver_after IS 'Not to be sent before this time.';


--
-- Name: COLUMN events.created_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.events.created_at IS 'Start of the publishing transaction.';


--
-- Name: COLUMN events.fanout; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.events.fanout IS 'done, or open, muted, unknown_tenant, cancelled, refused: see posthorn.event_fanouts.';


--
-- Name: COLUMN events.fanout_reason; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.events.fanout_reason IS 'Why it is open.';


--
-- Name: COLUMN events.ordering_key; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.events.ordering_key IS 'Events with the same key reach ordered subscriptions one at a time.';


--
-- Name: COLUMN events.traceparent; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.events.traceparent IS 'W3C trace context of what published it.';


--
-- Name: exhausted_notes; Type: TABLE; Schema: posthorn; Owner: -
--

CREATE TABLE posthorn.exhausted_notes (
    id bigint NOT NULL,
    tenant_id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    noted_at timestamp with time zone DEFAULT now() NOT NULL,
    held_back jsonb
);


--
-- Name: TABLE exhausted_notes; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON TABLE posthorn.exhausted_notes IS 'Exhausted deliveries of the last minutes that someone wants to hear of: so that thousands at once become few events.';


--
-- Name: COLUMN exhausted_notes.id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.exhausted_notes.id IS 'The order in which they were noted.';


--
-- Name: COLUMN exhausted_notes.tenant_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.exhausted_notes.tenant_id IS 'Whose delivery.';


--
-- Name: COLUMN exhausted_notes.subscription_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.exhausted_notes.subscription_id IS 'The subscription.';


--
-- Name: COLUMN exhausted_notes.noted_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.exhausted_notes.noted_at IS 'When; the row goes a minute later.';


--
-- Name: COLUMN exhausted_notes.held_back; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.exhausted_notes.held_back IS 'What is still to be told, together with the others of the subscription; NULL: it was told at once.';


--
-- Name: exhausted_notes_id_seq; Type: SEQUENCE; Schema: posthorn; Owner: -
--

ALTER TABLE posthorn.exhausted_notes ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME posthorn.exhausted_notes_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: held_snapshots; Type: VIEW; Schema: posthorn; Owner: -
--

CREATE VIEW posthorn.held_snapshots WITH (security_invoker='true') AS
 SELECT h.kind,
    h.holder,
    h.since_at,
    h.xids,
    h.detail
   FROM ( SELECT 'session'::text AS kind,
            format('pid %s, %s, %s'::text, a.pid, a.usename, NULLIF(a.application_name, ''::text)) AS holder,
            a.xact_start AS since_at,
            GREATEST(age(a.backend_xmin), age(a.backend_xid)) AS xids,
            concat_ws(': '::text, a.state, "left"(a.query, 100)) AS detail
           FROM pg_stat_activity a
          WHERE (((a.backend_xmin IS NOT NULL) OR (a.backend_xid IS NOT NULL)) AND (a.pid <> pg_backend_pid()) AND COALESCE((a.datname = current_database()), true))
        UNION ALL
         SELECT 'prepared transaction'::text,
            p.gid,
            p.prepared,
            age(p.transaction) AS age,
            'waits for COMMIT PREPARED or ROLLBACK PREPARED'::text
           FROM pg_prepared_xacts p
          WHERE (p.database = current_database())
        UNION ALL
         SELECT 'replication slot'::text,
            (r.slot_name)::text AS slot_name,
            NULL::timestamp with time zone,
            GREATEST(age(r.xmin), age(r.catalog_xmin)) AS "greatest",
                CASE
                    WHEN r.active THEN 'active'::text
                    ELSE 'nobody reads it'::text
                END AS "case"
           FROM pg_replication_slots r
          WHERE ((r.xmin IS NOT NULL) OR (r.catalog_xmin IS NOT NULL))) h
  ORDER BY h.xids DESC NULLS LAST;


--
-- Name: VIEW held_snapshots; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON VIEW posthorn.held_snapshots IS 'Who keeps dead rows from being cleaned away, the oldest first. Sessions of others are shown to members of pg_read_all_stats alone: see server_health.hidden_sessions.';


--
-- Name: COLUMN held_snapshots.kind; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.held_snapshots.kind IS 'session, prepared transaction or replication slot.';


--
-- Name: COLUMN held_snapshots.holder; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.held_snapshots.holder IS 'Which one.';


--
-- Name: COLUMN held_snapshots.since_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.held_snapshots.since_at IS 'When its transaction began.';


--
-- Name: COLUMN held_snapshots.xids; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.held_snapshots.xids IS 'Transactions begun since.';


--
-- Name: COLUMN held_snapshots.detail; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.held_snapshots.detail IS 'What it does.';


--
-- Name: high_backlogs; Type: TABLE; Schema: posthorn; Owner: -
--

CREATE TABLE posthorn.high_backlogs (
    tenant_id uuid NOT NULL,
    high_since_at timestamp with time zone DEFAULT now() NOT NULL
);


--
-- Name: TABLE high_backlogs; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON TABLE posthorn.high_backlogs IS 'Tenants whose backlog was told to be high, and not yet to be cleared.';


--
-- Name: COLUMN high_backlogs.tenant_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.high_backlogs.tenant_id IS 'The tenant.';


--
-- Name: COLUMN high_backlogs.high_since_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.high_backlogs.high_since_at IS 'When it was told.';


--
-- Name: idempotency_keys; Type: TABLE; Schema: posthorn; Owner: -
--

CREATE TABLE posthorn.idempotency_keys (
    tenant_id uuid NOT NULL,
    route text NOT NULL,
    key text NOT NULL,
    request_sha256 bytea NOT NULL,
    answer bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT answer_is_sealed_not_plain CHECK (((octet_length(answer) >= 43) AND (get_byte(answer, 0) = 1))),
    CONSTRAINT key_is_1_to_255_characters CHECK (((char_length(key) >= 1) AND (char_length(key) <= 255))),
    CONSTRAINT request_is_a_sha256 CHECK ((octet_length(request_sha256) = 32))
);


--
-- Name: TABLE idempotency_keys; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON TABLE posthorn.idempotency_keys IS 'Requests of the last 24 hours that carried an Idempotency-Key, and what was answered.';


--
-- Name: COLUMN idempotency_keys.tenant_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.idempotency_keys.tenant_id IS 'Whose request.';


--
-- Name: COLUMN idempotency_keys.route; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.idempotency_keys.route IS 'Method and path beneath the API''s base.';


--
-- Name: COLUMN idempotency_keys.key; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.idempotency_keys.key IS 'The header Idempotency-Key.';


--
-- Name: COLUMN idempotency_keys.request_sha256; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.idempotency_keys.request_sha256 IS 'SHA-256 of query and body: the same key with another request is refused.';


--
-- Name: COLUMN idempotency_keys.answer; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.idempotency_keys.answer IS 'Status, headers and body, sealed with the keyring: some answers show a secret.';


--
-- Name: COLUMN idempotency_keys.created_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.idempotency_keys.created_at IS 'When it was answered.';


--
-- Name: instance; Type: TABLE; Schema: posthorn; Owner: -
--

CREATE TABLE posthorn.instance (
    system_identifier bigint NOT NULL,
    database_oid bigint NOT NULL,
    settled_at timestamp with time zone DEFAULT now() NOT NULL,
    settled_by text DEFAULT posthorn.current_actor() NOT NULL
);


--
-- Name: TABLE instance; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON TABLE posthorn.instance IS 'Where this schema sends from. A row that does not fit the server and the database it is in came with a dump: nothing is sent then.';


--
-- Name: COLUMN instance.system_identifier; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.instance.system_identifier IS 'Of the server, as pg_control_system() says; 0 where that may not be asked.';


--
-- Name: COLUMN instance.database_oid; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.instance.database_oid IS 'Of the database, as in pg_database.';


--
-- Name: COLUMN instance.settled_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.instance.settled_at IS 'Since when it sends from there.';


--
-- Name: COLUMN instance.settled_by; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.instance.settled_by IS 'Who said so: dispatcher, or role:<login> for posthorn.resume().';


--
-- Name: jobs; Type: TABLE; Schema: posthorn; Owner: -
--

CREATE TABLE posthorn.jobs (
    id uuid DEFAULT posthorn.uuid7() NOT NULL,
    tenant_id uuid NOT NULL,
    kind text NOT NULL,
    subscription_id uuid,
    filter jsonb DEFAULT '{}'::jsonb NOT NULL,
    state text DEFAULT 'waiting'::text NOT NULL,
    total bigint NOT NULL,
    is_total_exact boolean NOT NULL,
    looked_at bigint DEFAULT 0 NOT NULL,
    changed bigint DEFAULT 0 NOT NULL,
    skipped bigint DEFAULT 0 NOT NULL,
    "position" uuid NOT NULL,
    before_id uuid NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    error text,
    created_by text,
    waits_for text[] DEFAULT '{}'::text[] NOT NULL,
    due_at timestamp with time zone DEFAULT now() NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    started_at timestamp with time zone,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    CONSTRAINT created_by_is_at_most_200_characters CHECK ((char_length(created_by) <= 200)),
    CONSTRAINT error_is_at_most_500_characters CHECK ((char_length(error) <= 500)),
    CONSTRAINT filter_is_an_object CHECK ((jsonb_typeof(filter) = 'object'::text)),
    CONSTRAINT finished_iff_at_its_end CHECK (((state = ANY (ARRAY['done'::text, 'cancelled'::text, 'failed'::text])) = (finished_at IS NOT NULL))),
    CONSTRAINT kind_is_known CHECK ((kind = ANY (ARRAY['retry'::text, 'replay'::text, 'backfill'::text, 'cancel'::text, 'erase'::text]))),
    CONSTRAINT replay_and_backfill_are_of_a_subscription CHECK (((kind = ANY (ARRAY['retry'::text, 'cancel'::text, 'erase'::text])) OR (subscription_id IS NOT NULL))),
    CONSTRAINT state_is_known CHECK ((state = ANY (ARRAY['waiting'::text, 'running'::text, 'done'::text, 'cancelled'::text, 'failed'::text])))
);


--
-- Name: TABLE jobs; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON TABLE posthorn.jobs IS 'Long work in chunks, by whichever dispatcher takes it. Kept for 90 days after its end.';


--
-- Name: COLUMN jobs.id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.jobs.id IS 'UUIDv7.';


--
-- Name: COLUMN jobs.tenant_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.jobs.tenant_id IS 'Whose.';


--
-- Name: COLUMN jobs.kind; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.jobs.kind IS 'retry: deliveries that were given up, again; replay: a subscription''s deliveries again, delivered ones too; backfill: a subscription gets events from before it; cancel: deliveries that wait are given up; erase: events are blanked.';


--
-- Name: COLUMN jobs.subscription_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.jobs.subscription_id IS 'Only of this subscription.';


--
-- Name: COLUMN jobs.filter; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.jobs.filter IS 'Which: statuses, event (name or pattern), error_kind, status_code, since, until, event_ids, delivery_id, resource_type and resource_id, ordering_key; a key that is not there asks for nothing.';


--
-- Name: COLUMN jobs.state; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.jobs.state IS 'waiting, running, done, cancelled (by someone), failed (error says why).';


--
-- Name: COLUMN jobs.total; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.jobs.total IS 'How many it was about when it was made.';


--
-- Name: COLUMN jobs.is_total_exact; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.jobs.is_total_exact IS 'False: there were more than that; counting was cut short.';


--
-- Name: COLUMN jobs.looked_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.jobs.looked_at IS 'Rows looked at so far.';


--
-- Name: COLUMN jobs.changed; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.jobs.changed IS 'Deliveries made due, made anew or cancelled so far.';


--
-- Name: COLUMN jobs.skipped; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.jobs.skipped IS 'Rows that met the filter and were left as they are: their subscription is not active, someone else held them, or they have their delivery already.';


--
-- Name: COLUMN jobs."position"; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.jobs."position" IS 'Everything up to this id is done: of a delivery, of a backfill of an event.';


--
-- Name: COLUMN jobs.before_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.jobs.before_id IS 'It is about ids below this one.';


--
-- Name: COLUMN jobs.failures; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.jobs.failures IS 'Tries since the last that got on; a dispatcher raises it before it tries.';


--
-- Name: COLUMN jobs.error; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.jobs.error IS 'Why the last try, or the job, failed.';


--
-- Name: COLUMN jobs.created_by; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.jobs.created_by IS 'Who asked for it.';


--
-- Name: COLUMN jobs.waits_for; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.jobs.waits_for IS 'Virtual ids of transactions that had written to the outbox and were open when it was made: a backfill begins when they are over.';


--
-- Name: COLUMN jobs.due_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.jobs.due_at IS 'When a dispatcher may take the next chunk.';


--
-- Name: COLUMN jobs.created_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.jobs.created_at IS 'When it was made.';


--
-- Name: COLUMN jobs.started_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.jobs.started_at IS 'When a dispatcher first took it.';


--
-- Name: COLUMN jobs.updated_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.jobs.updated_at IS 'When it last got on.';


--
-- Name: COLUMN jobs.finished_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.jobs.finished_at IS 'When it came to its end.';


--
-- Name: ordering_numbers; Type: SEQUENCE; Schema: posthorn; Owner: -
--

CREATE SEQUENCE posthorn.ordering_numbers
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: SEQUENCE ordering_numbers; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON SEQUENCE posthorn.ordering_numbers IS 'Places in line of ordered deliveries.';


--
-- Name: outbox_default; Type: TABLE; Schema: posthorn; Owner: -
--

CREATE TABLE posthorn.outbox_default (
    id uuid DEFAULT posthorn.uuid7() NOT NULL,
    tenant_id uuid NOT NULL,
    event text NOT NULL,
    payload jsonb NOT NULL,
    resource_type text,
    resource_id text,
    metadata jsonb,
    deliver_after timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    ordering_key text,
    idempotency_key text,
    coalesce_key text,
    traceparent text DEFAULT 
CASE
    WHEN (current_setting('posthorn.traceparent'::text, true) ~ '^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$'::text) THEN current_setting('posthorn.traceparent'::text, true)
    ELSE NULL::text
END,
    erased_at timestamp with time zone,
    is_operational boolean DEFAULT false NOT NULL,
    CONSTRAINT coalesce_key_is_1_to_200_printable_characters CHECK ((coalesce_key ~ '^[^[:cntrl:]]{1,200}$'::text)),
    CONSTRAINT deliver_after_is_within_the_years_1_to_9999 CHECK (((deliver_after >= '0001-01-01 00:00:00+00'::timestamp with time zone) AND (deliver_after < '10000-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT event_name_is_valid CHECK (((char_length(event) <= 100) AND (event ~ '^[a-z0-9_]+(\.[a-z0-9_]+)+$'::text))),
    CONSTRAINT idempotency_key_is_1_to_200_printable_characters CHECK ((idempotency_key ~ '^[^[:cntrl:]]{1,200}$'::text)),
    CONSTRAINT metadata_is_an_object_within_the_size_limit CHECK (((metadata IS NULL) OR ((jsonb_typeof(metadata) = 'object'::text) AND posthorn.payload_fits(metadata)))),
    CONSTRAINT ordering_key_is_1_to_200_printable_characters CHECK ((ordering_key ~ '^[^[:cntrl:]]{1,200}$'::text)),
    CONSTRAINT payload_is_an_object CHECK ((jsonb_typeof(payload) = 'object'::text)),
    CONSTRAINT payload_is_within_the_size_limit CHECK (posthorn.payload_fits(payload)),
    CONSTRAINT resource_id_is_1_to_200_printable_characters CHECK ((resource_id ~ '^[^[:cntrl:]]{1,200}$'::text)),
    CONSTRAINT resource_type_is_1_to_100_printable_characters CHECK ((resource_type ~ '^[^[:cntrl:]]{1,100}$'::text))
);


--
-- Name: TABLE outbox_default; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON TABLE posthorn.outbox_default IS 'Events of days without a partition of their own; make_day moves them out.';


--
-- Name: published_keys; Type: TABLE; Schema: posthorn; Owner: -
--

CREATE TABLE posthorn.published_keys (
    tenant_id uuid NOT NULL,
    idempotency_key text NOT NULL,
    event_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT idempotency_key_is_1_to_200_printable_characters CHECK ((idempotency_key ~ '^[^[:cntrl:]]{1,200}$'::text))
);


--
-- Name: TABLE published_keys; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON TABLE posthorn.published_keys IS 'Idempotency keys of the events of the last 7 days.';


--
-- Name: COLUMN published_keys.tenant_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.published_keys.tenant_id IS 'Whose event.';


--
-- Name: COLUMN published_keys.idempotency_key; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.published_keys.idempotency_key IS 'The key it was published with.';


--
-- Name: COLUMN published_keys.event_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.published_keys.event_id IS 'The event that was stored.';


--
-- Name: COLUMN published_keys.created_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.published_keys.created_at IS 'Start of the publishing transaction.';


--
-- Name: rate_buckets; Type: TABLE; Schema: posthorn; Owner: -
--

CREATE TABLE posthorn.rate_buckets (
    subscription_id uuid NOT NULL,
    tokens double precision NOT NULL,
    filled_at timestamp with time zone NOT NULL
)
WITH (fillfactor='50');


--
-- Name: TABLE rate_buckets; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON TABLE posthorn.rate_buckets IS 'Token buckets of subscriptions with rate_per_second, written by claims alone, which take turns. No row: full.';


--
-- Name: COLUMN rate_buckets.subscription_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.rate_buckets.subscription_id IS 'The subscription.';


--
-- Name: COLUMN rate_buckets.tokens; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.rate_buckets.tokens IS 'Requests that could go at filled_at.';


--
-- Name: COLUMN rate_buckets.filled_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.rate_buckets.filled_at IS 'When that was; since then rate_per_second tokens a second have come, up to rate_burst.';


--
-- Name: schema_history; Type: TABLE; Schema: posthorn; Owner: -
--

CREATE TABLE posthorn.schema_history (
    version integer NOT NULL,
    name character varying(255),
    applied_on character varying(255),
    checksum character varying(255)
);


--
-- Name: TABLE schema_history; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON TABLE posthorn.schema_history IS 'Migrations applied to this schema, kept by the migration runner.';


--
-- Name: COLUMN schema_history.version; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.schema_history.version IS 'Number of the migration; a binary refuses a schema newer than its own newest.';


--
-- Name: COLUMN schema_history.name; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.schema_history.name IS 'Name of the migration file.';


--
-- Name: COLUMN schema_history.applied_on; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.schema_history.applied_on IS 'When it was applied, RFC 3339.';


--
-- Name: COLUMN schema_history.checksum; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.schema_history.checksum IS 'Checksum of the file, so that an edited migration is noticed.';


--
-- Name: server_health; Type: VIEW; Schema: posthorn; Owner: -
--

CREATE VIEW posthorn.server_health WITH (security_invoker='true') AS
 SELECT pg_notification_queue_usage() AS notify_queue_usage,
    h.since_at AS oldest_snapshot_at,
    h.xids AS oldest_snapshot_xids,
    concat_ws(' '::text, h.kind, h.holder) AS oldest_snapshot_holder,
    ( SELECT count(*) AS count
           FROM pg_stat_activity a
          WHERE ((a.query = '<insufficient privilege>'::text) AND (a.datname = current_database()))) AS hidden_sessions,
    ( SELECT count(*) AS count
           FROM pg_prepared_xacts p
          WHERE (p.database = current_database())) AS prepared_transactions,
    ( SELECT (max(pg_wal_lsn_diff(
                CASE
                    WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
                    ELSE pg_current_wal_lsn()
                END, r.restart_lsn)))::bigint AS max
           FROM pg_replication_slots r) AS slot_wal_bytes
   FROM (( SELECT) one
     LEFT JOIN ( SELECT s.kind,
            s.holder,
            s.since_at,
            s.xids
           FROM posthorn.held_snapshots s
          ORDER BY s.xids DESC NULLS LAST
         LIMIT 1) h ON (true));


--
-- Name: VIEW server_health; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON VIEW posthorn.server_health IS 'What outside of our tables can slow everything down; one row.';


--
-- Name: COLUMN server_health.notify_queue_usage; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.server_health.notify_queue_usage IS 'How full the queue of NOTIFY is, 0 to 1. It grows while a session that listens stays in a transaction; full, commits fail.';


--
-- Name: COLUMN server_health.oldest_snapshot_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.server_health.oldest_snapshot_at IS 'When the transaction began that holds the oldest snapshot.';


--
-- Name: COLUMN server_health.oldest_snapshot_xids; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.server_health.oldest_snapshot_xids IS 'Transactions begun since.';


--
-- Name: COLUMN server_health.oldest_snapshot_holder; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.server_health.oldest_snapshot_holder IS 'Who holds it; empty: nobody but this query.';


--
-- Name: COLUMN server_health.hidden_sessions; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.server_health.hidden_sessions IS 'Sessions of this database that this role may not look into; none for members of pg_read_all_stats.';


--
-- Name: COLUMN server_health.prepared_transactions; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.server_health.prepared_transactions IS 'Transactions of this database that are prepared and not ended.';


--
-- Name: COLUMN server_health.slot_wal_bytes; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.server_health.slot_wal_bytes IS 'WAL kept for the replication slot that is furthest behind.';


--
-- Name: slowest_receivers; Type: VIEW; Schema: posthorn; Owner: -
--

CREATE VIEW posthorn.slowest_receivers WITH (security_invoker='true') AS
 SELECT s.tenant_id,
    s.id AS subscription_id,
    s.url,
    h.attempts,
    posthorn.percentile(h.durations, h.max_ms, (0.5)::double precision) AS p50_ms,
    posthorn.percentile(h.durations, h.max_ms, (0.95)::double precision) AS p95_ms,
    posthorn.percentile(h.durations, h.max_ms, (0.99)::double precision) AS p99_ms,
    h.max_ms
   FROM (posthorn.webhook_subscriptions s
     CROSS JOIN LATERAL ( SELECT (sum(m.attempts))::bigint AS attempts,
            max(m.duration_max_ms) AS max_ms,
            ARRAY[sum(m.durations[1]), sum(m.durations[2]), sum(m.durations[3]), sum(m.durations[4]), sum(m.durations[5]), sum(m.durations[6]), sum(m.durations[7]), sum(m.durations[8]), sum(m.durations[9]), sum(m.durations[10]), sum(m.durations[11]), sum(m.durations[12]), sum(m.durations[13]), sum(m.durations[14]), sum(m.durations[15]), sum(m.durations[16]), sum(m.durations[17]), sum(m.durations[18]), sum(m.durations[19]), sum(m.durations[20]), sum(m.durations[21]), sum(m.durations[22]), sum(m.durations[23]), sum(m.durations[24])] AS durations
           FROM posthorn.delivery_statistics m
          WHERE ((m.tenant_id = s.tenant_id) AND (m.subscription_id = s.id) AND (m.resolution = 'hour'::text) AND (m.starts_at >= (date_trunc('hour'::text, now(), 'UTC'::text) - '01:00:00'::interval)) AND (m.event = '*'::text))) h)
  WHERE ((s.status <> 'deleted'::text) AND (h.attempts > 0))
  ORDER BY (posthorn.percentile(h.durations, h.max_ms, (0.95)::double precision)) DESC;


--
-- Name: VIEW slowest_receivers; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON VIEW posthorn.slowest_receivers IS 'How long receivers take to answer, the slowest first: this hour and the one before. Percentiles are right to a factor of 2 at most.';


--
-- Name: COLUMN slowest_receivers.tenant_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.slowest_receivers.tenant_id IS 'Whose subscription.';


--
-- Name: COLUMN slowest_receivers.subscription_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.slowest_receivers.subscription_id IS 'The subscription.';


--
-- Name: COLUMN slowest_receivers.url; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.slowest_receivers.url IS 'Its receiver.';


--
-- Name: COLUMN slowest_receivers.attempts; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.slowest_receivers.attempts IS 'Attempts made.';


--
-- Name: COLUMN slowest_receivers.p50_ms; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.slowest_receivers.p50_ms IS 'Half of the attempts took no longer, in milliseconds.';


--
-- Name: COLUMN slowest_receivers.p95_ms; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.slowest_receivers.p95_ms IS '95 of 100 took no longer.';


--
-- Name: COLUMN slowest_receivers.p99_ms; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.slowest_receivers.p99_ms IS '99 of 100 took no longer.';


--
-- Name: COLUMN slowest_receivers.max_ms; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.slowest_receivers.max_ms IS 'The longest.';


--
-- Name: subscription_activity; Type: TABLE; Schema: posthorn; Owner: -
--

CREATE TABLE posthorn.subscription_activity (
    tenant_id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    last_delivered_at timestamp with time zone,
    last_failed_at timestamp with time zone,
    last_failed_delivery_id uuid
)
WITH (fillfactor='50');


--
-- Name: TABLE subscription_activity; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON TABLE posthorn.subscription_activity IS 'When each subscription was last delivered to and last failed. No row: nothing has been sent yet.';


--
-- Name: COLUMN subscription_activity.tenant_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.subscription_activity.tenant_id IS 'Whose.';


--
-- Name: COLUMN subscription_activity.subscription_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.subscription_activity.subscription_id IS 'The subscription.';


--
-- Name: COLUMN subscription_activity.last_delivered_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.subscription_activity.last_delivered_at IS 'When a delivery was last accepted.';


--
-- Name: COLUMN subscription_activity.last_failed_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.subscription_activity.last_failed_at IS 'When an attempt last failed.';


--
-- Name: COLUMN subscription_activity.last_failed_delivery_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.subscription_activity.last_failed_delivery_id IS 'Whose attempt that was; its attempts say more.';


--
-- Name: subscription_health; Type: VIEW; Schema: posthorn; Owner: -
--

CREATE VIEW posthorn.subscription_health WITH (security_invoker='true') AS
 SELECT s.tenant_id,
    s.id AS subscription_id,
    s.url,
    judged.state,
        CASE judged.state
            WHEN 'suspended'::text THEN s.status_changed_at
            WHEN 'paused'::text THEN s.status_changed_at
            WHEN 'failing'::text THEN COALESCE(c.failing_since_at, c.changed_at, h.first_failed_at)
            WHEN 'degraded'::text THEN LEAST(COALESCE(c.failing_since_at, c.window_started_at), h.first_failed_at)
            ELSE GREATEST(s.created_at, s.status_changed_at, a.last_failed_at)
        END AS since_at,
        CASE judged.state
            WHEN 'suspended'::text THEN s.status_reason
            WHEN 'paused'::text THEN 'it is disabled'::text
            WHEN 'failing'::text THEN COALESCE(
            CASE
                WHEN (c.state <> 'closed'::text) THEN c.reason
                ELSE NULL::text
            END,
            CASE
                WHEN (c.failures_in_a_row > 0) THEN format('%s failures in a row'::text, c.failures_in_a_row)
                ELSE NULL::text
            END, 'nothing but failures in the last hour'::text)
            WHEN 'degraded'::text THEN
            CASE
                WHEN (COALESCE(h.failures, (0)::numeric) > (0)::numeric) THEN format('%s of %s attempts failed in the last hour'::text, h.failures, h.attempts)
                WHEN (c.failures_in_a_row > 0) THEN format('%s failures in a row'::text, c.failures_in_a_row)
                ELSE 'it recovers from an outage'::text
            END
            ELSE NULL::text
        END AS reason,
    COALESCE(h.attempts, (0)::numeric) AS attempts_last_hour,
    COALESCE(h.failures, (0)::numeric) AS failures_last_hour,
    COALESCE(c.state, 'closed'::text) AS circuit,
    c.retry_at,
    a.last_delivered_at,
    a.last_failed_at,
    a.last_failed_delivery_id
   FROM ((((posthorn.webhook_subscriptions s
     LEFT JOIN posthorn.circuits c ON ((c.subscription_id = s.id)))
     LEFT JOIN posthorn.subscription_activity a ON (((a.tenant_id = s.tenant_id) AND (a.subscription_id = s.id))))
     LEFT JOIN LATERAL ( SELECT sum(m.attempts) AS attempts,
            sum((m.attempts - m.delivered)) AS failures,
            min(m.starts_at) FILTER (WHERE (m.attempts > m.delivered)) AS first_failed_at
           FROM posthorn.delivery_statistics m
          WHERE ((m.tenant_id = s.tenant_id) AND (m.subscription_id = s.id) AND (m.event = '*'::text) AND (m.resolution = 'minute'::text) AND (m.starts_at > (now() - '01:00:00'::interval)))) h ON (true))
     CROSS JOIN LATERAL ( SELECT
                CASE
                    WHEN (s.status = 'suspended'::text) THEN 'suspended'::text
                    WHEN (s.status = 'inactive'::text) THEN 'paused'::text
                    WHEN (c.state <> 'closed'::text) THEN 'failing'::text
                    WHEN ((c.failures_in_a_row >= 5) OR ((h.attempts >= (5)::numeric) AND (h.failures = h.attempts))) THEN 'failing'::text
                    WHEN ((c.failures_in_a_row > 0) OR (c.ramp IS NOT NULL) OR (((h.failures * (20)::numeric) >= h.attempts) AND (h.failures > (0)::numeric))) THEN 'degraded'::text
                    ELSE 'healthy'::text
                END AS state) judged)
  WHERE (s.status <> 'deleted'::text);


--
-- Name: VIEW subscription_health; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON VIEW posthorn.subscription_health IS 'How each receiver fares. Reads the roll-up of the last hour, never deliveries.';


--
-- Name: COLUMN subscription_health.tenant_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.subscription_health.tenant_id IS 'Whose subscription.';


--
-- Name: COLUMN subscription_health.subscription_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.subscription_health.subscription_id IS 'The subscription.';


--
-- Name: COLUMN subscription_health.url; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.subscription_health.url IS 'Its receiver.';


--
-- Name: COLUMN subscription_health.state; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.subscription_health.state IS 'healthy; degraded: a twentieth of the last hour''s attempts or more failed, the last one did, or it recovers; failing: its circuit is not closed, five failures in a row, or an hour of at least five attempts and nothing but failures; suspended; paused: disabled.';


--
-- Name: COLUMN subscription_health.since_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.subscription_health.since_at IS 'Since when; of a healthy one since its last failure.';


--
-- Name: COLUMN subscription_health.reason; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.subscription_health.reason IS 'Why; NULL: healthy.';


--
-- Name: COLUMN subscription_health.attempts_last_hour; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.subscription_health.attempts_last_hour IS 'Attempts of the last hour.';


--
-- Name: COLUMN subscription_health.failures_last_hour; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.subscription_health.failures_last_hour IS 'Those of them that failed.';


--
-- Name: COLUMN subscription_health.circuit; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.subscription_health.circuit IS 'closed, open or half_open.';


--
-- Name: COLUMN subscription_health.retry_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.subscription_health.retry_at IS 'When an open circuit lets a probe through.';


--
-- Name: COLUMN subscription_health.last_delivered_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.subscription_health.last_delivered_at IS 'When a delivery was last accepted.';


--
-- Name: COLUMN subscription_health.last_failed_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.subscription_health.last_failed_at IS 'When an attempt last failed.';


--
-- Name: COLUMN subscription_health.last_failed_delivery_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.subscription_health.last_failed_delivery_id IS 'Whose attempt that was.';


--
-- Name: subscription_limits; Type: VIEW; Schema: posthorn; Owner: -
--

CREATE VIEW posthorn.subscription_limits WITH (security_invoker='true') AS
 SELECT s.tenant_id,
    s.id AS subscription_id,
    s.url,
    s.status,
    s.status_reason,
    COALESCE(q.waiting, (0)::bigint) AS waiting,
    q.oldest_due_at,
    COALESCE(q.in_flight, (0)::bigint) AS in_flight,
    s.max_in_flight,
    c.ramp,
    s.rate_per_second,
        CASE
            WHEN (s.rate_per_second IS NOT NULL) THEN LEAST(COALESCE((s.rate_burst)::double precision, GREATEST((1)::double precision, ceil(s.rate_per_second))), COALESCE((b.tokens + (s.rate_per_second * (EXTRACT(epoch FROM (now() - b.filled_at)))::double precision)), COALESCE((s.rate_burst)::double precision, GREATEST((1)::double precision, ceil(s.rate_per_second)))))
            ELSE NULL::double precision
        END AS tokens,
    COALESCE(c.state, 'closed'::text) AS circuit,
    c.reason AS circuit_reason,
    c.retry_at,
    COALESCE(c.failures_in_a_row, 0) AS failures_in_a_row,
    c.failing_since_at,
    s.ordered,
    COALESCE(q.in_line, (0)::bigint) AS in_line
   FROM (((posthorn.webhook_subscriptions s
     LEFT JOIN posthorn.circuits c ON ((c.subscription_id = s.id)))
     LEFT JOIN posthorn.rate_buckets b ON ((b.subscription_id = s.id)))
     LEFT JOIN ( SELECT d.subscription_id,
            count(*) AS waiting,
            count(*) FILTER (WHERE (d.lease_until > now())) AS in_flight,
            count(*) FILTER (WHERE (d.due_at IS NULL)) AS in_line,
            min(d.due_at) FILTER (WHERE ((d.due_at <= now()) AND (d.lease_until IS NULL))) AS oldest_due_at
           FROM posthorn.webhook_deliveries d
          WHERE (d.status = ANY (ARRAY['pending'::text, 'sending'::text, 'retrying'::text]))
          GROUP BY d.subscription_id) q ON ((q.subscription_id = s.id)))
  WHERE (s.status <> 'deleted'::text);


--
-- Name: VIEW subscription_limits; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON VIEW posthorn.subscription_limits IS 'For operators: each subscription''s limits, how much of them is in use, and what waits behind them. Reads every waiting delivery.';


--
-- Name: COLUMN subscription_limits.tenant_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.subscription_limits.tenant_id IS 'Whose subscription.';


--
-- Name: COLUMN subscription_limits.subscription_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.subscription_limits.subscription_id IS 'The subscription.';


--
-- Name: COLUMN subscription_limits.url; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.subscription_limits.url IS 'Its receiver.';


--
-- Name: COLUMN subscription_limits.status; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.subscription_limits.status IS 'active, inactive or suspended.';


--
-- Name: COLUMN subscription_limits.status_reason; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.subscription_limits.status_reason IS 'Why it is suspended.';


--
-- Name: COLUMN subscription_limits.waiting; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.subscription_limits.waiting IS 'Deliveries not finished, those in flight included.';


--
-- Name: COLUMN subscription_limits.oldest_due_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.subscription_limits.oldest_due_at IS 'Since when the oldest that could go waits.';


--
-- Name: COLUMN subscription_limits.in_flight; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.subscription_limits.in_flight IS 'Deliveries leased now, by all dispatchers.';


--
-- Name: COLUMN subscription_limits.max_in_flight; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.subscription_limits.max_in_flight IS 'Its own limit of them; NULL: that of each dispatcher.';


--
-- Name: COLUMN subscription_limits.ramp; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.subscription_limits.ramp IS 'The limit while its receiver recovers; NULL: none.';


--
-- Name: COLUMN subscription_limits.rate_per_second; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.subscription_limits.rate_per_second IS 'Requests per second it may be sent; NULL: any.';


--
-- Name: COLUMN subscription_limits.tokens; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.subscription_limits.tokens IS 'Requests that could go now by its rate.';


--
-- Name: COLUMN subscription_limits.circuit; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.subscription_limits.circuit IS 'closed, open or half_open.';


--
-- Name: COLUMN subscription_limits.circuit_reason; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.subscription_limits.circuit_reason IS 'Why it opened last.';


--
-- Name: COLUMN subscription_limits.retry_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.subscription_limits.retry_at IS 'When an open circuit lets a probe through.';


--
-- Name: COLUMN subscription_limits.failures_in_a_row; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.subscription_limits.failures_in_a_row IS 'Failed requests since the last that succeeded.';


--
-- Name: COLUMN subscription_limits.failing_since_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.subscription_limits.failing_since_at IS 'Since when there was nothing but failures.';


--
-- Name: COLUMN subscription_limits.ordered; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.subscription_limits.ordered IS 'Whether it is delivered to in order.';


--
-- Name: COLUMN subscription_limits.in_line; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.subscription_limits.in_line IS 'Deliveries that wait for the one before them with the same ordering key.';


--
-- Name: subscription_patterns; Type: TABLE; Schema: posthorn; Owner: -
--

CREATE TABLE posthorn.subscription_patterns (
    tenant_id uuid NOT NULL,
    pattern text NOT NULL,
    subscription_id uuid NOT NULL,
    filter jsonpath,
    is_cheap boolean NOT NULL,
    is_ordered boolean DEFAULT false NOT NULL,
    is_checked boolean DEFAULT false NOT NULL
);


--
-- Name: TABLE subscription_patterns; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON TABLE posthorn.subscription_patterns IS 'What the fan-out matches events against: one row per pattern of an active subscription. Kept by a trigger.';


--
-- Name: COLUMN subscription_patterns.tenant_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.subscription_patterns.tenant_id IS 'Whose subscription.';


--
-- Name: COLUMN subscription_patterns.pattern; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.subscription_patterns.pattern IS 'invoice.created, invoice.* or *.';


--
-- Name: COLUMN subscription_patterns.subscription_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.subscription_patterns.subscription_id IS 'The active subscription that wants it.';


--
-- Name: COLUMN subscription_patterns.filter; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.subscription_patterns.filter IS 'Copy of the subscription''s filter, so that matching needs no join.';


--
-- Name: COLUMN subscription_patterns.is_cheap; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.subscription_patterns.is_cheap IS 'Whether the filter may run within a publisher''s transaction; else a dispatcher does it.';


--
-- Name: COLUMN subscription_patterns.is_ordered; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.subscription_patterns.is_ordered IS 'Copy of the subscription''s ordered.';


--
-- Name: COLUMN subscription_patterns.is_checked; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.subscription_patterns.is_checked IS 'Whether the tenant is strict about anything, so that the fan-out looks whether it is about the event.';


--
-- Name: table_health; Type: VIEW; Schema: posthorn; Owner: -
--

CREATE VIEW posthorn.table_health WITH (security_invoker='true') AS
 SELECT (t.name)::text AS table_name,
    count(*) AS partitions,
    (sum(pg_table_size((t.oid)::regclass)))::bigint AS table_bytes,
    (sum(pg_indexes_size((t.oid)::regclass)))::bigint AS index_bytes,
    (sum(GREATEST(t.reltuples, (0)::real)))::bigint AS rows_estimated,
    (sum(pg_stat_get_dead_tuples(t.oid)))::bigint AS dead_rows,
    max(GREATEST(pg_stat_get_last_autovacuum_time(t.oid), pg_stat_get_last_vacuum_time(t.oid))) AS last_vacuum_at,
    max(GREATEST(pg_stat_get_last_autoanalyze_time(t.oid), pg_stat_get_last_analyze_time(t.oid))) AS last_analyze_at,
    max(age(t.relfrozenxid)) AS xid_age,
    (sum(t.invalid))::bigint AS invalid_indexes,
    g.default_rows,
    g.oldest_day,
    g.newest_day
   FROM (( SELECT c.oid,
            c.reltuples,
            c.relfrozenxid,
                CASE
                    WHEN (c.relname ~ '_(\d{8}|default)$'::text) THEN COALESCE(p.relname, c.relname)
                    ELSE c.relname
                END AS name,
            ( SELECT count(*) AS count
                   FROM pg_index i_1
                  WHERE ((i_1.indrelid = c.oid) AND (NOT i_1.indisvalid))) AS invalid
           FROM ((pg_class c
             LEFT JOIN pg_inherits i ON ((i.inhrelid = c.oid)))
             LEFT JOIN pg_class p ON ((p.oid = i.inhparent)))
          WHERE ((c.relnamespace = ('posthorn'::regnamespace)::oid) AND (c.relkind = 'r'::"char"))) t
     LEFT JOIN posthorn.growth() g(parent, default_rows, oldest_day, newest_day) ON ((g.parent = t.name)))
  GROUP BY t.name, g.default_rows, g.oldest_day, g.newest_day;


--
-- Name: VIEW table_health; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON VIEW posthorn.table_health IS 'Size and upkeep of each table, its days and indexes added up. Deliveries are two: webhook_deliveries_live and webhook_deliveries_done.';


--
-- Name: COLUMN table_health.table_name; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.table_health.table_name IS 'The table, in schema posthorn.';


--
-- Name: COLUMN table_health.partitions; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.table_health.partitions IS 'Of how many tables it consists.';


--
-- Name: COLUMN table_health.table_bytes; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.table_health.table_bytes IS 'Bytes of its rows.';


--
-- Name: COLUMN table_health.index_bytes; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.table_health.index_bytes IS 'Bytes of its indexes.';


--
-- Name: COLUMN table_health.rows_estimated; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.table_health.rows_estimated IS 'About how many rows, as of the last vacuum or analyze.';


--
-- Name: COLUMN table_health.dead_rows; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.table_health.dead_rows IS 'About how many rows a vacuum would remove.';


--
-- Name: COLUMN table_health.last_vacuum_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.table_health.last_vacuum_at IS 'When a part of it was last vacuumed, by autovacuum or by hand.';


--
-- Name: COLUMN table_health.last_analyze_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.table_health.last_analyze_at IS 'When a part of it was last analysed.';


--
-- Name: COLUMN table_health.xid_age; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.table_health.xid_age IS 'Transactions since its oldest row was frozen; autovacuum acts at autovacuum_freeze_max_age.';


--
-- Name: COLUMN table_health.invalid_indexes; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.table_health.invalid_indexes IS 'Indexes that are not used, since building them failed: drop and make them again.';


--
-- Name: COLUMN table_health.default_rows; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.table_health.default_rows IS 'Rows of days without a partition, counted up to 10,000; more than none is a fault. NULL: it has no days.';


--
-- Name: COLUMN table_health.oldest_day; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.table_health.oldest_day IS 'Its oldest day.';


--
-- Name: COLUMN table_health.newest_day; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.table_health.newest_day IS 'Its newest day; some are made ahead.';


--
-- Name: test_sends; Type: TABLE; Schema: posthorn; Owner: -
--

CREATE UNLOGGED TABLE posthorn.test_sends (
    id uuid DEFAULT posthorn.uuid7() NOT NULL,
    tenant_id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    event text NOT NULL,
    payload jsonb NOT NULL,
    resource_type text,
    resource_id text,
    metadata jsonb,
    requested_at timestamp with time zone DEFAULT now() NOT NULL,
    taken_at timestamp with time zone,
    answer json
);


--
-- Name: TABLE test_sends; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON TABLE posthorn.test_sends IS 'Requests made on demand to see what a receiver answers; kept for ten minutes.';


--
-- Name: COLUMN test_sends.id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.test_sends.id IS 'UUIDv7; the webhook-id of the request.';


--
-- Name: COLUMN test_sends.tenant_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.test_sends.tenant_id IS 'Whose.';


--
-- Name: COLUMN test_sends.subscription_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.test_sends.subscription_id IS 'To whom.';


--
-- Name: COLUMN test_sends.event; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.test_sends.event IS 'Event type it pretends to be of.';


--
-- Name: COLUMN test_sends.payload; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.test_sends.payload IS 'The data.';


--
-- Name: COLUMN test_sends.resource_type; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.test_sends.resource_type IS 'Kind of the thing it is about.';


--
-- Name: COLUMN test_sends.resource_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.test_sends.resource_id IS 'Id of the thing it is about.';


--
-- Name: COLUMN test_sends.metadata; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.test_sends.metadata IS 'The event''s metadata.';


--
-- Name: COLUMN test_sends.requested_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.test_sends.requested_at IS 'When it was asked for.';


--
-- Name: COLUMN test_sends.taken_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.test_sends.taken_at IS 'When a dispatcher took it; it is made once or not at all.';


--
-- Name: COLUMN test_sends.answer; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.test_sends.answer IS 'The request as it was made, without credentials, and what came of it.';


--
-- Name: throughput; Type: VIEW; Schema: posthorn; Owner: -
--

CREATE VIEW posthorn.throughput WITH (security_invoker='true') AS
 SELECT m.tenant_id,
    m.starts_at,
    m.attempts,
    m.delivered,
    m.retried,
    m.failed,
    m.abandoned,
    (round(((m.delivered)::numeric / (NULLIF(((m.delivered + m.failed) + m.abandoned), 0))::numeric), 4))::double precision AS success_rate,
    (round(((m.duration_sum_ms)::numeric / (NULLIF(m.attempts, 0))::numeric), 1))::double precision AS mean_ms,
    m.duration_max_ms AS max_ms
   FROM (posthorn.tenants t
     CROSS JOIN LATERAL ( SELECT s.tenant_id,
            s.resolution,
            s.starts_at,
            s.subscription_id,
            s.event,
            s.attempts,
            s.delivered,
            s.retried,
            s.failed,
            s.abandoned,
            s.duration_sum_ms,
            s.duration_max_ms,
            s.durations,
            s.delay_sum_ms,
            s.delay_max_ms,
            s.delays
           FROM posthorn.delivery_statistics s
          WHERE ((s.tenant_id = t.id) AND (s.subscription_id = '00000000-0000-0000-0000-000000000000'::uuid) AND (s.resolution = 'minute'::text) AND (s.starts_at > (now() - '01:01:00'::interval)) AND (s.event = '*'::text))) m);


--
-- Name: VIEW throughput; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON VIEW posthorn.throughput IS 'Attempts and what came of them, by tenant and minute of the last hour; minutes without any are left out. Some seconds behind.';


--
-- Name: COLUMN throughput.tenant_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.throughput.tenant_id IS 'The tenant.';


--
-- Name: COLUMN throughput.starts_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.throughput.starts_at IS 'Beginning of the minute.';


--
-- Name: COLUMN throughput.attempts; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.throughput.attempts IS 'Attempts made.';


--
-- Name: COLUMN throughput.delivered; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.throughput.delivered IS 'Deliveries that a receiver accepted.';


--
-- Name: COLUMN throughput.retried; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.throughput.retried IS 'Attempts that failed and are made again.';


--
-- Name: COLUMN throughput.failed; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.throughput.failed IS 'Deliveries refused for good.';


--
-- Name: COLUMN throughput.abandoned; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.throughput.abandoned IS 'Deliveries given up.';


--
-- Name: COLUMN throughput.success_rate; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.throughput.success_rate IS 'Delivered of all that were finished, 0 to 1; NULL: none was.';


--
-- Name: COLUMN throughput.mean_ms; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.throughput.mean_ms IS 'Mean duration of the attempts, in milliseconds.';


--
-- Name: COLUMN throughput.max_ms; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.throughput.max_ms IS 'The longest of them.';


--
-- Name: unmatched_events; Type: VIEW; Schema: posthorn; Owner: -
--

CREATE VIEW posthorn.unmatched_events WITH (security_invoker='true') AS
 SELECT e.id AS event_id,
    e.tenant_id,
    e.event,
    e.resource_type,
    e.resource_id,
    e.created_at,
    COALESCE(f.state, 'unmatched'::text) AS reason
   FROM (( SELECT o.id,
            o.tenant_id,
            o.event,
            o.resource_type,
            o.resource_id,
            o.created_at
           FROM posthorn.outbox o
          WHERE (o.id >= posthorn.first_id_at((now() - '1 day'::interval)))
          ORDER BY o.id DESC
         LIMIT 5000) e
     LEFT JOIN posthorn.event_fanouts f ON ((f.event_id = e.id)))
  WHERE ((f.state IS DISTINCT FROM 'open'::text) AND (NOT (EXISTS ( SELECT
           FROM posthorn.webhook_deliveries d
          WHERE ((d.event_id = e.id) AND (d.id >= posthorn.first_id_at((e.created_at - '00:01:00'::interval))))
         OFFSET 0))));


--
-- Name: VIEW unmatched_events; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON VIEW posthorn.unmatched_events IS 'Events that no subscription took, among the newest 5,000 of the last day.';


--
-- Name: COLUMN unmatched_events.event_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.unmatched_events.event_id IS 'The event.';


--
-- Name: COLUMN unmatched_events.tenant_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.unmatched_events.tenant_id IS 'Whose.';


--
-- Name: COLUMN unmatched_events.event; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.unmatched_events.event IS 'Event type.';


--
-- Name: COLUMN unmatched_events.resource_type; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.unmatched_events.resource_type IS 'Kind of the thing it is about.';


--
-- Name: COLUMN unmatched_events.resource_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.unmatched_events.resource_id IS 'Id of the thing it is about.';


--
-- Name: COLUMN unmatched_events.created_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.unmatched_events.created_at IS 'Start of the publishing transaction.';


--
-- Name: COLUMN unmatched_events.reason; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.unmatched_events.reason IS 'unmatched: no active subscription''s events and filter matched; muted, unknown_tenant, cancelled: see posthorn.event_fanouts.';


--
-- Name: webhook_attempts; Type: TABLE; Schema: posthorn; Owner: -
--

CREATE TABLE posthorn.webhook_attempts (
    delivery_id uuid NOT NULL,
    epoch integer NOT NULL,
    tenant_id uuid NOT NULL,
    generation integer NOT NULL,
    number integer NOT NULL,
    dispatcher_id uuid,
    target_url text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    duration_ms integer NOT NULL,
    status_code integer,
    error_kind text,
    error text,
    response_headers jsonb,
    response_body text,
    response_body_truncated boolean DEFAULT false NOT NULL,
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT duration_is_not_negative CHECK ((duration_ms >= 0)),
    CONSTRAINT error_is_at_most_500_characters CHECK ((char_length(error) <= 500)),
    CONSTRAINT status_code_or_error CHECK (((status_code IS NOT NULL) OR (error_kind IS NOT NULL)))
)
PARTITION BY RANGE (delivery_id);


--
-- Name: TABLE webhook_attempts; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON TABLE posthorn.webhook_attempts IS 'One HTTP request and what came of it. Append-only, but for a lease_expired placeholder that the late truth replaces.';


--
-- Name: COLUMN webhook_attempts.delivery_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_attempts.delivery_id IS 'The delivery.';


--
-- Name: COLUMN webhook_attempts.epoch; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_attempts.epoch IS 'The claim it was made under: unique within the delivery, over all generations.';


--
-- Name: COLUMN webhook_attempts.tenant_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_attempts.tenant_id IS 'Whose.';


--
-- Name: COLUMN webhook_attempts.generation; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_attempts.generation IS 'Which replay of the delivery.';


--
-- Name: COLUMN webhook_attempts.number; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_attempts.number IS 'First, second, … attempt of this generation.';


--
-- Name: COLUMN webhook_attempts.dispatcher_id; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_attempts.dispatcher_id IS 'Who made it.';


--
-- Name: COLUMN webhook_attempts.target_url; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_attempts.target_url IS 'Where it went.';


--
-- Name: COLUMN webhook_attempts.started_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_attempts.started_at IS 'When it began, by the database''s clock.';


--
-- Name: COLUMN webhook_attempts.duration_ms; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_attempts.duration_ms IS 'From DNS to the last byte read, in milliseconds.';


--
-- Name: COLUMN webhook_attempts.status_code; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_attempts.status_code IS 'HTTP status, when there was an answer.';


--
-- Name: COLUMN webhook_attempts.error_kind; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_attempts.error_kind IS 'Why it did not deliver; NULL when it did.';


--
-- Name: COLUMN webhook_attempts.error; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_attempts.error IS 'The same in words, up to 500 characters.';


--
-- Name: COLUMN webhook_attempts.response_headers; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_attempts.response_headers IS 'Headers of the answer as [name, value] pairs, at most 64 and 8 KiB.';


--
-- Name: COLUMN webhook_attempts.response_body; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_attempts.response_body IS 'Beginning of the answer''s body as text, at most 4 KiB.';


--
-- Name: COLUMN webhook_attempts.response_body_truncated; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_attempts.response_body_truncated IS 'Whether there was more of it.';


--
-- Name: COLUMN webhook_attempts.recorded_at; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON COLUMN posthorn.webhook_attempts.recorded_at IS 'When the row was written.';


--
-- Name: webhook_attempts_default; Type: TABLE; Schema: posthorn; Owner: -
--

CREATE TABLE posthorn.webhook_attempts_default (
    delivery_id uuid NOT NULL,
    epoch integer NOT NULL,
    tenant_id uuid NOT NULL,
    generation integer NOT NULL,
    number integer NOT NULL,
    dispatcher_id uuid,
    target_url text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    duration_ms integer NOT NULL,
    status_code integer,
    error_kind text,
    error text,
    response_headers jsonb,
    response_body text,
    response_body_truncated boolean DEFAULT false NOT NULL,
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT duration_is_not_negative CHECK ((duration_ms >= 0)),
    CONSTRAINT error_is_at_most_500_characters CHECK ((char_length(error) <= 500)),
    CONSTRAINT status_code_or_error CHECK (((status_code IS NOT NULL) OR (error_kind IS NOT NULL)))
);


--
-- Name: TABLE webhook_attempts_default; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON TABLE posthorn.webhook_attempts_default IS 'Attempts of days without a partition of their own.';


--
-- Name: webhook_deliveries_done; Type: TABLE; Schema: posthorn; Owner: -
--

CREATE TABLE posthorn.webhook_deliveries_done (
    id uuid DEFAULT posthorn.uuid7() NOT NULL,
    tenant_id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    event_id uuid NOT NULL,
    event text NOT NULL,
    status text DEFAULT 'pending'::text NOT NULL,
    generation integer DEFAULT 0 NOT NULL,
    epoch integer DEFAULT 0 NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone DEFAULT now(),
    lease_until timestamp with time zone,
    dispatcher_id uuid,
    last_status_code integer,
    last_error_kind text,
    last_error text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    ordering_key text,
    ordering_number bigint,
    erased_at timestamp with time zone,
    CONSTRAINT counters_are_not_negative CHECK (((generation >= 0) AND (epoch >= 0) AND (attempts >= 0))),
    CONSTRAINT due_unless_in_line CHECK (((due_at IS NOT NULL) OR (ordering_key IS NOT NULL))),
    CONSTRAINT finished_iff_terminal CHECK (((status = ANY (ARRAY['delivered'::text, 'failed'::text, 'abandoned'::text, 'cancelled'::text])) = (finished_at IS NOT NULL))),
    CONSTRAINT last_error_is_at_most_500_characters CHECK ((char_length(last_error) <= 500)),
    CONSTRAINT lease_iff_sending CHECK (((status = 'sending'::text) = (lease_until IS NOT NULL))),
    CONSTRAINT ordering_key_has_a_number CHECK (((ordering_key IS NULL) = (ordering_number IS NULL))),
    CONSTRAINT status_is_known CHECK ((status = ANY (ARRAY['pending'::text, 'sending'::text, 'retrying'::text, 'delivered'::text, 'failed'::text, 'abandoned'::text, 'cancelled'::text])))
)
PARTITION BY RANGE (id);


--
-- Name: TABLE webhook_deliveries_done; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON TABLE posthorn.webhook_deliveries_done IS 'Finished deliveries, by the day of their id.';


--
-- Name: webhook_deliveries_done_default; Type: TABLE; Schema: posthorn; Owner: -
--

CREATE TABLE posthorn.webhook_deliveries_done_default (
    id uuid DEFAULT posthorn.uuid7() NOT NULL,
    tenant_id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    event_id uuid NOT NULL,
    event text NOT NULL,
    status text DEFAULT 'pending'::text NOT NULL,
    generation integer DEFAULT 0 NOT NULL,
    epoch integer DEFAULT 0 NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone DEFAULT now(),
    lease_until timestamp with time zone,
    dispatcher_id uuid,
    last_status_code integer,
    last_error_kind text,
    last_error text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    ordering_key text,
    ordering_number bigint,
    erased_at timestamp with time zone,
    CONSTRAINT counters_are_not_negative CHECK (((generation >= 0) AND (epoch >= 0) AND (attempts >= 0))),
    CONSTRAINT due_unless_in_line CHECK (((due_at IS NOT NULL) OR (ordering_key IS NOT NULL))),
    CONSTRAINT finished_iff_terminal CHECK (((status = ANY (ARRAY['delivered'::text, 'failed'::text, 'abandoned'::text, 'cancelled'::text])) = (finished_at IS NOT NULL))),
    CONSTRAINT last_error_is_at_most_500_characters CHECK ((char_length(last_error) <= 500)),
    CONSTRAINT lease_iff_sending CHECK (((status = 'sending'::text) = (lease_until IS NOT NULL))),
    CONSTRAINT ordering_key_has_a_number CHECK (((ordering_key IS NULL) = (ordering_number IS NULL))),
    CONSTRAINT status_is_known CHECK ((status = ANY (ARRAY['pending'::text, 'sending'::text, 'retrying'::text, 'delivered'::text, 'failed'::text, 'abandoned'::text, 'cancelled'::text])))
);


--
-- Name: TABLE webhook_deliveries_done_default; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON TABLE posthorn.webhook_deliveries_done_default IS 'Finished deliveries of days without a partition of their own.';


--
-- Name: webhook_deliveries_live; Type: TABLE; Schema: posthorn; Owner: -
--

CREATE TABLE posthorn.webhook_deliveries_live (
    id uuid DEFAULT posthorn.uuid7() NOT NULL,
    tenant_id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    event_id uuid NOT NULL,
    event text NOT NULL,
    status text DEFAULT 'pending'::text NOT NULL,
    generation integer DEFAULT 0 NOT NULL,
    epoch integer DEFAULT 0 NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone DEFAULT now(),
    lease_until timestamp with time zone,
    dispatcher_id uuid,
    last_status_code integer,
    last_error_kind text,
    last_error text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    ordering_key text,
    ordering_number bigint,
    erased_at timestamp with time zone,
    CONSTRAINT counters_are_not_negative CHECK (((generation >= 0) AND (epoch >= 0) AND (attempts >= 0))),
    CONSTRAINT due_unless_in_line CHECK (((due_at IS NOT NULL) OR (ordering_key IS NOT NULL))),
    CONSTRAINT finished_iff_terminal CHECK (((status = ANY (ARRAY['delivered'::text, 'failed'::text, 'abandoned'::text, 'cancelled'::text])) = (finished_at IS NOT NULL))),
    CONSTRAINT last_error_is_at_most_500_characters CHECK ((char_length(last_error) <= 500)),
    CONSTRAINT lease_iff_sending CHECK (((status = 'sending'::text) = (lease_until IS NOT NULL))),
    CONSTRAINT ordering_key_has_a_number CHECK (((ordering_key IS NULL) = (ordering_number IS NULL))),
    CONSTRAINT status_is_known CHECK ((status = ANY (ARRAY['pending'::text, 'sending'::text, 'retrying'::text, 'delivered'::text, 'failed'::text, 'abandoned'::text, 'cancelled'::text])))
)
WITH (fillfactor='50', autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='5000', autovacuum_vacuum_cost_delay='0', autovacuum_vacuum_insert_scale_factor='0', autovacuum_vacuum_insert_threshold='50000', autovacuum_analyze_scale_factor='0', autovacuum_analyze_threshold='100000');


--
-- Name: TABLE webhook_deliveries_live; Type: COMMENT; Schema: posthorn; Owner: -
--

COMMENT ON TABLE posthorn.webhook_deliveries_live IS 'Deliveries that still have something to happen to them: small and hot.';


--
-- Name: webhook_deliveries; Type: VIEW; Schema: posthorn_webhooks; Owner: -
--

CREATE VIEW posthorn_webhooks.webhook_deliveries WITH (security_invoker='true') AS
 SELECT d.id,
    d.tenant_id,
    d.event_id,
    d.subscription_id,
    d.event,
        CASE
            WHEN ( SELECT (has_column_privilege('posthorn.outbox'::text, 'payload'::text, 'SELECT'::text) OR has_function_privilege('posthorn.own_payload(uuid)'::text, 'EXECUTE'::text))) THEN posthorn.payload_of(d.event_id)
            ELSE NULL::jsonb
        END AS payload,
    s.url AS target_url,
        CASE d.status
            WHEN 'pending'::text THEN 'PENDING'::text
            WHEN 'retrying'::text THEN 'PENDING'::text
            WHEN 'sending'::text THEN 'SENDING'::text
            WHEN 'delivered'::text THEN 'DELIVERED'::text
            WHEN 'failed'::text THEN 'FAILED'::text
            WHEN 'abandoned'::text THEN 'FAILED'::text
            WHEN 'cancelled'::text THEN 'CANCELLED'::text
            ELSE NULL::text
        END AS status,
    d.attempts,
    d.last_error,
    d.created_at,
    d.updated_at,
    d.status AS state
   FROM (posthorn.webhook_deliveries d
     LEFT JOIN posthorn.webhook_subscriptions s ON ((s.id = d.subscription_id)));


--
-- Name: VIEW webhook_deliveries; Type: COMMENT; Schema: posthorn_webhooks; Owner: -
--

COMMENT ON VIEW posthorn_webhooks.webhook_deliveries IS 'Every delivery, with receiver and payload. Quick by id, event_id, tenant_id or status and for the newest (ORDER BY created_at DESC LIMIT …); anything else reads all there are. With every column: posthorn.webhook_deliveries.';


--
-- Name: COLUMN webhook_deliveries.id; Type: COMMENT; Schema: posthorn_webhooks; Owner: -
--

COMMENT ON COLUMN posthorn_webhooks.webhook_deliveries.id IS 'The delivery.';


--
-- Name: COLUMN webhook_deliveries.tenant_id; Type: COMMENT; Schema: posthorn_webhooks; Owner: -
--

COMMENT ON COLUMN posthorn_webhooks.webhook_deliveries.tenant_id IS 'Whose.';


--
-- Name: COLUMN webhook_deliveries.event_id; Type: COMMENT; Schema: posthorn_webhooks; Owner: -
--

COMMENT ON COLUMN posthorn_webhooks.webhook_deliveries.event_id IS 'What happened: posthorn.outbox.id, and the webhook-id of what is sent.';


--
-- Name: COLUMN webhook_deliveries.subscription_id; Type: COMMENT; Schema: posthorn_webhooks; Owner: -
--

COMMENT ON COLUMN posthorn_webhooks.webhook_deliveries.subscription_id IS 'To whom.';


--
-- Name: COLUMN webhook_deliveries.event; Type: COMMENT; Schema: posthorn_webhooks; Owner: -
--

COMMENT ON COLUMN posthorn_webhooks.webhook_deliveries.event IS 'Event type.';


--
-- Name: COLUMN webhook_deliveries.payload; Type: COMMENT; Schema: posthorn_webhooks; Owner: -
--

COMMENT ON COLUMN posthorn_webhooks.webhook_deliveries.payload IS 'The event''s payload; NULL where the role may not read payloads, as posthorn_readonly may not.';


--
-- Name: COLUMN webhook_deliveries.target_url; Type: COMMENT; Schema: posthorn_webhooks; Owner: -
--

COMMENT ON COLUMN posthorn_webhooks.webhook_deliveries.target_url IS 'The subscription''s URL as it is now.';


--
-- Name: COLUMN webhook_deliveries.status; Type: COMMENT; Schema: posthorn_webhooks; Owner: -
--

COMMENT ON COLUMN posthorn_webhooks.webhook_deliveries.status IS 'PENDING (a retry that waits included), SENDING, DELIVERED, FAILED (refused for good or given up), CANCELLED.';


--
-- Name: COLUMN webhook_deliveries.attempts; Type: COMMENT; Schema: posthorn_webhooks; Owner: -
--

COMMENT ON COLUMN posthorn_webhooks.webhook_deliveries.attempts IS 'Attempts made.';


--
-- Name: COLUMN webhook_deliveries.last_error; Type: COMMENT; Schema: posthorn_webhooks; Owner: -
--

COMMENT ON COLUMN posthorn_webhooks.webhook_deliveries.last_error IS 'The last failure in words.';


--
-- Name: COLUMN webhook_deliveries.created_at; Type: COMMENT; Schema: posthorn_webhooks; Owner: -
--

COMMENT ON COLUMN posthorn_webhooks.webhook_deliveries.created_at IS 'When it was made.';


--
-- Name: COLUMN webhook_deliveries.updated_at; Type: COMMENT; Schema: posthorn_webhooks; Owner: -
--

COMMENT ON COLUMN posthorn_webhooks.webhook_deliveries.updated_at IS 'When it last changed.';


--
-- Name: COLUMN webhook_deliveries.state; Type: COMMENT; Schema: posthorn_webhooks; Owner: -
--

COMMENT ON COLUMN posthorn_webhooks.webhook_deliveries.state IS 'The status as posthorn.webhook_deliveries has it: pending, sending, retrying, delivered, failed, abandoned, cancelled.';


--
-- Name: webhook_subscriptions; Type: VIEW; Schema: posthorn_webhooks; Owner: -
--

CREATE VIEW posthorn_webhooks.webhook_subscriptions WITH (security_invoker='true') AS
 SELECT s.id,
    s.tenant_id,
    p.pattern AS event,
    s.url,
    s.active,
    s.status,
    s.description,
    s.created_at,
    s.updated_at
   FROM (posthorn.webhook_subscriptions s
     CROSS JOIN LATERAL unnest(s.events) p(pattern))
  WHERE (s.status <> 'deleted'::text)
UNION ALL
 SELECT s.id,
    s.tenant_id,
    t.name AS event,
    s.url,
    s.active,
    s.status,
    s.description,
    s.created_at,
    s.updated_at
   FROM (( SELECT y.name,
            y.tenant_id,
            posthorn.event_patterns(y.name) AS patterns
           FROM posthorn.event_types y
         OFFSET 0) t
     JOIN posthorn.webhook_subscriptions s ON ((((t.tenant_id IS NULL) OR (t.tenant_id = s.tenant_id)) AND (s.events && t.patterns) AND (NOT (t.name = ANY (s.events))))))
  WHERE (s.status <> 'deleted'::text);


--
-- Name: VIEW webhook_subscriptions; Type: COMMENT; Schema: posthorn_webhooks; Owner: -
--

COMMENT ON VIEW posthorn_webhooks.webhook_subscriptions IS 'Subscriptions, a row for each event: those they name, and those of the catalogue that their patterns match. Whole: posthorn.webhook_subscriptions.';


--
-- Name: COLUMN webhook_subscriptions.id; Type: COMMENT; Schema: posthorn_webhooks; Owner: -
--

COMMENT ON COLUMN posthorn_webhooks.webhook_subscriptions.id IS 'The subscription.';


--
-- Name: COLUMN webhook_subscriptions.tenant_id; Type: COMMENT; Schema: posthorn_webhooks; Owner: -
--

COMMENT ON COLUMN posthorn_webhooks.webhook_subscriptions.tenant_id IS 'Whose.';


--
-- Name: COLUMN webhook_subscriptions.event; Type: COMMENT; Schema: posthorn_webhooks; Owner: -
--

COMMENT ON COLUMN posthorn_webhooks.webhook_subscriptions.event IS 'Event type or pattern that it wants.';


--
-- Name: COLUMN webhook_subscriptions.url; Type: COMMENT; Schema: posthorn_webhooks; Owner: -
--

COMMENT ON COLUMN posthorn_webhooks.webhook_subscriptions.url IS 'Its receiver.';


--
-- Name: COLUMN webhook_subscriptions.active; Type: COMMENT; Schema: posthorn_webhooks; Owner: -
--

COMMENT ON COLUMN posthorn_webhooks.webhook_subscriptions.active IS 'Whether events reach it.';


--
-- Name: COLUMN webhook_subscriptions.status; Type: COMMENT; Schema: posthorn_webhooks; Owner: -
--

COMMENT ON COLUMN posthorn_webhooks.webhook_subscriptions.status IS 'active, inactive or suspended.';


--
-- Name: COLUMN webhook_subscriptions.description; Type: COMMENT; Schema: posthorn_webhooks; Owner: -
--

COMMENT ON COLUMN posthorn_webhooks.webhook_subscriptions.description IS 'For people.';


--
-- Name: COLUMN webhook_subscriptions.created_at; Type: COMMENT; Schema: posthorn_webhooks; Owner: -
--

COMMENT ON COLUMN posthorn_webhooks.webhook_subscriptions.created_at IS 'When it was made.';


--
-- Name: COLUMN webhook_subscriptions.updated_at; Type: COMMENT; Schema: posthorn_webhooks; Owner: -
--

COMMENT ON COLUMN posthorn_webhooks.webhook_subscriptions.updated_at IS 'When it was last changed.';


--
-- Name: outbox_default; Type: TABLE ATTACH; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.outbox ATTACH PARTITION posthorn.outbox_default DEFAULT;


--
-- Name: webhook_attempts_default; Type: TABLE ATTACH; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.webhook_attempts ATTACH PARTITION posthorn.webhook_attempts_default DEFAULT;


--
-- Name: webhook_deliveries_done; Type: TABLE ATTACH; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.webhook_deliveries ATTACH PARTITION posthorn.webhook_deliveries_done FOR VALUES IN ('delivered', 'failed', 'abandoned', 'cancelled');


--
-- Name: webhook_deliveries_done_default; Type: TABLE ATTACH; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.webhook_deliveries_done ATTACH PARTITION posthorn.webhook_deliveries_done_default DEFAULT;


--
-- Name: webhook_deliveries_live; Type: TABLE ATTACH; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.webhook_deliveries ATTACH PARTITION posthorn.webhook_deliveries_live FOR VALUES IN ('pending', 'sending', 'retrying');


--
-- Name: api_keys api_keys_pkey; Type: CONSTRAINT; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (id);


--
-- Name: audit_log audit_log_pkey; Type: CONSTRAINT; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (id);


--
-- Name: circuits circuits_pkey; Type: CONSTRAINT; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.circuits
    ADD CONSTRAINT circuits_pkey PRIMARY KEY (subscription_id);


--
-- Name: claim_floors claim_floors_pkey; Type: CONSTRAINT; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.claim_floors
    ADD CONSTRAINT claim_floors_pkey PRIMARY KEY (tenant_id, subscription_id);


--
-- Name: claim_places claim_places_pkey; Type: CONSTRAINT; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.claim_places
    ADD CONSTRAINT claim_places_pkey PRIMARY KEY (tenant_id);


--
-- Name: coalesced_keys coalesced_keys_pkey; Type: CONSTRAINT; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.coalesced_keys
    ADD CONSTRAINT coalesced_keys_pkey PRIMARY KEY (tenant_id, coalesce_key, event);


--
-- Name: delivery_errors delivery_errors_pkey; Type: CONSTRAINT; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.delivery_errors
    ADD CONSTRAINT delivery_errors_pkey PRIMARY KEY (tenant_id, resolution, starts_at, subscription_id, event, error_kind);


--
-- Name: delivery_statistics delivery_statistics_pkey; Type: CONSTRAINT; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.delivery_statistics
    ADD CONSTRAINT delivery_statistics_pkey PRIMARY KEY (tenant_id, resolution, starts_at, subscription_id, event);


--
-- Name: dispatchers dispatchers_pkey; Type: CONSTRAINT; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.dispatchers
    ADD CONSTRAINT dispatchers_pkey PRIMARY KEY (id);


--
-- Name: event_fanouts event_fanouts_pkey; Type: CONSTRAINT; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.event_fanouts
    ADD CONSTRAINT event_fanouts_pkey PRIMARY KEY (event_id);


--
-- Name: exhausted_notes exhausted_notes_pkey; Type: CONSTRAINT; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.exhausted_notes
    ADD CONSTRAINT exhausted_notes_pkey PRIMARY KEY (id);


--
-- Name: high_backlogs high_backlogs_pkey; Type: CONSTRAINT; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.high_backlogs
    ADD CONSTRAINT high_backlogs_pkey PRIMARY KEY (tenant_id);


--
-- Name: idempotency_keys idempotency_keys_pkey; Type: CONSTRAINT; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (tenant_id, route, key);


--
-- Name: instance instance_pkey; Type: CONSTRAINT; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.instance
    ADD CONSTRAINT instance_pkey PRIMARY KEY (system_identifier, database_oid);


--
-- Name: jobs jobs_pkey; Type: CONSTRAINT; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.jobs
    ADD CONSTRAINT jobs_pkey PRIMARY KEY (id);


--
-- Name: outbox names_beginning_posthorn_are_for_operational_events; Type: CHECK CONSTRAINT; Schema: posthorn; Owner: -
--

ALTER TABLE posthorn.outbox
    ADD CONSTRAINT names_beginning_posthorn_are_for_operational_events CHECK ((is_operational OR (NOT starts_with(event, 'posthorn.'::text)))) NOT VALID;


--
-- Name: webhook_deliveries_live one_delivery_per_event_and_subscription; Type: CONSTRAINT; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.webhook_deliveries_live
    ADD CONSTRAINT one_delivery_per_event_and_subscription UNIQUE (event_id, subscription_id);


--
-- Name: event_types one_type_per_name; Type: CONSTRAINT; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.event_types
    ADD CONSTRAINT one_type_per_name UNIQUE NULLS NOT DISTINCT (tenant_id, name);


--
-- Name: outbox outbox_pkey; Type: CONSTRAINT; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);


--
-- Name: outbox_default outbox_default_pkey; Type: CONSTRAINT; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.outbox_default
    ADD CONSTRAINT outbox_default_pkey PRIMARY KEY (id);


--
-- Name: published_keys published_keys_pkey; Type: CONSTRAINT; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.published_keys
    ADD CONSTRAINT published_keys_pkey PRIMARY KEY (tenant_id, idempotency_key);


--
-- Name: rate_buckets rate_buckets_pkey; Type: CONSTRAINT; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.rate_buckets
    ADD CONSTRAINT rate_buckets_pkey PRIMARY KEY (subscription_id);


--
-- Name: schema_history schema_history_pkey; Type: CONSTRAINT; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.schema_history
    ADD CONSTRAINT schema_history_pkey PRIMARY KEY (version);


--
-- Name: subscription_activity subscription_activity_pkey; Type: CONSTRAINT; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.subscription_activity
    ADD CONSTRAINT subscription_activity_pkey PRIMARY KEY (tenant_id, subscription_id);


--
-- Name: subscription_patterns subscription_patterns_pkey; Type: CONSTRAINT; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.subscription_patterns
    ADD CONSTRAINT subscription_patterns_pkey PRIMARY KEY (tenant_id, pattern, subscription_id);


--
-- Name: tenants tenants_pkey; Type: CONSTRAINT; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.tenants
    ADD CONSTRAINT tenants_pkey PRIMARY KEY (id);


--
-- Name: test_sends test_sends_pkey; Type: CONSTRAINT; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.test_sends
    ADD CONSTRAINT test_sends_pkey PRIMARY KEY (id);


--
-- Name: outbox traceparent_is_version_00_of_trace_context; Type: CHECK CONSTRAINT; Schema: posthorn; Owner: -
--

ALTER TABLE posthorn.outbox
    ADD CONSTRAINT traceparent_is_version_00_of_trace_context CHECK ((traceparent ~ '^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$'::text)) NOT VALID;


--
-- Name: webhook_attempts webhook_attempts_pkey; Type: CONSTRAINT; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.webhook_attempts
    ADD CONSTRAINT webhook_attempts_pkey PRIMARY KEY (delivery_id, epoch);


--
-- Name: webhook_attempts_default webhook_attempts_default_pkey; Type: CONSTRAINT; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.webhook_attempts_default
    ADD CONSTRAINT webhook_attempts_default_pkey PRIMARY KEY (delivery_id, epoch);


--
-- Name: webhook_deliveries_done webhook_deliveries_done_pkey; Type: CONSTRAINT; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.webhook_deliveries_done
    ADD CONSTRAINT webhook_deliveries_done_pkey PRIMARY KEY (id);


--
-- Name: webhook_deliveries_done_default webhook_deliveries_done_default_pkey; Type: CONSTRAINT; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.webhook_deliveries_done_default
    ADD CONSTRAINT webhook_deliveries_done_default_pkey PRIMARY KEY (id);


--
-- Name: webhook_deliveries_live webhook_deliveries_live_pkey; Type: CONSTRAINT; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.webhook_deliveries_live
    ADD CONSTRAINT webhook_deliveries_live_pkey PRIMARY KEY (id);


--
-- Name: webhook_subscriptions webhook_subscriptions_pkey; Type: CONSTRAINT; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.webhook_subscriptions
    ADD CONSTRAINT webhook_subscriptions_pkey PRIMARY KEY (id);


--
-- Name: webhook_subscriptions webhook_subscriptions_tenant_key; Type: CONSTRAINT; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.webhook_subscriptions
    ADD CONSTRAINT webhook_subscriptions_tenant_key UNIQUE (tenant_id, id);


--
-- Name: api_keys_tenant_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX api_keys_tenant_idx ON posthorn.api_keys USING btree (tenant_id);


--
-- Name: audit_log_target_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX audit_log_target_idx ON posthorn.audit_log USING btree (tenant_id, target_id, id);


--
-- Name: audit_log_tenant_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX audit_log_tenant_idx ON posthorn.audit_log USING btree (tenant_id, id);


--
-- Name: circuits_retry_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX circuits_retry_idx ON posthorn.circuits USING btree (retry_at) WHERE (state <> 'closed'::text);


--
-- Name: circuits_tenant_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX circuits_tenant_idx ON posthorn.circuits USING btree (tenant_id, subscription_id);


--
-- Name: coalesced_keys_look_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX coalesced_keys_look_idx ON posthorn.coalesced_keys USING btree (look_at);


--
-- Name: delivery_errors_age_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX delivery_errors_age_idx ON posthorn.delivery_errors USING btree (resolution, starts_at);


--
-- Name: delivery_statistics_age_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX delivery_statistics_age_idx ON posthorn.delivery_statistics USING btree (resolution, starts_at);


--
-- Name: delivery_statistics_subscription_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX delivery_statistics_subscription_idx ON posthorn.delivery_statistics USING btree (tenant_id, subscription_id, resolution, starts_at, event);


--
-- Name: event_fanouts_line_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX event_fanouts_line_idx ON posthorn.event_fanouts USING btree (tenant_id, ordering_key, number) WHERE ((state = 'open'::text) AND (ordering_key IS NOT NULL));


--
-- Name: event_fanouts_open_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX event_fanouts_open_idx ON posthorn.event_fanouts USING btree (due_at) WHERE (state = 'open'::text);


--
-- Name: event_fanouts_tenant_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX event_fanouts_tenant_idx ON posthorn.event_fanouts USING btree (tenant_id, event_id);


--
-- Name: exhausted_notes_noted_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX exhausted_notes_noted_idx ON posthorn.exhausted_notes USING btree (noted_at);


--
-- Name: exhausted_notes_subscription_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX exhausted_notes_subscription_idx ON posthorn.exhausted_notes USING btree (subscription_id, noted_at);


--
-- Name: idempotency_keys_created_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX idempotency_keys_created_idx ON posthorn.idempotency_keys USING btree (created_at);


--
-- Name: jobs_due_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX jobs_due_idx ON posthorn.jobs USING btree (due_at) WHERE (state = ANY (ARRAY['waiting'::text, 'running'::text]));


--
-- Name: jobs_subscription_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX jobs_subscription_idx ON posthorn.jobs USING btree (tenant_id, subscription_id);


--
-- Name: jobs_tenant_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX jobs_tenant_idx ON posthorn.jobs USING btree (tenant_id, id);


--
-- Name: one_operator; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE UNIQUE INDEX one_operator ON posthorn.tenants USING btree (is_operator) WHERE is_operator;


--
-- Name: outbox_tenant_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX outbox_tenant_idx ON ONLY posthorn.outbox USING btree (tenant_id, id);


--
-- Name: outbox_default_tenant_id_id_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX outbox_default_tenant_id_id_idx ON posthorn.outbox_default USING btree (tenant_id, id);


--
-- Name: outbox_resource_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX outbox_resource_idx ON ONLY posthorn.outbox USING btree (tenant_id, resource_id, id) WHERE (resource_id IS NOT NULL);


--
-- Name: outbox_default_tenant_id_resource_id_id_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX outbox_default_tenant_id_resource_id_id_idx ON posthorn.outbox_default USING btree (tenant_id, resource_id, id) WHERE (resource_id IS NOT NULL);


--
-- Name: published_keys_created_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX published_keys_created_idx ON posthorn.published_keys USING btree (created_at);


--
-- Name: subscription_patterns_operational_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX subscription_patterns_operational_idx ON posthorn.subscription_patterns USING btree (pattern, tenant_id) WHERE starts_with(pattern, 'posthorn.'::text);


--
-- Name: subscription_patterns_subscription_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX subscription_patterns_subscription_idx ON posthorn.subscription_patterns USING btree (tenant_id, subscription_id);


--
-- Name: test_sends_subscription; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX test_sends_subscription ON posthorn.test_sends USING btree (tenant_id, subscription_id);


--
-- Name: test_sends_tenant_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX test_sends_tenant_idx ON posthorn.test_sends USING btree (tenant_id, requested_at);


--
-- Name: webhook_deliveries_code_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX webhook_deliveries_code_idx ON ONLY posthorn.webhook_deliveries USING btree (tenant_id, last_status_code, id) WHERE ((last_status_code <> 200) AND (last_status_code <> 204));


--
-- Name: webhook_deliveries_done_created_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX webhook_deliveries_done_created_idx ON ONLY posthorn.webhook_deliveries_done USING btree (created_at);


--
-- Name: webhook_deliveries_done_tenant_id_last_status_code_id_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX webhook_deliveries_done_tenant_id_last_status_code_id_idx ON ONLY posthorn.webhook_deliveries_done USING btree (tenant_id, last_status_code, id) WHERE ((last_status_code <> 200) AND (last_status_code <> 204));


--
-- Name: webhook_deliveries_done_defau_tenant_id_last_status_code_id_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX webhook_deliveries_done_defau_tenant_id_last_status_code_id_idx ON posthorn.webhook_deliveries_done_default USING btree (tenant_id, last_status_code, id) WHERE ((last_status_code <> 200) AND (last_status_code <> 204));


--
-- Name: webhook_deliveries_error_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX webhook_deliveries_error_idx ON ONLY posthorn.webhook_deliveries USING btree (tenant_id, last_error_kind, id) WHERE (last_error_kind IS NOT NULL);


--
-- Name: webhook_deliveries_done_tenant_id_last_error_kind_id_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX webhook_deliveries_done_tenant_id_last_error_kind_id_idx ON ONLY posthorn.webhook_deliveries_done USING btree (tenant_id, last_error_kind, id) WHERE (last_error_kind IS NOT NULL);


--
-- Name: webhook_deliveries_done_defaul_tenant_id_last_error_kind_id_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX webhook_deliveries_done_defaul_tenant_id_last_error_kind_id_idx ON posthorn.webhook_deliveries_done_default USING btree (tenant_id, last_error_kind, id) WHERE (last_error_kind IS NOT NULL);


--
-- Name: webhook_deliveries_done_plain_status_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX webhook_deliveries_done_plain_status_idx ON ONLY posthorn.webhook_deliveries_done USING btree ((
CASE status
    WHEN 'pending'::text THEN 'PENDING'::text
    WHEN 'retrying'::text THEN 'PENDING'::text
    WHEN 'sending'::text THEN 'SENDING'::text
    WHEN 'delivered'::text THEN 'DELIVERED'::text
    WHEN 'failed'::text THEN 'FAILED'::text
    WHEN 'abandoned'::text THEN 'FAILED'::text
    WHEN 'cancelled'::text THEN 'CANCELLED'::text
    ELSE NULL::text
END), created_at) WHERE (
CASE status
    WHEN 'pending'::text THEN 'PENDING'::text
    WHEN 'retrying'::text THEN 'PENDING'::text
    WHEN 'sending'::text THEN 'SENDING'::text
    WHEN 'delivered'::text THEN 'DELIVERED'::text
    WHEN 'failed'::text THEN 'FAILED'::text
    WHEN 'abandoned'::text THEN 'FAILED'::text
    WHEN 'cancelled'::text THEN 'CANCELLED'::text
    ELSE NULL::text
END <> 'DELIVERED'::text);


--
-- Name: webhook_deliveries_done_default_case_created_at_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX webhook_deliveries_done_default_case_created_at_idx ON posthorn.webhook_deliveries_done_default USING btree ((
CASE status
    WHEN 'pending'::text THEN 'PENDING'::text
    WHEN 'retrying'::text THEN 'PENDING'::text
    WHEN 'sending'::text THEN 'SENDING'::text
    WHEN 'delivered'::text THEN 'DELIVERED'::text
    WHEN 'failed'::text THEN 'FAILED'::text
    WHEN 'abandoned'::text THEN 'FAILED'::text
    WHEN 'cancelled'::text THEN 'CANCELLED'::text
    ELSE NULL::text
END), created_at) WHERE (
CASE status
    WHEN 'pending'::text THEN 'PENDING'::text
    WHEN 'retrying'::text THEN 'PENDING'::text
    WHEN 'sending'::text THEN 'SENDING'::text
    WHEN 'delivered'::text THEN 'DELIVERED'::text
    WHEN 'failed'::text THEN 'FAILED'::text
    WHEN 'abandoned'::text THEN 'FAILED'::text
    WHEN 'cancelled'::text THEN 'CANCELLED'::text
    ELSE NULL::text
END <> 'DELIVERED'::text);


--
-- Name: webhook_deliveries_done_default_created_at_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX webhook_deliveries_done_default_created_at_idx ON posthorn.webhook_deliveries_done_default USING btree (created_at);


--
-- Name: webhook_deliveries_done_event_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX webhook_deliveries_done_event_idx ON ONLY posthorn.webhook_deliveries_done USING btree (event_id);


--
-- Name: webhook_deliveries_done_default_event_id_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX webhook_deliveries_done_default_event_id_idx ON posthorn.webhook_deliveries_done_default USING btree (event_id);


--
-- Name: webhook_deliveries_done_subscription_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX webhook_deliveries_done_subscription_idx ON ONLY posthorn.webhook_deliveries_done USING btree (subscription_id, id);


--
-- Name: webhook_deliveries_done_default_subscription_id_id_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX webhook_deliveries_done_default_subscription_id_id_idx ON posthorn.webhook_deliveries_done_default USING btree (subscription_id, id);


--
-- Name: webhook_deliveries_done_event_type_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX webhook_deliveries_done_event_type_idx ON ONLY posthorn.webhook_deliveries_done USING btree (tenant_id, event, id);


--
-- Name: webhook_deliveries_done_default_tenant_id_event_id_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX webhook_deliveries_done_default_tenant_id_event_id_idx ON posthorn.webhook_deliveries_done_default USING btree (tenant_id, event, id);


--
-- Name: webhook_deliveries_tenant_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX webhook_deliveries_tenant_idx ON ONLY posthorn.webhook_deliveries USING btree (tenant_id, id);


--
-- Name: webhook_deliveries_done_tenant_id_id_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX webhook_deliveries_done_tenant_id_id_idx ON ONLY posthorn.webhook_deliveries_done USING btree (tenant_id, id);


--
-- Name: webhook_deliveries_done_default_tenant_id_id_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX webhook_deliveries_done_default_tenant_id_id_idx ON posthorn.webhook_deliveries_done_default USING btree (tenant_id, id);


--
-- Name: webhook_deliveries_done_failures_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX webhook_deliveries_done_failures_idx ON ONLY posthorn.webhook_deliveries_done USING btree (tenant_id, status, id) WHERE (status <> 'delivered'::text);


--
-- Name: webhook_deliveries_done_default_tenant_id_status_id_idx1; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX webhook_deliveries_done_default_tenant_id_status_id_idx1 ON posthorn.webhook_deliveries_done_default USING btree (tenant_id, status, id) WHERE (status <> 'delivered'::text);


--
-- Name: webhook_deliveries_live_claim_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX webhook_deliveries_live_claim_idx ON posthorn.webhook_deliveries_live USING btree (tenant_id, subscription_id, due_at);


--
-- Name: webhook_deliveries_live_line_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX webhook_deliveries_live_line_idx ON posthorn.webhook_deliveries_live USING btree (subscription_id, ordering_key, ordering_number) WHERE (ordering_key IS NOT NULL);


--
-- Name: webhook_deliveries_live_parked_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX webhook_deliveries_live_parked_idx ON posthorn.webhook_deliveries_live USING btree (id) WHERE (due_at IS NULL);


--
-- Name: webhook_deliveries_live_tenant_id_id_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX webhook_deliveries_live_tenant_id_id_idx ON posthorn.webhook_deliveries_live USING btree (tenant_id, id);


--
-- Name: webhook_deliveries_live_tenant_id_last_error_kind_id_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX webhook_deliveries_live_tenant_id_last_error_kind_id_idx ON posthorn.webhook_deliveries_live USING btree (tenant_id, last_error_kind, id) WHERE (last_error_kind IS NOT NULL);


--
-- Name: webhook_deliveries_live_tenant_id_last_status_code_id_idx; Type: INDEX; Schema: posthorn; Owner: -
--

CREATE INDEX webhook_deliveries_live_tenant_id_last_status_code_id_idx ON posthorn.webhook_deliveries_live USING btree (tenant_id, last_status_code, id) WHERE ((last_status_code <> 200) AND (last_status_code <> 204));


--
-- Name: outbox_default_pkey; Type: INDEX ATTACH; Schema: posthorn; Owner: -
--

ALTER INDEX posthorn.outbox_pkey ATTACH PARTITION posthorn.outbox_default_pkey;


--
-- Name: outbox_default_tenant_id_id_idx; Type: INDEX ATTACH; Schema: posthorn; Owner: -
--

ALTER INDEX posthorn.outbox_tenant_idx ATTACH PARTITION posthorn.outbox_default_tenant_id_id_idx;


--
-- Name: outbox_default_tenant_id_resource_id_id_idx; Type: INDEX ATTACH; Schema: posthorn; Owner: -
--

ALTER INDEX posthorn.outbox_resource_idx ATTACH PARTITION posthorn.outbox_default_tenant_id_resource_id_id_idx;


--
-- Name: webhook_attempts_default_pkey; Type: INDEX ATTACH; Schema: posthorn; Owner: -
--

ALTER INDEX posthorn.webhook_attempts_pkey ATTACH PARTITION posthorn.webhook_attempts_default_pkey;


--
-- Name: webhook_deliveries_done_defau_tenant_id_last_status_code_id_idx; Type: INDEX ATTACH; Schema: posthorn; Owner: -
--

ALTER INDEX posthorn.webhook_deliveries_done_tenant_id_last_status_code_id_idx ATTACH PARTITION posthorn.webhook_deliveries_done_defau_tenant_id_last_status_code_id_idx;


--
-- Name: webhook_deliveries_done_defaul_tenant_id_last_error_kind_id_idx; Type: INDEX ATTACH; Schema: posthorn; Owner: -
--

ALTER INDEX posthorn.webhook_deliveries_done_tenant_id_last_error_kind_id_idx ATTACH PARTITION posthorn.webhook_deliveries_done_defaul_tenant_id_last_error_kind_id_idx;


--
-- Name: webhook_deliveries_done_default_case_created_at_idx; Type: INDEX ATTACH; Schema: posthorn; Owner: -
--

ALTER INDEX posthorn.webhook_deliveries_done_plain_status_idx ATTACH PARTITION posthorn.webhook_deliveries_done_default_case_created_at_idx;


--
-- Name: webhook_deliveries_done_default_created_at_idx; Type: INDEX ATTACH; Schema: posthorn; Owner: -
--

ALTER INDEX posthorn.webhook_deliveries_done_created_idx ATTACH PARTITION posthorn.webhook_deliveries_done_default_created_at_idx;


--
-- Name: webhook_deliveries_done_default_event_id_idx; Type: INDEX ATTACH; Schema: posthorn; Owner: -
--

ALTER INDEX posthorn.webhook_deliveries_done_event_idx ATTACH PARTITION posthorn.webhook_deliveries_done_default_event_id_idx;


--
-- Name: webhook_deliveries_done_default_pkey; Type: INDEX ATTACH; Schema: posthorn; Owner: -
--

ALTER INDEX posthorn.webhook_deliveries_done_pkey ATTACH PARTITION posthorn.webhook_deliveries_done_default_pkey;


--
-- Name: webhook_deliveries_done_default_subscription_id_id_idx; Type: INDEX ATTACH; Schema: posthorn; Owner: -
--

ALTER INDEX posthorn.webhook_deliveries_done_subscription_idx ATTACH PARTITION posthorn.webhook_deliveries_done_default_subscription_id_id_idx;


--
-- Name: webhook_deliveries_done_default_tenant_id_event_id_idx; Type: INDEX ATTACH; Schema: posthorn; Owner: -
--

ALTER INDEX posthorn.webhook_deliveries_done_event_type_idx ATTACH PARTITION posthorn.webhook_deliveries_done_default_tenant_id_event_id_idx;


--
-- Name: webhook_deliveries_done_default_tenant_id_id_idx; Type: INDEX ATTACH; Schema: posthorn; Owner: -
--

ALTER INDEX posthorn.webhook_deliveries_done_tenant_id_id_idx ATTACH PARTITION posthorn.webhook_deliveries_done_default_tenant_id_id_idx;


--
-- Name: webhook_deliveries_done_default_tenant_id_status_id_idx1; Type: INDEX ATTACH; Schema: posthorn; Owner: -
--

ALTER INDEX posthorn.webhook_deliveries_done_failures_idx ATTACH PARTITION posthorn.webhook_deliveries_done_default_tenant_id_status_id_idx1;


--
-- Name: webhook_deliveries_done_tenant_id_id_idx; Type: INDEX ATTACH; Schema: posthorn; Owner: -
--

ALTER INDEX posthorn.webhook_deliveries_tenant_idx ATTACH PARTITION posthorn.webhook_deliveries_done_tenant_id_id_idx;


--
-- Name: webhook_deliveries_done_tenant_id_last_error_kind_id_idx; Type: INDEX ATTACH; Schema: posthorn; Owner: -
--

ALTER INDEX posthorn.webhook_deliveries_error_idx ATTACH PARTITION posthorn.webhook_deliveries_done_tenant_id_last_error_kind_id_idx;


--
-- Name: webhook_deliveries_done_tenant_id_last_status_code_id_idx; Type: INDEX ATTACH; Schema: posthorn; Owner: -
--

ALTER INDEX posthorn.webhook_deliveries_code_idx ATTACH PARTITION posthorn.webhook_deliveries_done_tenant_id_last_status_code_id_idx;


--
-- Name: webhook_deliveries_live_tenant_id_id_idx; Type: INDEX ATTACH; Schema: posthorn; Owner: -
--

ALTER INDEX posthorn.webhook_deliveries_tenant_idx ATTACH PARTITION posthorn.webhook_deliveries_live_tenant_id_id_idx;


--
-- Name: webhook_deliveries_live_tenant_id_last_error_kind_id_idx; Type: INDEX ATTACH; Schema: posthorn; Owner: -
--

ALTER INDEX posthorn.webhook_deliveries_error_idx ATTACH PARTITION posthorn.webhook_deliveries_live_tenant_id_last_error_kind_id_idx;


--
-- Name: webhook_deliveries_live_tenant_id_last_status_code_id_idx; Type: INDEX ATTACH; Schema: posthorn; Owner: -
--

ALTER INDEX posthorn.webhook_deliveries_code_idx ATTACH PARTITION posthorn.webhook_deliveries_live_tenant_id_last_status_code_id_idx;


--
-- Name: webhook_deliveries_done_default_tenant_stat; Type: STATISTICS; Schema: posthorn; Owner: -
--

CREATE STATISTICS posthorn.webhook_deliveries_done_default_tenant_stat (dependencies) ON tenant_id, subscription_id FROM posthorn.webhook_deliveries_done_default;


--
-- Name: webhook_deliveries_done_tenant_stat; Type: STATISTICS; Schema: posthorn; Owner: -
--

CREATE STATISTICS posthorn.webhook_deliveries_done_tenant_stat (dependencies) ON tenant_id, subscription_id FROM posthorn.webhook_deliveries_done;


--
-- Name: webhook_deliveries_live call_next_in_line; Type: TRIGGER; Schema: posthorn; Owner: -
--

CREATE TRIGGER call_next_in_line AFTER DELETE ON posthorn.webhook_deliveries_live FOR EACH ROW WHEN ((old.ordering_key IS NOT NULL)) EXECUTE FUNCTION posthorn.call_next_in_line();


--
-- Name: test_sends call_tester; Type: TRIGGER; Schema: posthorn; Owner: -
--

CREATE TRIGGER call_tester AFTER INSERT ON posthorn.test_sends FOR EACH STATEMENT EXECUTE FUNCTION posthorn.call_tester();


--
-- Name: outbox claim_idempotency_key; Type: TRIGGER; Schema: posthorn; Owner: -
--

CREATE TRIGGER claim_idempotency_key BEFORE INSERT ON posthorn.outbox FOR EACH ROW WHEN (((new.idempotency_key IS NOT NULL) AND (new.tenant_id IS NOT NULL))) EXECUTE FUNCTION posthorn.claim_idempotency_key();


--
-- Name: outbox fan_out; Type: TRIGGER; Schema: posthorn; Owner: -
--

CREATE TRIGGER fan_out AFTER INSERT ON posthorn.outbox REFERENCING NEW TABLE AS new_events FOR EACH STATEMENT EXECUTE FUNCTION posthorn.fan_out();


--
-- Name: webhook_subscriptions forget_circuit; Type: TRIGGER; Schema: posthorn; Owner: -
--

CREATE TRIGGER forget_circuit AFTER UPDATE OF status, url, rate_per_second ON posthorn.webhook_subscriptions FOR EACH ROW WHEN (((new.status <> old.status) OR (new.url <> old.url) OR (new.rate_per_second IS DISTINCT FROM old.rate_per_second))) EXECUTE FUNCTION posthorn.forget_circuit();


--
-- Name: webhook_subscriptions hold_tenant; Type: TRIGGER; Schema: posthorn; Owner: -
--

CREATE TRIGGER hold_tenant BEFORE INSERT OR UPDATE ON posthorn.webhook_subscriptions FOR EACH ROW EXECUTE FUNCTION posthorn.hold_tenant();


--
-- Name: webhook_subscriptions keep_patterns; Type: TRIGGER; Schema: posthorn; Owner: -
--

CREATE TRIGGER keep_patterns AFTER INSERT OR UPDATE OF tenant_id, events, filter, status, ordered ON posthorn.webhook_subscriptions FOR EACH ROW EXECUTE FUNCTION posthorn.keep_subscription_patterns();


--
-- Name: subscription_patterns mark_pattern; Type: TRIGGER; Schema: posthorn; Owner: -
--

CREATE TRIGGER mark_pattern BEFORE INSERT ON posthorn.subscription_patterns FOR EACH ROW EXECUTE FUNCTION posthorn.mark_pattern();


--
-- Name: api_keys note_audit; Type: TRIGGER; Schema: posthorn; Owner: -
--

CREATE TRIGGER note_audit AFTER INSERT OR DELETE OR UPDATE OF name, secret_sha256, scopes, expires_at, revoked_at ON posthorn.api_keys FOR EACH ROW EXECUTE FUNCTION posthorn.note_audit('api_key', 'tenant_id', 'id');


--
-- Name: event_types note_audit; Type: TRIGGER; Schema: posthorn; Owner: -
--

CREATE TRIGGER note_audit AFTER INSERT OR DELETE OR UPDATE ON posthorn.event_types FOR EACH ROW EXECUTE FUNCTION posthorn.note_audit('event_type', 'tenant_id', 'name');


--
-- Name: tenants note_audit; Type: TRIGGER; Schema: posthorn; Owner: -
--

CREATE TRIGGER note_audit AFTER INSERT OR DELETE OR UPDATE ON posthorn.tenants FOR EACH ROW EXECUTE FUNCTION posthorn.note_audit('tenant', 'id', 'id');


--
-- Name: webhook_subscriptions note_audit; Type: TRIGGER; Schema: posthorn; Owner: -
--

CREATE TRIGGER note_audit AFTER INSERT OR DELETE OR UPDATE ON posthorn.webhook_subscriptions FOR EACH ROW EXECUTE FUNCTION posthorn.note_audit('subscription', 'tenant_id', 'id');


--
-- Name: event_types note_change; Type: TRIGGER; Schema: posthorn; Owner: -
--

CREATE TRIGGER note_change BEFORE UPDATE ON posthorn.event_types FOR EACH ROW EXECUTE FUNCTION posthorn.note_event_type_change();


--
-- Name: webhook_subscriptions note_change; Type: TRIGGER; Schema: posthorn; Owner: -
--

CREATE TRIGGER note_change BEFORE UPDATE ON posthorn.webhook_subscriptions FOR EACH ROW EXECUTE FUNCTION posthorn.note_subscription_change();


--
-- Name: jobs note_erasure; Type: TRIGGER; Schema: posthorn; Owner: -
--

CREATE TRIGGER note_erasure BEFORE UPDATE ON posthorn.jobs FOR EACH ROW WHEN (((new.kind = 'erase'::text) AND (new.finished_at IS NOT NULL) AND (old.finished_at IS NULL))) EXECUTE FUNCTION posthorn.note_erasure();


--
-- Name: event_types note_strict_type; Type: TRIGGER; Schema: posthorn; Owner: -
--

CREATE TRIGGER note_strict_type AFTER INSERT ON posthorn.event_types FOR EACH ROW WHEN (new.is_strict) EXECUTE FUNCTION posthorn.note_strictness();


--
-- Name: event_types note_strict_type_gone; Type: TRIGGER; Schema: posthorn; Owner: -
--

CREATE TRIGGER note_strict_type_gone AFTER DELETE ON posthorn.event_types FOR EACH ROW WHEN (old.is_strict) EXECUTE FUNCTION posthorn.note_strictness();


--
-- Name: event_types note_strictness; Type: TRIGGER; Schema: posthorn; Owner: -
--

CREATE TRIGGER note_strictness AFTER UPDATE OF is_strict ON posthorn.event_types FOR EACH ROW WHEN ((new.is_strict <> old.is_strict)) EXECUTE FUNCTION posthorn.note_strictness();


--
-- Name: tenants note_strictness; Type: TRIGGER; Schema: posthorn; Owner: -
--

CREATE TRIGGER note_strictness AFTER UPDATE OF strict_event_types ON posthorn.tenants FOR EACH ROW WHEN ((new.strict_event_types <> old.strict_event_types)) EXECUTE FUNCTION posthorn.note_strictness();


--
-- Name: webhook_deliveries_done refuse_erased; Type: TRIGGER; Schema: posthorn; Owner: -
--

CREATE TRIGGER refuse_erased BEFORE UPDATE ON posthorn.webhook_deliveries_done FOR EACH ROW WHEN (((old.erased_at IS NOT NULL) AND (new.finished_at IS NULL))) EXECUTE FUNCTION posthorn.refuse_erased();


--
-- Name: circuits tell_of_change; Type: TRIGGER; Schema: posthorn; Owner: -
--

CREATE TRIGGER tell_of_change AFTER UPDATE OF state ON posthorn.circuits FOR EACH ROW WHEN (((old.state = 'closed'::text) <> (new.state = 'closed'::text))) EXECUTE FUNCTION posthorn.tell_of_circuit();


--
-- Name: webhook_subscriptions tell_of_change; Type: TRIGGER; Schema: posthorn; Owner: -
--

CREATE TRIGGER tell_of_change AFTER UPDATE OF status, secret ON posthorn.webhook_subscriptions FOR EACH ROW WHEN (((new.status <> old.status) OR (new.secret IS DISTINCT FROM old.secret))) EXECUTE FUNCTION posthorn.tell_of_subscription();


--
-- Name: webhook_deliveries_done tell_of_exhausted; Type: TRIGGER; Schema: posthorn; Owner: -
--

CREATE TRIGGER tell_of_exhausted AFTER INSERT ON posthorn.webhook_deliveries_done FOR EACH ROW WHEN (((new.status = ANY (ARRAY['failed'::text, 'abandoned'::text])) AND (NOT starts_with(new.event, 'posthorn.'::text)))) EXECUTE FUNCTION posthorn.tell_of_exhausted();


--
-- Name: circuits tell_of_reset; Type: TRIGGER; Schema: posthorn; Owner: -
--

CREATE TRIGGER tell_of_reset AFTER DELETE ON posthorn.circuits FOR EACH ROW WHEN ((old.state <> 'closed'::text)) EXECUTE FUNCTION posthorn.tell_of_circuit();


--
-- Name: api_keys api_keys_tenant_id_fkey; Type: FK CONSTRAINT; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.api_keys
    ADD CONSTRAINT api_keys_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES posthorn.tenants(id) ON DELETE CASCADE;


--
-- Name: event_types event_types_tenant_id_fkey; Type: FK CONSTRAINT; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.event_types
    ADD CONSTRAINT event_types_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES posthorn.tenants(id) ON DELETE CASCADE;


--
-- Name: jobs jobs_subscription_fkey; Type: FK CONSTRAINT; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.jobs
    ADD CONSTRAINT jobs_subscription_fkey FOREIGN KEY (tenant_id, subscription_id) REFERENCES posthorn.webhook_subscriptions(tenant_id, id) ON DELETE CASCADE;


--
-- Name: jobs jobs_tenant_id_fkey; Type: FK CONSTRAINT; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.jobs
    ADD CONSTRAINT jobs_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES posthorn.tenants(id) ON DELETE CASCADE;


--
-- Name: subscription_patterns subscription_patterns_subscription_fkey; Type: FK CONSTRAINT; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.subscription_patterns
    ADD CONSTRAINT subscription_patterns_subscription_fkey FOREIGN KEY (tenant_id, subscription_id) REFERENCES posthorn.webhook_subscriptions(tenant_id, id) ON DELETE CASCADE;


--
-- Name: test_sends test_sends_subscription_fkey; Type: FK CONSTRAINT; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.test_sends
    ADD CONSTRAINT test_sends_subscription_fkey FOREIGN KEY (tenant_id, subscription_id) REFERENCES posthorn.webhook_subscriptions(tenant_id, id) ON DELETE CASCADE;


--
-- Name: webhook_subscriptions webhook_subscriptions_tenant_id_fkey; Type: FK CONSTRAINT; Schema: posthorn; Owner: -
--

ALTER TABLE ONLY posthorn.webhook_subscriptions
    ADD CONSTRAINT webhook_subscriptions_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES posthorn.tenants(id);


--
-- Name: api_keys; Type: ROW SECURITY; Schema: posthorn; Owner: -
--

ALTER TABLE posthorn.api_keys ENABLE ROW LEVEL SECURITY;

--
-- Name: audit_log; Type: ROW SECURITY; Schema: posthorn; Owner: -
--

ALTER TABLE posthorn.audit_log ENABLE ROW LEVEL SECURITY;

--
-- Name: circuits; Type: ROW SECURITY; Schema: posthorn; Owner: -
--

ALTER TABLE posthorn.circuits ENABLE ROW LEVEL SECURITY;

--
-- Name: coalesced_keys; Type: ROW SECURITY; Schema: posthorn; Owner: -
--

ALTER TABLE posthorn.coalesced_keys ENABLE ROW LEVEL SECURITY;

--
-- Name: delivery_errors; Type: ROW SECURITY; Schema: posthorn; Owner: -
--

ALTER TABLE posthorn.delivery_errors ENABLE ROW LEVEL SECURITY;

--
-- Name: delivery_statistics; Type: ROW SECURITY; Schema: posthorn; Owner: -
--

ALTER TABLE posthorn.delivery_statistics ENABLE ROW LEVEL SECURITY;

--
-- Name: event_types; Type: ROW SECURITY; Schema: posthorn; Owner: -
--

ALTER TABLE posthorn.event_types ENABLE ROW LEVEL SECURITY;

--
-- Name: audit_log every_row; Type: POLICY; Schema: posthorn; Owner: -
--

CREATE POLICY every_row ON posthorn.audit_log FOR SELECT TO posthorn_readonly USING (true);


--
-- Name: circuits every_row; Type: POLICY; Schema: posthorn; Owner: -
--

CREATE POLICY every_row ON posthorn.circuits TO posthorn_dispatcher USING (true) WITH CHECK (true);


--
-- Name: event_types every_row; Type: POLICY; Schema: posthorn; Owner: -
--

CREATE POLICY every_row ON posthorn.event_types FOR SELECT TO posthorn_readonly USING (true);


--
-- Name: jobs every_row; Type: POLICY; Schema: posthorn; Owner: -
--

CREATE POLICY every_row ON posthorn.jobs TO posthorn_dispatcher USING (true) WITH CHECK (true);


--
-- Name: tenants every_row; Type: POLICY; Schema: posthorn; Owner: -
--

CREATE POLICY every_row ON posthorn.tenants FOR SELECT TO posthorn_readonly USING (true);


--
-- Name: test_sends every_row; Type: POLICY; Schema: posthorn; Owner: -
--

CREATE POLICY every_row ON posthorn.test_sends TO posthorn_dispatcher USING (true) WITH CHECK (true);


--
-- Name: webhook_attempts every_row; Type: POLICY; Schema: posthorn; Owner: -
--

CREATE POLICY every_row ON posthorn.webhook_attempts TO posthorn_dispatcher USING (true) WITH CHECK (true);


--
-- Name: webhook_deliveries every_row; Type: POLICY; Schema: posthorn; Owner: -
--

CREATE POLICY every_row ON posthorn.webhook_deliveries TO posthorn_dispatcher USING (true) WITH CHECK (true);


--
-- Name: webhook_subscriptions every_row; Type: POLICY; Schema: posthorn; Owner: -
--

CREATE POLICY every_row ON posthorn.webhook_subscriptions TO posthorn_dispatcher USING (true) WITH CHECK (true);


--
-- Name: event_types every_row_for_dispatchers; Type: POLICY; Schema: posthorn; Owner: -
--

CREATE POLICY every_row_for_dispatchers ON posthorn.event_types FOR SELECT TO posthorn_dispatcher USING (true);


--
-- Name: api_keys every_row_of_the_operator; Type: POLICY; Schema: posthorn; Owner: -
--

CREATE POLICY every_row_of_the_operator ON posthorn.api_keys TO posthorn_admin USING (true) WITH CHECK (true);


--
-- Name: tenants every_row_of_the_operator; Type: POLICY; Schema: posthorn; Owner: -
--

CREATE POLICY every_row_of_the_operator ON posthorn.tenants TO posthorn_admin USING (true) WITH CHECK (true);


--
-- Name: api_keys every_row_read; Type: POLICY; Schema: posthorn; Owner: -
--

CREATE POLICY every_row_read ON posthorn.api_keys FOR SELECT TO posthorn_readonly USING (true);


--
-- Name: circuits every_row_read; Type: POLICY; Schema: posthorn; Owner: -
--

CREATE POLICY every_row_read ON posthorn.circuits FOR SELECT TO posthorn_readonly USING (true);


--
-- Name: coalesced_keys every_row_read; Type: POLICY; Schema: posthorn; Owner: -
--

CREATE POLICY every_row_read ON posthorn.coalesced_keys FOR SELECT TO posthorn_readonly USING (true);


--
-- Name: delivery_errors every_row_read; Type: POLICY; Schema: posthorn; Owner: -
--

CREATE POLICY every_row_read ON posthorn.delivery_errors FOR SELECT TO posthorn_readonly USING (true);


--
-- Name: delivery_statistics every_row_read; Type: POLICY; Schema: posthorn; Owner: -
--

CREATE POLICY every_row_read ON posthorn.delivery_statistics FOR SELECT TO posthorn_readonly USING (true);


--
-- Name: high_backlogs every_row_read; Type: POLICY; Schema: posthorn; Owner: -
--

CREATE POLICY every_row_read ON posthorn.high_backlogs FOR SELECT TO posthorn_readonly USING (true);


--
-- Name: jobs every_row_read; Type: POLICY; Schema: posthorn; Owner: -
--

CREATE POLICY every_row_read ON posthorn.jobs FOR SELECT TO posthorn_readonly USING (true);


--
-- Name: published_keys every_row_read; Type: POLICY; Schema: posthorn; Owner: -
--

CREATE POLICY every_row_read ON posthorn.published_keys FOR SELECT TO posthorn_readonly USING (true);


--
-- Name: subscription_activity every_row_read; Type: POLICY; Schema: posthorn; Owner: -
--

CREATE POLICY every_row_read ON posthorn.subscription_activity FOR SELECT TO posthorn_readonly USING (true);


--
-- Name: webhook_attempts every_row_read; Type: POLICY; Schema: posthorn; Owner: -
--

CREATE POLICY every_row_read ON posthorn.webhook_attempts FOR SELECT TO posthorn_readonly USING (true);


--
-- Name: webhook_deliveries every_row_read; Type: POLICY; Schema: posthorn; Owner: -
--

CREATE POLICY every_row_read ON posthorn.webhook_deliveries FOR SELECT TO posthorn_readonly USING (true);


--
-- Name: webhook_subscriptions every_row_read; Type: POLICY; Schema: posthorn; Owner: -
--

CREATE POLICY every_row_read ON posthorn.webhook_subscriptions FOR SELECT TO posthorn_readonly USING (true);


--
-- Name: idempotency_keys every_sealed_value; Type: POLICY; Schema: posthorn; Owner: -
--

CREATE POLICY every_sealed_value ON posthorn.idempotency_keys TO posthorn_rekey USING (true) WITH CHECK (true);


--
-- Name: webhook_subscriptions every_sealed_value; Type: POLICY; Schema: posthorn; Owner: -
--

CREATE POLICY every_sealed_value ON posthorn.webhook_subscriptions TO posthorn_rekey USING (true) WITH CHECK (true);


--
-- Name: exhausted_notes; Type: ROW SECURITY; Schema: posthorn; Owner: -
--

ALTER TABLE posthorn.exhausted_notes ENABLE ROW LEVEL SECURITY;

--
-- Name: high_backlogs; Type: ROW SECURITY; Schema: posthorn; Owner: -
--

ALTER TABLE posthorn.high_backlogs ENABLE ROW LEVEL SECURITY;

--
-- Name: idempotency_keys; Type: ROW SECURITY; Schema: posthorn; Owner: -
--

ALTER TABLE posthorn.idempotency_keys ENABLE ROW LEVEL SECURITY;

--
-- Name: jobs; Type: ROW SECURITY; Schema: posthorn; Owner: -
--

ALTER TABLE posthorn.jobs ENABLE ROW LEVEL SECURITY;

--
-- Name: event_types own_and_common; Type: POLICY; Schema: posthorn; Owner: -
--

CREATE POLICY own_and_common ON posthorn.event_types FOR SELECT TO posthorn_api USING (((tenant_id IS NULL) OR (tenant_id = ( SELECT posthorn.current_tenant() AS current_tenant))));


--
-- Name: tenants own_row; Type: POLICY; Schema: posthorn; Owner: -
--

CREATE POLICY own_row ON posthorn.tenants FOR SELECT TO posthorn_api USING ((id = ( SELECT posthorn.current_tenant() AS current_tenant)));


--
-- Name: tenants own_row_changed; Type: POLICY; Schema: posthorn; Owner: -
--

CREATE POLICY own_row_changed ON posthorn.tenants FOR UPDATE TO posthorn_api USING ((id = ( SELECT posthorn.current_tenant() AS current_tenant))) WITH CHECK ((id = ( SELECT posthorn.current_tenant() AS current_tenant)));


--
-- Name: api_keys own_rows; Type: POLICY; Schema: posthorn; Owner: -
--

CREATE POLICY own_rows ON posthorn.api_keys TO posthorn_api USING ((tenant_id = ( SELECT posthorn.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT posthorn.current_tenant() AS current_tenant)));


--
-- Name: audit_log own_rows; Type: POLICY; Schema: posthorn; Owner: -
--

CREATE POLICY own_rows ON posthorn.audit_log FOR SELECT TO posthorn_api USING ((tenant_id = ( SELECT posthorn.current_tenant() AS current_tenant)));


--
-- Name: circuits own_rows; Type: POLICY; Schema: posthorn; Owner: -
--

CREATE POLICY own_rows ON posthorn.circuits TO posthorn_api USING ((tenant_id = ( SELECT posthorn.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT posthorn.current_tenant() AS current_tenant)));


--
-- Name: delivery_errors own_rows; Type: POLICY; Schema: posthorn; Owner: -
--

CREATE POLICY own_rows ON posthorn.delivery_errors FOR SELECT TO posthorn_api USING ((tenant_id = ( SELECT posthorn.current_tenant() AS current_tenant)));


--
-- Name: delivery_statistics own_rows; Type: POLICY; Schema: posthorn; Owner: -
--

CREATE POLICY own_rows ON posthorn.delivery_statistics FOR SELECT TO posthorn_api USING ((tenant_id = ( SELECT posthorn.current_tenant() AS current_tenant)));


--
-- Name: event_types own_rows; Type: POLICY; Schema: posthorn; Owner: -
--

CREATE POLICY own_rows ON posthorn.event_types TO posthorn_api USING ((tenant_id = ( SELECT posthorn.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT posthorn.current_tenant() AS current_tenant)));


--
-- Name: idempotency_keys own_rows; Type: POLICY; Schema: posthorn; Owner: -
--

CREATE POLICY own_rows ON posthorn.idempotency_keys TO posthorn_api USING ((tenant_id = ( SELECT posthorn.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT posthorn.current_tenant() AS current_tenant)));


--
-- Name: jobs own_rows; Type: POLICY; Schema: posthorn; Owner: -
--

CREATE POLICY own_rows ON posthorn.jobs TO posthorn_api USING ((tenant_id = ( SELECT posthorn.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT posthorn.current_tenant() AS current_tenant)));


--
-- Name: subscription_activity own_rows; Type: POLICY; Schema: posthorn; Owner: -
--

CREATE POLICY own_rows ON posthorn.subscription_activity FOR SELECT TO posthorn_api USING ((tenant_id = ( SELECT posthorn.current_tenant() AS current_tenant)));


--
-- Name: test_sends own_rows; Type: POLICY; Schema: posthorn; Owner: -
--

CREATE POLICY own_rows ON posthorn.test_sends TO posthorn_api USING ((tenant_id = ( SELECT posthorn.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT posthorn.current_tenant() AS current_tenant)));


--
-- Name: webhook_attempts own_rows; Type: POLICY; Schema: posthorn; Owner: -
--

CREATE POLICY own_rows ON posthorn.webhook_attempts FOR SELECT TO posthorn_api USING ((tenant_id = ( SELECT posthorn.current_tenant() AS current_tenant)));


--
-- Name: webhook_deliveries own_rows; Type: POLICY; Schema: posthorn; Owner: -
--

CREATE POLICY own_rows ON posthorn.webhook_deliveries TO posthorn_api USING ((tenant_id = ( SELECT posthorn.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT posthorn.current_tenant() AS current_tenant)));


--
-- Name: webhook_subscriptions own_rows; Type: POLICY; Schema: posthorn; Owner: -
--

CREATE POLICY own_rows ON posthorn.webhook_subscriptions TO posthorn_api USING ((tenant_id = ( SELECT posthorn.current_tenant() AS current_tenant))) WITH CHECK ((tenant_id = ( SELECT posthorn.current_tenant() AS current_tenant)));


--
-- Name: published_keys; Type: ROW SECURITY; Schema: posthorn; Owner: -
--

ALTER TABLE posthorn.published_keys ENABLE ROW LEVEL SECURITY;

--
-- Name: subscription_activity; Type: ROW SECURITY; Schema: posthorn; Owner: -
--

ALTER TABLE posthorn.subscription_activity ENABLE ROW LEVEL SECURITY;

--
-- Name: tenants; Type: ROW SECURITY; Schema: posthorn; Owner: -
--

ALTER TABLE posthorn.tenants ENABLE ROW LEVEL SECURITY;

--
-- Name: test_sends; Type: ROW SECURITY; Schema: posthorn; Owner: -
--

ALTER TABLE posthorn.test_sends ENABLE ROW LEVEL SECURITY;

--
-- Name: webhook_attempts; Type: ROW SECURITY; Schema: posthorn; Owner: -
--

ALTER TABLE posthorn.webhook_attempts ENABLE ROW LEVEL SECURITY;

--
-- Name: webhook_attempts_default; Type: ROW SECURITY; Schema: posthorn; Owner: -
--

ALTER TABLE posthorn.webhook_attempts_default ENABLE ROW LEVEL SECURITY;

--
-- Name: webhook_deliveries; Type: ROW SECURITY; Schema: posthorn; Owner: -
--

ALTER TABLE posthorn.webhook_deliveries ENABLE ROW LEVEL SECURITY;

--
-- Name: webhook_deliveries_done; Type: ROW SECURITY; Schema: posthorn; Owner: -
--

ALTER TABLE posthorn.webhook_deliveries_done ENABLE ROW LEVEL SECURITY;

--
-- Name: webhook_deliveries_done_default; Type: ROW SECURITY; Schema: posthorn; Owner: -
--

ALTER TABLE posthorn.webhook_deliveries_done_default ENABLE ROW LEVEL SECURITY;

--
-- Name: webhook_deliveries_live; Type: ROW SECURITY; Schema: posthorn; Owner: -
--

ALTER TABLE posthorn.webhook_deliveries_live ENABLE ROW LEVEL SECURITY;

--
-- Name: webhook_subscriptions; Type: ROW SECURITY; Schema: posthorn; Owner: -
--

ALTER TABLE posthorn.webhook_subscriptions ENABLE ROW LEVEL SECURITY;

--
-- Name: SCHEMA posthorn; Type: ACL; Schema: -; Owner: -
--

GRANT USAGE ON SCHEMA posthorn TO posthorn_publisher;
GRANT USAGE ON SCHEMA posthorn TO posthorn_api;
GRANT USAGE ON SCHEMA posthorn TO posthorn_dispatcher;
GRANT USAGE ON SCHEMA posthorn TO posthorn_readonly;
GRANT USAGE ON SCHEMA posthorn TO posthorn_admin;
GRANT USAGE ON SCHEMA posthorn TO posthorn_rekey;


--
-- Name: SCHEMA posthorn_webhooks; Type: ACL; Schema: -; Owner: -
--

GRANT USAGE ON SCHEMA posthorn_webhooks TO posthorn_api;
GRANT USAGE ON SCHEMA posthorn_webhooks TO posthorn_readonly;


--
-- Name: FUNCTION add_counts(a integer[], b integer[]); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.add_counts(a integer[], b integer[]) FROM PUBLIC;


--
-- Name: FUNCTION add_erasure(tenant uuid, wanted jsonb, after_id uuid, before_id uuid, total bigint, is_total_exact boolean); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.add_erasure(tenant uuid, wanted jsonb, after_id uuid, before_id uuid, total bigint, is_total_exact boolean) FROM PUBLIC;


--
-- Name: FUNCTION add_job(kind text, subscription uuid, wanted jsonb); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.add_job(kind text, subscription uuid, wanted jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.add_job(kind text, subscription uuid, wanted jsonb) TO posthorn_api;


--
-- Name: FUNCTION are_event_patterns(patterns text[]); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.are_event_patterns(patterns text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.are_event_patterns(patterns text[]) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.are_event_patterns(patterns text[]) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.are_event_patterns(patterns text[]) TO posthorn_rekey;


--
-- Name: FUNCTION ask_control(kind text, tenant_id uuid, subscription_id uuid, wanted jsonb, at_most integer, dry_run boolean, OUT matched bigint, OUT changed bigint, OUT skipped bigint, OUT job_id uuid); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.ask_control(kind text, tenant_id uuid, subscription_id uuid, wanted jsonb, at_most integer, dry_run boolean, OUT matched bigint, OUT changed bigint, OUT skipped bigint, OUT job_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.ask_control(kind text, tenant_id uuid, subscription_id uuid, wanted jsonb, at_most integer, dry_run boolean, OUT matched bigint, OUT changed bigint, OUT skipped bigint, OUT job_id uuid) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.ask_control(kind text, tenant_id uuid, subscription_id uuid, wanted jsonb, at_most integer, dry_run boolean, OUT matched bigint, OUT changed bigint, OUT skipped bigint, OUT job_id uuid) TO posthorn_admin;


--
-- Name: FUNCTION attach(source regclass, resource text, tenant text, on_insert text, on_update text, on_delete text, columns text[], "when" text, id text, ordered boolean); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.attach(source regclass, resource text, tenant text, on_insert text, on_update text, on_delete text, columns text[], "when" text, id text, ordered boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.attach(source regclass, resource text, tenant text, on_insert text, on_update text, on_delete text, columns text[], "when" text, id text, ordered boolean) TO posthorn_publisher;


--
-- Name: FUNCTION attached_insert(operation text, old_rows text, new_rows text, source regclass, settings jsonb); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.attached_insert(operation text, old_rows text, new_rows text, source regclass, settings jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.attached_insert(operation text, old_rows text, new_rows text, source regclass, settings jsonb) TO posthorn_publisher;


--
-- Name: FUNCTION attached_keys(source regclass, id text); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.attached_keys(source regclass, id text) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.attached_keys(source regclass, id text) TO posthorn_publisher;


--
-- Name: FUNCTION attachment(arguments bytea, OUT resource text, OUT events text[], OUT columns text[], OUT "when" text, OUT tenant text, OUT id text, OUT ordered boolean, OUT attached_by text, OUT attached_at timestamp with time zone); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.attachment(arguments bytea, OUT resource text, OUT events text[], OUT columns text[], OUT "when" text, OUT tenant text, OUT id text, OUT ordered boolean, OUT attached_by text, OUT attached_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.attachment(arguments bytea, OUT resource text, OUT events text[], OUT columns text[], OUT "when" text, OUT tenant text, OUT id text, OUT ordered boolean, OUT attached_by text, OUT attached_at timestamp with time zone) TO posthorn_publisher;
GRANT ALL ON FUNCTION posthorn.attachment(arguments bytea, OUT resource text, OUT events text[], OUT columns text[], OUT "when" text, OUT tenant text, OUT id text, OUT ordered boolean, OUT attached_by text, OUT attached_at timestamp with time zone) TO posthorn_readonly;
GRANT ALL ON FUNCTION posthorn.attachment(arguments bytea, OUT resource text, OUT events text[], OUT columns text[], OUT "when" text, OUT tenant text, OUT id text, OUT ordered boolean, OUT attached_by text, OUT attached_at timestamp with time zone) TO posthorn_admin;


--
-- Name: FUNCTION audit(action text, target_type text, target_id text, details jsonb); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.audit(action text, target_type text, target_id text, details jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.audit(action text, target_type text, target_id text, details jsonb) TO posthorn_api;


--
-- Name: FUNCTION audit_for(tenant_id uuid, action text, target_type text, target_id text, details jsonb); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.audit_for(tenant_id uuid, action text, target_type text, target_id text, details jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.audit_for(tenant_id uuid, action text, target_type text, target_id text, details jsonb) TO posthorn_dispatcher;


--
-- Name: FUNCTION audited_action(kind text, operation text, old_row jsonb, new_row jsonb); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.audited_action(kind text, operation text, old_row jsonb, new_row jsonb) FROM PUBLIC;


--
-- Name: FUNCTION audited_value(column_name text, value jsonb); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.audited_value(column_name text, value jsonb) FROM PUBLIC;


--
-- Name: FUNCTION backfill(subscription_id uuid, since timestamp with time zone, until timestamp with time zone, tenant_id uuid, at_most integer, dry_run boolean); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.backfill(subscription_id uuid, since timestamp with time zone, until timestamp with time zone, tenant_id uuid, at_most integer, dry_run boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.backfill(subscription_id uuid, since timestamp with time zone, until timestamp with time zone, tenant_id uuid, at_most integer, dry_run boolean) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.backfill(subscription_id uuid, since timestamp with time zone, until timestamp with time zone, tenant_id uuid, at_most integer, dry_run boolean) TO posthorn_admin;


--
-- Name: FUNCTION backfill_chunk(tenant uuid, subscription uuid, after_id uuid, before_id uuid, most integer, gives_up boolean, is_dry boolean, OUT "position" uuid, OUT looked_at integer, OUT changed integer, OUT skipped integer, OUT is_last boolean); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.backfill_chunk(tenant uuid, subscription uuid, after_id uuid, before_id uuid, most integer, gives_up boolean, is_dry boolean, OUT "position" uuid, OUT looked_at integer, OUT changed integer, OUT skipped integer, OUT is_last boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.backfill_chunk(tenant uuid, subscription uuid, after_id uuid, before_id uuid, most integer, gives_up boolean, is_dry boolean, OUT "position" uuid, OUT looked_at integer, OUT changed integer, OUT skipped integer, OUT is_last boolean) TO posthorn_dispatcher;


--
-- Name: FUNCTION batch_id(event_id uuid); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.batch_id(event_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.batch_id(event_id uuid) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.batch_id(event_id uuid) TO posthorn_readonly;


--
-- Name: FUNCTION bucket_bounds(); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.bucket_bounds() FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.bucket_bounds() TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.bucket_bounds() TO posthorn_readonly;


--
-- Name: FUNCTION call_next_in_line(); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.call_next_in_line() FROM PUBLIC;


--
-- Name: FUNCTION call_tester(); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.call_tester() FROM PUBLIC;


--
-- Name: FUNCTION cancel(tenant_id uuid, subscription_id uuid, event text, statuses text[], error_kind text, status_code integer, since timestamp with time zone, until timestamp with time zone, event_id uuid, event_ids uuid[], delivery_id uuid, resource_type text, resource_id text, ordering_key text, at_most integer, dry_run boolean); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.cancel(tenant_id uuid, subscription_id uuid, event text, statuses text[], error_kind text, status_code integer, since timestamp with time zone, until timestamp with time zone, event_id uuid, event_ids uuid[], delivery_id uuid, resource_type text, resource_id text, ordering_key text, at_most integer, dry_run boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.cancel(tenant_id uuid, subscription_id uuid, event text, statuses text[], error_kind text, status_code integer, since timestamp with time zone, until timestamp with time zone, event_id uuid, event_ids uuid[], delivery_id uuid, resource_type text, resource_id text, ordering_key text, at_most integer, dry_run boolean) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.cancel(tenant_id uuid, subscription_id uuid, event text, statuses text[], error_kind text, status_code integer, since timestamp with time zone, until timestamp with time zone, event_id uuid, event_ids uuid[], delivery_id uuid, resource_type text, resource_id text, ordering_key text, at_most integer, dry_run boolean) TO posthorn_admin;


--
-- Name: FUNCTION cancel_chunk(tenant uuid, subscription uuid, wanted jsonb, after_id uuid, before_id uuid, most integer, OUT "position" uuid, OUT looked_at integer, OUT changed integer, OUT skipped integer, OUT is_last boolean); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.cancel_chunk(tenant uuid, subscription uuid, wanted jsonb, after_id uuid, before_id uuid, most integer, OUT "position" uuid, OUT looked_at integer, OUT changed integer, OUT skipped integer, OUT is_last boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.cancel_chunk(tenant uuid, subscription uuid, wanted jsonb, after_id uuid, before_id uuid, most integer, OUT "position" uuid, OUT looked_at integer, OUT changed integer, OUT skipped integer, OUT is_last boolean) TO posthorn_dispatcher;


--
-- Name: FUNCTION cancel_event(event uuid, OUT is_found boolean, OUT is_fanout_cancelled boolean, OUT cancelled integer, OUT in_flight integer); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.cancel_event(event uuid, OUT is_found boolean, OUT is_fanout_cancelled boolean, OUT cancelled integer, OUT in_flight integer) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.cancel_event(event uuid, OUT is_found boolean, OUT is_fanout_cancelled boolean, OUT cancelled integer, OUT in_flight integer) TO posthorn_api;


--
-- Name: FUNCTION cancel_fanouts(tenant uuid, wanted jsonb, after_id uuid, before_id uuid, is_dry boolean); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.cancel_fanouts(tenant uuid, wanted jsonb, after_id uuid, before_id uuid, is_dry boolean) FROM PUBLIC;


--
-- Name: FUNCTION cancel_job(job uuid, OUT state text, OUT is_changed boolean); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.cancel_job(job uuid, OUT state text, OUT is_changed boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.cancel_job(job uuid, OUT state text, OUT is_changed boolean) TO posthorn_api;


--
-- Name: FUNCTION check_attachment(source regclass, resource text, events text[], columns text[]); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.check_attachment(source regclass, resource text, events text[], columns text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.check_attachment(source regclass, resource text, events text[], columns text[]) TO posthorn_publisher;


--
-- Name: FUNCTION check_control(tenant uuid, kind text, subscription uuid, wanted jsonb, at_most integer, dry_run boolean); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.check_control(tenant uuid, kind text, subscription uuid, wanted jsonb, at_most integer, dry_run boolean) FROM PUBLIC;


--
-- Name: FUNCTION check_erasure(wanted jsonb, at_most integer, dry_run boolean); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.check_erasure(wanted jsonb, at_most integer, dry_run boolean) FROM PUBLIC;


--
-- Name: FUNCTION claim(dispatcher uuid, room integer, share integer, margin double precision, default_timeout integer, default_cap integer, default_tenant_cap integer, busy_subscriptions uuid[], subscription_counts integer[], busy_tenants uuid[], tenant_counts integer[]); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.claim(dispatcher uuid, room integer, share integer, margin double precision, default_timeout integer, default_cap integer, default_tenant_cap integer, busy_subscriptions uuid[], subscription_counts integer[], busy_tenants uuid[], tenant_counts integer[]) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.claim(dispatcher uuid, room integer, share integer, margin double precision, default_timeout integer, default_cap integer, default_tenant_cap integer, busy_subscriptions uuid[], subscription_counts integer[], busy_tenants uuid[], tenant_counts integer[]) TO posthorn_dispatcher;


--
-- Name: FUNCTION claim(dispatcher uuid, room integer, share integer, margin double precision, default_timeout integer, default_cap integer, default_tenant_cap integer, busy_subscriptions uuid[], subscription_counts integer[], busy_tenants uuid[], tenant_counts integer[], with_trace boolean); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.claim(dispatcher uuid, room integer, share integer, margin double precision, default_timeout integer, default_cap integer, default_tenant_cap integer, busy_subscriptions uuid[], subscription_counts integer[], busy_tenants uuid[], tenant_counts integer[], with_trace boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.claim(dispatcher uuid, room integer, share integer, margin double precision, default_timeout integer, default_cap integer, default_tenant_cap integer, busy_subscriptions uuid[], subscription_counts integer[], busy_tenants uuid[], tenant_counts integer[], with_trace boolean) TO posthorn_dispatcher;


--
-- Name: FUNCTION claim_idempotency_key(); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.claim_idempotency_key() FROM PUBLIC;


--
-- Name: FUNCTION cloudevent_attributes(event_id uuid, event text, tenant_id uuid, created_at timestamp with time zone, resource_type text, resource_id text, source text); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.cloudevent_attributes(event_id uuid, event text, tenant_id uuid, created_at timestamp with time zone, resource_type text, resource_id text, source text) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.cloudevent_attributes(event_id uuid, event text, tenant_id uuid, created_at timestamp with time zone, resource_type text, resource_id text, source text) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.cloudevent_attributes(event_id uuid, event text, tenant_id uuid, created_at timestamp with time zone, resource_type text, resource_id text, source text) TO posthorn_readonly;


--
-- Name: FUNCTION control(tenant uuid, kind text, subscription uuid, wanted jsonb, at_most integer, dry_run boolean, OUT matched bigint, OUT changed bigint, OUT skipped bigint, OUT job_id uuid); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.control(tenant uuid, kind text, subscription uuid, wanted jsonb, at_most integer, dry_run boolean, OUT matched bigint, OUT changed bigint, OUT skipped bigint, OUT job_id uuid) FROM PUBLIC;


--
-- Name: FUNCTION control_as_operator(tenant uuid, kind text, subscription uuid, wanted jsonb, at_most integer, dry_run boolean, OUT matched bigint, OUT changed bigint, OUT skipped bigint, OUT job_id uuid); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.control_as_operator(tenant uuid, kind text, subscription uuid, wanted jsonb, at_most integer, dry_run boolean, OUT matched bigint, OUT changed bigint, OUT skipped bigint, OUT job_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.control_as_operator(tenant uuid, kind text, subscription uuid, wanted jsonb, at_most integer, dry_run boolean, OUT matched bigint, OUT changed bigint, OUT skipped bigint, OUT job_id uuid) TO posthorn_admin;


--
-- Name: FUNCTION control_as_tenant(kind text, subscription uuid, wanted jsonb, at_most integer, dry_run boolean, OUT matched bigint, OUT changed bigint, OUT skipped bigint, OUT job_id uuid); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.control_as_tenant(kind text, subscription uuid, wanted jsonb, at_most integer, dry_run boolean, OUT matched bigint, OUT changed bigint, OUT skipped bigint, OUT job_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.control_as_tenant(kind text, subscription uuid, wanted jsonb, at_most integer, dry_run boolean, OUT matched bigint, OUT changed bigint, OUT skipped bigint, OUT job_id uuid) TO posthorn_api;


--
-- Name: FUNCTION control_chunk(tenant uuid, kind text, subscription uuid, wanted jsonb, after_id uuid, before_id uuid, OUT "position" uuid, OUT looked_at integer, OUT changed integer, OUT skipped integer, OUT is_last boolean); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.control_chunk(tenant uuid, kind text, subscription uuid, wanted jsonb, after_id uuid, before_id uuid, OUT "position" uuid, OUT looked_at integer, OUT changed integer, OUT skipped integer, OUT is_last boolean) FROM PUBLIC;


--
-- Name: FUNCTION count_buckets(milliseconds integer[]); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.count_buckets(milliseconds integer[]) FROM PUBLIC;


--
-- Name: FUNCTION count_erasure(tenant uuid, wanted jsonb, after_id uuid, before_id uuid, OUT total bigint, OUT is_total_exact boolean); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.count_erasure(tenant uuid, wanted jsonb, after_id uuid, before_id uuid, OUT total bigint, OUT is_total_exact boolean) FROM PUBLIC;


--
-- Name: FUNCTION count_job(kind text, subscription uuid, wanted jsonb, after_id uuid, before_id uuid, OUT total bigint, OUT is_total_exact boolean); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.count_job(kind text, subscription uuid, wanted jsonb, after_id uuid, before_id uuid, OUT total bigint, OUT is_total_exact boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.count_job(kind text, subscription uuid, wanted jsonb, after_id uuid, before_id uuid, OUT total bigint, OUT is_total_exact boolean) TO posthorn_api;


--
-- Name: FUNCTION current_actor(); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.current_actor() FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.current_actor() TO posthorn_admin;
GRANT ALL ON FUNCTION posthorn.current_actor() TO posthorn_api;


--
-- Name: FUNCTION current_tenant(); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.current_tenant() FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.current_tenant() TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.current_tenant() TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.current_tenant() TO posthorn_readonly;
GRANT ALL ON FUNCTION posthorn.current_tenant() TO posthorn_admin;


--
-- Name: FUNCTION customer_created(tenant_id uuid, customer_id text, customer_name text, customer_email text, customer_phone text, customer_type text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.customer_created(tenant_id uuid, customer_id text, customer_name text, customer_email text, customer_phone text, customer_type text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.customer_created(tenant_id uuid, customer_id text, customer_name text, customer_email text, customer_phone text, customer_type text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text) TO posthorn_publisher;


--
-- Name: FUNCTION customer_updated(tenant_id uuid, customer_id text, customer_name text, customer_email text, customer_phone text, changes jsonb, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.customer_updated(tenant_id uuid, customer_id text, customer_name text, customer_email text, customer_phone text, changes jsonb, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.customer_updated(tenant_id uuid, customer_id text, customer_name text, customer_email text, customer_phone text, changes jsonb, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text) TO posthorn_publisher;


--
-- Name: FUNCTION day_state(parent text, day date, OUT row_count bigint, OUT state text); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.day_state(parent text, day date, OUT row_count bigint, OUT state text) FROM PUBLIC;


--
-- Name: FUNCTION delete_subscription(subscription uuid, OUT is_found boolean, OUT cancelled integer); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.delete_subscription(subscription uuid, OUT is_found boolean, OUT cancelled integer) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.delete_subscription(subscription uuid, OUT is_found boolean, OUT cancelled integer) TO posthorn_api;


--
-- Name: FUNCTION detach(source regclass, resource text); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.detach(source regclass, resource text) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.detach(source regclass, resource text) TO posthorn_publisher;


--
-- Name: FUNCTION drop_archived_day(parent text, day date, archived_state text, OUT is_dropped boolean, OUT held_back_by text); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.drop_archived_day(parent text, day date, archived_state text, OUT is_dropped boolean, OUT held_back_by text) FROM PUBLIC;


--
-- Name: FUNCTION drop_day(parent text, day date, OUT is_dropped boolean, OUT held_back_by text); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.drop_day(parent text, day date, OUT is_dropped boolean, OUT held_back_by text) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.drop_day(parent text, day date, OUT is_dropped boolean, OUT held_back_by text) TO posthorn_dispatcher;


--
-- Name: FUNCTION envelope_metadata(metadata jsonb, tenant_id uuid, source text); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.envelope_metadata(metadata jsonb, tenant_id uuid, source text) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.envelope_metadata(metadata jsonb, tenant_id uuid, source text) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.envelope_metadata(metadata jsonb, tenant_id uuid, source text) TO posthorn_readonly;


--
-- Name: FUNCTION envelope_time(at timestamp with time zone); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.envelope_time(at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.envelope_time(at timestamp with time zone) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.envelope_time(at timestamp with time zone) TO posthorn_readonly;


--
-- Name: FUNCTION erase(tenant_id uuid, resource_type text, resource_id text, payload jsonpath, event text, event_id uuid, event_ids uuid[], since timestamp with time zone, until timestamp with time zone, with_keys boolean, at_most integer, dry_run boolean); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.erase(tenant_id uuid, resource_type text, resource_id text, payload jsonpath, event text, event_id uuid, event_ids uuid[], since timestamp with time zone, until timestamp with time zone, with_keys boolean, at_most integer, dry_run boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.erase(tenant_id uuid, resource_type text, resource_id text, payload jsonpath, event text, event_id uuid, event_ids uuid[], since timestamp with time zone, until timestamp with time zone, with_keys boolean, at_most integer, dry_run boolean) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.erase(tenant_id uuid, resource_type text, resource_id text, payload jsonpath, event text, event_id uuid, event_ids uuid[], since timestamp with time zone, until timestamp with time zone, with_keys boolean, at_most integer, dry_run boolean) TO posthorn_admin;


--
-- Name: FUNCTION erase_as_operator(tenant uuid, wanted jsonb, at_most integer, dry_run boolean, OUT matched bigint, OUT erased bigint, OUT cancelled bigint, OUT in_flight bigint, OUT job_id uuid); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.erase_as_operator(tenant uuid, wanted jsonb, at_most integer, dry_run boolean, OUT matched bigint, OUT erased bigint, OUT cancelled bigint, OUT in_flight bigint, OUT job_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.erase_as_operator(tenant uuid, wanted jsonb, at_most integer, dry_run boolean, OUT matched bigint, OUT erased bigint, OUT cancelled bigint, OUT in_flight bigint, OUT job_id uuid) TO posthorn_admin;


--
-- Name: FUNCTION erase_as_tenant(wanted jsonb, at_most integer, dry_run boolean, OUT matched bigint, OUT erased bigint, OUT cancelled bigint, OUT in_flight bigint, OUT job_id uuid); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.erase_as_tenant(wanted jsonb, at_most integer, dry_run boolean, OUT matched bigint, OUT erased bigint, OUT cancelled bigint, OUT in_flight bigint, OUT job_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.erase_as_tenant(wanted jsonb, at_most integer, dry_run boolean, OUT matched bigint, OUT erased bigint, OUT cancelled bigint, OUT in_flight bigint, OUT job_id uuid) TO posthorn_api;


--
-- Name: FUNCTION erase_chunk(tenant uuid, wanted jsonb, after_id uuid, before_id uuid, most integer, OUT "position" uuid, OUT looked_at integer, OUT changed integer, OUT skipped integer, OUT cancelled integer, OUT is_last boolean); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.erase_chunk(tenant uuid, wanted jsonb, after_id uuid, before_id uuid, most integer, OUT "position" uuid, OUT looked_at integer, OUT changed integer, OUT skipped integer, OUT cancelled integer, OUT is_last boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.erase_chunk(tenant uuid, wanted jsonb, after_id uuid, before_id uuid, most integer, OUT "position" uuid, OUT looked_at integer, OUT changed integer, OUT skipped integer, OUT cancelled integer, OUT is_last boolean) TO posthorn_dispatcher;


--
-- Name: FUNCTION erase_for(tenant uuid, wanted jsonb, at_most integer, dry_run boolean, OUT matched bigint, OUT erased bigint, OUT cancelled bigint, OUT in_flight bigint, OUT job_id uuid); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.erase_for(tenant uuid, wanted jsonb, at_most integer, dry_run boolean, OUT matched bigint, OUT erased bigint, OUT cancelled bigint, OUT in_flight bigint, OUT job_id uuid) FROM PUBLIC;


--
-- Name: FUNCTION erasure_criteria(wanted jsonb); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.erasure_criteria(wanted jsonb) FROM PUBLIC;


--
-- Name: FUNCTION event_patterns(event text); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.event_patterns(event text) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.event_patterns(event text) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.event_patterns(event text) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.event_patterns(event text) TO posthorn_readonly;


--
-- Name: FUNCTION expired_days(keep_days integer); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.expired_days(keep_days integer) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.expired_days(keep_days integer) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.expired_days(keep_days integer) TO posthorn_readonly;


--
-- Name: FUNCTION fan_out(); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.fan_out() FROM PUBLIC;


--
-- Name: FUNCTION fan_out_event(taken_event_id uuid, chunk integer, gives_up boolean, OUT deliveries integer, OUT is_finished boolean); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.fan_out_event(taken_event_id uuid, chunk integer, gives_up boolean, OUT deliveries integer, OUT is_finished boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.fan_out_event(taken_event_id uuid, chunk integer, gives_up boolean, OUT deliveries integer, OUT is_finished boolean) TO posthorn_dispatcher;


--
-- Name: FUNCTION fan_out_open(chunk integer, OUT is_found boolean, OUT deliveries integer); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.fan_out_open(chunk integer, OUT is_found boolean, OUT deliveries integer) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.fan_out_open(chunk integer, OUT is_found boolean, OUT deliveries integer) TO posthorn_dispatcher;


--
-- Name: FUNCTION find_api_key(key_id text); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.find_api_key(key_id text) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.find_api_key(key_id text) TO posthorn_api;


--
-- Name: FUNCTION find_events(wanted_event text, wanted_type text, wanted_resource text, wanted_fanout text, filter jsonpath, since_id uuid, before_id uuid, most_found integer, OUT event_ids uuid[], OUT looked_at integer, OUT oldest_id uuid, OUT ended_by text); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.find_events(wanted_event text, wanted_type text, wanted_resource text, wanted_fanout text, filter jsonpath, since_id uuid, before_id uuid, most_found integer, OUT event_ids uuid[], OUT looked_at integer, OUT oldest_id uuid, OUT ended_by text) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.find_events(wanted_event text, wanted_type text, wanted_resource text, wanted_fanout text, filter jsonpath, since_id uuid, before_id uuid, most_found integer, OUT event_ids uuid[], OUT looked_at integer, OUT oldest_id uuid, OUT ended_by text) TO posthorn_api;


--
-- Name: FUNCTION first_id_at(at timestamp with time zone); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.first_id_at(at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.first_id_at(at timestamp with time zone) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.first_id_at(at timestamp with time zone) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.first_id_at(at timestamp with time zone) TO posthorn_readonly;


--
-- Name: FUNCTION first_id_of(day date); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.first_id_of(day date) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.first_id_of(day date) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.first_id_of(day date) TO posthorn_readonly;


--
-- Name: FUNCTION fold_tallies(most integer, OUT folded integer, OUT has_older boolean); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.fold_tallies(most integer, OUT folded integer, OUT has_older boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.fold_tallies(most integer, OUT folded integer, OUT has_older boolean) TO posthorn_dispatcher;


--
-- Name: FUNCTION forget_audit_log(keep_days integer, max_rows integer); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.forget_audit_log(keep_days integer, max_rows integer) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.forget_audit_log(keep_days integer, max_rows integer) TO posthorn_dispatcher;


--
-- Name: FUNCTION forget_circuit(); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.forget_circuit() FROM PUBLIC;


--
-- Name: FUNCTION forget_coalesced_keys(max_rows integer); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.forget_coalesced_keys(max_rows integer) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.forget_coalesced_keys(max_rows integer) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.forget_coalesced_keys(max_rows integer) TO posthorn_dispatcher;


--
-- Name: FUNCTION forget_idempotency_keys(max_rows integer); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.forget_idempotency_keys(max_rows integer) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.forget_idempotency_keys(max_rows integer) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.forget_idempotency_keys(max_rows integer) TO posthorn_dispatcher;


--
-- Name: FUNCTION forget_published_keys(max_rows integer); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.forget_published_keys(max_rows integer) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.forget_published_keys(max_rows integer) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.forget_published_keys(max_rows integer) TO posthorn_dispatcher;


--
-- Name: FUNCTION forget_short_lived_keys(max_rows integer); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.forget_short_lived_keys(max_rows integer) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.forget_short_lived_keys(max_rows integer) TO posthorn_dispatcher;


--
-- Name: FUNCTION growth(); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.growth() FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.growth() TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.growth() TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.growth() TO posthorn_readonly;


--
-- Name: FUNCTION held_back_by(parent text, day date); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.held_back_by(parent text, day date) FROM PUBLIC;


--
-- Name: FUNCTION here(OUT system_identifier bigint, OUT database_oid bigint); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.here(OUT system_identifier bigint, OUT database_oid bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.here(OUT system_identifier bigint, OUT database_oid bigint) TO posthorn_readonly;


--
-- Name: FUNCTION hmac_sha256(key bytea, message bytea); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.hmac_sha256(key bytea, message bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.hmac_sha256(key bytea, message bytea) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.hmac_sha256(key bytea, message bytea) TO posthorn_readonly;


--
-- Name: FUNCTION hold_tenant(); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.hold_tenant() FROM PUBLIC;


--
-- Name: FUNCTION identify_api_key(key_id text); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.identify_api_key(key_id text) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.identify_api_key(key_id text) TO posthorn_api;


--
-- Name: FUNCTION ids_of_job(wanted jsonb, OUT after_id uuid, OUT before_id uuid); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.ids_of_job(wanted jsonb, OUT after_id uuid, OUT before_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.ids_of_job(wanted jsonb, OUT after_id uuid, OUT before_id uuid) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.ids_of_job(wanted jsonb, OUT after_id uuid, OUT before_id uuid) TO posthorn_dispatcher;


--
-- Name: FUNCTION invoice_authorized(tenant_id uuid, invoice_id text, invoice_number text, authorization_number text, authorization_key text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.invoice_authorized(tenant_id uuid, invoice_id text, invoice_number text, authorization_number text, authorization_key text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.invoice_authorized(tenant_id uuid, invoice_id text, invoice_number text, authorization_number text, authorization_key text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text) TO posthorn_publisher;


--
-- Name: FUNCTION invoice_cancelled(tenant_id uuid, invoice_id text, invoice_number text, reason text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.invoice_cancelled(tenant_id uuid, invoice_id text, invoice_number text, reason text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.invoice_cancelled(tenant_id uuid, invoice_id text, invoice_number text, reason text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text) TO posthorn_publisher;


--
-- Name: FUNCTION invoice_created(tenant_id uuid, invoice_id text, invoice_number text, amount numeric, currency text, customer_name text, customer_id text, status text, created_at timestamp with time zone, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.invoice_created(tenant_id uuid, invoice_id text, invoice_number text, amount numeric, currency text, customer_name text, customer_id text, status text, created_at timestamp with time zone, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.invoice_created(tenant_id uuid, invoice_id text, invoice_number text, amount numeric, currency text, customer_name text, customer_id text, status text, created_at timestamp with time zone, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text) TO posthorn_publisher;


--
-- Name: FUNCTION invoice_rejected(tenant_id uuid, invoice_id text, invoice_number text, reason text, error_code text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.invoice_rejected(tenant_id uuid, invoice_id text, invoice_number text, reason text, error_code text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.invoice_rejected(tenant_id uuid, invoice_id text, invoice_number text, reason text, error_code text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text) TO posthorn_publisher;


--
-- Name: FUNCTION invoice_sent(tenant_id uuid, invoice_id text, invoice_number text, sent_to text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.invoice_sent(tenant_id uuid, invoice_id text, invoice_number text, sent_to text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.invoice_sent(tenant_id uuid, invoice_id text, invoice_number text, sent_to text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text) TO posthorn_publisher;


--
-- Name: FUNCTION is_cheap_filter(filter jsonpath); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.is_cheap_filter(filter jsonpath) FROM PUBLIC;


--
-- Name: FUNCTION is_checked_event(tenant uuid, event_name text); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.is_checked_event(tenant uuid, event_name text) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.is_checked_event(tenant uuid, event_name text) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.is_checked_event(tenant uuid, event_name text) TO posthorn_dispatcher;


--
-- Name: FUNCTION is_copy(); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.is_copy() FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.is_copy() TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.is_copy() TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.is_copy() TO posthorn_admin;
GRANT ALL ON FUNCTION posthorn.is_copy() TO posthorn_readonly;


--
-- Name: FUNCTION is_day_there(parent text, day date); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.is_day_there(parent text, day date) FROM PUBLIC;


--
-- Name: FUNCTION is_erased(delivery uuid); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.is_erased(delivery uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.is_erased(delivery uuid) TO posthorn_dispatcher;


--
-- Name: FUNCTION is_strict_tenant(tenant uuid); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.is_strict_tenant(tenant uuid) FROM PUBLIC;


--
-- Name: FUNCTION is_tenant_enabled(tenant uuid); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.is_tenant_enabled(tenant uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.is_tenant_enabled(tenant uuid) TO posthorn_api;


--
-- Name: FUNCTION json_faults(texts text[]); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.json_faults(texts text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.json_faults(texts text[]) TO posthorn_api;


--
-- Name: FUNCTION json_text(value text); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.json_text(value text) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.json_text(value text) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.json_text(value text) TO posthorn_readonly;


--
-- Name: FUNCTION keep_patterns_marked(tenant uuid); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.keep_patterns_marked(tenant uuid) FROM PUBLIC;


--
-- Name: FUNCTION keep_subscription_patterns(); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.keep_subscription_patterns() FROM PUBLIC;


--
-- Name: FUNCTION lease(dispatcher uuid, tenant uuid, subscription uuid, wanted integer, most integer, busy integer, default_cap integer, default_timeout integer, margin double precision, floor_at timestamp with time zone, OUT leased uuid[], OUT rescued uuid[], OUT is_cut boolean, OUT is_capped boolean, OUT look_again_at timestamp with time zone); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.lease(dispatcher uuid, tenant uuid, subscription uuid, wanted integer, most integer, busy integer, default_cap integer, default_timeout integer, margin double precision, floor_at timestamp with time zone, OUT leased uuid[], OUT rescued uuid[], OUT is_cut boolean, OUT is_capped boolean, OUT look_again_at timestamp with time zone) FROM PUBLIC;


--
-- Name: FUNCTION make_day(parent text, day date); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.make_day(parent text, day date) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.make_day(parent text, day date) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.make_day(parent text, day date) TO posthorn_dispatcher;


--
-- Name: FUNCTION mark_pattern(); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.mark_pattern() FROM PUBLIC;


--
-- Name: FUNCTION missing_days(ahead integer); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.missing_days(ahead integer) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.missing_days(ahead integer) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.missing_days(ahead integer) TO posthorn_dispatcher;


--
-- Name: FUNCTION monitored_states(); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.monitored_states() FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.monitored_states() TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.monitored_states() TO posthorn_readonly;


--
-- Name: FUNCTION monitored_waiting(most integer); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.monitored_waiting(most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.monitored_waiting(most integer) TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.monitored_waiting(most integer) TO posthorn_readonly;


--
-- Name: FUNCTION no_tenant(source text); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.no_tenant(source text) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.no_tenant(source text) TO posthorn_publisher;


--
-- Name: FUNCTION note_audit(); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.note_audit() FROM PUBLIC;


--
-- Name: FUNCTION note_erasure(); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.note_erasure() FROM PUBLIC;


--
-- Name: FUNCTION note_event_type_change(); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.note_event_type_change() FROM PUBLIC;


--
-- Name: FUNCTION note_key_use(key_id text); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.note_key_use(key_id text) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.note_key_use(key_id text) TO posthorn_api;


--
-- Name: FUNCTION note_outcomes(subscriptions uuid[], successes integer[], failures integer[], trailing_failures integer[], errors text[], default_failures integer, default_ratio double precision, default_seconds integer, default_suspend_seconds integer); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.note_outcomes(subscriptions uuid[], successes integer[], failures integer[], trailing_failures integer[], errors text[], default_failures integer, default_ratio double precision, default_seconds integer, default_suspend_seconds integer) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.note_outcomes(subscriptions uuid[], successes integer[], failures integer[], trailing_failures integer[], errors text[], default_failures integer, default_ratio double precision, default_seconds integer, default_suspend_seconds integer) TO posthorn_dispatcher;


--
-- Name: FUNCTION note_strictness(); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.note_strictness() FROM PUBLIC;


--
-- Name: FUNCTION note_subscription_change(); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.note_subscription_change() FROM PUBLIC;


--
-- Name: FUNCTION oldest_waiting(tenant uuid, OUT subscription_id uuid, OUT due_at timestamp with time zone); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.oldest_waiting(tenant uuid, OUT subscription_id uuid, OUT due_at timestamp with time zone) FROM PUBLIC;


--
-- Name: FUNCTION open_publishers(); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.open_publishers() FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.open_publishers() TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.open_publishers() TO posthorn_dispatcher;


--
-- Name: FUNCTION ordering_lock(tenant_id uuid, ordering_key text); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.ordering_lock(tenant_id uuid, ordering_key text) FROM PUBLIC;


--
-- Name: FUNCTION own_payload(event_id uuid); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.own_payload(event_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.own_payload(event_id uuid) TO posthorn_api;


--
-- Name: FUNCTION payload_fits(payload jsonb); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.payload_fits(payload jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.payload_fits(payload jsonb) TO posthorn_publisher;
GRANT ALL ON FUNCTION posthorn.payload_fits(payload jsonb) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.payload_fits(payload jsonb) TO posthorn_dispatcher;


--
-- Name: FUNCTION payload_of(event_id uuid); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.payload_of(event_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.payload_of(event_id uuid) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.payload_of(event_id uuid) TO posthorn_readonly;


--
-- Name: FUNCTION payment_failed(tenant_id uuid, payment_id text, invoice_id text, amount numeric, currency text, reason text, error_code text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.payment_failed(tenant_id uuid, payment_id text, invoice_id text, amount numeric, currency text, reason text, error_code text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.payment_failed(tenant_id uuid, payment_id text, invoice_id text, amount numeric, currency text, reason text, error_code text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text) TO posthorn_publisher;


--
-- Name: FUNCTION payment_received(tenant_id uuid, payment_id text, invoice_id text, amount numeric, currency text, payment_method text, reference_number text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.payment_received(tenant_id uuid, payment_id text, invoice_id text, amount numeric, currency text, payment_method text, reference_number text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.payment_received(tenant_id uuid, payment_id text, invoice_id text, amount numeric, currency text, payment_method text, reference_number text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text) TO posthorn_publisher;


--
-- Name: FUNCTION percent_encode(value text, plain text); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.percent_encode(value text, plain text) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.percent_encode(value text, plain text) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.percent_encode(value text, plain text) TO posthorn_readonly;


--
-- Name: FUNCTION percentile(counts bigint[], largest_ms integer, share double precision); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.percentile(counts bigint[], largest_ms integer, share double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.percentile(counts bigint[], largest_ms integer, share double precision) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.percentile(counts bigint[], largest_ms integer, share double precision) TO posthorn_readonly;


--
-- Name: FUNCTION pick_deliveries(tenant uuid, subscription uuid, wanted jsonb, after_id uuid, before_id uuid, most integer); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.pick_deliveries(tenant uuid, subscription uuid, wanted jsonb, after_id uuid, before_id uuid, most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.pick_deliveries(tenant uuid, subscription uuid, wanted jsonb, after_id uuid, before_id uuid, most integer) TO posthorn_dispatcher;


--
-- Name: FUNCTION pick_events(tenant uuid, wanted jsonb, after_id uuid, before_id uuid, most integer, OUT ids uuid[], OUT looked_at integer, OUT last_id uuid); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.pick_events(tenant uuid, wanted jsonb, after_id uuid, before_id uuid, most integer, OUT ids uuid[], OUT looked_at integer, OUT last_id uuid) FROM PUBLIC;


--
-- Name: FUNCTION preview(event_id uuid, subscription_id uuid, at timestamp with time zone, secret text); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.preview(event_id uuid, subscription_id uuid, at timestamp with time zone, secret text) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.preview(event_id uuid, subscription_id uuid, at timestamp with time zone, secret text) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.preview(event_id uuid, subscription_id uuid, at timestamp with time zone, secret text) TO posthorn_readonly;


--
-- Name: FUNCTION prune_statistics(most integer); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.prune_statistics(most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.prune_statistics(most integer) TO posthorn_dispatcher;


--
-- Name: FUNCTION prune_strays(parent text, keep_days integer, chunk integer); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.prune_strays(parent text, keep_days integer, chunk integer) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.prune_strays(parent text, keep_days integer, chunk integer) TO posthorn_dispatcher;


--
-- Name: FUNCTION publish(tenant_id uuid, event text, payload jsonb, resource_type text, resource_id text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.publish(tenant_id uuid, event text, payload jsonb, resource_type text, resource_id text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.publish(tenant_id uuid, event text, payload jsonb, resource_type text, resource_id text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text) TO posthorn_publisher;


--
-- Name: FUNCTION publish_as_tenant(event text, payload jsonb, resource_type text, resource_id text, metadata jsonb, deliver_after timestamp with time zone); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.publish_as_tenant(event text, payload jsonb, resource_type text, resource_id text, metadata jsonb, deliver_after timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.publish_as_tenant(event text, payload jsonb, resource_type text, resource_id text, metadata jsonb, deliver_after timestamp with time zone) TO posthorn_api;


--
-- Name: FUNCTION publish_as_tenant(event text, payload jsonb, resource_type text, resource_id text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.publish_as_tenant(event text, payload jsonb, resource_type text, resource_id text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.publish_as_tenant(event text, payload jsonb, resource_type text, resource_id text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text) TO posthorn_api;


--
-- Name: FUNCTION publish_business_event(tenant_id uuid, event text, required text[], payload jsonb, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.publish_business_event(tenant_id uuid, event text, required text[], payload jsonb, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text) FROM PUBLIC;


--
-- Name: FUNCTION publish_many_as_tenant(events text[], payloads text[], resource_types text[], resource_ids text[], metadata text[], deliver_afters timestamp with time zone[], ordering_keys text[]); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.publish_many_as_tenant(events text[], payloads text[], resource_types text[], resource_ids text[], metadata text[], deliver_afters timestamp with time zone[], ordering_keys text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.publish_many_as_tenant(events text[], payloads text[], resource_types text[], resource_ids text[], metadata text[], deliver_afters timestamp with time zone[], ordering_keys text[]) TO posthorn_api;


--
-- Name: FUNCTION queue_state(); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.queue_state() FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.queue_state() TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.queue_state() TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.queue_state() TO posthorn_readonly;


--
-- Name: FUNCTION receiver_host(url text); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.receiver_host(url text) FROM PUBLIC;


--
-- Name: FUNCTION refuse_erased(); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.refuse_erased() FROM PUBLIC;


--
-- Name: FUNCTION render_body(format text, event_id uuid, event text, tenant_id uuid, created_at timestamp with time zone, resource_type text, resource_id text, payload text, metadata jsonb, source text); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.render_body(format text, event_id uuid, event text, tenant_id uuid, created_at timestamp with time zone, resource_type text, resource_id text, payload text, metadata jsonb, source text) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.render_body(format text, event_id uuid, event text, tenant_id uuid, created_at timestamp with time zone, resource_type text, resource_id text, payload text, metadata jsonb, source text) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.render_body(format text, event_id uuid, event text, tenant_id uuid, created_at timestamp with time zone, resource_type text, resource_id text, payload text, metadata jsonb, source text) TO posthorn_readonly;


--
-- Name: FUNCTION replay(tenant_id uuid, subscription_id uuid, event text, statuses text[], error_kind text, status_code integer, since timestamp with time zone, until timestamp with time zone, event_id uuid, event_ids uuid[], delivery_id uuid, resource_type text, resource_id text, ordering_key text, at_most integer, dry_run boolean); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.replay(tenant_id uuid, subscription_id uuid, event text, statuses text[], error_kind text, status_code integer, since timestamp with time zone, until timestamp with time zone, event_id uuid, event_ids uuid[], delivery_id uuid, resource_type text, resource_id text, ordering_key text, at_most integer, dry_run boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.replay(tenant_id uuid, subscription_id uuid, event text, statuses text[], error_kind text, status_code integer, since timestamp with time zone, until timestamp with time zone, event_id uuid, event_ids uuid[], delivery_id uuid, resource_type text, resource_id text, ordering_key text, at_most integer, dry_run boolean) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.replay(tenant_id uuid, subscription_id uuid, event text, statuses text[], error_kind text, status_code integer, since timestamp with time zone, until timestamp with time zone, event_id uuid, event_ids uuid[], delivery_id uuid, resource_type text, resource_id text, ordering_key text, at_most integer, dry_run boolean) TO posthorn_admin;


--
-- Name: FUNCTION reset_circuit(subscription uuid); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.reset_circuit(subscription uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.reset_circuit(subscription uuid) TO posthorn_api;


--
-- Name: FUNCTION resume(); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.resume() FROM PUBLIC;


--
-- Name: FUNCTION retry(tenant_id uuid, subscription_id uuid, event text, statuses text[], error_kind text, status_code integer, since timestamp with time zone, until timestamp with time zone, event_id uuid, event_ids uuid[], delivery_id uuid, resource_type text, resource_id text, ordering_key text, at_most integer, dry_run boolean); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.retry(tenant_id uuid, subscription_id uuid, event text, statuses text[], error_kind text, status_code integer, since timestamp with time zone, until timestamp with time zone, event_id uuid, event_ids uuid[], delivery_id uuid, resource_type text, resource_id text, ordering_key text, at_most integer, dry_run boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.retry(tenant_id uuid, subscription_id uuid, event text, statuses text[], error_kind text, status_code integer, since timestamp with time zone, until timestamp with time zone, event_id uuid, event_ids uuid[], delivery_id uuid, resource_type text, resource_id text, ordering_key text, at_most integer, dry_run boolean) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.retry(tenant_id uuid, subscription_id uuid, event text, statuses text[], error_kind text, status_code integer, since timestamp with time zone, until timestamp with time zone, event_id uuid, event_ids uuid[], delivery_id uuid, resource_type text, resource_id text, ordering_key text, at_most integer, dry_run boolean) TO posthorn_admin;


--
-- Name: FUNCTION retry_chunk(tenant uuid, subscription uuid, wanted jsonb, after_id uuid, before_id uuid, most integer, OUT "position" uuid, OUT looked_at integer, OUT changed integer, OUT skipped integer, OUT is_last boolean); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.retry_chunk(tenant uuid, subscription uuid, wanted jsonb, after_id uuid, before_id uuid, most integer, OUT "position" uuid, OUT looked_at integer, OUT changed integer, OUT skipped integer, OUT is_last boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.retry_chunk(tenant uuid, subscription uuid, wanted jsonb, after_id uuid, before_id uuid, most integer, OUT "position" uuid, OUT looked_at integer, OUT changed integer, OUT skipped integer, OUT is_last boolean) TO posthorn_dispatcher;


--
-- Name: FUNCTION run_job(job uuid, most integer, rows_per_second integer, gives_up boolean, OUT kind text, OUT is_finished boolean, OUT changed integer, OUT pause_seconds double precision); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.run_job(job uuid, most integer, rows_per_second integer, gives_up boolean, OUT kind text, OUT is_finished boolean, OUT changed integer, OUT pause_seconds double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.run_job(job uuid, most integer, rows_per_second integer, gives_up boolean, OUT kind text, OUT is_finished boolean, OUT changed integer, OUT pause_seconds double precision) TO posthorn_dispatcher;


--
-- Name: FUNCTION sales_order_cancelled(tenant_id uuid, order_id text, order_number text, reason text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.sales_order_cancelled(tenant_id uuid, order_id text, order_number text, reason text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.sales_order_cancelled(tenant_id uuid, order_id text, order_number text, reason text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text) TO posthorn_publisher;


--
-- Name: FUNCTION sales_order_confirmed(tenant_id uuid, order_id text, order_number text, customer_id text, customer_name text, amount numeric, currency text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.sales_order_confirmed(tenant_id uuid, order_id text, order_number text, customer_id text, customer_name text, amount numeric, currency text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.sales_order_confirmed(tenant_id uuid, order_id text, order_number text, customer_id text, customer_name text, amount numeric, currency text, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text) TO posthorn_publisher;


--
-- Name: FUNCTION sales_order_created(tenant_id uuid, order_id text, order_number text, customer_id text, customer_name text, amount numeric, currency text, items_count integer, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.sales_order_created(tenant_id uuid, order_id text, order_number text, customer_id text, customer_name text, amount numeric, currency text, items_count integer, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.sales_order_created(tenant_id uuid, order_id text, order_number text, customer_id text, customer_name text, amount numeric, currency text, items_count integer, metadata jsonb, deliver_after timestamp with time zone, ordering_key text, idempotency_key text, coalesce_key text) TO posthorn_publisher;


--
-- Name: FUNCTION schema_version(); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.schema_version() FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.schema_version() TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.schema_version() TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.schema_version() TO posthorn_readonly;
GRANT ALL ON FUNCTION posthorn.schema_version() TO posthorn_rekey;


--
-- Name: FUNCTION set_secret(subscription uuid, sealed bytea, new_public_key text, overlap_seconds integer, new_signing text, new_signature text); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.set_secret(subscription uuid, sealed bytea, new_public_key text, overlap_seconds integer, new_signing text, new_signature text) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.set_secret(subscription uuid, sealed bytea, new_public_key text, overlap_seconds integer, new_signing text, new_signature text) TO posthorn_api;


--
-- Name: FUNCTION settle(); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.settle() FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.settle() TO posthorn_dispatcher;


--
-- Name: FUNCTION signature_headers(families text[], message_id text, event text, sent_at timestamp with time zone, body text, secret text, is_signed boolean); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.signature_headers(families text[], message_id text, event text, sent_at timestamp with time zone, body text, secret text, is_signed boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.signature_headers(families text[], message_id text, event text, sent_at timestamp with time zone, body text, secret text, is_signed boolean) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.signature_headers(families text[], message_id text, event text, sent_at timestamp with time zone, body text, secret text, is_signed boolean) TO posthorn_readonly;


--
-- Name: FUNCTION standard_key(secret text); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.standard_key(secret text) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.standard_key(secret text) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.standard_key(secret text) TO posthorn_readonly;


--
-- Name: FUNCTION stray_days(keep_days integer); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.stray_days(keep_days integer) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.stray_days(keep_days integer) TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.stray_days(keep_days integer) TO posthorn_dispatcher;


--
-- Name: FUNCTION supersede_earlier(event_ids uuid[], tenant_ids uuid[], events text[], coalesce_keys text[]); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.supersede_earlier(event_ids uuid[], tenant_ids uuid[], events text[], coalesce_keys text[]) FROM PUBLIC;


--
-- Name: FUNCTION take_job(OUT id uuid, OUT failures integer); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.take_job(OUT id uuid, OUT failures integer) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.take_job(OUT id uuid, OUT failures integer) TO posthorn_dispatcher;


--
-- Name: FUNCTION tell(tenant uuid, event text, resource_type text, resource_id text, details jsonb); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.tell(tenant uuid, event text, resource_type text, resource_id text, details jsonb) FROM PUBLIC;


--
-- Name: FUNCTION tell_held_back(OUT told integer); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.tell_held_back(OUT told integer) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.tell_held_back(OUT told integer) TO posthorn_dispatcher;


--
-- Name: FUNCTION tell_of_backlogs(high_seconds integer, OUT told integer); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.tell_of_backlogs(high_seconds integer, OUT told integer) FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.tell_of_backlogs(high_seconds integer, OUT told integer) TO posthorn_dispatcher;


--
-- Name: FUNCTION tell_of_circuit(); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.tell_of_circuit() FROM PUBLIC;


--
-- Name: FUNCTION tell_of_exhausted(); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.tell_of_exhausted() FROM PUBLIC;


--
-- Name: FUNCTION tell_of_subscription(); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.tell_of_subscription() FROM PUBLIC;


--
-- Name: FUNCTION uuid7(); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.uuid7() FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.uuid7() TO posthorn_publisher;
GRANT ALL ON FUNCTION posthorn.uuid7() TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.uuid7() TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.uuid7() TO posthorn_admin;


--
-- Name: FUNCTION wake(); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.wake() FROM PUBLIC;
GRANT ALL ON FUNCTION posthorn.wake() TO posthorn_api;
GRANT ALL ON FUNCTION posthorn.wake() TO posthorn_dispatcher;
GRANT ALL ON FUNCTION posthorn.wake() TO posthorn_readonly;


--
-- Name: FUNCTION who_hears(tenant uuid, event text); Type: ACL; Schema: posthorn; Owner: -
--

REVOKE ALL ON FUNCTION posthorn.who_hears(tenant uuid, event text) FROM PUBLIC;


--
-- Name: COLUMN api_keys.id; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(id) ON TABLE posthorn.api_keys TO posthorn_readonly;
GRANT SELECT(id),INSERT(id) ON TABLE posthorn.api_keys TO posthorn_api;
GRANT SELECT(id),INSERT(id) ON TABLE posthorn.api_keys TO posthorn_admin;


--
-- Name: COLUMN api_keys.tenant_id; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(tenant_id) ON TABLE posthorn.api_keys TO posthorn_readonly;
GRANT SELECT(tenant_id),INSERT(tenant_id) ON TABLE posthorn.api_keys TO posthorn_api;
GRANT SELECT(tenant_id),INSERT(tenant_id) ON TABLE posthorn.api_keys TO posthorn_admin;


--
-- Name: COLUMN api_keys.name; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(name) ON TABLE posthorn.api_keys TO posthorn_readonly;
GRANT SELECT(name),INSERT(name) ON TABLE posthorn.api_keys TO posthorn_api;
GRANT SELECT(name),INSERT(name) ON TABLE posthorn.api_keys TO posthorn_admin;


--
-- Name: COLUMN api_keys.secret_sha256; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(secret_sha256) ON TABLE posthorn.api_keys TO posthorn_api;
GRANT INSERT(secret_sha256) ON TABLE posthorn.api_keys TO posthorn_admin;


--
-- Name: COLUMN api_keys.created_at; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(created_at) ON TABLE posthorn.api_keys TO posthorn_readonly;
GRANT SELECT(created_at) ON TABLE posthorn.api_keys TO posthorn_api;
GRANT SELECT(created_at) ON TABLE posthorn.api_keys TO posthorn_admin;


--
-- Name: COLUMN api_keys.revoked_at; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(revoked_at) ON TABLE posthorn.api_keys TO posthorn_readonly;
GRANT SELECT(revoked_at),UPDATE(revoked_at) ON TABLE posthorn.api_keys TO posthorn_api;
GRANT SELECT(revoked_at),UPDATE(revoked_at) ON TABLE posthorn.api_keys TO posthorn_admin;


--
-- Name: COLUMN api_keys.scopes; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(scopes),INSERT(scopes) ON TABLE posthorn.api_keys TO posthorn_api;
GRANT SELECT(scopes) ON TABLE posthorn.api_keys TO posthorn_readonly;
GRANT SELECT(scopes),INSERT(scopes) ON TABLE posthorn.api_keys TO posthorn_admin;


--
-- Name: COLUMN api_keys.expires_at; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(expires_at),INSERT(expires_at) ON TABLE posthorn.api_keys TO posthorn_api;
GRANT SELECT(expires_at) ON TABLE posthorn.api_keys TO posthorn_readonly;
GRANT SELECT(expires_at),INSERT(expires_at) ON TABLE posthorn.api_keys TO posthorn_admin;


--
-- Name: COLUMN api_keys.last_used_at; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(last_used_at) ON TABLE posthorn.api_keys TO posthorn_api;
GRANT SELECT(last_used_at) ON TABLE posthorn.api_keys TO posthorn_readonly;
GRANT SELECT(last_used_at) ON TABLE posthorn.api_keys TO posthorn_admin;


--
-- Name: TABLE attached_tables; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT ON TABLE posthorn.attached_tables TO posthorn_readonly;
GRANT SELECT ON TABLE posthorn.attached_tables TO posthorn_admin;


--
-- Name: TABLE audit_log; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT ON TABLE posthorn.audit_log TO posthorn_api;
GRANT SELECT ON TABLE posthorn.audit_log TO posthorn_readonly;


--
-- Name: TABLE circuits; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT,DELETE ON TABLE posthorn.circuits TO posthorn_api;
GRANT SELECT ON TABLE posthorn.circuits TO posthorn_dispatcher;
GRANT SELECT ON TABLE posthorn.circuits TO posthorn_readonly;


--
-- Name: TABLE webhook_deliveries; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT ON TABLE posthorn.webhook_deliveries TO posthorn_api;
GRANT SELECT ON TABLE posthorn.webhook_deliveries TO posthorn_dispatcher;
GRANT SELECT ON TABLE posthorn.webhook_deliveries TO posthorn_readonly;


--
-- Name: COLUMN webhook_deliveries.status; Type: ACL; Schema: posthorn; Owner: -
--

GRANT UPDATE(status) ON TABLE posthorn.webhook_deliveries TO posthorn_api;
GRANT UPDATE(status) ON TABLE posthorn.webhook_deliveries TO posthorn_dispatcher;


--
-- Name: COLUMN webhook_deliveries.generation; Type: ACL; Schema: posthorn; Owner: -
--

GRANT UPDATE(generation) ON TABLE posthorn.webhook_deliveries TO posthorn_api;
GRANT UPDATE(generation) ON TABLE posthorn.webhook_deliveries TO posthorn_dispatcher;


--
-- Name: COLUMN webhook_deliveries.epoch; Type: ACL; Schema: posthorn; Owner: -
--

GRANT UPDATE(epoch) ON TABLE posthorn.webhook_deliveries TO posthorn_api;
GRANT UPDATE(epoch) ON TABLE posthorn.webhook_deliveries TO posthorn_dispatcher;


--
-- Name: COLUMN webhook_deliveries.attempts; Type: ACL; Schema: posthorn; Owner: -
--

GRANT UPDATE(attempts) ON TABLE posthorn.webhook_deliveries TO posthorn_api;
GRANT UPDATE(attempts) ON TABLE posthorn.webhook_deliveries TO posthorn_dispatcher;


--
-- Name: COLUMN webhook_deliveries.due_at; Type: ACL; Schema: posthorn; Owner: -
--

GRANT UPDATE(due_at) ON TABLE posthorn.webhook_deliveries TO posthorn_api;
GRANT UPDATE(due_at) ON TABLE posthorn.webhook_deliveries TO posthorn_dispatcher;


--
-- Name: COLUMN webhook_deliveries.lease_until; Type: ACL; Schema: posthorn; Owner: -
--

GRANT UPDATE(lease_until) ON TABLE posthorn.webhook_deliveries TO posthorn_api;
GRANT UPDATE(lease_until) ON TABLE posthorn.webhook_deliveries TO posthorn_dispatcher;


--
-- Name: COLUMN webhook_deliveries.dispatcher_id; Type: ACL; Schema: posthorn; Owner: -
--

GRANT UPDATE(dispatcher_id) ON TABLE posthorn.webhook_deliveries TO posthorn_api;
GRANT UPDATE(dispatcher_id) ON TABLE posthorn.webhook_deliveries TO posthorn_dispatcher;


--
-- Name: COLUMN webhook_deliveries.last_status_code; Type: ACL; Schema: posthorn; Owner: -
--

GRANT UPDATE(last_status_code) ON TABLE posthorn.webhook_deliveries TO posthorn_dispatcher;


--
-- Name: COLUMN webhook_deliveries.last_error_kind; Type: ACL; Schema: posthorn; Owner: -
--

GRANT UPDATE(last_error_kind) ON TABLE posthorn.webhook_deliveries TO posthorn_dispatcher;


--
-- Name: COLUMN webhook_deliveries.last_error; Type: ACL; Schema: posthorn; Owner: -
--

GRANT UPDATE(last_error) ON TABLE posthorn.webhook_deliveries TO posthorn_dispatcher;


--
-- Name: COLUMN webhook_deliveries.updated_at; Type: ACL; Schema: posthorn; Owner: -
--

GRANT UPDATE(updated_at) ON TABLE posthorn.webhook_deliveries TO posthorn_api;
GRANT UPDATE(updated_at) ON TABLE posthorn.webhook_deliveries TO posthorn_dispatcher;


--
-- Name: COLUMN webhook_deliveries.finished_at; Type: ACL; Schema: posthorn; Owner: -
--

GRANT UPDATE(finished_at) ON TABLE posthorn.webhook_deliveries TO posthorn_api;
GRANT UPDATE(finished_at) ON TABLE posthorn.webhook_deliveries TO posthorn_dispatcher;


--
-- Name: TABLE webhook_subscriptions; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT ON TABLE posthorn.webhook_subscriptions TO posthorn_dispatcher;


--
-- Name: COLUMN webhook_subscriptions.id; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(id),INSERT(id) ON TABLE posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT(id) ON TABLE posthorn.webhook_subscriptions TO posthorn_readonly;
GRANT SELECT(id) ON TABLE posthorn.webhook_subscriptions TO posthorn_rekey;


--
-- Name: COLUMN webhook_subscriptions.tenant_id; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(tenant_id),INSERT(tenant_id) ON TABLE posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT(tenant_id) ON TABLE posthorn.webhook_subscriptions TO posthorn_readonly;
GRANT SELECT(tenant_id) ON TABLE posthorn.webhook_subscriptions TO posthorn_rekey;


--
-- Name: COLUMN webhook_subscriptions.url; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(url),INSERT(url),UPDATE(url) ON TABLE posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT(url) ON TABLE posthorn.webhook_subscriptions TO posthorn_readonly;


--
-- Name: COLUMN webhook_subscriptions.events; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(events),INSERT(events),UPDATE(events) ON TABLE posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT(events) ON TABLE posthorn.webhook_subscriptions TO posthorn_readonly;


--
-- Name: COLUMN webhook_subscriptions.filter; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(filter),INSERT(filter),UPDATE(filter) ON TABLE posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT(filter) ON TABLE posthorn.webhook_subscriptions TO posthorn_readonly;


--
-- Name: COLUMN webhook_subscriptions.description; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(description),INSERT(description),UPDATE(description) ON TABLE posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT(description) ON TABLE posthorn.webhook_subscriptions TO posthorn_readonly;


--
-- Name: COLUMN webhook_subscriptions.status; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(status),INSERT(status),UPDATE(status) ON TABLE posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT(status) ON TABLE posthorn.webhook_subscriptions TO posthorn_readonly;
GRANT UPDATE(status) ON TABLE posthorn.webhook_subscriptions TO posthorn_dispatcher;


--
-- Name: COLUMN webhook_subscriptions.status_reason; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(status_reason),UPDATE(status_reason) ON TABLE posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT(status_reason) ON TABLE posthorn.webhook_subscriptions TO posthorn_readonly;
GRANT UPDATE(status_reason) ON TABLE posthorn.webhook_subscriptions TO posthorn_dispatcher;


--
-- Name: COLUMN webhook_subscriptions.status_changed_at; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(status_changed_at) ON TABLE posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT(status_changed_at) ON TABLE posthorn.webhook_subscriptions TO posthorn_readonly;


--
-- Name: COLUMN webhook_subscriptions.active; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(active) ON TABLE posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT(active) ON TABLE posthorn.webhook_subscriptions TO posthorn_readonly;


--
-- Name: COLUMN webhook_subscriptions.signing; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(signing),INSERT(signing),UPDATE(signing) ON TABLE posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT(signing) ON TABLE posthorn.webhook_subscriptions TO posthorn_readonly;


--
-- Name: COLUMN webhook_subscriptions.secret; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(secret),UPDATE(secret) ON TABLE posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT(secret),UPDATE(secret) ON TABLE posthorn.webhook_subscriptions TO posthorn_rekey;


--
-- Name: COLUMN webhook_subscriptions.previous_secret; Type: ACL; Schema: posthorn; Owner: -
--

GRANT UPDATE(previous_secret) ON TABLE posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT(previous_secret),UPDATE(previous_secret) ON TABLE posthorn.webhook_subscriptions TO posthorn_rekey;


--
-- Name: COLUMN webhook_subscriptions.previous_secret_until; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(previous_secret_until),UPDATE(previous_secret_until) ON TABLE posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT(previous_secret_until) ON TABLE posthorn.webhook_subscriptions TO posthorn_readonly;


--
-- Name: COLUMN webhook_subscriptions.payload_format; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(payload_format),INSERT(payload_format),UPDATE(payload_format) ON TABLE posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT(payload_format) ON TABLE posthorn.webhook_subscriptions TO posthorn_readonly;


--
-- Name: COLUMN webhook_subscriptions.header_families; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(header_families),INSERT(header_families),UPDATE(header_families) ON TABLE posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT(header_families) ON TABLE posthorn.webhook_subscriptions TO posthorn_readonly;


--
-- Name: COLUMN webhook_subscriptions.success_policy; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(success_policy),INSERT(success_policy),UPDATE(success_policy) ON TABLE posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT(success_policy) ON TABLE posthorn.webhook_subscriptions TO posthorn_readonly;


--
-- Name: COLUMN webhook_subscriptions.timeout_seconds; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(timeout_seconds),INSERT(timeout_seconds),UPDATE(timeout_seconds) ON TABLE posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT(timeout_seconds) ON TABLE posthorn.webhook_subscriptions TO posthorn_readonly;


--
-- Name: COLUMN webhook_subscriptions.retry_schedule; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(retry_schedule),INSERT(retry_schedule),UPDATE(retry_schedule) ON TABLE posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT(retry_schedule) ON TABLE posthorn.webhook_subscriptions TO posthorn_readonly;


--
-- Name: COLUMN webhook_subscriptions.max_retries; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(max_retries),INSERT(max_retries),UPDATE(max_retries) ON TABLE posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT(max_retries) ON TABLE posthorn.webhook_subscriptions TO posthorn_readonly;


--
-- Name: COLUMN webhook_subscriptions.max_in_flight; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(max_in_flight),INSERT(max_in_flight),UPDATE(max_in_flight) ON TABLE posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT(max_in_flight) ON TABLE posthorn.webhook_subscriptions TO posthorn_readonly;


--
-- Name: COLUMN webhook_subscriptions.rate_per_second; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(rate_per_second),INSERT(rate_per_second),UPDATE(rate_per_second) ON TABLE posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT(rate_per_second) ON TABLE posthorn.webhook_subscriptions TO posthorn_readonly;


--
-- Name: COLUMN webhook_subscriptions.ordered; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(ordered),INSERT(ordered),UPDATE(ordered) ON TABLE posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT(ordered) ON TABLE posthorn.webhook_subscriptions TO posthorn_readonly;


--
-- Name: COLUMN webhook_subscriptions.created_at; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(created_at) ON TABLE posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT(created_at) ON TABLE posthorn.webhook_subscriptions TO posthorn_readonly;


--
-- Name: COLUMN webhook_subscriptions.updated_at; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(updated_at) ON TABLE posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT(updated_at) ON TABLE posthorn.webhook_subscriptions TO posthorn_readonly;


--
-- Name: COLUMN webhook_subscriptions.rate_burst; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(rate_burst),INSERT(rate_burst),UPDATE(rate_burst) ON TABLE posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT(rate_burst) ON TABLE posthorn.webhook_subscriptions TO posthorn_readonly;


--
-- Name: COLUMN webhook_subscriptions.batch_max; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(batch_max),INSERT(batch_max),UPDATE(batch_max) ON TABLE posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT(batch_max) ON TABLE posthorn.webhook_subscriptions TO posthorn_readonly;


--
-- Name: COLUMN webhook_subscriptions.batch_wait_ms; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(batch_wait_ms),INSERT(batch_wait_ms),UPDATE(batch_wait_ms) ON TABLE posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT(batch_wait_ms) ON TABLE posthorn.webhook_subscriptions TO posthorn_readonly;


--
-- Name: COLUMN webhook_subscriptions.circuit_failures; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(circuit_failures),INSERT(circuit_failures),UPDATE(circuit_failures) ON TABLE posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT(circuit_failures) ON TABLE posthorn.webhook_subscriptions TO posthorn_readonly;


--
-- Name: COLUMN webhook_subscriptions.circuit_failure_ratio; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(circuit_failure_ratio),INSERT(circuit_failure_ratio),UPDATE(circuit_failure_ratio) ON TABLE posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT(circuit_failure_ratio) ON TABLE posthorn.webhook_subscriptions TO posthorn_readonly;


--
-- Name: COLUMN webhook_subscriptions.circuit_seconds; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(circuit_seconds),INSERT(circuit_seconds),UPDATE(circuit_seconds) ON TABLE posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT(circuit_seconds) ON TABLE posthorn.webhook_subscriptions TO posthorn_readonly;


--
-- Name: COLUMN webhook_subscriptions.suspend_after_seconds; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(suspend_after_seconds),INSERT(suspend_after_seconds),UPDATE(suspend_after_seconds) ON TABLE posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT(suspend_after_seconds) ON TABLE posthorn.webhook_subscriptions TO posthorn_readonly;


--
-- Name: COLUMN webhook_subscriptions.metadata; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(metadata),INSERT(metadata),UPDATE(metadata) ON TABLE posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT(metadata) ON TABLE posthorn.webhook_subscriptions TO posthorn_readonly;


--
-- Name: COLUMN webhook_subscriptions.success_codes; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(success_codes),INSERT(success_codes),UPDATE(success_codes) ON TABLE posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT(success_codes) ON TABLE posthorn.webhook_subscriptions TO posthorn_readonly;


--
-- Name: COLUMN webhook_subscriptions.template; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(template),INSERT(template),UPDATE(template) ON TABLE posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT(template) ON TABLE posthorn.webhook_subscriptions TO posthorn_readonly;


--
-- Name: COLUMN webhook_subscriptions.template_content_type; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(template_content_type),INSERT(template_content_type),UPDATE(template_content_type) ON TABLE posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT(template_content_type) ON TABLE posthorn.webhook_subscriptions TO posthorn_readonly;


--
-- Name: COLUMN webhook_subscriptions.signature; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(signature),INSERT(signature),UPDATE(signature) ON TABLE posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT(signature) ON TABLE posthorn.webhook_subscriptions TO posthorn_readonly;


--
-- Name: COLUMN webhook_subscriptions.public_key; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(public_key),INSERT(public_key),UPDATE(public_key) ON TABLE posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT(public_key) ON TABLE posthorn.webhook_subscriptions TO posthorn_readonly;


--
-- Name: COLUMN webhook_subscriptions.header_names; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(header_names),INSERT(header_names),UPDATE(header_names) ON TABLE posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT(header_names) ON TABLE posthorn.webhook_subscriptions TO posthorn_readonly;


--
-- Name: COLUMN webhook_subscriptions.sealed_headers; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(sealed_headers),UPDATE(sealed_headers) ON TABLE posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT(sealed_headers),UPDATE(sealed_headers) ON TABLE posthorn.webhook_subscriptions TO posthorn_rekey;


--
-- Name: COLUMN webhook_subscriptions.credentials_type; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(credentials_type),INSERT(credentials_type),UPDATE(credentials_type) ON TABLE posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT(credentials_type) ON TABLE posthorn.webhook_subscriptions TO posthorn_readonly;


--
-- Name: COLUMN webhook_subscriptions.sealed_credentials; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(sealed_credentials),UPDATE(sealed_credentials) ON TABLE posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT(sealed_credentials),UPDATE(sealed_credentials) ON TABLE posthorn.webhook_subscriptions TO posthorn_rekey;


--
-- Name: COLUMN webhook_subscriptions.client_certificate; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(client_certificate),INSERT(client_certificate),UPDATE(client_certificate) ON TABLE posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT(client_certificate) ON TABLE posthorn.webhook_subscriptions TO posthorn_readonly;


--
-- Name: COLUMN webhook_subscriptions.sealed_client_key; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(sealed_client_key),UPDATE(sealed_client_key) ON TABLE posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT(sealed_client_key),UPDATE(sealed_client_key) ON TABLE posthorn.webhook_subscriptions TO posthorn_rekey;


--
-- Name: TABLE backlog; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT ON TABLE posthorn.backlog TO posthorn_api;
GRANT SELECT ON TABLE posthorn.backlog TO posthorn_readonly;


--
-- Name: TABLE backlog_by_tenant; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT ON TABLE posthorn.backlog_by_tenant TO posthorn_api;
GRANT SELECT ON TABLE posthorn.backlog_by_tenant TO posthorn_readonly;


--
-- Name: TABLE claim_floors; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT ON TABLE posthorn.claim_floors TO posthorn_dispatcher;
GRANT SELECT ON TABLE posthorn.claim_floors TO posthorn_readonly;


--
-- Name: TABLE claim_places; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT ON TABLE posthorn.claim_places TO posthorn_dispatcher;
GRANT SELECT ON TABLE posthorn.claim_places TO posthorn_readonly;


--
-- Name: TABLE coalesced_keys; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT ON TABLE posthorn.coalesced_keys TO posthorn_readonly;


--
-- Name: TABLE delivery_errors; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT ON TABLE posthorn.delivery_errors TO posthorn_api;
GRANT SELECT ON TABLE posthorn.delivery_errors TO posthorn_readonly;


--
-- Name: TABLE delivery_statistics; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT ON TABLE posthorn.delivery_statistics TO posthorn_api;
GRANT SELECT ON TABLE posthorn.delivery_statistics TO posthorn_readonly;


--
-- Name: TABLE delivery_tallies; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT ON TABLE posthorn.delivery_tallies TO posthorn_readonly;
GRANT INSERT ON TABLE posthorn.delivery_tallies TO posthorn_dispatcher;


--
-- Name: TABLE dispatchers; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT,DELETE ON TABLE posthorn.dispatchers TO posthorn_dispatcher;
GRANT SELECT ON TABLE posthorn.dispatchers TO posthorn_readonly;


--
-- Name: COLUMN dispatchers.host; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(host) ON TABLE posthorn.dispatchers TO posthorn_dispatcher;


--
-- Name: COLUMN dispatchers.pid; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(pid) ON TABLE posthorn.dispatchers TO posthorn_dispatcher;


--
-- Name: COLUMN dispatchers.version; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(version) ON TABLE posthorn.dispatchers TO posthorn_dispatcher;


--
-- Name: COLUMN dispatchers.concurrency; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(concurrency) ON TABLE posthorn.dispatchers TO posthorn_dispatcher;


--
-- Name: COLUMN dispatchers.seen_at; Type: ACL; Schema: posthorn; Owner: -
--

GRANT UPDATE(seen_at) ON TABLE posthorn.dispatchers TO posthorn_dispatcher;


--
-- Name: COLUMN dispatchers.stopped_at; Type: ACL; Schema: posthorn; Owner: -
--

GRANT UPDATE(stopped_at) ON TABLE posthorn.dispatchers TO posthorn_dispatcher;


--
-- Name: TABLE dispatcher_leases; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT ON TABLE posthorn.dispatcher_leases TO posthorn_readonly;


--
-- Name: TABLE tenants; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT ON TABLE posthorn.tenants TO posthorn_api;
GRANT SELECT ON TABLE posthorn.tenants TO posthorn_readonly;
GRANT SELECT ON TABLE posthorn.tenants TO posthorn_admin;


--
-- Name: COLUMN tenants.id; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(id) ON TABLE posthorn.tenants TO posthorn_admin;


--
-- Name: COLUMN tenants.name; Type: ACL; Schema: posthorn; Owner: -
--

GRANT UPDATE(name) ON TABLE posthorn.tenants TO posthorn_api;
GRANT INSERT(name),UPDATE(name) ON TABLE posthorn.tenants TO posthorn_admin;


--
-- Name: COLUMN tenants.max_in_flight; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(max_in_flight),UPDATE(max_in_flight) ON TABLE posthorn.tenants TO posthorn_admin;


--
-- Name: COLUMN tenants.disabled_at; Type: ACL; Schema: posthorn; Owner: -
--

GRANT UPDATE(disabled_at) ON TABLE posthorn.tenants TO posthorn_admin;


--
-- Name: COLUMN tenants.strict_event_types; Type: ACL; Schema: posthorn; Owner: -
--

GRANT UPDATE(strict_event_types) ON TABLE posthorn.tenants TO posthorn_api;
GRANT UPDATE(strict_event_types) ON TABLE posthorn.tenants TO posthorn_admin;


--
-- Name: COLUMN tenants.is_operator; Type: ACL; Schema: posthorn; Owner: -
--

GRANT UPDATE(is_operator) ON TABLE posthorn.tenants TO posthorn_admin;


--
-- Name: TABLE errors_by_kind; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT ON TABLE posthorn.errors_by_kind TO posthorn_api;
GRANT SELECT ON TABLE posthorn.errors_by_kind TO posthorn_readonly;


--
-- Name: TABLE event_fanouts; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT,DELETE ON TABLE posthorn.event_fanouts TO posthorn_dispatcher;
GRANT SELECT ON TABLE posthorn.event_fanouts TO posthorn_readonly;


--
-- Name: COLUMN event_fanouts.reason; Type: ACL; Schema: posthorn; Owner: -
--

GRANT UPDATE(reason) ON TABLE posthorn.event_fanouts TO posthorn_dispatcher;


--
-- Name: COLUMN event_fanouts.failures; Type: ACL; Schema: posthorn; Owner: -
--

GRANT UPDATE(failures) ON TABLE posthorn.event_fanouts TO posthorn_dispatcher;


--
-- Name: COLUMN event_fanouts.due_at; Type: ACL; Schema: posthorn; Owner: -
--

GRANT UPDATE(due_at) ON TABLE posthorn.event_fanouts TO posthorn_dispatcher;


--
-- Name: COLUMN event_fanouts.checked_at; Type: ACL; Schema: posthorn; Owner: -
--

GRANT UPDATE(checked_at) ON TABLE posthorn.event_fanouts TO posthorn_dispatcher;


--
-- Name: COLUMN event_fanouts.error_kind; Type: ACL; Schema: posthorn; Owner: -
--

GRANT UPDATE(error_kind) ON TABLE posthorn.event_fanouts TO posthorn_dispatcher;


--
-- Name: TABLE event_types; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT,DELETE ON TABLE posthorn.event_types TO posthorn_api;
GRANT SELECT ON TABLE posthorn.event_types TO posthorn_readonly;
GRANT SELECT ON TABLE posthorn.event_types TO posthorn_dispatcher;


--
-- Name: COLUMN event_types.name; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(name) ON TABLE posthorn.event_types TO posthorn_api;


--
-- Name: COLUMN event_types.tenant_id; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(tenant_id) ON TABLE posthorn.event_types TO posthorn_api;


--
-- Name: COLUMN event_types.group_name; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(group_name),UPDATE(group_name) ON TABLE posthorn.event_types TO posthorn_api;


--
-- Name: COLUMN event_types.description; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(description),UPDATE(description) ON TABLE posthorn.event_types TO posthorn_api;


--
-- Name: COLUMN event_types.json_schema; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(json_schema),UPDATE(json_schema) ON TABLE posthorn.event_types TO posthorn_api;


--
-- Name: COLUMN event_types.example; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(example),UPDATE(example) ON TABLE posthorn.event_types TO posthorn_api;


--
-- Name: COLUMN event_types.is_strict; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(is_strict),UPDATE(is_strict) ON TABLE posthorn.event_types TO posthorn_api;


--
-- Name: COLUMN event_types.is_deprecated; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(is_deprecated),UPDATE(is_deprecated) ON TABLE posthorn.event_types TO posthorn_api;


--
-- Name: TABLE outbox; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT ON TABLE posthorn.outbox TO posthorn_dispatcher;


--
-- Name: COLUMN outbox.id; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(id) ON TABLE posthorn.outbox TO posthorn_readonly;


--
-- Name: COLUMN outbox.tenant_id; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(tenant_id) ON TABLE posthorn.outbox TO posthorn_publisher;
GRANT SELECT(tenant_id) ON TABLE posthorn.outbox TO posthorn_readonly;


--
-- Name: COLUMN outbox.event; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(event) ON TABLE posthorn.outbox TO posthorn_publisher;
GRANT SELECT(event) ON TABLE posthorn.outbox TO posthorn_readonly;


--
-- Name: COLUMN outbox.payload; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(payload) ON TABLE posthorn.outbox TO posthorn_publisher;


--
-- Name: COLUMN outbox.resource_type; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(resource_type) ON TABLE posthorn.outbox TO posthorn_publisher;
GRANT SELECT(resource_type) ON TABLE posthorn.outbox TO posthorn_readonly;


--
-- Name: COLUMN outbox.resource_id; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(resource_id) ON TABLE posthorn.outbox TO posthorn_publisher;
GRANT SELECT(resource_id) ON TABLE posthorn.outbox TO posthorn_readonly;


--
-- Name: COLUMN outbox.metadata; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(metadata) ON TABLE posthorn.outbox TO posthorn_publisher;


--
-- Name: COLUMN outbox.deliver_after; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(deliver_after) ON TABLE posthorn.outbox TO posthorn_publisher;
GRANT SELECT(deliver_after) ON TABLE posthorn.outbox TO posthorn_readonly;


--
-- Name: COLUMN outbox.created_at; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(created_at) ON TABLE posthorn.outbox TO posthorn_readonly;


--
-- Name: COLUMN outbox.ordering_key; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(ordering_key) ON TABLE posthorn.outbox TO posthorn_publisher;
GRANT SELECT(ordering_key) ON TABLE posthorn.outbox TO posthorn_readonly;


--
-- Name: COLUMN outbox.idempotency_key; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(idempotency_key) ON TABLE posthorn.outbox TO posthorn_publisher;
GRANT SELECT(idempotency_key) ON TABLE posthorn.outbox TO posthorn_readonly;


--
-- Name: COLUMN outbox.coalesce_key; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(coalesce_key) ON TABLE posthorn.outbox TO posthorn_publisher;
GRANT SELECT(coalesce_key) ON TABLE posthorn.outbox TO posthorn_readonly;


--
-- Name: COLUMN outbox.traceparent; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(traceparent) ON TABLE posthorn.outbox TO posthorn_publisher;
GRANT SELECT(traceparent) ON TABLE posthorn.outbox TO posthorn_readonly;


--
-- Name: COLUMN outbox.erased_at; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(erased_at) ON TABLE posthorn.outbox TO posthorn_readonly;


--
-- Name: COLUMN outbox.is_operational; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT(is_operational) ON TABLE posthorn.outbox TO posthorn_readonly;


--
-- Name: TABLE events; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT ON TABLE posthorn.events TO posthorn_api;


--
-- Name: TABLE held_snapshots; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT ON TABLE posthorn.held_snapshots TO posthorn_readonly;


--
-- Name: TABLE high_backlogs; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT ON TABLE posthorn.high_backlogs TO posthorn_readonly;


--
-- Name: TABLE idempotency_keys; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT ON TABLE posthorn.idempotency_keys TO posthorn_api;


--
-- Name: COLUMN idempotency_keys.tenant_id; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(tenant_id) ON TABLE posthorn.idempotency_keys TO posthorn_api;
GRANT SELECT(tenant_id) ON TABLE posthorn.idempotency_keys TO posthorn_rekey;


--
-- Name: COLUMN idempotency_keys.route; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(route) ON TABLE posthorn.idempotency_keys TO posthorn_api;
GRANT SELECT(route) ON TABLE posthorn.idempotency_keys TO posthorn_rekey;


--
-- Name: COLUMN idempotency_keys.key; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(key) ON TABLE posthorn.idempotency_keys TO posthorn_api;
GRANT SELECT(key) ON TABLE posthorn.idempotency_keys TO posthorn_rekey;


--
-- Name: COLUMN idempotency_keys.request_sha256; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(request_sha256),UPDATE(request_sha256) ON TABLE posthorn.idempotency_keys TO posthorn_api;


--
-- Name: COLUMN idempotency_keys.answer; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(answer),UPDATE(answer) ON TABLE posthorn.idempotency_keys TO posthorn_api;
GRANT SELECT(answer),UPDATE(answer) ON TABLE posthorn.idempotency_keys TO posthorn_rekey;


--
-- Name: COLUMN idempotency_keys.created_at; Type: ACL; Schema: posthorn; Owner: -
--

GRANT UPDATE(created_at) ON TABLE posthorn.idempotency_keys TO posthorn_api;


--
-- Name: TABLE instance; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT ON TABLE posthorn.instance TO posthorn_readonly;


--
-- Name: TABLE jobs; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT,DELETE ON TABLE posthorn.jobs TO posthorn_api;
GRANT SELECT ON TABLE posthorn.jobs TO posthorn_dispatcher;
GRANT SELECT ON TABLE posthorn.jobs TO posthorn_readonly;


--
-- Name: COLUMN jobs.tenant_id; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(tenant_id) ON TABLE posthorn.jobs TO posthorn_api;


--
-- Name: COLUMN jobs.kind; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(kind) ON TABLE posthorn.jobs TO posthorn_api;


--
-- Name: COLUMN jobs.subscription_id; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(subscription_id) ON TABLE posthorn.jobs TO posthorn_api;


--
-- Name: COLUMN jobs.filter; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(filter) ON TABLE posthorn.jobs TO posthorn_api;


--
-- Name: COLUMN jobs.state; Type: ACL; Schema: posthorn; Owner: -
--

GRANT UPDATE(state) ON TABLE posthorn.jobs TO posthorn_api;
GRANT UPDATE(state) ON TABLE posthorn.jobs TO posthorn_dispatcher;


--
-- Name: COLUMN jobs.total; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(total) ON TABLE posthorn.jobs TO posthorn_api;


--
-- Name: COLUMN jobs.is_total_exact; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(is_total_exact) ON TABLE posthorn.jobs TO posthorn_api;


--
-- Name: COLUMN jobs.looked_at; Type: ACL; Schema: posthorn; Owner: -
--

GRANT UPDATE(looked_at) ON TABLE posthorn.jobs TO posthorn_dispatcher;


--
-- Name: COLUMN jobs.changed; Type: ACL; Schema: posthorn; Owner: -
--

GRANT UPDATE(changed) ON TABLE posthorn.jobs TO posthorn_dispatcher;


--
-- Name: COLUMN jobs.skipped; Type: ACL; Schema: posthorn; Owner: -
--

GRANT UPDATE(skipped) ON TABLE posthorn.jobs TO posthorn_dispatcher;


--
-- Name: COLUMN jobs."position"; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT("position") ON TABLE posthorn.jobs TO posthorn_api;
GRANT UPDATE("position") ON TABLE posthorn.jobs TO posthorn_dispatcher;


--
-- Name: COLUMN jobs.before_id; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(before_id) ON TABLE posthorn.jobs TO posthorn_api;


--
-- Name: COLUMN jobs.failures; Type: ACL; Schema: posthorn; Owner: -
--

GRANT UPDATE(failures) ON TABLE posthorn.jobs TO posthorn_dispatcher;


--
-- Name: COLUMN jobs.error; Type: ACL; Schema: posthorn; Owner: -
--

GRANT UPDATE(error) ON TABLE posthorn.jobs TO posthorn_dispatcher;


--
-- Name: COLUMN jobs.created_by; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(created_by) ON TABLE posthorn.jobs TO posthorn_api;


--
-- Name: COLUMN jobs.waits_for; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(waits_for) ON TABLE posthorn.jobs TO posthorn_api;


--
-- Name: COLUMN jobs.due_at; Type: ACL; Schema: posthorn; Owner: -
--

GRANT UPDATE(due_at) ON TABLE posthorn.jobs TO posthorn_dispatcher;


--
-- Name: COLUMN jobs.started_at; Type: ACL; Schema: posthorn; Owner: -
--

GRANT UPDATE(started_at) ON TABLE posthorn.jobs TO posthorn_dispatcher;


--
-- Name: COLUMN jobs.updated_at; Type: ACL; Schema: posthorn; Owner: -
--

GRANT UPDATE(updated_at) ON TABLE posthorn.jobs TO posthorn_api;
GRANT UPDATE(updated_at) ON TABLE posthorn.jobs TO posthorn_dispatcher;


--
-- Name: COLUMN jobs.finished_at; Type: ACL; Schema: posthorn; Owner: -
--

GRANT UPDATE(finished_at) ON TABLE posthorn.jobs TO posthorn_api;
GRANT UPDATE(finished_at) ON TABLE posthorn.jobs TO posthorn_dispatcher;


--
-- Name: TABLE published_keys; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT ON TABLE posthorn.published_keys TO posthorn_readonly;


--
-- Name: TABLE rate_buckets; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT ON TABLE posthorn.rate_buckets TO posthorn_dispatcher;
GRANT SELECT ON TABLE posthorn.rate_buckets TO posthorn_readonly;


--
-- Name: TABLE server_health; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT ON TABLE posthorn.server_health TO posthorn_readonly;


--
-- Name: TABLE slowest_receivers; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT ON TABLE posthorn.slowest_receivers TO posthorn_api;
GRANT SELECT ON TABLE posthorn.slowest_receivers TO posthorn_readonly;


--
-- Name: TABLE subscription_activity; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT ON TABLE posthorn.subscription_activity TO posthorn_api;
GRANT SELECT ON TABLE posthorn.subscription_activity TO posthorn_readonly;


--
-- Name: TABLE subscription_health; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT ON TABLE posthorn.subscription_health TO posthorn_api;
GRANT SELECT ON TABLE posthorn.subscription_health TO posthorn_readonly;


--
-- Name: TABLE subscription_limits; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT ON TABLE posthorn.subscription_limits TO posthorn_readonly;


--
-- Name: TABLE table_health; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT ON TABLE posthorn.table_health TO posthorn_readonly;


--
-- Name: TABLE test_sends; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT ON TABLE posthorn.test_sends TO posthorn_api;
GRANT SELECT,DELETE ON TABLE posthorn.test_sends TO posthorn_dispatcher;


--
-- Name: COLUMN test_sends.tenant_id; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(tenant_id) ON TABLE posthorn.test_sends TO posthorn_api;


--
-- Name: COLUMN test_sends.subscription_id; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(subscription_id) ON TABLE posthorn.test_sends TO posthorn_api;


--
-- Name: COLUMN test_sends.event; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(event) ON TABLE posthorn.test_sends TO posthorn_api;


--
-- Name: COLUMN test_sends.payload; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(payload) ON TABLE posthorn.test_sends TO posthorn_api;


--
-- Name: COLUMN test_sends.resource_type; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(resource_type) ON TABLE posthorn.test_sends TO posthorn_api;


--
-- Name: COLUMN test_sends.resource_id; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(resource_id) ON TABLE posthorn.test_sends TO posthorn_api;


--
-- Name: COLUMN test_sends.metadata; Type: ACL; Schema: posthorn; Owner: -
--

GRANT INSERT(metadata) ON TABLE posthorn.test_sends TO posthorn_api;


--
-- Name: COLUMN test_sends.taken_at; Type: ACL; Schema: posthorn; Owner: -
--

GRANT UPDATE(taken_at) ON TABLE posthorn.test_sends TO posthorn_dispatcher;


--
-- Name: COLUMN test_sends.answer; Type: ACL; Schema: posthorn; Owner: -
--

GRANT UPDATE(answer) ON TABLE posthorn.test_sends TO posthorn_dispatcher;


--
-- Name: TABLE throughput; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT ON TABLE posthorn.throughput TO posthorn_api;
GRANT SELECT ON TABLE posthorn.throughput TO posthorn_readonly;


--
-- Name: TABLE unmatched_events; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT ON TABLE posthorn.unmatched_events TO posthorn_readonly;


--
-- Name: TABLE webhook_attempts; Type: ACL; Schema: posthorn; Owner: -
--

GRANT SELECT ON TABLE posthorn.webhook_attempts TO posthorn_api;
GRANT SELECT ON TABLE posthorn.webhook_attempts TO posthorn_readonly;
GRANT SELECT,INSERT,UPDATE ON TABLE posthorn.webhook_attempts TO posthorn_dispatcher;


--
-- Name: TABLE webhook_deliveries; Type: ACL; Schema: posthorn_webhooks; Owner: -
--

GRANT SELECT ON TABLE posthorn_webhooks.webhook_deliveries TO posthorn_api;
GRANT SELECT ON TABLE posthorn_webhooks.webhook_deliveries TO posthorn_readonly;


--
-- Name: TABLE webhook_subscriptions; Type: ACL; Schema: posthorn_webhooks; Owner: -
--

GRANT SELECT ON TABLE posthorn_webhooks.webhook_subscriptions TO posthorn_api;
GRANT SELECT ON TABLE posthorn_webhooks.webhook_subscriptions TO posthorn_readonly;


--
-- PostgreSQL database dump complete
--
