-- events/publish: publishes an event of the current tenant; its deliveries are made in the same transaction.
-- $1 event, $2 payload, $3 resource type, $4 resource id, $5 metadata text, $6 not before timestamptz, $7 ordering key text
SELECT posthorn.publish_as_tenant($1::text, $2::text::jsonb, $3::text, $4::text, $5::text::jsonb, $6::timestamptz, $7::text) AS id
