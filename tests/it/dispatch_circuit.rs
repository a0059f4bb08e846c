//! Receivers in trouble: the circuit opens, a probe goes, it closes and ramps up; and who never recovers is suspended.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use posthorn::domain::delivery::DeliveryStatus;
use posthorn::domain::secret::Secret;
use serde_json::json;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::harness::{Answer, Receiver, SOON, World, eventually};

/// As a status: the receiver does not answer until the test is over.
const HANGS: u16 = 0;

/// A tenant's one subscription at a receiver that answers `/hook` as told, and everything else well.
struct Scene {
    world: World,
    tenant: Uuid,
    subscription: Uuid,
    receiver: Receiver,
    answer: Arc<AtomicU16>,
    fence: Uuid,
    _gate: watch::Sender<bool>,
}

impl Scene {
    async fn new(answer: u16, changes: &str) -> Self {
        let world = World::new().await;
        let tenant = world.tenant("a").await;
        let answer = Arc::new(AtomicU16::new(answer));
        let told = answer.clone();
        let (gate, is_open) = watch::channel(false);
        let receiver = Receiver::start(move |path, _| match told.load(Ordering::SeqCst) {
            _ if path != "/hook" => Answer::status(200),
            HANGS => Answer::status(200).once(&is_open),
            status => Answer::status(status),
        });
        let subscription = world.subscribe(tenant, &receiver.url("/hook"), &["invoice.*"]).await;
        world.change(subscription, changes).await;
        let fence = world.tenant("fence").await;
        world.subscribe(fence, &receiver.url("/fence"), &["*"]).await;
        Self { world, tenant, subscription, receiver, answer, fence, _gate: gate }
    }

    /// Requests to the receiver in trouble.
    fn calls(&self) -> usize {
        self.receiver.requests().iter().filter(|request| request.path == "/hook").count()
    }

    /// Lets the dispatcher look at everything there is: what is published after is delivered after.
    async fn look(&self) {
        for _ in 0..2 {
            let event = self.world.publish(self.fence, "fence.passed", json!({})).await;
            self.world
                .until(&format!(
                    "SELECT EXISTS (SELECT FROM posthorn.webhook_deliveries WHERE event_id = '{event}' AND status = 'delivered')"
                ))
                .await;
        }
    }

    async fn until_circuit(&self, condition: &str) {
        self.world.until(&format!("SELECT EXISTS (SELECT FROM posthorn.circuits WHERE {condition})")).await;
    }

    /// The pause before the next probe is over.
    async fn let_pause_end(&self) {
        end_pause(&self.world).await;
        self.world.wake().await;
    }
}

async fn end_pause(world: &World) {
    let sql = "UPDATE posthorn.circuits SET retry_at = now() - interval '1 s' WHERE state <> 'closed'";
    assert_eq!(world.db.execute(sql, &[]).await.unwrap(), 1);
}

async fn circuit(world: &World) -> Option<Row> {
    let sql = "SELECT state, reason, ramp, times_opened, failures_in_a_row, failing_since_at IS NULL AS is_well,
               extract(epoch FROM retry_at - changed_at)::float8 AS pause FROM posthorn.circuits";
    world.db.query_opt(sql, &[]).await.unwrap()
}

/// A tenant's one subscription, moved by hand, and events waiting for it.
async fn by_hand(changes: &str) -> (World, Uuid, Uuid) {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let subscription = world.subscribe(tenant, "https://receiver.example/", &["*"]).await;
    world.change(subscription, changes).await;
    world.publish_many(tenant, "invoice.paid", 400).await;
    (world, tenant, subscription)
}

