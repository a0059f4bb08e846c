//! An idempotency key stores an event once, whichever way it comes and whoever else comes with it.

use posthorn::store::{StoreRole, idempotency};
use uuid::Uuid;

use super::{SOMEBODY_WAITS, code, copy, publish, publish_beside, tenant_with_subscriptions};
use crate::harness::World;

const KEY: (&str, &str) = ("idempotency_key", "INV-1 paid");

const EVENTS: &str = "SELECT count(*) FROM posthorn.outbox";
const DELIVERIES: &str = "SELECT count(*) FROM posthorn.webhook_deliveries";

#[tokio::test]
async fn an_event_published_again_is_stored_once_and_has_its_first_id() {
    let world = World::new().await;
    let tenant = tenant_with_subscriptions(&world, 2).await;
    world.db.batch_execute("BEGIN").await.unwrap();
    let first = publish(&world.db, tenant, KEY, 1).await.unwrap();
    assert_eq!(publish(&world.db, tenant, KEY, 1).await.unwrap(), first, "in the same transaction");
    world.db.batch_execute("COMMIT").await.unwrap();
    assert_eq!(publish(&world.client().await, tenant, KEY, 1).await.unwrap(), first, "in a later one");
    assert!(first.is_some());
    assert_eq!((world.count(EVENTS).await, world.count(DELIVERIES).await), (1, 2));
}

#[tokio::test]
async fn whoever_comes_at_the_same_time_waits_and_gets_the_first_ones_id() {
    let world = World::new().await;
    let tenant = tenant_with_subscriptions(&world, 1).await;
    world.db.batch_execute("BEGIN").await.unwrap();
    let first = publish(&world.db, tenant, KEY, 1).await.unwrap();
    let second = publish_beside(world.client().await, tenant, KEY, 1);
    world.until(SOMEBODY_WAITS).await;
    world.db.batch_execute("COMMIT").await.unwrap();
    assert_eq!(second.await.unwrap().unwrap(), first);
    assert_eq!(world.count(DELIVERIES).await, 1);
}

#[tokio::test]
async fn a_rollback_frees_the_key_for_whoever_waits() {
    let world = World::new().await;
    let tenant = tenant_with_subscriptions(&world, 1).await;
    world.db.batch_execute("BEGIN; SAVEPOINT before").await.unwrap();
    let undone = publish(&world.db, tenant, KEY, 1).await.unwrap();
    world.db.batch_execute("ROLLBACK TO before").await.unwrap();
    let first = publish(&world.db, tenant, KEY, 2).await.unwrap();
    assert_ne!(first, undone, "a savepoint's too, and another payload may have it then");
    let second = publish_beside(world.client().await, tenant, KEY, 3);
    world.until(SOMEBODY_WAITS).await;
    world.db.batch_execute("ROLLBACK").await.unwrap();
    let second = second.await.unwrap().unwrap();
    let sql = "SELECT id FROM posthorn.outbox";
    assert_eq!(world.db.query_one(sql, &[]).await.unwrap().get::<_, Option<Uuid>>(0), second);
}

#[tokio::test]
async fn insert_and_copy_leave_out_what_was_published() {
    let world = World::new().await;
    let tenant = tenant_with_subscriptions(&world, 1).await;
    let publisher = world.client_as("posthorn_publisher").await;
    let line = |key: &str| format!("{tenant}\tinvoice.changed\t{{}}\t{key}\n");
    let columns = "tenant_id, event, payload, idempotency_key";
    assert_eq!(copy(&publisher, columns, ["a", "b", "a", "\\N", "\\N"].map(line).concat()).await, 4);
    let insert = "INSERT INTO posthorn.outbox (tenant_id, event, payload, idempotency_key)
                  SELECT $1, 'invoice.changed', '{}', k FROM unnest('{b,c,c}'::text[]) k";
    assert_eq!(publisher.execute(insert, &[&tenant]).await.unwrap(), 1);
    assert_eq!((world.count(EVENTS).await, world.count(DELIVERIES).await), (5, 5));
}

