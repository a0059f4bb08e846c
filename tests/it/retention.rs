//! Retention: whole days go when nothing needs them any more, and nobody who publishes notices.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join_all;
use posthorn::store::retention::{self, Applied};
use posthorn::store::{StoreRole, days};
use secrecy::ExposeSecret;
use serde_json::json;
use uuid::Uuid;

use crate::harness::{SOON, Serving, World};

const KEPT: i32 = 30;

/// An id of so many days ago.
const OLD_ID: &str = "(left(posthorn.first_id_of((now() AT TIME ZONE 'UTC')::date - $1::int)::text, 13)
    || substr(posthorn.uuid7()::text, 14))::uuid";

/// An event and its delivery.
#[derive(Clone, Copy)]
pub(crate) struct Old {
    pub(crate) event: Uuid,
    pub(crate) delivery: Uuid,
}

/// A world with a tenant that is subscribed to everything, and with partitions for these days ago.
pub(crate) async fn world_with_days(ago: &[i32]) -> (World, Uuid) {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    world.subscribe(tenant, "https://receiver.example/", &["*"]).await;
    days::make_ahead(&world.store(StoreRole::Dispatcher), 1).await.unwrap();
    make_days(&world, ago).await;
    (world, tenant)
}

async fn make_days(world: &World, ago: &[i32]) {
    let make = "SELECT posthorn.make_day(p, (now() AT TIME ZONE 'UTC')::date - n)
                FROM unnest('{webhook_deliveries_done,webhook_attempts,outbox}'::text[]) p, unnest($1::int[]) n";
    world.db.execute(make, &[&ago]).await.unwrap();
}

/// Publishes an event so many days ago; its delivery, one attempt old, is of the day `delivery_ago`.
pub(crate) async fn publish_ago(world: &World, tenant: Uuid, ago: i32, delivery_ago: i32) -> Old {
    let event = world.publish(tenant, "invoice.paid", json!({"n": 1})).await;
    let moved = format!("UPDATE posthorn.outbox SET id = {OLD_ID} WHERE id = $2 RETURNING id");
    let old: Uuid = world.db.query_one(&moved, &[&ago, &event]).await.unwrap().get(0);
    let moved =
        format!("UPDATE posthorn.webhook_deliveries SET id = {OLD_ID}, event_id = $2 WHERE event_id = $3 RETURNING id");
    let delivery: Uuid = world.db.query_one(&moved, &[&delivery_ago, &old, &event]).await.unwrap().get(0);
    let attempt =
        "INSERT INTO posthorn.webhook_attempts (delivery_id, epoch, tenant_id, generation, number, target_url,
                       started_at, duration_ms, status_code)
                   VALUES ($1, 1, $2, 0, 1, 'https://receiver.example/', now(), 5, 503)";
    world.db.execute(attempt, &[&delivery, &tenant]).await.unwrap();
    Old { event: old, delivery }
}

async fn finish(world: &World, delivery: Uuid) {
    let sql = "UPDATE posthorn.webhook_deliveries SET status = 'delivered', finished_at = now() WHERE id = $1";
    assert_eq!(world.db.execute(sql, &[&delivery]).await.unwrap(), 1);
}

/// As the API's retry does it.
const REPLAY: &str = "UPDATE posthorn.webhook_deliveries SET status = 'pending', finished_at = NULL,
    generation = generation + 1, epoch = epoch + 1, attempts = 0 WHERE id = $1";

pub(crate) async fn finished_ago(world: &World, tenant: Uuid, ago: i32) -> Old {
    let old = publish_ago(world, tenant, ago, ago).await;
    finish(world, old.delivery).await;
    old
}

async fn apply(world: &World) -> Applied {
    retention::apply(&world.store(StoreRole::Dispatcher), KEPT).await.unwrap()
}

fn reasons(applied: &Applied) -> Vec<(&str, &str)> {
    applied.held_back.iter().map(|day| (day.parent.as_str(), day.held_back_by.as_deref().unwrap())).collect()
}

/// Rows of event, delivery and attempts.
pub(crate) async fn rows_of(world: &World, old: Old) -> [i64; 3] {
    let sql = "SELECT (SELECT count(*) FROM posthorn.outbox WHERE id = $1),
                      (SELECT count(*) FROM posthorn.webhook_deliveries WHERE id = $2),
                      (SELECT count(*) FROM posthorn.webhook_attempts WHERE delivery_id = $2)";
    let row = world.db.query_one(sql, &[&old.event, &old.delivery]).await.unwrap();
    [row.get(0), row.get(1), row.get(2)]
}

