-- prune/drop_archived: drops a day unless something holds it back, or it is not any more what it was when it was archived.
-- $1 parent text, $2 day date, $3 state text; locks: as days/drop, and SHARE on the day while it is looked at (55P03 after 100 ms)
SELECT d.is_dropped, d.held_back_by FROM posthorn.drop_archived_day($1::text, $2::date, $3::text) d