#[tokio::test]
async fn an_open_circuit_lets_nothing_through_until_a_probe_succeeds() {
    let scene = Scene::new(503, "circuit_failures = 3, circuit_seconds = 1000, max_in_flight = 1").await;
    scene.world.change(scene.subscription, "retry_schedule = '{3600, 3600, 3600}'").await;
    scene.world.publish_many(scene.tenant, "invoice.paid", 20).await;
    let dispatcher = scene.world.dispatch(&["--poll-seconds=60"]).await;
    scene.until_circuit("state = 'open'").await;
    // a claim that began before it opened may lease one more: it is over when a later one has been
    scene.look().await;
    scene.world.until("SELECT NOT EXISTS (SELECT FROM posthorn.webhook_deliveries WHERE status = 'sending')").await;

    let calls = scene.calls();
    assert!((3..=5).contains(&calls), "{calls}: three, and what was on its way");
    scene.world.publish_many(scene.tenant, "invoice.paid", 10).await;
    scene.look().await;
    assert_eq!(scene.calls(), calls, "nothing is sent");
    let untouched =
        "SELECT count(*) FROM posthorn.webhook_deliveries WHERE status = 'pending' AND attempts = 0 AND epoch = 0
                     AND event = 'invoice.paid'";
    assert_eq!(scene.world.count(untouched).await, 30 - calls as i64, "and waiting costs no attempt");

    scene.let_pause_end().await;
    scene.until_circuit("state = 'open' AND times_opened = 2").await;
    scene.look().await;
    assert_eq!(scene.calls(), calls + 1, "one probe");
    let after = circuit(&scene.world).await.unwrap();
    assert_eq!(after.get::<_, f64>("pause"), 2000.0, "a probe that fails doubles the pause");
    assert!(after.get::<_, &str>("reason").starts_with("the probe failed"), "{after:?}");

    scene.answer.store(200, Ordering::SeqCst);
    scene.let_pause_end().await;
    scene.world.pass_time(7200.0).await;
    scene.world
        .until("SELECT count(*) = 30 FROM posthorn.webhook_deliveries WHERE status = 'delivered' AND event = 'invoice.paid'")
        .await;
    let change = |what: &str| dispatcher.metric(&format!("posthorn_circuit_changes_total{{change=\"{what}\"}}"));
    assert_eq!((change("opened"), change("closed"), change("suspended")), (2.0, 1.0, 0.0));
}

#[tokio::test]
async fn so_many_failures_in_a_row_open_it_and_a_success_between_them_does_not() {
    let (world, _, subscription) = by_hand("circuit_failures = 5").await;
    let hand = world.hand().await;
    assert!(hand.note(subscription, 0, 4).await.is_empty());
    assert!(hand.note(subscription, 1, 0).await.is_empty());
    assert!(hand.note(subscription, 0, 4).await.is_empty());
    let changes = hand.note(subscription, 0, 1).await;
    assert_eq!((changes.len(), changes[0].change.as_str()), (1, "opened"));
    let reason = "5 failures in a row, the last: the receiver answered 503";
    assert_eq!(changes[0].reason, reason);
    let row = circuit(&world).await.unwrap();
    assert_eq!((row.get::<_, &str>("state"), row.get::<_, &str>("reason")), ("open", reason));
    assert_eq!(row.get::<_, f64>("pause"), 10.0);
}

#[tokio::test]
async fn what_waits_for_an_open_circuit_is_not_late() {
    let (world, _, subscription) = by_hand("circuit_failures = 5").await;
    let is_late = async || world.count("SELECT count(oldest_due_at) FROM posthorn.queue_state()").await == 1;
    assert!(is_late().await);
    assert_eq!(world.hand().await.note(subscription, 0, 5).await.len(), 1);
    assert!(!is_late().await, "it is left alone on purpose");
    end_pause(&world).await;
    assert!(is_late().await, "its probe is due");
}

#[tokio::test]
async fn a_share_of_failures_opens_it_once_there_are_enough_attempts() {
    let (world, _, subscription) = by_hand("circuit_failures = 1000, circuit_failure_ratio = 0.6").await;
    let hand = world.hand().await;
    // 9 of 19 failed, 10 of 20, 11 of 21, 12 of 22, 13 of 23, 14 of 24, 15 of 25
    for (successes, failures) in [(10, 9), (0, 1), (0, 1), (0, 1), (0, 1), (0, 1)] {
        assert!(hand.note(subscription, successes, failures).await.is_empty());
    }
    let changes = hand.note(subscription, 0, 1).await;
    assert_eq!(changes[0].reason, "15 of 25 attempts failed, the last: the receiver answered 503");
}

