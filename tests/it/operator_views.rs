//! Views for operators: each shows what is there, to operators of every tenant and to a tenant its own (R19, R20, R26).

use std::collections::BTreeMap;

use posthorn::domain::histogram::{self, BUCKETS};
use posthorn::domain::secret::Secret;
use serde_json::{Value, json};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::harness::World;

/// Views of tenants and operators.
const SHARED: [&str; 7] = [
    "posthorn.backlog",
    "posthorn.backlog_by_tenant",
    "posthorn.throughput",
    "posthorn.errors_by_kind",
    "posthorn.slowest_receivers",
    "posthorn_webhooks.webhook_deliveries",
    "posthorn_webhooks.webhook_subscriptions",
];

/// Views of operators alone.
const OPERATORS: [&str; 5] = [
    "posthorn.dispatcher_leases",
    "posthorn.unmatched_events",
    "posthorn.table_health",
    "posthorn.held_snapshots",
    "posthorn.server_health",
];

/// Two tenants, each with a subscription, a delivery that waits, one that failed, figures, and an event nobody wanted.
struct Scene {
    world: World,
    tenants: BTreeMap<&'static str, Uuid>,
}

impl Scene {
    async fn new() -> Self {
        let world = World::new().await;
        let mut tenants = BTreeMap::new();
        for name in ["a", "b"] {
            let tenant = world.tenant(name).await;
            let (url, secret) = (format!("https://receiver.example/{name}"), Secret::generate());
            let subscription = world.subscribe_signed(tenant, &url, &["invoice.*"], &secret).await;
            let failed = world.publish(tenant, "invoice.paid", json!({"failed": name})).await;
            let fail = "UPDATE posthorn.webhook_deliveries SET status = 'abandoned', attempts = 3, finished_at = now(),
                            last_error_kind = 'server_error', last_error = 'answered with 500' WHERE event_id = $1";
            assert_eq!(world.db.execute(fail, &[&failed]).await.unwrap(), 1);
            world.publish(tenant, "invoice.created", json!({"of": name})).await;
            world.publish(tenant, "order.created", json!({})).await;
            let tally = "INSERT INTO posthorn.delivery_tallies (tenant_id, subscription_id, event, delivered, abandoned, durations, error_kinds)
                         VALUES ($1, $2, 'invoice.paid', 3, 1, '{10,10,20,900}', '{server_error}')";
            world.db.execute(tally, &[&tenant, &subscription]).await.unwrap();
            tenants.insert(name, tenant);
        }
        world.db.execute("SELECT posthorn.fold_tallies(10)", &[]).await.unwrap();
        Self { world, tenants }
    }

    async fn operator(&self) -> Client {
        self.world.client_as("posthorn_readonly").await
    }
}

/// The rows of a query, as JSON.
async fn rows(client: &Client, query: &str) -> Vec<Value> {
    let sql = format!("SELECT to_jsonb(q) FROM ({query}) q");
    let found = client.query(&sql, &[]).await.unwrap_or_else(|e| panic!("{query}: {e:?}"));
    found.iter().map(|row| row.get(0)).collect()
}

async fn owners(client: &Client, view: &str) -> Vec<Uuid> {
    let sql = format!("SELECT DISTINCT tenant_id FROM {view} ORDER BY tenant_id");
    client.query(&sql, &[]).await.unwrap_or_else(|e| panic!("{view}: {e:?}")).iter().map(|row| row.get(0)).collect()
}

async fn assert_denied(client: &Client, query: &str) {
    let error = client.query(query, &[]).await.expect_err(query);
    assert_eq!(error.code().map(|code| code.code()), Some("42501"), "{query}: {error:?}");
}

#[tokio::test]
async fn operators_see_every_tenant_and_a_tenant_sees_its_own() {
    let Scene { world, tenants } = Scene::new().await;
    let operator = world.client_as("posthorn_readonly").await;
    let mut all: Vec<Uuid> = tenants.values().copied().collect();
    all.sort_unstable();
    let nobody = world.client_as("posthorn_api").await;
    for view in SHARED {
        assert_eq!(owners(&operator, view).await, all, "{view}");
        assert_eq!(owners(&nobody, view).await, Vec::<Uuid>::new(), "{view} without a tenant");
        for tenant in &all {
            let api = world.client_of(*tenant).await;
            assert_eq!(owners(&api, view).await, [*tenant], "{view}");
        }
    }
}

