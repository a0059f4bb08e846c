-- prune/state: how many rows a day has, and a text that changes when one of them does; reads the whole day.
-- $1 parent text, $2 day date
SELECT s.row_count, s.state FROM posthorn.day_state($1::text, $2::date) s
