//! Batches: several events of one subscription in one request, each a delivery of its own.

use posthorn::domain::secret::Secret;
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use uuid::Uuid;

use crate::harness::{Answer, Receiver, SOON, World};

/// A tenant's one subscription, signed, to batches.
struct Scene {
    world: World,
    tenant: Uuid,
    secret: Secret,
    receiver: Receiver,
}

impl Scene {
    async fn new(changes: &str, script: impl Fn(&str, usize) -> Answer + Send + Sync + 'static) -> Self {
        let world = World::new().await;
        let tenant = world.tenant("a").await;
        let receiver = Receiver::start(script);
        let secret = Secret::generate();
        let subscription = world.subscribe_signed(tenant, &receiver.url("/hook"), &["*"], &secret).await;
        world.change(subscription, changes).await;
        Self { world, tenant, secret, receiver }
    }

    /// How many events came in each request so far.
    fn sizes(&self) -> Vec<usize> {
        self.receiver.requests().iter().map(|request| events(&request.body).len()).collect()
    }
}

fn well(_: &str, _: usize) -> Answer {
    Answer::status(200)
}

fn events(body: &[u8]) -> Vec<Value> {
    serde_json::from_slice(body).unwrap()
}

/// A subscription without a receiver that is claimed by hand.
async fn by_hand(changes: &str) -> (World, Uuid) {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let subscription = world.subscribe(tenant, "https://receiver.example/", &["*"]).await;
    world.change(subscription, changes).await;
    (world, tenant)
}

#[tokio::test]
async fn a_batch_is_an_array_of_what_each_event_would_be_alone() {
    let world = World::new().await;
    let receiver = Receiver::start(well);
    let formats = ["default", "gestiq", "dotmac", "cloudevents", "raw"];
    for format in formats {
        let tenant = world.tenant(format).await;
        for (path, batches) in [("together", "batch_max = 10"), ("alone", "batch_max = NULL")] {
            let url = receiver.url(&format!("/{format}/{path}"));
            let subscription = world.subscribe(tenant, &url, &["*"]).await;
            world.change(subscription, &format!("payload_format = '{format}', {batches}")).await;
        }
        world.publish_many(tenant, "invoice.paid", 3).await;
    }
    let _dispatcher = world.dispatch(&[]).await;
    world.until_status("delivered", 6 * formats.len() as i64).await;
    let requests = receiver.requests();
    assert_eq!(requests.len(), 4 * formats.len());
    for format in formats {
        let of = |path: &str| requests.iter().filter(|r| r.path == format!("/{format}/{path}")).collect::<Vec<_>>();
        let (batches, singles) = (of("together"), of("alone"));
        assert_eq!((batches.len(), singles.len()), (1, 3), "{format}");
        let is_cloudevents = format == "cloudevents";
        let content_type = if is_cloudevents { "application/cloudevents-batch+json" } else { "application/json" };
        assert_eq!(batches[0].headers["content-type"], content_type, "{format}");
        let sorted = |mut all: Vec<Value>| {
            all.sort_by_key(Value::to_string);
            all
        };
        let apart = singles.iter().map(|request| serde_json::from_slice(&request.body).unwrap()).collect();
        assert_eq!(sorted(events(&batches[0].body)), sorted(apart), "{format}");
    }
}

#[tokio::test]
async fn a_batch_is_signed_as_a_whole_and_a_single_event_is_still_one() {
    let scene = Scene::new("batch_max = 10", well).await;
    let _dispatcher = scene.world.dispatch(&[]).await;
    for (n, count) in [(1, 1), (2, 7)] {
        scene.world.publish_many(scene.tenant, "invoice.paid", count).await;
        let got = scene.receiver.wait_for(n, SOON).await.remove(n - 1);
        assert_eq!(events(&got.body).len(), count as usize);
        Webhook::from_bytes(scene.secret.standard_key().to_vec()).unwrap().verify(&got.body, &got.headers).unwrap();
        assert_eq!(
            (&got.headers["x-event"], &got.headers["content-type"]),
            (&"batch".parse().unwrap(), &"application/json".parse().unwrap())
        );
    }
}

#[tokio::test]
async fn no_more_events_come_in_one_request_than_were_asked_for() {
    let scene = Scene::new("batch_max = 10", well).await;
    scene.world.publish_many(scene.tenant, "invoice.paid", 25).await;
    let _dispatcher = scene.world.dispatch(&[]).await;
    scene.world.until_status("delivered", 25).await;
    let mut sizes = scene.sizes();
    sizes.sort_unstable();
    assert_eq!(sizes, [5, 10, 10]);
    let told = "SELECT count(*) FROM posthorn.webhook_attempts WHERE number = 1 AND status_code = 200";
    assert_eq!(scene.world.count(told).await, 25, "each delivery has its own attempt");
}

