//! Whatever becomes of the transaction becomes of its events.

use tokio_postgres::Client;
use uuid::Uuid;

use super::{code, publish, tenant_with_subscriptions};
use crate::harness::{Answer, Receiver, SOON, World};

/// No option that matters here.
const PLAIN: (&str, &str) = ("resource_type", "invoice");

const DELIVERIES: &str = "SELECT count(*) FROM posthorn.webhook_deliveries";

/// Whether a dispatcher sleeps: it holds the gate's lock.
const ASLEEP: &str = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = 1886352488 AND objid = 1
    AND mode = 'ExclusiveLock' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))";

#[tokio::test]
async fn a_transaction_that_fails_publishes_nothing() {
    let world = World::new().await;
    let tenant = tenant_with_subscriptions(&world, 1).await;
    let business = world.client().await;
    business.batch_execute("BEGIN").await.unwrap();
    publish(&business, tenant, PLAIN, 1).await.unwrap();
    business.batch_execute("SELECT 1 / 0").await.unwrap_err();
    assert_eq!(code(&publish(&business, tenant, PLAIN, 2).await.unwrap_err()), "25P02");
    business.batch_execute("COMMIT").await.expect("which rolls back");
    assert_eq!(world.count(DELIVERIES).await, 0);
}

#[tokio::test]
async fn a_savepoint_takes_back_its_events_with_their_keys() {
    let world = World::new().await;
    let tenant = tenant_with_subscriptions(&world, 1).await;
    world.db.batch_execute("BEGIN").await.unwrap();
    publish(&world.db, tenant, PLAIN, 1).await.unwrap();
    for (n, key) in [(2, ("idempotency_key", "k")), (3, ("coalesce_key", "k")), (4, ("ordering_key", "k"))] {
        world.db.batch_execute("SAVEPOINT before").await.unwrap();
        publish(&world.db, tenant, key, n).await.unwrap();
        world.db.batch_execute("ROLLBACK TO before").await.unwrap();
    }
    world.db.batch_execute("COMMIT").await.unwrap();
    let keys = "SELECT (SELECT count(*) FROM posthorn.published_keys) + (SELECT count(*) FROM posthorn.coalesced_keys)";
    assert_eq!((world.count(DELIVERIES).await, world.count(keys).await), (1, 0));
}

#[tokio::test]
async fn every_isolation_level_publishes() {
    let world = World::new().await;
    let tenant = tenant_with_subscriptions(&world, 2).await;
    for level in ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"] {
        let business = world.client().await;
        business
            .batch_execute(&format!("BEGIN ISOLATION LEVEL {level}; SELECT count(*) FROM posthorn.outbox"))
            .await
            .unwrap();
        // another that publishes meanwhile is no conflict
        publish(&world.db, tenant, PLAIN, 1).await.unwrap();
        publish(&business, tenant, PLAIN, 2).await.unwrap();
        for key in [("idempotency_key", level), ("coalesce_key", level)] {
            publish(&business, tenant, key, 3).await.unwrap();
        }
        business.batch_execute("COMMIT").await.unwrap();
    }
    assert_eq!(world.count(DELIVERIES).await, 3 * 4 * 2);
}

#[tokio::test]
async fn under_an_older_snapshot_a_newer_event_of_the_key_is_a_serialization_failure() {
    let world = World::new().await;
    let tenant = tenant_with_subscriptions(&world, 1).await;
    let key = ("coalesce_key", "k");
    publish(&world.db, tenant, key, 1).await.unwrap();
    for level in ["REPEATABLE READ", "SERIALIZABLE"] {
        let business = world.client().await;
        business
            .batch_execute(&format!("BEGIN ISOLATION LEVEL {level}; SELECT count(*) FROM posthorn.outbox"))
            .await
            .unwrap();
        publish(&world.db, tenant, key, 2).await.unwrap();
        assert_eq!(code(&publish(&business, tenant, key, 3).await.unwrap_err()), "40001", "{level}");
        business.batch_execute(&format!("ROLLBACK; BEGIN ISOLATION LEVEL {level}")).await.unwrap();
        publish(&business, tenant, key, 3).await.expect("tried again");
        business.batch_execute("COMMIT").await.unwrap();
    }
    assert_eq!(world.count("SELECT count(*) FROM posthorn.webhook_deliveries_live").await, 1);
}

/// Publishes and prepares; answers with the prepared transaction's name.
async fn prepare(world: &World, business: &Client, tenant: Uuid, n: i32) -> String {
    business.batch_execute("SET posthorn.notify = off; BEGIN").await.unwrap();
    for option in ["idempotency_key", "coalesce_key", "ordering_key"] {
        publish(business, tenant, (option, &format!("{n}")), n).await.unwrap();
    }
    let name = format!("it_{}_{n}", world.database());
    business.batch_execute(&format!("PREPARE TRANSACTION '{name}'")).await.unwrap();
    name
}

#[tokio::test]
async fn a_prepared_transaction_is_delivered_when_committed_and_never_when_rolled_back() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(200));
    let subscription = world.subscribe(tenant, &receiver.url("/hook"), &["*"]).await;
    world.change(subscription, "ordered = true").await;
    let dispatcher = world.dispatch(&["--poll-seconds=1"]).await;
    world.until(ASLEEP).await;
    let business = world.client().await;
    let (kept, undone) = (prepare(&world, &business, tenant, 1).await, prepare(&world, &business, tenant, 2).await);
    world.until(ASLEEP).await;
    assert_eq!(receiver.requests().len(), 0);
    world.db.batch_execute(&format!("ROLLBACK PREPARED '{undone}'")).await.unwrap();
    world.db.batch_execute(&format!("COMMIT PREPARED '{kept}'")).await.unwrap();
    receiver.wait_for(3, SOON).await;
    world.until_nothing_is_due().await;
    assert_eq!((receiver.requests().len(), world.count(DELIVERIES).await), (3, 3));
    dispatcher.stop().await;
}