#[tokio::test]
async fn what_tells_of_the_installation_is_for_operators_alone() {
    let scene = Scene::new().await;
    scene
        .world
        .db
        .execute("INSERT INTO posthorn.dispatchers (host, pid, version, concurrency) VALUES ('h', 1, '1', 8)", &[])
        .await
        .unwrap();
    let gid = hold_by_prepared_transaction(&scene.world).await;
    let (operator, api) = (scene.operator().await, scene.world.client_of(scene.tenants["a"]).await);
    let publisher = scene.world.client_as("posthorn_publisher").await;
    for view in OPERATORS {
        assert!(!rows(&operator, &format!("SELECT * FROM {view}")).await.is_empty(), "{view} shows nothing");
        assert_denied(&api, &format!("SELECT * FROM {view}")).await;
    }
    for view in SHARED.iter().chain(&OPERATORS) {
        assert_denied(&publisher, &format!("SELECT * FROM {view}")).await;
    }
    scene.world.db.batch_execute(&format!("ROLLBACK PREPARED '{gid}'")).await.unwrap();
}

#[tokio::test]
async fn the_backlog_is_what_waits() {
    let scene = Scene::new().await;
    let (db, a) = (&scene.world.db, scene.tenants["a"]);
    for n in 0..3 {
        scene.world.publish(a, "invoice.created", json!({"n": n})).await;
    }
    let lease = "UPDATE posthorn.webhook_deliveries SET status = 'sending', lease_until = now() + interval '1 minute'
                 WHERE id = (SELECT d.id FROM posthorn.webhook_deliveries d WHERE d.tenant_id = $1 AND d.status = 'pending' ORDER BY d.id LIMIT 1)";
    let delay = "UPDATE posthorn.webhook_deliveries SET due_at = now() + interval '1 hour'
                 WHERE id = (SELECT d.id FROM posthorn.webhook_deliveries d WHERE d.tenant_id = $1 AND d.status = 'pending' ORDER BY d.id LIMIT 1)";
    let late = "UPDATE posthorn.webhook_deliveries SET due_at = now() - interval '90 seconds'
                WHERE id = (SELECT d.id FROM posthorn.webhook_deliveries d WHERE d.tenant_id = $1 AND d.status = 'pending' ORDER BY d.id DESC LIMIT 1)";
    for change in [lease, delay, late] {
        assert_eq!(db.execute(change, &[&a]).await.unwrap(), 1);
    }
    let operator = scene.operator().await;
    let asked = format!(
        "SELECT url, waiting, due, in_flight, circuit, late_by BETWEEN '89 s' AND '5 min' AS is_late FROM posthorn.backlog WHERE tenant_id = '{a}'"
    );
    let want = json!({"url": "https://receiver.example/a", "waiting": 4, "due": 2, "in_flight": 1, "circuit": "closed", "is_late": true});
    assert_eq!(rows(&operator, &asked).await, [want]);
    let asked = format!(
        "SELECT subscriptions, waiting, due, in_flight FROM posthorn.backlog_by_tenant WHERE tenant_id = '{a}'"
    );
    assert_eq!(rows(&operator, &asked).await, [json!({"subscriptions": 1, "waiting": 4, "due": 2, "in_flight": 1})]);
}

#[tokio::test]
async fn figures_are_those_of_the_roll_up() {
    let scene = Scene::new().await;
    let (operator, a) = (scene.operator().await, scene.tenants["a"]);
    let of = |columns: &str, view: &str| format!("SELECT {columns} FROM posthorn.{view} WHERE tenant_id = '{a}'");
    let found = rows(
        &operator,
        &of("attempts, delivered, retried, failed, abandoned, success_rate, mean_ms, max_ms", "throughput"),
    )
    .await;
    let want = json!({"attempts": 4, "delivered": 3, "retried": 0, "failed": 0, "abandoned": 1, "success_rate": 0.75, "mean_ms": 235, "max_ms": 900});
    assert_eq!(found, [want]);
    let found = rows(&operator, &of("error_kind, failures", "errors_by_kind")).await;
    assert_eq!(found, [json!({"error_kind": "server_error", "failures": 1})]);
    let found = rows(
        &operator,
        &of("url, attempts, p50_ms, max_ms, p95_ms <= 900 AND p95_ms > 500 AS is_slow", "slowest_receivers"),
    )
    .await;
    let want =
        json!({"url": "https://receiver.example/a", "attempts": 4, "p50_ms": 20, "max_ms": 900, "is_slow": true});
    assert_eq!(found, [want]);
}

