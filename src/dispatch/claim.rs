//! Claim: leases what there is room for, and starts it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::Tools;
use super::record::Recorder;
use super::send::{Shipment, deliver};
use crate::store::StoreError;
use crate::store::queue::{self, ClaimRequest, Claimed};

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
}

/// Least deliveries of one subscription's turn: fewer would cost more in walking than they are worth in fairness.
const LEAST_SHARE: u32 = 10;

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
}

impl Claimer {
    pub(crate) fn new(
        tools: Arc<Tools>,
        recorder: Recorder,
        deliveries: TaskTracker,
        abort: CancellationToken,
    ) -> Self {
        Self { tools, recorder, deliveries, abort, served: 0 }
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
        if !claim.is_claimer {
            return Ok(Pass::Contended);
        }
        if claim.has_open_fanouts {
            tools.open_fanouts.notify_one();
        }
        if let Some(pause) = claim.look_again {
            self.recorder.retries().add(Instant::now() + pause);
        }
        self.served = subscriptions_of(&claim.deliveries);
        for shipment in shipments(claim.deliveries) {
            self.start(shipment, leased_at);
        }
        let is_settled = self.tools.slots.remember_capped(&claim.capped, &busy);
        Ok(if claim.has_more || !is_settled { Pass::MoreWaiting } else { Pass::Drained })
    }

    fn start(&self, shipment: Vec<Claimed>, leased_at: Instant) {
        let Some(first) = shipment.first() else { return };
        let tools = &self.tools;
        for claimed in &shipment {
            if claimed.is_rescue {
                tools.metrics.rescued();
            }
        }
        let lease_ends = leased_at + first.timeout + tools.lease_margin;
        let slots = shipment.iter().map(|c| tools.slots.take(c.tenant_id, c.subscription_id)).collect();
        let shipment = Shipment { deliveries: shipment, lease_ends, slots };
        self.deliveries.spawn(deliver(tools.clone(), self.recorder.clone(), shipment, self.abort.clone()));
    }

    /// Waits for a free slot, and while few are free a moment more: one claim for many rows costs little more than for one.
    pub(crate) async fn wait_for_room(&self) {
        let slots = &self.tools.slots;
        while slots.room() == 0 {
            slots.freed().await;
        }
        if slots.room() < slots.concurrency() / 4 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// How many subscriptions these belong to; those of one stand beside each other.
fn subscriptions_of(deliveries: &[Claimed]) -> u32 {
    let groups = deliveries.chunk_by(|a, b| a.subscription_id == b.subscription_id).count();
    u32::try_from(groups).unwrap_or(u32::MAX)
}

/// Puts together what goes in one request: a batch of one subscription's deliveries where it wants batches, else one each.
fn shipments(deliveries: Vec<Claimed>) -> Vec<Vec<Claimed>> {
    let mut shipments: Vec<Vec<Claimed>> = Vec::with_capacity(deliveries.len());
    let mut open: Option<(Uuid, usize)> = None;
    for claimed in deliveries {
        let bytes = claimed.happened.as_ref().map_or(0, |happened| happened.payload.len());
        let (subscription, batch_max) = (claimed.subscription_id, claimed.batch_max);
        match (&mut open, shipments.last_mut(), batch_max) {
            (Some((of, filled)), Some(batch), Some(max))
                if *of == subscription && batch.len() < max as usize && *filled + bytes <= BATCH_BYTES =>
            {
                *filled += bytes;
                batch.push(claimed);
            }
            _ => {
                open = batch_max.map(|_| (subscription, bytes));
                shipments.push(vec![claimed]);
            }
        }
    }
    shipments
}