#[tokio::test]
async fn the_share_is_that_of_a_minute() {
    let (world, _, subscription) = by_hand("circuit_failures = 1000").await;
    let hand = world.hand().await;
    assert!(hand.note(subscription, 0, 19).await.is_empty());
    let sql = "UPDATE posthorn.circuits SET window_started_at = window_started_at - interval '61 s'";
    world.db.batch_execute(sql).await.unwrap();
    assert!(hand.note(subscription, 0, 19).await.is_empty(), "a new minute");
    assert_eq!(hand.note(subscription, 0, 1).await.len(), 1);
}

#[tokio::test]
async fn a_subscription_may_do_without_a_circuit() {
    let (world, _, subscription) = by_hand("circuit_failures = 0, circuit_failure_ratio = 0.1").await;
    let mut hand = world.hand().await;
    for _ in 0..10 {
        assert!(hand.note(subscription, 0, 50).await.is_empty());
    }
    assert_eq!(hand.claim(50).await.len(), 50);
}

#[tokio::test]
async fn each_pause_is_twice_the_last_up_to_an_hour() {
    let (world, _, subscription) = by_hand("circuit_seconds = 700").await;
    let hand = world.hand().await;
    hand.note(subscription, 0, 3).await;
    for pause in [700.0, 1400.0, 2800.0, 3600.0, 3600.0] {
        assert_eq!(circuit(&world).await.unwrap().get::<_, f64>("pause"), pause);
        world.db.batch_execute("UPDATE posthorn.circuits SET state = 'half_open'").await.unwrap();
        assert_eq!(hand.note(subscription, 0, 1).await[0].change, "opened");
    }
}

#[tokio::test]
async fn while_a_probe_is_on_its_way_nothing_else_is_leased() {
    let (world, _, subscription) = by_hand("circuit_seconds = 700").await;
    let (mut one, mut other) = (world.hand().await, world.hand().await);
    one.note(subscription, 0, 3).await;
    assert_eq!((one.claim(50).await.len(), other.claim(50).await.len()), (0, 0));
    end_pause(&world).await;
    let probe = one.claim(50).await;
    assert_eq!((probe.len(), other.claim(50).await.len(), one.claim(50).await.len()), (1, 0, 0));
    assert_eq!(circuit(&world).await.unwrap().get::<_, &str>("state"), "half_open");
    // whoever had it is gone: another goes when its lease is over
    world.expire_leases().await;
    assert_eq!(other.claim(50).await.len(), 0);
    end_pause(&world).await;
    let second = other.claim(50).await;
    assert_eq!((second.len(), second[0].id, second[0].number), (1, probe[0].id, 2));
    assert_eq!(one.claim(50).await.len(), 0);
}

#[tokio::test]
async fn a_probe_goes_when_its_pause_is_over_without_a_poll() {
    let scene = Scene::new(503, "circuit_failures = 1, circuit_seconds = 1, retry_schedule = '{1, 1}'").await;
    scene.world.publish(scene.tenant, "invoice.paid", json!({})).await;
    let _dispatcher = scene.world.dispatch(&["--poll-seconds=60"]).await;
    scene.until_circuit("state = 'open'").await;
    scene.answer.store(200, Ordering::SeqCst);
    scene.until_circuit("state = 'closed'").await;
}

#[tokio::test]
async fn a_killed_dispatchers_probe_is_made_up_for_by_another() {
    let scene = Scene::new(503, "circuit_failures = 1, circuit_seconds = 1000, retry_schedule = '{3600, 3600}'").await;
    scene.world.publish(scene.tenant, "invoice.paid", json!({})).await;
    let first = scene.world.dispatch_binary(&[("WEBHOOK_TIMEOUT_SECONDS", "60")]).await;
    scene.until_circuit("state = 'open'").await;
    scene.answer.store(HANGS, Ordering::SeqCst);
    scene.world.pass_time(7200.0).await;
    scene.let_pause_end().await;
    eventually("the probe comes", SOON, async || scene.calls() == 2).await;
    first.kill().await;

    scene.answer.store(200, Ordering::SeqCst);
    let _second = scene.world.dispatch(&["--poll-seconds=60"]).await;
    scene.look().await;
    assert_eq!((scene.calls(), circuit(&scene.world).await.unwrap().get::<_, &str>("state")), (2, "half_open"));
    scene.world.expire_leases().await;
    scene.let_pause_end().await;
    scene.until_circuit("state = 'closed'").await;
    assert_eq!(scene.calls(), 3);
}

