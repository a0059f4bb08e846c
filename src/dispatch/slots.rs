//! Room for deliveries in flight, in all, per subscription and per tenant: a receiver that hangs cannot take everyone's.

use std::collections::{HashMap, HashSet};
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
    /// Subscriptions and tenants that gave back a slot, or whose result was recorded, since the last look began.
    relieved: HashSet<Uuid>,
    by_subscription: HashMap<Uuid, u32>,
    by_tenant: HashMap<Uuid, u32>,
    /// Subscriptions and tenants that may have more waiting than they had slots for.
    capped: HashSet<Uuid>,
}

/// How the slots were taken at one moment.
pub(crate) struct Occupancy {
    /// Deliveries in flight per subscription.
    pub(crate) by_subscription: HashMap<Uuid, u32>,
    /// The same per tenant.
    pub(crate) by_tenant: HashMap<Uuid, u32>,
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

    /// Deliveries in flight of a subscription that sets no limit: an eighth of all. It is what a receiver is met with that
    /// nobody thought about, and what one that hangs can hold.
    pub(crate) fn default_cap(&self) -> u32 {
        self.concurrency().div_ceil(8)
    }

    /// Deliveries in flight of a tenant that sets no limit: three quarters of all, whatever its receivers do.
    pub(crate) fn default_tenant_cap(&self) -> u32 {
        (self.concurrency() * 3).div_ceil(4)
    }

    /// Deliveries in flight.
    pub(crate) fn in_flight(&self) -> usize {
        self.taken().total
    }

    /// Who has how many slots now; a look begins.
    pub(crate) fn occupancy(&self) -> Occupancy {
        let mut taken = self.taken();
        taken.relieved.clear();
        Occupancy { by_subscription: taken.by_subscription.clone(), by_tenant: taken.by_tenant.clone() }
    }

    /// Takes a slot for a delivery that was claimed into it.
    pub(crate) fn take(self: &Arc<Self>, tenant: Uuid, subscription: Uuid) -> Slot {
        let mut taken = self.taken();
        taken.total += 1;
        *taken.by_subscription.entry(subscription).or_default() += 1;
        *taken.by_tenant.entry(tenant).or_default() += 1;
        self.metrics.set_in_flight(taken.total);
        Slot { slots: self.clone(), tenant, subscription }
    }

    /// Remembers who was held back by a limit in flight: the next slot that one of them gives back is told of. False when one
    /// was given back since the look began, when nobody was there to tell: look again.
    pub(crate) fn remember_capped(&self, capped: &[Uuid]) -> bool {
        self.metrics.set_slots(self.concurrency(), capped.len());
        let mut taken = self.taken();
        taken.capped.extend(capped);
        !capped.iter().any(|id| taken.relieved.contains(id))
    }

    /// Results were recorded: the database counts their deliveries as in flight no longer, whoever gave back the slots before.
    pub(crate) fn recorded(&self, deliveries: impl Iterator<Item = (Uuid, Uuid)>) {
        let mut taken = self.taken();
        let mut was_capped = false;
        for (tenant, subscription) in deliveries {
            was_capped |= taken.relieve(tenant, subscription);
        }
        drop(taken);
        if was_capped {
            self.freed.notify_one();
        }
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
    tenant: Uuid,
    subscription: Uuid,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.slots.taken();
        let was_full = taken.total >= self.slots.concurrency;
        taken.total -= 1;
        count_down(&mut taken.by_subscription, self.subscription);
        count_down(&mut taken.by_tenant, self.tenant);
        let was_capped = taken.relieve(self.tenant, self.subscription);
        self.slots.metrics.set_in_flight(taken.total);
        drop(taken);
        // work may be waiting for a slot, or there may be more of it than the last claim could take
        if was_full || was_capped {
            self.slots.freed.notify_one();
        }
    }
}

impl Taken {
    /// Notes that these two have room again; true when one of them was held back.
    fn relieve(&mut self, tenant: Uuid, subscription: Uuid) -> bool {
        self.relieved.extend([tenant, subscription]);
        self.capped.remove(&subscription) | self.capped.remove(&tenant)
    }
}

fn count_down(counts: &mut HashMap<Uuid, u32>, id: Uuid) {
    if let Some(count) = counts.get_mut(&id) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: Uuid = Uuid::from_u128(1);
    const SUBSCRIPTION: Uuid = Uuid::from_u128(2);

    fn slots() -> Arc<Slots> {
        Arc::new(Slots::new(2, Metrics::new().unwrap()))
    }

    #[test]
    fn a_slot_is_given_back_even_by_a_panic() {
        let slots = slots();
        let in_panic = slots.clone();
        let result = std::thread::spawn(move || {
            let _slot = in_panic.take(TENANT, SUBSCRIPTION);
            panic!("a delivery went wrong");
        })
        .join();
        assert!(result.is_err());
        assert_eq!((slots.room(), slots.occupancy().by_subscription.len()), (2, 0));
    }

    #[test]
    fn slots_are_counted_by_subscription_and_tenant() {
        let slots = slots();
        let (a, _b) = (slots.take(TENANT, SUBSCRIPTION), slots.take(TENANT, SUBSCRIPTION));
        let two = slots.occupancy();
        assert_eq!((slots.room(), two.by_subscription[&SUBSCRIPTION], two.by_tenant[&TENANT]), (0, 2, 2));
        drop(a);
        let one = slots.occupancy();
        assert_eq!((slots.room(), one.by_subscription[&SUBSCRIPTION], one.by_tenant[&TENANT]), (1, 1, 1));
    }

    #[tokio::test]
    async fn a_slot_given_back_by_who_was_held_back_is_told_of() {
        for capped in [SUBSCRIPTION, TENANT] {
            let slots = slots();
            let slot = slots.take(TENANT, SUBSCRIPTION);
            assert!(slots.remember_capped(&[capped]));
            drop(slot);
            slots.freed().await;
        }
    }

    #[test]
    fn a_slot_given_back_during_the_look_calls_for_another() {
        let slots = slots();
        let slot = slots.take(TENANT, SUBSCRIPTION);
        slots.occupancy();
        drop(slot);
        assert!(!slots.remember_capped(&[SUBSCRIPTION]));
        assert!(slots.remember_capped(&[Uuid::from_u128(3)]), "somebody else's slot");
        slots.occupancy();
        assert!(slots.remember_capped(&[SUBSCRIPTION]), "that was before this look");
    }
}
