-- What: what a subscription may say of its requests: own headers, credentials, a client certificate, ed25519 signatures, a
--       template for the body, status codes that count as delivered; and metadata of its own.
-- Why:  receivers differ. Whatever could be a secret is sealed, column by column, so that one can be replaced without the
--       program opening another.
-- Lock: ACCESS EXCLUSIVE on subscriptions for moments (a small table). Safe beside an older binary: yes; it does not know them,
--       so a subscription must not use them before every dispatcher is of this version.
ALTER TABLE posthorn.webhook_subscriptions
    ADD COLUMN metadata jsonb NOT NULL DEFAULT '{}',
    ADD COLUMN success_codes integer[],
    ADD COLUMN template text,
    ADD COLUMN template_content_type text NOT NULL DEFAULT 'application/json',
    ADD COLUMN signature text NOT NULL DEFAULT 'hmac',
    ADD COLUMN public_key text,
    ADD COLUMN header_names text[] NOT NULL DEFAULT '{}',
    ADD COLUMN sealed_headers bytea,
    ADD COLUMN credentials_type text,
    ADD COLUMN sealed_credentials bytea,
    ADD COLUMN client_certificate text,
    ADD COLUMN sealed_client_key bytea,
    ADD CONSTRAINT metadata_is_an_object_of_at_most_16_kib CHECK (jsonb_typeof(metadata) = 'object' AND octet_length(metadata::text) <= 16384),
    ADD CONSTRAINT success_codes_are_1_to_50_of_200_to_399 CHECK (
        cardinality(success_codes) BETWEEN 1 AND 50 AND array_position(success_codes, NULL) IS NULL
        AND 200 <= ALL (success_codes) AND 399 >= ALL (success_codes)),
    DROP CONSTRAINT payload_format_is_known,
    ADD CONSTRAINT payload_format_is_known
        CHECK (payload_format IN ('default', 'gestiq', 'dotmac', 'cloudevents', 'cloudevents_binary', 'raw', 'template')),
    ADD CONSTRAINT template_where_the_format_is_template CHECK ((payload_format = 'template') = (template IS NOT NULL)),
    ADD CONSTRAINT template_is_at_most_16384_characters CHECK (char_length(template) BETWEEN 1 AND 16384),
    ADD CONSTRAINT template_content_type_is_a_media_type
        CHECK (char_length(template_content_type) <= 100 AND template_content_type ~ '^[a-z]+/[a-z0-9.+-]+(; ?charset=[a-z0-9-]+)?$'),
    ADD CONSTRAINT batches_of_templates_are_json CHECK (batch_max IS NULL OR template IS NULL OR template_content_type ~ '^application/([a-z0-9.-]+\+)?json'),
    ADD CONSTRAINT signature_is_known CHECK (signature IN ('hmac', 'ed25519')),
    ADD CONSTRAINT ed25519_signs_standard_headers_alone CHECK (signature = 'hmac' OR header_families = '{standard}'),
    ADD CONSTRAINT public_key_belongs_to_ed25519 CHECK (public_key IS NULL OR (signature = 'ed25519' AND public_key ~ '^whpk_[A-Za-z0-9+/=]{44}$')),
    ADD CONSTRAINT header_names_are_those_of_the_sealed_headers CHECK ((header_names = '{}') = (sealed_headers IS NULL) AND cardinality(header_names) <= 32),
    ADD CONSTRAINT credentials_are_basic_or_bearer CHECK ((credentials_type IS NULL) = (sealed_credentials IS NULL) AND credentials_type IN ('basic', 'bearer')),
    ADD CONSTRAINT client_certificate_has_a_key CHECK ((client_certificate IS NULL) = (sealed_client_key IS NULL) AND octet_length(client_certificate) <= 32768),
    ADD CONSTRAINT headers_credentials_and_key_are_sealed_not_plain CHECK (
        (sealed_headers IS NULL OR (octet_length(sealed_headers) BETWEEN 43 AND 262144 AND get_byte(sealed_headers, 0) = 1))
        AND (sealed_credentials IS NULL OR (octet_length(sealed_credentials) BETWEEN 43 AND 16384 AND get_byte(sealed_credentials, 0) = 1))
        AND (sealed_client_key IS NULL OR (octet_length(sealed_client_key) BETWEEN 43 AND 32768 AND get_byte(sealed_client_key, 0) = 1)));