#[tokio::test]
async fn expired_days_go_and_younger_ones_stay() {
    let (world, tenant) = world_with_days(&[40, 31, 30, 1]).await;
    let (oldest, expired) = (finished_ago(&world, tenant, 40).await, finished_ago(&world, tenant, 31).await);
    let (kept, yesterday) = (finished_ago(&world, tenant, 30).await, publish_ago(&world, tenant, 1, 1).await);
    let applied = apply(&world).await;
    assert_eq!(applied, Applied { dropped: 6, ..Applied::default() });
    assert_eq!(rows_of(&world, oldest).await, [0, 0, 0]);
    assert_eq!(rows_of(&world, expired).await, [0, 0, 0]);
    assert_eq!(rows_of(&world, kept).await, [1, 1, 1]);
    assert_eq!(rows_of(&world, yesterday).await, [1, 1, 1]);
    assert_eq!(apply(&world).await, Applied::default(), "a second round finds nothing");
}

#[tokio::test]
async fn the_role_of_requests_cannot_drop_anything() {
    let (world, tenant) = world_with_days(&[40]).await;
    let old = finished_ago(&world, tenant, 40).await;
    let api = world.client_of(tenant).await;
    for call in [
        "SELECT posthorn.drop_day('outbox', current_date - 40)",
        "SELECT posthorn.prune_strays('outbox', 1, 1000)",
        "SELECT posthorn.expired_days(1)",
    ] {
        let refused = api.batch_execute(call).await.unwrap_err();
        assert_eq!(refused.code().unwrap().code(), "42501", "{call}");
    }
    assert_eq!(rows_of(&world, old).await, [1, 1, 1]);
}

#[tokio::test]
async fn retention_0_keeps_everything() {
    let (world, tenant) = world_with_days(&[3000]).await;
    let old = finished_ago(&world, tenant, 3000).await;
    let in_default = finished_ago(&world, tenant, 2999).await;
    let store = world.store(StoreRole::Dispatcher);
    assert_eq!(retention::apply(&store, 0).await.unwrap(), Applied::default());
    assert!(retention::expired(&store, 0).await.unwrap().is_empty());
    assert_eq!(days::make_stray(&store, 0).await.unwrap(), 3, "what is in default gets its day however old it is");
    assert_eq!((rows_of(&world, old).await, rows_of(&world, in_default).await), ([1, 1, 1], [1, 1, 1]));
}

#[tokio::test]
async fn a_day_with_a_live_delivery_is_kept_until_that_is_finished() {
    let (world, tenant) = world_with_days(&[40]).await;
    let (live, done) = (publish_ago(&world, tenant, 40, 40).await, finished_ago(&world, tenant, 40).await);
    let applied = apply(&world).await;
    assert_eq!(applied.dropped, 0);
    let unfinished = format!("delivery {} is not finished", live.delivery);
    let of_event = format!("delivery {} of an event of this day is not finished", live.delivery);
    let wanted =
        [("webhook_deliveries_done", unfinished.as_str()), ("webhook_attempts", &unfinished), ("outbox", &of_event)];
    assert_eq!(reasons(&applied), wanted);
    let visible = "SELECT count(*) FROM posthorn.expired_days(30) WHERE held_back_by LIKE '%is not finished'";
    let operator = world.client_as("posthorn_readonly").await;
    assert_eq!(operator.query_one(visible, &[]).await.unwrap().get::<_, i64>(0), 3);
    assert_eq!((rows_of(&world, live).await, rows_of(&world, done).await), ([1, 1, 1], [1, 1, 1]));

    finish(&world, live.delivery).await;
    assert_eq!(apply(&world).await, Applied { dropped: 3, ..Applied::default() });
    assert_eq!((rows_of(&world, live).await, rows_of(&world, done).await), ([0, 0, 0], [0, 0, 0]));
}

#[tokio::test]
async fn a_replayed_delivery_keeps_its_event_and_its_trail() {
    let (world, tenant) = world_with_days(&[40]).await;
    let old = finished_ago(&world, tenant, 40).await;
    let mut caller = world.client().await;
    let replay = caller.transaction().await.unwrap();
    replay.execute(REPLAY, &[&old.delivery]).await.unwrap();
    // not committed yet, so that only the locks can tell
    let applied = apply(&world).await;
    assert_eq!((applied.dropped, applied.busy), (0, 1), "{applied:?}");
    replay.commit().await.unwrap();
    assert_eq!(apply(&world).await.held_back.len(), 3);
    assert_eq!(rows_of(&world, old).await, [1, 1, 1]);
    finish(&world, old.delivery).await;
    assert_eq!(rows_of(&world, old).await, [1, 1, 1]);
    assert_eq!(apply(&world).await.dropped, 3);
}

