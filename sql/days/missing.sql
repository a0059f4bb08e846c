-- days/missing: day partitions still to be made, from today (UTC) to $1 int days ahead.
SELECT m.parent, m.day FROM posthorn.missing_days($1::int) m
