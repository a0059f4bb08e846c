-- fanout/judge: says of a taken event that it was checked, and what its deliveries fail as (NULL: they do not) and why.
-- $1 event uuid, $2 error kind text, $3 reason text; index: primary key; locks: the row
UPDATE posthorn.event_fanouts
SET checked_at = now(), error_kind = $2::text, reason = coalesce(left($3::text, 500), reason)
WHERE event_id = $1::uuid AND state = 'open'
