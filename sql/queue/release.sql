-- queue/release: gives leases back unsent; the attempt does not count and the delivery is due at once.
-- $1 ids uuid[], $2 epochs int[]; index: live primary key; locks: the rows
UPDATE posthorn.webhook_deliveries d
SET status = CASE WHEN d.attempts > 1 THEN 'retrying' ELSE 'pending' END, attempts = d.attempts - 1, lease_until = NULL,
    updated_at = now()
FROM unnest($1::uuid[], $2::int[]) AS r (id, epoch)
WHERE d.id = r.id AND d.epoch = r.epoch AND d.status IN ('pending', 'sending', 'retrying') AND d.lease_until IS NOT NULL
RETURNING d.id
