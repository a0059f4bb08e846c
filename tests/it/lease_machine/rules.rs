//! What must hold after every step, asked of the database.
//!
//! I1 what has ended stays so, but for a replay and for a late success of what was given up; I2 epochs only rise; I3 no two may
//! send under leases that run; I4 one attempt row per lease that was not given back; I5 no more requests than the schedule has;
//! I6 delivered means that a 2xx came in this generation; I7 one delivery for each event and each subscription that wanted it;
//! I8 with healthy receivers all is delivered in the end; I9 within a generation nothing becomes due earlier; I10 what belongs
//! together is of one tenant; and in order: only the first of a line goes, and none waits to be called by nobody.
//! I3 and I5 are looked at where things are claimed and sent, I8 at the end.

use std::collections::BTreeMap;

use posthorn::domain::delivery::DeliveryStatus;
use tokio_postgres::Client;
use uuid::Uuid;

use super::reference::{Delivery, Reference, Told, short};

/// A delivery as it stands in the database.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) status: DeliveryStatus,
    generation: i32,
    epoch: i32,
    attempts: i32,
    is_leased: bool,
    /// The hour from which it may go; `None`: when it is called.
    due: Option<i64>,
    has_success: bool,
    is_of_one_tenant: bool,
    told: BTreeMap<i32, Told>,
}

pub(super) type Rows = BTreeMap<Uuid, Row>;

const DELIVERIES: &str =
    "SELECT d.id, d.status, d.generation, d.epoch, d.attempts, coalesce(d.lease_until > now(), false) AS is_leased,
        ceil(extract(epoch FROM d.due_at - now()) / 3600)::bigint AS due_in,
        EXISTS (SELECT FROM posthorn.webhook_attempts a WHERE a.delivery_id = d.id AND a.generation = d.generation
                AND a.status_code BETWEEN 200 AND 299) AS has_success,
        d.tenant_id = ALL (ARRAY(SELECT a.tenant_id FROM posthorn.webhook_attempts a WHERE a.delivery_id = d.id)
            || (SELECT o.tenant_id FROM posthorn.outbox o WHERE o.id = d.event_id)
            || (SELECT s.tenant_id FROM posthorn.webhook_subscriptions s WHERE s.id = d.subscription_id)) AS is_of_one_tenant
     FROM posthorn.webhook_deliveries d WHERE d.tenant_id = ANY ($1)";

const ATTEMPTS: &str = "SELECT a.delivery_id, a.epoch, a.status_code BETWEEN 200 AND 299 AS is_success, a.error_kind
     FROM posthorn.webhook_attempts a WHERE a.delivery_id = ANY ($1)";

/// The deliveries of these tenants as they stand, in the hour `now`.
pub(super) async fn look(db: &Client, tenants: &[Uuid], now: i64) -> Rows {
    let mut rows = Rows::new();
    for row in db.query(DELIVERIES, &[&tenants]).await.unwrap() {
        let due_in: Option<i64> = row.get("due_in");
        let found = Row {
            status: DeliveryStatus::parse(row.get("status")).unwrap(),
            generation: row.get("generation"),
            epoch: row.get("epoch"),
            attempts: row.get("attempts"),
            is_leased: row.get("is_leased"),
            due: due_in.map(|hours| now + hours),
            has_success: row.get("has_success"),
            is_of_one_tenant: row.get("is_of_one_tenant"),
            told: BTreeMap::new(),
        };
        assert!(rows.insert(row.get("id"), found).is_none(), "a delivery is there twice");
    }
    let ids: Vec<Uuid> = rows.keys().copied().collect();
    for row in db.query(ATTEMPTS, &[&ids]).await.unwrap() {
        let is_lost = row.get::<_, Option<&str>>("error_kind") == Some("lease_expired");
        let told = match row.get::<_, Option<bool>>("is_success") {
            Some(true) => Told::Success,
            _ if is_lost => Told::Lost,
            _ => Told::Failure,
        };
        rows.get_mut(&row.get::<_, Uuid>("delivery_id")).unwrap().told.insert(row.get("epoch"), told);
    }
    rows
}

/// What the rows say by themselves, and beside what they said one step ago.
pub(super) fn keep(rows: &Rows, before: &Rows) -> Result<(), String> {
    for (id, row) in rows {
        let broken = |rule: &str| Err(format!("{rule}: {} is {row:?}, it was {:?}", short(*id), before.get(id)));
        if row.status == DeliveryStatus::Delivered && !row.has_success {
            return broken("I6 delivered without a success");
        }
        if !row.is_of_one_tenant {
            return broken("I10 two tenants in one delivery");
        }
        let Some(was) = before.get(id) else { continue };
        let is_replay = row.generation > was.generation;
        let given_up = matches!(was.status, DeliveryStatus::Failed | DeliveryStatus::Abandoned);
        let is_raised = given_up && row.status == DeliveryStatus::Delivered;
        if was.status.is_terminal() && row.status != was.status && !is_raised && !is_replay {
            return broken("I1 what had ended moved on");
        }
        if row.epoch < was.epoch || row.generation < was.generation || is_replay && row.epoch == was.epoch {
            return broken("I2 the epoch did not rise");
        }
        if row.generation == was.generation && row.due.is_some_and(|due| was.due.is_some_and(|was| due < was)) {
            return broken("I9 it became due earlier");
        }
        if was.told.iter().any(|(epoch, told)| row.told.get(epoch) != Some(told) && *told != Told::Lost) {
            return broken("I4 an attempt was told anew");
        }
    }
    match before.keys().find(|id| !rows.contains_key(id)) {
        Some(id) => Err(format!("I7 {} is gone", short(*id))),
        None => Ok(()),
    }
}

/// Whether the rows are what the reference says.
pub(super) fn compare(rows: &Rows, reference: &Reference) -> Result<(), String> {
    let keys = |what: &str, found: Vec<String>, expected: Vec<String>| {
        if found == expected {
            Ok(())
        } else {
            Err(format!("I7 {what}: {expected:?} were expected, {found:?} are there"))
        }
    };
    let names = |ids: Vec<Uuid>| ids.into_iter().map(short).collect::<Vec<_>>();
    keys("deliveries", names(rows.keys().copied().collect()), names(reference.deliveries.keys().copied().collect()))?;
    for (id, row) in rows {
        let expected = &reference.deliveries[id];
        let is_same = (row.status, row.generation, row.epoch, row.attempts)
            == (expected.status, expected.generation, expected.epoch, expected.attempts)
            && row.is_leased == reference.is_leased(expected)
            && row.told == expected.told
            && (row.status.is_terminal() || is_due_as_expected(row.due, expected, reference));
        if !is_same {
            let now = reference.now;
            return Err(format!("{} in hour {now}: {expected:?} was expected, it is {row:?}", short(*id)));
        }
    }
    Ok(())
}

/// In line it can have been called, and so due, later than it was due by itself; parked it must have someone before it.
fn is_due_as_expected(due: Option<i64>, expected: &Delivery, reference: &Reference) -> bool {
    match due {
        None => reference.is_behind(expected) && expected.due <= reference.now,
        Some(due) if expected.place.is_some() => (due <= reference.now) == (expected.due <= reference.now),
        Some(due) => due == expected.due,
    }
}
