//! The laws of `sql/`: every file is known, well formed, fits the schema, and finds big tables' rows by an index.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use posthorn::store::sql::{self, Sql};
use posthorn::store::{StoreRole, days};
use serde_json::Value;
use tokio_postgres::Client;
use tokio_postgres::types::Kind;

use crate::harness::World;

/// pg_stat_activity shows 1,023 bytes of a statement: a longer header would hide what it does.
const LONGEST_HEADER: usize = 300;

/// Tables (with their partitions) that must not be read as a whole.
const BIG: [&str; 7] = [
    "outbox",
    "webhook_deliveries",
    "webhook_attempts",
    "subscription_patterns",
    "webhook_subscriptions",
    "delivery_statistics",
    "delivery_errors",
];

/// Who runs a statement.
fn role_of(name: &str) -> StoreRole {
    let (group, verb) = name.split_once('/').unwrap();
    match (group, verb) {
        ("queue" | "dispatchers" | "fanout" | "days" | "doctor" | "monitoring" | "operational", _)
        | ("audit" | "keys", "forget")
        | ("subscriptions", "suspend")
        | ("statistics", "fold" | "prune")
        | ("test_sends", "take" | "record" | "forget")
        | ("jobs", "take" | "run" | "note") => StoreRole::Dispatcher,
        ("api_keys" | "keys", "find") => StoreRole::Api,
        ("admin", _) => StoreRole::Admin,
        ("sealed", _) => StoreRole::Rekey,
        ("stats", _) => StoreRole::Readonly,
        ("api_keys" | "keys" | "tenants" | "prune" | "retention" | "instance" | "replay", _) => StoreRole::Owner,
        _ => StoreRole::Api,
    }
}

#[test]
fn every_file_is_a_statement_of_the_store() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql");
    let mut files = BTreeSet::new();
    for group in fs::read_dir(root).unwrap().map(Result::unwrap) {
        for file in fs::read_dir(group.path()).unwrap().map(Result::unwrap) {
            let path = file.path();
            let verb = path.file_stem().unwrap().to_str().unwrap();
            files.insert(format!("{}/{verb}", group.file_name().to_str().unwrap()));
        }
    }
    // runs before there is a schema, and not as a prepared statement
    assert!(files.remove(sql::SCHEMA_BOOTSTRAP.name));
    let known: BTreeSet<String> = sql::ALL.iter().map(|sql| sql.name.to_owned()).collect();
    assert_eq!(files, known);
    assert_eq!(known.len(), sql::ALL.len(), "a statement is named twice");
}

