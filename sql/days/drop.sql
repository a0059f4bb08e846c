-- days/drop: drops one expired day unless something holds it back; $1 parent text, $2 day date.
-- locks: ACCESS EXCLUSIVE on the parent, for milliseconds; waits at most 100 ms for each (55P03)
SELECT d.is_dropped, d.held_back_by FROM posthorn.drop_day($1::text, $2::date) d
