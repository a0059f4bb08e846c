//! Record: what attempts came to.

use std::collections::HashSet;
use std::time::Duration;

use uuid::Uuid;

use super::int;
use crate::domain::delivery::{DeliveryStatus, ErrorKind};
use crate::store::row::get;
use crate::store::{Store, StoreError, sql};

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
/// its lease belongs to someone else by now, or it was cancelled. Its attempt row is written all the same.
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
    // one row per delivery and epoch, or the upsert would touch a row twice
    let column = Columns(attempts);
    let rows = store
        .query(
            sql::QUEUE_RECORD,
            &[
                &column.of(|a| a.delivery_id),
                &column.of(|a| a.epoch),
                &column.of(|a| a.generation),
                &column.of(|a| a.status.as_str()),
                &column.of(|a| a.delay.map(|d| d.as_secs_f64())),
                &column.of(|a| int(a.number)),
                &column.of(|a| a.tenant_id),
                &dispatcher_id,
                &column.of(|a| a.target_url.as_str()),
                &column.of(|a| a.age.as_secs_f64()),
                &column.of(milliseconds),
                &column.of(|a| a.status_code.map(i32::from)),
                &column.of(|a| a.error_kind.map(ErrorKind::as_str)),
                &column.of(|a| a.error.as_deref()),
                &column.of(|a| a.response_headers.as_deref()),
                &column.of(|a| a.response_body.as_deref()),
                &column.of(|a| a.response_body_truncated),
            ],
        )
        .await?;
    rows.iter().map(|row| get(row, "id")).collect()
}

fn milliseconds(attempt: &Attempt) -> i32 {
    i32::try_from(attempt.duration.as_millis()).unwrap_or(i32::MAX)
}

/// The attempts as the columns of an `unnest`.
struct Columns<'a>(&'a [&'a Attempt]);

impl<'a> Columns<'a> {
    fn of<T>(&self, value: impl Fn(&'a Attempt) -> T) -> Vec<T> {
        self.0.iter().copied().map(value).collect()
    }
}

/// Lets successes count whose delivery was given up meanwhile; answers with those that became delivered.
///
/// # Errors
/// [`StoreError`] of the database; the call may be repeated.
pub async fn record_late(store: &Store, attempts: &[Attempt]) -> Result<Vec<Uuid>, StoreError> {
    let attempts: Vec<&Attempt> = attempts.iter().collect();
    let column = Columns(&attempts);
    let rows = store
        .query(
            sql::QUEUE_RECORD_LATE,
            &[
                &column.of(|a| a.delivery_id),
                &column.of(|a| a.generation),
                &column.of(|a| a.status_code.map(i32::from)),
                &column.of(milliseconds),
            ],
        )
        .await?;
    rows.iter().map(|row| get(row, "id")).collect()
}
