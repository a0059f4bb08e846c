//! The wake-up gate: producers notify only while a dispatcher sleeps, and then never in vain.

use serde_json::json;

use super::tenant_with_subscriptions;
use crate::harness::World;

const CHANNEL: &str = "posthorn_wake";
/// What a sleeping dispatcher holds.
const CLOSE: &str = "SELECT pg_advisory_lock(1886352488, 1)";

/// Sends something to be heard after everything that was sent before.
async fn mark(world: &World) {
    world.db.execute("SELECT pg_notify($1, 'mark')", &[&CHANNEL]).await.unwrap();
}

#[tokio::test]
async fn nobody_is_notified_while_the_gate_is_open() {
    let world = World::new().await;
    let tenant = tenant_with_subscriptions(&world, 1).await;
    let mut wakes = world.listen(CHANNEL).await;
    world.publish(tenant, "invoice.paid", json!({})).await;
    mark(&world).await;
    assert_eq!(wakes.next().await, "mark");
}

#[tokio::test]
async fn a_closed_gate_means_a_notification_at_commit_and_none_for_a_rollback() {
    let world = World::new().await;
    let tenant = tenant_with_subscriptions(&world, 1).await;
    let mut wakes = world.listen(CHANNEL).await;
    let sleeper = world.client().await;
    sleeper.batch_execute(CLOSE).await.unwrap();
    let mut business = world.client().await;
    let sql = "SELECT posthorn.publish($1, 'invoice.paid', '{}')";
    let transaction = business.transaction().await.unwrap();
    transaction.execute(sql, &[&tenant]).await.unwrap();
    transaction.rollback().await.unwrap();
    mark(&world).await;
    assert_eq!(wakes.next().await, "mark", "a rollback wakes nobody");
    let transaction = business.transaction().await.unwrap();
    transaction.execute(sql, &[&tenant]).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(wakes.next().await, "");
}

#[tokio::test]
async fn an_event_that_reaches_nobody_wakes_nobody() {
    let world = World::new().await;
    let tenant = world.tenant("no subscriptions").await;
    let mut wakes = world.listen(CHANNEL).await;
    let sleeper = world.client().await;
    sleeper.batch_execute(CLOSE).await.unwrap();
    world.publish(tenant, "invoice.paid", json!({})).await;
    mark(&world).await;
    assert_eq!(wakes.next().await, "mark");
}

#[tokio::test]
async fn the_gate_cannot_close_over_a_producer_that_did_not_notify() {
    let world = World::new().await;
    let tenant = tenant_with_subscriptions(&world, 1).await;
    let mut business = world.client().await;
    let transaction = business.transaction().await.unwrap();
    transaction.execute("SELECT posthorn.publish($1, 'invoice.paid', '{}')", &[&tenant]).await.unwrap();
    let sleeper = world.client_as("posthorn_dispatcher").await;
    let close = "SELECT pg_try_advisory_lock(1886352488, 1)";
    assert!(!sleeper.query_one(close, &[]).await.unwrap().get::<_, bool>(0));
    transaction.commit().await.unwrap();
    assert!(sleeper.query_one(close, &[]).await.unwrap().get::<_, bool>(0));
}
