//! What cannot be fanned out within the business transaction is kept, marked open, and fanned out later, exactly once.

use serde_json::json;
use uuid::Uuid;

use super::{URL, deliveries, events, fanout_state, tenant_with_subscriptions};
use crate::harness::World;

/// One pass as a dispatcher makes it: whether there was an open event, and how many deliveries it made.
async fn fan_out_open(world: &World, chunk: i32) -> (bool, i32) {
    let dispatcher = world.client_as("posthorn_dispatcher").await;
    let row = dispatcher.query_one("SELECT is_found, deliveries FROM posthorn.fan_out_open($1)", &[&chunk]).await;
    let row = row.unwrap();
    (row.get(0), row.get(1))
}

#[tokio::test]
async fn a_filter_that_breaks_does_not_break_the_business_transaction() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    // a time zone is needed to compare these, which is an error and not a mere mismatch
    let broken = "$.at.datetime() < \"2020-01-01T00:00:00+00\".datetime()";
    let broken = world.subscribe_filtered(tenant, broken).await;
    let sound = world.subscribe(tenant, URL, &["*"]).await;
    let event = world.publish(tenant, "invoice.paid", json!({"at": "2020-01-01"})).await;
    assert_eq!(fanout_state(&world, event).await.as_deref(), Some("open"));
    assert_eq!(deliveries(&world).await, 0);

    assert_eq!(fan_out_open(&world, 100).await, (true, 1));
    assert_eq!(fan_out_open(&world, 100).await, (false, 0));
    let made = world.deliveries(tenant).await;
    let of = |id: Uuid| made.iter().find(|d| d.subscription_id == id).unwrap();
    assert_eq!((of(sound).status.as_str(), of(sound).last_error_kind.as_deref()), ("pending", None));
    assert_eq!((of(broken).status.as_str(), of(broken).last_error_kind.as_deref()), ("failed", Some("filter_error")));
    assert_eq!(made.len(), 2);
}

#[tokio::test]
async fn a_missing_right_is_made_up_for_once_it_is_granted() {
    let world = World::new().await;
    let tenant = tenant_with_subscriptions(&world, 2).await;
    let right = "SELECT ON posthorn.subscription_patterns, posthorn.webhook_subscriptions";
    world.db.batch_execute(&format!("REVOKE {right} FROM posthorn_owner")).await.unwrap();
    let event = world.publish(tenant, "invoice.paid", json!({})).await;
    assert_eq!((events(&world).await, deliveries(&world).await), (1, 0));
    let sql = "SELECT f.reason FROM posthorn.event_fanouts f WHERE f.event_id = $1 AND f.state = 'open'";
    let reason: String = world.db.query_one(sql, &[&event]).await.unwrap().get(0);
    assert!(reason.contains("permission denied"), "{reason}");

    assert_eq!(fan_out_open(&world, 100).await, (true, 0));
    let postponed =
        "SELECT count(*) FROM posthorn.event_fanouts WHERE reason LIKE '%permission denied%' AND due_at > now()";
    assert_eq!(world.count(postponed).await, 1, "a failing event does not stand in the way of others");

    world.db.batch_execute(&format!("GRANT {right} TO posthorn_owner")).await.unwrap();
    world.db.batch_execute("UPDATE posthorn.event_fanouts SET due_at = now()").await.unwrap();
    assert_eq!(fan_out_open(&world, 100).await, (true, 2));
    assert_eq!(fanout_state(&world, event).await, None);
}

#[tokio::test]
async fn very_many_subscriptions_are_fanned_out_in_chunks_and_once() {
    let world = World::new().await;
    let tenant = tenant_with_subscriptions(&world, 600).await;
    let event = world.publish(tenant, "invoice.paid", json!({})).await;
    assert_eq!(fanout_state(&world, event).await.as_deref(), Some("open"));
    assert_eq!(deliveries(&world).await, 0);
    for chunk in 1..=6 {
        assert_eq!(fan_out_open(&world, 100).await, (true, 100), "chunk {chunk}");
    }
    assert_eq!(fan_out_open(&world, 100).await, (true, 0), "the end is seen by an empty chunk");
    assert_eq!(fan_out_open(&world, 100).await, (false, 0));
    let distinct = "SELECT count(DISTINCT subscription_id) FROM posthorn.webhook_deliveries";
    assert_eq!((deliveries(&world).await, world.count(distinct).await), (600, 600));
}

