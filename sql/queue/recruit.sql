-- queue/recruit: wakes the other dispatchers when this one has no free slot left.
SELECT pg_notify('posthorn_wake', '')
