-- What: a test send names a subscription of its own tenant, by foreign key.
-- Why: a session with posthorn_api could ask for one to another tenant's subscription, and read what that receiver answered.
-- Lock: SHARE ROW EXCLUSIVE on test_sends and webhook_subscriptions, for the few rows of ten minutes.
-- Safe beside an older binary: yes, it asks for subscriptions of its tenant alone.
DELETE FROM posthorn.test_sends t
WHERE NOT EXISTS (SELECT FROM posthorn.webhook_subscriptions s WHERE s.tenant_id = t.tenant_id AND s.id = t.subscription_id);

CREATE INDEX test_sends_subscription ON posthorn.test_sends (tenant_id, subscription_id);

ALTER TABLE posthorn.test_sends ADD CONSTRAINT test_sends_subscription_fkey
    FOREIGN KEY (tenant_id, subscription_id) REFERENCES posthorn.webhook_subscriptions (tenant_id, id) ON DELETE CASCADE;
