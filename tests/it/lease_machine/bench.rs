//! A case on its way: the database, dispatchers moved by hand, and the reference beside them.

mod execute;
mod holding;
mod publishing;

use std::collections::{BTreeMap, BTreeSet};

use posthorn::domain::delivery::DeliveryStatus;
use posthorn::store::queue::Attempt;
use uuid::Uuid;

use super::reference::{Delivery, LEASE_HOURS, Reference, Standing, Subscription, short};
use super::rules::{self, Rows};
use super::steps::{Answer, EVENTS, Outcome, Statement, Wish};
use crate::harness::World;
use execute::Stores;
pub(super) use execute::stores;
use holding::{Held, Stage};
use publishing::Open;

/// Attempts of the subscriptions' schedule.
const ATTEMPTS: u32 = 3;

/// A statement with what it is about.
struct Resolved {
    statement: Statement,
    held: Vec<usize>,
    is_known: bool,
}

pub(super) struct Bench<'a> {
    world: &'a World,
    stores: &'a Stores,
    tenants: [Uuid; 2],
    reference: Reference,
    rows: Rows,
    held: Vec<Held>,
    next_held: usize,
    sent: BTreeMap<(Uuid, i32), u32>,
    open: Option<Open>,
    told: Vec<String>,
}

impl<'a> Bench<'a> {
    /// Two tenants of their own: the first has a subscription to everything and one to orders, the second one to everything.
    pub(super) async fn set_up(world: &'a World, stores: &'a Stores, is_ordered: bool) -> Self {
        // what a case left that failed
        stores.aside.batch_execute("ROLLBACK").await.unwrap();
        world.db.batch_execute("TRUNCATE posthorn.webhook_deliveries_live").await.unwrap();
        let tenants = [world.tenant("one").await, world.tenant("two").await];
        let mut reference = Reference::default();
        for (tenant, event) in [(0, None), (0, Some(EVENTS[0])), (1, None)] {
            let id = world.subscribe(tenants[tenant], "https://receiver.example/", &[event.unwrap_or("*")]).await;
            world.change(id, &format!("ordered = {is_ordered}")).await;
            reference.subscriptions.push(Subscription { id, tenant, event, standing: Standing::Active });
        }
        let (held, told, sent) = (Vec::new(), Vec::new(), BTreeMap::new());
        Self { world, stores, tenants, reference, rows: Rows::new(), held, next_held: 0, sent, open: None, told }
    }

    /// Steps taken so far.
    pub(super) fn steps(&self) -> usize {
        self.told.len()
    }

    /// The same in words.
    pub(super) fn told(&self) -> String {
        self.told.iter().enumerate().map(|(n, step)| format!("{:3}. {step}\n", n + 1)).collect()
    }

    /// Takes all steps, then lets receivers be healthy until nothing is left to do.
    pub(super) async fn run(&mut self, wishes: &[Wish]) -> Result<(), String> {
        for wish in wishes {
            self.step(wish).await?;
        }
        self.drain().await
    }

    async fn step(&mut self, wish: &Wish) -> Result<(), String> {
        match wish {
            Wish::Publish { tenant, event, key, is_later } => {
                self.publish(*tenant, EVENTS[*event], &format!("key {key}"), *is_later).await?;
            }
            Wish::Begin { tenant, event } if self.open.is_none() => self.begin(*tenant, EVENTS[*event]).await,
            Wish::Commit => self.end_open("COMMIT").await?,
            Wish::Rollback => self.end_open("ROLLBACK").await?,
            Wish::Send { held, answer } => return self.send(*held, *answer),
            Wish::Die { dispatcher } => {
                self.told.push(format!("dispatcher {dispatcher} dies"));
                self.held.retain(|held| held.dispatcher != *dispatcher);
                return Ok(());
            }
            Wish::PassHour => self.pass_hour().await,
            Wish::Together(one, other) => {
                if let (Some(one), Some(other)) = (self.resolve(one), self.resolve(other)) {
                    return self.together(one, other).await;
                }
                return Ok(());
            }
            single => match self.resolve(single) {
                Some(resolved) => return self.alone(resolved).await,
                None => return Ok(()),
            },
        }
        self.check(rules::compare).await
    }