#[tokio::test]
async fn the_key_of_another_tenant_is_another_key() {
    let world = World::new().await;
    let (a, b) = (world.tenant("a").await, world.tenant("b").await);
    let ids = [publish(&world.db, a, KEY, 1).await.unwrap(), publish(&world.db, b, KEY, 2).await.unwrap()];
    assert!(ids[0].is_some() && ids[1].is_some() && ids[0] != ids[1]);
}

#[tokio::test]
async fn a_key_used_for_something_else_is_an_error_that_says_so() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let first = publish(&world.db, tenant, KEY, 1).await.unwrap().unwrap();
    let other_type = "SELECT posthorn.publish($1, 'invoice.paid', '{\"n\": 1}', idempotency_key => 'INV-1 paid')";
    let mut errors = vec![
        publish(&world.db, tenant, KEY, 2).await.unwrap_err(),
        world.db.query(other_type, &[&tenant]).await.unwrap_err(),
    ];
    // not even an event
    for (event, payload) in [
        ("'invoice.changed'", "'[1]'"),
        ("'invoice.changed'", "'1'"),
        ("'invoice.changed'", "NULL"),
        ("NULL", "'{\"n\": 1}'"),
    ] {
        let sql = format!("SELECT posthorn.publish($1, {event}, {payload}, idempotency_key => 'INV-1 paid')");
        errors.push(world.db.query(&sql, &[&tenant]).await.expect_err(&sql));
    }
    for error in errors {
        let refusal = error.as_db_error().unwrap();
        let expected = ("23505", "idempotency key 'INV-1 paid' was used for another event");
        assert_eq!((refusal.code().code(), refusal.message()), expected);
        assert!(refusal.detail().unwrap().contains(&first.to_string()) && refusal.hint().is_some(), "{refusal:?}");
    }
    // when it was made is filled in anew each time
    let created = "SELECT posthorn.invoice_created($1, 'I', 'N', 1.00, idempotency_key => 'I made')";
    let mut ids = Vec::new();
    for _ in 0..2 {
        ids.push(world.db.query_one(created, &[&tenant]).await.unwrap().get::<_, Option<Uuid>>(0));
    }
    assert!(ids[0].is_some() && ids[0] == ids[1], "{ids:?}");
}

#[tokio::test]
async fn under_an_older_snapshot_a_key_taken_since_is_a_serialization_failure() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    for level in ["REPEATABLE READ", "SERIALIZABLE"] {
        let key = ("idempotency_key", level);
        let business = world.client().await;
        business
            .batch_execute(&format!("BEGIN ISOLATION LEVEL {level}; SELECT count(*) FROM posthorn.outbox"))
            .await
            .unwrap();
        let first = publish(&world.db, tenant, key, 1).await.unwrap();
        assert_eq!(code(&publish(&business, tenant, key, 1).await.unwrap_err()), "40001", "{level}");
        business.batch_execute(&format!("ROLLBACK; BEGIN ISOLATION LEVEL {level}")).await.unwrap();
        assert_eq!(publish(&business, tenant, key, 1).await.unwrap(), first, "{level}, tried again");
        business.batch_execute("COMMIT").await.unwrap();
    }
}

#[tokio::test]
async fn keys_are_forgotten_after_seven_days() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let first = publish(&world.db, tenant, KEY, 1).await.unwrap();
    let age = async |days: i32| {
        let sql = "UPDATE posthorn.published_keys SET created_at = now() - make_interval(days => $1, hours => 1)";
        assert_eq!(world.db.execute(sql, &[&days]).await.unwrap(), 1);
    };
    age(6).await;
    assert_eq!(idempotency::forget_old(&world.store(StoreRole::Dispatcher)).await.unwrap(), 0);
    assert_eq!(publish(&world.db, tenant, KEY, 1).await.unwrap(), first);
    age(7).await;
    assert_eq!(idempotency::forget_old(&world.store(StoreRole::Api)).await.unwrap(), 1);
    assert_ne!(publish(&world.db, tenant, KEY, 1).await.unwrap(), first);
}
