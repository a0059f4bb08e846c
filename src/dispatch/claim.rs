//! Claim: leases what there is room for, and starts it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::Tools;
use super::record::Recorder;
use super::send::deliver;
use crate::store::StoreError;
use crate::store::queue::{self, ClaimRequest};

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

/// Deliveries that every subscription may have in one claim at least (the `greatest(10, …)` of queue/claim): fewer in a
/// whole walk mean that no subscription was cut short by its share.
const SHARE: usize = 10;

/// Leases deliveries and starts them.
pub(crate) struct Claimer {
    tools: Arc<Tools>,
    recorder: Recorder,
    deliveries: TaskTracker,
    abort: CancellationToken,
    /// Where the walk over the subscriptions goes on; nil is its beginning.
    after: Uuid,
    /// Deliveries found since the walk began.
    found: usize,
    /// Whether the walk began with a look that took all the room there was.
    was_full: bool,
}

impl Claimer {
    pub(crate) fn new(
        tools: Arc<Tools>,
        recorder: Recorder,
        deliveries: TaskTracker,
        abort: CancellationToken,
    ) -> Self {
        Self { tools, recorder, deliveries, abort, after: Uuid::nil(), found: 0, was_full: false }
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
        let busy = tools.slots.busy();
        let claim = queue::claim(
            &tools.store,
            &ClaimRequest {
                room,
                after: self.after,
                dispatcher_id: tools.dispatcher_id,
                lease_margin: tools.lease_margin,
                default_timeout: tools.webhook.timeout(),
                busy: &busy,
                default_cap: tools.slots.default_cap(),
            },
        )
        .await?;
        if !claim.is_claimer {
            return Ok(Pass::Contended);
        }
        let count = claim.deliveries.len();
        let mut taken: HashMap<Uuid, (u32, u32)> = HashMap::new();
        for claimed in claim.deliveries {
            taken.entry(claimed.subscription_id).or_insert((0, claimed.cap)).0 += 1;
            if claimed.is_rescue {
                tools.metrics.rescued();
            }
            let slot = tools.slots.take(claimed.subscription_id, claimed.cap);
            let lease_ends = leased_at + claimed.timeout + tools.lease_margin;
            self.deliveries.spawn(deliver(
                tools.clone(),
                self.recorder.clone(),
                claimed,
                lease_ends,
                slot,
                self.abort.clone(),
            ));
        }
        self.found += count;
        self.was_full |= count >= room as usize;
        self.after = claim.stopped_at.unwrap_or_default();
        let is_end_of_walk = claim.stopped_at.is_none();
        let was_quiet = is_end_of_walk && self.found < SHARE && !self.was_full;
        if is_end_of_walk {
            (self.found, self.was_full) = (0, false);
        }
        // One that ended while we claimed freed its slot below the cap, which wakes nobody: its subscription may have
        // more, and this look took only what the cap had left before.
        let has_slot_again = taken.iter().any(|(subscription, &(count, cap))| {
            let before = busy.get(subscription).copied().unwrap_or(0);
            before + count >= cap && tools.slots.in_flight_of(*subscription) < cap
        });
        if claim.has_open_fanouts {
            tools.open_fanouts.notify_one();
        }
        Ok(if has_slot_again || !was_quiet { Pass::MoreWaiting } else { Pass::Drained })
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