#[tokio::test]
async fn recovery_ramps_up_with_every_success_and_then_is_forgotten() {
    let (world, _, subscription) = by_hand("circuit_seconds = 700").await;
    let (mut one, mut other) = (world.hand().await, world.hand().await);
    one.note(subscription, 0, 3).await;
    end_pause(&world).await;
    let mut in_flight = one.claim(100).await;
    let mut steps = Vec::new();
    while circuit(&world).await.is_some() {
        let answered = u32::try_from(in_flight.len()).unwrap();
        steps.push(answered);
        one.record(&in_flight, DeliveryStatus::Delivered).await;
        one.note(subscription, answered, 0).await;
        in_flight = one.claim(100).await;
        if circuit(&world).await.is_some() {
            assert_eq!(other.claim(100).await.len(), 0, "over all dispatchers");
        }
    }
    assert_eq!(steps, [1, 1, 2, 4, 8, 16, 32, 64], "the probe, and twice as many each time");
    assert_eq!(in_flight.len(), 100, "no limit any more");
}

#[tokio::test]
async fn a_failure_during_the_recovery_halves_what_may_be_in_flight() {
    let (world, _, subscription) = by_hand("circuit_failures = 10").await;
    let hand = world.hand().await;
    hand.note(subscription, 0, 10).await;
    hand.note(subscription, 1, 0).await;
    hand.note(subscription, 20, 0).await;
    assert_eq!(circuit(&world).await.unwrap().get::<_, i32>("ramp"), 21);
    hand.note(subscription, 0, 1).await;
    assert_eq!(circuit(&world).await.unwrap().get::<_, i32>("ramp"), 10);
    for _ in 0..4 {
        hand.note(subscription, 0, 1).await;
    }
    assert_eq!(circuit(&world).await.unwrap().get::<_, i32>("ramp"), 1, "one always may");
    // the failures of the outage do not count any more
    assert_eq!(circuit(&world).await.unwrap().get::<_, i32>("failures_in_a_row"), 5);
}

#[tokio::test]
async fn its_tenant_and_nobody_else_can_reset_a_circuit() {
    let scene = Scene::new(503, "circuit_failures = 1, circuit_seconds = 1000, retry_schedule = '{3600, 3600}'").await;
    scene.world.publish(scene.tenant, "invoice.paid", json!({})).await;
    let _dispatcher = scene.world.dispatch(&["--poll-seconds=60"]).await;
    scene.until_circuit("state = 'open'").await;
    let reset = "SELECT posthorn.reset_circuit($1)";
    let stranger = scene.world.client_of(scene.fence).await;
    assert!(!stranger.query_one(reset, &[&scene.subscription]).await.unwrap().get::<_, bool>(0));
    assert_eq!(stranger.query_one("SELECT count(*) FROM posthorn.circuits", &[]).await.unwrap().get::<_, i64>(0), 0);
    scene.answer.store(200, Ordering::SeqCst);
    let waiting = scene.world.publish(scene.tenant, "invoice.paid", json!({})).await;
    scene.look().await;
    assert_eq!(scene.world.delivery(waiting).await.status, "pending");

    let owner = scene.world.client_of(scene.tenant).await;
    assert_eq!(owner.query_one("SELECT count(*) FROM posthorn.circuits", &[]).await.unwrap().get::<_, i64>(0), 1);
    assert!(owner.query_one(reset, &[&scene.subscription]).await.unwrap().get::<_, bool>(0));
    let delivered =
        format!("SELECT status = 'delivered' FROM posthorn.webhook_deliveries WHERE event_id = '{waiting}'");
    scene.world.until(&delivered).await;
    assert!(!owner.query_one(reset, &[&scene.subscription]).await.unwrap().get::<_, bool>(0), "nothing left to reset");
}

