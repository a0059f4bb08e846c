//! Whose turn it is: everyone's, whatever the others have waiting and however slowly their receivers answer.

use std::time::Duration;

use posthorn::domain::delivery::DeliveryStatus;
use serde_json::json;
use tokio::sync::watch;
use tokio::time::timeout;
use uuid::Uuid;

use crate::harness::{Answer, Binary, Hand, Receiver, SOON, World};

/// Where nobody is called: claims are all that matters.
const NOWHERE: &str = "https://receiver.example/";

/// Whether a dispatcher sleeps: it holds the gate's lock.
const ASLEEP: &str = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = 1886352488 AND objid = 1
    AND mode = 'ExclusiveLock' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))";

/// So many subscriptions of a tenant, each with a delivery that waits for its retry for an hour.
async fn thousands_wait_for_a_retry(world: &World, tenant: Uuid, count: i32) {
    let sql = "WITH subscription AS (
                   INSERT INTO posthorn.webhook_subscriptions (tenant_id, url, events, signing)
                   SELECT $1, 'https://receiver.example/', '{never.comes}', 'none' FROM generate_series(1, $2) RETURNING id)
               INSERT INTO posthorn.webhook_deliveries_live (event_id, tenant_id, event, subscription_id, status, due_at)
               SELECT posthorn.uuid7(), $1, 'never.comes', id, 'retrying', now() + interval '1 hour' FROM subscription";
    world.db.execute(sql, &[&tenant, &count]).await.unwrap();
}

/// Claims one at a time; answers with the tenant and the subscription served by each.
async fn one_at_a_time(hand: &mut Hand, claims: usize) -> Vec<(Uuid, Uuid)> {
    let mut served = Vec::new();
    for _ in 0..claims {
        let one = hand.claim(1).await;
        assert_eq!(one.len(), 1);
        served.push((one[0].tenant_id, one[0].subscription_id));
    }
    served
}

#[tokio::test]
async fn everyone_gets_a_turn_tenant_by_tenant_and_subscription_by_subscription() {
    let world = World::new().await;
    let (loud, quiet) = (world.tenant("loud").await, world.tenant("quiet").await);
    for _ in 0..3 {
        world.subscribe(loud, NOWHERE, &["*"]).await;
    }
    world.subscribe(quiet, NOWHERE, &["*"]).await;
    world.publish_many(loud, "invoice.paid", 50).await;
    world.publish_many(quiet, "invoice.paid", 50).await;
    let served = one_at_a_time(&mut world.hand().await, 24).await;
    for pair in served.chunks(2) {
        assert_ne!(pair[0].0, pair[1].0, "the tenants take turns: {served:?}");
    }
    let of_loud: Vec<Uuid> = served.iter().filter(|(tenant, _)| *tenant == loud).map(|(_, id)| *id).collect();
    assert_eq!(of_loud.len(), 12);
    for (n, three) in of_loud.windows(3).enumerate() {
        let all_different = three[0] != three[1] && three[1] != three[2] && three[0] != three[2];
        assert!(all_different, "so do a tenant's subscriptions, claim {n}: {three:?}");
    }
}

#[tokio::test]
async fn one_claim_serves_everyone_before_it_gives_anyone_more_than_a_share() {
    let world = World::new().await;
    let tenants = [world.tenant("a").await, world.tenant("b").await];
    for tenant in tenants {
        for _ in 0..2 {
            world.subscribe(tenant, NOWHERE, &["*"]).await;
        }
        world.publish_many(tenant, "invoice.paid", 30).await;
    }
    let mut hand = world.hand().await;
    let per_subscription = |claimed: &[posthorn::store::queue::Claimed]| {
        let mut ids: Vec<Uuid> = claimed.iter().map(|c| c.subscription_id).collect();
        ids.sort_unstable();
        ids.chunk_by(|a, b| a == b).map(<[Uuid]>::len).collect::<Vec<_>>()
    };
    assert_eq!(per_subscription(&hand.look(40, 10).await.deliveries), [10, 10, 10, 10]);
    // what the shares leave over goes to whoever has more
    assert_eq!(per_subscription(&hand.look(100, 10).await.deliveries).iter().sum::<usize>(), 80);
}

