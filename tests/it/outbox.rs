//! From INSERT to deliveries, in plain SQL on the real schema: what a business module can rely on.

mod fan_out_later;
mod gate;
mod patterns;
mod publisher;
mod refusals;
mod transactions;

use uuid::Uuid;

use crate::harness::World;

const URL: &str = "https://receiver.example/hooks";

/// A tenant with so many subscriptions to everything.
async fn tenant_with_subscriptions(world: &World, n: i32) -> Uuid {
    let tenant = world.tenant("a").await;
    let sql = "INSERT INTO posthorn.webhook_subscriptions (tenant_id, url, events, signing)
               SELECT $1, 'https://receiver.example/' || n, '{*}', 'none' FROM generate_series(1, $2) n";
    world.db.execute(sql, &[&tenant, &n]).await.unwrap();
    tenant
}

/// State of an event's fan-out, unless it simply happened.
async fn fanout_state(world: &World, event: Uuid) -> Option<String> {
    let sql = "SELECT f.state FROM posthorn.event_fanouts f WHERE f.event_id = $1";
    world.db.query_opt(sql, &[&event]).await.unwrap().map(|row| row.get(0))
}

async fn events(world: &World) -> i64 {
    world.count("SELECT count(*) FROM posthorn.outbox").await
}

async fn deliveries(world: &World) -> i64 {
    world.count("SELECT count(*) FROM posthorn.webhook_deliveries").await
}
