-- idempotency/forget_published: deletes idempotency keys of events older than 7 days.
-- $1 most rows integer; index: published_keys_created_idx; locks: the rows, skipping locked ones
SELECT posthorn.forget_published_keys($1::integer) AS forgotten
