-- session/lock_tenant: makes what would collide within a tenant wait for each other, until the end of the transaction.
-- $1 tenant uuid; locks: advisory, of the tenant
SELECT pg_advisory_xact_lock(hashtextextended($1::uuid::text, 0))
