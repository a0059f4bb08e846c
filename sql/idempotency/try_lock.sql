-- idempotency/try_lock: whether no other transaction has this request in hand. A transaction that dies lets go.
-- $1 tenant, route and key as one text; locks: advisory, until the transaction ends
SELECT pg_try_advisory_xact_lock(hashtextextended($1::text, 1886352488)) AS is_held
