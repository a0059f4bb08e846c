//! Of events with the same coalesce key that still wait only the newest goes.

use std::collections::BTreeMap;

use posthorn::domain::delivery::DeliveryStatus::{Delivered, Failed};
use posthorn::store::{StoreRole, idempotency};
use serde_json::json;
use tokio_postgres::Client;
use uuid::Uuid;

use super::{SOMEBODY_WAITS, copy, publish, publish_beside, tenant_with_subscriptions};
use crate::harness::{Answer, Receiver, SOON, World};

const KEY: (&str, &str) = ("coalesce_key", "INV-1");

/// What became of each event's deliveries, by the event's `n`.
async fn fates(world: &World) -> BTreeMap<i32, String> {
    let sql = "SELECT (o.payload ->> 'n')::int, string_agg(DISTINCT d.status, ' ' ORDER BY d.status)
               FROM posthorn.outbox o JOIN posthorn.webhook_deliveries d ON d.event_id = o.id GROUP BY 1";
    world.db.query(sql, &[]).await.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// The same as it should be.
fn expected<const N: usize>(fates: [(i32, &str); N]) -> BTreeMap<i32, String> {
    fates.map(|(n, fate)| (n, fate.to_owned())).into()
}

async fn published(client: &Client, tenant: Uuid, n: i32) -> Uuid {
    publish(client, tenant, KEY, n).await.unwrap().unwrap()
}

/// As a dispatcher does it, until there is no open event.
async fn fan_out_open(world: &World) {
    let dispatcher = world.client_as("posthorn_dispatcher").await;
    while dispatcher.query_one("SELECT is_found FROM posthorn.fan_out_open(100)", &[]).await.unwrap().get(0) {}
}

#[tokio::test]
async fn the_newest_cancels_what_waits_and_says_so() {
    let world = World::new().await;
    let tenant = tenant_with_subscriptions(&world, 2).await;
    published(&world.db, tenant, 1).await;
    published(&world.db, tenant, 2).await;
    let newest = published(&world.db, tenant, 3).await;
    assert_eq!(fates(&world).await, expected([(1, "cancelled"), (2, "cancelled"), (3, "pending")]));
    let reason = "SELECT d.last_error FROM posthorn.webhook_deliveries d JOIN posthorn.outbox o ON o.id = d.event_id
                  WHERE (o.payload ->> 'n')::int = 2 LIMIT 1";
    let reason: String = world.db.query_one(reason, &[]).await.unwrap().get(0);
    assert_eq!(reason, format!("superseded by event {newest}"));
}

#[tokio::test]
async fn only_the_same_tenant_type_and_key_are_superseded() {
    let world = World::new().await;
    let tenant = tenant_with_subscriptions(&world, 1).await;
    let other = world.tenant("b").await;
    world.subscribe(other, "https://receiver.example/", &["*"]).await;
    published(&world.db, tenant, 1).await;
    publish(&world.db, tenant, ("coalesce_key", "INV-2"), 2).await.unwrap();
    published(&world.db, other, 3).await;
    let other_type = "SELECT posthorn.publish($1, 'invoice.paid', '{\"n\": 4}', coalesce_key => 'INV-1')";
    world.db.query(other_type, &[&tenant]).await.unwrap();
    publish(&world.db, tenant, ("idempotency_key", "INV-1"), 5).await.unwrap();
    let waiting = [(1, "pending"), (2, "pending"), (3, "pending"), (4, "pending"), (5, "pending")];
    assert_eq!(fates(&world).await, expected(waiting));
}

#[tokio::test]
async fn of_one_statement_the_last_of_each_key_goes() {
    let world = World::new().await;
    let tenant = tenant_with_subscriptions(&world, 2).await;
    let publisher = world.client_as("posthorn_publisher").await;
    let insert = "INSERT INTO posthorn.outbox (tenant_id, event, payload, coalesce_key)
                  SELECT $1, 'invoice.changed', jsonb_build_object('n', n), CASE WHEN n < 5 THEN 'k' || n % 2 END
                  FROM generate_series(1, 6) n";
    publisher.execute(insert, &[&tenant]).await.unwrap();
    let gone = "cancelled";
    let waits = "pending";
    assert_eq!(fates(&world).await, expected([(1, gone), (2, gone), (3, waits), (4, waits), (5, waits), (6, waits)]));
    let lines = (7..=9).map(|n| format!("{tenant}\tinvoice.changed\t{{\"n\": {n}}}\tk0\n")).collect();
    assert_eq!(copy(&publisher, "tenant_id, event, payload, coalesce_key", lines).await, 3);
    let all = [(1, gone), (2, gone), (3, waits), (4, gone), (5, waits), (6, waits), (7, gone), (8, gone), (9, waits)];
    assert_eq!(fates(&world).await, expected(all));
}

#[tokio::test]
async fn the_newest_goes_at_its_own_time_also_when_that_is_later() {
    let world = World::new().await;
    let tenant = tenant_with_subscriptions(&world, 1).await;
    let scheduled =
        "SELECT posthorn.publish($1, 'invoice.changed', $2, deliver_after => now() + make_interval(hours => $3),
                     coalesce_key => 'INV-1')";
    for (n, hours) in [(1, 1), (2, 3), (3, 2)] {
        world.db.query(scheduled, &[&tenant, &json!({ "n": n }), &hours]).await.unwrap();
    }
    assert_eq!(fates(&world).await, expected([(1, "cancelled"), (2, "cancelled"), (3, "pending")]));
    let due = "SELECT count(*) FROM posthorn.webhook_deliveries_live WHERE due_at BETWEEN now() + interval '90 min' AND now() + interval '150 min'";
    assert_eq!(world.count(due).await, 1);
}

