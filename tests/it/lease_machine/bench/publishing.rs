//! Events, and the deliveries that must come of them.

use std::collections::{BTreeMap, BTreeSet};

use posthorn::domain::delivery::DeliveryStatus;
use tokio_postgres::Client;
use uuid::Uuid;

use super::super::reference::{Delivery, Standing, Subscription, short};
use super::Bench;

/// An event whose transaction is open, and who wanted it when it was published.
pub(super) struct Open {
    tenant: usize,
    event: Uuid,
    wanted_by: BTreeSet<Uuid>,
}

impl Bench<'_> {
    pub(super) async fn publish(
        &mut self,
        tenant: usize,
        event: &'static str,
        key: &str,
        is_later: bool,
    ) -> Result<(), String> {
        let wanted_by = self.wanted_by(tenant, event);
        let id = insert(&self.world.db, self.tenants[tenant], event, key, is_later).await;
        let later = if is_later { ", for later" } else { "" };
        self.told.push(format!("event {} ({event}, {key}) of tenant {tenant} is published{later}", short(id)));
        self.expect(Open { tenant, event: id, wanted_by }, is_later).await
    }

    pub(super) async fn begin(&mut self, tenant: usize, event: &'static str) {
        let wanted_by = self.wanted_by(tenant, event);
        self.stores.aside.batch_execute("BEGIN").await.unwrap();
        let id = insert(&self.stores.aside, self.tenants[tenant], event, "key 0", false).await;
        self.told.push(format!("event {} ({event}) of tenant {tenant} is published, not yet committed", short(id)));
        self.open = Some(Open { tenant, event: id, wanted_by });
    }

    pub(super) async fn end_open(&mut self, how: &str) -> Result<(), String> {
        let Some(open) = self.open.take() else { return Ok(()) };
        self.stores.aside.batch_execute(how).await.unwrap();
        self.told.push(format!("{how} of event {}", short(open.event)));
        if how == "COMMIT" { self.expect(open, false).await } else { Ok(()) }
    }

    fn wanted_by(&self, tenant: usize, event: &str) -> BTreeSet<Uuid> {
        let wants = |s: &&Subscription| {
            s.tenant == tenant && s.standing == Standing::Active && s.event.is_none_or(|wanted| wanted == event)
        };
        self.reference.subscriptions.iter().filter(wants).map(|s| s.id).collect()
    }

    /// I7: an event that is committed has one delivery for each subscription that wanted it.
    async fn expect(&mut self, open: Open, is_later: bool) -> Result<(), String> {
        let Open { tenant, event, wanted_by } = open;
        let sql = "SELECT d.id, d.subscription_id, d.ordering_key, d.ordering_number FROM posthorn.webhook_deliveries d
                   WHERE d.event_id = $1 ORDER BY d.subscription_id";
        let rows = self.world.db.query(sql, &[&event]).await.unwrap();
        let found: Vec<Uuid> = rows.iter().map(|row| row.get("subscription_id")).collect();
        if found != wanted_by.into_iter().collect::<Vec<_>>() {
            return Err(format!("I7 the event went to {found:?}"));
        }
        for row in rows {
            let key: Option<String> = row.get("ordering_key");
            let delivery = Delivery {
                tenant,
                event,
                subscription: row.get("subscription_id"),
                place: key.map(|key| (key, row.get("ordering_number"))),
                status: DeliveryStatus::Pending,
                generation: 0,
                epoch: 0,
                attempts: 0,
                due: self.reference.now + i64::from(is_later),
                lease_ends: None,
                told: BTreeMap::new(),
            };
            self.reference.deliveries.insert(row.get("id"), delivery);
        }
        Ok(())
    }
}

async fn insert(db: &Client, tenant: Uuid, event: &str, key: &str, is_later: bool) -> Uuid {
    let sql = "INSERT INTO posthorn.outbox (tenant_id, event, payload, ordering_key, deliver_after)
               VALUES ($1, $2, '{}', $3, CASE WHEN $4 THEN now() + interval '1 h' END) RETURNING id";
    db.query_one(sql, &[&tenant, &event, &key, &is_later]).await.unwrap().get(0)
}
