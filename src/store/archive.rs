//! Days as JSON lines, for files that outlive them, and dropping a day only as it was written down.

use time::Date;
use uuid::Uuid;

use super::retention::{self, Drop};
use super::row::get;
use super::{Store, StoreError, sql};

/// A day as it is at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayState {
    /// Rows.
    pub rows: i64,
    /// Another text once rows came, went or were changed.
    pub state: String,
}

/// Where a page ended: id of the row, or of the delivery and its epoch.
pub type Place = (Uuid, i32);

/// Before every row.
pub const START: Place = (Uuid::nil(), 0);

/// Looks at a day; reads all of it.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn state(store: &Store, parent: &str, day: Date) -> Result<DayState, StoreError> {
    let row = store.query_one(sql::PRUNE_STATE, &[&parent, &day]).await?;
    Ok(DayState { rows: get(&row, "row_count")?, state: get(&row, "state")? })
}

/// The next rows of a day, each as one line of JSON without a line break, with its place.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn page(
    store: &Store,
    parent: &str,
    day: Date,
    (id, epoch): Place,
    most: i32,
) -> Result<Vec<(Place, String)>, StoreError> {
    let rows = match parent {
        "outbox" => store.query(sql::PRUNE_EVENTS, &[&day, &id, &most]).await?,
        "webhook_attempts" => store.query(sql::PRUNE_ATTEMPTS, &[&day, &id, &epoch, &most]).await?,
        _ => store.query(sql::PRUNE_DELIVERIES, &[&day, &id, &most]).await?,
    };
    rows.iter().map(|row| Ok(((get(row, "id")?, get(row, "epoch")?), get(row, "line")?))).collect()
}

/// Drops a day if it still is what it was when it was archived, unless something holds it back.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn drop_archived(store: &Store, parent: &str, day: Date, state: &DayState) -> Result<Drop, StoreError> {
    retention::what_became(store.query_one(sql::PRUNE_DROP_ARCHIVED, &[&parent, &day, &state.state]).await)
}
