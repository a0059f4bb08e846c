//! What the database should show: a delivery as a few plain fields, and what each statement makes of it.

use std::collections::{BTreeMap, BTreeSet};

use posthorn::domain::delivery::DeliveryStatus::{self, Cancelled, Delivered, Pending, Retrying, Sending};
use posthorn::domain::delivery::ErrorKind;
use posthorn::store::queue::{Attempt, Claimed};
use uuid::Uuid;

use super::steps::{Outcome, Statement};

/// How long a lease lasts, in the hours that the clock moves by.
pub(super) const LEASE_HOURS: i64 = 2;

/// What an attempt's row tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// The placeholder of a lease that ran out, or that there were too many of those.
    Lost,
    Success,
    Failure,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Active,
    Inactive,
    Deleted,
}

#[derive(Clone, Debug)]
pub(super) struct Subscription {
    pub(super) id: Uuid,
    /// Which of the two tenants.
    pub(super) tenant: usize,
    /// The only event type it wants.
    pub(super) event: Option<&'static str>,
    pub(super) standing: Standing,
}

#[derive(Clone, Debug)]
pub(super) struct Delivery {
    pub(super) tenant: usize,
    pub(super) event: Uuid,
    pub(super) subscription: Uuid,
    /// Line and place in it.
    pub(super) place: Option<(String, i64)>,
    pub(super) status: DeliveryStatus,
    pub(super) generation: i32,
    pub(super) epoch: i32,
    pub(super) attempts: i32,
    /// The hour from which it may go.
    pub(super) due: i64,
    /// The hour in which its lease ends.
    pub(super) lease_ends: Option<i64>,
    /// Its attempts' rows by epoch.
    pub(super) told: BTreeMap<i32, Told>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Reference {
    /// Hours since the beginning.
    pub(super) now: i64,
    pub(super) subscriptions: Vec<Subscription>,
    pub(super) deliveries: BTreeMap<Uuid, Delivery>,
}

impl Delivery {
    pub(super) fn is_live(&self) -> bool {
        !self.status.is_terminal()
    }

    fn move_to(&mut self, status: DeliveryStatus) {
        self.status = status;
        self.lease_ends = None;
    }

    fn cancel(&mut self) {
        self.move_to(Cancelled);
        self.epoch += 1;
    }

    fn replay(&mut self, now: i64) {
        self.move_to(Pending);
        (self.generation, self.epoch, self.attempts, self.due) = (self.generation + 1, self.epoch + 1, 0, now);
    }
}

impl Reference {
    pub(super) fn subscription(&self, id: Uuid) -> &Subscription {
        self.subscriptions.iter().find(|subscription| subscription.id == id).unwrap()
    }

    /// Who stands before it in its line.
    pub(super) fn is_behind(&self, delivery: &Delivery) -> bool {
        self.in_line(delivery, |place, other| other < place, |_| true)
    }

    fn in_line(
        &self,
        delivery: &Delivery,
        by_place: impl Fn(i64, i64) -> bool,
        matches: impl Fn(&Delivery) -> bool,
    ) -> bool {
        let Some((key, place)) = &delivery.place else { return false };
        self.deliveries.values().any(|other| {
            let Some((other_key, other_place)) = &other.place else { return false };
            other.subscription == delivery.subscription
                && other_key == key
                && other.is_live()
                && by_place(*place, *other_place)
                && matches(other)
        })
    }

    /// Whether a lease of it runs.
    pub(super) fn is_leased(&self, delivery: &Delivery) -> bool {
        delivery.lease_ends.is_some_and(|ends| ends > self.now)
    }

    /// What a claim may take now.
    pub(super) fn claimable(&self) -> BTreeSet<Uuid> {
        let may_go = |delivery: &Delivery| {
            delivery.is_live()
                && delivery.due <= self.now
                && !self.is_leased(delivery)
                && self.subscription(delivery.subscription).standing == Standing::Active
                && !self.is_behind(delivery)
                && !self.in_line(delivery, |place, other| other > place, |other| self.is_leased(other))
        };
        self.deliveries.iter().filter(|(_, delivery)| may_go(delivery)).map(|(id, _)| *id).collect()
    }

