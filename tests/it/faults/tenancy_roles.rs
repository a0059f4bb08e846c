//! Roles: with more than row security allows nothing is served, and what the roles have is what they need (A9, A10).

use posthorn::store::StoreRole;
use uuid::Uuid;

use crate::harness::api::start;
use crate::harness::{OwnCluster, World};

const PASSWORD: &str = "password-of-a-test";

/// Starts `posthorn serve`, which must refuse; answers with everything it said.
async fn refusal(url: &str, role: &str) -> String {
    let binary = start(url, &[("POSTHORN_ROLE", role)]);
    let (status, lines) = binary.run_to_end().await;
    assert!(!status.success(), "{lines:#?}");
    lines.join("\n")
}

/// The statement that a refusal says to run, between backquotes.
fn mend_of(said: &str) -> String {
    let mend = said.split('`').nth(1).unwrap_or_else(|| panic!("no statement in: {said}"));
    mend.replace("<login>", "app")
}

#[tokio::test]
async fn what_row_security_would_not_bind_is_refused_and_its_mend_is_told() {
    let own = OwnCluster::new(&[]).await;
    let url = own.login("app", PASSWORD, "posthorn_api, posthorn_dispatcher, posthorn_admin").await;
    let db = own.client().await;
    db.batch_execute("CREATE ROLE mighty BYPASSRLS; CREATE ROLE between").await.unwrap();
    for (spoil, role, said) in [
        ("ALTER ROLE posthorn_api SUPERUSER", "api", "posthorn_api is a superuser"),
        ("ALTER ROLE posthorn_api BYPASSRLS", "all", "posthorn_api has BYPASSRLS"),
        ("ALTER ROLE posthorn_dispatcher BYPASSRLS", "dispatcher", "posthorn_dispatcher has BYPASSRLS"),
        ("ALTER ROLE posthorn_dispatcher SUPERUSER", "dispatcher", "posthorn_dispatcher is a superuser"),
        ("ALTER ROLE posthorn_admin BYPASSRLS", "api", "posthorn_admin has BYPASSRLS"),
        ("ALTER TABLE posthorn.claim_floors OWNER TO posthorn_api", "api", "posthorn_api owns tables"),
        // row security leaves out whoever has the owner's rights, not its owner alone
        ("GRANT posthorn_owner TO posthorn_api", "api", "posthorn_api is a member of posthorn_owner"),
        ("GRANT posthorn_owner TO posthorn_dispatcher", "all", "posthorn_dispatcher is a member of posthorn_owner"),
        ("GRANT mighty TO posthorn_api", "api", "posthorn_api is a member of mighty"),
        ("GRANT posthorn_dispatcher TO posthorn_api", "api", "posthorn_api is a member of posthorn_dispatcher"),
        ("GRANT posthorn_publisher TO posthorn_api", "api", "posthorn_api is a member of posthorn_publisher"),
        (
            "ALTER TABLE posthorn.tenants DISABLE ROW LEVEL SECURITY",
            "api",
            "security of posthorn.tenants is switched off",
        ),
        ("REVOKE posthorn_api FROM app", "api", "the login may not become posthorn_api"),
        ("REVOKE posthorn_dispatcher FROM app", "all", "the login may not become posthorn_dispatcher"),
    ] {
        db.batch_execute(spoil).await.unwrap();
        let refused = refusal(&url, role).await;
        assert!(refused.contains(said), "{spoil}: {refused}");
        assert!(!refused.contains("ready") && !refused.contains(PASSWORD), "{spoil}: {refused}");
        let mend = mend_of(&refused);
        db.batch_execute(&mend).await.unwrap_or_else(|e| panic!("{mend}: {e:?}"));
    }
    let (_binary, api) = own.serve(&url, &[]).await;
    api.with_key(&own.key(Uuid::now_v7()).await).get("/tenant").await.ok(200);
}

#[tokio::test]
async fn a_superuser_that_logs_in_works_as_less_and_is_warned() {
    let own = OwnCluster::new(&[]).await;
    let (binary, api) = own.serve(&own.url(), &[]).await;
    assert!(binary.lines().iter().any(|line| line.contains("the login is a superuser")), "{:#?}", binary.lines());
    api.with_key(&own.key(Uuid::now_v7()).await).get("/tenant").await.ok(200);
    let mighty =
        "SELECT count(*) FROM pg_stat_activity a WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()";
    assert!(own.client().await.query_one(mighty, &[]).await.unwrap().get::<_, i64>(0) > 0);
}

