//! Claim: leases what there is room for, and starts it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::Tools;
use super::record::{Done, Recorder};
use super::send::{Shipment, deliver};
use super::subscriber::{Subscriber, Subscribers};
use crate::store::StoreError;
use crate::store::queue::{self, ClaimRequest, Claimed, Served};

/// What one look at the queue came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pass {
    /// Every slot is taken.
    NoRoom,
    /// There was work, or there may be more.
    MoreWaiting,
    /// Nothing is due that could start now.
    Drained,
    /// Another dispatcher was claiming.
    Contended,
    /// The database is a copy of one that sends elsewhere.
    Copy,
}

/// Least deliveries of one subscription's turn: fewer would cost more in walking than they are worth in fairness.
const LEAST_SHARE: u32 = 10;

/// Longest that a claim waits for more room than it has.
const GATHERING_MAX: Duration = Duration::from_millis(20);

/// Payload bytes after which a batch takes no further event.
const BATCH_BYTES: usize = 1 << 20;

/// Leases deliveries and starts them.
pub(crate) struct Claimer {
    tools: Arc<Tools>,
    recorder: Recorder,
    deliveries: TaskTracker,
    abort: CancellationToken,
    /// Subscriptions that the last look served.
    served: u32,
    subscribers: Subscribers,
}

impl Claimer {
    pub(crate) fn new(
        tools: Arc<Tools>,
        recorder: Recorder,
        deliveries: TaskTracker,
        abort: CancellationToken,
    ) -> Self {
        Self { tools, recorder, deliveries, abort, served: 0, subscribers: Subscribers::default() }
    }

    /// One look: leases at most as many deliveries as there are free slots, and starts each.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub(crate) async fn pass(&mut self) -> Result<Pass, StoreError> {
        let tools = &self.tools;
        let room = tools.slots.room();
        if room == 0 {
            return Ok(Pass::NoRoom);
        }
        // the lease is counted from before the round trip, so that ours never seems longer than the database's
        let leased_at = Instant::now();
        let busy = tools.slots.occupancy();
        let claim = queue::claim(
            &tools.store,
            &ClaimRequest {
                dispatcher_id: tools.dispatcher_id,
                room,
                share: (room / self.served.max(1)).max(LEAST_SHARE),
                lease_margin: tools.lease_margin,
                default_timeout: tools.webhook.timeout(),
                default_cap: tools.slots.default_cap(),
                default_tenant_cap: tools.slots.default_tenant_cap(),
                busy_subscriptions: &busy.by_subscription,
                busy_tenants: &busy.by_tenant,
            },
        )
        .await?;
        let Some(claim) = claim else { return Ok(Pass::Copy) };
        if !claim.is_claimer {
            return Ok(Pass::Contended);
        }
        tools.metrics.claimed(claim.deliveries.len(), leased_at.elapsed());
        if !claim.deliveries.is_empty() {
            fail_point!("after_claim_commit");
        }
        if claim.deliveries.iter().any(|claimed| claimed.is_rescue) {
            fail_point!("in_rescue");
        }
        if claim.has_open_fanouts {
            tools.open_fanouts.notify_one();
        }
        self.recorder.retries().look_again_at(claim.look_again.map(|pause| Instant::now() + pause));
        self.served = u32::try_from(claim.served.len()).unwrap_or(u32::MAX);
        let subscribers = match self.ready(&claim.served).await {
            Ok(subscribers) => subscribers,
            Err(error) => {
                for claimed in &claim.deliveries {
                    self.recorder.push(Done::Released(claimed.id, claimed.epoch)).await;
                }
                return Err(error);
            }
        };
        let batch_max = |id| subscribers.get(&id)?.0.stored.batch_max;
        for (id, deliveries) in shipments(claim.deliveries, batch_max) {
            // none: what is stored of it could not be read, which was said; the leases run out
            if let Some((subscriber, served)) = subscribers.get(&id) {
                self.start(subscriber.clone(), served, deliveries, leased_at);
            }
        }
        let is_settled = self.tools.slots.remember_capped(&claim.capped);
        Ok(if claim.has_more || !is_settled { Pass::MoreWaiting } else { Pass::Drained })
    }

    /// The subscribers of a claim, those that changed read anew.
    async fn ready(&mut self, served: &[Served]) -> Result<HashMap<Uuid, (Arc<Subscriber>, Served)>, StoreError> {
        let mut ready = HashMap::with_capacity(served.len());
        let mut changed = HashMap::new();
        for served in served {
            match self.subscribers.get(served.id, served.changed_at) {
                Some(known) => drop(ready.insert(served.id, (known, *served))),
                None => drop(changed.insert(served.id, *served)),
            }
        }
        if !changed.is_empty() {
            let ids: Vec<Uuid> = changed.keys().copied().collect();
            for stored in queue::subscribers(&self.tools.store, &ids).await? {
                if let Some(served) = changed.remove(&stored.id) {
                    let subscriber = self.subscribers.remember(stored, &self.tools.webhook, &self.tools.keyring);
                    ready.insert(served.id, (subscriber, served));
                }
            }
        }
        Ok(ready)
    }

    fn start(&self, subscriber: Arc<Subscriber>, served: &Served, deliveries: Vec<Claimed>, leased_at: Instant) {
        let tools = &self.tools;
        for _ in deliveries.iter().filter(|claimed| claimed.is_rescue) {
            tools.metrics.rescued();
        }
        let lease_ends = leased_at + served.timeout + tools.lease_margin;
        let slots = deliveries.iter().map(|c| tools.slots.take(c.tenant_id, c.subscription_id)).collect();
        let shipment = Shipment { subscriber, is_troubled: served.is_troubled, deliveries, lease_ends, slots };
        self.deliveries.spawn(deliver(tools.clone(), self.recorder.clone(), shipment, self.abort.clone()));
    }

    /// Counts a look that panicked.
    pub(crate) fn note_panic(&self) {
        self.tools.metrics.panicked("claim");
    }

    /// Whether the last look leased anything.
    pub(crate) const fn found_work(&self) -> bool {
        self.served > 0
    }

    /// Waits for a free slot.
    pub(crate) async fn wait_for_room(&self) {
        let slots = &self.tools.slots;
        while slots.room() == 0 {
            slots.freed().await;
        }
    }

    /// Waits a moment while few slots are free and more become so: one claim for many rows costs little more than for one, and
    /// of several dispatchers on one queue each has few slots to give back at a time.
    pub(crate) async fn gather_room(&self) {
        let slots = &self.tools.slots;
        let started = Instant::now();
        let mut room = slots.room();
        while room < slots.concurrency() / 4 && started.elapsed() < GATHERING_MAX {
            tokio::time::sleep(Duration::from_millis(1)).await;
            let before = std::mem::replace(&mut room, slots.room());
            if room == before {
                return; // those in flight hang, and nobody is to wait for them
            }
        }
    }
}

