-- queue/try_sentinel: whether this session is the one dispatcher that may hold the wake-up gate; kept until it ends.
SELECT pg_try_advisory_lock(1886352488, 2) AS is_held