#[tokio::test]
async fn percentiles_are_those_of_the_program() {
    let world = World::new().await;
    for seed in 1..40_i64 {
        let counts: [i64; BUCKETS] =
            std::array::from_fn(|n| (seed * 7919 + i64::try_from(n).unwrap() * seed * 31) % 17 % seed);
        let largest = i32::try_from(seed * 3000).unwrap();
        for share in [0.5, 0.95, 0.99] {
            let sql = "SELECT posthorn.percentile($1, $2, $3)";
            let found: Option<f64> = world.db.query_one(sql, &[&&counts[..], &largest, &share]).await.unwrap().get(0);
            assert_eq!(found, histogram::quantile(&counts, largest, share), "{counts:?} {largest} {share}");
        }
    }
}

#[tokio::test]
async fn leases_are_shown_with_who_holds_them() {
    let scene = Scene::new().await;
    let (db, operator) = (&scene.world.db, scene.operator().await);
    let register = "INSERT INTO posthorn.dispatchers (host, pid, version, concurrency, seen_at)
                    VALUES ('alive', 1, '1', 8, now()), ('dead', 2, '1', 8, now() - interval '1 hour'), ('gone', 3, '1', 8, now() - interval '1 hour')";
    db.execute(register, &[]).await.unwrap();
    let lease = "UPDATE posthorn.webhook_deliveries d SET status = 'sending', dispatcher_id = p.id,
                     lease_until = now() + CASE p.host WHEN 'dead' THEN interval '-1 second' ELSE interval '1 minute' END
                 FROM posthorn.tenants t, posthorn.dispatchers p
                 WHERE t.id = d.tenant_id AND d.status = 'pending' AND p.host = CASE t.name WHEN 'a' THEN 'alive' ELSE 'dead' END";
    assert_eq!(db.execute(lease, &[]).await.unwrap(), 2);
    let found =
        rows(&operator, "SELECT host, is_alive, leases, lapsed FROM posthorn.dispatcher_leases ORDER BY host").await;
    let want = [
        json!({"host": "alive", "is_alive": true, "leases": 1, "lapsed": 0}),
        json!({"host": "dead", "is_alive": false, "leases": 1, "lapsed": 1}),
    ];
    assert_eq!(found, want);
}

#[tokio::test]
async fn an_event_that_nobody_took_is_shown_with_the_reason() {
    let scene = Scene::new().await;
    let (a, stranger) = (scene.tenants["a"], Uuid::now_v7());
    let muted = format!(
        "BEGIN; SET LOCAL posthorn.mute = on;
         INSERT INTO posthorn.outbox (tenant_id, event, payload) VALUES ('{a}', 'invoice.voided', '{{}}'); COMMIT"
    );
    scene.world.db.batch_execute(&muted).await.unwrap();
    scene.world.publish(stranger, "invoice.paid", json!({})).await;
    let asked = format!(
        "SELECT event, reason FROM posthorn.unmatched_events WHERE tenant_id IN ('{a}', '{stranger}') ORDER BY created_at"
    );
    let want = [
        json!({"event": "order.created", "reason": "unmatched"}),
        json!({"event": "invoice.voided", "reason": "muted"}),
        json!({"event": "invoice.paid", "reason": "unknown_tenant"}),
    ];
    assert_eq!(rows(&scene.operator().await, &asked).await, want);
}