#[tokio::test]
async fn new_work_of_a_quiet_tenant_overtakes_the_backlog_of_a_loud_one() {
    let world = World::new().await;
    // ids are in the order of time, so that one tenant comes before and one after the loud one
    let before = world.tenant("before").await;
    let loud = world.tenant("loud").await;
    let after = world.tenant("after").await;
    for _ in 0..20 {
        world.subscribe(loud, NOWHERE, &["*"]).await;
    }
    for quiet in [before, after] {
        world.subscribe(quiet, NOWHERE, &["*"]).await;
    }
    world.publish_many(loud, "invoice.paid", 50).await;
    let mut hand = world.hand().await;
    for quiet in [before, after, before, after] {
        assert!(hand.claim(10).await.iter().all(|claimed| claimed.tenant_id == loud));
        world.publish(quiet, "invoice.paid", json!({})).await;
        let next = hand.claim(10).await;
        assert!(next.iter().any(|claimed| claimed.tenant_id == quiet), "the very next claim serves it");
        assert_eq!(next.len(), 10);
    }
}

#[tokio::test]
async fn a_tenant_has_no_more_in_flight_than_its_own_limit() {
    let world = World::new().await;
    let (limited, other) = (world.tenant("limited").await, world.tenant("other").await);
    let (gate, is_open) = watch::channel(false);
    let receiver = Receiver::start(move |path, _| match path {
        "/limited" => Answer::status(200).once(&is_open),
        _ => Answer::status(200),
    });
    for _ in 0..5 {
        world.subscribe(limited, &receiver.url("/limited"), &["*"]).await;
    }
    world.subscribe(other, &receiver.url("/other"), &["*"]).await;
    world.db.execute("UPDATE posthorn.tenants SET max_in_flight = 2 WHERE id = $1", &[&limited]).await.unwrap();
    world.publish_many(limited, "invoice.paid", 20).await;
    let _dispatcher = world.dispatch(&["--concurrency=16", "--poll-seconds=60"]).await;
    receiver.wait_for(2, SOON).await;
    world.publish_many(other, "invoice.paid", 50).await;
    world.until_status("delivered", 50).await;
    assert_eq!(receiver.most_at_once("/limited"), 2);
    gate.send(true).unwrap();
    world.until_status("delivered", 150).await;
    assert_eq!(receiver.most_at_once("/limited"), 2);
}

#[tokio::test]
async fn limits_in_flight_hold_claim_by_claim() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    for _ in 0..3 {
        world.subscribe(tenant, NOWHERE, &["*"]).await;
    }
    world.publish_many(tenant, "invoice.paid", 100).await;
    let (mut one, mut other) = (world.hand().await, world.hand().await);
    for hand in [&mut one, &mut other] {
        (hand.cap, hand.tenant_cap) = (5, 12);
        let first = hand.claim(4).await;
        assert_eq!((first.len(), hand.claim(100).await.len()), (4, 8), "a default holds in each dispatcher");
        assert_eq!(hand.claim(100).await.len(), 0);
        hand.record(&first[..1], DeliveryStatus::Delivered).await;
        assert_eq!(hand.claim(100).await.len(), 1, "what ends makes room");
    }
}

