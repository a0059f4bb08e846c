//! Tenant A cannot see, count, change or point at what is B's: asked as the API's real role, by row security alone.

use posthorn::domain::secret::Secret;
use posthorn::store::{StoreRole, days};
use serde_json::json;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::harness::World;

/// Everything that a tenant may read, and whose it is.
const READABLE: [(&str, &str); 18] = [
    ("webhook_subscriptions", "tenant_id"),
    ("webhook_deliveries", "tenant_id"),
    ("webhook_attempts", "tenant_id"),
    ("events", "tenant_id"),
    ("event_types", "tenant_id"),
    ("tenants", "id"),
    ("api_keys", "tenant_id"),
    ("idempotency_keys", "tenant_id"),
    ("audit_log", "tenant_id"),
    ("delivery_statistics", "tenant_id"),
    ("delivery_errors", "tenant_id"),
    ("subscription_activity", "tenant_id"),
    ("subscription_health", "tenant_id"),
    ("backlog", "tenant_id"),
    ("backlog_by_tenant", "tenant_id"),
    ("throughput", "tenant_id"),
    ("errors_by_kind", "tenant_id"),
    ("slowest_receivers", "tenant_id"),
];

/// Two tenants that both have one of everything.
struct Two {
    world: World,
    a: Uuid,
    b: Uuid,
}

impl Two {
    async fn new() -> Self {
        let world = World::new().await;
        days::make_ahead(&world.store(StoreRole::Dispatcher), 0).await.unwrap();
        let (a, b) = (world.tenant("a").await, world.tenant("b").await);
        for tenant in [a, b] {
            world.subscribe_signed(tenant, "https://receiver.example/", &["*"], &Secret::generate()).await;
            world.publish(tenant, "invoice.paid", json!({"of": tenant})).await;
            let attempt = "INSERT INTO posthorn.webhook_attempts (delivery_id, epoch, tenant_id, generation, number,
                               target_url, started_at, duration_ms, status_code)
                           SELECT d.id, 1, d.tenant_id, 0, 1, 'https://receiver.example/', now(), 5, 500
                           FROM posthorn.webhook_deliveries d WHERE d.tenant_id = $1";
            assert_eq!(world.db.execute(attempt, &[&tenant]).await.unwrap(), 1);
            let own_type =
                "INSERT INTO posthorn.event_types (name, tenant_id, group_name) VALUES ('own.type', $1, 'Own')";
            world.db.execute(own_type, &[&tenant]).await.unwrap();
            let key = "INSERT INTO posthorn.api_keys (id, tenant_id, secret_sha256)
                       VALUES (substr(md5($1::uuid::text), 1, 10), $1, sha256('x'))";
            world.db.execute(key, &[&tenant]).await.unwrap();
            let answer = "INSERT INTO posthorn.idempotency_keys (tenant_id, route, key, request_sha256, answer)
                          VALUES ($1, 'POST /x', 'k', sha256('x'), '\\x01' || sha256('x') || sha256('y'))";
            world.db.execute(answer, &[&tenant]).await.unwrap();
            let tally = "INSERT INTO posthorn.delivery_tallies (tenant_id, subscription_id, event, failed, durations, error_kinds)
                         SELECT d.tenant_id, d.subscription_id, d.event, 1, '{5}', '{server_error}'
                         FROM posthorn.webhook_deliveries d WHERE d.tenant_id = $1";
            assert_eq!(world.db.execute(tally, &[&tenant]).await.unwrap(), 1);
            world.db.execute("SELECT posthorn.fold_tallies(10)", &[]).await.unwrap();
        }
        Self { world, a, b }
    }
}

async fn owners(client: &Client, table: &str, column: &str) -> Vec<Uuid> {
    let sql = format!("SELECT DISTINCT {column} FROM posthorn.{table} WHERE {column} IS NOT NULL");
    client.query(&sql, &[]).await.unwrap_or_else(|e| panic!("{table}: {e:?}")).iter().map(|row| row.get(0)).collect()
}

async fn assert_denied(client: &Client, statement: &str) {
    let error = client.batch_execute(statement).await.expect_err(statement);
    assert_eq!(error.code().map(|code| code.code()), Some("42501"), "{statement}: {error:?}");
}

#[tokio::test]
async fn a_tenant_sees_what_is_its_own_and_nothing_else() {
    let two = Two::new().await;
    for tenant in [two.a, two.b] {
        let api = two.world.client_of(tenant).await;
        for (table, column) in READABLE {
            assert_eq!(owners(&api, table, column).await, [tenant], "{table}");
        }
        let common = "SELECT count(*) FROM posthorn.event_types WHERE tenant_id IS NULL";
        assert_eq!(api.query_one(common, &[]).await.unwrap().get::<_, i64>(0), 62);
    }
}

#[tokio::test]
async fn without_a_tenant_there_is_nothing_to_see() {
    let two = Two::new().await;
    let unset = two.world.client_as("posthorn_api").await;
    let empty = two.world.client_as("posthorn_api").await;
    empty.batch_execute("SET posthorn.tenant_id = ''").await.unwrap();
    let after = two.world.client_as("posthorn_api").await;
    let leave = format!("BEGIN; SET LOCAL posthorn.tenant_id = '{}'; COMMIT", two.a);
    after.batch_execute(&leave).await.unwrap();
    for (client, when) in [(unset, "unset"), (empty, "empty"), (after, "after a transaction that had one")] {
        for (table, column) in READABLE {
            assert_eq!(owners(&client, table, column).await, Vec::<Uuid>::new(), "{table}, {when}");
        }
    }
}

