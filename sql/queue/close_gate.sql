-- queue/close_gate: tries to close the wake-up gate: from then on producers notify. False: one that did not is still open.
SELECT pg_try_advisory_lock(1886352488, 1) AS is_held
