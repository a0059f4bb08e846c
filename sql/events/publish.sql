-- events/publish: publishes an event; its deliveries are made in the same transaction.
-- $1 tenant uuid, $2 event text, $3 payload text, $4 resource type text, $5 resource id text, $6 metadata text,
-- $7 not before timestamptz
SELECT posthorn.publish($1::uuid, $2::text, $3::text::jsonb, $4::text, $5::text, $6::text::jsonb, $7::timestamptz) AS id
