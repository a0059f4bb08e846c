-- What: publish() with every option by name, and one function for each of the twelve business events.
-- Why:  a module in any language calls a function with its own values and need not know the fields of the payload; and publish(), which
--       runs with the owner's rights, is how a publisher learns the event's id. Muted, they store nothing and answer NULL.
-- Lock: none that anyone waits for. Safe beside an older binary: yes, its publish_as_tenant() of six arguments calls the new publish(),
--       which takes the arguments of the old one in their places. A right on the old publish() that was granted to another role than
--       posthorn_publisher must be granted anew.
DROP FUNCTION posthorn.publish(uuid, text, jsonb, text, text, jsonb, timestamptz);
CREATE FUNCTION posthorn.publish(tenant_id uuid, event text, payload jsonb, resource_type text DEFAULT NULL,
    resource_id text DEFAULT NULL, metadata jsonb DEFAULT NULL, deliver_after timestamptz DEFAULT NULL, ordering_key text DEFAULT NULL,
    idempotency_key text DEFAULT NULL, coalesce_key text DEFAULT NULL) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    published_id uuid;
    is_same boolean;
BEGIN
    IF coalesce(current_setting('posthorn.mute', true), '') = 'on' THEN
        RETURN NULL;
    END IF;
    -- twice: the key may be forgotten between being taken and being looked up
    FOR attempt IN 1 .. 2 LOOP
        INSERT INTO outbox (tenant_id, event, payload, resource_type, resource_id, metadata, deliver_after, ordering_key, idempotency_key,
            coalesce_key)
        VALUES (publish.tenant_id, publish.event, publish.payload, publish.resource_type, publish.resource_id, publish.metadata,
            publish.deliver_after, publish.ordering_key, publish.idempotency_key, publish.coalesce_key)
        RETURNING id INTO published_id;
        EXIT WHEN published_id IS NOT NULL OR publish.idempotency_key IS NULL;
        -- of an event whose day is gone nothing can be compared; when it was made may be a default of now()
        SELECT k.event_id,
            o.id IS NULL OR coalesce(o.event = publish.event AND CASE WHEN jsonb_typeof(publish.payload) = 'object'
                THEN o.payload - 'created_at' = publish.payload - 'created_at' END, false)
        INTO published_id, is_same
        FROM published_keys k LEFT JOIN outbox o ON o.id = k.event_id
        WHERE k.tenant_id = publish.tenant_id AND k.idempotency_key = publish.idempotency_key;
        IF NOT is_same THEN
            RAISE EXCEPTION 'idempotency key % was used for another event', quote_literal(publish.idempotency_key)
                USING ERRCODE = 'unique_violation',
                    DETAIL = format('Event %s of tenant %s has it, with another type or payload.', published_id, publish.tenant_id),
                    HINT = 'Give each event a key of its own, and publish it again with the type and payload that it had.';
        END IF;
        EXIT WHEN published_id IS NOT NULL;
    END LOOP;
    RETURN published_id;
END
$$;
COMMENT ON FUNCTION posthorn.publish(uuid, text, jsonb, text, text, jsonb, timestamptz, text, text, text) IS
$$Publishes an event in the caller's transaction and returns its id. Only the first three arguments are needed.
  deliver_after: not to be sent before
  ordering_key: events with the same key reach ordered subscriptions one at a time
  idempotency_key: published again within 7 days, it is stored once: the first event's id; another type or payload is an error
  coalesce_key: a newer event of the same type and key cancels what still waits of this one
With posthorn.mute = on it stores nothing and returns NULL.
Example: SELECT posthorn.publish(tenant_id => '6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10', event => 'invoice.paid', payload => '{"invoice_id": "INV-1001"}', idempotency_key => 'INV-1001 paid')$$;
GRANT EXECUTE ON FUNCTION posthorn.publish(uuid, text, jsonb, text, text, jsonb, timestamptz, text, text, text) TO posthorn_publisher;

-- What the twelve have in common: the first required field is the resource's id, the event's first word its type.
CREATE FUNCTION posthorn.publish_business_event(tenant_id uuid, event text, required text[], payload jsonb, metadata jsonb,
    deliver_after timestamptz, ordering_key text, idempotency_key text, coalesce_key text) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
DECLARE
    missing text := CASE WHEN tenant_id IS NULL THEN 'tenant_id'
        ELSE (SELECT r.field FROM unnest(required) WITH ORDINALITY AS r (field, place)
              WHERE payload ->> r.field IS NULL ORDER BY r.place LIMIT 1) END;
