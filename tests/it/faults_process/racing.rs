//! Several who want the same delivery: many processes, a process and its older self, a process that was frozen.

use std::collections::HashSet;

use futures_util::future::join_all;
use rustix::process::Signal;
use secrecy::ExposeSecret;
use serde_json::json;
use tokio::sync::watch;

#[cfg(feature = "failpoints")]
use crate::harness::Latch;
use crate::harness::{
    Aftermath, Answer, Binary, DISPATCHER, Receiver, SOON, World, dispatcher_env, eventually, metric_of,
};

const DISPATCHERS: usize = 10;
const EVENTS: i32 = 1000;

#[tokio::test(flavor = "multi_thread")]
async fn ten_dispatchers_race_over_thousands_of_rows_and_send_none_twice() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(200));
    for path in ["/a", "/b", "/c"] {
        world.subscribe(tenant, &receiver.url(path), &["*"]).await;
    }
    // a margin that ten processes on two cores do not use up: what it ends is given back, which is no race
    let quiet = [("RUST_LOG", "warn"), ("POSTHORN_CONCURRENCY", "40"), ("POSTHORN_LEASE_MARGIN_SECONDS", "60")];
    let dispatchers = join_all((0..DISPATCHERS).map(|_| world.dispatch_binary(&quiet))).await;
    let all: Vec<&Binary> = dispatchers.iter().collect();
    let aftermath = Aftermath::before(&all);
    world.publish_many(tenant, "invoice.paid", EVENTS).await;
    let total = 3 * i64::from(EVENTS);
    let is_done = "SELECT count(*) FROM posthorn.webhook_deliveries WHERE status = 'delivered'";
    eventually("all is delivered", 3 * SOON, async || world.count(is_done).await == total).await;
    aftermath.holds(&world).await;

    let requests = receiver.requests();
    let different: HashSet<_> =
        requests.iter().map(|request| (request.path.clone(), request.headers["webhook-id"].clone())).collect();
    assert_eq!((requests.len() as i64, different.len() as i64), (total, total));
    assert_eq!(world.count("SELECT count(*) FROM posthorn.webhook_attempts WHERE epoch = 1").await, total);
    assert_eq!(world.count("SELECT count(*) FROM posthorn.webhook_attempts").await, total);
    let raced = world.count("SELECT count(DISTINCT dispatcher_id) FROM posthorn.webhook_attempts").await;
    assert!(raced > 1, "{raced} dispatcher did it all: that was no race");
}

#[tokio::test]
async fn a_process_that_takes_over_its_own_lost_lease_is_fenced_from_its_older_self() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let (gates, is_open): (Vec<_>, Vec<_>) = [(); 2].map(|()| watch::channel(false)).into_iter().unzip();
    let receiver = Receiver::start(move |_, nth| match nth {
        0 => Answer::status(500).once(&is_open[0]),
        _ => Answer::status(200).once(&is_open[1]),
    });
    world.subscribe(tenant, &receiver.url("/hook"), &["*"]).await;
    let event = world.publish(tenant, "invoice.paid", json!({})).await;
    let dispatcher = world.dispatch_binary(&[("WEBHOOK_TIMEOUT_SECONDS", "300")]).await;
    let aftermath = Aftermath::before(&[&dispatcher]);
    receiver.wait_for(1, SOON).await;
    world.expire_leases().await;
    // the only one there: it claims what it still holds itself
    receiver.wait_for(2, SOON).await;
    gates[0].send(true).unwrap();
    world.until("SELECT EXISTS (SELECT FROM posthorn.webhook_attempts WHERE number = 1 AND status_code = 500)").await;
    // the older attempt's failure does not end the lease of the younger
    assert_eq!(world.delivery(event).await.status, "sending");
    gates[1].send(true).unwrap();
    world.until_status("delivered", 1).await;
    aftermath.holds(&world).await;
    let delivery = world.delivery(event).await;
    assert_eq!((delivery.status.as_str(), delivery.attempts, delivery.last_error_kind), ("delivered", 2, None));
    let attempts = world.attempts(delivery.id).await;
    assert_eq!(attempts.iter().map(|a| (a.epoch, a.status_code)).collect::<Vec<_>>(), [(1, Some(500)), (2, Some(200))]);
    assert_eq!(attempts[0].dispatcher_id, attempts[1].dispatcher_id);
    assert_eq!(metric_of(&dispatcher, "posthorn_fenced_results_total{counted=\"false\"}").await, Some(1.0));
    assert_eq!(receiver.requests().len(), 2);
}