#[tokio::test]
async fn what_is_in_flight_or_asked_for_again_stays_and_what_waits_for_a_retry_does_not() {
    let world = World::new().await;
    let tenant = tenant_with_subscriptions(&world, 1).await;
    let mut hand = world.hand().await;
    // 1 is delivered, 2 waits for a retry, 3 was replayed, 4 is in flight
    published(&world.db, tenant, 1).await;
    let first = hand.claim(10).await;
    hand.record(&first, Delivered).await;
    let again =
        "UPDATE posthorn.webhook_deliveries SET status = 'pending', generation = generation + 1, finished_at = NULL,
                 attempts = 0, epoch = epoch + 1 WHERE event_id = $1";
    let second = published(&world.db, tenant, 2).await;
    let retry =
        "UPDATE posthorn.webhook_deliveries SET status = 'retrying', attempts = 1, due_at = now() + interval '1 hour'
                 WHERE event_id = $1";
    assert_eq!(world.db.execute(retry, &[&second]).await.unwrap(), 1);
    let third = published(&world.db, tenant, 3).await;
    assert_eq!(world.db.execute(again, &[&third]).await.unwrap(), 1);
    let later = "UPDATE posthorn.webhook_deliveries SET due_at = now() + interval '1 hour' WHERE event_id = $1";
    world.db.execute(later, &[&third]).await.unwrap();
    published(&world.db, tenant, 4).await;
    let in_flight = hand.claim(10).await;
    assert_eq!(in_flight.len(), 1);
    published(&world.db, tenant, 5).await;
    let fates_now = [(1, "delivered"), (2, "cancelled"), (3, "pending"), (4, "sending"), (5, "pending")];
    assert_eq!(fates(&world).await, expected(fates_now));
    hand.record(&in_flight, Delivered).await;
    assert_eq!(fates(&world).await[&4], "delivered", "its outcome is recorded as ever");
}

#[tokio::test]
async fn publishers_of_one_key_go_one_after_the_other_and_one_event_is_left() {
    let world = World::new().await;
    let tenant = tenant_with_subscriptions(&world, 1).await;
    for first_is_there in [false, true] {
        let first = i32::from(first_is_there) * 10;
        world.db.batch_execute("BEGIN").await.unwrap();
        published(&world.db, tenant, first + 1).await;
        let second = publish_beside(world.client().await, tenant, KEY, first + 2);
        world.until(SOMEBODY_WAITS).await;
        world.db.batch_execute("COMMIT").await.unwrap();
        second.await.unwrap().unwrap();
    }
    let all = [(1, "cancelled"), (2, "cancelled"), (11, "cancelled"), (12, "pending")];
    assert_eq!(fates(&world).await, expected(all));
}

#[tokio::test]
async fn a_rollback_leaves_the_older_one_waiting() {
    let world = World::new().await;
    let tenant = tenant_with_subscriptions(&world, 1).await;
    published(&world.db, tenant, 1).await;
    world.db.batch_execute("BEGIN").await.unwrap();
    published(&world.db, tenant, 2).await;
    world.db.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(fates(&world).await, expected([(1, "pending")]));
    published(&world.db, tenant, 3).await;
    assert_eq!(fates(&world).await, expected([(1, "cancelled"), (3, "pending")]));
}

#[tokio::test]
async fn a_cancelled_one_does_not_hold_up_its_line() {
    let world = World::new().await;
    let tenant = tenant_with_subscriptions(&world, 1).await;
    world.db.batch_execute("UPDATE posthorn.webhook_subscriptions SET ordered = true").await.unwrap();
    let publish = async |client: &Client, n: i32, coalesce_key: Option<&str>| {
        let sql = "SELECT posthorn.publish($1, 'invoice.changed', $2, ordering_key => 'INV-1', coalesce_key => $3)";
        client.query_one(sql, &[&tenant, &json!({ "n": n }), &coalesce_key]).await.unwrap();
    };
    publish(&world.db, 1, None).await;
    let mut hand = world.hand().await;
    let first = hand.claim(10).await;
    publish(&world.db, 2, Some("c")).await;
    publish(&world.db, 3, None).await;
    let business = world.client().await;
    business.batch_execute("BEGIN").await.unwrap();
    publish(&business, 4, Some("c")).await;
    // a dispatcher does not wait for the business transaction
    hand.record(&first, Delivered).await;
    assert_eq!(fates(&world).await[&1], "delivered");
    business.batch_execute("COMMIT").await.unwrap();
    fan_out_open(&world).await;
    for (n, status) in [(2, "cancelled"), (3, "pending"), (4, "pending")] {
        assert_eq!(fates(&world).await[&n], status, "{n}");
    }
    for _ in 3..=4 {
        let next = hand.claim(10).await;
        assert_eq!(next.len(), 1, "one at a time");
        hand.record(&next, Delivered).await;
    }
    let done = [(1, "delivered"), (2, "cancelled"), (3, "delivered"), (4, "delivered")];
    assert_eq!(fates(&world).await, expected(done));
}

