//! The lease protocol, statement by statement: a stale failure changes nothing, a true success always counts within its
//! generation, and repeating a write changes nothing.

use std::collections::HashMap;
use std::time::Duration;

use posthorn::domain::delivery::{DeliveryStatus, ErrorKind};
use posthorn::store::queue::{self, Attempt, ClaimRequest, Claimed};
use posthorn::store::{Store, StoreRole, dispatchers};
use serde_json::json;
use uuid::Uuid;

use crate::harness::{AttemptRow, World};

/// One event for one subscription, and two dispatchers that are moved by hand.
struct Scene {
    world: World,
    tenant: Uuid,
    store: Store,
    one: Uuid,
    other: Uuid,
    event: Uuid,
}

impl Scene {
    async fn new() -> Self {
        let world = World::new().await;
        let tenant = world.tenant("a").await;
        world.subscribe(tenant, "https://receiver.example/", &["*"]).await;
        let event = world.publish(tenant, "invoice.paid", json!({})).await;
        let store = world.store(StoreRole::Dispatcher);
        let one = dispatchers::register(&store, "one", 8).await.unwrap();
        let other = dispatchers::register(&store, "other", 8).await.unwrap();
        Self { world, tenant, store, one, other, event }
    }

    /// What a dispatcher gets when it asks for work.
    async fn claim(&self, dispatcher: Uuid) -> Option<Claimed> {
        let request = ClaimRequest {
            room: 10,
            share: 10,
            dispatcher_id: dispatcher,
            lease_margin: Duration::from_secs(20),
            default_timeout: Duration::from_secs(10),
            default_cap: 10,
            default_tenant_cap: 10,
            busy_subscriptions: &HashMap::new(),
            busy_tenants: &HashMap::new(),
        };
        let mut claim = queue::claim(&self.store, &request).await.unwrap().expect("no copy");
        assert!(claim.is_claimer && claim.deliveries.len() <= 1);
        claim.deliveries.pop()
    }

    /// A claim by `one` whose lease runs out, and the next one by `other`.
    async fn claim_twice(&self) -> (Claimed, Claimed) {
        let first = self.claim(self.one).await.unwrap();
        assert!(self.claim(self.other).await.is_none(), "leased to someone else");
        self.world.expire_leases().await;
        let second = self.claim(self.other).await.unwrap();
        assert!(second.is_rescue && !first.is_rescue && second.epoch > first.epoch);
        (first, second)
    }

    /// Records what a claim came to; answers whether the delivery moved.
    async fn record(&self, dispatcher: Uuid, attempt: &Attempt) -> bool {
        !queue::record(&self.store, dispatcher, std::slice::from_ref(attempt)).await.unwrap().is_empty()
    }

    /// Lets a success count late; answers whether it did.
    async fn record_late(&self, attempt: &Attempt) -> bool {
        !queue::record_late(&self.store, self.one, std::slice::from_ref(attempt)).await.unwrap().is_empty()
    }

    async fn status(&self) -> (String, i32) {
        let delivery = self.world.delivery(self.event).await;
        (delivery.status, delivery.attempts)
    }

    async fn attempts(&self) -> Vec<AttemptRow> {
        self.world.attempts(self.world.delivery(self.event).await.id).await
    }

    /// The whole delivery row as text.
    async fn row(&self) -> String {
        self.world.db.query_one("SELECT d::text FROM posthorn.webhook_deliveries d", &[]).await.unwrap().get(0)
    }

    /// As the API replays a delivery.
    async fn replay(&self) {
        let sql = "UPDATE posthorn.webhook_deliveries SET status = 'pending', generation = generation + 1,
                   epoch = epoch + 1, attempts = 0, due_at = now(), lease_until = NULL, finished_at = NULL";
        self.world.db.batch_execute(sql).await.unwrap();
    }
}

fn attempt(claimed: &Claimed, status: DeliveryStatus) -> Attempt {
    let is_delivered = status == DeliveryStatus::Delivered;
    Attempt {
        delivery_id: claimed.id,
        epoch: claimed.epoch,
        generation: claimed.generation,
        number: claimed.number,
        tenant_id: claimed.tenant_id,
        status,
        delay: (status == DeliveryStatus::Retrying).then_some(Duration::from_secs(3600)),
        target_url: "https://example.com/".to_owned(),
        age: Duration::from_millis(40),
        duration: Duration::from_millis(30),
        status_code: Some(if is_delivered { 200 } else { 500 }),
        error_kind: (!is_delivered).then_some(ErrorKind::ServerError),
        error: (!is_delivered).then(|| "the receiver answered 500".to_owned()),
        response_headers: Some("[[\"x-trace\", \"t1\"]]".to_owned()),
        response_body: None,
        response_body_truncated: false,
    }
}