    /// The statement that a wish means now.
    fn resolve(&self, wish: &Wish) -> Option<Resolved> {
        let statement = match wish {
            Wish::Claim { dispatcher, room } => Statement::Claim { dispatcher: *dispatcher, room: *room as usize },
            Wish::Finish { held, is_known } => return self.finish(*held, *is_known),
            Wish::FinishAll { dispatcher } => {
                let of = |held: &&Held| held.dispatcher == *dispatcher && matches!(held.stage, Stage::Answered(_));
                let (held, results): (Vec<usize>, Vec<Attempt>) =
                    self.held.iter().filter(of).filter_map(|h| Some((h.id, h.result()?))).unzip();
                let statement = Statement::Record { dispatcher: *dispatcher, results };
                return (!held.is_empty()).then_some(Resolved { statement, held, is_known: true });
            }
            Wish::GiveBack { held, is_known } => {
                let unsent = |h: &&Held| matches!(h.stage, Stage::Leased | Stage::GivingBack);
                let held = pick(*held, self.held.iter().filter(unsent))?;
                let leases = vec![(held.claimed.id, held.claimed.epoch)];
                let statement = Statement::Release { dispatcher: held.dispatcher, leases };
                return Some(Resolved { statement, held: vec![held.id], is_known: *is_known });
            }
            Wish::Cancel(n) => Statement::Cancel(self.contested(*n)?),
            Wish::Retry(n) => Statement::Retry(self.contested(*n)?),
            Wish::CancelEvent(n) => {
                let delivery = pick(*n, self.reference.deliveries.values())?;
                Statement::CancelEvent(delivery.tenant, delivery.event)
            }
            Wish::SetActive { subscription, is_active } if self.is_there(*subscription) => {
                Statement::SetActive(*subscription, *is_active)
            }
            Wish::Delete { subscription } if self.is_there(*subscription) => Statement::Delete(*subscription),
            Wish::Sweep => Statement::Sweep,
            Wish::RetryMany { subscription } => Statement::RetryMany(*subscription),
            Wish::CancelMany { subscription } => Statement::CancelMany(*subscription),
            _ => return None,
        };
        Some(Resolved { statement, held: Vec::new(), is_known: true })
    }

    fn finish(&self, n: usize, is_known: bool) -> Option<Resolved> {
        let is_late = |held: &&Held| n.is_multiple_of(2) && matches!(held.stage, Stage::Late(_));
        let late = pick(n, self.held.iter().filter(is_late));
        let held = late.or_else(|| pick(n, self.held.iter().filter(|held| held.result().is_some())))?;
        let (dispatcher, results) = (held.dispatcher, vec![held.result()?]);
        let statement = match held.stage {
            Stage::Late(_) => Statement::RecordLate { dispatcher, results },
            _ => Statement::Record { dispatcher, results },
        };
        Some(Resolved { statement, held: vec![held.id], is_known })
    }

    /// A delivery, more often than not one that someone has in hand though it is not being sent by what its row says.
    fn contested(&self, n: usize) -> Option<Uuid> {
        let is_sending = |id: &Uuid| self.reference.deliveries[id].status == DeliveryStatus::Sending;
        let held = self.held.iter().map(|held| held.claimed.id).filter(|id| !n.is_multiple_of(3) && !is_sending(id));
        pick(n, held).or_else(|| pick(n, self.reference.deliveries.keys().copied()))
    }

    fn is_there(&self, subscription: usize) -> bool {
        self.reference.subscriptions[subscription].standing != Standing::Deleted
    }

    async fn alone(&mut self, resolved: Resolved) -> Result<(), String> {
        self.told.push(format!(
            "{}{}",
            resolved.statement,
            if resolved.is_known { "" } else { ", and does not hear so" }
        ));
        let outcome = self.execute(&resolved.statement).await?;
        self.reference.apply(&resolved.statement, &outcome, true, &BTreeSet::new())?;
        self.settle(resolved, outcome)?;
        self.check(rules::compare).await
    }

