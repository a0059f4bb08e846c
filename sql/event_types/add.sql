-- event_types/add: a tenant's own type. No row: it has one of this name.
-- $1 tenant uuid, $2 name, $3 group, $4 description, $5 schema text, $6 example text, $7 strict bool, $8 deprecated bool
INSERT INTO posthorn.event_types (tenant_id, name, group_name, description, json_schema, example, is_strict, is_deprecated)
VALUES ($1::uuid, $2::text, $3::text, $4::text, $5::text::json, $6::text::json, $7::bool, $8::bool)
ON CONFLICT ON CONSTRAINT one_type_per_name DO NOTHING
RETURNING name
