//! Who may go next: the first of its line, and nobody while it is on its way or waits for a retry.

use posthorn::domain::delivery::DeliveryStatus::{Abandoned, Cancelled, Delivered, Failed, Retrying};
use serde_json::json;
use tokio::sync::watch;
use tokio_postgres::error::SqlState;
use uuid::Uuid;

use super::{cancel, named, ordered_subscription, publish, received, replay};
use crate::harness::{Answer, Receiver, SOON, eventually};

const NOWHERE: &str = "https://receiver.example/";

#[tokio::test]
async fn one_of_each_key_at_a_time_and_a_retry_holds_back_its_own_key_alone() {
    let (world, tenant, _) = ordered_subscription(NOWHERE).await;
    for (key, n) in [("a", 1), ("a", 2), ("b", 1), ("a", 3), ("b", 2)] {
        publish(&world.db, tenant, key, n).await;
    }
    let (mut one, mut other) = (world.hand().await, world.hand().await);
    let first = one.claim(10).await;
    assert_eq!(named(&first), ["a1", "b1"]);
    assert_eq!((one.claim(10).await.len(), other.claim(10).await.len()), (0, 0));
    let (a, b): (Vec<_>, Vec<_>) = first.into_iter().partition(|claimed| claimed.event == "order.a");
    one.record(&a, Retrying).await;
    assert_eq!(other.claim(10).await.len(), 0, "the retry holds back its key");
    one.record(&b, Delivered).await;
    let b2 = other.claim(10).await;
    assert_eq!(named(&b2), ["b2"], "but no other");
    other.record(&b2, Delivered).await;
    world.pass_time(7200.0).await;
    for expected in ["a1", "a2", "a3"] {
        let next = one.claim(10).await;
        assert_eq!(named(&next), [expected]);
        assert_eq!(other.claim(10).await.len(), 0);
        one.record(&next, Delivered).await;
    }
}

#[tokio::test]
async fn whatever_ends_a_delivery_lets_the_next_go() {
    let (world, tenant, _) = ordered_subscription(NOWHERE).await;
    let mut events = Vec::new();
    for n in 1..=9 {
        events.push(publish(&world.db, tenant, "a", n).await);
    }
    let mut hand = world.hand().await;
    for (n, end) in [(1, Failed), (2, Abandoned), (3, Delivered), (4, Cancelled)] {
        let next = hand.claim(10).await;
        assert_eq!(named(&next), [format!("a{n}")]);
        hand.record(&next, end).await;
    }
    // one in the middle of the line, and then the first of it, as the API would
    let api = world.client_of(tenant).await;
    assert_eq!((cancel(&api, events[5]).await.unwrap(), cancel(&api, events[4]).await.unwrap()), (1, 1));
    let next = hand.claim(10).await;
    assert_eq!(named(&next), ["a7"]);
    // while it is on its way the one behind it goes away
    assert_eq!(cancel(&api, events[7]).await.unwrap(), 1);
    assert_eq!(hand.claim(10).await.len(), 0);
    hand.record(&next, Delivered).await;
    assert_eq!(named(&hand.claim(10).await), ["a9"]);
}

#[tokio::test]
async fn a_deleted_subscriptions_line_goes_with_it() {
    let (world, tenant, subscription) = ordered_subscription(NOWHERE).await;
    for n in 1..=5 {
        publish(&world.db, tenant, "a", n).await;
    }
    let mut hand = world.hand().await;
    assert_eq!(named(&hand.claim(10).await), ["a1"]);
    assert_eq!(hand.claim(10).await.len(), 0);
    let api = world.client_of(tenant).await;
    let row = api
        .query_one("SELECT is_found, cancelled FROM posthorn.delete_subscription($1)", &[&subscription])
        .await
        .unwrap();
    assert_eq!((row.get::<_, bool>(0), row.get::<_, i32>(1)), (true, 5));
    assert_eq!(world.count("SELECT count(*) FROM posthorn.webhook_deliveries_live").await, 0);
}

#[tokio::test]
async fn a_replay_goes_before_those_that_wait_and_never_beside_one_on_its_way() {
    let (world, tenant, _) = ordered_subscription(NOWHERE).await;
    let first = publish(&world.db, tenant, "a", 1).await;
    for n in 2..=4 {
        publish(&world.db, tenant, "a", n).await;
    }
    let mut hand = world.hand().await;
    let one = hand.claim(10).await;
    hand.record(&one, Delivered).await;
    let two = hand.claim(10).await;
    assert_eq!(named(&two), ["a2"]);
    replay(&world.db, first).await.unwrap();
    assert_eq!(hand.claim(10).await.len(), 0, "not beside the one on its way");
    hand.record(&two, Retrying).await;
    let again = hand.claim(10).await;
    assert_eq!(named(&again), ["a1"], "before those that wait");
    world.pass_time(7200.0).await;
    assert_eq!(hand.claim(10).await.len(), 0);
    hand.record(&again, Delivered).await;
    for expected in ["a2", "a3", "a4"] {
        let next = hand.claim(10).await;
        assert_eq!(named(&next), [expected]);
        hand.record(&next, Delivered).await;
    }
}

