-- What: what a tenant may say of its event types: JSON Schema, example, strictness, deprecation. Why: publishers agree on payloads.
-- Lock: ACCESS EXCLUSIVE on event_types, small, for moments. Safe beside an older binary: yes.
ALTER TABLE posthorn.event_types
    -- json and not jsonb: shown as it was written
    ADD COLUMN json_schema json,
    ADD COLUMN example json,
    ADD COLUMN is_strict boolean NOT NULL DEFAULT false,
    ADD COLUMN is_deprecated boolean NOT NULL DEFAULT false,
    ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now(),
    ADD CONSTRAINT group_name_is_1_to_100_printable_characters CHECK (group_name ~ '^[^[:cntrl:]]{1,100}$'),
    ADD CONSTRAINT description_is_at_most_2000_characters CHECK (char_length(description) <= 2000),
    ADD CONSTRAINT json_schema_is_an_object_of_at_most_64_kib
        CHECK (json_schema IS NULL OR (json_typeof(json_schema) = 'object' AND octet_length(json_schema::text) <= 65536)),
    ADD CONSTRAINT example_is_an_object_of_at_most_64_kib
        CHECK (example IS NULL OR (json_typeof(example) = 'object' AND octet_length(example::text) <= 65536)),
    ADD CONSTRAINT a_strict_type_is_a_tenants_and_has_a_json_schema
        CHECK (NOT is_strict OR (tenant_id IS NOT NULL AND json_schema IS NOT NULL)),
    ADD CONSTRAINT names_of_operational_events_are_not_a_tenants CHECK (tenant_id IS NULL OR NOT starts_with(name, 'posthorn.'));
COMMENT ON COLUMN posthorn.event_types.tenant_id IS 'NULL: a common type, for everyone. Else the tenant whose own type it is; it may have the name of a common one, which it then replaces for this tenant.';
COMMENT ON COLUMN posthorn.event_types.json_schema IS 'JSON Schema of the payload, at most 64 KiB. Looked at where the type or its tenant is strict.';
COMMENT ON COLUMN posthorn.event_types.example IS 'A payload, for people; fits the schema when it was saved over the API.';
COMMENT ON COLUMN posthorn.event_types.is_strict IS 'Whether payloads must fit the schema: the API refuses others, by SQL they are stored and their deliveries fail as schema_mismatch.';
COMMENT ON COLUMN posthorn.event_types.is_deprecated IS 'Whether new publishers and subscribers should choose another.';
COMMENT ON COLUMN posthorn.event_types.updated_at IS 'When it was last changed.';

CREATE FUNCTION posthorn.note_event_type_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = posthorn, pg_temp
AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION posthorn.note_event_type_change() IS 'Trigger: keeps updated_at.';
CREATE TRIGGER note_change BEFORE UPDATE ON posthorn.event_types
    FOR EACH ROW EXECUTE FUNCTION posthorn.note_event_type_change();

CREATE POLICY own_rows ON posthorn.event_types TO posthorn_api
    USING (tenant_id = (SELECT posthorn.current_tenant())) WITH CHECK (tenant_id = (SELECT posthorn.current_tenant()));
CREATE POLICY every_row_for_dispatchers ON posthorn.event_types FOR SELECT TO posthorn_dispatcher USING (true);
GRANT INSERT (name, tenant_id, group_name, description, json_schema, example, is_strict, is_deprecated),
    UPDATE (group_name, description, json_schema, example, is_strict, is_deprecated), DELETE
    ON posthorn.event_types TO posthorn_api;
GRANT SELECT ON posthorn.event_types TO posthorn_dispatcher;
