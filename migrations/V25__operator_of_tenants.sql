-- What: what the role posthorn_admin may do: tenants and API keys of any tenant, and nothing else.
-- Why:  the admin API needs it and the tenant API must not have it. A role and not a setting checked by functions: a statement
--       smuggled into the tenant API could make any setting, but a login without this role cannot take it on. Whoever wants
--       that serves tenants by a login with posthorn_api alone and the operator by another process.
-- Lock: none that traffic could wait for. Safe beside an older binary: yes, which does not use it.
GRANT USAGE ON SCHEMA posthorn TO posthorn_admin;
GRANT EXECUTE ON FUNCTION posthorn.uuid7(), posthorn.current_tenant(), posthorn.current_actor() TO posthorn_admin;

CREATE POLICY every_row_of_the_operator ON posthorn.tenants TO posthorn_admin USING (true) WITH CHECK (true);
GRANT SELECT, INSERT (id, name, max_in_flight), UPDATE (name, max_in_flight, disabled_at) ON posthorn.tenants TO posthorn_admin;

CREATE POLICY every_row_of_the_operator ON posthorn.api_keys TO posthorn_admin USING (true) WITH CHECK (true);
GRANT SELECT (id, tenant_id, name, scopes, created_at, expires_at, last_used_at, revoked_at),
    INSERT (id, tenant_id, name, secret_sha256, scopes, expires_at), UPDATE (revoked_at) ON posthorn.api_keys TO posthorn_admin;
