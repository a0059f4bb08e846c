-- statistics/fold: adds at most $1 int tallies of the oldest minute to the roll-up; answers with how many.
-- locks: advisory, one at a time (0 when another does it)
SELECT f.folded, f.has_older FROM posthorn.fold_tallies($1::int) f
