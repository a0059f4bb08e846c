//! Locks, time limits and deadlocks: a result waits for its turn, is written once, and nothing is sent again for it.

use serde_json::json;
use tokio::sync::watch;
use tokio_postgres::Client;
use uuid::Uuid;

use super::{login, login_name, scene};
use crate::harness::{Aftermath, Answer, Binary, Receiver, SOON, World, dispatch_binary, eventually, server};

/// Whether a dispatcher waits for a lock to write a result.
const WAITS: &str = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
    AND wait_event_type = 'Lock' AND query LIKE '-- queue/record:%')";

/// A scene whose receiver answers while the gate is open.
async fn gated() -> (World, Uuid, watch::Sender<bool>, Receiver) {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let (gate, is_open) = watch::channel(false);
    let receiver = Receiver::start(move |_, _| Answer::status(200).once(&is_open));
    world.subscribe(tenant, &receiver.url("/hook"), &["*"]).await;
    (world, tenant, gate, receiver)
}

async fn lock_attempts(world: &World) -> Client {
    let blocker = world.client().await;
    blocker.batch_execute("BEGIN; LOCK TABLE posthorn.webhook_attempts IN ACCESS EXCLUSIVE MODE").await.unwrap();
    blocker
}

fn says(binary: &Binary, part: &str) -> bool {
    binary.lines().iter().any(|line| line.contains(part))
}

#[tokio::test]
async fn time_limits_of_the_login_put_a_result_off_and_do_not_lose_it() {
    let (world, tenant, gate, receiver) = gated().await;
    let url = login(&world, "").await;
    let limits =
        ["lock_timeout = '50ms'", "idle_in_transaction_session_timeout = '100ms'", "statement_timeout = '250ms'"];
    for limit in limits {
        server().admin(&format!("ALTER ROLE {} SET {limit}", login_name(&world))).await.unwrap();
    }
    let dispatcher = dispatch_binary(&url, &[]).await;
    let aftermath = Aftermath::before(&[&dispatcher]);
    world.publish(tenant, "invoice.paid", json!({})).await;
    receiver.wait_for(1, SOON).await;
    let blocker = lock_attempts(&world).await;
    gate.send(true).unwrap();
    let line = dispatcher.wait_for_line("results wait for the database", SOON).await;
    assert!(line.contains("canceling statement due to lock timeout"), "{line}");
    blocker.batch_execute("ROLLBACK").await.unwrap();
    world.until_status("delivered", 1).await;
    assert_eq!(receiver.requests().len(), 1);
    aftermath.holds(&world).await;

    // 57014, as a statement_timeout or somebody's pg_cancel_backend has it
    server().admin(&format!("ALTER ROLE {} RESET lock_timeout", login_name(&world))).await.unwrap();
    dispatcher.kill().await;
    gate.send(false).unwrap();
    let dispatcher = dispatch_binary(&url, &[]).await;
    let aftermath = Aftermath::before(&[&dispatcher]);
    world.publish(tenant, "invoice.paid", json!({})).await;
    receiver.wait_for(2, SOON).await;
    let blocker = lock_attempts(&world).await;
    gate.send(true).unwrap();
    world.until(WAITS).await;
    let cancel = "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE datname = current_database()
                  AND query LIKE '-- queue/record:%'";
    world.db.query(cancel, &[]).await.unwrap();
    dispatcher.wait_for_line("canceling statement due to user request", SOON).await;
    blocker.batch_execute("ROLLBACK").await.unwrap();
    world.until_status("delivered", 2).await;
    assert_eq!(receiver.requests().len(), 2);
    assert_eq!(world.count("SELECT count(*) FROM posthorn.webhook_attempts").await, 2);
    aftermath.holds(&world).await;
}

const LOCK: &str = "SELECT FROM posthorn.webhook_deliveries WHERE id = $1 FOR UPDATE";

/// A session that holds a delivery, with its process id. It looks for deadlocks much later than a dispatcher, which therefore loses.
async fn holding(world: &World, delivery: Uuid) -> (Client, i32) {
    let client = world.client().await;
    client.batch_execute("SET deadlock_timeout = '60s'; BEGIN").await.unwrap();
    client.execute(LOCK, &[&delivery]).await.unwrap();
    let pid = client.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    (client, pid)
}

/// Which of two sessions keeps a result from being written, other than `but`.
async fn blocked_by(world: &World, others: &[(Client, i32); 2], but: Option<usize>) -> usize {
    let blocking = "SELECT coalesce(array_agg(b.pid), '{}') FROM pg_stat_activity a CROSS JOIN unnest(pg_blocking_pids(a.pid)) AS b (pid)
                    WHERE a.datname = current_database() AND a.query LIKE '-- queue/record:%'";
    let found = async || {
        let pids: Vec<i32> = world.db.query_one(blocking, &[]).await.unwrap().get(0);
        (0..2).find(|&n| Some(n) != but && pids.contains(&others[n].1))
    };
    eventually("a result waits for one of them", SOON, async || found().await.is_some()).await;
    found().await.expect("it waits until it is let go")
}

#[tokio::test]
async fn a_result_that_loses_a_deadlock_is_written_at_the_next_try() {
    let (world, tenant, gate, receiver) = gated().await;
    world.db.batch_execute("UPDATE posthorn.webhook_subscriptions SET batch_max = 2").await.unwrap();
    world.publish_many(tenant, "invoice.paid", 2).await;
    let url = login(&world, "").await;
    let dispatcher = dispatch_binary(&url, &[]).await;
    let aftermath = Aftermath::before(&[&dispatcher]);
    receiver.wait_for(1, SOON).await;
    let ids: Vec<Uuid> = world.deliveries(tenant).await.iter().map(|delivery| delivery.id).collect();
    let others = [holding(&world, ids[0]).await, holding(&world, ids[1]).await];
    gate.send(true).unwrap();
    // it gets the one that it wants first, and waits for the second; then whoever holds that wants the first
    let wanted = blocked_by(&world, &others, None).await;
    others[wanted].0.batch_execute("COMMIT").await.unwrap();
    let second = blocked_by(&world, &others, Some(wanted)).await;
    others[second].0.execute(LOCK, &[&ids[wanted]]).await.unwrap();
    others[second].0.batch_execute("COMMIT").await.unwrap();
    world.until_status("delivered", 2).await;
    let lost = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    eventually("the deadlock is counted", SOON, async || world.count(lost).await > 0).await;
    assert!(!says(&dispatcher, "ERROR"), "{:#?}", dispatcher.lines());
    assert_eq!(receiver.requests().len(), 1);
    assert_eq!(world.count("SELECT count(*) FROM posthorn.webhook_attempts").await, 2);
    aftermath.holds(&world).await;
}

#[tokio::test]
async fn beside_an_old_snapshot_deliveries_go_on() {
    let (world, tenant, receiver) = scene().await;
    let old = world.client().await;
    old.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM posthorn.tenants").await.unwrap();
    let _dispatcher = world.dispatch(&[]).await;
    for n in 1..=10 {
        world.publish_many(tenant, "invoice.paid", 200).await;
        receiver.wait_for(200 * n, SOON).await;
    }
    world.until_status("delivered", 2000).await;
    let named = "SELECT count(*) FROM posthorn.held_snapshots WHERE kind = 'session'";
    assert!(world.count(named).await >= 1);
    old.batch_execute("COMMIT").await.unwrap();
}