#[tokio::test]
async fn frozen_with_a_success_its_late_answer_still_counts() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let (gate, is_open) = watch::channel(false);
    let receiver = Receiver::start(move |_, nth| match nth {
        0 => Answer::status(200).once(&is_open),
        _ => Answer::status(404),
    });
    world.subscribe(tenant, &receiver.url("/hook"), &["*"]).await;
    let event = world.publish(tenant, "invoice.paid", json!({})).await;
    let frozen = world.dispatch_binary(&[("WEBHOOK_TIMEOUT_SECONDS", "300")]).await;
    let aftermath = Aftermath::before(&[&frozen]);
    receiver.wait_for(1, SOON).await;
    frozen.signal(Signal::STOP);
    world.expire_leases().await;
    let other = world.dispatch_binary(&[]).await;
    world.until_status("failed", 1).await;
    gate.send(true).unwrap();
    frozen.signal(Signal::CONT);
    world.until_status("delivered", 1).await;
    aftermath.holds_beside(&world, &[&other]).await;
    let delivery = world.delivery(event).await;
    let attempts = world.attempts(delivery.id).await;
    assert_eq!(attempts.iter().map(|a| a.status_code).collect::<Vec<_>>(), [Some(200), Some(404)]);
    assert_eq!(receiver.requests().len(), 2);
}

#[cfg(feature = "failpoints")]
#[tokio::test]
async fn frozen_before_the_request_until_its_lease_is_short_it_sends_nothing() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(200));
    world.subscribe(tenant, &receiver.url("/hook"), &["*"]).await;
    let event = world.publish(tenant, "invoice.paid", json!({})).await;
    let latch = Latch::new();
    let env = [("FAILPOINTS", latch.holds("before_connect")), ("WEBHOOK_TIMEOUT_SECONDS", "1".to_owned())];
    let frozen = world.dispatch_binary(&env.each_ref().map(|(name, value)| (*name, value.as_str()))).await;
    let aftermath = Aftermath::before(&[&frozen]);
    frozen.held_at("before_connect").await;
    frozen.signal(Signal::STOP);
    let lease: String =
        world.db.query_one("SELECT lease_until::text FROM posthorn.webhook_deliveries", &[]).await.unwrap().get(0);
    world.expire_leases().await;
    let other = world.dispatch_binary(&[]).await;
    world.until_status("delivered", 1).await;
    // by its own reckoning too less is left than one request may take
    world.until(&format!("SELECT clock_timestamp() > '{lease}'::timestamptz - interval '0.9 s'")).await;
    latch.open();
    frozen.signal(Signal::CONT);
    aftermath.holds_beside(&world, &[&other]).await;
    assert_eq!(receiver.requests().len(), 1);
    let delivery = world.delivery(event).await;
    assert_eq!((delivery.status.as_str(), delivery.attempts), ("delivered", 2));
    let attempts = world.attempts(delivery.id).await;
    let told: Vec<_> = attempts.iter().map(|a| (a.kind(), a.status_code)).collect();
    assert_eq!(told, [(Some("lease_expired"), None), (None, Some(200))]);
}

#[tokio::test]
async fn a_running_dispatcher_goes_on_beside_a_newer_version_and_only_its_restart_is_refused() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(200));
    world.subscribe(tenant, &receiver.url("/hook"), &["*"]).await;
    let older = world.dispatch_binary(&[]).await;
    let aftermath = Aftermath::before(&[&older]);
    world.publish(tenant, "invoice.paid", json!({})).await;
    world.until_status("delivered", 1).await;
    // what a migration may do beside the version before it: it adds, and every plan is stale
    let newer = "ALTER TABLE posthorn.webhook_deliveries ADD COLUMN of_the_future text;
                 ALTER TABLE posthorn.webhook_attempts ADD COLUMN of_the_future text DEFAULT 'x';
                 ALTER TABLE posthorn.outbox ADD COLUMN of_the_future int;
                 INSERT INTO posthorn.schema_history (version, name, applied_on, checksum)
                 VALUES (9999, 'from_the_future', '2030-01-01T00:00:00Z', '1')";
    world.db.batch_execute(newer).await.unwrap();
    world.publish_many(tenant, "invoice.paid", 100).await;
    world.until_status("delivered", 101).await;
    aftermath.holds(&world).await;
    assert_eq!(receiver.requests().len(), 101);
    let url = world.url();
    let again = Binary::start(&DISPATCHER, &dispatcher_env(url.expose_secret(), &[]));
    let (status, lines) = again.run_to_end().await;
    assert!(!status.success() && lines.iter().any(|line| line.contains("run that newer binary")), "{lines:?}");
}
