//! SIGKILL at every stage of a delivery, of a fan-out and of a migration.

use serde_json::json;

use posthorn::domain::secret::Secret;
use secrecy::ExposeSecret;

use crate::harness::{Aftermath, Answer, Binary, Latch, Receiver, SOON, World, api::start};

/// Fail points from claim to record, and how many requests a receiver sees when the process is killed there and another follows.
const STAGES: [(&str, usize); 6] = [
    ("after_claim_commit", 1),
    ("before_connect", 1),
    ("after_headers", 2),
    ("before_finish", 2),
    ("after_finish_before_commit_ack", 1),
    ("in_rescue", 1),
];

#[tokio::test]
async fn killed_at_any_stage_it_loses_nothing_and_sends_at_most_once_more() {
    for (point, requests) in STAGES {
        let world = World::new().await;
        let tenant = world.tenant("a").await;
        let receiver = Receiver::start(|_, _| Answer::status(200).body("thanks"));
        let secret = Secret::generate();
        world.subscribe_signed(tenant, &receiver.url("/hook"), &["*"], &secret).await;
        let event = world.publish(tenant, "invoice.paid", json!({"n": 1.50})).await;
        if point == "in_rescue" {
            lose_a_lease(&world).await;
        }
        let latch = Latch::new();
        let dispatcher = world.dispatch_binary(&[("FAILPOINTS", &latch.holds(point))]).await;
        let aftermath = Aftermath::before(&[&dispatcher]);
        dispatcher.held_at(point).await;
        dispatcher.kill().await;
        let delivery = world.delivery(event).await;
        let is_recorded = point == "after_finish_before_commit_ack";
        assert_eq!(delivery.status, if is_recorded { "delivered" } else { "sending" }, "{point}");
        assert_eq!(receiver.requests().len(), if is_recorded { 1 } else { requests - 1 }, "{point}");

        world.expire_leases().await;
        let second = world.dispatch_binary(&[]).await;
        world.until_status("delivered", 1).await;
        aftermath.holds_beside(&world, &[&second]).await;
        let got = receiver.requests();
        assert_eq!(got.len(), requests, "{point}");
        for request in &got {
            assert_eq!(request.headers["webhook-id"], event.to_string(), "{point}");
            assert_eq!(request.body, got[0].body, "{point}");
        }
        let attempts = world.attempts(delivery.id).await;
        let told: Vec<_> = attempts.iter().map(|a| (a.number, a.kind(), a.status_code)).collect();
        let lost = |number| (number, Some("lease_expired"), None);
        match point {
            "after_finish_before_commit_ack" => assert_eq!(told, [(1, None, Some(200))]),
            "in_rescue" => assert_eq!(told, [lost(1), lost(2), (3, None, Some(200))]),
            _ => assert_eq!(told, [lost(1), (2, None, Some(200))], "{point}"),
        }
    }
}

/// Leaves every delivery with a lease that ran out.
async fn lose_a_lease(world: &World) {
    let latch = Latch::new();
    let lost = world.dispatch_binary(&[("FAILPOINTS", &latch.holds("after_claim_commit"))]).await;
    lost.held_at("after_claim_commit").await;
    lost.kill().await;
    world.expire_leases().await;
}

