-- Sales orders: created, confirmed, cancelled.

CREATE OR REPLACE FUNCTION demo.create_order(
    tenant uuid, customer_id text, amount numeric, items_count integer DEFAULT 1, currency text DEFAULT 'USD'
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    customer demo.customers := demo.lock_customer(customer_id);
    sales_order demo.sales_orders;
BEGIN
    IF customer.tenant_id <> tenant THEN
        RAISE EXCEPTION 'there is no customer %', customer_id USING ERRCODE = 'no_data_found';
    END IF;
    INSERT INTO demo.sales_orders (tenant_id, customer_id, amount, items_count, currency)
    VALUES (tenant, customer.id, demo.check_amount(create_order.amount), create_order.items_count, create_order.currency)
    RETURNING * INTO sales_order;

    PERFORM posthorn.sales_order_created(
        tenant, sales_order.id, sales_order.id, customer.id, customer.name, sales_order.amount, sales_order.currency,
        sales_order.items_count
    );
    RETURN sales_order.id;
END $$;

CREATE OR REPLACE FUNCTION demo.confirm_order(order_id text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    sales_order demo.sales_orders := demo.lock_new_order(order_id);
BEGIN
    UPDATE demo.sales_orders o SET status = 'confirmed' WHERE o.id = sales_order.id;

    PERFORM posthorn.sales_order_confirmed(
        sales_order.tenant_id, sales_order.id, sales_order.id, c.id, c.name, sales_order.amount, sales_order.currency
    )
    FROM demo.customers c WHERE c.id = sales_order.customer_id;
END $$;

CREATE OR REPLACE FUNCTION demo.cancel_order(order_id text, reason text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    sales_order demo.sales_orders := demo.lock_new_order(order_id);
BEGIN
    UPDATE demo.sales_orders o SET status = 'cancelled' WHERE o.id = sales_order.id;

    PERFORM posthorn.sales_order_cancelled(sales_order.tenant_id, sales_order.id, sales_order.id, reason);
END $$;

-- The order, locked until the transaction ends, or an error that says why it cannot be dealt with.
CREATE OR REPLACE FUNCTION demo.lock_new_order(order_id text) RETURNS demo.sales_orders LANGUAGE plpgsql AS $$
DECLARE
    sales_order demo.sales_orders;
BEGIN
    SELECT * INTO sales_order FROM demo.sales_orders o WHERE o.id = order_id FOR UPDATE;
    IF sales_order.id IS NULL THEN
        RAISE EXCEPTION 'there is no order %', coalesce(order_id, 'NULL')
            USING ERRCODE = 'no_data_found', HINT = 'SELECT id, status FROM demo.sales_orders';
    ELSIF sales_order.status <> 'new' THEN
        RAISE EXCEPTION 'order % is already %', sales_order.id, sales_order.status
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    RETURN sales_order;
END $$;