#[tokio::test]
async fn our_own_faults_are_not_held_against_the_receiver() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    // sealed for another subscription, so that it cannot be opened
    let secret = world.keyring().seal(tenant, Uuid::now_v7(), &Secret::generate());
    let sql = "INSERT INTO posthorn.webhook_subscriptions (tenant_id, url, events, secret) VALUES ($1, $2, '{*}', $3)";
    world.db.execute(sql, &[&tenant, &"https://receiver.example/", &secret]).await.unwrap();
    world.subscribe(tenant, "http://10.255.255.1/", &["*"]).await;
    let set = "UPDATE posthorn.webhook_subscriptions SET circuit_failures = 1, retry_schedule = '{3600}'";
    world.db.batch_execute(set).await.unwrap();
    world.publish_many(tenant, "invoice.paid", 5).await;
    let dispatcher = world.dispatch(&[]).await;
    world.until("SELECT count(*) = 10 FROM posthorn.webhook_attempts").await;
    dispatcher.stop().await; // everything is told
    let kinds = "SELECT string_agg(DISTINCT error_kind, ' ' ORDER BY error_kind) FROM posthorn.webhook_attempts";
    let kinds: String = world.db.query_one(kinds, &[]).await.unwrap().get(0);
    assert_eq!(kinds, "blocked secret_unavailable");
    assert!(circuit(&world).await.is_none());
}

#[tokio::test]
async fn a_receiver_that_is_well_has_no_row() {
    let scene = Scene::new(200, "circuit_failures = 1").await;
    let dispatcher = scene.world.dispatch(&[]).await;
    scene.world.publish_many(scene.tenant, "invoice.paid", 100).await;
    scene.world.until_status("delivered", 100).await;
    dispatcher.stop().await;
    assert!(circuit(&scene.world).await.is_none());
}

#[tokio::test]
async fn one_failure_and_then_nothing_but_successes_is_forgotten_after_its_minute() {
    let (world, _, subscription) = by_hand("description = 'patient'").await;
    let hand = world.hand().await;
    hand.note(subscription, 0, 1).await;
    hand.note(subscription, 5, 0).await;
    assert!(circuit(&world).await.unwrap().get::<_, bool>("is_well"));
    let sql = "UPDATE posthorn.circuits SET window_started_at = window_started_at - interval '61 s'";
    world.db.batch_execute(sql).await.unwrap();
    hand.note(subscription, 1, 0).await;
    assert!(circuit(&world).await.is_none());
}

#[tokio::test]
async fn nothing_but_failures_for_long_suspends_and_activation_starts_afresh() {
    let scene =
        Scene::new(503, "circuit_failures = 0, suspend_after_seconds = 60, retry_schedule = '{3600, 3600, 3600}'")
            .await;
    scene.world.publish_many(scene.tenant, "invoice.paid", 5).await;
    let dispatcher = scene.world.dispatch(&["--poll-seconds=60"]).await;
    scene.until_circuit("failures_in_a_row = 5").await;
    scene
        .world
        .db
        .batch_execute("UPDATE posthorn.circuits SET failing_since_at = now() - interval '61 s'")
        .await
        .unwrap();
    scene.world.publish(scene.tenant, "invoice.paid", json!({})).await;
    let suspended = "SELECT EXISTS (SELECT FROM posthorn.webhook_subscriptions WHERE status = 'suspended'
                     AND status_reason LIKE 'nothing but failures since %')";
    scene.world.until(suspended).await;
    assert_eq!(dispatcher.metric("posthorn_circuit_changes_total{change=\"suspended\"}"), 1.0);

    scene.world.pass_time(7200.0).await;
    scene.look().await;
    assert_eq!(scene.calls(), 6, "nothing is sent");
    scene.world.until_status("retrying", 6).await;
    scene.answer.store(200, Ordering::SeqCst);
    scene.world.change(scene.subscription, "status = 'active', status_reason = NULL").await;
    scene.world
        .until("SELECT count(*) = 6 FROM posthorn.webhook_deliveries WHERE status = 'delivered' AND event = 'invoice.paid'")
        .await;
    dispatcher.stop().await;
    assert!(circuit(&scene.world).await.is_none(), "its old failures are forgotten");
}

