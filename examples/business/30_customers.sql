-- Customers: created, updated.

CREATE OR REPLACE FUNCTION demo.create_customer(
    tenant uuid, name text, email text DEFAULT NULL, phone text DEFAULT NULL, type text DEFAULT 'business'
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    customer demo.customers;
BEGIN
    INSERT INTO demo.customers (tenant_id, name, email, phone, type)
    VALUES (tenant, create_customer.name, create_customer.email, create_customer.phone, create_customer.type)
    RETURNING * INTO customer;

    PERFORM posthorn.customer_created(tenant, customer.id, customer.name, customer.email, customer.phone, customer.type);
    RETURN customer.id;
END $$;

-- NULL leaves a field as it is. An update that changes nothing publishes nothing.
CREATE OR REPLACE FUNCTION demo.update_customer(
    customer_id text, name text DEFAULT NULL, email text DEFAULT NULL, phone text DEFAULT NULL
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    before demo.customers := demo.lock_customer(customer_id);
    after demo.customers;
    changes jsonb;
BEGIN
    UPDATE demo.customers c SET
        name = coalesce(update_customer.name, c.name),
        email = coalesce(update_customer.email, c.email),
        phone = coalesce(update_customer.phone, c.phone)
    WHERE c.id = before.id
    RETURNING * INTO after;

    SELECT jsonb_object_agg('customer_' || is_now.key, jsonb_build_object('from', was.value, 'to', is_now.value))
    INTO changes
    FROM jsonb_each(to_jsonb(after)) AS is_now JOIN jsonb_each(to_jsonb(before)) AS was USING (key)
    WHERE was.value <> is_now.value;

    IF changes IS NOT NULL THEN
        PERFORM posthorn.customer_updated(after.tenant_id, after.id, after.name, after.email, after.phone, changes);
    END IF;
END $$;

-- The customer, locked until the transaction ends, or an error.
CREATE OR REPLACE FUNCTION demo.lock_customer(customer_id text) RETURNS demo.customers LANGUAGE plpgsql AS $$
DECLARE
    customer demo.customers;
BEGIN
    SELECT * INTO customer FROM demo.customers c WHERE c.id = customer_id FOR UPDATE;
    IF customer.id IS NULL THEN
        RAISE EXCEPTION 'there is no customer %', coalesce(customer_id, 'NULL')
            USING ERRCODE = 'no_data_found', HINT = 'SELECT id, name FROM demo.customers';
    END IF;
    RETURN customer;
END $$;
