//! Several databases in one process: each has its dispatcher, and what befalls one leaves the others alone.

use std::time::Duration;

use posthorn::store::{StoreRole, api_keys, migrate};
use rustix::process::Signal;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::api::{BASE, start_with};
use crate::harness::{Answer, Api, Binary, Receiver, SOON, World, eventually, server};

const SIGNED_OFF: &str = "SELECT count(*) FROM posthorn.dispatchers WHERE stopped_at IS NOT NULL";

/// A world with a tenant that hears everything at this receiver's `path`.
async fn subscribed(receiver: &Receiver, path: &str) -> (World, Uuid) {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    world.subscribe(tenant, &receiver.url(path), &["*"]).await;
    (world, tenant)
}

/// The program with these databases, as a dispatcher that shows its metrics.
fn dispatch(urls: &[&str]) -> Binary {
    let env = [("POSTHORN_ROLE", "dispatcher"), ("POSTHORN_METRICS_BIND", "127.0.0.1:0")];
    start_with(urls, &env)
}

async fn operator(binary: &Binary) -> Api {
    let ready = binary.wait_for_line("posthorn is ready on http://", SOON).await;
    Api::nobody_at(ready.rsplit("http://").next().unwrap()).at("")
}

async fn health(operator: &Api) -> Value {
    operator.get("/health/ready").await.ok(200)
}

/// What health says of a database.
fn of<'a>(health: &'a Value, world: &World) -> &'a Value {
    let databases = health["databases"].as_array().unwrap();
    databases.iter().find(|entry| entry["database"] == world.database()).unwrap_or_else(|| panic!("{health}"))
}

