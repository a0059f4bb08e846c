//! Deliveries and attempts of one tenant, for reading, and what is done to one by hand: retry, cancel.

use serde_json::json;
use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use super::row::{get, word};
use super::{StoreError, Tx, audit, sql};
use crate::domain::delivery::DeliveryStatus;
use crate::domain::subscription::SubscriptionStatus;

/// A delivery as stored.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Id.
    pub id: Uuid,
    /// Whose.
    pub tenant_id: Uuid,
    /// Who is to receive it.
    pub subscription_id: Uuid,
    /// What happened.
    pub event_id: Uuid,
    /// Event type.
    pub event: String,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// Which replay.
    pub generation: i32,
    /// Attempts made in this generation.
    pub attempts: i32,
    /// Not to be sent before; `None` while it waits for the delivery before it in its line.
    pub due_at: Option<OffsetDateTime>,
    /// HTTP status of the last answer.
    pub last_status_code: Option<i32>,
    /// Kind of the last failure.
    pub last_error_kind: Option<String>,
    /// The last failure in words.
    pub last_error: Option<String>,
    /// When it was fanned out.
    pub created_at: OffsetDateTime,
    /// Last change.
    pub updated_at: OffsetDateTime,
    /// When it came to its end.
    pub finished_at: Option<OffsetDateTime>,
    /// URL of its subscription as it is now.
    pub target_url: Option<String>,
}

/// One request and what came of it.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The lease it was made under: its place among all attempts of the delivery.
    pub epoch: i32,
    /// Which replay of the delivery.
    pub generation: i32,
    /// First, second, … of that generation.
    pub number: i32,
    /// Where it went.
    pub target_url: String,
    /// When it began.
    pub started_at: OffsetDateTime,
    /// How long it took.
    pub duration_ms: i32,
    /// HTTP status.
    pub status_code: Option<i32>,
    /// Why it did not deliver.
    pub error_kind: Option<String>,
    /// The same in words.
    pub error: Option<String>,
    /// Headers of the answer as JSON text.
    pub response_headers: Option<String>,
    /// Beginning of the answer's body.
    pub response_body: Option<String>,
    /// Whether there was more.
    pub response_body_truncated: bool,
}

/// Which deliveries [`list`] and [`of_events`] answer with.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Those of this event type.
    pub event: Option<String>,
    /// Those that stand there.
    pub status: Option<DeliveryStatus>,
    /// Those to this subscription.
    pub subscription_id: Option<Uuid>,
    /// Those of this event.
    pub event_id: Option<Uuid>,
    /// Those whose last failure was of this kind.
    pub error_kind: Option<&'static str>,
    /// Those whose last answer had this HTTP status.
    pub status_code: Option<i32>,
    /// Those whose id is not below this one.
    pub since: Option<Uuid>,
    /// Those whose id is below this one.
    pub before: Option<Uuid>,
    /// At most so many.
    pub rows: i64,
}

/// What came of [`retry`].
#[derive(Debug)]
pub enum Retrial {
    /// It is due now.
    Due(Box<Delivery>),
    /// There is no such delivery.
    Unknown,
    /// A dispatcher is sending it at this moment.
    BeingSent,
    /// Its event was erased: there is nothing left to send.
    Erased,
    /// Its subscription is not active (`None`: gone), so it would never be sent.
    NoReceiver(Option<SubscriptionStatus>),
}

/// What came of [`cancel`].
#[derive(Debug)]
pub enum Cancellation {
    /// It is cancelled, now or since before.
    Cancelled(Box<Delivery>),
    /// There is no such delivery.
    Unknown,
    /// A dispatcher is sending it at this moment.
    BeingSent,
    /// It came to another end.
    Finished(DeliveryStatus),
}

/// One delivery.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn find(tx: &Tx<'_>, id: Uuid) -> Result<Option<Delivery>, StoreError> {
    tx.query_opt(sql::DELIVERIES_GET, &[&id]).await?.as_ref().map(read).transpose()
}

/// Deliveries, newest first.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn list(tx: &Tx<'_>, wanted: &Wanted) -> Result<Vec<Delivery>, StoreError> {
    let status = wanted.status.map(DeliveryStatus::as_str);
    tx.query(
        sql::DELIVERIES_LIST,
        &[
            &wanted.event,
            &status,
            &wanted.subscription_id,
            &wanted.event_id,
            &wanted.error_kind,
            &wanted.status_code,
            &wanted.since,
            &wanted.before,
            &wanted.rows,
        ],
    )
    .await?
    .iter()
    .map(read)
    .collect()
}

/// Deliveries of some events, in the order of the events, newest first, and beyond `below` (an event and a delivery). Ids of
/// `wanted` are not asked for.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn of_events(
    tx: &Tx<'_>,
    events: &[Uuid],
    wanted: &Wanted,
    below: Option<(Uuid, Uuid)>,
) -> Result<Vec<Delivery>, StoreError> {
    let status = wanted.status.map(DeliveryStatus::as_str);
    let (event, delivery) = below.unzip();
    tx.query(
        sql::DELIVERIES_OF_EVENTS,
        &[
            &events,
            &wanted.event,
            &status,
            &wanted.subscription_id,
            &wanted.error_kind,
            &wanted.status_code,
            &event,
            &delivery,
            &wanted.rows,
        ],
    )
    .await?
    .iter()
    .map(read)
    .collect()
}

