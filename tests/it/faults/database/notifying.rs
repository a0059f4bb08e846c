//! Notifications that never come, come a hundred thousand times, or could pile up in the server.

use std::time::{Duration, Instant};

use serde_json::json;

use super::scene;
use crate::harness::{SOON, eventually};

/// So seldom that a lost wake-up cannot hide behind the poll.
const HARDLY_POLLS: &str = "--poll-seconds=60";

const RECONNECTED: &str = "posthorn_wakes_total{reason=\"reconnect\"}";

#[tokio::test]
async fn a_session_that_no_longer_listens_is_noticed_and_made_anew() {
    let (world, tenant, receiver) = scene().await;
    // as a transaction pooler does it: the session that asks for the gate's lock finds that it listens no more, once
    let lose = format!(
        "CREATE SCHEMA lost; CREATE TABLE lost.times (n int); INSERT INTO lost.times VALUES (1);
         CREATE FUNCTION lost.pg_try_advisory_lock(a int, b int) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER AS $$
         BEGIN
             IF b = 1 AND EXISTS (SELECT FROM lost.times) THEN DELETE FROM lost.times; EXECUTE 'UNLISTEN *'; END IF;
             RETURN pg_catalog.pg_try_advisory_lock(a, b);
         END $$;
         GRANT USAGE ON SCHEMA lost TO PUBLIC;
         ALTER DATABASE {} SET search_path = lost, pg_catalog, public",
        world.database()
    );
    world.db.batch_execute(&lose).await.unwrap();
    let dispatcher = world.dispatch(&[HARDLY_POLLS]).await;
    eventually("it was lost", SOON, async || world.count("SELECT count(*) FROM lost.times").await == 0).await;
    world.publish(tenant, "invoice.paid", json!({})).await;
    eventually("another session listens", SOON, async || dispatcher.metric(RECONNECTED) >= 2.0).await;
    receiver.wait_for(1, SOON).await;
    // and now it hears
    world.until(super::ASLEEP).await;
    let published = Instant::now();
    world.publish(tenant, "invoice.paid", json!({})).await;
    let late = receiver.wait_for(2, SOON).await[1].at.saturating_duration_since(published);
    assert!(late < Duration::from_secs(4), "{late:?}");
}

#[tokio::test]
async fn a_hundred_thousand_notifications_are_a_few_looks() {
    let (world, tenant, receiver) = scene().await;
    let dispatcher = world.dispatch(&[HARDLY_POLLS]).await;
    world.until(super::ASLEEP).await;
    let before = dispatcher.metric("posthorn_wakes_total{reason=\"notify\"}");
    let flood = "SELECT count(pg_notify('posthorn_wake', n::text)) FROM generate_series(1, 100000) AS n";
    world.db.query(flood, &[]).await.unwrap();
    world.publish(tenant, "invoice.paid", json!({})).await;
    receiver.wait_for(1, SOON).await;
    let emptied = "SELECT pg_notification_queue_usage() < 0.001";
    world.until(emptied).await;
    let looks = dispatcher.metric("posthorn_wakes_total{reason=\"notify\"}") - before;
    assert!((1.0..5_000.0).contains(&looks), "{looks} looks");
}

#[tokio::test]
async fn the_listening_session_is_never_in_a_transaction() {
    let (world, tenant, receiver) = scene().await;
    let _dispatcher = world.dispatch(&[HARDLY_POLLS]).await;
    let held = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'
                AND (query LIKE 'LISTEN%' OR query LIKE '-- queue/%gate%' OR query LIKE '-- queue/listening%' OR query LIKE '-- queue/try_sentinel%')";
    let listens = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state IN ('idle', 'active')
                AND (query LIKE '%LISTEN%' OR query LIKE '-- queue/%gate%' OR query LIKE '-- queue/listening%' OR query LIKE '-- queue/try_sentinel%')
                AND pid <> pg_backend_pid()";
    for n in 1..=50 {
        world.publish(tenant, "invoice.paid", json!({})).await;
        receiver.wait_for(n, SOON).await;
        assert_eq!(world.count(held).await, 0);
    }
    world.until(super::ASLEEP).await;
    assert_eq!(world.count(listens).await, 1);
    // what it would hold back is measured
    assert!(world.count("SELECT count(*) FROM posthorn.server_health").await >= 1);
}
