-- event_types/change: replaces what is said of an own type, unless someone else did since it was read. No row: so it is.
-- $1 name, $2 group, $3 description, $4 schema text, $5 example text, $6 strict bool, $7 deprecated bool, $8 read at timestamptz
-- index: one_type_per_name; locks: the row
UPDATE posthorn.event_types t
SET group_name = $2::text, description = $3::text, json_schema = $4::text::json, example = $5::text::json,
    is_strict = $6::bool, is_deprecated = $7::bool
WHERE t.tenant_id = (SELECT posthorn.current_tenant()) AND t.name = $1::text AND t.updated_at = $8::timestamptz
RETURNING t.name
