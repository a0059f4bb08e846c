//! Which partition a row is in, and that looking one up opens one only.

use posthorn::store::{StoreRole, days};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::World;

async fn finished_delivery(world: &World) -> Uuid {
    days::make_ahead(&world.store(StoreRole::Dispatcher), 1).await.unwrap();
    let tenant = world.tenant("a").await;
    world.subscribe(tenant, "https://receiver.example/", &["*"]).await;
    world.publish(tenant, "invoice.paid", json!({})).await;
    let id = world.deliveries(tenant).await[0].id;
    let sql = "UPDATE posthorn.webhook_deliveries SET status = 'delivered', finished_at = now() WHERE id = $1";
    assert_eq!(world.db.execute(sql, &[&id]).await.unwrap(), 1);
    id
}

async fn partition_of(world: &World, id: Uuid) -> String {
    let sql = "SELECT d.tableoid::regclass::text FROM posthorn.webhook_deliveries d WHERE d.id = $1";
    world.db.query_one(sql, &[&id]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_finished_delivery_leaves_the_hot_partition_for_its_day_and_a_replay_brings_it_back() {
    let world = World::new().await;
    let id = finished_delivery(&world).await;
    let day = partition_of(&world, id).await;
    assert!(day.starts_with("posthorn.webhook_deliveries_done_2"), "{day}");
    let replay = "UPDATE posthorn.webhook_deliveries
                  SET status = 'pending', finished_at = NULL, generation = generation + 1, attempts = 0 WHERE id = $1";
    world.db.execute(replay, &[&id]).await.unwrap();
    assert_eq!(partition_of(&world, id).await, "posthorn.webhook_deliveries_live");
}

#[tokio::test]
async fn looking_up_an_event_opens_one_partition() {
    let world = World::new().await;
    let id = finished_delivery(&world).await;
    let sql = format!("EXPLAIN (FORMAT JSON) SELECT o.event FROM posthorn.outbox o WHERE o.id = '{id}'");
    let plan: Value = world.db.query_one(&sql, &[]).await.unwrap().get(0);
    let relations = plan.to_string().matches("Relation Name").count();
    assert_eq!(relations, 1, "{plan:#}");
}

#[tokio::test]
async fn the_first_id_of_a_day_is_below_its_ids_and_above_the_day_befores() {
    let world = World::new().await;
    let sql = "SELECT posthorn.first_id_of(d) <= posthorn.uuid7() AND posthorn.uuid7() < posthorn.first_id_of(d + 1)
               FROM (SELECT (now() AT TIME ZONE 'UTC')::date AS d) today";
    assert!(world.db.query_one(sql, &[]).await.unwrap().get::<_, bool>(0));
}
