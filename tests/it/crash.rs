//! Processes that die in the middle, ours and PostgreSQL's: nothing committed is lost, nothing rolled back is sent, and what
//! is sent twice is the same webhook.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use posthorn::cli::dev::cluster::{Cluster, ClusterOptions};
use posthorn::store::migrate::migrate;
use rustix::process::Signal;
use secrecy::SecretString;
use serde_json::json;
use tokio::sync::watch;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use crate::harness::hostile::Hostile;
use crate::harness::{Aftermath, Answer, Receiver, SOON, World, dispatch_binary, eventually};

#[tokio::test]
async fn killed_between_send_and_record_sends_the_same_webhook_once_more() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let (gate, is_open) = watch::channel(false);
    let receiver = Receiver::start(move |_, nth| match nth {
        0 => Answer::status(200).once(&is_open),
        _ => Answer::status(200),
    });
    world.subscribe(tenant, &receiver.url("/hook"), &["*"]).await;
    let event = world.publish(tenant, "invoice.paid", json!({"n": 1.50})).await;
    let dispatcher = world.dispatch_binary(&[]).await;
    let aftermath = Aftermath::before(&[&dispatcher]);
    receiver.wait_for(1, SOON).await;

    // it has sent and cannot record: it waits for a lock, with the answer in its memory alone
    let blocker = world.client().await;
    blocker.batch_execute("BEGIN; LOCK TABLE posthorn.webhook_attempts IN ACCESS EXCLUSIVE MODE").await.unwrap();
    gate.send(true).unwrap();
    let recording = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
                     AND wait_event_type = 'Lock' AND query LIKE '-- queue/record:%')";
    world.until(recording).await;
    dispatcher.kill().await;
    // the server would finish the waiting statement although nobody waits for it any more: it dies too
    let die = "SELECT pg_terminate_backend(pid, 20000) FROM pg_stat_activity
               WHERE datname = current_database() AND wait_event_type = 'Lock'";
    world.db.query(die, &[]).await.unwrap();
    blocker.batch_execute("ROLLBACK").await.unwrap();
    let delivery = world.delivery(event).await;
    assert_eq!((delivery.status.as_str(), world.attempts(delivery.id).await.len()), ("sending", 0));

    world.expire_leases().await;
    let second = world.dispatch_binary(&[]).await;
    world.until_status("delivered", 1).await;
    let requests = receiver.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].body, requests[1].body);
    for request in &requests {
        assert_eq!(request.headers["webhook-id"], event.to_string());
    }
    let attempts = world.attempts(delivery.id).await;
    let told: Vec<_> = attempts.iter().map(|a| (a.number, a.kind(), a.status_code)).collect();
    assert_eq!(told, [(1, Some("lease_expired"), None), (2, None, Some(200))]);
    aftermath.holds_beside(&world, &[&second]).await;
}

#[tokio::test]
async fn frozen_past_its_lease_a_dispatcher_cannot_undo_what_another_did() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let (gate, is_open) = watch::channel(false);
    let receiver = Receiver::start(move |_, nth| match nth {
        0 => Answer::status(500).once(&is_open),
        _ => Answer::status(200),
    });
    world.subscribe(tenant, &receiver.url("/hook"), &["*"]).await;
    let event = world.publish(tenant, "invoice.paid", json!({})).await;
    let frozen = world.dispatch_binary(&[("WEBHOOK_TIMEOUT_SECONDS", "300")]).await;
    let aftermath = Aftermath::before(&[&frozen]);
    receiver.wait_for(1, SOON).await;
    frozen.signal(Signal::STOP);
    world.expire_leases().await;
    let other = world.dispatch_binary(&[]).await;
    world.until_status("delivered", 1).await;
    let delivery = world.delivery(event).await;
    assert_eq!(world.attempts(delivery.id).await[0].kind(), Some("lease_expired"));

    gate.send(true).unwrap();
    frozen.signal(Signal::CONT);
    // its late truth replaces the placeholder and changes nothing else
    world.until("SELECT EXISTS (SELECT FROM posthorn.webhook_attempts WHERE number = 1 AND status_code = 500)").await;
    let after = world.delivery(event).await;
    assert_eq!((after.status.as_str(), after.attempts, after.last_error_kind), ("delivered", 2, None));
    assert_eq!((receiver.requests().len(), world.attempts(delivery.id).await.len()), (2, 2));
    aftermath.holds_beside(&world, &[&other]).await;
}