#[tokio::test]
async fn tables_tell_their_size_and_their_strays() {
    let scene = Scene::new().await;
    scene.world.db.batch_execute("VACUUM ANALYZE posthorn.webhook_deliveries").await.unwrap();
    let operator = scene.operator().await;
    let asked = "SELECT table_name, table_bytes > 0 AS has_rows, index_bytes > 0 AS has_indexes, default_rows,
                     last_vacuum_at > now() - interval '1 hour' AS is_vacuumed, invalid_indexes
                 FROM posthorn.table_health WHERE table_name IN ('outbox', 'webhook_deliveries_live') ORDER BY table_name";
    let want = [
        // the world has no days, so every event is a stray
        json!({"table_name": "outbox", "has_rows": true, "has_indexes": true, "default_rows": 6, "is_vacuumed": null, "invalid_indexes": 0}),
        json!({"table_name": "webhook_deliveries_live", "has_rows": true, "has_indexes": true, "default_rows": null, "is_vacuumed": true, "invalid_indexes": 0}),
    ];
    assert_eq!(rows(&operator, asked).await, want);
}

#[tokio::test]
async fn who_holds_a_snapshot_is_named() {
    let scene = Scene::new().await;
    let gid = hold_by_prepared_transaction(&scene.world).await;
    let operator = scene.operator().await;
    let prepared =
        format!("SELECT holder FROM posthorn.held_snapshots WHERE kind = 'prepared transaction' AND holder = '{gid}'");
    assert_eq!(rows(&operator, &prepared).await, [json!({"holder": gid})]);
    assert_eq!(
        rows(&operator, "SELECT prepared_transactions FROM posthorn.server_health").await,
        [json!({"prepared_transactions": 1})]
    );
    scene.world.db.batch_execute(&format!("ROLLBACK PREPARED '{gid}'")).await.unwrap();

    let holder = scene.world.client().await;
    let hold = "SET application_name = 'backup'; BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1";
    holder.batch_execute(hold).await.unwrap();
    let asked = "SELECT count(*) AS n FROM posthorn.held_snapshots WHERE kind = 'session' AND holder LIKE '%backup%' AND since_at <= now()";
    assert_eq!(rows(&scene.world.db, asked).await, [json!({"n": 1})]);
    // without pg_read_all_stats the session is counted and not named
    assert_eq!(rows(&operator, asked).await, [json!({"n": 0})]);
    assert_eq!(
        rows(&operator, "SELECT hidden_sessions > 0 AS some FROM posthorn.server_health").await,
        [json!({"some": true})]
    );
}

#[tokio::test]
async fn short_queries_run_in_the_plain_shape() {
    let scene = Scene::new().await;
    let api = scene.world.client_of(scene.tenants["a"]).await;
    let operator = scene.operator().await;
    for client in [&api, &operator] {
        client.batch_execute("SET search_path = posthorn_webhooks").await.unwrap();
    }
    let asked = "SELECT event, status, attempts, target_url, created_at IS NOT NULL AS has_time FROM webhook_deliveries
                 WHERE event = 'invoice.created' ORDER BY created_at DESC LIMIT 10";
    let want = json!({"event": "invoice.created", "status": "PENDING", "attempts": 0, "target_url": "https://receiver.example/a", "has_time": true});
    assert_eq!(rows(&api, asked).await, [want]);
    assert_eq!(rows(&operator, asked).await.len(), 2);
    let asked = "SELECT last_error FROM webhook_deliveries WHERE status = 'FAILED' LIMIT 1";
    assert_eq!(rows(&api, asked).await, [json!({"last_error": "answered with 500"})]);
    assert_eq!(rows(&operator, asked).await.len(), 1);
    let asked = "SELECT * FROM webhook_subscriptions WHERE event = 'invoice.created' AND active = true";
    assert_eq!(rows(&api, asked).await.len(), 1);
    assert_eq!(rows(&operator, asked).await.len(), 2);

    // the payload is the tenant's to see
    let asked = "SELECT payload, state FROM webhook_deliveries WHERE status = 'FAILED'";
    assert_eq!(rows(&api, asked).await, [json!({"payload": {"failed": "a"}, "state": "abandoned"})]);
    let hidden = json!({"payload": null, "state": "abandoned"});
    assert_eq!(rows(&operator, asked).await, [hidden.clone(), hidden]);
    assert_eq!(rows(&scene.world.db, "SELECT payload FROM posthorn_webhooks.webhook_deliveries").await.len(), 4);
    let theirs = format!(
        "SELECT posthorn.payload_of(event_id) AS p FROM (SELECT '{}'::uuid AS event_id) x",
        scene.world.deliveries(scene.tenants["b"]).await[0].event_id
    );
    assert_eq!(rows(&api, &theirs).await, [json!({"p": null})]);
}