#[tokio::test]
async fn an_event_stays_as_long_as_a_delivery_that_can_be_retried() {
    let (world, tenant) = world_with_days(&[40, 20]).await;
    let late = publish_ago(&world, tenant, 40, 20).await;
    finish(&world, late.delivery).await;
    let applied = apply(&world).await;
    assert_eq!(applied.dropped, 2, "deliveries and attempts of the event's day were empty");
    let reason = format!("finished delivery {} of an event of this day is still there", late.delivery);
    assert_eq!(reasons(&applied), [("outbox", reason.as_str())]);
    // whatever retention did, every delivery there is has its event
    let orphans = "SELECT count(*) FROM posthorn.webhook_deliveries d
                   WHERE NOT EXISTS (SELECT FROM posthorn.outbox o WHERE o.id = d.event_id)";
    assert_eq!(world.count(orphans).await, 0);
    let younger = retention::apply(&world.store(StoreRole::Dispatcher), 10).await.unwrap();
    assert_eq!((younger.dropped, younger.held_back.len()), (3, 1), "the event was asked before its delivery went");
    assert_eq!(retention::apply(&world.store(StoreRole::Dispatcher), 10).await.unwrap().dropped, 1);
    assert_eq!(rows_of(&world, late).await, [0, 0, 0]);
}

#[tokio::test]
async fn an_open_fan_out_keeps_its_event_and_other_marks_go_with_it() {
    let (world, tenant) = world_with_days(&[41, 40]).await;
    let (muted, open) = (finished_ago(&world, tenant, 41).await, finished_ago(&world, tenant, 40).await);
    let mark = "INSERT INTO posthorn.event_fanouts (event_id, tenant_id, state) VALUES ($1, $2, $3)";
    world.db.execute(mark, &[&muted.event, &tenant, &"muted"]).await.unwrap();
    world.db.execute(mark, &[&open.event, &tenant, &"open"]).await.unwrap();
    let applied = apply(&world).await;
    let reason = format!("event {} is not fanned out yet", open.event);
    assert_eq!(reasons(&applied), [("outbox", reason.as_str())]);
    assert_eq!((applied.dropped, applied.pruned), (5, 1));
    assert_eq!(world.count("SELECT count(*) FROM posthorn.event_fanouts WHERE state = 'open'").await, 1);
    assert_eq!(world.count("SELECT count(*) FROM posthorn.event_fanouts").await, 1);
    world.db.execute("DELETE FROM posthorn.event_fanouts", &[]).await.unwrap();
    assert_eq!(apply(&world).await.dropped, 1);
}

#[tokio::test]
async fn rows_of_an_expired_day_that_never_had_a_partition_are_deleted() {
    let (world, tenant) = world_with_days(&[]).await;
    let (old, live) = (finished_ago(&world, tenant, 40).await, publish_ago(&world, tenant, 40, 40).await);
    let young = finished_ago(&world, tenant, 3).await;
    assert_eq!(apply(&world).await, Applied { pruned: 3, ..Applied::default() });
    assert_eq!(rows_of(&world, old).await, [0, 0, 0]);
    assert_eq!(rows_of(&world, live).await, [1, 1, 1], "it is still to be delivered");
    assert_eq!(rows_of(&world, young).await, [1, 1, 1]);
    // the young ones are put where they belong, the old one is not given a day only to lose it again
    let store = world.store(StoreRole::Dispatcher);
    assert_eq!(days::make_stray(&store, KEPT).await.unwrap(), 3);
    assert!(days::stray(&store, KEPT).await.unwrap().is_empty());
    assert_eq!(rows_of(&world, young).await, [1, 1, 1]);
    let left: Vec<i32> = days::growth(&store).await.unwrap().iter().map(|table| table.default_rows).collect();
    assert_eq!(left, [1, 1, 0], "outbox, attempts, done");
}

