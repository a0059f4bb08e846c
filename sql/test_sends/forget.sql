-- test_sends/forget: forgets requests of more than ten minutes ago.
DELETE FROM posthorn.test_sends t
WHERE t.requested_at < now() - interval '10 minutes'
RETURNING t.id
