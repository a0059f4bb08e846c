//! Fan-outs that did not happen in the publisher's transaction.

use uuid::Uuid;

use super::row::get;
use super::{Scope, Store, StoreError, Work, sql};

/// An event taken for fan-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The event.
    pub event_id: Uuid,
    /// Which try this is since the last one that got on; 1 is the first.
    pub attempt: i32,
}

/// Takes the oldest open event that is due. It counts as tried from here on, so that one that kills or outlasts its
/// dispatcher stands in nobody's way.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn take(store: &Store) -> Result<Option<Taken>, StoreError> {
    let rows = store.query(sql::FANOUT_TAKE, &[]).await?;
    rows.first().map(|row| Ok(Taken { event_id: get(row, "event_id")?, attempt: get(row, "failures")? })).transpose()
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
                get(&tx.query_one(sql::FANOUT_DO, &[&event, &chunk, &gives_up]).await?, "deliveries")
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
