-- deliveries/retry: makes a delivery due now as a new generation; its attempts so far stay in the history.
-- $1 id uuid; index: primary key; locks: the row, which moves back to the live partition
UPDATE posthorn.webhook_deliveries
SET status = 'pending', generation = generation + 1, epoch = epoch + 1, attempts = 0, due_at = now(), lease_until = NULL,
    updated_at = now(), finished_at = NULL
WHERE id = $1::uuid AND status <> 'sending'
RETURNING id
