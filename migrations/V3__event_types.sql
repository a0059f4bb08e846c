-- What: the catalogue of event types with the 54 common ones in their groups. Why: people pick from it; unknown types stay
-- allowed. Lock: none. Safe beside an older binary: yes.
CREATE TABLE posthorn.event_types (
    name text NOT NULL,
    tenant_id uuid REFERENCES posthorn.tenants (id) ON DELETE CASCADE,
    group_name text NOT NULL,
    description text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT one_type_per_name UNIQUE NULLS NOT DISTINCT (tenant_id, name),
    CONSTRAINT event_name_is_valid CHECK (char_length(name) <= 100 AND name ~ '^[a-z0-9_]+(\.[a-z0-9_]+)+$')
);
COMMENT ON TABLE posthorn.event_types IS 'Catalogue of event types. An event need not be listed here to be published.';
COMMENT ON COLUMN posthorn.event_types.name IS 'Such as invoice.created.';
COMMENT ON COLUMN posthorn.event_types.tenant_id IS 'NULL: a common type, for everyone. Else the tenant whose own type it is.';
COMMENT ON COLUMN posthorn.event_types.group_name IS 'Heading under which people find it.';
COMMENT ON COLUMN posthorn.event_types.description IS 'What happened when this event is published.';
COMMENT ON COLUMN posthorn.event_types.created_at IS 'When it was added.';

ALTER TABLE posthorn.event_types ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_and_common ON posthorn.event_types FOR SELECT TO posthorn_api
    USING (tenant_id IS NULL OR tenant_id = (SELECT posthorn.current_tenant()));
CREATE POLICY every_row ON posthorn.event_types FOR SELECT TO posthorn_readonly USING (true);
GRANT SELECT ON posthorn.event_types TO posthorn_api, posthorn_readonly;

INSERT INTO posthorn.event_types (name, group_name, description) VALUES
    ('invoice.created', 'Invoices', 'An invoice was created'),
    ('invoice.sent', 'Invoices', 'An invoice was sent to the customer'),
    ('invoice.authorized', 'Invoices', 'The tax authority authorised an invoice'),
    ('invoice.rejected', 'Invoices', 'The tax authority rejected an invoice'),
    ('invoice.cancelled', 'Invoices', 'An invoice was cancelled'),
    ('invoice.paid', 'Invoices', 'An invoice was paid in full'),
    ('invoice.voided', 'Invoices', 'An invoice was voided'),
    ('invoice.payment_failed', 'Invoices', 'A payment for an invoice failed'),
    ('payment.received', 'Payments', 'A payment was received'),
    ('payment.failed', 'Payments', 'A payment failed'),
    ('payment.succeeded', 'Payments', 'A payment succeeded'),
    ('payment.refunded', 'Payments', 'A payment was refunded'),
    ('customer.created', 'Customers', 'A customer was created'),
    ('customer.updated', 'Customers', 'A customer was changed'),
    ('customer.deleted', 'Customers', 'A customer was deleted'),
    ('sales_order.created', 'Sales orders', 'A sales order was created'),
    ('sales_order.confirmed', 'Sales orders', 'A sales order was confirmed'),
    ('sales_order.cancelled', 'Sales orders', 'A sales order was cancelled'),
    ('inventory.low', 'Inventory', 'Stock fell below its threshold'),
    ('inventory.updated', 'Inventory', 'Stock changed'),
    ('purchase_order.created', 'Purchasing', 'A purchase order was created'),
    ('document.updated', 'Documents', 'A document was changed'),
    ('subscription.created', 'Subscriptions', 'A customer subscribed to a plan'),
    ('subscription.updated', 'Subscriptions', 'A plan subscription was changed'),
    ('subscription.cancelled', 'Subscriptions', 'A plan subscription was cancelled'),
    ('subscription.renewed', 'Subscriptions', 'A plan subscription was renewed'),
    ('subscription.trial_ending', 'Subscriptions', 'A trial is about to end'),
    ('user.registered', 'Users', 'A user registered'),
    ('user.updated', 'Users', 'A user was changed'),
    ('user.deleted', 'Users', 'A user was deleted'),
    ('user.login', 'Users', 'A user signed in'),
    ('email.sent', 'Communications', 'An e-mail was sent'),
    ('email.delivered', 'Communications', 'An e-mail was delivered'),
    ('email.bounced', 'Communications', 'An e-mail bounced'),
    ('email.failed', 'Communications', 'An e-mail could not be sent'),
    ('bulk_email.completed', 'Communications', 'A bulk e-mail was completed'),
    ('bulk_email.failed', 'Communications', 'A bulk e-mail failed'),
    ('file.uploaded', 'Files', 'A file was uploaded'),
    ('file.deleted', 'Files', 'A file was deleted'),
    ('file.scan_completed', 'Files', 'A file was scanned'),
    ('storage.quota_exceeded', 'Files', 'A storage quota was exceeded'),
    ('import.completed', 'Data transfer', 'An import was completed'),
    ('import.failed', 'Data transfer', 'An import failed'),
    ('export.completed', 'Data transfer', 'An export was completed'),
    ('export.failed', 'Data transfer', 'An export failed'),
    ('metric.threshold_exceeded', 'Analytics', 'A metric crossed its threshold'),
    ('report.generated', 'Analytics', 'A report was generated'),
    ('security.alert', 'Audit', 'Something needs the attention of security'),
    ('compliance.violation', 'Audit', 'A compliance rule was violated'),
    ('ticket.created', 'Ticketing', 'A ticket was created'),
    ('ticket.updated', 'Ticketing', 'A ticket was changed'),
    ('ticket.closed', 'Ticketing', 'A ticket was closed'),
    ('ticket.sla_breach', 'Ticketing', 'A ticket breached its service level'),
    ('error.occurred', 'Errors', 'An error occurred');