/// What was tried for a delivery, in order.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn attempts(tx: &Tx<'_>, delivery: Uuid) -> Result<Vec<Attempt>, StoreError> {
    tx.query(sql::DELIVERIES_ATTEMPTS, &[&delivery]).await?.iter().map(read_attempt).collect()
}

/// The same, newest first: at most `rows` of those before the lease `before`.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn attempts_page(
    tx: &Tx<'_>,
    delivery: Uuid,
    before: Option<i32>,
    rows: i64,
) -> Result<Vec<Attempt>, StoreError> {
    tx.query(sql::DELIVERIES_ATTEMPTS_PAGE, &[&delivery, &before, &rows]).await?.iter().map(read_attempt).collect()
}

/// Gives a delivery up that waits. One that is cancelled already stays so.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn cancel(tx: &Tx<'_>, id: Uuid) -> Result<Cancellation, StoreError> {
    let Some(row) = tx.query_opt(sql::DELIVERIES_LOCK, &[&id]).await? else { return Ok(Cancellation::Unknown) };
    let status = word("webhook_deliveries", "status", id, get(&row, "status")?, DeliveryStatus::parse)?;
    match status {
        DeliveryStatus::Sending => return Ok(Cancellation::BeingSent),
        DeliveryStatus::Pending | DeliveryStatus::Retrying => {
            tx.query(sql::DELIVERIES_CANCEL, &[&id]).await?;
            audit::note(tx, "delivery.cancelled", "delivery", id, &json!({ "status": status.as_str() })).await?;
        }
        DeliveryStatus::Cancelled => {}
        ended => return Ok(Cancellation::Finished(ended)),
    }
    let row = tx.query_one(sql::DELIVERIES_GET, &[&id]).await?;
    Ok(Cancellation::Cancelled(Box::new(read(&row)?)))
}

/// Makes a delivery due now, as a new generation (R9), and wakes a dispatcher.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn retry(tx: &Tx<'_>, id: Uuid) -> Result<Retrial, StoreError> {
    let Some(row) = tx.query_opt(sql::DELIVERIES_LOCK, &[&id]).await? else { return Ok(Retrial::Unknown) };
    let was: &str = get(&row, "status")?;
    if get(&row, "is_erased")? {
        return Ok(Retrial::Erased);
    }
    let receiver: Option<&str> = get(&row, "subscription_status")?;
    let receiver = receiver.and_then(SubscriptionStatus::parse);
    if receiver != Some(SubscriptionStatus::Active) {
        return Ok(Retrial::NoReceiver(receiver));
    }
    if tx.query_opt(sql::DELIVERIES_RETRY, &[&id]).await?.is_none() {
        return Ok(Retrial::BeingSent);
    }
    audit::note(tx, "delivery.retried", "delivery", id, &json!({ "status": was })).await?;
    tx.query(sql::SESSION_WAKE, &[]).await?;
    let row = tx.query_one(sql::DELIVERIES_GET, &[&id]).await?;
    Ok(Retrial::Due(Box::new(read(&row)?)))
}

/// How many deliveries an event became.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn count_of_event(tx: &Tx<'_>, event: Uuid) -> Result<i64, StoreError> {
    get(&tx.query_one(sql::DELIVERIES_COUNT_OF_EVENT, &[&event]).await?, "deliveries")
}

fn read(row: &Row) -> Result<Delivery, StoreError> {
    let id: Uuid = get(row, "id")?;
    Ok(Delivery {
        id,
        tenant_id: get(row, "tenant_id")?,
        subscription_id: get(row, "subscription_id")?,
        event_id: get(row, "event_id")?,
        event: get(row, "event")?,
        status: word("webhook_deliveries", "status", id, get(row, "status")?, DeliveryStatus::parse)?,
        generation: get(row, "generation")?,
        attempts: get(row, "attempts")?,
        due_at: get(row, "due_at")?,
        last_status_code: get(row, "last_status_code")?,
        last_error_kind: get(row, "last_error_kind")?,
        last_error: get(row, "last_error")?,
        created_at: get(row, "created_at")?,
        updated_at: get(row, "updated_at")?,
        finished_at: get(row, "finished_at")?,
        target_url: get(row, "target_url")?,
    })
}

fn read_attempt(row: &Row) -> Result<Attempt, StoreError> {
    Ok(Attempt {
        epoch: get(row, "epoch")?,
        generation: get(row, "generation")?,
        number: get(row, "number")?,
        target_url: get(row, "target_url")?,
        started_at: get(row, "started_at")?,
        duration_ms: get(row, "duration_ms")?,
        status_code: get(row, "status_code")?,
        error_kind: get(row, "error_kind")?,
        error: get(row, "error")?,
        response_headers: get(row, "response_headers")?,
        response_body: get(row, "response_body")?,
        response_body_truncated: get(row, "response_body_truncated")?,
    })
}
