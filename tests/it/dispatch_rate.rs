//! Rate limits: a bucket of tokens in the database, exact whoever sends.

use std::time::Duration;

use posthorn::domain::delivery::DeliveryStatus;
use uuid::Uuid;

use crate::harness::{Answer, Receiver, SOON, World};

/// A tenant's one subscription, and events waiting for it; the least rate there is, so that no token comes during a test.
async fn scene(changes: &str) -> (World, Uuid) {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let subscription = world.subscribe(tenant, "https://receiver.example/", &["*"]).await;
    world.change(subscription, changes).await;
    world.publish_many(tenant, "invoice.paid", 60).await;
    (world, subscription)
}

/// The moved clock: so long ago was the bucket filled.
async fn pass_time(world: &World, seconds: f64) {
    let sql = "UPDATE posthorn.rate_buckets SET filled_at = filled_at - make_interval(secs => $1)";
    world.db.execute(sql, &[&seconds]).await.unwrap();
}

#[tokio::test]
async fn first_the_burst_then_one_token_each_time_the_rate_brings_one() {
    let (world, _) = scene("rate_per_second = 0.01, rate_burst = 5").await;
    let mut hand = world.hand().await;
    assert_eq!(hand.claim(3).await.len(), 3);
    assert_eq!(hand.claim(100).await.len(), 2, "the burst");
    let empty = hand.look(100, 100).await;
    assert!(empty.deliveries.is_empty() && !empty.has_more);
    let wait = empty.look_again.unwrap().as_secs_f64();
    assert!((50.0..=100.1).contains(&wait), "the next token comes in {wait} s");
    for (seconds, tokens) in [(50.0, 0), (50.0, 1), (350.0, 3), (100_000.0, 5), (0.0, 0)] {
        pass_time(&world, seconds).await;
        assert_eq!(hand.claim(100).await.len(), tokens, "{seconds} s later");
    }
}

#[tokio::test]
async fn a_burst_that_is_not_set_is_what_one_second_allows() {
    for (rate, burst) in [("0.01", 1), ("1", 1), ("2.5", 3), ("40", 40)] {
        let (world, _) = scene(&format!("rate_per_second = {rate}")).await;
        assert_eq!(world.hand().await.claim(60).await.len(), burst, "{rate}");
    }
}

#[tokio::test]
async fn two_claimers_share_one_bucket() {
    let (world, _) = scene("rate_per_second = 0.01, rate_burst = 7").await;
    let (mut one, mut other) = (world.hand().await, world.hand().await);
    assert_eq!((one.claim(4).await.len(), other.claim(100).await.len(), one.claim(100).await.len()), (4, 3, 0));
    pass_time(&world, 200.0).await;
    assert_eq!((other.claim(1).await.len(), one.claim(100).await.len(), other.claim(100).await.len()), (1, 1, 0));
}

#[tokio::test]
async fn retries_count() {
    let (world, _) = scene("rate_per_second = 0.01, rate_burst = 2").await;
    let mut hand = world.hand().await;
    let first = hand.claim(2).await;
    hand.record(&first, DeliveryStatus::Retrying).await;
    let fall_due = "UPDATE posthorn.webhook_deliveries SET due_at = now() - interval '1 day' WHERE status = 'retrying'";
    assert_eq!(world.db.execute(fall_due, &[]).await.unwrap(), 2);
    assert_eq!(hand.claim(100).await.len(), 0);
    pass_time(&world, 100.0).await;
    let retry = hand.claim(100).await;
    assert_eq!((retry.len(), retry[0].number), (1, 2), "the retry fell due first");
}

#[tokio::test]
async fn who_has_no_limit_has_no_bucket() {
    let (world, _) = scene("description = 'as fast as you can'").await;
    assert_eq!(world.hand().await.claim(100).await.len(), 60);
    assert_eq!(world.count("SELECT count(*) FROM posthorn.rate_buckets").await, 0);
}

#[tokio::test]
async fn another_rate_holds_from_the_next_claim_on() {
    let (world, subscription) = scene("rate_per_second = 0.01, rate_burst = 2").await;
    let mut hand = world.hand().await;
    assert_eq!(hand.claim(100).await.len(), 2);
    pass_time(&world, 10.0).await;
    assert_eq!(hand.claim(100).await.len(), 0);
    world.change(subscription, "rate_per_second = 10, rate_burst = 20").await;
    assert_eq!(hand.claim(100).await.len(), 20);
    world.change(subscription, "rate_per_second = 0.01").await;
    pass_time(&world, 100.0).await;
    assert_eq!(hand.claim(100).await.len(), 1);
    world.change(subscription, "rate_per_second = NULL").await;
    assert_eq!(hand.claim(100).await.len(), 37);
}

#[tokio::test]
async fn a_batch_counts_as_one_request() {
    let (world, _) = scene("rate_per_second = 0.01, rate_burst = 3, batch_max = 10").await;
    let mut hand = world.hand().await;
    assert_eq!(hand.claim(4).await.len(), 4, "one request, though not a full one");
    assert_eq!(hand.claim(100).await.len(), 20, "two more");
    assert_eq!(hand.claim(100).await.len(), 0);
    pass_time(&world, 100.0).await;
    assert_eq!(hand.claim(100).await.len(), 10);
}

#[tokio::test]
async fn a_limited_subscription_leaves_the_others_their_room() {
    let (world, limited) = scene("rate_per_second = 0.01, rate_burst = 2").await;
    let tenant: Uuid = world.db.query_one("SELECT id FROM posthorn.tenants", &[]).await.unwrap().get(0);
    let other = world.subscribe(tenant, "https://receiver.example/", &["*"]).await;
    world.publish_many(tenant, "invoice.paid", 20).await;
    let claimed = world.hand().await.claim(22).await;
    let of = |id: Uuid| claimed.iter().filter(|c| c.subscription_id == id).count();
    assert_eq!((of(limited), of(other)), (2, 20));
}

#[tokio::test]
async fn a_dispatcher_sends_when_the_next_token_comes_without_a_poll() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(200));
    let subscription = world.subscribe(tenant, &receiver.url("/"), &["*"]).await;
    world.change(subscription, "rate_per_second = 2, rate_burst = 1").await;
    let _dispatchers = (world.dispatch(&["--poll-seconds=60"]).await, world.dispatch(&["--poll-seconds=60"]).await);
    world.publish_many(tenant, "invoice.paid", 4).await;
    let requests = receiver.wait_for(4, SOON).await;
    let took = requests[3].at - requests[0].at;
    // 1.5 s, less what the first may have been late
    assert!(took >= Duration::from_millis(500), "four requests at 2/s cannot take {took:?}");
}
