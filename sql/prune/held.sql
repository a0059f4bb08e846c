-- prune/held: why a day may not be dropped yet; NULL: it may.
-- $1 parent text, $2 day date
SELECT posthorn.held_back_by($1::text, $2::date) AS held_back_by
