-- doctor/subscriptions: status and receiver of the newest subscriptions.
-- $1 after uuid, $2 most rows int8; index: primary key
SELECT to_jsonb(f) AS facts FROM (
    SELECT s.id, s.status, s.status_reason AS reason, s.url
    FROM posthorn.webhook_subscriptions s
    WHERE s.id > $1::uuid AND s.status IN ('active', 'suspended')
    ORDER BY s.id DESC
    LIMIT $2::int8) f
