//! When a dispatcher looks: at once when told, by its poll when not, and never too late because two things happened at once.

use std::time::{Duration, Instant};

use serde_json::json;
use uuid::Uuid;

use crate::harness::{Answer, Receiver, SOON, World, eventually};

/// So seldom that a lost wake-up cannot hide behind the poll.
const HARDLY_POLLS: &str = "--poll-seconds=60";

/// Whether a dispatcher sleeps and producers notify: it holds the gate's lock.
const ASLEEP: &str = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = 1886352488 AND objid = 1
    AND mode = 'ExclusiveLock' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))";

/// The process id of the listening connection of the sentinel.
const LISTENER: &str = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = 1886352488 AND objid = 2
    AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

async fn scene() -> (World, Uuid, Receiver) {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(200));
    world.subscribe(tenant, &receiver.url("/hook"), &["*"]).await;
    (world, tenant, receiver)
}

#[tokio::test]
async fn a_sleeping_dispatcher_is_woken_by_a_commit() {
    let (world, tenant, receiver) = scene().await;
    let dispatcher = world.dispatch(&[HARDLY_POLLS]).await;
    for n in 1..=5 {
        world.until(ASLEEP).await;
        world.publish(tenant, "invoice.paid", json!({"n": n})).await;
        receiver.wait_for(n, SOON).await;
    }
    assert!(dispatcher.metric("posthorn_wakes_total{reason=\"notify\"}") >= 5.0);
}

#[tokio::test]
async fn a_dispatcher_does_not_fall_asleep_over_an_open_producer() {
    let (world, tenant, receiver) = scene().await;
    // nobody is asleep yet: this producer skips its NOTIFY
    let producer = world.client().await;
    producer.batch_execute("BEGIN").await.unwrap();
    producer.query("SELECT posthorn.publish($1, 'invoice.paid', '{}')", &[&tenant]).await.unwrap();
    let dispatcher = world.dispatch(&[HARDLY_POLLS]).await;
    let light = "posthorn_wakes_total{reason=\"open_producer\"}";
    eventually("it sleeps lightly", SOON, async || dispatcher.metric(light) > 0.0).await;
    assert!(!world.db.query_one(ASLEEP, &[]).await.unwrap().get::<_, bool>(0));
    producer.batch_execute("COMMIT").await.unwrap();
    receiver.wait_for(1, SOON).await;
    world.until(ASLEEP).await;
}

#[tokio::test]
async fn the_poll_finds_what_was_never_announced() {
    let (world, tenant, receiver) = scene().await;
    let dispatcher = world.dispatch(&["--poll-seconds=1"]).await;
    world.db.batch_execute("SET posthorn.notify = off").await.unwrap();
    for n in 1..=3 {
        world.until(ASLEEP).await;
        world.publish(tenant, "invoice.paid", json!({"n": n})).await;
        let published = Instant::now();
        let late = receiver.wait_for(n, SOON).await[n - 1].at.saturating_duration_since(published);
        assert!(late < Duration::from_secs(5), "{late:?}");
    }
    assert!(dispatcher.metric("posthorn_wakes_total{reason=\"poll\"}") >= 1.0);
}

#[tokio::test]
async fn a_terminated_listening_connection_is_made_anew_and_hears() {
    let (world, tenant, receiver) = scene().await;
    let dispatcher = world.dispatch(&[HARDLY_POLLS]).await;
    for n in 1..=3 {
        world.until(ASLEEP).await;
        let before: i32 = world.db.query_one(LISTENER, &[]).await.unwrap().get(0);
        world.db.query("SELECT pg_terminate_backend($1)", &[&before]).await.unwrap();
        eventually("another connection listens", SOON, async || {
            let now = world.db.query_opt(LISTENER, &[]).await.unwrap();
            now.is_some_and(|row| row.get::<_, i32>(0) != before)
        })
        .await;
        world.until(ASLEEP).await;
        world.publish(tenant, "invoice.paid", json!({"n": n})).await;
        receiver.wait_for(n, SOON).await;
    }
    assert!(dispatcher.metric("posthorn_wakes_total{reason=\"reconnect\"}") >= 3.0);
}

#[tokio::test]
async fn what_is_committed_while_nobody_listens_is_found_after_the_reconnection() {
    let (world, tenant, receiver) = scene().await;
    let _dispatcher = world.dispatch(&[HARDLY_POLLS]).await;
    world.until(ASLEEP).await;
    let sql = format!(
        "WITH gone AS (SELECT pg_terminate_backend(pid) FROM ({LISTENER}) AS l)
                       SELECT posthorn.publish($1, 'invoice.paid', '{{}}') FROM gone"
    );
    world.db.query(&sql, &[&tenant]).await.unwrap();
    receiver.wait_for(1, SOON).await;
}

