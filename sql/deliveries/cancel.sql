-- deliveries/cancel: gives a waiting delivery up.
-- $1 id uuid; index: primary key; locks: the row, which moves to the finished ones
UPDATE posthorn.webhook_deliveries
SET status = 'cancelled', finished_at = now(), updated_at = now(), epoch = epoch + 1
WHERE id = $1::uuid AND status IN ('pending', 'retrying')
RETURNING id