#[tokio::test]
async fn two_dispatchers_do_not_fan_out_the_same_event() {
    let world = World::new().await;
    let tenant = tenant_with_subscriptions(&world, 600).await;
    world.publish(tenant, "invoice.paid", json!({})).await;
    let mut one = world.client_as("posthorn_dispatcher").await;
    let transaction = one.transaction().await.unwrap();
    let row = transaction.query_one("SELECT deliveries FROM posthorn.fan_out_open(1000)", &[]).await.unwrap();
    assert_eq!(row.get::<_, i32>(0), 600);
    assert_eq!(fan_out_open(&world, 1000).await, (false, 0), "the other one skips what is being done");
    transaction.rollback().await.unwrap();
    assert_eq!(deliveries(&world).await, 0);
    assert_eq!(fan_out_open(&world, 1000).await, (true, 600), "one that died is made up for");
}

#[tokio::test]
async fn a_filter_that_takes_long_does_not_hold_up_its_publisher() {
    let world = World::new().await;
    let tenant = tenant_with_subscriptions(&world, 1).await;
    let slow = world.subscribe_filtered(tenant, "exists($.** ? (exists($.** ? (exists($.** ? (@ == -1))))))").await;
    let numbers: Vec<usize> = (0..1_000).collect();
    world.db.batch_execute("SET statement_timeout = '2s'").await.unwrap();

    let event = world.publish(tenant, "invoice.paid", json!({ "numbers": numbers })).await;

    assert_eq!(deliveries(&world).await, 1, "the other subscription has its delivery");
    assert_eq!(fanout_state(&world, event).await.as_deref(), Some("open"));
    let dispatcher = world.client_as("posthorn_dispatcher").await;
    dispatcher.batch_execute("SET statement_timeout = '500ms'").await.unwrap();
    let fan_out = "SELECT deliveries FROM posthorn.fan_out_event($1, 500, $2)";
    let cancelled = dispatcher.query_one(fan_out, &[&event, &false]).await.unwrap_err();
    assert_eq!(cancelled.code().unwrap().code(), "57014");
    dispatcher.query_one(fan_out, &[&event, &true]).await.unwrap();
    let made = world.deliveries(tenant).await;
    let marked = made.iter().find(|delivery| delivery.subscription_id == slow).unwrap();
    assert_eq!((marked.status.as_str(), marked.last_error_kind.as_deref()), ("failed", Some("filter_error")));
    dispatcher.query_one(fan_out, &[&event, &false]).await.unwrap();
    assert_eq!((fanout_state(&world, event).await, deliveries(&world).await), (None, 2));
}

#[tokio::test]
async fn a_filter_with_a_wildcard_is_evaluated_later_and_once() {
    let world = World::new().await;
    let tenant = tenant_with_subscriptions(&world, 1).await;
    world.subscribe_filtered(tenant, "$.items[*].price > 100").await;
    for (price, expected) in [(50, 1), (150, 2)] {
        let event =
            world.publish(tenant, "invoice.paid", json!({ "items": [{ "price": 1 }, { "price": price }] })).await;
        assert_eq!(fanout_state(&world, event).await.as_deref(), Some("open"));
        while fan_out_open(&world, 100).await.0 {}
        let sql = "SELECT count(*) FROM posthorn.webhook_deliveries WHERE event_id = $1";
        assert_eq!(world.db.query_one(sql, &[&event]).await.unwrap().get::<_, i64>(0), expected, "price {price}");
    }
}

#[tokio::test]
async fn an_open_event_goes_to_those_who_were_active_when_it_happened() {
    let world = World::new().await;
    let tenant = tenant_with_subscriptions(&world, 501).await;
    let status = "UPDATE posthorn.webhook_subscriptions SET status = $2 WHERE id = $1";
    let one = "SELECT id FROM posthorn.webhook_subscriptions WHERE status = 'active' ORDER BY id LIMIT 1";
    let paused_before: Uuid = world.db.query_one(one, &[]).await.unwrap().get(0);
    world.db.execute(status, &[&paused_before, &"inactive"]).await.unwrap();
    world.subscribe(tenant, "https://receiver.example/more", &["*"]).await; // 501 again

    let event = world.publish(tenant, "invoice.paid", json!({})).await;

    assert_eq!(deliveries(&world).await, 0, "too many to be fanned out by the publisher");
    let paused_after: Uuid = world.db.query_one(one, &[]).await.unwrap().get(0);
    world.db.execute(status, &[&paused_after, &"inactive"]).await.unwrap();
    let too_late = world.subscribe(tenant, "https://receiver.example/late", &["*"]).await;
    while fan_out_open(&world, 200).await.0 {}

    assert_eq!((fanout_state(&world, event).await, deliveries(&world).await), (None, 501));
    let made = world.deliveries(tenant).await;
    let has = |id: Uuid| made.iter().any(|delivery| delivery.subscription_id == id);
    assert_eq!((has(paused_before), has(paused_after), has(too_late)), (false, true, false));
}
