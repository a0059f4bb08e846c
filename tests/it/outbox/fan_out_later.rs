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
    let right = "SELECT ON posthorn.subscription_patterns";
    world.db.batch_execute(&format!("REVOKE {right} FROM posthorn_owner")).await.unwrap();
    let event = world.publish(tenant, "invoice.paid", json!({})).await;
    assert_eq!((events(&world).await, deliveries(&world).await), (1, 0));
    let sql = "SELECT f.reason FROM posthorn.event_fanouts f WHERE f.event_id = $1 AND f.state = 'open'";
    let reason: String = world.db.query_one(sql, &[&event]).await.unwrap().get(0);
    assert!(reason.contains("permission denied"), "{reason}");

    assert_eq!(fan_out_open(&world, 100).await, (true, 0));
    let postponed = "SELECT count(*) FROM posthorn.event_fanouts WHERE failures = 1 AND due_at > now()";
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
