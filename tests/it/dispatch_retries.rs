//! The retry schedule, by a moved clock: what waits is brought nearer in the database instead of waiting for it.

use std::cell::OnceCell;
use std::time::Duration;

use posthorn::domain::retry::Schedule;
use serde_json::json;
use uuid::Uuid;

use crate::harness::{Answer, Receiver, SOON, World, eventually};

/// Fails a delivery until it is given up, and checks each delay against `delays` (seconds).
async fn assert_schedule(change: Option<&str>, flags: &[&str], delays: &[f64]) {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(500));
    let subscription = world.subscribe(tenant, &receiver.url("/hook"), &["*"]).await;
    if let Some(change) = change {
        world.change(subscription, change).await;
    }
    let event = world.publish(tenant, "invoice.paid", json!({})).await;
    let _dispatcher = world.dispatch(flags).await;
    for (n, &delay) in delays.iter().enumerate() {
        let failed = format!("SELECT status = 'retrying' AND attempts = {} FROM posthorn.webhook_deliveries", n + 1);
        world.until(&failed).await;
        // the delay itself, however long ago it was set: due_at was reckoned from updated_at
        let (waits, left) = waits(&world, event).await;
        assert!((delay..=delay * 1.2 + 0.001).contains(&waits), "retry {}: {waits} s", n + 1);
        assert!(left > delay - SOON.as_secs_f64(), "retry {}: due in {left} s", n + 1);
        assert_eq!(receiver.requests().len(), n + 1, "not before it is due");
        world.pass_time(delay * 1.2 + 1.0).await;
    }
    world.until_status("abandoned", 1).await;
    let delivery = world.delivery(event).await;
    assert_eq!(delivery.last_error_kind.as_deref(), Some("server_error"));
    let numbers: Vec<i32> = world.attempts(delivery.id).await.iter().map(|attempt| attempt.number).collect();
    let all: Vec<i32> = (1..=i32::try_from(delays.len()).unwrap() + 1).collect();
    assert_eq!((&numbers, delivery.attempts), (&all, *all.last().unwrap()));
    assert_eq!(receiver.requests().len(), all.len());
}

async fn waits(world: &World, event: Uuid) -> (f64, f64) {
    let sql = "SELECT extract(epoch FROM due_at - updated_at)::float8, extract(epoch FROM due_at - now())::float8
               FROM posthorn.webhook_deliveries WHERE event_id = $1";
    let row = world.db.query_one(sql, &[&event]).await.unwrap();
    (row.get(0), row.get(1))
}

#[tokio::test]
async fn a_subscriptions_own_schedule_is_kept_and_then_the_delivery_is_abandoned() {
    // far longer than the test, so that no retry comes by itself
    assert_schedule(Some("retry_schedule = '{100, 200, 400}'"), &[], &[100.0, 200.0, 400.0]).await;
}

#[tokio::test]
async fn the_last_delay_repeats_when_there_are_more_retries_than_delays() {
    let own = "retry_schedule = '{100, 200}', max_retries = 4";
    assert_schedule(Some(own), &[], &[100.0, 200.0, 200.0, 200.0]).await;
}

#[tokio::test]
async fn the_instances_schedule_is_kept_where_a_subscription_has_none() {
    assert_schedule(None, &["--retry-schedule=dotmac"], &[300.0, 3600.0, 21_600.0]).await;
}

#[tokio::test]
async fn without_retries_the_first_failure_is_the_last() {
    assert_schedule(Some("max_retries = 0"), &[], &[]).await;
    assert_schedule(None, &["--max-retries=0"], &[]).await;
}

#[tokio::test]
async fn the_default_schedule_retries_six_times() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(500));
    world.subscribe(tenant, &receiver.url("/hook"), &["*"]).await;
    let event = world.publish(tenant, "invoice.paid", json!({})).await;
    let _dispatcher = world.dispatch(&[]).await;
    let delays = Schedule::default();
    for (n, delay) in (1..).zip(delays.delays()) {
        let delay = delay.as_secs_f64();
        // read and moved in one statement: the short delays would pass by themselves
        let sql = "UPDATE posthorn.webhook_deliveries SET due_at = due_at - make_interval(secs => $2)
                   WHERE status = 'retrying' AND attempts = $1 RETURNING extract(epoch FROM due_at - updated_at)::float8";
        let moved = OnceCell::new();
        eventually("a retry is scheduled", SOON, async || {
            let row = world.db.query_opt(sql, &[&n, &(delay * 2.0)]).await.unwrap();
            row.is_some_and(|row| moved.set(row.get::<_, f64>(0) + delay * 2.0).is_ok())
        })
        .await;
        let waits = *moved.get().unwrap();
        assert!((delay..=delay * 1.2 + 0.001).contains(&waits), "retry {n}: {waits} s");
        world.wake().await;
    }
    world.until_status("abandoned", 1).await;
    assert_eq!((delays.len(), receiver.requests().len()), (6, 7));
    assert_eq!(world.delivery(event).await.attempts, 7);
}

#[tokio::test]
async fn a_retry_comes_by_itself_when_it_is_due() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = Receiver::start(|_, nth| Answer::status(if nth == 0 { 500 } else { 200 }));
    let subscription = world.subscribe(tenant, &receiver.url("/hook"), &["*"]).await;
    world.change(subscription, "retry_schedule = '{1}'").await;
    // the poll alone would be too late
    let _dispatcher = world.dispatch(&["--poll-seconds=60"]).await;
    world.publish(tenant, "invoice.paid", json!({})).await;
    let requests = receiver.wait_for(2, SOON).await;
    assert!(requests[1].at - requests[0].at >= Duration::from_secs(1));
}
