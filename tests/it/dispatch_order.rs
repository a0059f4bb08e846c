//! Ordered subscriptions: events of one key one at a time and in the order of their commits, whatever happens on the way.

mod lines;
mod publishing;
mod stress;

use posthorn::store::queue::Claimed;
use serde_json::{Value, json};
use tokio_postgres::Client;
use uuid::Uuid;

use crate::harness::{Receiver, World};

/// A tenant with one ordered subscription to everything.
async fn ordered_subscription(url: &str) -> (World, Uuid, Uuid) {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let subscription = world.subscribe(tenant, url, &["*"]).await;
    world.change(subscription, "ordered = true").await;
    (world, tenant, subscription)
}

/// Publishes an event with an ordering key, as type `order.<key>`.
async fn publish(client: &Client, tenant: Uuid, key: &str, n: i32) -> Uuid {
    let sql =
        "INSERT INTO posthorn.outbox (tenant_id, event, payload, ordering_key) VALUES ($1, $2, $3, $4) RETURNING id";
    client.query_one(sql, &[&tenant, &format!("order.{key}"), &json!({ "n": n }), &key]).await.unwrap().get(0)
}

/// Key and number of what was leased.
fn named(claimed: &[Claimed]) -> Vec<String> {
    let name = |claimed: &Claimed| {
        let payload: Value = serde_json::from_str(&claimed.happened.as_ref().unwrap().payload).unwrap();
        format!("{}{}", claimed.event.strip_prefix("order.").unwrap(), payload["n"])
    };
    let mut names: Vec<String> = claimed.iter().map(name).collect();
    names.sort();
    names
}

/// Numbers of a key's events in the order they came to the receiver.
fn received(receiver: &Receiver, key: &str) -> Vec<i64> {
    let number = |body: &[u8]| serde_json::from_slice::<Value>(body).unwrap()["data"]["n"].as_i64().unwrap();
    let of_key = |event: &str| event.strip_prefix("order.") == Some(key);
    let requests = receiver.requests();
    requests.iter().filter(|r| of_key(r.headers["x-event"].to_str().unwrap())).map(|r| number(&r.body)).collect()
}

/// As the API replays a finished delivery.
async fn replay(client: &Client, event: Uuid) -> Result<u64, tokio_postgres::Error> {
    let sql = "WITH woken AS MATERIALIZED (SELECT posthorn.wake())
               UPDATE posthorn.webhook_deliveries SET status = 'pending', generation = generation + 1, epoch = epoch + 1,
               attempts = 0, due_at = now(), lease_until = NULL, updated_at = now(), finished_at = NULL FROM woken
               WHERE event_id = $1 AND status IN ('delivered', 'failed', 'abandoned', 'cancelled')";
    client.execute(sql, &[&event]).await
}

/// Cancels a delivery that is not on its way.
async fn cancel(client: &Client, event: Uuid) -> Result<u64, tokio_postgres::Error> {
    let sql = "UPDATE posthorn.webhook_deliveries SET status = 'cancelled', finished_at = now(), updated_at = now(),
               epoch = epoch + 1 WHERE event_id = $1 AND status IN ('pending', 'retrying')";
    client.execute(sql, &[&event]).await
}
