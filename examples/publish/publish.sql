-- Writes an invoice and its event in one transaction.
--
--     psql "$DATABASE_URL" --variable=tenant_id="$TENANT_ID" --file=publish.sql [--variable=rollback=on]
--
-- Prints the invoice's id, which the webhook carries as resource_id. With rollback both are rolled back: no webhook is sent.
\set ON_ERROR_STOP on
\set QUIET on

BEGIN;

INSERT INTO demo.invoices (tenant_id, customer_name, amount, currency)
VALUES (:'tenant_id', 'Acme Corporation', 1500.00, 'USD')
RETURNING id AS invoice_id, amount, currency, customer_name \gset

-- money travels as text: a JSON number may be read as a float
SELECT posthorn.publish(
    tenant_id => :'tenant_id',
    event => 'invoice.created',
    payload => jsonb_build_object(
        'invoice_id', :'invoice_id',
        'amount', :'amount',
        'currency', :'currency',
        'customer_name', :'customer_name'),
    resource_type => 'invoice',
    resource_id => :'invoice_id') AS event_id \gset

\if :{?rollback}
ROLLBACK;
\else
COMMIT;
\endif

\echo :invoice_id
