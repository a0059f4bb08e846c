//! Room for deliveries in flight, in all and per subscription: a receiver that hangs cannot take everyone's.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use uuid::Uuid;

use crate::metrics::Metrics;

/// The slots of one dispatcher.
pub(crate) struct Slots {
    concurrency: usize,
    taken: Mutex<Taken>,
    /// Told when a slot becomes free that work may be waiting for.
    freed: Notify,
    metrics: Metrics,
}

#[derive(Default)]
struct Taken {
    total: usize,
    by_subscription: HashMap<Uuid, u32>,
}

impl Slots {
    pub(crate) fn new(concurrency: u32, metrics: Metrics) -> Self {
        Self { concurrency: concurrency as usize, taken: Mutex::default(), freed: Notify::new(), metrics }
    }

    /// Deliveries that can start now.
    pub(crate) fn room(&self) -> u32 {
        u32::try_from(self.concurrency.saturating_sub(self.taken().total)).unwrap_or(u32::MAX)
    }

    /// Most deliveries in flight.
    pub(crate) fn concurrency(&self) -> u32 {
        u32::try_from(self.concurrency).unwrap_or(u32::MAX)
    }

    /// Deliveries in flight of a subscription that sets no limit: half of all, so that one receiver leaves room for others.
    pub(crate) fn default_cap(&self) -> u32 {
        self.concurrency().div_ceil(2)
    }

    /// Deliveries in flight.
    pub(crate) fn in_flight(&self) -> usize {
        self.taken().total
    }

    /// Deliveries in flight of one subscription.
    pub(crate) fn in_flight_of(&self, subscription: Uuid) -> u32 {
        self.taken().by_subscription.get(&subscription).copied().unwrap_or(0)
    }

    /// Deliveries in flight per subscription.
    pub(crate) fn busy(&self) -> HashMap<Uuid, u32> {
        self.taken().by_subscription.clone()
    }

    /// Takes a slot for a delivery that was claimed into it; `cap` is its subscription's limit.
    pub(crate) fn take(self: &Arc<Self>, subscription: Uuid, cap: u32) -> Slot {
        let mut taken = self.taken();
        taken.total += 1;
        *taken.by_subscription.entry(subscription).or_default() += 1;
        self.metrics.set_in_flight(taken.total);
        Slot { slots: self.clone(), subscription, cap }
    }

    /// Waits until a slot is free that someone may be waiting for.
    pub(crate) async fn freed(&self) {
        self.freed.notified().await;
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A taken slot; given back when dropped, a panic included.
pub(crate) struct Slot {
    slots: Arc<Slots>,
    subscription: Uuid,
    cap: u32,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.slots.taken();
        let was_full = taken.total >= self.slots.concurrency;
        taken.total -= 1;
        let mut was_capped = false;
        if let Some(count) = taken.by_subscription.get_mut(&self.subscription) {
            was_capped = *count >= self.cap;
            *count -= 1;
            if *count == 0 {
                taken.by_subscription.remove(&self.subscription);
            }
        }
        self.slots.metrics.set_in_flight(taken.total);
        drop(taken);
        // work may be waiting for a slot, or the subscription may have more than the last claim could take
        if was_full || was_capped {
            self.slots.freed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots() -> Arc<Slots> {
        Arc::new(Slots::new(2, Metrics::new().unwrap()))
    }

    #[test]
    fn a_slot_is_given_back_even_by_a_panic() {
        let slots = slots();
        let in_panic = slots.clone();
        let result = std::thread::spawn(move || {
            let _slot = in_panic.take(Uuid::nil(), 1);
            panic!("a delivery went wrong");
        })
        .join();
        assert!(result.is_err());
        assert_eq!((slots.room(), slots.busy().len()), (2, 0));
    }

    #[test]
    fn busy_counts_by_subscription() {
        let slots = slots();
        let (a, _b) = (slots.take(Uuid::nil(), 2), slots.take(Uuid::nil(), 2));
        assert_eq!((slots.room(), slots.busy()[&Uuid::nil()]), (0, 2));
        drop(a);
        assert_eq!((slots.room(), slots.busy()[&Uuid::nil()]), (1, 1));
    }
}
