//! Record: what attempts came to.

use std::collections::HashSet;
use std::time::Duration;

use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::int;
use crate::domain::delivery::{DeliveryStatus, ErrorKind};
use crate::store::row::get;
use crate::store::{Scope, Store, StoreError, Work, sql};

/// What one attempt came to, ready to be written.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Delivery.
    pub delivery_id: Uuid,
    /// The lease it was made under.
    pub epoch: i32,
    /// Which replay.
    pub generation: i32,
    /// This attempt's number within the generation.
    pub number: u32,
    /// Tenant.
    pub tenant_id: Uuid,
    /// Where the delivery goes from here; never `Pending` or `Sending`.
    pub status: DeliveryStatus,
    /// Time to the next attempt when `status` is `Retrying`.
    pub delay: Option<Duration>,
    /// Where it went.
    pub target_url: String,
    /// Since its start. An age and not a time: the database's clock is the one that counts.
    pub age: Duration,
    /// How long it took.
    pub duration: Duration,
    /// HTTP status.
    pub status_code: Option<u16>,
    /// Why it did not deliver.
    pub error_kind: Option<ErrorKind>,
    /// The same in words.
    pub error: Option<String>,
    /// Headers of the answer as JSON text: `[["name", "value"], …]`.
    pub response_headers: Option<String>,
    /// Beginning of the answer's body.
    pub response_body: Option<String>,
    /// Whether there was more.
    pub response_body_truncated: bool,
}

/// Writes attempts and moves their deliveries on; answers with the deliveries that moved. One that is missing was fenced:
/// its lease belongs to someone else by now, or it was cancelled. The attempt row of a failure is written all the same, that of
/// a success by [`record_late`].
///
/// # Errors
/// [`StoreError`] of the database; the call may be repeated with the same attempts.
pub async fn record(store: &Store, dispatcher_id: Uuid, attempts: &[Attempt]) -> Result<Vec<Uuid>, StoreError> {
    // After an outage one batch can hold the results of two leases of a delivery. An UPDATE moves a row once, by either of
    // them, and a success must not lose to a failure: such a failure is written afterwards, when it is fenced.
    let is_delivered = |attempt: &Attempt| attempt.status == DeliveryStatus::Delivered;
    let delivered: HashSet<Uuid> = attempts.iter().filter(|a| is_delivered(a)).map(|a| a.delivery_id).collect();
    let (first, afterwards): (Vec<&Attempt>, Vec<&Attempt>) =
        attempts.iter().partition(|a| is_delivered(a) || !delivered.contains(&a.delivery_id));
    let mut moved = record_each(store, dispatcher_id, &first).await?;
    if !afterwards.is_empty() {
        moved.extend(record_each(store, dispatcher_id, &afterwards).await?);
    }
    Ok(moved)
}

async fn record_each(store: &Store, dispatcher_id: Uuid, attempts: &[&Attempt]) -> Result<Vec<Uuid>, StoreError> {
    let columns = Columns::of(attempts);
    ids(&store.query(sql::QUEUE_RECORD, &columns.to_record(&dispatcher_id, &false)).await?)
}

/// Tells of successes that [`record`] could not move a delivery with, and lets them count where it was given up meanwhile;
/// answers with those that became delivered. Both in one transaction: else a delivery could stay given up for ever beside an
/// attempt that delivered it.
///
/// # Errors
/// [`StoreError`] of the database; the call may be repeated.
pub async fn record_late(store: &Store, dispatcher_id: Uuid, attempts: &[Attempt]) -> Result<Vec<Uuid>, StoreError> {
    let columns = Columns::of(&attempts.iter().collect::<Vec<_>>());
    let columns = &columns;
    store
        .tx("record late", Scope::Instance, move |tx| {
            Work::new(async move {
                let Columns { ids: of, generations, status_codes, durations, .. } = columns;
                let moved = tx.query(sql::QUEUE_RECORD_LATE, &[of, generations, status_codes, durations]).await?;
                tx.query(sql::QUEUE_RECORD, &columns.to_record(&dispatcher_id, &true)).await?;
                ids(&moved)
            })
        })
        .await
}

fn ids(rows: &[Row]) -> Result<Vec<Uuid>, StoreError> {
    rows.iter().map(|row| get(row, "id")).collect()
}

/// Attempts as the columns of an `unnest`: one row per delivery and epoch, or the upsert would touch a row twice.
struct Columns<'a> {
    ids: Vec<Uuid>,
    epochs: Vec<i32>,
    generations: Vec<i32>,
    statuses: Vec<&'static str>,
    delays: Vec<Option<f64>>,
    numbers: Vec<i32>,
    tenants: Vec<Uuid>,
    target_urls: Vec<&'a str>,
    ages: Vec<f64>,
    durations: Vec<i32>,
    status_codes: Vec<Option<i32>>,
    error_kinds: Vec<Option<&'static str>>,
    errors: Vec<Option<&'a str>>,
    headers: Vec<Option<&'a str>>,
    bodies: Vec<Option<&'a str>>,
    truncated: Vec<bool>,
}

impl<'a> Columns<'a> {
    fn of(attempts: &[&'a Attempt]) -> Self {
        fn column<'a, T>(attempts: &[&'a Attempt], value: impl Fn(&'a Attempt) -> T) -> Vec<T> {
            attempts.iter().copied().map(value).collect()
        }
        Self {
            ids: column(attempts, |a| a.delivery_id),
            epochs: column(attempts, |a| a.epoch),
            generations: column(attempts, |a| a.generation),
            statuses: column(attempts, |a| a.status.as_str()),
            delays: column(attempts, |a| a.delay.map(|d| d.as_secs_f64())),
            numbers: column(attempts, |a| int(a.number)),
            tenants: column(attempts, |a| a.tenant_id),
            target_urls: column(attempts, |a| a.target_url.as_str()),
            ages: column(attempts, |a| a.age.as_secs_f64()),
            durations: column(attempts, |a| i32::try_from(a.duration.as_millis()).unwrap_or(i32::MAX)),
            status_codes: column(attempts, |a| a.status_code.map(i32::from)),
            error_kinds: column(attempts, |a| a.error_kind.map(ErrorKind::as_str)),
            errors: column(attempts, |a| a.error.as_deref()),
            headers: column(attempts, |a| a.response_headers.as_deref()),
            bodies: column(attempts, |a| a.response_body.as_deref()),
            truncated: column(attempts, |a| a.response_body_truncated),
        }
    }

    fn to_record<'p>(&'p self, dispatcher_id: &'p Uuid, is_late: &'p bool) -> [&'p (dyn ToSql + Sync); 18] {
        [
            &self.ids,
            &self.epochs,
            &self.generations,
            &self.statuses,
            &self.delays,
            &self.numbers,
            &self.tenants,
            dispatcher_id,
            &self.target_urls,
            &self.ages,
            &self.durations,
            &self.status_codes,
            &self.error_kinds,
            &self.errors,
            &self.headers,
            &self.bodies,
            &self.truncated,
            is_late,
        ]
    }
}
