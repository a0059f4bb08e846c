//! Fan-outs that did not happen in the publisher's transaction.

use uuid::Uuid;

use super::row::get;
use super::{Scope, Store, StoreError, Work, sql};
use crate::domain::delivery::ErrorKind;

/// An event taken for fan-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The event.
    pub event_id: Uuid,
    /// Which try this is since the last one that got on; 1 is the first.
    pub attempt: i32,
    /// Whether it must be checked against the schema of its type first.
    pub needs_check: bool,
}

/// An event that must be checked, and against what.
#[derive(Clone, Debug)]
pub struct ToCheck {
    /// Whose.
    pub tenant_id: Uuid,
    /// Event type.
    pub event: String,
    /// Data as JSON text.
    pub payload: String,
    /// JSON Schema of the type; `None`: it has none.
    pub json_schema: Option<String>,
    /// Whether its tenant's catalogue has no such type.
    pub is_unknown: bool,
}

/// Takes the oldest open event that is due. It counts as tried from here on, so that one that kills or outlasts its
/// dispatcher stands in nobody's way.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn take(store: &Store) -> Result<Option<Taken>, StoreError> {
    let rows = store.query(sql::FANOUT_TAKE, &[]).await?;
    let read = |row| {
        let (event_id, attempt) = (get(row, "event_id")?, get(row, "failures")?);
        Ok(Taken { event_id, attempt, needs_check: get(row, "needs_check")? })
    };
    rows.first().map(read).transpose()
}

/// An event with the schema it must fit; `None` when there is nothing to check, or no such event any more.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn rule(store: &Store, event: Uuid) -> Result<Option<ToCheck>, StoreError> {
    let rows = store.query(sql::FANOUT_RULE, &[&event]).await?;
    let read = |row| {
        Ok(ToCheck {
            tenant_id: get(row, "tenant_id")?,
            event: get(row, "event")?,
            payload: get(row, "payload")?,
            json_schema: get(row, "json_schema")?,
            is_unknown: get(row, "is_unknown")?,
        })
    };
    rows.first().map(read).transpose()
}

/// Says of a taken event that it was checked: its deliveries are made, or fail as `refusal` says, a kind and a text.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn judge(store: &Store, event: Uuid, refusal: Option<(ErrorKind, &str)>) -> Result<(), StoreError> {
    let (kind, reason) = refusal.map(|(kind, reason)| (kind.as_str(), reason)).unzip();
    store.query(sql::FANOUT_JUDGE, &[&event, &kind, &reason]).await?;
    Ok(())
}

/// Of these events those that were refused when they were fanned out.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn refused(store: &Store, events: &[Uuid]) -> Result<Vec<Uuid>, StoreError> {
    store.query(sql::FANOUT_REFUSED, &[&events]).await?.iter().map(|row| get(row, "event_id")).collect()
}

/// Takes back that an event was refused: it fits by now.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn forgive(store: &Store, event: Uuid) -> Result<(), StoreError> {
    store.query(sql::FANOUT_FORGIVE, &[&event]).await?;
    Ok(())
}

/// Fans a taken event out to at most `chunk` subscriptions, for `time_limit` (such as `5s`) at most; with `gives_up` a
/// filter that takes long is not tried again but marked as failed. Answers with the number of deliveries made.
///
/// # Errors
/// [`StoreError`] of the database, [`StoreError::Unavailable`] for its time limit; the event stays open.
pub async fn fan_out(
    store: &Store,
    event: Uuid,
    chunk: i32,
    gives_up: bool,
    time_limit: &str,
) -> Result<i32, StoreError> {
    store
        .tx("fan out", Scope::Instance, move |tx| {
            Work::new(async move {
                tx.query_one(sql::SESSION_LIMIT_TIME, &[&time_limit]).await?;
                let made = get(&tx.query_one(sql::FANOUT_DO, &[&event, &chunk, &gives_up]).await?, "deliveries")?;
                fail_point!("during_fanout_chunk");
                Ok(made)
            })
        })
        .await
}

/// Says beside the event why it could not be fanned out; only taking too long counts against its filter.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn note(store: &Store, event: Uuid, reason: &str, is_too_slow: bool) -> Result<(), StoreError> {
    store.query(sql::FANOUT_NOTE, &[&event, &reason, &is_too_slow]).await?;
    Ok(())
}