async fn close(world: &World) {
    let name = world.database();
    server().admin(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false")).await.unwrap();
    let leave = format!("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'");
    server().admin(&leave).await.unwrap();
}

/// Publishes on a connection of its own: the world's went when its database was closed.
async fn publish_anew(world: &World, tenant: Uuid) {
    let client = world.client().await;
    client.execute("SELECT posthorn.publish($1, 'invoice.paid', '{}')", &[&tenant]).await.unwrap();
}

async fn reopen(world: &World) {
    server().admin(&format!("ALTER DATABASE {} ALLOW_CONNECTIONS true", world.database())).await.unwrap();
}

#[tokio::test]
async fn one_process_dispatches_from_two_databases_and_a_stop_drains_both() {
    let receiver = Receiver::start(|_, _| Answer::status(200).after(Duration::from_millis(1500)));
    let ((one, one_tenant), (two, two_tenant)) = (subscribed(&receiver, "/1").await, subscribed(&receiver, "/2").await);
    let urls = [one.url(), two.url()];
    let binary = dispatch(&[urls[0].expose_secret(), urls[1].expose_secret()]);
    let operator = operator(&binary).await;
    for n in 0..3 {
        one.publish(one_tenant, "invoice.paid", json!({"n": n})).await;
    }
    two.publish(two_tenant, "invoice.paid", json!({})).await;
    receiver.wait_for(4, SOON).await;
    let page = operator.get("/metrics").await.text;
    for (world, count) in [(&one, 3), (&two, 1)] {
        let line = format!("posthorn_in_flight{{database=\"{}\"}} {count}", world.database());
        assert!(page.lines().any(|l| l == line), "no {line} in {page}");
    }
    binary.signal(Signal::TERM);
    assert_eq!(binary.wait_exit(SOON).await.code(), Some(0));
    one.until_status("delivered", 3).await;
    two.until_status("delivered", 1).await;
    assert_eq!((one.count(SIGNED_OFF).await, two.count(SIGNED_OFF).await), (1, 1));
}

#[tokio::test]
async fn health_adds_up_and_names_each_database() {
    let receiver = Receiver::start(|_, _| Answer::status(503));
    let ((one, one_tenant), (two, two_tenant)) = (subscribed(&receiver, "/1").await, subscribed(&receiver, "/2").await);
    for (world, tenant, count) in [(&one, one_tenant, 2), (&two, two_tenant, 3)] {
        for _ in 0..count {
            world.publish(tenant, "invoice.paid", json!({})).await;
        }
    }
    let urls = [one.url(), two.url()];
    let binary = start_with(
        &[urls[0].expose_secret(), urls[1].expose_secret()],
        &[("POSTHORN_BIND", "127.0.0.1:0"), ("WEBHOOK_RETRY_SCHEDULE", "1h")],
    );
    let operator = operator(&binary).await;
    eventually("both are counted", SOON, async || health(&operator).await["dispatchers_alive"] == 1).await;
    let all = health(&operator).await;
    assert_eq!((&all["status"], &all["queue_depth"]), (&json!("ready"), &json!(5)), "{all}");
    assert_eq!((&of(&all, &one)["queue_depth"], &of(&all, &two)["queue_depth"]), (&json!(2), &json!(3)), "{all}");
    // the API beside it is the first database's
    let key = api_keys::create(&one.store(StoreRole::Owner), one_tenant, "a").await;
    let caller = operator.at(BASE).bearer(key.unwrap().key.expose().expose_secret());
    assert_eq!(caller.get("/deliveries").await.ok(200)["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_database_that_goes_away_leaves_the_others_alone_and_is_served_again_when_it_is_back() {
    let receiver = Receiver::start(|_, _| Answer::status(204));
    let ((one, one_tenant), (two, two_tenant)) = (subscribed(&receiver, "/1").await, subscribed(&receiver, "/2").await);
    let urls = [one.url(), two.url()];
    let binary = dispatch(&[urls[0].expose_secret(), urls[1].expose_secret()]);
    let operator = operator(&binary).await;
    let mut sent = 0;
    // either: the first is not more of a pillar than the second
    for (away, tenant_away, left, tenant_left) in
        [(&one, one_tenant, &two, two_tenant), (&two, two_tenant, &one, one_tenant)]
    {
        close(away).await;
        eventually("it is missed", SOON, async || of(&health(&operator).await, away)["status"] == "unavailable").await;
        let state = health(&operator).await;
        assert_eq!((&state["status"], &of(&state, left)["status"]), (&json!("degraded"), &json!("ready")), "{state}");
        let page = operator.get("/metrics").await.text;
        for (world, up) in [(away, 0), (left, 1)] {
            let line = format!("posthorn_database_up{{database=\"{}\"}} {up}", world.database());
            assert!(page.lines().any(|l| l == line), "no {line} in {page}");
        }
        publish_anew(left, tenant_left).await;
        sent += 1;
        receiver.wait_for(sent, SOON).await;

        reopen(away).await;
        publish_anew(away, tenant_away).await;
        sent += 1;
        receiver.wait_for(sent, SOON).await;
        eventually("all is well", SOON, async || health(&operator).await["status"] == "ready").await;
    }
    // and for good
    server().admin(&format!("DROP DATABASE {} WITH (FORCE)", one.database())).await.unwrap();
    publish_anew(&two, two_tenant).await;
    receiver.wait_for(sent + 1, SOON).await;
    binary.signal(Signal::TERM);
    assert_eq!(binary.wait_exit(SOON).await.code(), Some(0));
}

#[tokio::test]
async fn a_further_database_may_be_away_at_the_start_but_not_the_first() {
    let receiver = Receiver::start(|_, _| Answer::status(204));
    let ((one, one_tenant), (two, two_tenant)) = (subscribed(&receiver, "/1").await, subscribed(&receiver, "/2").await);
    let urls = [one.url(), two.url()];
    two.publish(two_tenant, "invoice.paid", json!({})).await;
    close(&two).await;

    let refused = dispatch(&[urls[1].expose_secret(), urls[0].expose_secret()]);
    let (status, lines) = refused.run_to_end().await;
    assert_eq!(status.code(), Some(1), "{lines:?}");
    assert!(lines.last().unwrap().contains("not currently accepting connections"), "{lines:?}");

    let binary = dispatch(&[urls[0].expose_secret(), urls[1].expose_secret()]);
    binary.wait_for_line("a database is away", SOON).await;
    binary.wait_for_line("posthorn is ready", SOON).await;
    one.publish(one_tenant, "invoice.paid", json!({})).await;
    receiver.wait_for(1, SOON).await;
    reopen(&two).await;
    receiver.wait_for(2, SOON).await;
    assert_eq!(receiver.requests().iter().filter(|request| request.path == "/2").count(), 1);
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused() {
    let (one, two) = (World::new().await, World::new().await);
    let (one_url, two_url) = (one.url().expose_secret().to_owned(), two.url().expose_secret().to_owned());
    let again = one_url.replace("127.0.0.1", "localhost");
    assert_ne!(again, one_url);
    let newer = "INSERT INTO posthorn.schema_history (version, name, applied_on, checksum)
                 VALUES (9999, 'from_the_future', '2030-01-01T00:00:00Z', '1')";
    two.db.batch_execute(newer).await.unwrap();
    for (urls, role, wanted) in [
        (vec![&one_url, &one_url], "dispatcher", "is given twice"),
        (vec![&one_url, &again], "all", "is given twice"),
        (vec![&one_url, &two_url], "api", "run one API for each"),
        (vec![&one_url, &two_url], "dispatcher", "9999"),
    ] {
        let urls: Vec<&str> = urls.into_iter().map(String::as_str).collect();
        let binary = start_with(&urls, &[("POSTHORN_ROLE", role), ("POSTHORN_BIND", "127.0.0.1:0")]);
        let (status, lines) = binary.run_to_end().await;
        assert_eq!(status.code(), Some(1), "{lines:?}");
        let said = lines.last().unwrap();
        assert!(said.starts_with("posthorn: ") && said.contains(wanted), "{wanted}: {lines:?}");
    }
}

#[tokio::test]
async fn every_database_is_migrated_unless_told_otherwise() {
    let (one, two) = (World::new().await, World::empty().await);
    let urls = [one.url(), two.url()];
    let urls = [urls[0].expose_secret(), urls[1].expose_secret()];
    let env = [("POSTHORN_ROLE", "dispatcher"), ("POSTHORN_NO_MIGRATE", "true")];
    let (status, lines) = start_with(&urls, &env).run_to_end().await;
    assert!(status.code() == Some(1) && lines.last().unwrap().contains("posthorn migrate"), "{lines:?}");
    let binary = start_with(&urls, &env[..1]);
    // all migrations, on a machine that does other things
    eventually("it is migrated", 3 * SOON, async || migrate::check(&two.url()).await.is_ok()).await;
    binary.wait_for_line("posthorn is ready", SOON).await;
    assert_eq!(two.count("SELECT count(*) FROM posthorn.dispatchers").await, 1);
}
