-- queue/call_stranded: makes parked deliveries due that nobody stands before. There should be none; this mends what a fault left.
-- $1 limit int; index: live (id) of parked ones, the line's; locks: the rows, SKIP LOCKED
WITH stranded AS MATERIALIZED (
    SELECT p.id
    FROM posthorn.webhook_deliveries p
    WHERE p.id > '00000000-0000-0000-0000-000000000000' AND p.due_at IS NULL AND p.status IN ('pending', 'sending', 'retrying')
      AND NOT EXISTS (
          SELECT FROM posthorn.webhook_deliveries f
          WHERE f.subscription_id = p.subscription_id AND f.ordering_key = p.ordering_key AND f.ordering_key IS NOT NULL
            AND f.ordering_number < p.ordering_number AND f.status IN ('pending', 'sending', 'retrying'))
    ORDER BY p.id LIMIT $1::int FOR UPDATE OF p SKIP LOCKED
)
UPDATE posthorn.webhook_deliveries d
SET due_at = now(), updated_at = now()
FROM stranded s
WHERE d.id = s.id AND d.status IN ('pending', 'sending', 'retrying')
RETURNING d.id
