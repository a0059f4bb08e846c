//! What a role that may only publish can do: publish.

use serde_json::json;

use super::{deliveries, tenant_with_subscriptions};
use crate::harness::World;

#[tokio::test]
async fn a_publisher_publishes_without_saying_who_it_is() {
    let world = World::new().await;
    let tenant = tenant_with_subscriptions(&world, 2).await;
    let publisher = world.client_as("posthorn_publisher").await;
    let insert = "INSERT INTO posthorn.outbox (tenant_id, event, payload, resource_type, resource_id, metadata)
                  VALUES ($1, 'invoice.paid', '{}', 'invoice', '17', '{\"a\": 1}')";
    publisher.execute(insert, &[&tenant]).await.unwrap();
    publisher.execute("SELECT posthorn.publish($1, 'invoice.paid', '{}')", &[&tenant]).await.unwrap();
    assert_eq!(deliveries(&world).await, 4);
}

#[tokio::test]
async fn a_publisher_can_do_nothing_else() {
    let world = World::new().await;
    let tenant = tenant_with_subscriptions(&world, 1).await;
    world.publish(tenant, "invoice.paid", json!({})).await;
    let publisher = world.client_as("posthorn_publisher").await;
    let refused = [
        "SELECT id FROM posthorn.outbox",
        "INSERT INTO posthorn.outbox (tenant_id, event, payload) VALUES (posthorn.uuid7(), 'a.b', '{}') RETURNING id",
        "INSERT INTO posthorn.outbox (id, tenant_id, event, payload) VALUES (posthorn.uuid7(), posthorn.uuid7(), 'a.b', '{}')",
        "INSERT INTO posthorn.outbox (tenant_id, event, payload, created_at) VALUES (posthorn.uuid7(), 'a.b', '{}', now())",
        "INSERT INTO posthorn.outbox_default (tenant_id, event, payload) VALUES (posthorn.uuid7(), 'a.b', '{}')",
        "UPDATE posthorn.outbox SET event = 'a.b'",
        "DELETE FROM posthorn.outbox",
        "TRUNCATE posthorn.outbox",
        "SELECT id FROM posthorn.events",
        "SELECT id FROM posthorn.webhook_deliveries",
        "SELECT url FROM posthorn.webhook_subscriptions",
        "SELECT pattern FROM posthorn.subscription_patterns",
        "SELECT id FROM posthorn.tenants",
        "SELECT posthorn.fan_out_open(1)",
        "SELECT posthorn.make_day('outbox', current_date)",
        "SELECT posthorn.find_api_key('abcdefghij')",
        "SELECT posthorn.delete_subscription(posthorn.uuid7())",
    ];
    for statement in refused {
        let error = publisher.execute(statement, &[]).await.expect_err(statement);
        assert_eq!(error.code().map(|code| code.code()), Some("42501"), "{statement}: {error:?}");
    }
}
