-- days/make: makes one day partition; $1 parent text, $2 day date. False: it exists already.
-- locks: SHARE UPDATE EXCLUSIVE on the parent, ACCESS EXCLUSIVE on its default partition; at most 1 s wait (55P03)
SELECT posthorn.make_day($1::text, $2::date) AS is_made