#[tokio::test]
async fn killed_after_the_claim_before_a_byte_is_sent_costs_nothing_but_the_lease() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    // a TLS handshake that never goes on: claimed, connected, and not a byte of the request sent
    let stalled = Hostile::start(|mut conversation| async move { conversation.hold().await }).await;
    let receiver = Receiver::start(|_, _| Answer::status(200));
    let subscription = world.subscribe(tenant, &stalled.url("https", "/hook"), &["invoice.*"]).await;
    let event = world.publish(tenant, "invoice.paid", json!({})).await;
    let dispatcher = world.dispatch_binary(&[]).await;
    let aftermath = Aftermath::before(&[&dispatcher]);
    eventually("it connects", SOON, async || stalled.accepted() == 1).await;
    dispatcher.kill().await;
    let delivery = world.delivery(event).await;
    assert_eq!((delivery.status.as_str(), delivery.attempts), ("sending", 1));

    world.change(subscription, &format!("url = '{}'", receiver.url("/hook"))).await;
    let second = world.dispatch_binary(&[]).await;
    // the lease of the dead still holds
    let other = world.subscribe(tenant, &receiver.url("/other"), &["order.*"]).await;
    world.publish(tenant, "order.paid", json!({})).await;
    world.until(&format!(
        "SELECT EXISTS (SELECT FROM posthorn.webhook_deliveries WHERE status = 'delivered' AND subscription_id = '{other}')"
    ))
    .await;
    assert_eq!(world.delivery(event).await.status, "sending");
    world.expire_leases().await;
    world.until(&format!(
        "SELECT EXISTS (SELECT FROM posthorn.webhook_deliveries WHERE status = 'delivered' AND event_id = '{event}')"
    ))
    .await;
    assert_eq!(receiver.requests().iter().filter(|request| request.path == "/hook").count(), 1);
    let attempts = world.attempts(delivery.id).await;
    let told: Vec<_> = attempts.iter().map(|a| (a.number, a.kind(), a.status_code)).collect();
    assert_eq!(told, [(1, Some("lease_expired"), None), (2, None, Some(200))]);
    aftermath.holds_beside(&world, &[&second]).await;
}

/// What a producer knows of its events.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) committed: Vec<Uuid>,
    pub(crate) rolled_back: Vec<Uuid>,
    /// COMMIT was not answered.
    pub(crate) unknown: Vec<Uuid>,
}

impl Ledger {
    /// Adds what another producer knows.
    pub(crate) fn add(&mut self, other: Self) {
        self.committed.extend(other.committed);
        self.rolled_back.extend(other.rolled_back);
        self.unknown.extend(other.unknown);
    }
}

