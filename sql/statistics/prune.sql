-- statistics/prune: deletes at most $1 int rows of each resolution that are older than kept.
-- index: delivery_statistics_age_idx, delivery_errors_age_idx
SELECT posthorn.prune_statistics($1::int) AS pruned