    /// Lets two statements run into each other: what comes of it must be what one after the other would have come to.
    async fn together(&mut self, one: Resolved, other: Resolved) -> Result<(), String> {
        if one.held.iter().any(|held| other.held.contains(held)) {
            return Ok(());
        }
        self.told.push(format!("at once: {} | {}", one.statement, other.statement));
        let is_claim = |resolved: &Resolved| matches!(resolved.statement, Statement::Claim { .. });
        let (first, second) = if is_claim(&one) || is_claim(&other) {
            // it passes over what is held, so nobody is held up
            tokio::join!(self.execute(&one.statement), self.execute(&other.statement))
        } else {
            self.collide(&one.statement, &other.statement).await
        };
        let (first, second) = (first?, second?);
        let rows = rules::look(&self.world.db, &self.tenants, self.reference.now).await;
        let is_cancelled = |row: &rules::Row| row.status == DeliveryStatus::Cancelled;
        let cancelled = rows.iter().filter(|(_, row)| is_cancelled(row)).map(|(id, _)| *id).collect();
        let in_order = |steps: [(&Statement, &Outcome); 2]| {
            let mut reference = self.reference.clone();
            for (statement, outcome) in steps {
                reference.apply(statement, outcome, false, &cancelled)?;
            }
            rules::compare(&rows, &reference).map(|()| reference)
        };
        let (a, b) = ((&one.statement, &first), (&other.statement, &second));
        self.reference = in_order([a, b]).or_else(|fault| {
            in_order([b, a]).map_err(|second| format!("neither order explains it: {fault}; or {second}"))
        })?;
        // a claim can have got what the other gave back; had it come before, the reference would not have let it
        let (last, rest): (Vec<_>, Vec<_>) =
            [(one, first), (other, second)].into_iter().partition(|(r, _)| is_claim(r));
        for (resolved, outcome) in rest.into_iter().chain(last) {
            self.settle(resolved, outcome)?;
        }
        self.check(|_, _| Ok(())).await
    }

    /// The moved clock: what waits for a time, and every lease, comes an hour nearer.
    async fn pass_hour(&mut self) {
        self.told.push("an hour passes".to_owned());
        self.reference.now += 1;
        let sql = "UPDATE posthorn.webhook_deliveries_live
                   SET due_at = due_at - interval '1 h', lease_until = lease_until - interval '1 h'";
        self.world.db.batch_execute(sql).await.unwrap();
    }

    async fn check(&mut self, rule: impl Fn(&Rows, &Reference) -> Result<(), String>) -> Result<(), String> {
        let rows = rules::look(&self.world.db, &self.tenants, self.reference.now).await;
        rules::keep(&rows, &self.rows)?;
        rule(&rows, &self.reference)?;
        self.rows = rows;
        Ok(())
    }

    /// I8: every dispatcher dies, every subscription is on, receivers are well: whatever may still be sent is delivered.
    async fn drain(&mut self) -> Result<(), String> {
        self.end_open("COMMIT").await?;
        self.held.clear();
        self.told.push("every dispatcher dies, and from now on all goes well".to_owned());
        for n in 0..self.reference.subscriptions.len() {
            if self.reference.subscriptions[n].standing == Standing::Inactive {
                self.step(&Wish::SetActive { subscription: n, is_active: true }).await?;
            }
        }
        let is_hopeful = |delivery: &Delivery| {
            delivery.is_live()
                && delivery.attempts < ATTEMPTS as i32
                && self.reference.subscription(delivery.subscription).standing == Standing::Active
        };
        let hopeful: Vec<Uuid> =
            self.reference.deliveries.iter().filter(|(_, d)| is_hopeful(d)).map(|(id, _)| *id).collect();
        let mut rounds = LEASE_HOURS + 1 + self.reference.deliveries.len() as i64;
        while self.reference.deliveries.values().any(Delivery::is_live) {
            rounds -= 1;
            if rounds < 0 {
                return Err("I8 something is never sent".to_owned());
            }
            self.step(&Wish::Sweep).await?;
            self.step(&Wish::Claim { dispatcher: 0, room: 1000 }).await?;
            while self.held.iter().any(|held| matches!(held.stage, Stage::Leased)) {
                self.send(0, Answer::Success)?;
            }
            self.step(&Wish::FinishAll { dispatcher: 0 }).await?;
            if self.reference.claimable().is_empty() {
                self.step(&Wish::PassHour).await?;
            }
        }
        match hopeful.iter().find(|id| self.reference.deliveries[id].status != DeliveryStatus::Delivered) {
            Some(id) => Err(format!("I8 {} was not delivered", short(*id))),
            None => Ok(()),
        }
    }
}

fn pick<T>(n: usize, among: impl Iterator<Item = T>) -> Option<T> {
    let mut among: Vec<T> = among.collect();
    (!among.is_empty()).then(|| among.swap_remove(n % among.len()))
}
