-- What: subscriptions, and the lookup table the fan-out matches against. Lock: none. Safe beside an older binary: yes.
CREATE FUNCTION posthorn.are_event_patterns(patterns text[]) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN cardinality(patterns) BETWEEN 1 AND 100 AND NOT EXISTS (
    SELECT FROM unnest(patterns) AS p (pattern)
    WHERE p.pattern IS NULL OR char_length(p.pattern) > 100
       OR p.pattern !~ '^(\*|[a-z0-9_]+(\.[a-z0-9_]+)*\.\*|[a-z0-9_]+(\.[a-z0-9_]+)+)$');
COMMENT ON FUNCTION posthorn.are_event_patterns(text[]) IS
    'Whether these are 1 to 100 event names (invoice.created), patterns of whole segments (invoice.*) or *.';

-- A jsonpath can take seconds on a payload of a few kilobytes (nested filters, .**, one array compared with another), and
-- a tenant may write any. Within a publisher's transaction only those run that take one walk over the payload: no
-- wildcard, subscript or filter expression, nothing compared with a path, not many tests. A dispatcher does the others.
CREATE FUNCTION posthorn.is_cheap_filter(filter jsonpath) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN filter IS NULL OR (char_length(filter::text) <= 200
    AND regexp_replace(filter::text, '"(\\.|[^"\\])*"', '""', 'g') !~ '[*?@\[]|[=<>] *[-+(]*\$');
COMMENT ON FUNCTION posthorn.is_cheap_filter(jsonpath) IS
    'Whether a filter takes little time on any payload of 16 KiB, so that it may run within a publisher''s transaction.';

