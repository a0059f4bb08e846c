//! Which subscriptions an event reaches: patterns of names, and filters over the payload.

use serde_json::json;
use uuid::Uuid;

use super::{URL, fanout_state};
use crate::harness::World;

async fn receivers(world: &World, tenant: Uuid, event: &str) -> Vec<Uuid> {
    let id = world.publish(tenant, event, json!({"amount": 5})).await;
    let all = world.deliveries(tenant).await;
    let mut found: Vec<Uuid> = all.into_iter().filter(|d| d.event_id == id).map(|d| d.subscription_id).collect();
    found.sort();
    found
}

#[tokio::test]
async fn names_prefixes_and_the_star_match_whole_segments() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let star = world.subscribe(tenant, URL, &["*"]).await;
    let invoices = world.subscribe(tenant, URL, &["invoice.*"]).await;
    let lines = world.subscribe(tenant, URL, &["invoice.line.*"]).await;
    let paid = world.subscribe(tenant, URL, &["invoice.paid"]).await;
    let sorted = |mut ids: Vec<Uuid>| {
        ids.sort();
        ids
    };
    assert_eq!(receivers(&world, tenant, "invoice.paid").await, sorted(vec![star, invoices, paid]));
    assert_eq!(receivers(&world, tenant, "invoice.line.added").await, sorted(vec![star, invoices, lines]));
    assert_eq!(receivers(&world, tenant, "invoice.line").await, sorted(vec![star, invoices]));
    assert_eq!(receivers(&world, tenant, "invoices.paid").await, [star]);
}

#[tokio::test]
async fn operational_events_reach_only_those_who_name_them() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    world.subscribe(tenant, URL, &["*"]).await;
    let named = world.subscribe(tenant, URL, &["posthorn.*"]).await;
    let third = world.subscribe(tenant, URL, &["never.comes"]).await;
    world.change(third, "status = 'suspended'").await;
    let deliveries = world.deliveries(tenant).await;
    assert_eq!(deliveries.iter().map(|delivery| delivery.subscription_id).collect::<Vec<_>>(), [named]);
}

#[tokio::test]
async fn several_matching_patterns_make_one_delivery() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let id = world.subscribe(tenant, URL, &["*", "invoice.*", "invoice.paid", "invoice.paid"]).await;
    assert_eq!(receivers(&world, tenant, "invoice.paid").await, [id]);
}

#[tokio::test]
async fn another_tenants_event_reaches_nobody_here() {
    let world = World::new().await;
    let (one, other) = (world.tenant("one").await, world.tenant("other").await);
    world.subscribe(one, URL, &["*"]).await;
    assert!(receivers(&world, other, "invoice.paid").await.is_empty());
    assert!(world.deliveries(one).await.is_empty());
}

#[tokio::test]
async fn only_active_subscriptions_are_reached() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let id = world.subscribe(tenant, URL, &["*"]).await;
    for (status, expected) in [("inactive", 0), ("active", 1), ("suspended", 0)] {
        let sql = "UPDATE posthorn.webhook_subscriptions SET status = $2 WHERE id = $1";
        world.db.execute(sql, &[&id, &status]).await.unwrap();
        assert_eq!(receivers(&world, tenant, "invoice.paid").await.len(), expected, "{status}");
    }
}

#[tokio::test]
async fn changed_events_of_a_subscription_count_at_once() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let id = world.subscribe(tenant, URL, &["invoice.*"]).await;
    let sql = "UPDATE posthorn.webhook_subscriptions SET events = '{payment.*}' WHERE id = $1";
    world.db.execute(sql, &[&id]).await.unwrap();
    assert!(receivers(&world, tenant, "invoice.paid").await.is_empty());
    assert_eq!(receivers(&world, tenant, "payment.received").await, [id]);
}

#[tokio::test]
async fn a_filter_decides_by_the_payload() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let small = world.subscribe_filtered(tenant, "$.amount < 10").await;
    let large = world.subscribe_filtered(tenant, "$.amount >= 10").await;
    let absent = world.subscribe_filtered(tenant, "$.total > 1").await;
    assert_eq!(receivers(&world, tenant, "invoice.paid").await, [small]);
    let id = world.publish(tenant, "invoice.paid", json!({"amount": 10, "total": 2})).await;
    let all = world.deliveries(tenant).await;
    let mut found: Vec<Uuid> = all.iter().filter(|d| d.event_id == id).map(|d| d.subscription_id).collect();
    found.sort();
    assert_eq!(found, [large, absent]);
    assert_eq!(fanout_state(&world, id).await, None);
}