BEGIN
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION '% is required', missing
            USING ERRCODE = 'null_value_not_allowed',
                HINT = format('posthorn.%s needs tenant_id, %s.', replace(event, '.', '_'), array_to_string(required, ', '));
    ELSIF payload ->> 'amount' IN ('NaN', 'Infinity', '-Infinity') THEN
        RAISE EXCEPTION 'amount is %, which is no amount', payload ->> 'amount' USING ERRCODE = 'invalid_parameter_value';
    ELSIF jsonb_typeof(payload -> 'changes') <> 'object' THEN
        RAISE EXCEPTION 'changes is not a JSON object' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN publish(tenant_id, event, payload, split_part(event, '.', 1), payload ->> required[1], metadata, deliver_after, ordering_key,
        idempotency_key, coalesce_key);
END
$$;
COMMENT ON FUNCTION posthorn.publish_business_event(uuid, text, text[], jsonb, jsonb, timestamptz, text, text, text) IS
    'What the functions of the business events have in common: looks for what is required and publishes.';

CREATE FUNCTION posthorn.invoice_created(tenant_id uuid, invoice_id text, invoice_number text, amount numeric,
    currency text DEFAULT 'USD', customer_name text DEFAULT NULL, customer_id text DEFAULT NULL, status text DEFAULT 'draft',
    created_at timestamptz DEFAULT now(), metadata jsonb DEFAULT NULL, deliver_after timestamptz DEFAULT NULL,
    ordering_key text DEFAULT NULL, idempotency_key text DEFAULT NULL, coalesce_key text DEFAULT NULL) RETURNS uuid