#[tokio::test]
async fn a_success_between_failures_puts_suspension_off_and_zero_switches_it_off() {
    let (world, _, subscription) = by_hand("circuit_failures = 0, suspend_after_seconds = 60").await;
    let hand = world.hand().await;
    let long_ago = "UPDATE posthorn.circuits SET failing_since_at = now() - interval '10 years'";
    let status = "SELECT count(*) FROM posthorn.webhook_subscriptions WHERE status = 'suspended'";
    hand.note(subscription, 0, 1).await;
    world.db.batch_execute(long_ago).await.unwrap();
    hand.note(subscription, 1, 0).await;
    hand.note(subscription, 0, 1).await;
    assert_eq!(world.count(status).await, 0);
    world.db.batch_execute(long_ago).await.unwrap();
    hand.note(subscription, 1, 1).await;
    assert_eq!(world.count(status).await, 0, "one succeeded");
    world.change(subscription, "suspend_after_seconds = 0").await;
    world.db.batch_execute(long_ago).await.unwrap();
    assert!(hand.note(subscription, 0, 1).await.is_empty());
    assert_eq!(world.count(status).await, 0);
    world.change(subscription, "suspend_after_seconds = 60").await;
    assert_eq!(hand.note(subscription, 0, 1).await[0].change, "suspended");
    assert_eq!(world.count(status).await, 1);
}

#[tokio::test]
async fn noting_failures_does_not_wait_for_who_changes_the_subscription_and_the_next_one_suspends() {
    let (world, _, subscription) = by_hand("circuit_failures = 0, suspend_after_seconds = 60").await;
    let hand = world.hand().await;
    hand.note(subscription, 0, 1).await;
    let long_ago = "UPDATE posthorn.circuits SET failing_since_at = now() - interval '61 s'";
    world.db.batch_execute(long_ago).await.unwrap();
    let owner = world.client().await;
    owner.batch_execute("BEGIN; UPDATE posthorn.webhook_subscriptions SET description = 'changed'").await.unwrap();
    let changes = timeout(SOON, hand.note(subscription, 0, 1)).await.expect("it waits for the subscription");
    assert!(changes.is_empty(), "{changes:?}");
    assert_eq!(circuit(&world).await.unwrap().get::<_, i32>("failures_in_a_row"), 2, "but it counts");
    owner.batch_execute("COMMIT").await.unwrap();
    assert_eq!(hand.note(subscription, 0, 1).await[0].change, "suspended");
    assert_eq!(world.count("SELECT count(*) FROM posthorn.webhook_subscriptions WHERE status = 'suspended'").await, 1);
}

/// All of them are claimed before the first failure is known, and answered one by one.
#[tokio::test]
async fn successes_between_failures_count_even_if_they_were_claimed_before_the_first_failure() {
    const REQUESTS: usize = 48;
    let (gates, are_open): (Vec<_>, Vec<_>) = (0..REQUESTS).map(|_| watch::channel(false)).unzip();
    let receiver =
        Receiver::start(move |_, nth| Answer::status(if nth % 4 == 0 { 503 } else { 200 }).once(&are_open[nth]));
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let subscription = world.subscribe(tenant, &receiver.url("/hook"), &["*"]).await;
    world.change(subscription, "circuit_failures = 6, max_in_flight = 100, retry_schedule = '{3600, 3600}'").await;
    world.publish_many(tenant, "invoice.paid", REQUESTS.try_into().unwrap()).await;
    let dispatcher = world.dispatch(&["--concurrency=100"]).await;
    receiver.wait_for(REQUESTS, SOON).await;
    for (n, gate) in gates.iter().enumerate() {
        gate.send(true).unwrap();
        world.until(&format!("SELECT count(*) = {} FROM posthorn.webhook_attempts", n + 1)).await;
    }
    let opened = "posthorn_circuit_changes_total{change=\"opened\"}";
    let metrics = dispatcher.metrics.clone();
    dispatcher.stop().await; // everything is told
    assert!(!metrics.render().unwrap().contains(&format!("{opened} 1")), "12 of 48 failed, never two in a row");
    let row = circuit(&world).await.unwrap();
    assert_eq!((row.get::<_, &str>("state"), row.get::<_, i32>("times_opened")), ("closed", 0));
    assert_eq!((row.get::<_, i32>("failures_in_a_row"), row.get::<_, bool>("is_well")), (0, true));
}