#[tokio::test]
async fn killed_while_the_receiver_answers_it_sends_once_more_with_a_new_timestamp() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let (_gate, is_open) = tokio::sync::watch::channel(false);
    let receiver = Receiver::start(move |_, nth| match nth {
        0 => Answer::status(200).once(&is_open),
        _ => Answer::status(200),
    });
    world.subscribe_signed(tenant, &receiver.url("/hook"), &["*"], &Secret::generate()).await;
    let event = world.publish(tenant, "invoice.paid", json!({"n": 1.50})).await;
    let dispatcher = world.dispatch_binary(&[]).await;
    let aftermath = Aftermath::before(&[&dispatcher]);
    // every byte of the request is with the receiver, and not one of the answer here
    receiver.wait_for(1, SOON).await;
    dispatcher.kill().await;
    // webhook-timestamp has seconds: the next one is another
    world.until("SELECT clock_timestamp() > created_at + interval '2 s' FROM posthorn.webhook_deliveries").await;
    world.expire_leases().await;
    let second = world.dispatch_binary(&[]).await;
    world.until_status("delivered", 1).await;
    aftermath.holds_beside(&world, &[&second]).await;
    let got = receiver.requests();
    assert_eq!(got.len(), 2);
    assert_eq!((&got[0].headers["webhook-id"], &got[0].body), (&got[1].headers["webhook-id"], &got[1].body));
    assert_eq!(got[0].headers["webhook-id"], event.to_string());
    let seconds = |n: usize| got[n].headers["webhook-timestamp"].to_str().unwrap().parse::<i64>().unwrap();
    assert!(seconds(1) > seconds(0), "{} after {}", seconds(1), seconds(0));
    assert_ne!(got[0].headers["webhook-signature"], got[1].headers["webhook-signature"]);
}

#[tokio::test]
async fn killed_in_the_middle_of_a_fan_out_the_rest_follows_and_nothing_twice() {
    const SUBSCRIPTIONS: i64 = 1700;
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(200));
    let many = "INSERT INTO posthorn.webhook_subscriptions (tenant_id, url, events, signing, max_in_flight)
                SELECT $1, $2 || n, '{*}', 'none', 1 FROM generate_series(1, $3) AS n";
    world.db.execute(many, &[&tenant, &receiver.url("/"), &i32::try_from(SUBSCRIPTIONS).unwrap()]).await.unwrap();
    world.publish(tenant, "invoice.paid", json!({})).await;
    let made = "SELECT count(*) FROM posthorn.webhook_deliveries";
    let in_transaction = world.count(made).await;
    let latch = Latch::new();
    let third = latch.holds("during_fanout_chunk").replace('=', "=2*off->");
    let dispatcher = world.dispatch_binary(&[("FAILPOINTS", &third)]).await;
    let aftermath = Aftermath::before(&[&dispatcher]);
    dispatcher.held_at("during_fanout_chunk").await;
    dispatcher.kill().await;
    // two chunks are there, the third is gone with its transaction
    assert_eq!(world.count(made).await, in_transaction + 1000);

    world.expire_leases().await;
    let second = world.dispatch_binary(&[]).await;
    world.until_status("delivered", SUBSCRIPTIONS).await;
    aftermath.holds_beside(&world, &[&second]).await;
    assert_eq!(world.count(made).await, SUBSCRIPTIONS);
    assert_eq!(
        world.count("SELECT count(DISTINCT subscription_id) FROM posthorn.webhook_deliveries").await,
        SUBSCRIPTIONS
    );
    // those in flight when it died may have come twice; the kill explains each
    let again = world.count("SELECT count(*) FROM posthorn.webhook_attempts WHERE error_kind = 'lease_expired'").await;
    let requests = i64::try_from(receiver.requests().len()).unwrap();
    assert!((SUBSCRIPTIONS..=SUBSCRIPTIONS + again).contains(&requests), "{requests} requests, {again} lost leases");
}

#[tokio::test]
async fn killed_in_the_middle_of_the_migrations_the_next_one_goes_on() {
    let world = World::empty().await;
    let url = world.url();
    let latch = Latch::new();
    let env = [("DATABASE_URL", url.expose_secret()), ("FAILPOINTS", &latch.holds("in_migration"))];
    let migrating = Binary::start(&["migrate"], &env);
    migrating.held_at("in_migration").await;
    migrating.kill().await;
    let version = "SELECT posthorn.schema_version()::bigint";
    let half = world.count(version).await;
    let dispatcher = start(url.expose_secret(), &[]);
    dispatcher.wait_for_line("posthorn is ready", SOON).await;
    assert!(half > 0 && world.count(version).await > half, "stopped at {half}");
}
