-- What: attach() makes a table publish its changes; detach() ends that; attached_tables shows it.
-- Why:  a function is generated for each attached table instead of one generic function that puts its statement together at every
--       change: its statement is planned once per session, and it can run with the rights of the table's owner. So the expressions
--       (tenant, when) do what the owner may and nothing more, who writes to the table needs no right on the outbox and gains none,
--       and nothing of it runs as posthorn_owner. There is no table of settings: they are the arguments of the triggers, so they go
--       with the table when it is dropped, and through pg_dump with it.
--       Old and new rows meet in a FULL JOIN on purpose: the plan is made at a session's first change, of one row perhaps, and kept.
--       A nested loop, right for one row, would take minutes for 10,000, and cannot do a full join.
-- Lock: none. Safe beside an older binary: yes.

-- Garbage that someone else gave a trigger of theirs must not make the view fail.
CREATE FUNCTION posthorn.attachment(arguments bytea, OUT resource text, OUT events text[], OUT columns text[], OUT "when" text,
    OUT tenant text, OUT id text, OUT ordered boolean, OUT attached_by text, OUT attached_at timestamptz)
LANGUAGE plpgsql STABLE SET search_path = posthorn, pg_temp
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
COMMENT ON FUNCTION posthorn.attachment(bytea) IS 'What the arguments of a trigger of attach() say (pg_trigger.tgargs); resource is NULL: it is none of these.';

CREATE VIEW posthorn.attached_tables WITH (security_invoker) AS
SELECT DISTINCT ON (t.tgrelid, a.resource) t.tgrelid::regclass AS source, a.resource, a.events, a.columns, a."when", a.tenant, a.id,
    a.ordered, a.attached_by, a.attached_at, t.tgfoid::regprocedure AS function
FROM pg_trigger t
JOIN pg_proc p ON p.oid = t.tgfoid AND p.proname ~ '^posthorn_'
CROSS JOIN LATERAL posthorn.attachment(t.tgargs) a
WHERE NOT t.tgisinternal AND t.tgname ~ '^posthorn_' AND t.tgnargs = 1 AND a.resource IS NOT NULL
ORDER BY t.tgrelid, a.resource, t.oid;
COMMENT ON VIEW posthorn.attached_tables IS 'Tables whose changes are published: one row per table and resource. Made by posthorn.attach().';
COMMENT ON COLUMN posthorn.attached_tables.source IS 'The table.';
COMMENT ON COLUMN posthorn.attached_tables.resource IS 'resource_type of its events.';
COMMENT ON COLUMN posthorn.attached_tables.events IS 'What an insert, an update and a delete is published as; NULL: not.';
COMMENT ON COLUMN posthorn.attached_tables.columns IS 'The columns that payloads have; NULL: all.';
COMMENT ON COLUMN posthorn.attached_tables."when" IS 'The condition on OLD and NEW, if there is one.';
COMMENT ON COLUMN posthorn.attached_tables.tenant IS 'The column that says the tenant, or the expression.';
COMMENT ON COLUMN posthorn.attached_tables.id IS 'The column that tells its rows apart; NULL: the primary key.';
COMMENT ON COLUMN posthorn.attached_tables.ordered IS 'Whether a row''s events have an ordering key.';
COMMENT ON COLUMN posthorn.attached_tables.attached_by IS 'Who attached it.';
COMMENT ON COLUMN posthorn.attached_tables.attached_at IS 'When.';
COMMENT ON COLUMN posthorn.attached_tables.function IS 'The trigger function, which runs with the rights of its owner.';
GRANT SELECT ON posthorn.attached_tables TO posthorn_readonly, posthorn_admin;
GRANT EXECUTE ON FUNCTION posthorn.attachment(bytea) TO posthorn_publisher, posthorn_readonly, posthorn_admin;

CREATE FUNCTION posthorn.no_tenant(source text) RETURNS uuid
LANGUAGE plpgsql VOLATILE SET search_path = posthorn, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'a row of % has no tenant, so its change cannot be published', source
        USING ERRCODE = 'not_null_violation', HINT = 'Give it one, or attach the table with a "when" that leaves such rows out.';
END
$$;
COMMENT ON FUNCTION posthorn.no_tenant(text) IS 'Part of attached tables: the error for a row whose tenant is NULL.';
GRANT EXECUTE ON FUNCTION posthorn.no_tenant(text) TO posthorn_publisher;

-- Our own names for the rows are n and o, so that an error about a column that was renamed names the column: NEW and OLD are
-- variables of every trigger function too. OFFSET 0 keeps the JSON of a row from being made once per column.
CREATE FUNCTION posthorn.attached_insert(operation text, old_rows text, new_rows text, source regclass, settings jsonb)
RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
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
$$;
COMMENT ON FUNCTION posthorn.attached_insert(text, text, text, regclass, jsonb) IS
    'Part of attach(): the statement that publishes the rows of an operation, from the names of its transition tables.';
GRANT EXECUTE ON FUNCTION posthorn.attached_insert(text, text, text, regclass, jsonb) TO posthorn_publisher;

-- The columns that tell a table's rows apart: its primary key, or the one that is named.
CREATE FUNCTION posthorn.attached_keys(source regclass, id text) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
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
$$;
COMMENT ON FUNCTION posthorn.attached_keys(regclass, text) IS 'Part of attach(): the columns that tell a table''s rows apart, or an error.';
GRANT EXECUTE ON FUNCTION posthorn.attached_keys(regclass, text) TO posthorn_publisher;

-- What can be told before anything is made: an error says the rule.
CREATE FUNCTION posthorn.check_attachment(source regclass, resource text, events text[], columns text[]) RETURNS void
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
COMMENT ON FUNCTION posthorn.check_attachment(regclass, text, text[], text[]) IS 'Part of attach(): refuses what cannot be attached, and says why.';
GRANT EXECUTE ON FUNCTION posthorn.check_attachment(regclass, text, text[], text[]) TO posthorn_publisher;

-- Invoker's rights: triggers and functions are made and dropped by who may do that to the table.
CREATE FUNCTION posthorn.detach(source regclass, resource text DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
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
COMMENT ON FUNCTION posthorn.detach(regclass, text) IS
    'Ends what attach() began, for one resource or for all (NULL), and says how many it ended. For the table''s owner.';
GRANT EXECUTE ON FUNCTION posthorn.detach(regclass, text) TO posthorn_publisher;

CREATE FUNCTION posthorn.attach(source regclass, resource text, tenant text, on_insert text DEFAULT 'created',
    on_update text DEFAULT 'updated', on_delete text DEFAULT 'deleted', columns text[] DEFAULT NULL, "when" text DEFAULT NULL,
    id text DEFAULT NULL, ordered boolean DEFAULT false) RETURNS text[]
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
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
COMMENT ON FUNCTION posthorn.attach(regclass, text, text, text, text, text, text[], text, text, boolean) IS
    'Makes a table publish its changes: tenant is a column or an expression over this, "when" a condition on OLD and NEW; on_insert, on_update and on_delete are names of events, a word for the last segment, or NULL. For the table''s owner, a posthorn_publisher. Attaching again replaces.';
GRANT EXECUTE ON FUNCTION posthorn.attach(regclass, text, text, text, text, text, text[], text, text, boolean) TO posthorn_publisher;