fn success(claimed: &Claimed) -> Attempt {
    attempt(claimed, DeliveryStatus::Delivered)
}

fn failure(claimed: &Claimed) -> Attempt {
    attempt(claimed, DeliveryStatus::Retrying)
}

#[tokio::test]
async fn a_stale_failure_changes_nothing_but_tells_of_its_attempt() {
    let scene = Scene::new().await;
    let (first, second) = scene.claim_twice().await;
    let before = scene.row().await;
    assert!(!scene.record(scene.one, &failure(&first)).await);
    assert_eq!(scene.row().await, before);

    assert!(scene.record(scene.other, &success(&second)).await);
    assert!(!scene.record(scene.one, &attempt(&first, DeliveryStatus::Failed)).await);
    assert_eq!(scene.status().await, ("delivered".to_owned(), 2));
    let attempts = scene.attempts().await;
    let told: Vec<_> = attempts.iter().map(|a| (a.number, a.status_code, a.dispatcher_id.unwrap())).collect();
    assert_eq!(told, [(1, Some(500), scene.one), (2, Some(200), scene.other)]);
}

#[tokio::test]
async fn the_placeholder_of_a_lost_lease_is_replaced_by_the_late_truth() {
    let scene = Scene::new().await;
    let (first, second) = scene.claim_twice().await;
    let placeholder = scene.attempts().await.remove(0);
    assert_eq!((placeholder.kind(), placeholder.status_code), (Some("lease_expired"), None));
    assert_eq!((placeholder.number, placeholder.dispatcher_id), (1, Some(scene.one)));
    assert_eq!((placeholder.epoch, placeholder.generation), (first.epoch, 0));
    assert_eq!(placeholder.target_url, "https://receiver.example/");

    scene.record(scene.one, &failure(&first)).await;
    let truth = scene.attempts().await.remove(0);
    assert_eq!((truth.kind(), truth.status_code, truth.duration_ms), (Some("server_error"), Some(500), 30));
    assert_eq!(truth.response_headers, Some(json!([["x-trace", "t1"]])));
    // and what is true stays: nobody can write over it
    scene.record(scene.other, &Attempt { status_code: Some(418), ..failure(&first) }).await;
    assert_eq!(scene.attempts().await.remove(0).status_code, Some(500));
    assert!(scene.record(scene.other, &failure(&second)).await);
}

#[tokio::test]
async fn a_late_success_counts_while_another_dispatcher_has_the_lease() {
    let scene = Scene::new().await;
    let (first, second) = scene.claim_twice().await;
    assert!(scene.record(scene.one, &success(&first)).await);
    assert_eq!(scene.status().await.0, "delivered");
    assert!(!scene.record(scene.other, &failure(&second)).await, "a success is never taken back");
    assert!(!scene.record_late(&success(&second)).await, "it is delivered already");
    assert_eq!(scene.status().await.0, "delivered");
    assert_eq!(scene.attempts().await.len(), 2);
}

#[tokio::test]
async fn a_late_success_counts_after_the_delivery_was_given_up() {
    for given_up in [DeliveryStatus::Abandoned, DeliveryStatus::Failed] {
        let scene = Scene::new().await;
        let (first, second) = scene.claim_twice().await;
        assert!(scene.record(scene.other, &attempt(&second, given_up)).await);
        assert_eq!(scene.status().await.0, given_up.as_str());
        assert!(!scene.record(scene.one, &success(&first)).await, "it is not in the live partition any more");
        assert!(scene.record_late(&success(&first)).await);
        assert!(!scene.record_late(&success(&first)).await, "repeated");
        assert_eq!(scene.status().await.0, "delivered");
        assert_eq!(scene.world.delivery(scene.event).await.last_error_kind, None);
    }
}

/// A dispatcher that dies in between must not leave an attempt that delivered beside a delivery given up for good.
#[tokio::test]
async fn a_late_success_is_told_together_with_what_it_makes_of_its_delivery() {
    let scene = Scene::new().await;
    let (first, second) = scene.claim_twice().await;
    assert!(scene.record(scene.other, &attempt(&second, DeliveryStatus::Abandoned)).await);
    assert!(!scene.record(scene.one, &success(&first)).await);
    let told = async || scene.attempts().await.into_iter().map(|a| (a.number, a.status_code)).collect::<Vec<_>>();
    assert_eq!((scene.status().await.0.as_str(), told().await), ("abandoned", vec![(1, None), (2, Some(500))]));
    assert!(scene.record_late(&success(&first)).await);
    assert_eq!((scene.status().await.0.as_str(), told().await), ("delivered", vec![(1, Some(200)), (2, Some(500))]));
}