#[tokio::test]
async fn a_replay_that_waits_for_one_on_its_way_goes_when_that_ends_without_a_poll() {
    let (gate, is_open) = watch::channel(false);
    let receiver = Receiver::start(move |_, nth| match nth {
        1 => Answer::status(503).once(&is_open),
        _ => Answer::status(200),
    });
    let (world, tenant, subscription) = ordered_subscription(&receiver.url("/hook")).await;
    world.change(subscription, "retry_schedule = '{2}'").await;
    let first = publish(&world.db, tenant, "a", 1).await;
    let _dispatcher = world.dispatch(&["--poll-seconds=60"]).await;
    world.until_status("delivered", 1).await;
    publish(&world.db, tenant, "a", 2).await;
    receiver.wait_for(2, SOON).await;
    replay(&world.db, first).await.unwrap();
    gate.send(true).unwrap();
    world.until_status("delivered", 2).await;
    assert_eq!(received(&receiver, "a"), [1, 2, 1, 2]);
}

#[tokio::test]
async fn a_long_line_is_passed_in_few_claims_and_then_not_looked_at() {
    let (world, tenant, _) = ordered_subscription(NOWHERE).await;
    let sql = "INSERT INTO posthorn.outbox (tenant_id, event, payload, ordering_key)
               SELECT $1, 'order.a', jsonb_build_object('n', n), 'a' FROM generate_series(1, 900) n";
    world.db.execute(sql, &[&tenant]).await.unwrap();
    publish(&world.db, tenant, "b", 1).await;
    let mut hand = world.hand().await;
    let mut served = Vec::new();
    let mut claims = 0;
    loop {
        let look = hand.look(10, 10).await;
        claims += 1;
        served.extend(named(&look.deliveries));
        if !look.has_more {
            break;
        }
    }
    assert_eq!(served, ["a1", "b1"]);
    assert!(claims <= 8, "{claims} claims");
    let still_due = "SELECT count(*) FROM posthorn.webhook_deliveries_live WHERE due_at IS NOT NULL";
    assert_eq!(world.count(still_due).await, 2, "the others are out of the claim's way");
}

#[tokio::test]
async fn who_is_not_ordered_or_has_no_key_waits_for_nobody() {
    let (world, tenant, ordered) = ordered_subscription(NOWHERE).await;
    let plain = world.subscribe(tenant, NOWHERE, &["order.a"]).await;
    for n in 1..=3 {
        publish(&world.db, tenant, "a", n).await;
    }
    world.publish(tenant, "order.none", json!({"n": 1})).await;
    world.publish(tenant, "order.none", json!({"n": 2})).await;
    let claimed = world.hand().await.claim(50).await;
    let (of_ordered, of_plain): (Vec<_>, Vec<_>) = claimed.into_iter().partition(|c| c.subscription_id == ordered);
    assert_eq!(named(&of_ordered), ["a1", "none1", "none2"]);
    assert!(of_plain.iter().all(|claimed| claimed.subscription_id == plain));
    assert_eq!(named(&of_plain), ["a1", "a2", "a3"]);
}

#[tokio::test]
async fn who_gives_up_order_gets_what_stood_in_line_at_once() {
    let (gate, is_open) = watch::channel(false);
    let receiver = Receiver::start(move |_, nth| match nth {
        0 => Answer::status(200).once(&is_open),
        _ => Answer::status(200),
    });
    let (world, tenant, subscription) = ordered_subscription(&receiver.url("/hook")).await;
    for n in 1..=20 {
        publish(&world.db, tenant, "a", n).await;
    }
    let _dispatcher = world.dispatch(&[]).await;
    receiver.wait_for(1, SOON).await;
    world.until("SELECT count(*) = 19 FROM posthorn.webhook_deliveries_live WHERE due_at IS NULL").await;
    world.change(subscription, "ordered = false").await;
    world.until_status("delivered", 19).await;
    gate.send(true).unwrap();
    world.until_status("delivered", 20).await;
    assert_eq!(receiver.requests().len(), 20);
}

