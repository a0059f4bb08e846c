//! Dispatchers moved by hand, claim by claim and result by result, to see exactly who is served when.

use std::collections::HashMap;
use std::time::Duration;

use posthorn::domain::delivery::{DeliveryStatus, ErrorKind};
use posthorn::store::queue::{self, Attempt, CircuitChange, Claim, ClaimRequest, Claimed, Outcomes, Patience};
use posthorn::store::{Store, StoreRole, dispatchers};
use uuid::Uuid;

use super::World;

/// A registered dispatcher that does what a test tells it to; it knows what it has in flight.
pub(crate) struct Hand {
    pub(crate) id: Uuid,
    /// Deliveries in flight of a subscription without a limit.
    pub(crate) cap: u32,
    /// The same of a tenant.
    pub(crate) tenant_cap: u32,
    store: Store,
    by_subscription: HashMap<Uuid, u32>,
    by_tenant: HashMap<Uuid, u32>,
}

impl World {
    /// A dispatcher to be moved by hand, with room for everything unless a claim says otherwise.
    pub(crate) async fn hand(&self) -> Hand {
        let store = self.store(StoreRole::Dispatcher);
        let id = dispatchers::register(&store, "by hand", 10_000).await.unwrap();
        Hand { id, cap: 10_000, tenant_cap: 10_000, store, by_subscription: HashMap::new(), by_tenant: HashMap::new() }
    }
}

impl Hand {
    /// Leases at most `room` deliveries.
    pub(crate) async fn claim(&mut self, room: u32) -> Vec<Claimed> {
        self.look(room, room).await.deliveries
    }

    /// Leases at most `room` deliveries, at most `share` of each subscription before the others had their turn.
    pub(crate) async fn look(&mut self, room: u32, share: u32) -> Claim {
        let request = ClaimRequest {
            dispatcher_id: self.id,
            room,
            share,
            lease_margin: Duration::from_secs(600),
            default_timeout: Duration::from_secs(10),
            default_cap: self.cap,
            default_tenant_cap: self.tenant_cap,
            busy_subscriptions: &self.by_subscription,
            busy_tenants: &self.by_tenant,
        };
        let claim = queue::claim(&self.store, &request).await.unwrap().expect("no copy");
        assert!(claim.is_claimer, "nobody else claims in this test");
        for claimed in &claim.deliveries {
            *self.by_subscription.entry(claimed.subscription_id).or_default() += 1;
            *self.by_tenant.entry(claimed.tenant_id).or_default() += 1;
        }
        claim
    }

    /// Records what deliveries came to; a retry is an hour away.
    pub(crate) async fn record(&mut self, claimed: &[Claimed], status: DeliveryStatus) {
        let attempts: Vec<Attempt> = claimed.iter().map(|claimed| attempt(claimed, status)).collect();
        queue::record(&self.store, self.id, &attempts).await.unwrap();
        for claimed in claimed {
            *self.by_subscription.get_mut(&claimed.subscription_id).unwrap() -= 1;
            *self.by_tenant.get_mut(&claimed.tenant_id).unwrap() -= 1;
        }
    }

    /// Tells of a receiver's answers in one batch of results, as an instance does that opens circuits after three failures in
    /// a row or half of at least twenty, for ten seconds, and suspends after an hour.
    pub(crate) async fn note(&self, subscription: Uuid, successes: u32, failures: u32) -> Vec<CircuitChange> {
        let outcomes = Outcomes {
            subscription_id: subscription,
            successes,
            failures,
            // as if the successes had come first
            trailing_failures: failures,
            error: (failures > 0).then(|| "the receiver answered 503".to_owned()),
        };
        let patience = Patience {
            failures: 3,
            failure_ratio: 0.5,
            circuit: Duration::from_secs(10),
            suspend_after: Duration::from_secs(3600),
        };
        queue::note_outcomes(&self.store, &[outcomes], patience).await.unwrap()
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
        target_url: "https://receiver.example/".to_owned(),
        age: Duration::ZERO,
        duration: Duration::ZERO,
        status_code: Some(if is_delivered { 200 } else { 503 }),
        error_kind: (!is_delivered).then_some(ErrorKind::ServerError),
        error: None,
        response_headers: None,
        response_body: None,
        response_body_truncated: false,
    }
}
