//! Many events of one statement are fanned out by one run of the trigger.

use std::fmt::Write;

use uuid::Uuid;

use super::{copy, tenant_with_subscriptions};
use crate::harness::World;

const EVENTS: i64 = 10_000;

/// In one transaction: publishes, and counts the runs of the fan-out.
async fn runs_of_the_fan_out(world: &World, tenant: Uuid, publish: impl AsyncFnOnce(&World, Uuid)) -> i64 {
    world.db.batch_execute("SET track_functions = 'all'; BEGIN").await.unwrap();
    publish(world, tenant).await;
    let runs = "SELECT coalesce(sum(calls), 0)::int8 FROM pg_stat_xact_user_functions WHERE schemaname = 'posthorn' AND funcname = 'fan_out'";
    let runs = world.count(runs).await;
    world.db.batch_execute("COMMIT").await.unwrap();
    runs
}

async fn assert_fanned_out(world: &World) {
    let distinct =
        "SELECT count(*) FROM (SELECT DISTINCT event_id, subscription_id FROM posthorn.webhook_deliveries) d";
    assert_eq!(world.count(distinct).await, EVENTS * 5);
    assert_eq!(world.count("SELECT count(*) FROM posthorn.event_fanouts").await, 0);
}

#[tokio::test]
async fn ten_thousand_events_of_one_insert_are_fanned_out_at_once() {
    let world = World::new().await;
    let tenant = tenant_with_subscriptions(&world, 5).await;
    let runs = runs_of_the_fan_out(&world, tenant, async |world, tenant| {
        let sql = "INSERT INTO posthorn.outbox (tenant_id, event, payload)
                   SELECT $1, 'invoice.paid', jsonb_build_object('n', n) FROM generate_series(1, $2::int8) n";
        assert_eq!(world.db.execute(sql, &[&tenant, &EVENTS]).await.unwrap(), EVENTS.unsigned_abs());
    })
    .await;
    assert_eq!(runs, 1);
    assert_fanned_out(&world).await;
}

#[tokio::test]
async fn ten_thousand_events_of_one_copy_are_fanned_out_at_once() {
    let world = World::new().await;
    let tenant = tenant_with_subscriptions(&world, 5).await;
    let runs = runs_of_the_fan_out(&world, tenant, async |world, tenant| {
        let mut lines = String::new();
        (1..=EVENTS).for_each(|n| writeln!(lines, "{tenant}\tinvoice.paid\t{{\"n\": {n}}}").unwrap());
        assert_eq!(copy(&world.db, "tenant_id, event, payload", lines).await, EVENTS.unsigned_abs());
    })
    .await;
    assert_eq!(runs, 1);
    assert_fanned_out(&world).await;
}
