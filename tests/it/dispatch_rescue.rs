//! What nobody else would ever touch: lost leases, events whose fan-out is open, deliveries of deleted subscriptions.

use serde_json::json;
use uuid::Uuid;

use crate::harness::{Answer, Receiver, SOON, World};

/// A delivery as a dispatcher leaves it that vanished: leased, and the lease has run out.
async fn lose_leases(world: &World, attempts: i32) {
    let sql = "UPDATE posthorn.webhook_deliveries SET status = 'sending', epoch = $1, attempts = $1,
               dispatcher_id = posthorn.uuid7(), lease_until = now() - interval '1 s', updated_at = now() - interval '9 s'";
    world.db.execute(sql, &[&attempts]).await.unwrap();
}

#[tokio::test]
async fn a_lost_lease_is_taken_over_and_told_of() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(200));
    world.subscribe(tenant, &receiver.url("/hook"), &["*"]).await;
    let event = world.publish(tenant, "invoice.paid", json!({})).await;
    lose_leases(&world, 1).await;
    let dispatcher = world.dispatch(&[]).await;
    world.until_status("delivered", 1).await;
    let attempts = world.attempts(world.delivery(event).await.id).await;
    let told: Vec<_> = attempts.iter().map(|a| (a.number, a.kind(), a.status_code)).collect();
    assert_eq!(told, [(1, Some("lease_expired"), None), (2, None, Some(200))]);
    assert!((8000..60_000).contains(&attempts[0].duration_ms), "{} ms", attempts[0].duration_ms);
    assert_eq!(receiver.requests().len(), 1);
    assert_eq!(dispatcher.metric("posthorn_rescued_leases_total"), 1.0);
}

#[tokio::test]
async fn a_delivery_whose_every_lease_is_lost_is_given_up_unsent() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(200));
    let subscription = world.subscribe(tenant, &receiver.url("/hook"), &["*"]).await;
    world.change(subscription, "retry_schedule = '{1, 2}'").await;
    let event = world.publish(tenant, "invoice.paid", json!({})).await;
    lose_leases(&world, 3).await;
    let _dispatcher = world.dispatch(&[]).await;
    world.until_status("abandoned", 1).await;
    assert_eq!(world.delivery(event).await.last_error_kind.as_deref(), Some("lease_expired"));
    assert_eq!(receiver.requests().len(), 0, "what kills dispatchers must not do it for ever");
}

#[tokio::test]
async fn deliveries_of_a_deleted_subscription_that_came_afterwards_are_cancelled() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(200));
    let deleted = world.subscribe(tenant, &receiver.url("/deleted"), &["*"]).await;
    let kept = world.subscribe(tenant, &receiver.url("/kept"), &["*"]).await;
    // an open business transaction commits its event after the subscription was deleted
    let producer = world.client().await;
    producer.batch_execute("BEGIN").await.unwrap();
    producer.query("SELECT posthorn.publish($1, 'invoice.paid', '{}')", &[&tenant]).await.unwrap();
    let api = world.client_of(tenant).await;
    api.query("SELECT posthorn.delete_subscription($1)", &[&deleted]).await.unwrap();
    producer.batch_execute("COMMIT").await.unwrap();
    let of = |status: &str, id: Uuid| {
        format!(
            "SELECT EXISTS (SELECT FROM posthorn.webhook_deliveries WHERE status = '{status}' AND subscription_id = '{id}')"
        )
    };
    world.until(&of("pending", deleted)).await;

    let _dispatcher = world.dispatch(&[]).await;
    world.until(&of("cancelled", deleted)).await;
    world.until(&of("delivered", kept)).await;
    let paths: Vec<String> = receiver.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(paths, ["/kept"]);
}

#[tokio::test]
async fn an_event_that_a_broken_filter_left_open_is_fanned_out_by_a_dispatcher() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(200));
    // a time zone is needed to compare these, which is an error and not a mere mismatch
    world.subscribe_filtered(tenant, "$.at.datetime() < \"2020-01-01T00:00:00+00\".datetime()").await;
    world.subscribe(tenant, &receiver.url("/sound"), &["*"]).await;
    let _dispatcher = world.dispatch(&["--poll-seconds=60"]).await;
    world.publish(tenant, "invoice.paid", json!({"at": "2020-01-01"})).await;
    world.until_status("delivered", 1).await;
    world.until("SELECT count(*) = 1 FROM posthorn.webhook_deliveries WHERE last_error_kind = 'filter_error'").await;
    assert_eq!(world.count("SELECT count(*) FROM posthorn.event_fanouts").await, 0);
    assert_eq!(receiver.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_for_more_subscriptions_than_a_commit_bears_reaches_each_of_them_once() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(200));
    let sql = "INSERT INTO posthorn.webhook_subscriptions (tenant_id, url, events, signing)
               SELECT $1, $2 || n, '{invoice.*}', 'none' FROM generate_series(1, 1200) AS n";
    world.db.execute(sql, &[&tenant, &receiver.url("/")]).await.unwrap();
    let dispatcher = world.dispatch(&["--poll-seconds=60"]).await;
    world.publish(tenant, "invoice.paid", json!({})).await;
    receiver.wait_for(1200, 3 * SOON).await;
    world.until_status("delivered", 1200).await;
    let mut paths: Vec<String> = receiver.requests().into_iter().map(|request| request.path).collect();
    paths.sort();
    paths.dedup();
    assert_eq!((paths.len(), receiver.requests().len()), (1200, 1200));
    assert_eq!(world.count("SELECT count(*) FROM posthorn.event_fanouts").await, 0);
    dispatcher.stop().await;
}

#[tokio::test]
async fn a_filter_that_never_ends_stalls_no_one_and_is_marked() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(200));
    let slow = world.subscribe(tenant, &receiver.url("/slow"), &["invoice.paid"]).await;
    let endless = "filter = 'exists($.** ? (exists($.** ? (exists($.** ? (@ == -1))))))'";
    world.change(slow, endless).await;
    world.subscribe(tenant, &receiver.url("/sound"), &["*"]).await;
    let _dispatcher = world.dispatch(&[]).await;

    let numbers: Vec<usize> = (0..1_000).collect();
    let event = world.publish(tenant, "invoice.paid", json!({ "numbers": numbers })).await;
    world.until("SELECT EXISTS (SELECT FROM posthorn.event_fanouts WHERE failures > 0)").await;
    world.publish(tenant, "invoice.sent", json!({})).await;
    receiver.wait_for(2, SOON).await;
    let open = "SELECT count(*) FROM posthorn.event_fanouts WHERE state = 'open'";
    assert_eq!(world.count(open).await, 1, "both went out while the filter was still being tried");

    world.until_status("failed", 1).await;
    let sql = "SELECT last_error_kind FROM posthorn.webhook_deliveries WHERE event_id = $1 AND subscription_id = $2";
    let kind: String = world.db.query_one(sql, &[&event, &slow]).await.unwrap().get(0);
    assert_eq!(kind, "filter_error");
    world.until("SELECT NOT EXISTS (SELECT FROM posthorn.event_fanouts)").await;
    assert!(receiver.requests().iter().all(|request| request.path == "/sound"));
}
