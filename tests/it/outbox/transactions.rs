//! An event lives and dies with the transaction that published it.

use std::pin::pin;

use bytes::Bytes;
use futures_util::SinkExt;
use serde_json::json;
use time::OffsetDateTime;

use super::{deliveries, events, fanout_state, tenant_with_subscriptions};
use crate::harness::World;

const INSERT: &str =
    "INSERT INTO posthorn.outbox (tenant_id, event, payload) VALUES ($1, 'invoice.paid', '{\"n\": 1}')";

#[tokio::test]
async fn commit_makes_one_delivery_per_subscription() {
    let world = World::new().await;
    let tenant = tenant_with_subscriptions(&world, 3).await;
    let mut business = world.client().await;
    let transaction = business.transaction().await.unwrap();
    transaction.execute(INSERT, &[&tenant]).await.unwrap();
    assert_eq!(deliveries(&world).await, 0, "nobody sees them before the commit");
    transaction.commit().await.unwrap();
    let made = world.deliveries(tenant).await;
    assert_eq!(made.len(), 3);
    assert!(made.iter().all(|d| d.status == "pending" && d.event == "invoice.paid" && d.attempts == 0));
}

#[tokio::test]
async fn rollback_leaves_neither_event_nor_delivery() {
    let world = World::new().await;
    let tenant = tenant_with_subscriptions(&world, 3).await;
    let mut business = world.client().await;
    let transaction = business.transaction().await.unwrap();
    transaction.execute(INSERT, &[&tenant]).await.unwrap();
    transaction.rollback().await.unwrap();
    assert_eq!((events(&world).await, deliveries(&world).await), (0, 0));
}

#[tokio::test]
async fn rolling_back_to_a_savepoint_takes_back_only_what_came_after() {
    let world = World::new().await;
    let tenant = tenant_with_subscriptions(&world, 2).await;
    let mut business = world.client().await;
    let mut transaction = business.transaction().await.unwrap();
    transaction.execute(INSERT, &[&tenant]).await.unwrap();
    let savepoint = transaction.savepoint("later").await.unwrap();
    savepoint.execute(INSERT, &[&tenant]).await.unwrap();
    savepoint.rollback().await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!((events(&world).await, deliveries(&world).await), (1, 2));
}

#[tokio::test]
async fn one_insert_of_a_thousand_events_is_fanned_out_whole() {
    let world = World::new().await;
    let tenant = tenant_with_subscriptions(&world, 5).await;
    let sql = "INSERT INTO posthorn.outbox (tenant_id, event, payload)
               SELECT $1, 'invoice.paid', jsonb_build_object('n', n) FROM generate_series(1, 1000) n";
    assert_eq!(world.db.execute(sql, &[&tenant]).await.unwrap(), 1000);
    let distinct =
        "SELECT count(*) FROM (SELECT DISTINCT event_id, subscription_id FROM posthorn.webhook_deliveries) d";
    assert_eq!((deliveries(&world).await, world.count(distinct).await), (5000, 5000));
}

#[tokio::test]
async fn copy_by_a_publisher_is_fanned_out() {
    let world = World::new().await;
    let tenant = tenant_with_subscriptions(&world, 2).await;
    let publisher = world.client_as("posthorn_publisher").await;
    let copy = publisher.copy_in("COPY posthorn.outbox (tenant_id, event, payload) FROM STDIN").await.unwrap();
    let lines: String = (0..1000).map(|n| format!("{tenant}\tinvoice.paid\t{{\"n\": {n}}}\n")).collect();
    let mut copy = pin!(copy);
    copy.send(Bytes::from(lines)).await.unwrap();
    assert_eq!(copy.finish().await.unwrap(), 1000);
    assert_eq!((events(&world).await, deliveries(&world).await), (1000, 2000));
}