#[tokio::test]
async fn an_event_that_is_still_to_be_fanned_out_is_cancelled_whole() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let many = "INSERT INTO posthorn.webhook_subscriptions (tenant_id, url, events, signing)
                SELECT $1, 'https://receiver.example/' || n, '{*}', 'none' FROM generate_series(1, 600) n";
    world.db.execute(many, &[&tenant]).await.unwrap();
    let older = published(&world.db, tenant, 1).await;
    let dispatcher = world.client_as("posthorn_dispatcher").await;
    dispatcher.query_one("SELECT is_found FROM posthorn.fan_out_open(100)", &[]).await.unwrap();
    let newer = published(&world.db, tenant, 2).await;
    fan_out_open(&world).await;
    assert_eq!(fates(&world).await, expected([(1, "cancelled"), (2, "pending")]));
    let of = "SELECT count(*) FROM posthorn.webhook_deliveries WHERE event_id = ";
    assert_eq!(world.count(&format!("{of}'{older}'")).await, 100, "those that it had");
    assert_eq!(world.count(&format!("{of}'{newer}'")).await, 600);
    let api = world.client_of(tenant).await;
    let shown =
        api.query_one("SELECT fanout, fanout_reason FROM posthorn.events WHERE id = $1", &[&older]).await.unwrap();
    let reason = format!("superseded by event {newer}");
    assert_eq!((shown.get::<_, &str>(0), shown.get::<_, &str>(1)), ("cancelled", reason.as_str()));
}

#[tokio::test]
async fn beside_busy_dispatchers_the_newest_always_arrives() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(200));
    world.subscribe(tenant, &receiver.url("/hook"), &["*"]).await;
    let dispatcher = world.dispatch(&[]).await;
    for n in 1..=200 {
        published(&world.db, tenant, n).await;
    }
    world.until_nothing_is_due().await;
    let fates = fates(&world).await;
    assert_eq!(fates[&200], "delivered");
    assert!(fates.values().all(|fate| fate == "delivered" || fate == "cancelled"), "{fates:?}");
    let delivered = fates.values().filter(|fate| *fate == "delivered").count();
    assert_eq!(receiver.wait_for(delivered, SOON).await.len(), delivered, "none that is cancelled was sent");
    dispatcher.stop().await;
}

#[tokio::test]
async fn a_muted_event_supersedes_nothing() {
    let world = World::new().await;
    let tenant = tenant_with_subscriptions(&world, 1).await;
    published(&world.db, tenant, 1).await;
    let muted = format!(
        "BEGIN; SET LOCAL posthorn.mute = on; INSERT INTO posthorn.outbox (tenant_id, event, payload, coalesce_key)
         VALUES ('{tenant}', 'invoice.changed', '{{\"n\": 2}}', 'INV-1'); COMMIT"
    );
    world.db.batch_execute(&muted).await.unwrap();
    assert_eq!(fates(&world).await, expected([(1, "pending")]));
}

#[tokio::test]
async fn keys_are_forgotten_when_nothing_waits_any_more() {
    let world = World::new().await;
    let tenant = tenant_with_subscriptions(&world, 1).await;
    published(&world.db, tenant, 1).await;
    publish(&world.db, tenant, ("coalesce_key", "INV-2"), 2).await.unwrap();
    let mut hand = world.hand().await;
    let claimed = hand.claim(10).await;
    hand.record(&claimed[..1], Failed).await;
    let store = world.store(StoreRole::Dispatcher);
    assert_eq!(idempotency::forget_old(&store).await.unwrap(), 0, "a day is theirs");
    let age = "UPDATE posthorn.coalesced_keys SET look_at = now() - interval '1 second'";
    world.db.batch_execute(age).await.unwrap();
    assert_eq!(idempotency::forget_old(&store).await.unwrap(), 2, "looked at");
    let kept = "SELECT count(*) FROM posthorn.coalesced_keys k WHERE k.look_at > now()
                AND EXISTS (SELECT FROM posthorn.webhook_deliveries_live d WHERE d.event_id = k.event_id)";
    assert_eq!((world.count(kept).await, world.count("SELECT count(*) FROM posthorn.coalesced_keys").await), (1, 1));
}