/// Puts those of a batch in the order of their events: the same events again are the same message, whatever order they fell
/// due in.
fn sorted_for_batches(mut deliveries: Vec<Claimed>, batch_max: impl Fn(Uuid) -> Option<u32>) -> Vec<Claimed> {
    for of_subscription in deliveries.chunk_by_mut(|a, b| a.subscription_id == b.subscription_id) {
        if of_subscription.first().is_some_and(|first| batch_max(first.subscription_id).is_some()) {
            of_subscription.sort_unstable_by_key(|claimed| claimed.event_id);
        }
    }
    deliveries
}

/// Puts together what goes in one request: a batch of one subscription's deliveries where it wants batches, else one each.
fn shipments(deliveries: Vec<Claimed>, batch_max: impl Fn(Uuid) -> Option<u32>) -> Vec<(Uuid, Vec<Claimed>)> {
    let mut shipments: Vec<(Uuid, Vec<Claimed>)> = Vec::with_capacity(deliveries.len());
    let mut filled = 0;
    for claimed in sorted_for_batches(deliveries, &batch_max) {
        let subscription = claimed.subscription_id;
        let bytes = claimed.happened.as_ref().map_or(0, |happened| happened.payload.len());
        match (shipments.last_mut(), batch_max(subscription)) {
            (Some((of, batch)), Some(max))
                if *of == subscription && batch.len() < max as usize && filled + bytes <= BATCH_BYTES =>
            {
                filled += bytes;
                batch.push(claimed);
            }
            _ => {
                filled = bytes;
                shipments.push((subscription, vec![claimed]));
            }
        }
    }
    shipments
}