#[tokio::test]
async fn the_same_events_again_are_the_same_message() {
    let script = |_: &str, nth: usize| Answer::status(if nth < 3 { 503 } else { 200 });
    let scene = Scene::new("batch_max = 50, retry_schedule = '{3600, 3600, 3600}'", script).await;
    for _ in 0..20 {
        scene.world.publish_many(scene.tenant, "invoice.paid", 2).await;
    }
    let _dispatcher = scene.world.dispatch(&["--poll-seconds=60"]).await;
    for nth in 1..=3 {
        scene.world.until("SELECT count(*) = 40 FROM posthorn.webhook_deliveries WHERE status = 'retrying'").await;
        assert_eq!(scene.receiver.requests().len(), nth, "a failure retries all, together");
        let due = "SELECT count(DISTINCT due_at) FROM posthorn.webhook_deliveries";
        assert_eq!(scene.world.count(due).await, 1);
        scene.world.pass_time(7200.0).await;
        scene.receiver.wait_for(nth + 1, SOON).await;
    }
    scene.world.until_status("delivered", 40).await;
    let requests = scene.receiver.requests();
    assert_eq!(requests.len(), 4);
    for request in &requests {
        assert_eq!(request.headers["webhook-id"], requests[0].headers["webhook-id"]);
        assert_eq!(request.body, requests[0].body);
    }
    let attempts = "SELECT count(*) FROM posthorn.webhook_attempts WHERE (status_code = 503) = (number < 4)";
    assert_eq!(scene.world.count(attempts).await, 160);
}

#[tokio::test]
async fn a_batch_waits_for_more_but_not_longer_than_its_time_and_a_full_one_goes_at_once() {
    let (world, tenant) = by_hand("batch_max = 5, batch_wait_ms = 60000").await;
    let mut hand = world.hand().await;
    let age = "UPDATE posthorn.webhook_deliveries SET due_at = due_at - make_interval(secs => $1)";
    world.publish_many(tenant, "invoice.paid", 3).await;
    let look = hand.look(100, 100).await;
    assert!(look.deliveries.is_empty() && !look.has_more);
    let wait = look.look_again.unwrap().as_secs_f64();
    assert!((1.0..=60.0).contains(&wait), "it looks again in {wait} s");
    world.db.execute(age, &[&61.0]).await.unwrap();
    assert_eq!(hand.claim(100).await.len(), 3, "its time is over");
    world.publish_many(tenant, "invoice.paid", 7).await;
    let full = hand.look(100, 100).await;
    assert_eq!(full.deliveries.len(), 5, "a full one goes at once");
    assert_eq!(hand.claim(100).await.len(), 0, "and the rest waits for its own");
    world.publish_many(tenant, "invoice.paid", 3).await;
    assert_eq!(hand.claim(100).await.len(), 5);
}

#[tokio::test]
async fn a_full_batch_goes_whole_whatever_the_share_of_a_subscription() {
    let (world, tenant) = by_hand("batch_max = 25, batch_wait_ms = 60000").await;
    world.publish_many(tenant, "invoice.paid", 25).await;
    assert_eq!(world.hand().await.look(100, 10).await.deliveries.len(), 25);
}

#[tokio::test]
async fn the_deliveries_of_a_batch_come_beside_each_other() {
    let (world, tenant) = by_hand("batch_max = 40").await;
    let other = world.subscribe(tenant, "https://receiver.example/", &["*"]).await;
    world.change(other, "batch_max = 40").await;
    world.publish_many(tenant, "invoice.paid", 40).await;
    let claimed = world.hand().await.look(100, 10).await.deliveries;
    assert_eq!(claimed.len(), 80);
    assert_eq!(claimed.chunk_by(|a, b| a.subscription_id == b.subscription_id).count(), 2);
}

#[tokio::test]
async fn a_dispatcher_sends_what_waited_for_a_batch_when_its_time_is_over_without_a_poll() {
    let scene = Scene::new("batch_max = 100, batch_wait_ms = 1500", well).await;
    let _dispatcher = scene.world.dispatch(&["--poll-seconds=60"]).await;
    for _ in 0..5 {
        scene.world.publish_many(scene.tenant, "invoice.paid", 2).await;
    }
    scene.world.until_status("delivered", 10).await;
    assert!(scene.sizes().len() < 5, "together: {:?}", scene.sizes());
    scene.world.publish_many(scene.tenant, "invoice.paid", 1).await;
    scene.world.until_status("delivered", 11).await;
}

