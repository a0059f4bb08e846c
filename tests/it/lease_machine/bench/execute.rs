//! Statements as the dispatcher and the API make them, one at a time or two in each other's way.

use std::collections::HashMap;
use std::time::Duration;

use posthorn::store::deliveries::{self, Cancellation, Retrial};
use posthorn::store::queue::{self, ClaimRequest, Claimed};
use posthorn::store::{Scope, Store, StoreError, StoreRole, Work, events, subscriptions};
use serde_json::json;
use tokio_postgres::Client;
use uuid::Uuid;

use super::super::reference::LEASE_HOURS;
use super::super::steps::{DISPATCHERS, Outcome, Statement};
use super::Bench;
use crate::harness::World;

/// Timeout that leases are made for; the margin makes it whole hours.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Connections as the processes have them.
pub(crate) struct Stores {
    dispatchers: Vec<Store>,
    ids: Vec<Uuid>,
    api: Store,
    /// In its transactions events are published and rows are held.
    pub(super) aside: Client,
    watch: Client,
}

/// Connects them.
pub(crate) async fn stores(world: &World) -> Stores {
    let dispatchers: Vec<Store> = (0..DISPATCHERS).map(|_| world.store(StoreRole::Dispatcher)).collect();
    let mut ids = Vec::new();
    for store in &dispatchers {
        ids.push(posthorn::store::dispatchers::register(store, "by hand", 10_000).await.unwrap());
    }
    let (aside, watch) = (world.client().await, world.client().await);
    Stores { dispatchers, ids, api: world.store(StoreRole::Api), aside, watch }
}

impl Bench<'_> {
    /// Holds the rows until both statements wait for them or have passed them over.
    pub(super) async fn collide(
        &self,
        one: &Statement,
        other: &Statement,
    ) -> (Result<Outcome, String>, Result<Outcome, String>) {
        let live = self.reference.deliveries.iter().filter(|(_, d)| d.tenant == 0 || d.is_live());
        let ids: Vec<Uuid> = live.map(|(id, _)| *id).collect();
        let (aside, watch) = (&self.stores.aside, &self.stores.watch);
        if self.open.is_some() || ids.is_empty() {
            return tokio::join!(self.execute(one), self.execute(other));
        }
        aside.batch_execute("BEGIN").await.unwrap();
        aside.query("SELECT FROM posthorn.webhook_deliveries WHERE id = ANY ($1) FOR UPDATE", &[&ids]).await.unwrap();
        let done = std::cell::Cell::new(0);
        let count = async |statement| {
            let outcome = self.execute(statement).await;
            done.set(done.get() + 1);
            outcome
        };
        let let_go = async {
            let waiting =
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
            while watch.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) + done.get() < 2 {
                tokio::task::yield_now().await;
            }
            aside.batch_execute("ROLLBACK").await.unwrap();
        };
        let (one, other, ()) = tokio::join!(count(one), count(other), let_go);
        (one, other)
    }

    pub(super) async fn execute(&self, statement: &Statement) -> Result<Outcome, String> {
        self.try_execute(statement).await.map_err(|error| format!("{statement}: {}", error.with_causes()))
    }

    async fn try_execute(&self, statement: &Statement) -> Result<Outcome, StoreError> {
        let Stores { dispatchers, ids, api, .. } = self.stores;
        let of = |n: &usize| Scope::operator_for(self.tenants[self.reference.subscriptions[*n].tenant]);
        let of_delivery = |id: &Uuid| Scope::operator_for(self.tenants[self.reference.deliveries[id].tenant]);
        Ok(match statement {
            Statement::Claim { dispatcher, room } => Outcome::Claimed(self.claim(*dispatcher, *room).await?),
            Statement::Record { dispatcher, results } => {
                Outcome::Moved(queue::record(&dispatchers[*dispatcher], ids[*dispatcher], results).await?)
            }
            Statement::RecordLate { dispatcher, results } => {
                Outcome::Moved(queue::record_late(&dispatchers[*dispatcher], ids[*dispatcher], results).await?)
            }
            Statement::Release { dispatcher, leases } => {
                queue::release(&dispatchers[*dispatcher], leases).await?;
                Outcome::Moved(Vec::new())
            }
            Statement::Cancel(id) => {
                let work = api.tx("cancel", of_delivery(id), |tx| Work::new(deliveries::cancel(tx, *id))).await?;
                Outcome::Done(matches!(work, Cancellation::Cancelled(_)))
            }
            Statement::Retry(id) => {
                let work = api.tx("retry", of_delivery(id), |tx| Work::new(deliveries::retry(tx, *id))).await?;
                Outcome::Done(matches!(work, Retrial::Due(_)))
            }
            Statement::CancelEvent(tenant, event) => {
                let scope = Scope::operator_for(self.tenants[*tenant]);
                let found = api.tx("cancel event", scope, |tx| Work::new(events::cancel(tx, *event))).await?;
                Outcome::Done(found.is_some())
            }
            Statement::SetActive(n, is_active) => {
                let id = self.reference.subscriptions[*n].id;
                let set = api.tx("set active", of(n), |tx| Work::new(subscriptions::set_active(tx, id, *is_active)));
                Outcome::Done(set.await?.is_some())
            }
            Statement::Delete(n) => {
                let id = self.reference.subscriptions[*n].id;
                Outcome::Done(api.tx("delete", of(n), |tx| Work::new(subscriptions::delete(tx, id))).await?)
            }
            Statement::Sweep => {
                let orphans = queue::cancel_orphans(&dispatchers[0], 1000).await?;
                Outcome::Count(orphans + queue::call_stranded(&dispatchers[0], 1000).await?)
            }
            Statement::RetryMany(n) => self.chunk(*n, "retry_chunk", &["failed", "abandoned"]).await,
            Statement::CancelMany(n) => self.chunk(*n, "cancel_chunk", &["pending", "retrying"]).await,
        })
    }

    /// A chunk of a job, as a dispatcher runs it.
    async fn chunk(&self, n: usize, function: &str, statuses: &[&str]) -> Outcome {
        let subscription = &self.reference.subscriptions[n];
        let sql = format!("SELECT c.changed FROM posthorn.{function}($1, $2, $3, $4, $5, 1000) c");
        let (tenant, wanted) = (self.tenants[subscription.tenant], json!({ "statuses": statuses }));
        let (first, last) = (Uuid::nil(), Uuid::max());
        let row = self.world.db.query_one(&sql, &[&tenant, &subscription.id, &wanted, &first, &last]).await;
        Outcome::Count(row.unwrap().get::<_, i32>(0) as usize)
    }

    async fn claim(&self, dispatcher: usize, room: usize) -> Result<Vec<Claimed>, StoreError> {
        let (mut by_subscription, mut by_tenant) = (HashMap::new(), HashMap::new());
        for held in self.held.iter().filter(|held| held.dispatcher == dispatcher) {
            *by_subscription.entry(held.claimed.subscription_id).or_default() += 1;
            *by_tenant.entry(held.claimed.tenant_id).or_default() += 1;
        }
        let lease = Duration::from_secs(3600 * LEASE_HOURS as u64);
        let request = ClaimRequest {
            dispatcher_id: self.stores.ids[dispatcher],
            room: room as u32,
            share: room as u32,
            lease_margin: lease - TIMEOUT,
            default_timeout: TIMEOUT,
            default_cap: 10_000,
            default_tenant_cap: 10_000,
            busy_subscriptions: &by_subscription,
            busy_tenants: &by_tenant,
        };
        Ok(queue::claim(&self.stores.dispatchers[dispatcher], &request).await?.expect("no copy").deliveries)
    }
}
