//! Faults of our own, at every place that has a fail point: one delivery pays, or one look, and the process goes on.

use serde_json::json;
use time::OffsetDateTime;

use crate::harness::{Aftermath, Answer, Receiver, World, metric_of};

#[tokio::test]
async fn a_delivery_that_makes_the_dispatcher_panic_fails_alone_and_is_given_up() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(200));
    let subscription = world.subscribe(tenant, &receiver.url("/hook"), &["*"]).await;
    world.change(subscription, "retry_schedule = '{0, 0}'").await;
    let dispatcher = world.dispatch_binary(&[("FAILPOINTS", "before_connect@invoice.poison=panic")]).await;
    let aftermath = Aftermath::before(&[&dispatcher]);
    let poison = world.publish(tenant, "invoice.poison", json!({})).await;
    world.publish_many(tenant, "invoice.paid", 50).await;
    world.until_status("delivered", 50).await;
    world.until_status("abandoned", 1).await;
    aftermath.holds(&world).await;

    let delivery = world.delivery(poison).await;
    let attempts = world.attempts(delivery.id).await;
    let told: Vec<_> = attempts.iter().map(|a| (a.number, a.kind())).collect();
    assert_eq!(told, [1, 2, 3].map(|number| (number, Some("internal_error"))));
    assert_eq!((receiver.requests().len(), dispatcher.is_running()), (50, true));
    assert_eq!(metric_of(&dispatcher, "posthorn_panics_total{part=\"deliver\"}").await, Some(3.0));
    let why = attempts[0].error.as_deref().unwrap();
    assert!(!why.contains("failpoint") && !why.contains("panic"), "the tenant reads: {why}");
    // and it is a fault of ours: no circuit of the receiver's opens for it
    assert_eq!(world.count("SELECT count(*) FROM posthorn.webhook_subscriptions WHERE status = 'active'").await, 1);
}

#[tokio::test]
async fn a_panic_while_looking_for_work_or_recording_costs_a_lease_and_not_the_dispatcher() {
    for (point, part) in [("after_claim_commit", "claim"), ("before_finish", "record"), ("in_rescue", "claim")] {
        let world = World::new().await;
        let tenant = world.tenant("a").await;
        let receiver = Receiver::start(|_, _| Answer::status(200));
        world.subscribe(tenant, &receiver.url("/hook"), &["*"]).await;
        world.publish(tenant, "invoice.paid", json!({})).await;
        // a rescue needs a lease that was lost
        let points = match point {
            "in_rescue" => "after_claim_commit=1*panic;in_rescue=1*panic".to_owned(),
            _ => format!("{point}=1*panic"),
        };
        let panics = points.matches("panic").count();
        let dispatcher = world.dispatch_binary(&[("FAILPOINTS", &points)]).await;
        let aftermath = Aftermath::before(&[&dispatcher]);
        for _ in 0..panics {
            dispatcher.wait_for_line("panicked: ", crate::harness::SOON).await;
            world.expire_leases().await;
        }
        if point == "in_rescue" {
            dispatcher.wait_for_line("failpoint in_rescue panic", crate::harness::SOON).await;
            world.expire_leases().await;
        }
        world.until_status("delivered", 1).await;
        aftermath.holds(&world).await;
        let counted = metric_of(&dispatcher, &format!("posthorn_panics_total{{part=\"{part}\"}}")).await;
        assert_eq!(counted, Some(panics as f64), "{point}");
        assert!(dispatcher.is_running());
    }
}

#[tokio::test]
async fn a_panic_in_a_transaction_leaves_no_connection_in_it() {
    const SUBSCRIPTIONS: i32 = 600;
    let world = World::new().await;
    let (many, one) = (world.tenant("many").await, world.tenant("one").await);
    let receiver = Receiver::start(|_, _| Answer::status(200));
    let subscribe = "INSERT INTO posthorn.webhook_subscriptions (tenant_id, url, events, signing)
                     SELECT $1, $2 || n, '{*}', 'none' FROM generate_series(1, $3) AS n";
    world.db.execute(subscribe, &[&many, &receiver.url("/"), &SUBSCRIPTIONS]).await.unwrap();
    world.subscribe(one, &receiver.url("/one"), &["*"]).await;
    let dispatcher =
        world.dispatch_binary(&[("FAILPOINTS", "during_fanout_chunk=1*panic"), ("RUST_LOG", "warn")]).await;
    let aftermath = Aftermath::before(&[&dispatcher]);
    world.publish(many, "invoice.paid", json!({})).await;
    dispatcher.wait_for_line("panicked: ", crate::harness::SOON).await;
    let panicked_by: OffsetDateTime = world.db.query_one("SELECT clock_timestamp()", &[]).await.unwrap().get(0);
    world.publish_many(one, "invoice.paid", 1000).await;
    // the chunk that panicked was rolled back and is made again, and the connection serves as if nothing had been
    world.until_status("delivered", 1000 + i64::from(SUBSCRIPTIONS)).await;
    aftermath.holds(&world).await;
    assert_eq!(receiver.requests().len(), 1600);
    // its deliveries have the time of their transaction: none is of the one that panicked, committed by whoever came next
    let left = "SELECT count(*) FROM posthorn.webhook_deliveries WHERE tenant_id = $1 AND created_at <= $2";
    assert_eq!(world.db.query_one(left, &[&many, &panicked_by]).await.unwrap().get::<_, i64>(0), 0);
    assert_eq!(metric_of(&dispatcher, "posthorn_panics_total{part=\"fan_out\"}").await, Some(1.0));
}
