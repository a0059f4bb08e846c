-- What: who changed what and when, of subscriptions, API keys, tenants and event types, also by plain SQL.
-- Why:  tenants and auditors ask. Triggers write it, so that no way of changing a row goes round it; no role but the owner
--       may write, change or delete a row of it, and secrets are never in it.
-- Lock: SHARE ROW EXCLUSIVE on the four tables for moments. Safe beside an older binary: yes, whose changes are those of its login.
CREATE TABLE posthorn.audit_log (
    id uuid NOT NULL DEFAULT posthorn.uuid7(),
    tenant_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    action text NOT NULL,
    target_type text NOT NULL,
    target_id text NOT NULL,
    changes jsonb,
    details jsonb,
    CONSTRAINT audit_log_pkey PRIMARY KEY (id)
);
-- a tenant's log, newest first; of one thing
CREATE INDEX audit_log_tenant_idx ON posthorn.audit_log (tenant_id, id);
CREATE INDEX audit_log_target_idx ON posthorn.audit_log (tenant_id, target_id, id);
COMMENT ON TABLE posthorn.audit_log IS 'Who changed what and when. Rows are only ever added.';
COMMENT ON COLUMN posthorn.audit_log.id IS 'UUIDv7, in the order of the changes.';
COMMENT ON COLUMN posthorn.audit_log.tenant_id IS 'Whose thing was changed.';
COMMENT ON COLUMN posthorn.audit_log.created_at IS 'Start of the transaction that changed it.';
COMMENT ON COLUMN posthorn.audit_log.actor IS 'api_key:<id>, jwt:<subject>, operator, dispatcher, or role:<login> for plain SQL.';
COMMENT ON COLUMN posthorn.audit_log.action IS 'Such as subscription.created, secret.rotated, api_key.revoked.';
COMMENT ON COLUMN posthorn.audit_log.target_type IS 'Kind of the thing: subscription, api_key, tenant, event_type, …';
COMMENT ON COLUMN posthorn.audit_log.target_id IS 'Its id.';
COMMENT ON COLUMN posthorn.audit_log.changes IS 'Columns that changed, each with old and new; *** stands for a secret.';
COMMENT ON COLUMN posthorn.audit_log.details IS 'What else there is to say, such as the filter of a bulk operation.';

ALTER TABLE posthorn.audit_log ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON posthorn.audit_log FOR SELECT TO posthorn_api USING (tenant_id = (SELECT posthorn.current_tenant()));
CREATE POLICY every_row ON posthorn.audit_log FOR SELECT TO posthorn_readonly USING (true);
GRANT SELECT ON posthorn.audit_log TO posthorn_api, posthorn_readonly;

CREATE FUNCTION posthorn.current_actor() RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN coalesce(nullif(current_setting('posthorn.actor', true), ''), 'role:' || session_user);
COMMENT ON FUNCTION posthorn.current_actor() IS 'Who this transaction acts as (posthorn.actor), or the login for plain SQL.';

CREATE FUNCTION posthorn.audit_for(tenant_id uuid, action text, target_type text, target_id text, details jsonb DEFAULT NULL)
RETURNS uuid
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
    INSERT INTO audit_log (tenant_id, actor, action, target_type, target_id, details)
    VALUES ($1, current_actor(), $2, $3, $4, $5)
    RETURNING id
$$;
COMMENT ON FUNCTION posthorn.audit_for(uuid, text, text, text, jsonb) IS 'Adds a row to a tenant''s audit log; for dispatchers.';
GRANT EXECUTE ON FUNCTION posthorn.audit_for(uuid, text, text, text, jsonb) TO posthorn_dispatcher;

CREATE FUNCTION posthorn.audit(action text, target_type text, target_id text, details jsonb DEFAULT NULL) RETURNS uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
BEGIN
    IF current_tenant() IS NULL THEN
        RAISE EXCEPTION 'this transaction acts for no tenant' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN audit_for(current_tenant(), $1, $2, $3, $4);
