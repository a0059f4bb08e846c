-- Invoices: created, sent, authorized or rejected by the tax authority, cancelled.

CREATE OR REPLACE FUNCTION demo.create_invoice(
    tenant uuid, customer_name text, amount numeric, currency text DEFAULT 'USD'
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    invoice demo.invoices;
BEGIN
    INSERT INTO demo.invoices (tenant_id, customer_id, customer_name, amount, currency)
    VALUES (
        tenant,
        (SELECT c.id FROM demo.customers c
         WHERE c.tenant_id = tenant AND c.name = create_invoice.customer_name ORDER BY c.created_at LIMIT 1),
        create_invoice.customer_name, demo.check_amount(create_invoice.amount), create_invoice.currency
    )
    RETURNING * INTO invoice;

    PERFORM posthorn.invoice_created(
        tenant, invoice.id, invoice.id, invoice.amount, invoice.currency, invoice.customer_name, invoice.customer_id,
        invoice.status, invoice.created_at
    );
    RETURN invoice.id;
END $$;

-- The invoice, locked until the transaction ends, or an error that says why it cannot be dealt with.
CREATE OR REPLACE FUNCTION demo.lock_open_invoice(invoice_id text) RETURNS demo.invoices LANGUAGE plpgsql AS $$
DECLARE
    invoice demo.invoices;
BEGIN
    SELECT * INTO invoice FROM demo.invoices i WHERE i.id = invoice_id FOR UPDATE;
    IF invoice.id IS NULL THEN
        RAISE EXCEPTION 'there is no invoice %', coalesce(invoice_id, 'NULL')
            USING ERRCODE = 'no_data_found', HINT = 'SELECT id, status FROM demo.invoices';
    ELSIF invoice.status <> 'open' THEN
        RAISE EXCEPTION 'invoice % is already %', invoice.id, invoice.status
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'SELECT demo.pay_invoice() takes the next open one';
    END IF;
    RETURN invoice;
END $$;

CREATE OR REPLACE FUNCTION demo.send_invoice(invoice_id text, sent_to text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    invoice demo.invoices := demo.lock_open_invoice(invoice_id);
BEGIN
    PERFORM posthorn.invoice_sent(invoice.tenant_id, invoice.id, invoice.id, sent_to);
END $$;

CREATE OR REPLACE FUNCTION demo.authorize_invoice(
    invoice_id text, authorization_number text, authorization_key text
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    invoice demo.invoices := demo.lock_open_invoice(invoice_id);
BEGIN
    PERFORM posthorn.invoice_authorized(
        invoice.tenant_id, invoice.id, invoice.id, authorization_number, authorization_key
    );
END $$;

CREATE OR REPLACE FUNCTION demo.reject_invoice(
    invoice_id text, reason text, error_code text
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    invoice demo.invoices := demo.lock_open_invoice(invoice_id);
BEGIN
    PERFORM posthorn.invoice_rejected(invoice.tenant_id, invoice.id, invoice.id, reason, error_code);
END $$;

CREATE OR REPLACE FUNCTION demo.cancel_invoice(invoice_id text, reason text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    invoice demo.invoices := demo.lock_open_invoice(invoice_id);
BEGIN
    UPDATE demo.invoices i SET status = 'cancelled' WHERE i.id = invoice.id;

    PERFORM posthorn.invoice_cancelled(invoice.tenant_id, invoice.id, invoice.id, reason);
END $$;
