//! From commit order to places in line: the order of the commits is the order of the numbers, also for what is fanned out later.

use std::pin::pin;

use bytes::Bytes;
use futures_util::SinkExt;
use posthorn::domain::delivery::DeliveryStatus::Delivered;
use tokio_postgres::Client;
use uuid::Uuid;

use super::{named, ordered_subscription, publish};
use crate::harness::World;

const NOWHERE: &str = "https://receiver.example/";

/// Numbers of the events in the order of their places in line.
async fn in_line(world: &World, key: &str) -> Vec<i32> {
    let sql = "SELECT (o.payload ->> 'n')::int FROM posthorn.webhook_deliveries_live d JOIN posthorn.outbox o ON o.id = d.event_id
               WHERE d.ordering_key = $1 ORDER BY d.ordering_number";
    world.db.query(sql, &[&key]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn the_order_is_that_of_the_commits_and_other_keys_do_not_wait() {
    let (world, tenant, _) = ordered_subscription(NOWHERE).await;
    // the one that began first commits last
    let (one, other, third) = (world.client().await, world.client().await, world.client().await);
    one.batch_execute("BEGIN; SELECT now()").await.unwrap();
    other.batch_execute("BEGIN").await.unwrap();
    publish(&other, tenant, "a", 1).await;
    let later = tokio::spawn(async move {
        publish(&one, tenant, "a", 2).await;
        one.batch_execute("COMMIT").await.unwrap();
    });
    let waits =
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory')";
    world.until(waits).await;
    publish(&third, tenant, "b", 1).await; // does not wait
    let mut hand = world.hand().await;
    assert_eq!(named(&hand.claim(10).await), ["b1"]);
    other.batch_execute("COMMIT").await.unwrap();
    later.await.unwrap();
    assert_eq!(in_line(&world, "a").await, [1, 2]);
    let first = hand.claim(10).await;
    assert_eq!(named(&first), ["a1"]);
    hand.record(&first, Delivered).await;
    assert_eq!(named(&hand.claim(10).await), ["a2"]);
}

#[tokio::test]
async fn a_rollback_leaves_no_hole() {
    let (world, tenant, _) = ordered_subscription(NOWHERE).await;
    let business = world.client().await;
    for (n, end) in [(1, "COMMIT"), (2, "ROLLBACK"), (3, "COMMIT")] {
        business.batch_execute("BEGIN").await.unwrap();
        publish(&business, tenant, "a", n).await;
        business.batch_execute(end).await.unwrap();
    }
    let mut hand = world.hand().await;
    for expected in ["a1", "a3"] {
        let next = hand.claim(10).await;
        assert_eq!(named(&next), [expected]);
        hand.record(&next, Delivered).await;
    }
}

#[tokio::test]
async fn events_of_one_statement_and_of_a_copy_keep_their_order() {
    let (world, tenant, _) = ordered_subscription(NOWHERE).await;
    world.subscribe(tenant, NOWHERE, &["*"]).await;
    let insert = "INSERT INTO posthorn.outbox (tenant_id, event, payload, ordering_key)
                  SELECT $1, 'order.a', jsonb_build_object('n', n), CASE n % 2 WHEN 0 THEN 'even' ELSE 'odd' END
                  FROM generate_series(1, 200) n";
    world.db.execute(insert, &[&tenant]).await.unwrap();
    let copy =
        world.db.copy_in("COPY posthorn.outbox (tenant_id, event, payload, ordering_key) FROM STDIN").await.unwrap();
    let mut copy = pin!(copy);
    for n in 201..=400 {
        let key = if n % 2 == 0 { "even" } else { "odd" };
        copy.send(Bytes::from(format!("{tenant}\torder.a\t{{\"n\": {n}}}\t{key}\n"))).await.unwrap();
    }
    copy.finish().await.unwrap();
    assert_eq!(in_line(&world, "even").await, (1..=200).map(|n| 2 * n).collect::<Vec<_>>());
    assert_eq!(in_line(&world, "odd").await, (1..=200).map(|n| 2 * n - 1).collect::<Vec<_>>());
}

/// Two statements with the same keys the other way round.
#[tokio::test(flavor = "multi_thread")]
async fn statements_with_several_keys_cannot_wait_for_each_other() {
    let (world, tenant, _) = ordered_subscription(NOWHERE).await;
    let publish_all = async |order: &str| {
        let client = world.client().await;
        let sql = format!(
            "INSERT INTO posthorn.outbox (tenant_id, event, payload, ordering_key)
             SELECT $1, 'order.a', '{{}}', n::text FROM generate_series(1, 30) n ORDER BY n {order}"
        );
        for _ in 0..40 {
            client.execute(&sql, &[&tenant]).await.unwrap();
        }
    };
    tokio::join!(publish_all("ASC"), publish_all("DESC"), publish_all("ASC"), publish_all("DESC"));
    assert_eq!(world.count("SELECT count(*) FROM posthorn.webhook_deliveries_live").await, 4800);
}

/// Why an event is left open for a dispatcher to fan out.
async fn leave_open(world: &World, tenant: Uuid, why: &str) {
    let sql = match why {
        "a dear filter" => {
            "INSERT INTO posthorn.webhook_subscriptions (tenant_id, url, events, signing, filter)
             VALUES ($1, 'https://receiver.example/', '{order.open}', 'none', '$.items[*].price > 100')"
        }
        "a broken filter" => {
            "INSERT INTO posthorn.webhook_subscriptions (tenant_id, url, events, signing, filter)
             VALUES ($1, 'https://receiver.example/', '{order.open}', 'none',
                 '\"2020-01-01\".datetime() < \"2020-01-01T00:00:00+00\".datetime()')"
        }
        _ => {
            "INSERT INTO posthorn.webhook_subscriptions (tenant_id, url, events, signing)
             SELECT $1, 'https://receiver.example/', '{order.open}', 'none' FROM generate_series(1, 600)"
        }
    };
    world.db.execute(sql, &[&tenant]).await.unwrap();
}

#[tokio::test]
async fn an_event_left_open_holds_back_what_comes_after_it_with_the_same_key() {
    for why in ["a dear filter", "a broken filter", "very many subscriptions"] {
        let (world, tenant, ordered) = ordered_subscription(NOWHERE).await;
        leave_open(&world, tenant, why).await;
        // the open one with another in its statement, and more after it
        let sql = "INSERT INTO posthorn.outbox (tenant_id, event, payload, ordering_key)
                   VALUES ($1, 'order.open', '{\"n\": 1}', 'k'), ($1, 'order.k', '{\"n\": 2}', 'k')";
        world.db.execute(sql, &[&tenant]).await.unwrap();
        assert_eq!(world.count("SELECT count(*) FROM posthorn.event_fanouts WHERE state = 'open'").await, 2, "{why}");
        publish(&world.db, tenant, "k", 3).await;
        publish(&world.db, tenant, "other", 1).await;
        let mut hand = world.hand().await;
        let claimed = hand.claim(10).await;
        assert_eq!(named(&claimed), ["other1"], "{why}");
        hand.record(&claimed, Delivered).await;

        let dispatcher = world.client_as("posthorn_dispatcher").await;
        let fan_out = "SELECT is_found FROM posthorn.fan_out_open(100)";
        while dispatcher.query_one(fan_out, &[]).await.unwrap().get(0) {}
        publish(&world.db, tenant, "k", 4).await;
        for expected in ["open1", "k2", "k3", "k4"] {
            let claimed = hand.claim(1000).await;
            let (next, others): (Vec<_>, Vec<_>) = claimed.into_iter().partition(|c| c.subscription_id == ordered);
            assert_eq!(named(&next), [expected], "{why}");
            hand.record(&next, Delivered).await;
            hand.record(&others, Delivered).await;
        }
    }
}

#[tokio::test]
async fn dispatchers_fan_out_a_key_in_order_by_themselves() {
    let receiver = crate::harness::Receiver::start(|_, _| crate::harness::Answer::status(200));
    let (world, tenant, subscription) = ordered_subscription(&receiver.url("/hook")).await;
    world.change(subscription, "filter = '$.items[*].price > 100 || $.n > 0'").await;
    let _dispatchers = (world.dispatch(&["--poll-seconds=60"]).await, world.dispatch(&["--poll-seconds=60"]).await);
    for n in 1..=20 {
        publish(&world.db, tenant, "a", n).await;
        publish(&world.db, tenant, "b", n).await;
    }
    world.until_status("delivered", 40).await;
    for key in ["a", "b"] {
        assert_eq!(super::received(&receiver, key), (1..=20).collect::<Vec<_>>());
    }
}

/// Publishes very many events in one statement, each with a key of its own.
async fn publish_keys(client: &Client, tenant: Uuid) -> u64 {
    let sql = "INSERT INTO posthorn.outbox (tenant_id, event, payload, ordering_key)
               SELECT $1, 'order.many', '{}', n::text FROM generate_series(1, 20000) n";
    client.execute(sql, &[&tenant]).await.unwrap()
}

/// Advisory locks of the client's transaction, but for the one on the gate of sleeping dispatchers.
const KEY_LOCKS: &str = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()
    AND NOT (classid = 1886352488 AND objid = 1 AND objsubid = 2)";

#[tokio::test]
async fn very_many_keys_in_one_statement_do_not_fill_the_servers_lock_table() {
    let (world, tenant, _) = ordered_subscription(NOWHERE).await;
    let client = world.client().await;
    client.batch_execute("BEGIN").await.unwrap();
    assert_eq!(publish_keys(&client, tenant).await, 20_000);
    let locks: i64 = client.query_one(KEY_LOCKS, &[]).await.unwrap().get(0);
    assert!((1..=1024).contains(&locks), "{locks} locks");
    client.batch_execute("COMMIT").await.unwrap();
    assert_eq!(world.count("SELECT count(*) FROM posthorn.webhook_deliveries_live").await, 20_000);
}

#[tokio::test]
async fn keys_are_not_locked_where_no_subscription_wants_order() {
    let (world, _, _) = ordered_subscription(NOWHERE).await;
    let unordered = world.tenant("unordered").await;
    world.subscribe(unordered, NOWHERE, &["*"]).await;
    let client = world.client().await;
    client.batch_execute("BEGIN").await.unwrap();
    assert_eq!(publish_keys(&client, unordered).await, 20_000);
    assert_eq!(client.query_one(KEY_LOCKS, &[]).await.unwrap().get::<_, i64>(0), 0);
    client.batch_execute("COMMIT").await.unwrap();
    assert_eq!(world.count("SELECT count(*) FROM posthorn.webhook_deliveries_live").await, 20_000);
}

#[tokio::test]
async fn a_snapshot_of_before_an_open_event_does_not_overtake_it() {
    for isolation in ["REPEATABLE READ", "SERIALIZABLE"] {
        let (world, tenant, ordered) = ordered_subscription(NOWHERE).await;
        leave_open(&world, tenant, "a dear filter").await;
        let old = world.client().await;
        old.batch_execute(&format!("BEGIN ISOLATION LEVEL {isolation}; SELECT FROM posthorn.outbox")).await.unwrap();
        let open = "INSERT INTO posthorn.outbox (tenant_id, event, payload, ordering_key)
                    VALUES ($1, 'order.open', '{\"n\": 1}', 'k')";
        world.db.execute(open, &[&tenant]).await.unwrap();
        publish(&old, tenant, "k", 2).await;
        old.batch_execute("COMMIT").await.unwrap();
        publish(&world.db, tenant, "k", 3).await;
        let mut hand = world.hand().await;
        assert_eq!(hand.claim(10).await.len(), 0, "{isolation}");
        let dispatcher = world.client_as("posthorn_dispatcher").await;
        let fan_out = "SELECT is_found FROM posthorn.fan_out_open(100)";
        while dispatcher.query_one(fan_out, &[]).await.unwrap().get(0) {}
        for expected in ["open1", "k2", "k3"] {
            let claimed = hand.claim(10).await;
            let (next, others): (Vec<_>, Vec<_>) = claimed.into_iter().partition(|c| c.subscription_id == ordered);
            assert_eq!(named(&next), [expected], "{isolation}");
            hand.record(&next, Delivered).await;
            hand.record(&others, Delivered).await;
        }
    }
}

#[tokio::test]
async fn an_unknown_tenants_event_behind_an_open_one_of_its_key_is_marked_and_does_not_fail() {
    let world = World::new().await;
    let nobody = Uuid::now_v7();
    let open = "INSERT INTO posthorn.event_fanouts (event_id, tenant_id, state, reason, ordering_key)
                VALUES (posthorn.uuid7(), $1, 'open', 'its tenant was there then', 'k')";
    world.db.execute(open, &[&nobody]).await.unwrap();
    let client = world.client().await;
    for isolation in ["READ COMMITTED", "REPEATABLE READ"] {
        client.batch_execute(&format!("BEGIN ISOLATION LEVEL {isolation}")).await.unwrap();
        publish(&client, nobody, "k", 1).await;
        publish(&client, nobody, "other", 1).await;
        client.batch_execute("COMMIT").await.unwrap();
    }
    let marked = "SELECT count(*) FROM posthorn.event_fanouts f JOIN posthorn.outbox o ON o.id = f.event_id
                  WHERE f.state IN ('unknown_tenant', 'open')";
    assert_eq!(world.count(marked).await, 4);
}
