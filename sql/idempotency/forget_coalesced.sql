-- idempotency/forget_coalesced: deletes coalesce keys of more than a day ago whose event no longer waits; says how many it looked at.
-- $1 most rows integer; index: coalesced_keys_look_idx; locks: the rows, skipping locked ones
SELECT posthorn.forget_coalesced_keys($1::integer) AS forgotten