/// What an attacker that could run any statement as the API would reach: row security is the second belt, and not one
/// against that. What holds then is the roles.
#[tokio::test]
async fn a_statement_of_an_attacker_reaches_no_secret_and_no_other_role() {
    let own = OwnCluster::new(&[]).await;
    let url = own.login("api_alone", PASSWORD, "posthorn_api").await;
    let (a, b) = (Uuid::now_v7(), Uuid::now_v7());
    for tenant in [a, b] {
        own.key(tenant).await;
    }
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(StoreRole::Api.session()).await.unwrap();
    for step in ["RESET ROLE", "SET ROLE api_alone", "SET SESSION AUTHORIZATION DEFAULT"] {
        client.batch_execute(step).await.unwrap();
        for refused in [
            "SELECT secret FROM posthorn.webhook_subscriptions",
            "SELECT secret_sha256 FROM posthorn.api_keys",
            "SELECT payload FROM posthorn.outbox",
            "INSERT INTO posthorn.outbox (tenant_id, event, payload) VALUES (gen_random_uuid(), 'a.b', '{}')",
            "SET ROLE posthorn_dispatcher",
            "SET ROLE posthorn_owner",
            "SET ROLE posthorn_admin",
            "SET SESSION AUTHORIZATION postgres",
            "ALTER TABLE posthorn.tenants DISABLE ROW LEVEL SECURITY",
            "ALTER ROLE posthorn_api BYPASSRLS",
            "SET log_statement = 'none'",
            "SELECT pg_read_file('/etc/passwd')",
            "COPY (SELECT 1) TO PROGRAM 'true'",
        ] {
            let error = client.batch_execute(refused).await.expect_err(refused);
            assert_eq!(error.code().map(|code| code.code()), Some("42501"), "{step}; {refused}: {error:?}");
        }
        let seen = client.query_one("SELECT count(*) FROM posthorn.tenants", &[]).await.unwrap();
        assert_eq!(seen.get::<_, i64>(0), 0, "{step}: without a tenant nothing is seen");
    }
}

/// What a publisher, and anybody else who may make temporary tables, could put in our functions' way.
#[tokio::test]
async fn a_temporary_table_stands_in_for_none_of_ours() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    world.subscribe(tenant, "https://receiver.example/", &["*"]).await;
    // the same question asked carelessly, to see that the trap works
    let careless = "CREATE FUNCTION posthorn.careless(key_id text) RETURNS SETOF uuid LANGUAGE sql SECURITY DEFINER
                    SET search_path = posthorn AS 'SELECT tenant_id FROM api_keys WHERE id = key_id';
                    GRANT EXECUTE ON FUNCTION posthorn.careless(text) TO posthorn_api";
    world.db.batch_execute(careless).await.unwrap();
    let trap = "CREATE TEMP TABLE api_keys (id text, tenant_id uuid, secret_sha256 bytea, scopes text[],
                    revoked_at timestamptz, expires_at timestamptz, last_used_at timestamptz);
                CREATE TEMP TABLE tenants (id uuid, disabled_at timestamptz, name text);
                CREATE TEMP TABLE outbox (id uuid, tenant_id uuid, event text, payload jsonb);
                CREATE TEMP TABLE webhook_subscriptions (id uuid, tenant_id uuid, url text, status text);
                CREATE TEMP TABLE webhook_deliveries (id uuid, tenant_id uuid, event_id uuid);
                CREATE TEMP TABLE webhook_deliveries_live (id uuid, tenant_id uuid, event_id uuid);
                CREATE TEMP TABLE subscription_patterns (tenant_id uuid, pattern text, subscription_id uuid, is_cheap boolean);
                GRANT ALL ON ALL TABLES IN SCHEMA pg_temp TO PUBLIC";
    let api = world.client_of(tenant).await;
    api.batch_execute(trap).await.unwrap();
    let forged = "INSERT INTO pg_temp.api_keys VALUES ('AAAAAAAAAA', $1, sha256('known'), '{manage}')";
    api.execute(forged, &[&tenant]).await.unwrap();
    api.execute("INSERT INTO pg_temp.tenants VALUES ($1)", &[&tenant]).await.unwrap();
    let rows = async |function: &str| {
        api.query(&format!("SELECT * FROM posthorn.{function}('AAAAAAAAAA')"), &[]).await.unwrap().len()
    };
    assert_eq!(rows("careless").await, 1, "the trap is none");
    assert_eq!(rows("identify_api_key").await, 0, "a forged key is taken");
    assert_eq!(rows("find_api_key").await, 0, "a forged key is taken");

    let publisher = world.client_as("posthorn_publisher").await;
    publisher.batch_execute(trap).await.unwrap();
    publisher.execute("SELECT posthorn.publish($1, 'a.b', '{}')", &[&tenant]).await.unwrap();
    for table in ["outbox", "webhook_deliveries", "webhook_deliveries_live"] {
        let caught = publisher.query_one(&format!("SELECT count(*) FROM pg_temp.{table}"), &[]).await.unwrap();
        assert_eq!(caught.get::<_, i64>(0), 0, "{table} caught what was ours");
    }
    assert_eq!(world.deliveries(tenant).await.len(), 1);
}