#[tokio::test]
async fn a_tenant_cannot_change_what_is_anothers() {
    let two = Two::new().await;
    let theirs = two.world.deliveries(two.b).await[0].subscription_id;
    let api = two.world.client_of(two.a).await;
    let changes = [
        "UPDATE posthorn.webhook_subscriptions SET url = 'https://thief.example/' WHERE id = $1",
        "UPDATE posthorn.webhook_subscriptions SET status = 'deleted', secret = NULL WHERE id = $1",
        "UPDATE posthorn.webhook_deliveries SET due_at = now() WHERE subscription_id = $1",
    ];
    for change in changes {
        assert_eq!(api.execute(change, &[&theirs]).await.unwrap(), 0, "{change}");
    }
    let deleted = api.query_one("SELECT is_found FROM posthorn.delete_subscription($1)", &[&theirs]).await.unwrap();
    assert!(!deleted.get::<_, bool>(0));
    let intact = "SELECT count(*) FROM posthorn.webhook_subscriptions
                  WHERE status = 'active' AND url = 'https://receiver.example/'";
    assert_eq!(two.world.count(intact).await, 2);
}

#[tokio::test]
async fn a_tenant_cannot_make_or_publish_anything_for_another() {
    let two = Two::new().await;
    let api = two.world.client_of(two.a).await;
    let b = two.b;
    let insert = |tenant: Uuid, id: Uuid| {
        format!(
            "INSERT INTO posthorn.webhook_subscriptions (id, tenant_id, url, events, signing)
             VALUES ('{id}', '{tenant}', 'https://thief.example/', '{{*}}', 'none')"
        )
    };
    assert_denied(&api, &insert(b, Uuid::now_v7())).await;
    assert_denied(&api, &format!("SELECT posthorn.publish('{b}', 'invoice.paid', '{{}}')")).await;
    assert_denied(
        &api,
        &format!("INSERT INTO posthorn.outbox (tenant_id, event, payload) VALUES ('{b}', 'a.b', '{{}}')"),
    )
    .await;
    assert_denied(&api, &format!("UPDATE posthorn.webhook_subscriptions SET tenant_id = '{b}'")).await;
    api.batch_execute(&insert(two.a, Uuid::now_v7())).await.expect("its own it may");
    let publish = "SELECT posthorn.publish_as_tenant('invoice.paid', '{}', NULL, NULL, NULL, NULL)";
    api.batch_execute(publish).await.expect("its own it may");
    assert_denied(&two.world.client_as("posthorn_api").await, publish).await;
    assert_eq!(two.world.deliveries(b).await.len(), 1);
}

#[tokio::test]
async fn no_row_can_point_at_another_tenants_subscription() {
    let two = Two::new().await;
    let theirs = two.world.deliveries(two.b).await[0].subscription_id;
    // even as superuser: the foreign key holds tenant and subscription together
    let sql = "INSERT INTO posthorn.subscription_patterns (tenant_id, pattern, subscription_id, is_cheap) VALUES ($1, '*', $2, true)";
    let error = two.world.db.execute(sql, &[&two.a, &theirs]).await.unwrap_err();
    assert_eq!(error.as_db_error().unwrap().constraint(), Some("subscription_patterns_subscription_fkey"));
}

#[tokio::test]
async fn a_view_shows_no_row_to_a_function_before_it_has_asked_whose_it_is() {
    let two = Two::new().await;
    // a cheap function that leaks what it is given: without security_barrier it would be asked first
    let leak = "CREATE TABLE public.leaked (payload jsonb);
                CREATE FUNCTION public.leak(payload jsonb) RETURNS boolean LANGUAGE plpgsql COST 0.0001 SECURITY DEFINER
                AS $$ BEGIN INSERT INTO public.leaked VALUES (payload); RETURN true; END $$;
                GRANT EXECUTE ON FUNCTION public.leak(jsonb) TO posthorn_api";
    two.world.db.batch_execute(leak).await.unwrap();
    let api = two.world.client_of(two.a).await;
    let rows = api.query("SELECT id FROM posthorn.events WHERE public.leak(payload)", &[]).await.unwrap();
    assert_eq!(rows.len(), 1);
    let sql = "SELECT payload ->> 'of' FROM public.leaked";
    let leaked = two.world.db.query(sql, &[]).await.unwrap();
    assert_eq!(leaked.iter().map(|row| row.get(0)).collect::<Vec<String>>(), [two.a.to_string()]);
}

#[tokio::test]
async fn the_api_role_cannot_read_secrets_keys_or_the_outbox() {
    let two = Two::new().await;
    let api = two.world.client_of(two.a).await;
    let refused = [
        "SELECT secret FROM posthorn.webhook_subscriptions",
        "SELECT previous_secret FROM posthorn.webhook_subscriptions",
        "SELECT secret_sha256 FROM posthorn.api_keys",
        "SELECT id FROM posthorn.outbox",
        "SELECT id FROM posthorn.outbox_default",
        "SELECT event_id FROM posthorn.event_fanouts",
        "SELECT pattern FROM posthorn.subscription_patterns",
        "SELECT id FROM posthorn.webhook_deliveries_live",
        "SELECT id FROM posthorn.webhook_deliveries_done",
        "SELECT delivery_id FROM posthorn.webhook_attempts_default",
        "SELECT id FROM posthorn.dispatchers",
        "SELECT posthorn.fan_out_open(1)",
        "DELETE FROM posthorn.webhook_subscriptions",
        "DELETE FROM posthorn.webhook_deliveries",
        "UPDATE posthorn.webhook_attempts SET status_code = 200",
        "INSERT INTO posthorn.tenants (name) VALUES ('mine')",
        "SET ROLE posthorn_publisher; SELECT id FROM posthorn.outbox",
    ];
    for statement in refused {
        assert_denied(&api, statement).await;
    }
}