END
$$;
COMMENT ON FUNCTION posthorn.audit(text, text, text, jsonb) IS
    'Adds a row to the current tenant''s audit log, for what no trigger sees as one thing, such as a bulk operation.';
GRANT EXECUTE ON FUNCTION posthorn.audit(text, text, text, jsonb) TO posthorn_api;

-- By name, and by type: every bytea of ours is sealed, a hash or a key. A later column falls on the safe side by its name.
CREATE FUNCTION posthorn.audited_value(column_name text, value jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN value IS NULL OR value = 'null'::jsonb THEN 'null'::jsonb
    WHEN column_name ~ '(secret|sha256|password|token|credential|private|sealed|client_key|auth|headers$)' AND column_name !~ '_(at|until|type)$'
        THEN '"***"'::jsonb
    WHEN value::text ~ '^"\\\\x[0-9a-f]*"$' THEN '"***"'::jsonb
    ELSE value
END;
COMMENT ON FUNCTION posthorn.audited_value(text, jsonb) IS 'What the audit log shows of a column: *** for secrets.';

CREATE FUNCTION posthorn.audited_action(kind text, operation text, old_row jsonb, new_row jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN operation = 'INSERT' THEN kind || '.created'
    WHEN operation = 'DELETE' THEN kind || '.deleted'
    WHEN kind = 'subscription' AND old_row->'status' <> new_row->'status' THEN kind || '.' ||
        CASE new_row->>'status' WHEN 'active' THEN 'enabled' WHEN 'inactive' THEN 'disabled' ELSE new_row->>'status' END
    WHEN kind = 'subscription' AND old_row->'secret' <> new_row->'secret' THEN 'secret.rotated'
    WHEN old_row ? 'revoked_at' AND old_row->'revoked_at' = 'null' AND new_row->'revoked_at' <> 'null' THEN kind || '.revoked'
    WHEN old_row ? 'disabled_at' AND old_row->'disabled_at' = 'null' AND new_row->'disabled_at' <> 'null' THEN kind || '.disabled'
    WHEN old_row ? 'disabled_at' AND old_row->'disabled_at' <> 'null' AND new_row->'disabled_at' = 'null' THEN kind || '.enabled'
    ELSE kind || '.updated'
END;
COMMENT ON FUNCTION posthorn.audited_action(text, text, jsonb, jsonb) IS 'The name of a change in the audit log.';

CREATE FUNCTION posthorn.note_audit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = posthorn, pg_temp
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
        VALUES (tenant, current_actor(), audited_action(TG_ARGV[0], TG_OP, old_row, new_row), TG_ARGV[0],
            subject->>TG_ARGV[2], changed);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION posthorn.note_audit() IS 'Trigger (kind, column of the tenant, column of the id): adds a row to the audit log for each row changed.';

CREATE TRIGGER note_audit AFTER INSERT OR UPDATE OR DELETE ON posthorn.webhook_subscriptions
    FOR EACH ROW EXECUTE FUNCTION posthorn.note_audit('subscription', 'tenant_id', 'id');
CREATE TRIGGER note_audit AFTER INSERT OR DELETE OR UPDATE OF name, secret_sha256, scopes, expires_at, revoked_at ON posthorn.api_keys
    FOR EACH ROW EXECUTE FUNCTION posthorn.note_audit('api_key', 'tenant_id', 'id');
CREATE TRIGGER note_audit AFTER INSERT OR UPDATE OR DELETE ON posthorn.tenants
    FOR EACH ROW EXECUTE FUNCTION posthorn.note_audit('tenant', 'id', 'id');
CREATE TRIGGER note_audit AFTER INSERT OR UPDATE OR DELETE ON posthorn.event_types
    FOR EACH ROW EXECUTE FUNCTION posthorn.note_audit('event_type', 'tenant_id', 'name');
