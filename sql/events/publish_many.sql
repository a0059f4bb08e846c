-- events/publish_many: publishes events of the current tenant; the ids come in the order given.
-- $1 to $7: one array per column, as in events/publish
SELECT posthorn.publish_many_as_tenant($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::text[]) AS ids
