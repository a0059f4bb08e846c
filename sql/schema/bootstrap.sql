-- schema/bootstrap: roles and schemas, before the first migration. Idempotent; run by the migrating login.
-- Roles belong to the whole cluster, so another database may be making them at this moment: the caller tries again.
DO $$
DECLARE
    role_name text;
    -- until 15 a member may always SET ROLE; since 16 who makes a role is a member that may not, until it lets itself
    is_one text := CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'MEMBER' ELSE 'SET' END;
BEGIN
    FOREACH role_name IN ARRAY '{posthorn_owner,posthorn_publisher,posthorn_api,posthorn_dispatcher,posthorn_admin,posthorn_readonly,posthorn_rekey}'::text[] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = role_name) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
        END IF;
        -- a superuser is a member of everything
        IF role_name <> 'posthorn_publisher' AND role_name <> 'posthorn_readonly'
           AND NOT pg_has_role(current_user, role_name, is_one) THEN
            EXECUTE format('GRANT %I TO %I', role_name, current_user);
        END IF;
    END LOOP;
    IF to_regnamespace('posthorn') IS NULL THEN
        CREATE SCHEMA posthorn AUTHORIZATION posthorn_owner;
    END IF;
    -- views in a plain shape (V42); a schema of its own, since their names are those of tables of ours
    IF to_regnamespace('posthorn_webhooks') IS NULL THEN
        CREATE SCHEMA posthorn_webhooks AUTHORIZATION posthorn_owner;
    END IF;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE EXCEPTION '%; to install, % needs CREATEROLE and CREATE on the database, and where another login made the roles: '
        'GRANT posthorn_owner, posthorn_api, posthorn_dispatcher, posthorn_admin, posthorn_rekey TO %', SQLERRM, current_user, quote_ident(current_user)
        USING ERRCODE = 'insufficient_privilege';
END
$$