COMMENT ON COLUMN posthorn.webhook_subscriptions.payload_format IS 'Shape of the body: default, gestiq, dotmac, cloudevents, cloudevents_binary, raw, template.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.success_policy IS 'standard: 2xx is delivered; gestiq: 3xx too. Without meaning where success_codes is set.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.metadata IS 'Whatever its owner wants to keep with it, a JSON object. Not sent.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.success_codes IS 'The status codes that count as delivered, of 200 to 399; NULL: success_policy decides.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.template IS 'The body''s template (minijinja), where payload_format is template.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.template_content_type IS 'Content-Type of what the template makes.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.signature IS 'hmac (v1), or ed25519 (v1a): the receiver checks with public_key and holds no secret.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.public_key IS 'What checks ed25519 signatures: whpk_ and the base64 of 32 bytes.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.header_names IS 'Names of its own headers; their values are in sealed_headers.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.sealed_headers IS 'Its own headers, sealed with the keyring for this tenant and subscription.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.credentials_type IS 'How requests identify themselves to the receiver: basic or bearer.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.sealed_credentials IS 'The value of the Authorization header, sealed.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.client_certificate IS 'Certificates to show the receiver in TLS, PEM, the own one first.';
COMMENT ON COLUMN posthorn.webhook_subscriptions.sealed_client_key IS 'The certificate''s private key, sealed.';
GRANT SELECT (metadata, success_codes, template, template_content_type, signature, public_key, header_names, credentials_type,
        client_certificate)
    ON posthorn.webhook_subscriptions TO posthorn_api, posthorn_readonly;
GRANT INSERT (metadata, success_codes, template, template_content_type, signature, public_key, header_names, sealed_headers,
        credentials_type, sealed_credentials, client_certificate, sealed_client_key),
    UPDATE (metadata, success_codes, template, template_content_type, signature, public_key, header_names, sealed_headers,
        credentials_type, sealed_credentials, client_certificate, sealed_client_key)
    ON posthorn.webhook_subscriptions TO posthorn_api;

-- As before, and forgets what V20 added.
CREATE OR REPLACE FUNCTION posthorn.delete_subscription(subscription uuid, OUT is_found boolean, OUT cancelled integer)
LANGUAGE plpgsql SET search_path = posthorn, pg_temp
AS $$
BEGIN
    cancelled := 0;
    UPDATE webhook_subscriptions s
    SET status = 'deleted', status_reason = NULL, secret = NULL, previous_secret = NULL, previous_secret_until = NULL,
        header_names = '{}', sealed_headers = NULL, credentials_type = NULL, sealed_credentials = NULL, client_certificate = NULL,
        sealed_client_key = NULL
    WHERE s.id = subscription AND s.status <> 'deleted';
    is_found := FOUND;
    IF is_found THEN
        BEGIN
            WITH waiting AS MATERIALIZED (
                SELECT d.id FROM webhook_deliveries d
                WHERE d.subscription_id = subscription AND d.status IN ('pending', 'sending', 'retrying')
                LIMIT 10000 FOR UPDATE SKIP LOCKED
            )
            UPDATE webhook_deliveries d
            SET status = 'cancelled', finished_at = now(), updated_at = now(), lease_until = NULL, epoch = d.epoch + 1
            FROM waiting w
            WHERE d.id = w.id AND d.status IN ('pending', 'sending', 'retrying');
            GET DIAGNOSTICS cancelled = ROW_COUNT;
        EXCEPTION WHEN serialization_failure OR deadlock_detected THEN
            cancelled := 0; -- a dispatcher was finishing them at this moment
        END;
    END IF;
END
$$;

-- Definer's rights, since the API may write secrets and never read one: the old secret is moved, not read.
CREATE FUNCTION posthorn.set_secret(subscription uuid, sealed bytea, new_public_key text, overlap_seconds integer, new_signing text,
    new_signature text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = posthorn, pg_temp
AS $$
BEGIN
    UPDATE webhook_subscriptions s
    SET secret = sealed, public_key = new_public_key, signing = new_signing, signature = new_signature,
        header_families = CASE WHEN new_signature = 'ed25519' THEN '{standard}' ELSE s.header_families END,
        previous_secret = CASE WHEN overlap_seconds > 0 THEN s.secret END,
        previous_secret_until = CASE WHEN overlap_seconds > 0 AND s.secret IS NOT NULL THEN now() + make_interval(secs => overlap_seconds) END
    WHERE s.id = subscription AND s.tenant_id = current_tenant() AND s.status <> 'deleted';
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION posthorn.set_secret(uuid, bytea, text, integer, text, text) IS
    'For the API: gives a subscription of the current tenant a new sealed secret, and says what it is for; the old one signs too for so many seconds.';
GRANT EXECUTE ON FUNCTION posthorn.set_secret(uuid, bytea, text, integer, text, text) TO posthorn_api;
