-- What: what the role posthorn_rekey may do: read sealed values and put others in their place. The audit log calls that
--       secret.resealed, and updated_at stays as it is.
-- Why:  `posthorn rekey` seals every value anew under another key of the keyring. It needs no more than these columns, and a login of
--       its own can be given no more. Nothing that a tenant set has changed by it: no ETag of theirs may go stale, and no
--       entry may say that a secret was rotated.
-- Lock: none that traffic could wait for. Safe beside an older binary: yes, which does not use it.
GRANT USAGE ON SCHEMA posthorn TO posthorn_rekey;
GRANT EXECUTE ON FUNCTION posthorn.are_event_patterns(text[]), posthorn.schema_version() TO posthorn_rekey;

CREATE POLICY every_sealed_value ON posthorn.webhook_subscriptions TO posthorn_rekey USING (true) WITH CHECK (true);
GRANT SELECT (id, tenant_id, secret, previous_secret, sealed_headers, sealed_credentials, sealed_client_key),
    UPDATE (secret, previous_secret, sealed_headers, sealed_credentials, sealed_client_key)
    ON posthorn.webhook_subscriptions TO posthorn_rekey;

CREATE POLICY every_sealed_value ON posthorn.idempotency_keys TO posthorn_rekey USING (true) WITH CHECK (true);
GRANT SELECT (tenant_id, route, key, answer), UPDATE (answer) ON posthorn.idempotency_keys TO posthorn_rekey;

CREATE OR REPLACE FUNCTION posthorn.note_subscription_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = posthorn, pg_temp
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

CREATE OR REPLACE FUNCTION posthorn.note_audit() RETURNS trigger
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
        -- the setting and not current_user, which is the owner here
        VALUES (tenant, current_actor(), CASE current_setting('role') WHEN 'posthorn_rekey' THEN 'secret.resealed'
            ELSE audited_action(TG_ARGV[0], TG_OP, old_row, new_row) END, TG_ARGV[0], subject->>TG_ARGV[2], changed);
    END IF;
    RETURN NULL;
END
$$;

COMMENT ON COLUMN posthorn.audit_log.actor IS 'api_key:<id>, jwt:<subject>, operator, dispatcher, rekey, or role:<login> for plain SQL.';
COMMENT ON COLUMN posthorn.audit_log.action IS 'Such as subscription.created, secret.rotated, secret.resealed, api_key.revoked.';