#[tokio::test]
async fn a_line_goes_on_after_failures_without_a_poll() {
    let receiver = Receiver::start(|_, nth| Answer::status(if nth % 2 == 0 { 400 } else { 200 }));
    let (world, tenant, subscription) = ordered_subscription(&receiver.url("/hook")).await;
    world.change(subscription, "circuit_failures = 0").await;
    let _dispatchers = (world.dispatch(&["--poll-seconds=60"]).await, world.dispatch(&["--poll-seconds=60"]).await);
    for n in 1..=20 {
        publish(&world.db, tenant, "a", n).await;
    }
    world.until("SELECT NOT EXISTS (SELECT FROM posthorn.webhook_deliveries_live)").await;
    assert_eq!(received(&receiver, "a"), (1..=20).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_killed_dispatchers_line_waits_for_its_lease_and_goes_on_in_order() {
    let (_gate, is_open) = watch::channel(false);
    let receiver = Receiver::start(move |_, nth| match nth {
        0 => Answer::status(200).once(&is_open),
        _ => Answer::status(200),
    });
    let (world, tenant, _) = ordered_subscription(&receiver.url("/hook")).await;
    for n in 1..=3 {
        publish(&world.db, tenant, "a", n).await;
    }
    let killed = world.dispatch_binary(&[("WEBHOOK_TIMEOUT_SECONDS", "60")]).await;
    receiver.wait_for(1, SOON).await;
    killed.kill().await;
    let _second = world.dispatch(&["--poll-seconds=60"]).await;
    for n in 1..=3 {
        publish(&world.db, tenant, "b", n).await;
    }
    eventually("the other key goes on", SOON, async || received(&receiver, "b") == [1, 2, 3]).await;
    world.until_status("delivered", 3).await;
    assert_eq!(received(&receiver, "a"), [1]);
    world.expire_leases().await;
    world.until_status("delivered", 6).await;
    assert_eq!(received(&receiver, "a"), [1, 1, 2, 3]);
}

const CLAIM: &str =
    "SELECT c.id FROM posthorn.claim(posthorn.uuid7(), 10, 10, 600, 10, 10, 10, '{}', '{}', '{}', '{}') c";

/// Nobody would call it: the one before it has looked for whom to call and has not committed yet.
#[tokio::test]
async fn who_stands_behind_one_that_is_just_leaving_is_not_parked() {
    let (world, tenant, _) = ordered_subscription(NOWHERE).await;
    let first = publish(&world.db, tenant, "a", 1).await;
    publish(&world.db, tenant, "a", 2).await;
    let leaving = world.client().await;
    leaving.batch_execute("BEGIN").await.unwrap();
    assert_eq!(cancel(&leaving, first).await.unwrap(), 1);
    let mut hand = world.hand().await;
    assert_eq!(hand.claim(10).await.len(), 0);
    leaving.batch_execute("COMMIT").await.unwrap();
    assert_eq!(named(&hand.claim(10).await), ["a2"]);
}

#[tokio::test]
async fn who_leaves_while_another_is_being_parked_behind_it_waits_and_calls_it() {
    let (world, tenant, _) = ordered_subscription(NOWHERE).await;
    let first = publish(&world.db, tenant, "a", 1).await;
    publish(&world.db, tenant, "a", 2).await;
    let claimer = world.client().await;
    let lease = "UPDATE posthorn.webhook_deliveries SET status = 'sending', lease_until = now() + interval '1 h' WHERE event_id = $1";
    world.db.execute(lease, &[&first]).await.unwrap();
    claimer.batch_execute(&format!("BEGIN; {CLAIM}")).await.unwrap();
    let other = world.client().await;
    let end = "UPDATE posthorn.webhook_deliveries SET status = 'failed', finished_at = now(), lease_until = NULL
               WHERE event_id = $1 AND status IN ('pending', 'sending', 'retrying')";
    let leaves = tokio::spawn(async move { other.execute(end, &[&first]).await });
    let waits =
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')";
    world.until(waits).await;
    claimer.batch_execute("COMMIT").await.unwrap();
    assert_eq!(leaves.await.unwrap().unwrap(), 1);
    assert_eq!(named(&world.hand().await.claim(10).await), ["a2"]);
}

/// Whether a statement waits for another transaction's lock.
const WAITS: &str =
    "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')";

/// Each would call the other, and nobody the one behind both.
#[tokio::test]
async fn two_that_leave_at_the_same_time_call_the_one_behind_both() {
    let (world, tenant, _) = ordered_subscription(NOWHERE).await;
    let first = publish(&world.db, tenant, "a", 1).await;
    let put_off = "INSERT INTO posthorn.outbox (tenant_id, event, payload, ordering_key, deliver_after)
                   VALUES ($1, 'order.a', '{\"n\": 2}', 'a', now() + interval '1 day') RETURNING id";
    let second: Uuid = world.db.query_one(put_off, &[&tenant]).await.unwrap().get(0);
    let third = publish(&world.db, tenant, "a", 3).await;
    let mut hand = world.hand().await;
    assert_eq!(named(&hand.claim(10).await), ["a1"]);
    assert_eq!(world.delivery(third).await.due_at, None, "it is parked");

    let (one, other) = (world.client().await, world.client().await);
    other.batch_execute("BEGIN").await.unwrap();
    assert_eq!(cancel(&other, second).await.unwrap(), 1);
    let leaves = tokio::spawn(async move {
        let end = "UPDATE posthorn.webhook_deliveries SET status = 'delivered', finished_at = now(), lease_until = NULL
                   WHERE event_id = $1 AND status = 'sending'";
        loop {
            match one.execute(end, &[&first]).await {
                Err(error) if error.code() == Some(&SqlState::T_R_SERIALIZATION_FAILURE) => {}
                result => return result.unwrap(),
            }
        }
    });
    world.until(WAITS).await;
    other.batch_execute("COMMIT").await.unwrap();
    assert_eq!(leaves.await.unwrap(), 1);
    assert!(world.delivery(third).await.due_at.is_some(), "nobody called it");
    assert_eq!(named(&hand.claim(10).await), ["a3"]);
}

/// Whoever makes it unordered has freed those it saw in line, and not committed yet.
#[tokio::test]
async fn nobody_is_parked_while_its_subscription_gives_up_order() {
    let (world, tenant, subscription) = ordered_subscription(NOWHERE).await;
    publish(&world.db, tenant, "a", 1).await;
    let mut hand = world.hand().await;
    let one = hand.claim(10).await;
    assert_eq!(named(&one), ["a1"]);
    let owner = world.client().await;
    owner.batch_execute("BEGIN").await.unwrap();
    let unordered = "UPDATE posthorn.webhook_subscriptions SET ordered = false WHERE id = $1";
    assert_eq!(owner.execute(unordered, &[&subscription]).await.unwrap(), 1);
    let second = publish(&world.db, tenant, "a", 2).await;
    assert_eq!(hand.claim(10).await.len(), 0, "for all it knows the subscription is ordered");
    assert!(world.delivery(second).await.due_at.is_some(), "nobody would call it");
    owner.batch_execute("COMMIT").await.unwrap();
    hand.record(&one, Delivered).await;
    let two = hand.claim(10).await;
    assert_eq!(named(&two), ["a2"]);
    hand.record(&two, Delivered).await;
    assert_eq!(world.delivery(second).await.status, "delivered");
}

#[tokio::test]
async fn a_running_dispatcher_finds_who_was_left_in_line_with_nobody_before_it() {
    let receiver = Receiver::start(|_, _| Answer::status(200));
    let (world, tenant, _) = ordered_subscription(&receiver.url("/hook")).await;
    let _dispatcher = world.dispatch(&["--poll-seconds=60"]).await;
    publish(&world.db, tenant, "a", 1).await;
    world.until_status("delivered", 1).await;
    let fault = world.client().await;
    fault.batch_execute("BEGIN").await.unwrap();
    let stranded = publish(&fault, tenant, "a", 2).await;
    publish(&fault, tenant, "a", 3).await;
    let park = "UPDATE posthorn.webhook_deliveries SET due_at = NULL WHERE event_id = $1 AND status = 'pending'";
    assert_eq!(fault.execute(park, &[&stranded]).await.unwrap(), 1);
    fault.batch_execute("COMMIT").await.unwrap();
    world.until_status("delivered", 3).await;
    assert_eq!(received(&receiver, "a"), [1, 2, 3]);
}

/// Each that leaves would look for the next one past all that left before it.
#[tokio::test]
async fn deleting_a_subscription_with_a_long_line_reads_each_row_a_few_times_at_most() {
    const ROWS: i32 = 3000;
    let (world, tenant, subscription) = ordered_subscription(NOWHERE).await;
    let sql = "INSERT INTO posthorn.outbox (tenant_id, event, payload, ordering_key)
               SELECT $1, 'order.a', '{}', 'a' FROM generate_series(1, $2)";
    world.db.execute(sql, &[&tenant, &ROWS]).await.unwrap();
    let api = world.client_of(tenant).await;
    api.batch_execute("BEGIN").await.unwrap();
    let delete = "SELECT cancelled FROM posthorn.delete_subscription($1)";
    assert_eq!(api.query_one(delete, &[&subscription]).await.unwrap().get::<_, i32>(0), ROWS);
    // entries of its indexes, and rows of the table itself
    let read = "SELECT pg_stat_get_xact_tuples_returned('posthorn.webhook_deliveries_live'::regclass)
                    + sum(pg_stat_get_xact_tuples_returned(indexrelid))::bigint
                FROM pg_index WHERE indrelid = 'posthorn.webhook_deliveries_live'::regclass";
    let read: i64 = api.query_one(read, &[]).await.unwrap().get(0);
    api.batch_execute("COMMIT").await.unwrap();
    assert!(read >= i64::from(ROWS), "{read}: it is counted");
    assert!(read <= 10 * i64::from(ROWS), "{read} read for {ROWS} rows");
}