#[tokio::test]
async fn what_a_subscription_asked_for_holds_over_dispatchers_moved_by_hand() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let subscription = world.subscribe(tenant, NOWHERE, &["*"]).await;
    world.change(subscription, "max_in_flight = 3").await;
    world.publish_many(tenant, "invoice.paid", 20).await;
    let (mut one, mut other) = (world.hand().await, world.hand().await);
    let first = one.claim(2).await;
    assert_eq!((first.len(), other.claim(10).await.len()), (2, 1));
    let capped = other.look(10, 10).await;
    assert!(capped.deliveries.is_empty() && capped.capped.contains(&subscription) && !capped.has_more, "{capped:?}");
    one.record(&first[..1], DeliveryStatus::Retrying).await;
    one.record(&first[1..], DeliveryStatus::Delivered).await;
    assert_eq!((other.claim(10).await.len(), one.claim(10).await.len()), (2, 0));
    world.expire_leases().await;
    assert_eq!(one.claim(10).await.len(), 3, "what is lost is not in flight");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_subscription_asked_for_holds_over_three_processes() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = Receiver::start(|_, nth| Answer::status(200).after(Duration::from_millis(5 + nth as u64 % 20)));
    let subscription = world.subscribe(tenant, &receiver.url("/"), &["*"]).await;
    world.change(subscription, "max_in_flight = 3").await;
    let start = || world.dispatch_binary(&[("POSTHORN_CONCURRENCY", "8"), ("RUST_LOG", "warn")]);
    let processes: [Binary; 3] = tokio::join!(start(), start(), start()).into();
    for _ in 0..4 {
        world.publish_many(tenant, "invoice.paid", 50).await;
    }
    world.until_status("delivered", 200).await;
    assert!(receiver.most_at_once("") <= 3, "{} at once", receiver.most_at_once(""));
    assert_eq!(receiver.requests().len(), 200);
    drop(processes);
}

#[tokio::test]
async fn a_hung_receiver_with_thousands_waiting_delays_no_other_tenant() {
    let world = World::new().await;
    let (hung, well) = (world.tenant("hung").await, world.tenant("well").await);
    let (_gate, is_open) = watch::channel(false);
    let receiver = Receiver::start(move |path, _| match path {
        "/hung" => Answer::status(200).once(&is_open),
        _ => Answer::status(200),
    });
    for _ in 0..4 {
        let subscription = world.subscribe(hung, &receiver.url("/hung"), &["*"]).await;
        world.change(subscription, "max_in_flight = 8").await;
    }
    world.subscribe(well, &receiver.url("/well"), &["*"]).await;
    world.publish_many(hung, "invoice.paid", 1000).await;
    let flags = ["--concurrency=8", "--poll-seconds=60", "--timeout-seconds=300"];
    let _dispatcher = world.dispatch(&flags).await;
    receiver.wait_for(6, SOON).await;
    for n in 1..=20 {
        world.publish(well, "invoice.paid", json!({})).await;
        world.until_status("delivered", n).await;
    }
    assert_eq!(receiver.most_at_once("/hung"), 6, "three quarters of all");
}

#[tokio::test]
async fn thousands_that_only_wait_for_a_retry_are_passed_in_few_claims() {
    let world = World::new().await;
    let first = world.tenant("first").await;
    let waiting = world.tenant("waiting").await;
    let last = world.tenant("last").await;
    for tenant in [first, last] {
        world.subscribe(tenant, NOWHERE, &["*"]).await;
    }
    thousands_wait_for_a_retry(&world, waiting, 5000).await;
    let mut hand = world.hand().await;
    for tenant in [first, last, first, last] {
        world.publish(tenant, "invoice.paid", json!({})).await;
        let mut claims = 1;
        while hand.claim(10).await.is_empty() {
            claims += 1;
        }
        assert!(claims <= 4, "{claims} claims");
    }
}

