-- A small business in schema demo. Its functions change business rows and publish the event in the same transaction,
-- by Posthorn's function for it: the role that calls them needs rights on these tables and posthorn_publisher.
CREATE SCHEMA IF NOT EXISTS demo;

CREATE SEQUENCE IF NOT EXISTS demo.invoice_numbers START 1001;
CREATE SEQUENCE IF NOT EXISTS demo.payment_numbers START 1001;
CREATE SEQUENCE IF NOT EXISTS demo.customer_numbers START 1001;
CREATE SEQUENCE IF NOT EXISTS demo.order_numbers START 1001;

CREATE TABLE IF NOT EXISTS demo.customers (
    id text PRIMARY KEY DEFAULT 'CUS-' || nextval('demo.customer_numbers'),
    tenant_id uuid NOT NULL,
    name text NOT NULL,
    email text,
    phone text,
    type text NOT NULL DEFAULT 'business' CHECK (type IN ('business', 'person')),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS customers_by_name ON demo.customers (tenant_id, name);

CREATE TABLE IF NOT EXISTS demo.invoices (
    id text PRIMARY KEY DEFAULT 'INV-' || nextval('demo.invoice_numbers'),
    tenant_id uuid NOT NULL,
    customer_id text REFERENCES demo.customers,
    customer_name text NOT NULL,
    amount numeric(14, 2) NOT NULL CHECK (amount > 0),
    currency text NOT NULL DEFAULT 'USD' CHECK (currency ~ '^[A-Z]{3}$'),
    status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'paid', 'cancelled')),
    created_at timestamptz NOT NULL DEFAULT now()
);
-- which invoice is paid next?
CREATE INDEX IF NOT EXISTS open_invoices ON demo.invoices (created_at, id) WHERE status = 'open';

CREATE TABLE IF NOT EXISTS demo.payments (
    id text PRIMARY KEY DEFAULT 'PAY-' || nextval('demo.payment_numbers'),
    tenant_id uuid NOT NULL,
    invoice_id text NOT NULL REFERENCES demo.invoices,
    amount numeric(14, 2) NOT NULL,
    currency text NOT NULL,
    method text NOT NULL,
    reference_number text,
    status text NOT NULL CHECK (status IN ('received', 'failed')),
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS demo.sales_orders (
    id text PRIMARY KEY DEFAULT 'SO-' || nextval('demo.order_numbers'),
    tenant_id uuid NOT NULL,
    customer_id text NOT NULL REFERENCES demo.customers,
    amount numeric(14, 2) NOT NULL CHECK (amount > 0),
    currency text NOT NULL DEFAULT 'USD' CHECK (currency ~ '^[A-Z]{3}$'),
    items_count integer NOT NULL CHECK (items_count > 0),
    status text NOT NULL DEFAULT 'new' CHECK (status IN ('new', 'confirmed', 'cancelled')),
    created_at timestamptz NOT NULL DEFAULT now()
);

-- A customer, an order and ten open invoices INV-1001 to INV-1010, once; seeding publishes nothing.
CREATE OR REPLACE FUNCTION demo.seed(tenant uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    customer text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('demo.seed'));
    IF EXISTS (SELECT FROM demo.customers c WHERE c.tenant_id = tenant) THEN
        RETURN;
    END IF;
    INSERT INTO demo.customers (tenant_id, name, email, phone)
    VALUES (tenant, 'Acme Corporation', 'billing@acme.example', '+1 202 555 0143')
    RETURNING id INTO customer;
    INSERT INTO demo.sales_orders (tenant_id, customer_id, amount, items_count) VALUES (tenant, customer, 2400.00, 3);
    -- a roll-back does not give numbers back: begin with INV-1001 whenever there is no invoice at all
    PERFORM setval('demo.invoice_numbers', 1001, false) WHERE NOT EXISTS (SELECT FROM demo.invoices);
    INSERT INTO demo.invoices (tenant_id, customer_id, customer_name, amount)
    SELECT tenant, customer, 'Acme Corporation', 150 * n FROM generate_series(1, 10) AS n ORDER BY n;
END $$;

-- The tenant that was seeded first, for calls that name none.
CREATE OR REPLACE FUNCTION demo.first_tenant() RETURNS uuid LANGUAGE plpgsql STABLE AS $$
DECLARE
    tenant uuid;
BEGIN
    SELECT c.tenant_id INTO tenant FROM demo.customers c ORDER BY c.created_at, c.id LIMIT 1;
    IF tenant IS NULL THEN
        RAISE EXCEPTION 'there is no demo data yet' USING HINT = 'SELECT demo.seed(<tenant id>)';
    END IF;
    RETURN tenant;
END $$;

-- An amount of money that numeric(14, 2) holds without rounding.
CREATE OR REPLACE FUNCTION demo.check_amount(amount numeric) RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF amount IS NULL OR NOT (amount > 0 AND amount < 1e12) OR amount <> round(amount, 2) THEN
        RAISE EXCEPTION 'amount % is not a positive amount below 1e12 with at most two decimals', coalesce(amount::text, 'NULL')
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN round(amount, 2);
END $$;