    /// Lets a statement happen and compares what it answered. `is_alone`: nothing else was under way that could hold rows;
    /// else `cancelled` tells which deliveries a deletion got hold of.
    pub(super) fn apply(
        &mut self,
        statement: &Statement,
        outcome: &Outcome,
        is_alone: bool,
        cancelled: &BTreeSet<Uuid>,
    ) -> Result<(), String> {
        match (statement, outcome) {
            (Statement::Claim { room, .. }, Outcome::Claimed(claimed)) => self.claim(*room, claimed, is_alone),
            (Statement::Record { results, .. }, Outcome::Moved(ids)) => same(&self.record(results), ids),
            (Statement::RecordLate { results, .. }, Outcome::Moved(ids)) => same(&self.record_late(results), ids),
            (Statement::Release { leases, .. }, Outcome::Moved(_)) => {
                leases.iter().for_each(|lease| self.release(*lease));
                Ok(())
            }
            (asked, answered) => self.control(asked, answered, is_alone, cancelled),
        }
    }

    /// What people do.
    fn control(
        &mut self,
        statement: &Statement,
        outcome: &Outcome,
        is_alone: bool,
        cancelled: &BTreeSet<Uuid>,
    ) -> Result<(), String> {
        let now = self.now;
        match (statement, outcome) {
            (Statement::Cancel(id), Outcome::Done(is_done)) => {
                let delivery = self.deliveries.get_mut(id).unwrap();
                let can = matches!(delivery.status, Pending | Retrying);
                let is_cancelled = delivery.status == Cancelled;
                if can {
                    delivery.cancel();
                }
                agree("cancelled", can || is_cancelled, *is_done)
            }
            (Statement::Retry(id), Outcome::Done(is_done)) => {
                let is_active = self.subscription(self.deliveries[id].subscription).standing == Standing::Active;
                let delivery = self.deliveries.get_mut(id).unwrap();
                let can = is_active && delivery.status != Sending;
                if can {
                    delivery.replay(now);
                }
                agree("replayed", can, *is_done)
            }
            (Statement::CancelEvent(tenant, event), Outcome::Done(_)) => {
                let is_waiting = |d: &&mut Delivery| d.event == *event && matches!(d.status, Pending | Retrying);
                self.deliveries
                    .values_mut()
                    .filter(|d| d.tenant == *tenant)
                    .filter(is_waiting)
                    .for_each(Delivery::cancel);
                Ok(())
            }
            (Statement::SetActive(n, is_active), Outcome::Done(_)) => {
                self.subscriptions[*n].standing = if *is_active { Standing::Active } else { Standing::Inactive };
                Ok(())
            }
            (Statement::Delete(n), Outcome::Done(_)) => {
                self.subscriptions[*n].standing = Standing::Deleted;
                let id = self.subscriptions[*n].id;
                let live = self.deliveries.iter_mut().filter(|(_, d)| d.subscription == id && d.is_live());
                // what someone else held at that moment is left to the sweep
                live.filter(|(id, _)| is_alone || cancelled.contains(id)).for_each(|(_, d)| d.cancel());
                Ok(())
            }
            (Statement::Sweep, Outcome::Count(_)) => {
                let deleted = self.subscriptions.iter().filter(|s| s.standing == Standing::Deleted);
                let deleted: BTreeSet<Uuid> = deleted.map(|s| s.id).collect();
                let is_orphan = |d: &&mut Delivery| d.is_live() && deleted.contains(&d.subscription);
                self.deliveries.values_mut().filter(is_orphan).for_each(Delivery::cancel);
                Ok(())
            }
            (Statement::RetryMany(n), Outcome::Count(count)) => {
                let Subscription { id, standing, .. } = self.subscriptions[*n];
                let wanted = |d: &&mut Delivery| {
                    d.subscription == id && matches!(d.status, DeliveryStatus::Failed | DeliveryStatus::Abandoned)
                };
                let is_active = standing == Standing::Active;
                let chosen: Vec<_> = self.deliveries.values_mut().filter(wanted).filter(|_| is_active).collect();
                agree("replayed", chosen.len(), *count)?;
                chosen.into_iter().for_each(|delivery| delivery.replay(now));
                Ok(())
            }
            (Statement::CancelMany(n), Outcome::Count(count)) => {
                let id = self.subscriptions[*n].id;
                let wanted = |d: &&mut Delivery| d.subscription == id && matches!(d.status, Pending | Retrying);
                let chosen: Vec<_> = self.deliveries.values_mut().filter(wanted).collect();
                agree("cancelled", chosen.len(), *count)?;
                chosen.into_iter().for_each(Delivery::cancel);
                Ok(())
            }
            _ => Err(format!("{statement} answered {outcome:?}")),
        }
    }

