-- idempotency/forget: deletes answers older than 24 hours.
-- $1 most rows integer; index: idempotency_keys_created_idx; locks: the rows, skipping locked ones
SELECT posthorn.forget_idempotency_keys($1::integer) AS forgotten