/// Publishes until told to stop, every fourth event rolled back, through whatever happens to the server.
pub(crate) async fn keep_publishing(url: String, tenant: Uuid, stop: Arc<AtomicBool>) -> Ledger {
    let mut ledger = Ledger::default();
    let mut nth = 0u32;
    while !stop.load(Ordering::Relaxed) {
        let Ok((client, connection)) = tokio_postgres::connect(&url, NoTls).await else {
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        tokio::spawn(connection);
        while !stop.load(Ordering::Relaxed) {
            nth += 1;
            if publish_one(&client, tenant, nth.is_multiple_of(4), &mut ledger).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
    }
    ledger
}

async fn publish_one(
    client: &Client,
    tenant: Uuid,
    rolls_back: bool,
    ledger: &mut Ledger,
) -> Result<(), tokio_postgres::Error> {
    client.batch_execute("BEGIN").await?;
    let event = client.query_one("SELECT posthorn.publish($1, 'invoice.paid', '{}')", &[&tenant]).await?.get(0);
    if rolls_back {
        ledger.rolled_back.push(event);
        return client.batch_execute("ROLLBACK").await;
    }
    let result = client.batch_execute("COMMIT").await;
    match result {
        Ok(()) => ledger.committed.push(event),
        Err(_) => ledger.unknown.push(event),
    }
    result
}

/// The first column of a query, on a connection of its own: the one before may have died with the server.
async fn ask<T: for<'a> tokio_postgres::types::FromSql<'a>>(cluster: &Cluster, query: &str) -> Option<T> {
    let (client, connection) = tokio_postgres::connect(&cluster.url("postgres"), NoTls).await.ok()?;
    tokio::spawn(connection);
    client.query_one(query, &[]).await.ok().map(|row| row.get(0))
}

#[tokio::test(flavor = "multi_thread")]
async fn restarts_and_a_crash_of_postgres_under_load_lose_nothing() {
    let folder = tempfile::Builder::new().prefix("posthorn-crash-").tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let options = ClusterOptions { data_dir: folder.path().join("pg"), port: None, settings: Vec::new() };
    let mut cluster = Cluster::start(options).await.unwrap();
    let url = cluster.url("postgres");
    migrate(&SecretString::from(url.clone())).await.unwrap();
    let receiver = Receiver::start(|_, _| Answer::status(200).after(Duration::from_millis(5)));
    let tenant: Uuid = ask(&cluster, "INSERT INTO posthorn.tenants (name) VALUES ('a') RETURNING id").await.unwrap();
    let subscribe = "INSERT INTO posthorn.webhook_subscriptions (tenant_id, url, events, signing)";
    let subscribe =
        format!("{subscribe} VALUES ('{tenant}', '{}', '{{*}}', 'none') RETURNING id", receiver.url("/hook"));
    ask::<Uuid>(&cluster, &subscribe).await.unwrap();

    let short = [("WEBHOOK_TIMEOUT_SECONDS", "2"), ("RUST_LOG", "error")];
    let dispatchers = (dispatch_binary(&url, &short).await, dispatch_binary(&url, &short).await);
    let aftermath = Aftermath::before(&[&dispatchers.0, &dispatchers.1]);
    let stop = Arc::new(AtomicBool::new(false));
    let producers = [0, 1].map(|_| tokio::spawn(keep_publishing(url.clone(), tenant, stop.clone())));
    for is_crash in [false, false, true] {
        let before = receiver.requests().len();
        receiver.wait_for(before + 100, 3 * SOON).await;
        if is_crash {
            cluster.kill().await;
        }
        cluster.restart().await.unwrap();
    }
    let before = receiver.requests().len();
    receiver.wait_for(before + 100, 3 * SOON).await;
    stop.store(true, Ordering::Relaxed);
    let mut ledger = Ledger::default();
    for producer in producers {
        ledger.add(producer.await.unwrap());
    }
    let finished = "SELECT NOT EXISTS (SELECT FROM posthorn.webhook_deliveries_live)";
    eventually("all is delivered", 3 * SOON, async || ask(&cluster, finished).await == Some(true)).await;

    let mut received: HashMap<Uuid, i64> = HashMap::new();
    for request in receiver.requests() {
        *received.entry(request.headers["webhook-id"].to_str().unwrap().parse().unwrap()).or_default() += 1;
    }
    let lost: Vec<_> = ledger.committed.iter().filter(|id| !received.contains_key(id)).collect();
    let ghosts: Vec<_> = ledger.rolled_back.iter().filter(|id| received.contains_key(id)).collect();
    assert!(lost.is_empty() && ghosts.is_empty(), "lost {lost:?}, sent although rolled back {ghosts:?}");
    let known: HashSet<_> = ledger.committed.iter().chain(&ledger.unknown).collect();
    assert!(received.keys().all(|id| known.contains(id)));
    assert!(ledger.committed.len() > 200 && ledger.rolled_back.len() > 50, "too little happened");
    let undelivered = "SELECT count(*) FROM posthorn.webhook_deliveries WHERE status <> 'delivered'";
    assert_eq!(ask::<i64>(&cluster, undelivered).await, Some(0));
    // every request has the row of what came of it: no result was forgotten, so nothing was sent twice for want of one
    let told = "SELECT json_object_agg(o.id, (SELECT count(*) FROM posthorn.webhook_deliveries d
                        JOIN posthorn.webhook_attempts a ON a.delivery_id = d.id
                        WHERE d.event_id = o.id AND a.error_kind IS DISTINCT FROM 'lease_expired')) FROM posthorn.outbox o";
    let told: serde_json::Value = ask(&cluster, told).await.unwrap();
    for (event, times) in &received {
        assert_eq!(told[event.to_string()], json!(times), "{event} was sent {times} times");
    }
    let held_twice =
        "SELECT count(*) FROM (SELECT FROM posthorn.webhook_deliveries GROUP BY event_id HAVING count(*) > 1) AS d";
    assert_eq!(ask::<i64>(&cluster, held_twice).await, Some(0));
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    aftermath.holds_in(&client, &[]).await;
}
