-- keys/forget: deletes API keys made for a day at most that ended more than a day ago, at most $1 (int) of them.
-- index: none, the table is small because of this; locks: the rows, skipping locked ones
SELECT posthorn.forget_short_lived_keys($1::int) AS forgotten