#[tokio::test]
async fn a_cancelled_delivery_stays_cancelled() {
    let scene = Scene::new().await;
    let claimed = scene.claim(scene.one).await.unwrap();
    let sql = "SELECT posthorn.delete_subscription(id) FROM posthorn.webhook_subscriptions";
    scene.world.client_of(scene.tenant).await.batch_execute(sql).await.unwrap();
    assert_eq!(scene.status().await.0, "cancelled");
    for result in [success(&claimed), failure(&claimed)] {
        assert!(!scene.record(scene.one, &result).await && !scene.record_late(&result).await);
    }
    assert_eq!(scene.status().await.0, "cancelled");
    assert_eq!(scene.attempts().await[0].status_code, Some(200), "what was sent is told all the same");
}

#[tokio::test]
async fn a_success_of_before_a_replay_does_not_count_for_it() {
    let scene = Scene::new().await;
    let before = scene.claim(scene.one).await.unwrap();
    scene.replay().await;
    for _ in 0..2 {
        assert!(!scene.record(scene.one, &success(&before)).await && !scene.record_late(&success(&before)).await);
    }
    assert_eq!(scene.status().await, ("pending".to_owned(), 0));
    let after = scene.claim(scene.other).await.unwrap();
    assert_eq!((after.generation, after.number), (1, 1));
    assert!(scene.record(scene.other, &attempt(&after, DeliveryStatus::Abandoned)).await);
    assert!(!scene.record_late(&success(&before)).await);
    assert_eq!(scene.status().await.0, "abandoned");
    let told: Vec<_> = scene.attempts().await.iter().map(|a| (a.generation, a.number, a.status_code)).collect();
    assert_eq!(told, [(0, 1, Some(200)), (1, 1, Some(500))]);
}

#[tokio::test]
async fn recording_twice_is_recording_once() {
    for result in [success as fn(&Claimed) -> Attempt, failure] {
        let scene = Scene::new().await;
        let result = result(&scene.claim(scene.one).await.unwrap());
        assert!(scene.record(scene.one, &result).await);
        let (row, attempts) = (scene.row().await, format!("{:?}", scene.attempts().await));
        assert!(!scene.record(scene.one, &result).await);
        assert_eq!((scene.row().await, format!("{:?}", scene.attempts().await)), (row, attempts));
    }
}

#[tokio::test]
async fn of_two_results_of_one_delivery_in_one_batch_the_success_counts() {
    // after an outage of the database a dispatcher may hold the result of a lease it lost and of the one it got next
    for (is_first_delivered, is_reversed) in [(true, false), (true, true), (false, false), (false, true)] {
        let scene = Scene::new().await;
        let (first, second) = scene.claim_twice().await;
        let mut batch = match is_first_delivered {
            true => [success(&first), failure(&second)],
            false => [failure(&first), success(&second)],
        };
        if is_reversed {
            batch.reverse();
        }
        queue::record(&scene.store, scene.one, &batch).await.unwrap();
        assert_eq!(scene.status().await.0, "delivered", "{is_first_delivered} {is_reversed}");
        assert_eq!(scene.attempts().await.iter().filter(|a| a.status_code.is_some()).count(), 2);
    }
}

#[tokio::test]
async fn a_released_lease_gives_its_attempt_back() {
    let scene = Scene::new().await;
    let first = scene.claim(scene.one).await.unwrap();
    assert_eq!(scene.status().await, ("sending".to_owned(), 1));
    let lease = [(first.id, first.epoch)];
    assert_eq!(queue::release(&scene.store, &lease).await.unwrap(), 1);
    assert_eq!(scene.status().await, ("pending".to_owned(), 0));
    assert_eq!(queue::release(&scene.store, &lease).await.unwrap(), 0, "repeated");

    let second = scene.claim(scene.one).await.unwrap();
    assert_eq!((second.number, second.epoch), (1, 2));
    assert_eq!(queue::release(&scene.store, &lease).await.unwrap(), 0, "not its lease any more");
    assert!(scene.record(scene.one, &failure(&second)).await);
    scene.world.pass_time(7200.0).await;
    let third = scene.claim(scene.other).await.unwrap();
    queue::release(&scene.store, &[(third.id, third.epoch)]).await.unwrap();
    assert_eq!(scene.status().await, ("retrying".to_owned(), 1));
    assert_eq!(scene.attempts().await.len(), 1);
}