CREATE TABLE posthorn.webhook_subscriptions (
    id uuid NOT NULL DEFAULT posthorn.uuid7(),
    tenant_id uuid NOT NULL REFERENCES posthorn.tenants (id),
    url text NOT NULL,
    events text[] NOT NULL,
    filter jsonpath,
    description text,
    status text NOT NULL DEFAULT 'active',
    status_reason text,
    status_changed_at timestamptz NOT NULL DEFAULT now(),
    active boolean NOT NULL GENERATED ALWAYS AS (status = 'active') STORED,
    signing text NOT NULL DEFAULT 'required',
    secret bytea,
    previous_secret bytea,
    previous_secret_until timestamptz,
    payload_format text NOT NULL DEFAULT 'default',
    header_families text[] NOT NULL DEFAULT '{standard,gestiq,dotmac}',
    success_policy text NOT NULL DEFAULT 'standard',
    timeout_seconds integer,
    retry_schedule integer[],
    max_retries integer,
    max_in_flight integer,
    rate_per_second integer,
    ordered boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT webhook_subscriptions_pkey PRIMARY KEY (id),
    -- the target of composite foreign keys, so that no row can point at another tenant's subscription
    CONSTRAINT webhook_subscriptions_tenant_key UNIQUE (tenant_id, id),
    CONSTRAINT url_is_http_or_https_without_user_or_fragment
        CHECK (char_length(url) BETWEEN 10 AND 2048 AND url ~ '^https?://[^\s/@?#\\]+([/?][^\s#]*)?$'),
    CONSTRAINT events_are_names_or_patterns CHECK (posthorn.are_event_patterns(events)),
    -- recompiled for every event, 20 times dearer than any other test, and the user's to abuse
    CONSTRAINT filter_has_no_like_regex CHECK (filter::text !~ 'like_regex'),
    CONSTRAINT filter_is_at_most_4000_characters CHECK (char_length(filter::text) <= 4000),
    CONSTRAINT description_is_at_most_500_characters CHECK (char_length(description) <= 500),
    CONSTRAINT status_is_known CHECK (status IN ('active', 'inactive', 'suspended', 'deleted')),
    CONSTRAINT signing_is_known CHECK (signing IN ('required', 'none')),
    CONSTRAINT secret_unless_unsigned_or_deleted CHECK (secret IS NOT NULL OR signing = 'none' OR status = 'deleted'),
    CONSTRAINT secret_is_sealed_not_plain CHECK (
        (secret IS NULL OR (octet_length(secret) BETWEEN 43 AND 2048 AND get_byte(secret, 0) = 1))
        AND (previous_secret IS NULL OR (octet_length(previous_secret) BETWEEN 43 AND 2048 AND get_byte(previous_secret, 0) = 1))),
    CONSTRAINT previous_secret_has_an_end CHECK ((previous_secret IS NULL) = (previous_secret_until IS NULL)),
    CONSTRAINT payload_format_is_known
        CHECK (payload_format IN ('default', 'gestiq', 'dotmac', 'cloudevents', 'cloudevents_binary', 'raw')),
    CONSTRAINT header_families_are_known CHECK (cardinality(header_families) >= 1 AND header_families <@ '{standard,gestiq,dotmac}'::text[]),
    CONSTRAINT success_policy_is_known CHECK (success_policy IN ('standard', 'gestiq')),
    CONSTRAINT timeout_is_1_to_300_seconds CHECK (timeout_seconds BETWEEN 1 AND 300),
    CONSTRAINT retry_schedule_is_at_most_30_delays_of_up_to_30_days CHECK (
        cardinality(retry_schedule) <= 30 AND array_position(retry_schedule, NULL) IS NULL
        AND 0 <= ALL (retry_schedule) AND 2592000 >= ALL (retry_schedule)),
    CONSTRAINT max_retries_is_0_to_30 CHECK (max_retries BETWEEN 0 AND 30),
    CONSTRAINT max_in_flight_is_1_to_10000 CHECK (max_in_flight BETWEEN 1 AND 10000),
    -- columns that a later release gives a meaning; until then setting one is an error and not a silent nothing
    CONSTRAINT rate_per_second_is_not_available_yet CHECK (rate_per_second IS NULL),
    CONSTRAINT ordered_is_not_available_yet CHECK (NOT ordered)
);
COMMENT ON TABLE posthorn.webhook_subscriptions IS 'A tenant''s receiver and what it wants to hear of.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.id IS 'UUIDv7.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.tenant_id IS 'Whose it is.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.url IS 'Where webhooks go, 10 to 2048 characters. http:// is sent to only where WEBHOOK_ALLOW_HTTP is set.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.events IS 'Event names and patterns: invoice.created, invoice.*, *.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.filter IS 'jsonpath predicate over the payload; the event is delivered where payload @@ filter. No like_regex.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.description IS 'For people, up to 500 characters.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.status IS 'active; inactive (deliveries wait); suspended (the receiver answered 410: deliveries wait); deleted.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.status_reason IS 'Why it is suspended.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.status_changed_at IS 'Since when it has this status.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.active IS 'status = ''active''.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.signing IS 'required, or none: the explicit choice to send unsigned.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.secret IS 'Signing secret, sealed with the keyring for this tenant and subscription.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.previous_secret IS 'The secret before the last rotation, sealed; signs too until previous_secret_until.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.previous_secret_until IS 'End of the rotation overlap.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.payload_format IS 'Shape of the body: default, gestiq, dotmac, cloudevents, cloudevents_binary, raw.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.header_families IS 'Which signature headers are sent: standard, gestiq, dotmac.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.success_policy IS 'standard: 2xx is delivered; gestiq: 3xx too.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.timeout_seconds IS 'Total seconds of one attempt; NULL: WEBHOOK_TIMEOUT_SECONDS.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.retry_schedule IS 'Seconds before each retry; NULL: WEBHOOK_RETRY_SCHEDULE.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.max_retries IS 'Retries after the first attempt; NULL: as many as the schedule has. The last delay repeats.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.max_in_flight IS 'Deliveries in flight at once in one dispatcher; NULL: half of POSTHORN_CONCURRENCY.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.rate_per_second IS 'Reserved for a rate limit; cannot be set yet.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.ordered IS 'Reserved for ordered delivery; cannot be set yet.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.created_at IS 'When it was made.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.updated_at IS 'When it was last changed.';

