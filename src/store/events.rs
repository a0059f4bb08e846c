//! Events of one tenant: publishing and reading. Payloads stay text, as Postgres prints them.

use serde_json::json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::row::get;
use super::{StoreError, Tx, audit, deliveries, sql};
use crate::domain::event::EventName;
use crate::domain::traceparent::TraceParent;

/// An event to be published.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// Event type.
    pub event: EventName,
    /// JSON text of the data; Postgres reads it.
    pub payload: String,
    /// Kind of the thing it is about.
    pub resource_type: Option<String>,
    /// Id of the thing it is about.
    pub resource_id: Option<String>,
    /// JSON text of its own metadata.
    pub metadata: Option<String>,
    /// Not to be sent before.
    pub deliver_after: Option<OffsetDateTime>,
    /// Events with the same key reach ordered subscriptions one at a time.
    pub ordering_key: Option<String>,
}

/// What [`publish`] answers with.
#[derive(Clone, Copy, Debug)]
pub struct Published {
    /// The event's id.
    pub id: Uuid,
    /// Deliveries made; `None` while a dispatcher still has to fan out.
    pub deliveries: Option<i64>,
}

/// An event as stored.
#[derive(Clone, Debug)]
pub struct Event {
    /// Id.
    pub id: Uuid,
    /// Whose.
    pub tenant_id: Uuid,
    /// Event type.
    pub event: String,
    /// Data as JSON text.
    pub payload: String,
    /// Kind of the thing it is about.
    pub resource_type: Option<String>,
    /// Id of the thing it is about.
    pub resource_id: Option<String>,
    /// Its own metadata as JSON text.
    pub metadata: Option<String>,
    /// Events with the same key reach ordered subscriptions one at a time.
    pub ordering_key: Option<String>,
    /// Not to be sent before.
    pub deliver_after: Option<OffsetDateTime>,
    /// Start of the publishing transaction.
    pub created_at: OffsetDateTime,
    /// `done`, or `open`, `muted`, `unknown_tenant`, `cancelled`, `refused`.
    pub fanout: String,
    /// Why it is open or refused.
    pub fanout_reason: Option<String>,
    /// Trace context of what published it.
    pub traceparent: Option<String>,
}

/// Publishes an event of the transaction's tenant, and of a trace if there is one; its deliveries are made in the same transaction.
///
/// # Errors
/// [`StoreError::Constraint`] and [`StoreError::Value`] for what the schema refuses.
pub async fn publish(tx: &Tx<'_>, new: &NewEvent, trace: Option<TraceParent>) -> Result<Published, StoreError> {
    within(tx, trace).await?;
    let row = tx
        .query_one(
            sql::EVENTS_PUBLISH,
            &[
                &new.event.as_str(),
                &new.payload,
                &new.resource_type,
                &new.resource_id,
                &new.metadata,
                &new.deliver_after,
                &new.ordering_key,
            ],
        )
        .await?;
    let id = get(&row, "id")?;
    let fanout: String = get(&tx.query_one(sql::EVENTS_FANOUT, &[&id]).await?, "fanout")?;
    let deliveries = if fanout == "open" { None } else { Some(deliveries::count_of_event(tx, id).await?) };
    Ok(Published { id, deliveries })
}

/// Publishes events in the order given, in one statement; answers with their ids in the same order.
///
/// # Errors
/// [`StoreError::Constraint`] and [`StoreError::Value`] for what the schema refuses; [`json_faults`] tells of which event.
pub async fn publish_many(tx: &Tx<'_>, new: &[NewEvent], trace: Option<TraceParent>) -> Result<Vec<Uuid>, StoreError> {
    within(tx, trace).await?;
    let row = tx
        .query_one(
            sql::EVENTS_PUBLISH_MANY,
            &[
                &new.iter().map(|event| event.event.as_str()).collect::<Vec<_>>(),
                &new.iter().map(|event| event.payload.as_str()).collect::<Vec<_>>(),
                &new.iter().map(|event| event.resource_type.as_deref()).collect::<Vec<_>>(),
                &new.iter().map(|event| event.resource_id.as_deref()).collect::<Vec<_>>(),
                &new.iter().map(|event| event.metadata.as_deref()).collect::<Vec<_>>(),
                &new.iter().map(|event| event.deliver_after).collect::<Vec<_>>(),
                &new.iter().map(|event| event.ordering_key.as_deref()).collect::<Vec<_>>(),
            ],
        )
        .await?;
    get(&row, "ids")
}

/// Has what this transaction publishes from now on belong to a trace.
async fn within(tx: &Tx<'_>, trace: Option<TraceParent>) -> Result<(), StoreError> {
    if let Some(trace) = trace {
        tx.query_one(sql::SESSION_SET_TRACEPARENT, &[&trace.to_string()]).await?;
    }
    Ok(())
}

/// Which of these texts, from 0, Postgres does not take as a payload, and why.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn json_faults(tx: &Tx<'_>, texts: &[&str]) -> Result<Vec<(usize, String)>, StoreError> {
    let rows = tx.query(sql::EVENTS_JSON_FAULTS, &[&texts]).await?;
    let read = |row| {
        let place: i32 = get(row, "place")?;
        Ok((usize::try_from(place - 1).unwrap_or(0), get(row, "fault")?))
    };
    rows.iter().map(read).collect()
}

/// What came of [`cancel`].
#[derive(Clone, Copy, Debug)]
pub struct Cancellation {
    /// Whether its fan-out was still open and will not happen any more.
    pub is_fanout_cancelled: bool,
    /// Deliveries that were waiting and are cancelled now.
    pub cancelled: i32,
    /// Deliveries that a dispatcher holds at this moment.
    pub in_flight: i32,
}

/// Cancels what waits of an event; `None`: there is no such event.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn cancel(tx: &Tx<'_>, id: Uuid) -> Result<Option<Cancellation>, StoreError> {
    let row = tx.query_one(sql::EVENTS_CANCEL, &[&id]).await?;
    if !get::<bool>(&row, "is_found")? {
        return Ok(None);
    }
    let done = Cancellation {
        is_fanout_cancelled: get(&row, "is_fanout_cancelled")?,
        cancelled: get(&row, "cancelled")?,
        in_flight: get(&row, "in_flight")?,
    };
    let Cancellation { is_fanout_cancelled, cancelled, in_flight } = done;
    if is_fanout_cancelled || cancelled > 0 {
        let details =
            json!({ "cancelled": cancelled, "in_flight": in_flight, "is_fanout_cancelled": is_fanout_cancelled });
        audit::note(tx, "event.cancelled", "event", id, &details).await?;
    }
    Ok(Some(done))
}

/// One event.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn find(tx: &Tx<'_>, id: Uuid) -> Result<Option<Event>, StoreError> {
    let Some(row) = tx.query_opt(sql::EVENTS_GET, &[&id]).await? else { return Ok(None) };
    Ok(Some(Event {
        id: get(&row, "id")?,
        tenant_id: get(&row, "tenant_id")?,
        event: get(&row, "event")?,
        payload: get(&row, "payload")?,
        resource_type: get(&row, "resource_type")?,
        resource_id: get(&row, "resource_id")?,
        metadata: get(&row, "metadata")?,
        ordering_key: get(&row, "ordering_key")?,
        deliver_after: get(&row, "deliver_after")?,
        created_at: get(&row, "created_at")?,
        fanout: get(&row, "fanout")?,
        fanout_reason: get(&row, "fanout_reason")?,
        traceparent: get(&row, "traceparent")?,
    }))
}
