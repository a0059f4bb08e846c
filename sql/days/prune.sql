-- days/prune: deletes expired rows that no day takes along: $1 table text, $2 days kept int, $3 most rows int.
-- index: primary keys; locks: the rows
SELECT posthorn.prune_strays($1::text, $2::int, $3::int) AS pruned