#[tokio::test]
async fn a_batch_that_is_refused_for_good_suspends_and_fails_each() {
    let scene = Scene::new("batch_max = 10", |_, _| Answer::status(410)).await;
    scene.world.publish_many(scene.tenant, "invoice.paid", 4).await;
    let _dispatcher = scene.world.dispatch(&[]).await;
    scene.world.until_status("failed", 4).await;
    scene.world.until("SELECT EXISTS (SELECT FROM posthorn.webhook_subscriptions WHERE status = 'suspended')").await;
    assert_eq!(scene.sizes(), [4]);
    assert_eq!(scene.world.count("SELECT count(*) FROM posthorn.webhook_attempts WHERE error_kind = 'gone'").await, 4);
}

#[tokio::test]
async fn one_that_cannot_be_sent_does_not_take_the_others_down() {
    let scene = Scene::new("batch_max = 10, retry_schedule = '{1, 1}'", well).await;
    scene.world.publish_many(scene.tenant, "invoice.paid", 5).await;
    let gone = scene.world.publish(scene.tenant, "invoice.lost", json!({})).await;
    let worn = scene.world.publish(scene.tenant, "invoice.worn", json!({})).await;
    scene.world.db.execute("DELETE FROM posthorn.outbox WHERE id = $1", &[&gone]).await.unwrap();
    let spend = "UPDATE posthorn.webhook_deliveries SET status = 'sending', attempts = 3, epoch = 3,
                 lease_until = now() - interval '1 s' WHERE event_id = $1";
    scene.world.db.execute(spend, &[&worn]).await.unwrap();
    let _dispatcher = scene.world.dispatch(&[]).await;
    scene.world.until_status("delivered", 5).await;
    scene.world.until_status("failed", 1).await;
    scene.world.until_status("abandoned", 1).await;
    assert_eq!(scene.sizes(), [5]);
    let status = async |event| scene.world.delivery(event).await.status;
    assert_eq!((status(gone).await.as_str(), status(worn).await.as_str()), ("failed", "abandoned"));
}

#[tokio::test]
async fn a_batch_of_large_events_is_split_at_a_mebibyte() {
    let scene = Scene::new("batch_max = 20", well).await;
    let sql = "INSERT INTO posthorn.outbox (tenant_id, event, payload)
               SELECT $1, 'invoice.paid', jsonb_build_object('n', n, 'text', repeat('x', 200000)) FROM generate_series(1, 12) n";
    scene.world.db.execute(sql, &[&scene.tenant]).await.unwrap();
    let _dispatcher = scene.world.dispatch(&[]).await;
    scene.world.until_status("delivered", 12).await;
    let mut sizes = scene.sizes();
    sizes.sort_unstable();
    assert_eq!(sizes, [2, 5, 5]);
}

#[tokio::test]
async fn events_of_one_key_never_share_a_batch_of_an_ordered_subscription() {
    let scene = Scene::new("batch_max = 20, ordered = true", well).await;
    let sql = "INSERT INTO posthorn.outbox (tenant_id, event, payload, ordering_key)
               SELECT $1, 'invoice.paid', jsonb_build_object('n', n, 'key', n % 3), n % 3 FROM generate_series(1, 12) n";
    scene.world.db.execute(sql, &[&scene.tenant]).await.unwrap();
    let _dispatcher = scene.world.dispatch(&["--poll-seconds=60"]).await;
    scene.world.until_status("delivered", 12).await;
    let mut last = [0, 0, 0];
    for request in scene.receiver.requests() {
        let mut keys = Vec::new();
        for event in events(&request.body) {
            let (key, n) = (event["data"]["key"].as_u64().unwrap() as usize, event["data"]["n"].as_u64().unwrap());
            assert!(n > last[key], "{n} after {} of key {key}", last[key]);
            last[key] = n;
            keys.push(key);
        }
        let in_all = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), in_all);
    }
}

#[tokio::test]
async fn a_request_that_fails_is_one_failure_for_the_circuit_however_many_events_it_held() {
    let scene =
        Scene::new("batch_max = 30, retry_schedule = '{3600}', circuit_failures = 2", |_, _| Answer::status(503)).await;
    scene.world.publish_many(scene.tenant, "invoice.paid", 30).await;
    let dispatcher = scene.world.dispatch(&[]).await;
    scene.world.until_status("retrying", 30).await;
    scene
        .world
        .until("SELECT EXISTS (SELECT FROM posthorn.circuits WHERE failures_in_a_row = 1 AND state = 'closed')")
        .await;
    scene.world.publish_many(scene.tenant, "invoice.paid", 1).await;
    scene
        .world
        .until("SELECT EXISTS (SELECT FROM posthorn.circuits WHERE failures_in_a_row = 2 AND state = 'open')")
        .await;
    dispatcher.stop().await;
}