#[tokio::test]
async fn the_plain_shape_leaves_nothing_out() {
    let scene = Scene::new().await;
    let a = scene.tenants["a"];
    scene.world.publish_many(a, "invoice.sent", 2100).await;
    for status in ["retrying", "failed", "cancelled", "delivered", "sending"] {
        let change = "UPDATE posthorn.webhook_deliveries SET status = $1, lease_until = CASE $1 WHEN 'sending' THEN now() END,
                          finished_at = CASE WHEN $1 IN ('failed', 'cancelled', 'delivered') THEN now() END
                      WHERE id = (SELECT d.id FROM posthorn.webhook_deliveries d WHERE d.event = 'invoice.sent' AND d.status = 'pending' LIMIT 1)";
        assert_eq!(scene.world.db.execute(change, &[&status]).await.unwrap(), 1);
    }
    let api = scene.world.client_of(a).await;
    let shown = rows(
        &api,
        "SELECT status, count(*) AS n FROM posthorn_webhooks.webhook_deliveries GROUP BY status ORDER BY status",
    )
    .await;
    let want = [("CANCELLED", 1), ("DELIVERED", 1), ("FAILED", 2), ("PENDING", 2097), ("SENDING", 1)];
    assert_eq!(shown, want.map(|(status, n)| json!({"status": status, "n": n})));
}

#[tokio::test]
async fn the_newest_and_the_failed_are_found_by_an_index() {
    let scene = Scene::new().await;
    let fill = "INSERT INTO posthorn.webhook_deliveries_done (tenant_id, subscription_id, event_id, event, status, created_at, finished_at)
                SELECT d.tenant_id, d.subscription_id, posthorn.uuid7(), 'invoice.sent', CASE WHEN n % 100 = 0 THEN 'failed' ELSE 'delivered' END,
                    now() - make_interval(secs => n), now()
                FROM posthorn.webhook_deliveries d, generate_series(1, 5000) AS n";
    assert_eq!(scene.world.db.execute(fill, &[]).await.unwrap(), 20_000);
    scene.world.db.batch_execute("ANALYZE posthorn.webhook_deliveries").await.unwrap();
    for client in [scene.operator().await, scene.world.client_of(scene.tenants["a"]).await] {
        for (condition, index) in [("true", "created_at_idx"), ("status = 'FAILED'", "case_created_at_idx")] {
            let explain = format!(
                "EXPLAIN SELECT * FROM posthorn_webhooks.webhook_deliveries WHERE {condition} ORDER BY created_at DESC LIMIT 10"
            );
            let plan: Vec<String> = client.query(&explain, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
            let wanted = format!("Index Scan Backward using webhook_deliveries_done_default_{index}");
            assert!(plan.iter().any(|line| line.contains(&wanted)), "{wanted}: {plan:#?}");
        }
    }
}

#[tokio::test]
async fn the_plain_shape_is_explained_and_bound_by_row_security() {
    let world = World::new().await;
    let of = "FROM pg_class c WHERE c.relnamespace = 'posthorn_webhooks'::regnamespace";
    assert_eq!(world.count(&format!("SELECT count(*) {of}")).await, 2);
    let open = format!("SELECT count(*) {of} AND NOT coalesce(c.reloptions, '{{}}') @> '{{security_invoker=true}}'");
    assert_eq!(world.count(&open).await, 0);
    let unexplained = "SELECT count(*) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
                       WHERE c.relnamespace = 'posthorn_webhooks'::regnamespace AND a.attnum > 0
                         AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid, 'pg_class') IS NULL)";
    assert_eq!(world.count(unexplained).await, 0);
}

/// Leaves a prepared transaction of this database behind; answers with its name.
async fn hold_by_prepared_transaction(world: &World) -> String {
    let gid = format!("held in {}", world.database());
    let prepare = format!("BEGIN; INSERT INTO posthorn.tenants (name) VALUES ('never'); PREPARE TRANSACTION '{gid}'");
    world.db.batch_execute(&prepare).await.unwrap();
    gid
}