    fn claim(&mut self, room: usize, claimed: &[Claimed], is_alone: bool) -> Result<(), String> {
        let claimable = self.claimable();
        let ids: BTreeSet<Uuid> = claimed.iter().map(|claimed| claimed.id).collect();
        agree("claimed once each", ids.len(), claimed.len())?;
        if let Some(id) = ids.difference(&claimable).next() {
            return Err(format!("{} was claimed and must not be", short(*id)));
        }
        if is_alone {
            agree("claimed", room.min(claimable.len()), claimed.len())?;
        }
        for claimed in claimed {
            let now = self.now;
            let delivery = self.deliveries.get_mut(&claimed.id).unwrap();
            let is_rescue = delivery.status == Sending;
            if is_rescue {
                delivery.told.entry(delivery.epoch).or_insert(Told::Lost);
            }
            (delivery.epoch, delivery.attempts) = (delivery.epoch + 1, delivery.attempts + 1);
            (delivery.status, delivery.lease_ends) = (Sending, Some(now + LEASE_HOURS));
            let number = i32::try_from(claimed.number).unwrap();
            agree(
                "epoch, number, generation and whether it is a rescue",
                (delivery.epoch, delivery.attempts, delivery.generation, is_rescue),
                (claimed.epoch, number, claimed.generation, claimed.is_rescue),
            )?;
        }
        Ok(())
    }

    fn record(&mut self, results: &[Attempt]) -> BTreeSet<Uuid> {
        let is_success = |result: &&Attempt| result.status == Delivered;
        let (successes, failures): (Vec<_>, Vec<_>) = results.iter().partition(is_success);
        let mut moved = BTreeSet::new();
        for result in successes.iter().chain(&failures) {
            let now = self.now;
            let delivery = self.deliveries.get_mut(&result.delivery_id).unwrap();
            let finds_it = match result.status {
                Delivered => delivery.is_live() && delivery.generation == result.generation,
                _ => delivery.status == Sending && delivery.epoch == result.epoch,
            };
            if finds_it {
                delivery.move_to(result.status);
                delivery.due = if result.status == Retrying { now + 1 } else { delivery.due };
                moved.insert(result.delivery_id);
            }
        }
        for result in successes.iter().filter(|success| moved.contains(&success.delivery_id)).chain(&failures) {
            self.tell(result);
        }
        moved
    }

    fn record_late(&mut self, results: &[Attempt]) -> BTreeSet<Uuid> {
        let mut moved = BTreeSet::new();
        for result in results {
            self.tell(result);
            let delivery = self.deliveries.get_mut(&result.delivery_id).unwrap();
            let is_given_up = matches!(delivery.status, DeliveryStatus::Failed | DeliveryStatus::Abandoned);
            if is_given_up && delivery.generation == result.generation {
                delivery.move_to(Delivered);
                moved.insert(result.delivery_id);
            }
        }
        moved
    }

    fn tell(&mut self, result: &Attempt) {
        let told = match result.error_kind {
            None => Told::Success,
            Some(ErrorKind::LeaseExpired) => Told::Lost,
            Some(_) => Told::Failure,
        };
        let row = self.deliveries.get_mut(&result.delivery_id).unwrap().told.entry(result.epoch).or_insert(told);
        if *row == Told::Lost {
            *row = told;
        }
    }

    fn release(&mut self, (id, epoch): (Uuid, i32)) {
        let delivery = self.deliveries.get_mut(&id).unwrap();
        if delivery.status == Sending && delivery.epoch == epoch {
            delivery.move_to(if delivery.attempts > 1 { Retrying } else { Pending });
            delivery.attempts -= 1;
        }
    }
}

/// A name that fits into a line.
pub(super) fn short(id: Uuid) -> String {
    let text = id.simple().to_string();
    text[text.len() - 4..].to_owned()
}

fn same(expected: &BTreeSet<Uuid>, found: &[Uuid]) -> Result<(), String> {
    agree("moved", expected.clone(), found.iter().copied().collect())
}

fn agree<T: PartialEq + std::fmt::Debug>(what: &str, expected: T, found: T) -> Result<(), String> {
    if expected == found { Ok(()) } else { Err(format!("{what}: {expected:?} was expected, it was {found:?}")) }
}