#[test]
fn every_statement_is_well_formed() {
    let broken: Vec<String> = sql::ALL.iter().flat_map(|sql| faults(sql.name, sql.text)).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

fn faults(name: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if !text.starts_with(&format!("-- {name}: ")) {
        faults.push(format!("{name}: the first line is not `-- {name}: what it does`"));
    }
    let header: usize = text.lines().take_while(|line| line.starts_with("--")).map(|line| line.len() + 1).sum();
    if header > LONGEST_HEADER {
        faults.push(format!("{name}: a header of {header} bytes, more than {LONGEST_HEADER}"));
    }
    if text.trim_end().ends_with(';') {
        faults.push(format!("{name}: ends with a semicolon"));
    }
    if text.to_ascii_uppercase().split_whitespace().collect::<Vec<_>>().join(" ").contains("SELECT *") {
        faults.push(format!("{name}: SELECT * reads what a later column adds"));
    }
    faults
}

#[test]
fn bad_form_is_noticed() {
    assert!(faults("a/b", "-- a/b: good.\nSELECT 1\n").is_empty());
    assert_eq!(faults("a/b", "-- b: bad.\nselect\n *\nFROM x;\n").len(), 3);
    assert_eq!(faults("a/b", &format!("-- a/b: {}\nSELECT 1", "x".repeat(300))).len(), 1);
}

#[tokio::test]
async fn every_statement_fits_the_schema() {
    let world = World::new().await;
    let mut signatures = String::new();
    for sql in sql::ALL {
        let client = client_of(&world, role_of(sql.name)).await;
        let statement = client.prepare(sql.text).await.unwrap_or_else(|e| panic!("{}: {e:?}", sql.name));
        let parameters: Vec<String> = statement.params().iter().map(type_name).collect();
        let columns = statement.columns().iter().map(|c| format!("{} {}", c.name(), type_name(c.type_())));
        let (parameters, columns) = (parameters.join(", "), columns.collect::<Vec<_>>().join(", "));
        let arrow = if columns.is_empty() { String::new() } else { format!(" -> ({columns})") };
        writeln!(signatures, "{:?} {} ({parameters}){arrow}", role_of(sql.name), sql.name).unwrap();
    }
    insta::assert_snapshot!("signatures", signatures);
}

fn type_name(of: &tokio_postgres::types::Type) -> String {
    match of.kind() {
        Kind::Array(member) => format!("{}[]", member.name()),
        _ => of.name().to_owned(),
    }
}

#[tokio::test]
async fn every_statement_finds_rows_of_big_tables_by_an_index() {
    let world = World::new().await;
    fill(&world).await;
    let mut broken = Vec::new();
    for sql in sql::ALL {
        for fault in plan_faults(&generic_plan(&world, *sql).await) {
            broken.push(format!("{}: {fault}", sql.name));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[tokio::test]
async fn a_plan_that_reads_everything_is_noticed() {
    let world = World::new().await;
    fill(&world).await;
    let bad = [
        "SELECT d.id FROM posthorn.webhook_deliveries d WHERE d.last_error = $1::text",
        "SELECT o.id FROM posthorn.outbox o WHERE o.payload @> $1::jsonb ORDER BY o.id LIMIT 5",
        "SELECT s.id FROM posthorn.webhook_subscriptions s WHERE s.url = $1::text",
    ];
    for text in bad {
        let plan = generic_plan(&world, Sql { name: "queue/bad", text }).await;
        assert!(!plan_faults(&plan).is_empty(), "{text}: {plan:#}");
    }
    let good = Sql { name: "queue/good", text: "SELECT o.event FROM posthorn.outbox o WHERE o.id = $1::uuid" };
    assert_eq!(plan_faults(&generic_plan(&world, good).await), Vec::<String>::new());
}

/// A connection as the program's own pool sets it up.
async fn client_of(world: &World, role: StoreRole) -> Client {
    let client = world.client().await;
    client.batch_execute(role.session()).await.unwrap();
    client
}

/// The plan that serves any values. A plan for NULLs, or for an explained query instead of a prepared one, would be folded
/// to nothing and hide a bad statement.
async fn generic_plan(world: &World, sql: Sql) -> Value {
    let client = client_of(world, role_of(sql.name)).await;
    let parameters = client.prepare(sql.text).await.unwrap_or_else(|e| panic!("{}: {e:?}", sql.name)).params().len();
    let setup =
        format!("SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan; PREPARE law AS {}", sql.text);
    client.batch_execute(&setup).await.unwrap();
    let values = vec!["NULL"; parameters].join(", ");
    let values = if values.is_empty() { values } else { format!("({values})") };
    let explain = format!("EXPLAIN (FORMAT JSON) EXECUTE law{values}");
    let row = client.query_one(&explain, &[]).await.unwrap_or_else(|e| panic!("{}: {e:?}", sql.name));
    row.get(0)
}

fn plan_faults(plan: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    walk(plan, "", &mut faults);
    faults
}

fn walk(plan: &Value, relation: &str, faults: &mut Vec<String>) {
    match plan {
        Value::Array(plans) => plans.iter().for_each(|plan| walk(plan, relation, faults)),
        Value::Object(node) => {
            let text = |key| node.get(key).and_then(Value::as_str);
            // a bitmap's index scan does not say of which table: the node above it does
            let relation = text("Relation Name").unwrap_or(relation);
            let kind = text("Node Type").unwrap_or_default();
            let is_big = BIG.iter().any(|big| relation == *big || relation.starts_with(&format!("{big}_")));
            let is_unbounded = ["Index Scan", "Index Only Scan", "Bitmap Index Scan"].contains(&kind)
                && !node.contains_key("Index Cond");
            if is_big && (kind == "Seq Scan" || is_unbounded) {
                let filter = text("Filter").unwrap_or("no filter");
                faults.push(format!("{kind} of all of {relation} ({filter})"));
            }
            node.values().for_each(|value| walk(value, relation, faults));
        }
        _ => {}
    }
}

/// Enough rows, and statistics of them, for the planner to have a choice.
async fn fill(world: &World) {
    days::make_ahead(&world.store(StoreRole::Dispatcher), 1).await.unwrap();
    let fill = "
        INSERT INTO posthorn.tenants (name) SELECT 'tenant ' || n FROM generate_series(1, 20) n;
        INSERT INTO posthorn.webhook_subscriptions (tenant_id, url, events, signing)
        SELECT t.id, 'https://receiver.example/' || n, '{invoice.*,payment.received}', 'none'
        FROM posthorn.tenants t, generate_series(1, 20) n;
        INSERT INTO posthorn.outbox (tenant_id, event, payload)
        SELECT t.id, 'invoice.paid', jsonb_build_object('n', n) FROM posthorn.tenants t, generate_series(1, 15) n;
        UPDATE posthorn.webhook_deliveries SET status = 'delivered', finished_at = now()
        WHERE id IN (SELECT id FROM posthorn.webhook_deliveries LIMIT 4000);
        INSERT INTO posthorn.webhook_attempts (delivery_id, epoch, tenant_id, generation, number, target_url, started_at,
            duration_ms, status_code)
        SELECT d.id, 1, d.tenant_id, 0, 1, 'https://receiver.example/', now(), 5, 200
        FROM posthorn.webhook_deliveries d WHERE d.status = 'delivered';
        INSERT INTO posthorn.delivery_tallies (tenant_id, subscription_id, event, delivered, failed, durations, delays, error_kinds)
        SELECT s.tenant_id, s.id, 'invoice.paid', 1, 1, '{5,6}', '{7}', '{timeout}' FROM posthorn.webhook_subscriptions s;
        SELECT posthorn.fold_tallies(10000);
        ANALYZE;";
    world.db.batch_execute(fill).await.unwrap();
}