#[tokio::test]
async fn a_dispatcher_sleeps_however_many_subscriptions_have_nothing_that_could_start() {
    let world = World::new().await;
    let (waiting, other) = (world.tenant("waiting").await, world.tenant("other").await);
    let receiver = Receiver::start(|_, _| Answer::status(200));
    world.subscribe(other, &receiver.url("/"), &["*"]).await;
    thousands_wait_for_a_retry(&world, waiting, 2500).await;
    thousands_wait_for_a_retry(&world, waiting, 2500).await;
    // half of them are due, and paused
    let pause = "WITH paused AS (UPDATE posthorn.webhook_subscriptions SET status = 'inactive'
                     WHERE id IN (SELECT id FROM posthorn.webhook_subscriptions WHERE tenant_id = $1 LIMIT 2500) RETURNING id)
                 UPDATE posthorn.webhook_deliveries SET due_at = now() - interval '1 s' WHERE subscription_id IN (SELECT id FROM paused)";
    assert_eq!(world.db.execute(pause, &[&waiting]).await.unwrap(), 2500);
    let _dispatcher = world.dispatch(&["--poll-seconds=60"]).await;
    for n in 1..=3 {
        world.until(ASLEEP).await;
        world.publish(other, "invoice.paid", json!({})).await;
        world.until_status("delivered", n).await;
    }
}

#[tokio::test]
async fn an_inactive_subscriptions_rows_are_not_touched() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let paused = world.subscribe(tenant, NOWHERE, &["*"]).await;
    world.publish_many(tenant, "invoice.paid", 10).await;
    for status in ["inactive", "suspended"] {
        world.change(paused, &format!("status = '{status}'")).await;
        let rows = "SELECT string_agg(d.xmin::text || d.xmax::text || d.ctid::text || d::text, ' ' ORDER BY d.id)
                    FROM posthorn.webhook_deliveries_live d";
        let before: String = world.db.query_one(rows, &[]).await.unwrap().get(0);
        let look = world.hand().await.look(10, 10).await;
        assert!(look.deliveries.is_empty() && !look.has_more && look.look_again.is_none(), "{look:?}");
        assert_eq!(world.db.query_one(rows, &[]).await.unwrap().get::<_, String>(0), before);
    }
}

#[tokio::test]
async fn a_claim_rewrites_no_index() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    world.subscribe(tenant, NOWHERE, &["*"]).await;
    world.publish_many(tenant, "invoice.paid", 500).await;
    let mut db = world.client().await;
    let transaction = db.transaction().await.unwrap();
    let claim =
        "SELECT count(c.id) FROM posthorn.claim(posthorn.uuid7(), 400, 400, 5, 10, 400, 400, '{}', '{}', '{}', '{}') c";
    assert_eq!(transaction.query_one(claim, &[]).await.unwrap().get::<_, i64>(0), 400);
    let updates =
        "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_xact_user_tables WHERE relname = 'webhook_deliveries_live'";
    let row = transaction.query_one(updates, &[]).await.unwrap();
    let (all, hot): (i64, i64) = (row.get(0), row.get(1));
    assert_eq!(all, 400);
    assert!(hot >= 360, "only {hot} of {all} updates were HOT");
}

#[tokio::test]
async fn a_claim_does_not_wait_for_who_holds_a_circuit_whose_probe_is_due() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let in_trouble = world.subscribe(tenant, NOWHERE, &["*"]).await;
    let well = world.subscribe(tenant, NOWHERE, &["*"]).await;
    world.publish_many(tenant, "invoice.paid", 5).await;
    let mut hand = world.hand().await;
    assert_eq!(hand.note(in_trouble, 0, 3).await[0].change, "opened");
    world.db.batch_execute("UPDATE posthorn.circuits SET retry_at = now() - interval '1 s'").await.unwrap();
    let holder = world.client().await;
    holder.batch_execute("BEGIN; SELECT FROM posthorn.circuits FOR UPDATE").await.unwrap();
    let claimed = timeout(SOON, hand.claim(20)).await.expect("it waits for the circuit");
    assert_eq!(claimed.len(), 5);
    assert!(claimed.iter().all(|claimed| claimed.subscription_id == well));
    holder.batch_execute("COMMIT").await.unwrap();
    let probe = hand.claim(20).await;
    assert_eq!((probe.len(), probe[0].subscription_id), (1, in_trouble));
}