LANGUAGE sql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
    SELECT publish_business_event(tenant_id, 'invoice.created', '{invoice_id,invoice_number,amount}', jsonb_build_object(
        'invoice_id', invoice_id, 'invoice_number', invoice_number, 'amount', amount::text, 'currency', coalesce(currency, 'USD'),
        'customer_name', customer_name, 'customer_id', customer_id, 'status', coalesce(status, 'draft'),
        'created_at', to_char(coalesce(created_at, now()) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')),
        metadata, deliver_after, ordering_key, idempotency_key, coalesce_key)
$$;
COMMENT ON FUNCTION posthorn.invoice_created(uuid, text, text, numeric, text, text, text, text, timestamptz, jsonb, timestamptz, text, text, text) IS
$$Publishes invoice.created and returns the event's id. Payload: invoice_id, invoice_number, amount, currency, customer_name, customer_id, status, created_at; what is not given is null.
Example: SELECT posthorn.invoice_created('6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10', 'INV-1001', 'F-2026-1001', 1500.00, customer_name => 'Acme Corporation', customer_id => 'CUS-1001')$$;

CREATE FUNCTION posthorn.invoice_sent(tenant_id uuid, invoice_id text, invoice_number text, sent_to text DEFAULT NULL,
    metadata jsonb DEFAULT NULL, deliver_after timestamptz DEFAULT NULL, ordering_key text DEFAULT NULL,
    idempotency_key text DEFAULT NULL, coalesce_key text DEFAULT NULL) RETURNS uuid
LANGUAGE sql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
    SELECT publish_business_event(tenant_id, 'invoice.sent', '{invoice_id,invoice_number}', jsonb_build_object(
        'invoice_id', invoice_id, 'invoice_number', invoice_number, 'sent_to', sent_to),
        metadata, deliver_after, ordering_key, idempotency_key, coalesce_key)
$$;
COMMENT ON FUNCTION posthorn.invoice_sent(uuid, text, text, text, jsonb, timestamptz, text, text, text) IS
$$Publishes invoice.sent and returns the event's id. Payload: invoice_id, invoice_number, sent_to; what is not given is null.
Example: SELECT posthorn.invoice_sent('6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10', 'INV-1001', 'F-2026-1001', sent_to => 'billing@acme.example')$$;

CREATE FUNCTION posthorn.invoice_authorized(tenant_id uuid, invoice_id text, invoice_number text, authorization_number text DEFAULT NULL,
    authorization_key text DEFAULT NULL, metadata jsonb DEFAULT NULL, deliver_after timestamptz DEFAULT NULL,
    ordering_key text DEFAULT NULL, idempotency_key text DEFAULT NULL, coalesce_key text DEFAULT NULL) RETURNS uuid
LANGUAGE sql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
    SELECT publish_business_event(tenant_id, 'invoice.authorized', '{invoice_id,invoice_number}', jsonb_build_object(
        'invoice_id', invoice_id, 'invoice_number', invoice_number, 'authorization_number', authorization_number,
        'authorization_key', authorization_key),
        metadata, deliver_after, ordering_key, idempotency_key, coalesce_key)
$$;
COMMENT ON FUNCTION posthorn.invoice_authorized(uuid, text, text, text, text, jsonb, timestamptz, text, text, text) IS
$$Publishes invoice.authorized and returns the event's id. Payload: invoice_id, invoice_number, authorization_number, authorization_key; what is not given is null.
Example: SELECT posthorn.invoice_authorized('6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10', 'INV-1001', 'F-2026-1001', authorization_number => '1402202601', authorization_key => '2110202601')$$;

CREATE FUNCTION posthorn.invoice_rejected(tenant_id uuid, invoice_id text, invoice_number text, reason text DEFAULT NULL,
    error_code text DEFAULT NULL, metadata jsonb DEFAULT NULL, deliver_after timestamptz DEFAULT NULL, ordering_key text DEFAULT NULL,
    idempotency_key text DEFAULT NULL, coalesce_key text DEFAULT NULL) RETURNS uuid
LANGUAGE sql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
    SELECT publish_business_event(tenant_id, 'invoice.rejected', '{invoice_id,invoice_number}', jsonb_build_object(
        'invoice_id', invoice_id, 'invoice_number', invoice_number, 'reason', reason, 'error_code', error_code),
        metadata, deliver_after, ordering_key, idempotency_key, coalesce_key)
$$;
COMMENT ON FUNCTION posthorn.invoice_rejected(uuid, text, text, text, text, jsonb, timestamptz, text, text, text) IS
$$Publishes invoice.rejected and returns the event's id. Payload: invoice_id, invoice_number, reason, error_code; what is not given is null.
Example: SELECT posthorn.invoice_rejected('6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10', 'INV-1001', 'F-2026-1001', reason => 'Invalid tax number', error_code => 'SRI-001')$$;

CREATE FUNCTION posthorn.invoice_cancelled(tenant_id uuid, invoice_id text, invoice_number text, reason text DEFAULT NULL,
    metadata jsonb DEFAULT NULL, deliver_after timestamptz DEFAULT NULL, ordering_key text DEFAULT NULL,
    idempotency_key text DEFAULT NULL, coalesce_key text DEFAULT NULL) RETURNS uuid
LANGUAGE sql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
    SELECT publish_business_event(tenant_id, 'invoice.cancelled', '{invoice_id,invoice_number}', jsonb_build_object(
        'invoice_id', invoice_id, 'invoice_number', invoice_number, 'reason', reason),
        metadata, deliver_after, ordering_key, idempotency_key, coalesce_key)
$$;
COMMENT ON FUNCTION posthorn.invoice_cancelled(uuid, text, text, text, jsonb, timestamptz, text, text, text) IS
$$Publishes invoice.cancelled and returns the event's id. Payload: invoice_id, invoice_number, reason; what is not given is null.
Example: SELECT posthorn.invoice_cancelled('6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10', 'INV-1001', 'F-2026-1001', reason => 'Customer request')$$;

CREATE FUNCTION posthorn.payment_received(tenant_id uuid, payment_id text, invoice_id text, amount numeric, currency text DEFAULT 'USD',
    payment_method text DEFAULT NULL, reference_number text DEFAULT NULL, metadata jsonb DEFAULT NULL,
    deliver_after timestamptz DEFAULT NULL, ordering_key text DEFAULT NULL, idempotency_key text DEFAULT NULL,
    coalesce_key text DEFAULT NULL) RETURNS uuid
LANGUAGE sql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
    SELECT publish_business_event(tenant_id, 'payment.received', '{payment_id,invoice_id,amount}', jsonb_build_object(
        'payment_id', payment_id, 'invoice_id', invoice_id, 'amount', amount::text, 'currency', coalesce(currency, 'USD'),
        'payment_method', payment_method, 'reference_number', reference_number),
        metadata, deliver_after, ordering_key, idempotency_key, coalesce_key)
$$;
COMMENT ON FUNCTION posthorn.payment_received(uuid, text, text, numeric, text, text, text, jsonb, timestamptz, text, text, text) IS
$$Publishes payment.received and returns the event's id. Payload: payment_id, invoice_id, amount, currency, payment_method, reference_number; what is not given is null.
Example: SELECT posthorn.payment_received('6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10', 'PAY-2001', 'INV-1001', 1500.00, payment_method => 'credit_card', reference_number => 'stripe-tx-789')$$;

CREATE FUNCTION posthorn.payment_failed(tenant_id uuid, payment_id text, invoice_id text, amount numeric, currency text DEFAULT 'USD',
    reason text DEFAULT NULL, error_code text DEFAULT NULL, metadata jsonb DEFAULT NULL, deliver_after timestamptz DEFAULT NULL,
    ordering_key text DEFAULT NULL, idempotency_key text DEFAULT NULL, coalesce_key text DEFAULT NULL) RETURNS uuid
LANGUAGE sql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
    SELECT publish_business_event(tenant_id, 'payment.failed', '{payment_id,invoice_id,amount}', jsonb_build_object(
        'payment_id', payment_id, 'invoice_id', invoice_id, 'amount', amount::text, 'currency', coalesce(currency, 'USD'),
        'reason', reason, 'error_code', error_code),
        metadata, deliver_after, ordering_key, idempotency_key, coalesce_key)
$$;
COMMENT ON FUNCTION posthorn.payment_failed(uuid, text, text, numeric, text, text, text, jsonb, timestamptz, text, text, text) IS
$$Publishes payment.failed and returns the event's id. Payload: payment_id, invoice_id, amount, currency, reason, error_code; what is not given is null.
Example: SELECT posthorn.payment_failed('6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10', 'PAY-2002', 'INV-1001', 1500.00, reason => 'Card declined', error_code => 'card_declined')$$;

CREATE FUNCTION posthorn.customer_created(tenant_id uuid, customer_id text, customer_name text, customer_email text DEFAULT NULL,
    customer_phone text DEFAULT NULL, customer_type text DEFAULT NULL, metadata jsonb DEFAULT NULL,
    deliver_after timestamptz DEFAULT NULL, ordering_key text DEFAULT NULL, idempotency_key text DEFAULT NULL,
    coalesce_key text DEFAULT NULL) RETURNS uuid
LANGUAGE sql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
    SELECT publish_business_event(tenant_id, 'customer.created', '{customer_id,customer_name}', jsonb_build_object(
        'customer_id', customer_id, 'customer_name', customer_name, 'customer_email', customer_email, 'customer_phone', customer_phone,
        'customer_type', customer_type),
        metadata, deliver_after, ordering_key, idempotency_key, coalesce_key)
$$;
COMMENT ON FUNCTION posthorn.customer_created(uuid, text, text, text, text, text, jsonb, timestamptz, text, text, text) IS
$$Publishes customer.created and returns the event's id. Payload: customer_id, customer_name, customer_email, customer_phone, customer_type; what is not given is null.
Example: SELECT posthorn.customer_created('6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10', 'CUS-1001', 'John Doe', customer_email => 'john@acme.example', customer_phone => '+1234567890', customer_type => 'individual')$$;

CREATE FUNCTION posthorn.customer_updated(tenant_id uuid, customer_id text, customer_name text, customer_email text DEFAULT NULL,
    customer_phone text DEFAULT NULL, changes jsonb DEFAULT '{}', metadata jsonb DEFAULT NULL, deliver_after timestamptz DEFAULT NULL,
    ordering_key text DEFAULT NULL, idempotency_key text DEFAULT NULL, coalesce_key text DEFAULT NULL) RETURNS uuid
LANGUAGE sql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
    SELECT publish_business_event(tenant_id, 'customer.updated', '{customer_id,customer_name}', jsonb_build_object(
        'customer_id', customer_id, 'customer_name', customer_name, 'customer_email', customer_email, 'customer_phone', customer_phone,
        'changes', coalesce(changes, '{}')),
        metadata, deliver_after, ordering_key, idempotency_key, coalesce_key)
$$;
COMMENT ON FUNCTION posthorn.customer_updated(uuid, text, text, text, text, jsonb, jsonb, timestamptz, text, text, text) IS
$$Publishes customer.updated and returns the event's id. Payload: customer_id, customer_name, customer_email, customer_phone, changes; what is not given is null.
Example: SELECT posthorn.customer_updated('6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10', 'CUS-1001', 'John Doe', customer_email => 'new@acme.example', changes => '{"email": "new@acme.example"}')$$;

CREATE FUNCTION posthorn.sales_order_created(tenant_id uuid, order_id text, order_number text, customer_id text, customer_name text,
    amount numeric, currency text DEFAULT 'USD', items_count integer DEFAULT NULL, metadata jsonb DEFAULT NULL,
    deliver_after timestamptz DEFAULT NULL, ordering_key text DEFAULT NULL, idempotency_key text DEFAULT NULL,
    coalesce_key text DEFAULT NULL) RETURNS uuid
LANGUAGE sql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
    SELECT publish_business_event(tenant_id, 'sales_order.created', '{order_id,order_number,customer_id,customer_name,amount}', jsonb_build_object(
        'order_id', order_id, 'order_number', order_number, 'customer_id', customer_id, 'customer_name', customer_name,
        'amount', amount::text, 'currency', coalesce(currency, 'USD'), 'items_count', items_count),
        metadata, deliver_after, ordering_key, idempotency_key, coalesce_key)
$$;
COMMENT ON FUNCTION posthorn.sales_order_created(uuid, text, text, text, text, numeric, text, integer, jsonb, timestamptz, text, text, text) IS
$$Publishes sales_order.created and returns the event's id. Payload: order_id, order_number, customer_id, customer_name, amount, currency, items_count; what is not given is null.
Example: SELECT posthorn.sales_order_created('6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10', 'SO-3001', 'SO-2026-3001', 'CUS-1001', 'Acme Corporation', 5000.00, items_count => 5)$$;

CREATE FUNCTION posthorn.sales_order_confirmed(tenant_id uuid, order_id text, order_number text, customer_id text, customer_name text,
    amount numeric, currency text DEFAULT 'USD', metadata jsonb DEFAULT NULL, deliver_after timestamptz DEFAULT NULL,
    ordering_key text DEFAULT NULL, idempotency_key text DEFAULT NULL, coalesce_key text DEFAULT NULL) RETURNS uuid
LANGUAGE sql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
    SELECT publish_business_event(tenant_id, 'sales_order.confirmed', '{order_id,order_number,customer_id,customer_name,amount}', jsonb_build_object(
        'order_id', order_id, 'order_number', order_number, 'customer_id', customer_id, 'customer_name', customer_name,
        'amount', amount::text, 'currency', coalesce(currency, 'USD')),
        metadata, deliver_after, ordering_key, idempotency_key, coalesce_key)
$$;
COMMENT ON FUNCTION posthorn.sales_order_confirmed(uuid, text, text, text, text, numeric, text, jsonb, timestamptz, text, text, text) IS
$$Publishes sales_order.confirmed and returns the event's id. Payload: order_id, order_number, customer_id, customer_name, amount, currency; what is not given is null.
Example: SELECT posthorn.sales_order_confirmed('6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10', 'SO-3001', 'SO-2026-3001', 'CUS-1001', 'Acme Corporation', 5000.00)$$;

CREATE FUNCTION posthorn.sales_order_cancelled(tenant_id uuid, order_id text, order_number text, reason text DEFAULT NULL,
    metadata jsonb DEFAULT NULL, deliver_after timestamptz DEFAULT NULL, ordering_key text DEFAULT NULL,
    idempotency_key text DEFAULT NULL, coalesce_key text DEFAULT NULL) RETURNS uuid
LANGUAGE sql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
    SELECT publish_business_event(tenant_id, 'sales_order.cancelled', '{order_id,order_number}', jsonb_build_object(
        'order_id', order_id, 'order_number', order_number, 'reason', reason),
        metadata, deliver_after, ordering_key, idempotency_key, coalesce_key)
$$;
COMMENT ON FUNCTION posthorn.sales_order_cancelled(uuid, text, text, text, jsonb, timestamptz, text, text, text) IS
$$Publishes sales_order.cancelled and returns the event's id. Payload: order_id, order_number, reason; what is not given is null.
Example: SELECT posthorn.sales_order_cancelled('6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10', 'SO-3001', 'SO-2026-3001', reason => 'Customer request')$$;

GRANT EXECUTE ON FUNCTION
    posthorn.invoice_created(uuid, text, text, numeric, text, text, text, text, timestamptz, jsonb, timestamptz, text, text, text),
    posthorn.invoice_sent(uuid, text, text, text, jsonb, timestamptz, text, text, text),
    posthorn.invoice_authorized(uuid, text, text, text, text, jsonb, timestamptz, text, text, text),
    posthorn.invoice_rejected(uuid, text, text, text, text, jsonb, timestamptz, text, text, text),
    posthorn.invoice_cancelled(uuid, text, text, text, jsonb, timestamptz, text, text, text),
    posthorn.payment_received(uuid, text, text, numeric, text, text, text, jsonb, timestamptz, text, text, text),
    posthorn.payment_failed(uuid, text, text, numeric, text, text, text, jsonb, timestamptz, text, text, text),
    posthorn.customer_created(uuid, text, text, text, text, text, jsonb, timestamptz, text, text, text),
    posthorn.customer_updated(uuid, text, text, text, text, jsonb, jsonb, timestamptz, text, text, text),
    posthorn.sales_order_created(uuid, text, text, text, text, numeric, text, integer, jsonb, timestamptz, text, text, text),
    posthorn.sales_order_confirmed(uuid, text, text, text, text, numeric, text, jsonb, timestamptz, text, text, text),
    posthorn.sales_order_cancelled(uuid, text, text, text, jsonb, timestamptz, text, text, text)
    TO posthorn_publisher;