-- A subscription per (pattern) row, active ones only, with what matching needs: 21 us per event at 2,000 subscriptions
-- where scanning the arrays costs 640 to 810.
CREATE TABLE posthorn.subscription_patterns (
    tenant_id uuid NOT NULL,
    pattern text NOT NULL,
    subscription_id uuid NOT NULL,
    filter jsonpath,
    is_cheap boolean NOT NULL,
    CONSTRAINT subscription_patterns_pkey PRIMARY KEY (tenant_id, pattern, subscription_id),
    CONSTRAINT subscription_patterns_subscription_fkey FOREIGN KEY (tenant_id, subscription_id)
        REFERENCES posthorn.webhook_subscriptions (tenant_id, id) ON DELETE CASCADE
);
-- which rows belong to a subscription that changes?
CREATE INDEX subscription_patterns_subscription_idx ON posthorn.subscription_patterns (tenant_id, subscription_id);
COMMENT ON TABLE posthorn.subscription_patterns IS 'What the fan-out matches events against: one row per pattern of an active subscription. Kept by a trigger.';
COMMENT ON COLUMN posthorn.subscription_patterns.tenant_id IS 'Whose subscription.';
COMMENT ON COLUMN posthorn.subscription_patterns.pattern IS 'invoice.created, invoice.* or *.';
COMMENT ON COLUMN posthorn.subscription_patterns.subscription_id IS 'The active subscription that wants it.';
COMMENT ON COLUMN posthorn.subscription_patterns.filter IS 'Copy of the subscription''s filter, so that matching needs no join.';
COMMENT ON COLUMN posthorn.subscription_patterns.is_cheap IS 'Whether the filter may run within a publisher''s transaction; else a dispatcher does it.';

CREATE FUNCTION posthorn.keep_subscription_patterns() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        DELETE FROM subscription_patterns WHERE tenant_id = OLD.tenant_id AND subscription_id = OLD.id;
    END IF;
    IF NEW.status = 'active' THEN
        -- the DISTINCT stands apart: jsonpath has no equality
        INSERT INTO subscription_patterns (tenant_id, pattern, subscription_id, filter, is_cheap)
        SELECT NEW.tenant_id, wanted.pattern, NEW.id, NEW.filter, is_cheap_filter(NEW.filter)
        FROM (SELECT DISTINCT e.pattern FROM unnest(NEW.events) AS e (pattern)) AS wanted;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION posthorn.keep_subscription_patterns() IS 'Trigger: keeps subscription_patterns in step with a subscription.';
CREATE TRIGGER keep_patterns AFTER INSERT OR UPDATE OF tenant_id, events, filter, status ON posthorn.webhook_subscriptions
    FOR EACH ROW EXECUTE FUNCTION posthorn.keep_subscription_patterns();

CREATE FUNCTION posthorn.note_subscription_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = posthorn, pg_temp
AS $$
BEGIN
    NEW.updated_at := now();
    IF NEW.status <> OLD.status THEN
        NEW.status_changed_at := now();
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION posthorn.note_subscription_change() IS 'Trigger: keeps updated_at and status_changed_at.';
CREATE TRIGGER note_change BEFORE UPDATE ON posthorn.webhook_subscriptions
    FOR EACH ROW EXECUTE FUNCTION posthorn.note_subscription_change();

ALTER TABLE posthorn.webhook_subscriptions ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON posthorn.webhook_subscriptions TO posthorn_api
    USING (tenant_id = (SELECT posthorn.current_tenant())) WITH CHECK (tenant_id = (SELECT posthorn.current_tenant()));
CREATE POLICY every_row ON posthorn.webhook_subscriptions TO posthorn_dispatcher USING (true) WITH CHECK (true);
CREATE POLICY every_row_read ON posthorn.webhook_subscriptions FOR SELECT TO posthorn_readonly USING (true);

GRANT SELECT (id, tenant_id, url, events, filter, description, status, status_reason, status_changed_at, active, signing,
        previous_secret_until, payload_format, header_families, success_policy, timeout_seconds, retry_schedule,
        max_retries, max_in_flight, rate_per_second, ordered, created_at, updated_at)
    ON posthorn.webhook_subscriptions TO posthorn_api, posthorn_readonly;
GRANT INSERT (id, tenant_id, url, events, filter, description, status, signing, secret, payload_format, header_families,
        success_policy, timeout_seconds, retry_schedule, max_retries, max_in_flight),
    UPDATE (url, events, filter, description, status, status_reason, signing, secret, previous_secret,
        previous_secret_until, payload_format, header_families, success_policy, timeout_seconds, retry_schedule,
        max_retries, max_in_flight)
    ON posthorn.webhook_subscriptions TO posthorn_api;
GRANT SELECT, UPDATE (status, status_reason) ON posthorn.webhook_subscriptions TO posthorn_dispatcher;
GRANT EXECUTE ON FUNCTION posthorn.are_event_patterns(text[]) TO posthorn_api, posthorn_dispatcher;
