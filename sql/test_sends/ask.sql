-- test_sends/ask: asks for a request to a subscription of the current tenant. No row: there is no such subscription, or too
-- many are waiting.
-- $1 tenant uuid, $2 subscription uuid, $3 event, $4 payload json text, $5 resource type, $6 resource id, $7 metadata json text
INSERT INTO posthorn.test_sends (tenant_id, subscription_id, event, payload, resource_type, resource_id, metadata)
SELECT $1::uuid, s.id, $3::text, $4::text::jsonb, $5::text, $6::text, $7::text::jsonb
FROM posthorn.webhook_subscriptions s
WHERE s.id = $2::uuid AND s.status <> 'deleted'
  AND (SELECT count(*) FROM posthorn.test_sends t WHERE t.answer IS NULL AND t.requested_at > now() - interval '1 minute') < 10
RETURNING id
