-- What: posthorn.preview(): the request that an event becomes, per subscription, and the small functions that make it.
-- Why:  webhooks are tested in the transaction of the test, where nothing is ever sent: BEGIN; …; SELECT … FROM
--       posthorn.preview(…); ROLLBACK. The program renders and signs by src/domain/envelope.rs and signature.rs; a test compares
--       every byte. Secrets are sealed with a key that the database does not have: a signature is made of a secret that is given.
-- Lock: none. Safe beside an older binary: yes.
CREATE FUNCTION posthorn.json_text(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE WHEN value IS NULL THEN 'null' WHEN value !~ '["\\\x01-\x1f]' THEN '"' || value || '"' ELSE '"' || (
        SELECT string_agg(CASE WHEN r.c IN ('"', '\') THEN '\' || r.c WHEN ascii(r.c) < 32 THEN '\u' || lpad(to_hex(ascii(r.c)), 4, '0')
            ELSE r.c END, '' ORDER BY r.n)
        FROM regexp_split_to_table(value, '') WITH ORDINALITY AS r (c, n)) || '"' END
$$;
COMMENT ON FUNCTION posthorn.json_text(text) IS 'A text as JSON, escaped as webhooks have it: what must be, and nothing else.';

CREATE FUNCTION posthorn.envelope_time(at timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') $$;
COMMENT ON FUNCTION posthorn.envelope_time(timestamptz) IS 'A time as envelopes have it: RFC 3339, UTC, six digits.';

CREATE FUNCTION posthorn.percent_encode(value text, plain text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT coalesce(string_agg(CASE WHEN r.c ~ plain THEN r.c
        ELSE upper(regexp_replace(encode(convert_to(r.c, 'UTF8'), 'hex'), '(..)', '%\1', 'g')) END, '' ORDER BY r.n), '')
    FROM regexp_split_to_table(value, '') WITH ORDINALITY AS r (c, n)
$$;
COMMENT ON FUNCTION posthorn.percent_encode(text, text) IS 'A text with every character percent-encoded (UTF-8) that does not match the regular expression plain.';

CREATE FUNCTION posthorn.cloudevent_attributes(event_id uuid, event text, tenant_id uuid, created_at timestamptz, resource_type text,
    resource_id text, source text) RETURNS TABLE (name text, value text)
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT a.name, a.value
    FROM (VALUES (1, 'specversion', '1.0'), (2, 'id', event_id::text),
        (3, 'source', posthorn.percent_encode(source, '[A-Za-z0-9._~:/@!$&''()*+,;=-]')), (4, 'type', event),
        (5, 'time', posthorn.envelope_time(created_at)),
        (6, 'subject', nullif(concat_ws('/', nullif(resource_type, ''), nullif(resource_id, '')), '')),
        (7, 'tenantid', tenant_id::text)) AS a (n, name, value)
    WHERE a.value IS NOT NULL
    ORDER BY a.n
$$;
COMMENT ON FUNCTION posthorn.cloudevent_attributes(uuid, text, uuid, timestamptz, text, text, text) IS 'The CloudEvents attributes of an event, in their order.';

CREATE FUNCTION posthorn.envelope_metadata(metadata jsonb, tenant_id uuid, source text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT '{' || coalesce(string_agg(posthorn.json_text(m.key) || ':' || m.value::text, ',' ORDER BY m.key COLLATE "C") || ',', '')
        || '"tenant_id":' || posthorn.json_text(tenant_id::text) || ',"source":' || posthorn.json_text(source) || ',"version":"1.0"}'
    FROM jsonb_each(coalesce(metadata, '{}')) AS m (key, value)
    WHERE m.key NOT IN ('tenant_id', 'source', 'version')
$$;
COMMENT ON FUNCTION posthorn.envelope_metadata(jsonb, uuid, text) IS 'The metadata of an envelope: the event''s own beneath ours.';

CREATE FUNCTION posthorn.render_body(format text, event_id uuid, event text, tenant_id uuid, created_at timestamptz, resource_type text,
    resource_id text, payload text, metadata jsonb, source text) RETURNS text
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
COMMENT ON FUNCTION posthorn.render_body(text, uuid, text, uuid, timestamptz, text, text, text, jsonb, text) IS
    'The body of a webhook in a payload_format, byte for byte as it is sent; NULL for template, which the program alone renders. Payload: the text of the JSON.';

CREATE FUNCTION posthorn.hmac_sha256(key bytea, message bytea) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = posthorn, pg_temp
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
COMMENT ON FUNCTION posthorn.hmac_sha256(bytea, bytea) IS 'HMAC-SHA256 (RFC 2104) of a message.';

CREATE FUNCTION posthorn.standard_key(secret text) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE SET search_path = posthorn, pg_temp
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
COMMENT ON FUNCTION posthorn.standard_key(text) IS 'The key of Standard Webhooks signatures: the base64 behind whsec_, else the text''s bytes.';

CREATE FUNCTION posthorn.batch_id(event_id uuid) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT encode(set_byte(set_byte(h.bytes, 6, get_byte(h.bytes, 6) & 15 | 128), 8, get_byte(h.bytes, 8) & 63 | 128), 'hex')::uuid
    FROM (SELECT substring(sha256(uuid_send(event_id)) FROM 1 FOR 16) AS bytes) h
$$;
COMMENT ON FUNCTION posthorn.batch_id(uuid) IS 'The webhook-id of a batch that holds this event alone.';

CREATE FUNCTION posthorn.signature_headers(families text[], message_id text, event text, sent_at timestamptz, body text, secret text,
    is_signed boolean) RETURNS jsonb
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
COMMENT ON FUNCTION posthorn.signature_headers(text[], text, text, timestamptz, text, text, boolean) IS
    'The headers of these families; a signature is null where secret or body is.';

CREATE FUNCTION posthorn.preview(event_id uuid, subscription_id uuid DEFAULT NULL, at timestamptz DEFAULT now(), secret text DEFAULT NULL)
RETURNS TABLE (to_subscription_id uuid, url text, method text, headers jsonb, body text, signed_text text, note text)
LANGUAGE plpgsql STABLE
AS $$
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
$$;
COMMENT ON FUNCTION posthorn.preview(uuid, uuid, timestamptz, text) IS
    'The request that an event becomes, for each subscription that has a delivery of it (or for the one named), within the transaction that publishes it or later. Signatures need the secret. Settings posthorn.source and posthorn.user_agent stand for WEBHOOK_SOURCE and WEBHOOK_USER_AGENT. Host and Content-Length are added on sending.';

GRANT EXECUTE ON FUNCTION posthorn.json_text(text), posthorn.envelope_time(timestamptz), posthorn.percent_encode(text, text),
    posthorn.cloudevent_attributes(uuid, text, uuid, timestamptz, text, text, text), posthorn.envelope_metadata(jsonb, uuid, text),
    posthorn.render_body(text, uuid, text, uuid, timestamptz, text, text, text, jsonb, text), posthorn.hmac_sha256(bytea, bytea),
    posthorn.standard_key(text), posthorn.batch_id(uuid), posthorn.signature_headers(text[], text, text, timestamptz, text, text, boolean),
    posthorn.preview(uuid, uuid, timestamptz, text) TO posthorn_api, posthorn_readonly;
