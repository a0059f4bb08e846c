//! Copies made by dump and restore: they hold all that the original still has to send, and send nothing of it until told to.

use std::path::{Path, PathBuf};
use std::process::Command;

use posthorn::cli::dev::cluster::{Cluster, ClusterOptions};
use posthorn::store::migrate::migrate;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::scene;
use crate::harness::{
    Aftermath, Api, Binary, Receiver, SOON, Serving, World, connect, dispatch_binary, eventually, page, server,
    sql_blocks,
};

/// The line by which a dispatcher says that it sends nothing.
const SAYS: &str = "this database is a copy";

/// Dumps the database in the custom format, as the page has it; answers with the file.
fn dump(from: &World) -> PathBuf {
    let file = std::env::temp_dir().join(format!("{}.dump", from.database()));
    run("pg_dump", &["-Fc", "-f", file.to_str().unwrap()], &from.url());
    file
}

/// Restores it, and removes the file.
fn restore(file: &Path, into: &SecretString) {
    run("pg_restore", &["--exit-on-error", file.to_str().unwrap()], into);
    std::fs::remove_file(file).unwrap();
}

fn run(program: &str, arguments: &[&str], database: &SecretString) {
    let database = format!("--dbname={}", database.expose_secret());
    let output = Command::new(server().program(program)).args(arguments).arg(database).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Runs `posthorn resume`; answers with what it says.
async fn resume(database: &SecretString) -> String {
    let binary = Binary::start(&["resume"], &[("DATABASE_URL", database.expose_secret())]);
    let (status, lines) = binary.run_to_end().await;
    assert!(status.success(), "{lines:#?}");
    lines.join("\n")
}

/// A database that has sent one event, holds a lease on a second and has a third still to send.
async fn original() -> (World, Receiver) {
    let (world, tenant, receiver) = scene().await;
    let dispatcher = world.dispatch(&[]).await;
    world.publish(tenant, "order.paid", json!({"n": 1})).await;
    world.until_status("delivered", 1).await;
    dispatcher.stop().await;
    world.publish(tenant, "order.paid", json!({"n": 2})).await;
    assert_eq!(world.hand().await.claim(10).await.len(), 1);
    world.publish(tenant, "order.paid", json!({"n": 3})).await;
    (world, receiver)
}

/// Waits until every dispatcher has given a sign of life after now: by then it has looked for work more than once.
async fn until_it_has_looked(world: &World) {
    let now: time::OffsetDateTime = world.db.query_one("SELECT now()", &[]).await.unwrap().get(0);
    let seen = "SELECT coalesce(bool_and(d.seen_at > $1), false) FROM posthorn.dispatchers d WHERE d.stopped_at IS NULL AND d.host <> 'by hand'";
    for _ in 0..2 {
        eventually("a sign of life", SOON, async || world.db.query_one(seen, &[&now]).await.unwrap().get::<_, bool>(0))
            .await;
    }
}

/// What health says, whole and of the database.
async fn health(api: &Api) -> (Value, Value) {
    let health = api.at("").get("/health/ready").await.ok(200);
    (health["status"].clone(), health["databases"][0]["status"].clone())
}

#[tokio::test]
async fn a_restored_copy_sends_nothing_until_it_is_told_to() {
    if !server().has_program("pg_restore") {
        return;
    }
    let (original, receiver) = original().await;
    let copy = World::empty().await;
    restore(&dump(&original), &copy.url());
    copy.expire_leases().await;
    let url = copy.url();
    let serving = Serving::against(copy, url.expose_secret(), &[]).await;
    let (copy, operator) = (&serving.world, serving.nobody());
    serving.binary.wait_for_line(SAYS, SOON).await;
    let tenant = copy.db.query_one("SELECT id FROM posthorn.tenants", &[]).await.unwrap().get(0);
    copy.publish(tenant, "order.paid", json!({"n": 4})).await;
    until_it_has_looked(copy).await;
    assert_eq!(receiver.requests().len(), 1);
    assert_eq!(copy.count("SELECT count(*) FROM posthorn.webhook_attempts").await, 1);
    assert_eq!(health(&operator).await, (json!("degraded"), json!("copy")));
    let gauge = format!("posthorn_database_is_copy{{database=\"{}\"}}", copy.database());
    let page = async || operator.at("").get("/metrics").await.text;
    assert!(page().await.contains(&format!("{gauge} 1")));

    // the original is not touched by it
    original.expire_leases().await;
    let dispatcher = original.dispatch_binary(&[]).await;
    original.until_status("delivered", 3).await;
    dispatcher.kill().await;
    assert_eq!(receiver.requests().len(), 3);

    assert!(resume(&url).await.contains("3 deliveries wait"));
    copy.until_status("delivered", 4).await;
    assert_eq!(receiver.requests().len(), 6);
    eventually("health is well", SOON, async || health(&operator).await == (json!("ready"), json!("ready"))).await;
    assert!(page().await.contains(&format!("{gauge} 0")));
    let audited = "SELECT count(*) FROM posthorn.audit_log WHERE action = 'instance.resumed' AND details ? 'before'";
    assert_eq!(copy.count(audited).await, 1);
    assert!(resume(&url).await.contains("nothing to resume"));
    assert_eq!(copy.count(audited).await, 1);
}

#[tokio::test]
async fn a_dump_restored_under_a_running_dispatcher_is_not_sent() {
    if !server().has_program("pg_restore") {
        return;
    }
    let (original, receiver) = original().await;
    let (staging, _, _) = scene().await;
    let dispatcher = staging.dispatch_binary(&[]).await;
    let aftermath = Aftermath::before(&[&dispatcher]);
    let file = dump(&original);
    // it can lose a deadlock with the dispatcher's statements
    let drop_all = "DROP SCHEMA IF EXISTS posthorn, posthorn_webhooks CASCADE";
    eventually("what was there is dropped", SOON, async || staging.db.batch_execute(drop_all).await.is_ok()).await;
    restore(&file, &staging.url());
    staging.expire_leases().await;
    dispatcher.wait_for_line(SAYS, SOON).await;
    assert_eq!(receiver.requests().len(), 1);
    assert!(resume(&staging.url()).await.contains("2 deliveries wait"));
    staging.until_status("delivered", 3).await;
    assert_eq!(receiver.requests().len(), 3);
    aftermath.holds(&staging).await;
}

#[tokio::test]
async fn a_dump_restored_into_another_server_is_a_copy_also_where_the_database_has_the_same_number() {
    if !server().has_program("pg_restore") {
        return;
    }
    let (original, receiver) = original().await;
    let folder = super::failover::folder();
    let options = ClusterOptions { data_dir: folder.path().join("pg"), port: None, settings: Vec::new() };
    let cluster = Cluster::start(options).await.unwrap();
    let client = connect(&cluster.url("postgres")).await;
    client.batch_execute("CREATE DATABASE roles").await.unwrap();
    migrate(&cluster.url("roles").into()).await.unwrap();
    let url = SecretString::from(cluster.url("postgres"));
    restore(&dump(&original), &url);
    let same = "UPDATE posthorn.instance SET database_oid = (SELECT h.database_oid FROM posthorn.here() h)";
    assert_eq!(client.execute(same, &[]).await.unwrap(), 1);

    let dispatcher = dispatch_binary(url.expose_secret(), &[]).await;
    dispatcher.wait_for_line(SAYS, SOON).await;
    assert_eq!(receiver.requests().len(), 1);
    let is_allowed = "SELECT has_function_privilege($1, 'posthorn.resume()', 'EXECUTE')";
    for (role, expected) in [("posthorn_owner", true), ("posthorn_dispatcher", false), ("posthorn_api", false)] {
        assert_eq!(client.query_one(is_allowed, &[&role]).await.unwrap().get::<_, bool>(0), expected, "{role}");
    }
    // a DBA's way, without our program
    client.batch_execute("SET ROLE posthorn_owner; SELECT posthorn.resume()").await.unwrap();
    receiver.wait_for(2, SOON).await;
}

#[tokio::test]
async fn the_first_dispatcher_settles_and_those_after_it_do_not() {
    let (world, tenant, receiver) = scene().await;
    let is_copy =
        async || world.db.query_one("SELECT posthorn.is_copy()", &[]).await.unwrap().get::<_, Option<bool>>(0);
    assert_eq!(is_copy().await, None);
    world.dispatch(&[]).await.stop().await;
    assert_eq!(is_copy().await, Some(false));
    world.db.batch_execute("UPDATE posthorn.instance SET database_oid = 1").await.unwrap();
    assert_eq!(is_copy().await, Some(true));
    let dispatcher = world.dispatch(&[]).await;
    world.publish(tenant, "order.paid", json!({})).await;
    until_it_has_looked(&world).await;
    assert_eq!((is_copy().await, receiver.requests().len()), (Some(true), 0));
    dispatcher.stop().await;
}

#[tokio::test]
async fn without_the_right_to_ask_which_server_it_is_the_database_alone_tells() {
    let (world, tenant, receiver) = scene().await;
    let may = async |word: &str| {
        let (verb, to) = if word == "may" { ("GRANT", "TO") } else { ("REVOKE", "FROM") };
        let change = format!("{verb} EXECUTE ON FUNCTION pg_catalog.pg_control_system() {to} PUBLIC");
        world.db.batch_execute(&change).await.unwrap();
    };
    let is_copy =
        async || world.db.query_one("SELECT posthorn.is_copy()", &[]).await.unwrap().get::<_, Option<bool>>(0);
    may("not").await;
    let dispatcher = world.dispatch(&[]).await;
    world.publish(tenant, "order.paid", json!({})).await;
    receiver.wait_for(1, SOON).await;
    // what was not known then, and is now, is no other place; nor the other way round
    may("may").await;
    assert_eq!(is_copy().await, Some(false));
    world
        .db
        .batch_execute("UPDATE posthorn.instance SET system_identifier = (posthorn.here()).system_identifier")
        .await
        .unwrap();
    may("not").await;
    assert_eq!(is_copy().await, Some(false));
    world.db.batch_execute("UPDATE posthorn.instance SET database_oid = 1").await.unwrap();
    assert_eq!(is_copy().await, Some(true));
    dispatcher.stop().await;
}

#[tokio::test]
async fn a_dispatcher_that_runs_while_this_comes_goes_on() {
    let world = World::new().await;
    let undo =
        "DROP FUNCTION posthorn.resume, posthorn.settle, posthorn.is_copy, posthorn.here; DROP TABLE posthorn.instance;
        INSERT INTO posthorn.dispatchers (host, pid, version, concurrency) VALUES ('old', 1, '0', 1)";
    world.db.batch_execute(undo).await.unwrap();
    let migration = include_str!("../../../../migrations/V46__instance.sql");
    world.db.batch_execute(&format!("SET ROLE posthorn_owner; BEGIN; {migration}; COMMIT; RESET ROLE")).await.unwrap();
    assert!(world.db.query_one("SELECT NOT posthorn.is_copy()", &[]).await.unwrap().get::<_, bool>(0));
}

#[tokio::test]
async fn what_the_page_says_can_be_said() {
    let (world, _) = original().await;
    world.db.batch_execute("UPDATE posthorn.instance SET database_oid = 1").await.unwrap();
    let text = page("backup-and-restore.md");
    let blocks = sql_blocks(&text);
    assert_eq!(blocks.len(), 4);
    for block in blocks {
        world.db.batch_execute(block).await.unwrap_or_else(|e| panic!("{block}: {e:?}"));
    }
    assert!(world.db.query_one("SELECT NOT posthorn.is_copy()", &[]).await.unwrap().get::<_, bool>(0));
}