#[tokio::test]
async fn producers_do_not_notice_that_days_are_dropped() {
    let ago: Vec<i32> = (31..43).collect();
    let (world, tenant) = world_with_days(&ago).await;
    for &day in &ago {
        finished_ago(&world, tenant, day).await;
    }
    let before = world.count("SELECT count(*) FROM posthorn.outbox").await;
    let is_over = AtomicBool::new(false);
    let producers = join_all((0..4).map(|_| async {
        let client = world.client().await;
        let mut published = 0;
        while !is_over.load(Ordering::Relaxed) {
            client.execute("SELECT posthorn.publish($1, 'invoice.paid', '{}')", &[&tenant]).await.unwrap();
            published += 1;
        }
        published
    }));
    let dropping = async {
        let mut dropped = 0;
        while dropped < 3 * ago.len() {
            dropped += apply(&world).await.dropped;
        }
        is_over.store(true, Ordering::Relaxed);
    };
    let (published, ()) = tokio::join!(producers, dropping);
    assert!(published.iter().all(|count: &i64| *count > 0), "{published:?}");
    let left = before - i64::try_from(ago.len()).unwrap() + published.iter().sum::<i64>();
    assert_eq!(world.count("SELECT count(*) FROM posthorn.outbox").await, left);
    assert_eq!(
        world.count("SELECT count(*) FROM posthorn.webhook_deliveries_live").await,
        published.iter().sum::<i64>()
    );
}

#[tokio::test]
async fn a_day_is_left_for_later_while_a_producer_stays_open() {
    let (world, tenant) = world_with_days(&[40]).await;
    finished_ago(&world, tenant, 40).await;
    let mut producer = world.client().await;
    let transaction = producer.transaction().await.unwrap();
    transaction.execute("SELECT posthorn.publish($1, 'invoice.paid', '{}')", &[&tenant]).await.unwrap();
    let applied = apply(&world).await;
    assert_eq!((applied.dropped, applied.busy), (2, 1), "{applied:?}");
    transaction.commit().await.unwrap();
    assert_eq!(apply(&world).await, Applied { dropped: 1, ..Applied::default() });
}

#[tokio::test]
async fn a_day_that_was_detached_by_hand_is_not_ours_any_more() {
    let (world, tenant) = world_with_days(&[40]).await;
    finished_ago(&world, tenant, 40).await;
    let name = "SELECT 'outbox' || to_char((now() AT TIME ZONE 'UTC')::date - 40, '_YYYYMMDD')";
    let name: String = world.db.query_one(name, &[]).await.unwrap().get(0);
    world.db.batch_execute(&format!("ALTER TABLE posthorn.outbox DETACH PARTITION posthorn.{name}")).await.unwrap();
    assert_eq!(apply(&world).await.dropped, 2);
    assert_eq!(world.count(&format!("SELECT count(*) FROM posthorn.{name}")).await, 1);
}

#[tokio::test]
async fn days_that_are_not_over_and_other_tables_are_refused() {
    let (world, _) = world_with_days(&[1]).await;
    let dispatcher = world.client_as("posthorn_dispatcher").await;
    for (parent, ago) in
        [("outbox", "0"), ("outbox", "1"), ("outbox", "-5"), ("outbox", "NULL::int"), ("tenants", "40"), ("x; y", "40")]
    {
        let sql = format!("SELECT posthorn.drop_day($1, (now() AT TIME ZONE 'UTC')::date - {ago})");
        let refused = dispatcher.execute(&sql, &[&parent]).await.unwrap_err();
        assert_eq!(refused.code().unwrap().code(), "22023", "{parent} {ago}");
    }
    let publisher = world.client_as("posthorn_publisher").await;
    for call in ["drop_day('outbox', '2020-01-01')", "prune_strays('outbox', 1, 1)", "expired_days(1)"] {
        let refused = publisher.execute(&format!("SELECT posthorn.{call}"), &[]).await.unwrap_err();
        assert_eq!(refused.code().unwrap().code(), "42501", "{call}");
    }
}

#[tokio::test]
async fn serve_applies_it() {
    let (world, tenant) = world_with_days(&[40]).await;
    let old = finished_ago(&world, tenant, 40).await;
    let kept = finished_ago(&world, tenant, 3).await;
    let url = world.url();
    let for_ever = [("POSTHORN_ROLE", "api"), ("POSTHORN_RETENTION_DAYS", "0")];
    let serving = Serving::against(world, url.expose_secret(), &for_ever).await;
    serving.binary.wait_for_line("made day partitions", SOON).await;
    assert_eq!(rows_of(&serving.world, old).await, [1, 1, 1]);

    let binary = serving.world.dispatch_binary(&[]).await;
    binary.wait_for_line("retention dropped days", SOON).await;
    assert_eq!(rows_of(&serving.world, old).await, [0, 0, 0]);
    assert_eq!(rows_of(&serving.world, kept).await, [1, 1, 1]);
}
