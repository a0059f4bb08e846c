-- events/find: ids of the newest events that are wanted, as far as a bounded search reaches.
-- $1 event or pattern, $2 resource type, $3 resource id, $4 fan-out state, $5 jsonpath text, $6 since id uuid, $7 before id uuid, $8 most int
SELECT f.event_ids, f.looked_at, f.oldest_id, f.ended_by
FROM posthorn.find_events($1::text, $2::text, $3::text, $4::text, $5::text::jsonpath, $6::uuid, $7::uuid, $8::int) f