#[tokio::test]
async fn a_prepared_transaction_publishes_when_it_is_committed() {
    let world = World::new().await;
    let tenant = tenant_with_subscriptions(&world, 1).await;
    let business = world.client().await;
    business.batch_execute("SET posthorn.notify = off; BEGIN").await.unwrap();
    business.execute(INSERT, &[&tenant]).await.unwrap();
    let name = format!("it_{}", world.database());
    business.batch_execute(&format!("PREPARE TRANSACTION '{name}'")).await.unwrap();
    assert_eq!(deliveries(&world).await, 0);
    let gate = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 1886352488 AND objid = 1
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    assert_eq!(world.count(gate).await, 0, "it would keep every dispatcher awake");
    drop(business);
    world.db.batch_execute(&format!("COMMIT PREPARED '{name}'")).await.unwrap();
    assert_eq!(deliveries(&world).await, 1);
}

#[tokio::test]
async fn deliver_after_is_when_the_delivery_is_due() {
    let world = World::new().await;
    let tenant = tenant_with_subscriptions(&world, 1).await;
    let sql = "SELECT posthorn.publish($1, 'invoice.paid', '{}', deliver_after => $2)";
    let later = OffsetDateTime::from_unix_timestamp(4_102_444_800).unwrap();
    let past = OffsetDateTime::from_unix_timestamp(946_684_800).unwrap();
    for at in [later, past] {
        world.db.execute(sql, &[&tenant, &at]).await.unwrap();
    }
    let made = world.deliveries(tenant).await;
    assert_eq!(made[0].due_at, Some(later));
    assert!(made[1].due_at > Some(past), "a time that has passed means now");
}

#[tokio::test]
async fn publish_answers_with_the_events_id() {
    let world = World::new().await;
    let tenant = tenant_with_subscriptions(&world, 1).await;
    let id = world.publish(tenant, "invoice.paid", json!({"n": 1})).await;
    assert_eq!(id.get_version_num(), 7);
    assert_eq!(world.deliveries(tenant).await[0].event_id, id);
}

#[tokio::test]
async fn muted_events_are_kept_and_not_delivered() {
    let world = World::new().await;
    let tenant = tenant_with_subscriptions(&world, 1).await;
    let importer = world.client().await;
    importer.batch_execute("SET posthorn.mute = on").await.unwrap();
    let sql = "INSERT INTO posthorn.outbox (tenant_id, event, payload) VALUES ($1, 'invoice.paid', '{}') RETURNING id";
    let id = importer.query_one(sql, &[&tenant]).await.unwrap().get(0);
    assert_eq!(fanout_state(&world, id).await.as_deref(), Some("muted"));
    assert_eq!(deliveries(&world).await, 0);
    let loud = world.publish(tenant, "invoice.paid", json!({})).await;
    assert_eq!(fanout_state(&world, loud).await, None);
    assert_eq!(deliveries(&world).await, 1);
}

#[tokio::test]
async fn an_event_of_an_unknown_tenant_is_kept_and_marked() {
    let world = World::new().await;
    let nobody = uuid::Uuid::now_v7();
    let id = world.publish(nobody, "invoice.paid", json!({})).await;
    assert_eq!(fanout_state(&world, id).await.as_deref(), Some("unknown_tenant"));
    let known = world.tenant("known, without subscriptions").await;
    let id = world.publish(known, "invoice.paid", json!({})).await;
    assert_eq!(fanout_state(&world, id).await, None);
}

#[tokio::test]
async fn deleting_a_subscription_cancels_what_waits_for_it() {
    let world = World::new().await;
    let tenant = tenant_with_subscriptions(&world, 2).await;
    world.publish(tenant, "invoice.paid", json!({})).await;
    let subscription = world.deliveries(tenant).await[0].subscription_id;
    let api = world.client_of(tenant).await;
    let sql = "SELECT is_found, cancelled FROM posthorn.delete_subscription($1)";
    for expected in [(true, 1), (false, 0)] {
        let row = api.query_one(sql, &[&subscription]).await.unwrap();
        assert_eq!((row.get::<_, bool>(0), row.get::<_, i32>(1)), expected);
    }
    world.publish(tenant, "invoice.paid", json!({})).await;
    let mut statuses: Vec<(bool, String)> =
        world.deliveries(tenant).await.into_iter().map(|d| (d.subscription_id == subscription, d.status)).collect();
    statuses.sort();
    let expected = [(false, "pending"), (false, "pending"), (true, "cancelled")];
    assert_eq!(statuses, expected.map(|(is_it, status)| (is_it, status.to_owned())));
}