#[tokio::test]
async fn when_the_sentinel_ends_another_dispatcher_takes_its_place() {
    let (world, tenant, receiver) = scene().await;
    let sentinel = world.dispatch(&[HARDLY_POLLS]).await;
    world.until(ASLEEP).await;
    let _other = world.dispatch(&["--poll-seconds=1"]).await;
    sentinel.stop().await;
    world.publish(tenant, "invoice.paid", json!({})).await;
    receiver.wait_for(1, SOON).await;
    world.until(ASLEEP).await;
}

/// Pairs of producers, one committing at once and one 20 ms later, so that the second commits while the dispatcher is on its
/// way to sleep after the first. The next pair waits for both: nothing but its own wake-up can bring an event in time.
#[tokio::test(flavor = "multi_thread")]
async fn no_wake_up_is_lost_between_two_producers() {
    let (world, tenant, receiver) = scene().await;
    let _dispatchers = (world.dispatch(&[HARDLY_POLLS]).await, world.dispatch(&[HARDLY_POLLS]).await);
    let (quick, slow) = (world.client().await, world.client().await);
    let publish = "SELECT posthorn.publish($1, 'invoice.paid', '{}')";
    let start = Instant::now();
    let mut pairs = 0;
    while start.elapsed() < Duration::from_secs(8) {
        let (at_once, later) = tokio::join!(
            async {
                quick.query(publish, &[&tenant]).await.unwrap();
                Instant::now()
            },
            async {
                slow.batch_execute("BEGIN").await.unwrap();
                slow.query(publish, &[&tenant]).await.unwrap();
                // from right behind the first delivery to well after it
                tokio::time::sleep(Duration::from_millis(pairs as u64 % 30)).await;
                slow.batch_execute("COMMIT").await.unwrap();
                Instant::now()
            }
        );
        pairs += 1;
        let last = receiver.wait_for(2 * pairs, SOON).await[2 * pairs - 1].at;
        let late = last.saturating_duration_since(at_once.max(later));
        assert!(late < Duration::from_secs(1), "pair {pairs}: {late:?} late");
    }
    assert!(pairs > 50, "only {pairs} pairs");
}

/// An event that is committed after the last look has passed its place, and before the gate is closed, was not announced: only
/// the look after the closing can find it.
#[tokio::test]
async fn what_comes_between_the_last_look_and_the_closing_of_the_gate_is_found() {
    let (world, tenant, receiver) = scene().await;
    let _dispatcher = world.dispatch(&[HARDLY_POLLS]).await;
    let blocker = world.client().await;
    let looking =
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
                   AND query LIKE '-- queue/claim:%')";
    for n in 1..=5 {
        // until nothing of the beginning, or of the round before, is left that would make it look once more
        world.until(ASLEEP).await;
        world.publish(tenant, "invoice.paid", json!({})).await;
        receiver.wait_for(2 * n - 1, SOON).await;
        world.until_status("delivered", 2 * n as i64 - 1).await;
        world.until(ASLEEP).await;
        // a look that has found nothing is held up at its end, where it asks for open fan-outs
        blocker.batch_execute("BEGIN; LOCK TABLE posthorn.event_fanouts IN ACCESS EXCLUSIVE MODE").await.unwrap();
        world.wake().await;
        world.until(looking).await;
        world.until(&format!("SELECT NOT ({ASLEEP})")).await;
        world.publish(tenant, "invoice.paid", json!({})).await;
        blocker.batch_execute("ROLLBACK").await.unwrap();
        receiver.wait_for(2 * n, SOON).await;
        world.until_status("delivered", 2 * n as i64).await;
    }
}

/// Producers that commit at random moments, and then silence: only a wake-up can bring the last of them.
#[tokio::test(flavor = "multi_thread")]
async fn no_wake_up_is_lost_among_many_producers() {
    let (world, tenant, receiver) = scene().await;
    let _dispatchers = (world.dispatch(&[HARDLY_POLLS]).await, world.dispatch(&[HARDLY_POLLS]).await);
    let mut producers = Vec::new();
    for _ in 0..8 {
        producers.push(world.client().await);
    }
    for round in 1..=60u64 {
        let publish = producers.iter().enumerate().map(async |(nth, producer)| {
            // 0 to 39 ms: the same in every run, and no two rounds alike
            let delay = |salt: u64| (round * 7919 + nth as u64 * 104_729 + salt * 15_485_863) % 1009 % 20;
            tokio::time::sleep(Duration::from_millis(delay(1))).await;
            producer.batch_execute("BEGIN").await.unwrap();
            producer.query("SELECT posthorn.publish($1, 'invoice.paid', '{}')", &[&tenant]).await.unwrap();
            tokio::time::sleep(Duration::from_millis(delay(2))).await;
            producer.batch_execute("COMMIT").await.unwrap();
        });
        futures_util::future::join_all(publish).await;
        receiver.wait_for(round as usize * producers.len(), SOON).await;
    }
}
