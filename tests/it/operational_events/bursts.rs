//! Thousands of deliveries given up at once: few events, which name them all.

use posthorn::domain::delivery::DeliveryStatus;
use serde_json::{Value, json};

use super::{NOWHERE, told};
use crate::harness::World;

/// Lets the deliveries given up so far be more than a minute old.
const A_MINUTE_LATER: &str = "UPDATE posthorn.exhausted_notes SET noted_at = noted_at - interval '61 s'";

async fn counts(world: &World, tenant: uuid::Uuid) -> Vec<i64> {
    told(world, tenant).await.iter().map(|(_, payload)| payload["count"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn ten_a_minute_are_told_each_and_the_others_as_one() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    world.subscribe(tenant, NOWHERE, &["posthorn.delivery.exhausted"]).await;
    let subscription = world.subscribe(tenant, NOWHERE, &["invoice.*"]).await;
    let quiet = world.subscribe(tenant, NOWHERE, &["order.*"]).await;
    world.publish_many(tenant, "invoice.created", 300).await;
    let mut hand = world.hand().await;
    hand.cap = 10_000;
    hand.tenant_cap = 10_000;
    // the ten that tell of it are given up too, and not told of
    for _ in 0..7 {
        let claimed = hand.look(50, 50).await.deliveries;
        hand.record(&claimed, DeliveryStatus::Abandoned).await;
    }
    assert_eq!(world.count("SELECT count(*) FROM posthorn.webhook_deliveries WHERE status = 'abandoned'").await, 310);
    assert_eq!(counts(&world, tenant).await, [1; 10], "each on its own, then no more");
    super::exhaust(&world, tenant, "order.created").await;
    assert_eq!(counts(&world, tenant).await, [1; 11], "of another subscription at once");
    let (event, other) = told(&world, tenant).await.pop().unwrap();
    assert_eq!((event.as_str(), &other["subscription_id"]), ("posthorn.delivery.exhausted", &json!(quiet)));

    let upkeep = world.client_as("posthorn_dispatcher").await;
    let tell = async |client: &tokio_postgres::Client| {
        client.query_one("SELECT posthorn.tell_held_back()", &[]).await.unwrap().get::<_, i32>(0)
    };
    assert_eq!(tell(&upkeep).await, 0, "not before a minute is over");
    world.db.batch_execute(A_MINUTE_LATER).await.unwrap();
    upkeep.batch_execute("BEGIN").await.unwrap();
    assert_eq!(tell(&upkeep).await, 1);
    assert_eq!(
        tell(&world.client_as("posthorn_dispatcher").await).await,
        0,
        "another dispatcher has nothing to do, and does not wait"
    );
    upkeep.batch_execute("COMMIT").await.unwrap();
    assert_eq!(tell(&upkeep).await, 0);
    assert_eq!(counts(&world, tenant).await.iter().sum::<i64>(), 301, "none is left out, none is told twice");
    let (_, rest) = told(&world, tenant).await.pop().unwrap();
    assert_eq!((&rest["count"], &rest["subscription_id"]), (&json!(290), &json!(subscription)));
    let earlier = |field: &str| rest[field].as_str().map(str::to_owned);
    assert!(earlier("first_at") < earlier("last_at"), "{rest}");
    let latest =
        "SELECT id::text FROM posthorn.webhook_deliveries WHERE event = 'invoice.created' AND status = 'abandoned'";
    let ids: Vec<Value> =
        world.db.query(latest, &[]).await.unwrap().iter().map(|row| json!(row.get::<_, &str>(0))).collect();
    assert!(ids.contains(&rest["delivery_id"]), "{rest}");
    assert_eq!(world.count("SELECT count(*) FROM posthorn.exhausted_notes").await, 0, "and nothing is kept");
}
