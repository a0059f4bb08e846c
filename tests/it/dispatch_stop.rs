//! Stopping: SIGTERM finishes what is in flight, gives the rest back, and a second one does not wait.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;
use uuid::Uuid;

use crate::harness::{Aftermath, Answer, Receiver, SOON, World, eventually};

const HOUR: Duration = Duration::from_secs(3600);
const LIVE: &str = "SELECT count(*) FROM posthorn.webhook_deliveries_live";

async fn scene(script: impl Fn(&str, usize) -> Answer + Send + Sync + 'static) -> (World, Uuid, Receiver) {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = Receiver::start(script);
    world.subscribe(tenant, &receiver.url("/hook"), &["*"]).await;
    (world, tenant, receiver)
}

#[tokio::test]
async fn sigterm_lets_what_is_in_flight_finish_and_leaves_nothing_leased() {
    let (world, tenant, receiver) = scene(|_, _| Answer::status(200).after(Duration::from_millis(1500))).await;
    for n in 0..10 {
        world.publish(tenant, "invoice.paid", json!({"n": n})).await;
    }
    let dispatcher = world.dispatch_binary(&[]).await;
    let aftermath = Aftermath::before(&[&dispatcher]);
    receiver.wait_for(10, SOON).await;
    dispatcher.signal(Signal::TERM);
    dispatcher.wait_for_line("finishes what is in flight", SOON).await;
    // it takes no new work
    world.publish(tenant, "invoice.paid", json!({"n": 10})).await;
    assert_eq!(dispatcher.wait_exit(SOON).await.code(), Some(0));
    world.until_status("delivered", 10).await;
    world.until_status("pending", 1).await;
    assert_eq!((receiver.requests().len(), world.count(LIVE).await), (10, 1));
    let signed_off = "SELECT count(*) FROM posthorn.dispatchers WHERE stopped_at IS NOT NULL";
    assert_eq!(world.count(signed_off).await, 1);

    let next = world.dispatch_binary(&[]).await;
    world.until_status("delivered", 11).await;
    assert_eq!(receiver.requests().len(), 11);
    aftermath.holds_beside(&world, &[&next]).await;
}

#[tokio::test]
async fn when_the_drain_time_is_over_the_rest_is_given_back_uncounted() {
    // one failure, so that there is an attempt to keep; then it hangs
    let (world, tenant, receiver) =
        scene(|_, nth| if nth == 0 { Answer::status(500) } else { Answer::status(200).after(HOUR) }).await;
    world.db.batch_execute("UPDATE posthorn.webhook_subscriptions SET retry_schedule = '{0, 0}'").await.unwrap();
    let dispatcher =
        world.dispatch_binary(&[("POSTHORN_DRAIN_SECONDS", "0"), ("WEBHOOK_TIMEOUT_SECONDS", "300")]).await;
    let aftermath = Aftermath::before(&[&dispatcher]);
    let tried = world.publish(tenant, "invoice.paid", json!({})).await;
    receiver.wait_for(2, SOON).await;
    let fresh = world.publish(tenant, "invoice.paid", json!({})).await;
    receiver.wait_for(3, SOON).await;
    dispatcher.signal(Signal::TERM);
    assert_eq!(dispatcher.wait_exit(SOON).await.code(), Some(0));

    let (tried, fresh) = (world.delivery(tried).await, world.delivery(fresh).await);
    assert_eq!((tried.status.as_str(), tried.attempts), ("retrying", 1));
    assert_eq!((fresh.status.as_str(), fresh.attempts), ("pending", 0));
    assert_eq!((world.attempts(tried.id).await.len(), world.attempts(fresh.id).await.len()), (1, 0));
    assert_eq!(world.count("SELECT count(*) FROM posthorn.webhook_deliveries WHERE due_at > now()").await, 0);
    aftermath.holds(&world).await;
}

#[tokio::test]
async fn a_second_signal_ends_at_once() {
    let (world, tenant, receiver) = scene(|_, _| Answer::status(200).after(HOUR)).await;
    world.publish(tenant, "invoice.paid", json!({})).await;
    let long = [("WEBHOOK_TIMEOUT_SECONDS", "300"), ("POSTHORN_DRAIN_SECONDS", "600")];
    let dispatcher = world.dispatch_binary(&long).await;
    receiver.wait_for(1, SOON).await;
    dispatcher.signal(Signal::TERM);
    dispatcher.wait_for_line("finishes what is in flight", SOON).await;
    let again = Instant::now();
    dispatcher.signal(Signal::TERM);
    dispatcher.wait_exit(SOON).await;
    assert!(again.elapsed() < Duration::from_secs(10), "{:?}", again.elapsed());
    // its lease runs out by itself, and the next dispatcher sends again
    assert_eq!(world.count("SELECT count(*) FROM posthorn.webhook_deliveries WHERE status = 'sending'").await, 1);
    world.expire_leases().await;
    let _next = world.dispatch_binary(&[]).await;
    let requests = receiver.wait_for(2, SOON).await;
    assert_eq!(requests[0].headers["webhook-id"], requests[1].headers["webhook-id"]);
}

#[tokio::test]
async fn a_dispatcher_is_seen_while_it_lives() {
    let (world, ..) = scene(|_, _| Answer::status(200)).await;
    let dispatcher = world.dispatch(&["--concurrency=7"]).await;
    let alive = "SELECT dispatchers_alive FROM posthorn.queue_state()";
    eventually("it is seen", SOON, async || world.count(alive).await == 1).await;
    assert_eq!(world.count("SELECT concurrency::bigint FROM posthorn.dispatchers").await, 7);
    // whoever gave no sign for a while, starved or gone without a word, does not count until the next one
    let silent = "BEGIN; UPDATE posthorn.dispatchers SET seen_at = now() - interval '1 minute'";
    world.db.batch_execute(silent).await.unwrap();
    assert_eq!(world.count(alive).await, 0);
    world.db.batch_execute("COMMIT").await.unwrap();
    eventually("it is seen again", SOON, async || world.count(alive).await == 1).await;
    dispatcher.stop().await;
    assert_eq!(world.count(alive).await, 0);
}
