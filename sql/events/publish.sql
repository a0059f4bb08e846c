-- events/publish: publishes an event of the current tenant; its deliveries are made in the same transaction.
-- $1 event text, $2 payload text, $3 resource type text, $4 resource id text, $5 metadata text, $6 not before timestamptz
SELECT posthorn.publish_as_tenant($1::text, $2::text::jsonb, $3::text, $4::text, $5::text::jsonb, $6::timestamptz) AS id
