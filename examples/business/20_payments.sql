-- Payments: received or failed.

-- Pays an open invoice and returns the payment's id. Without an invoice it takes the next open one, or makes one.
CREATE OR REPLACE FUNCTION demo.pay_invoice(
    invoice_id text DEFAULT NULL, payment_method text DEFAULT 'card', reference_number text DEFAULT NULL
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    invoice demo.invoices := demo.lock_open_invoice(coalesce(invoice_id, demo.next_open_invoice()));
    payment demo.payments;
BEGIN
    UPDATE demo.invoices i SET status = 'paid' WHERE i.id = invoice.id;
    INSERT INTO demo.payments (tenant_id, invoice_id, amount, currency, method, reference_number, status)
    VALUES (invoice.tenant_id, invoice.id, invoice.amount, invoice.currency, payment_method,
            pay_invoice.reference_number, 'received')
    RETURNING * INTO payment;

    PERFORM posthorn.payment_received(
        invoice.tenant_id, payment.id, invoice.id, payment.amount, payment.currency, payment.method, payment.reference_number
    );
    RETURN payment.id;
END $$;

-- Skips invoices that other transactions are paying, so that any number of callers can pay at once.
CREATE OR REPLACE FUNCTION demo.next_open_invoice() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    open_invoice text;
BEGIN
    SELECT i.id INTO open_invoice FROM demo.invoices i
    WHERE i.status = 'open' ORDER BY i.created_at, i.id LIMIT 1 FOR UPDATE SKIP LOCKED;
    RETURN coalesce(open_invoice, demo.create_invoice(demo.first_tenant(), 'Acme Corporation', 1500.00));
END $$;

-- A payment that did not go through; the invoice stays open. Returns the payment's id.
CREATE OR REPLACE FUNCTION demo.fail_payment(
    invoice_id text, reason text DEFAULT 'card declined', error_code text DEFAULT 'card_declined'
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    invoice demo.invoices := demo.lock_open_invoice(invoice_id);
    payment demo.payments;
BEGIN
    INSERT INTO demo.payments (tenant_id, invoice_id, amount, currency, method, status)
    VALUES (invoice.tenant_id, invoice.id, invoice.amount, invoice.currency, 'card', 'failed')
    RETURNING * INTO payment;

    PERFORM posthorn.payment_failed(
        invoice.tenant_id, payment.id, invoice.id, payment.amount, payment.currency, reason, error_code
    );
    RETURN payment.id;
END $$;
