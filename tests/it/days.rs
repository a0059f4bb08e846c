//! Partitions of days: made ahead, once each, without making a producer wait.

use posthorn::store::StoreRole;
use posthorn::store::days::{self, DAYS_AHEAD};
use serde_json::json;

use crate::harness::World;

const PARENTS: usize = 3;

#[tokio::test]
async fn days_are_made_ahead_once() {
    let world = World::new().await;
    let store = world.store(StoreRole::Dispatcher);
    let wanted = PARENTS * usize::try_from(DAYS_AHEAD + 1).unwrap();
    assert_eq!(days::missing(&store, DAYS_AHEAD).await.unwrap().len(), wanted);
    assert_eq!(days::make_ahead(&store, DAYS_AHEAD).await.unwrap(), wanted);
    assert_eq!(days::make_ahead(&store, DAYS_AHEAD).await.unwrap(), 0);
    assert!(days::missing(&store, DAYS_AHEAD).await.unwrap().is_empty());
}

#[tokio::test]
async fn processes_that_make_the_same_days_do_not_trip_over_each_other() {
    let world = World::new().await;
    let stores = [world.store(StoreRole::Dispatcher), world.store(StoreRole::Api), world.store(StoreRole::Dispatcher)];
    let made = futures_util::future::join_all(stores.iter().map(|store| days::make_ahead(store, 1))).await;
    let made: usize = made.into_iter().map(Result::unwrap).sum();
    assert_eq!(made, PARENTS * 2, "each day is made by one of them");
}

#[tokio::test]
async fn making_a_day_does_not_wait_for_an_open_producer() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let store = world.store(StoreRole::Dispatcher);
    days::make_ahead(&store, 0).await.unwrap();
    let mut producer = world.client().await;
    let transaction = producer.transaction().await.unwrap();
    let sql = "SELECT posthorn.publish($1, 'invoice.paid', '{}')";
    transaction.execute(sql, &[&tenant]).await.unwrap();
    // a lock it had to wait for would fail it after a second
    assert_eq!(days::make_ahead(&store, 1).await.unwrap(), PARENTS);
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn an_event_from_before_its_day_moves_there() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let event = world.publish(tenant, "invoice.paid", json!({"n": 1})).await;
    assert_eq!(world.count("SELECT count(*) FROM posthorn.outbox_default").await, 1);
    days::make_ahead(&world.store(StoreRole::Dispatcher), 0).await.unwrap();
    assert_eq!(world.count("SELECT count(*) FROM posthorn.outbox_default").await, 0);
    let sql = "SELECT o.tableoid::regclass::text, o.payload FROM posthorn.outbox o WHERE o.id = $1";
    let row = world.db.query_one(sql, &[&event]).await.unwrap();
    assert!(row.get::<_, String>(0).starts_with("posthorn.outbox_2"), "{}", row.get::<_, String>(0));
    assert_eq!(row.get::<_, serde_json::Value>(1), json!({"n": 1}));
    assert_eq!(world.count("SELECT count(*) FROM posthorn.webhook_deliveries").await, 0, "moving is not publishing");
}

#[tokio::test]
async fn no_days_are_made_of_other_tables() {
    let world = World::new().await;
    let dispatcher = world.client_as("posthorn_dispatcher").await;
    for parent in ["tenants", "webhook_deliveries", "outbox; DROP TABLE posthorn.tenants"] {
        let refused = dispatcher.execute("SELECT posthorn.make_day($1, current_date)", &[&parent]).await.unwrap_err();
        assert_eq!(refused.code().unwrap().code(), "22023", "{parent}");
    }
}
