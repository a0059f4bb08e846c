//! What metrics ask of a database beside the queue's state: as a dispatcher, which may count over all tenants.

use super::row::get;
use super::{Store, StoreError, sql};
use crate::metrics::{Held, Waiting};

/// Subscriptions, and tenants, of which is told what waits for them.
const WAITING_MAX: i32 = 200;

/// How many of something have a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// `subscriptions`, `circuits` or `jobs`.
    pub what: String,
    /// The state.
    pub state: String,
    /// How many.
    pub count: i64,
}

/// A table on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableSize {
    /// Its name in schema posthorn.
    pub table: String,
    /// Bytes with days, indexes and large values.
    pub bytes: i64,
    /// About how many dead rows it has.
    pub dead_rows: i64,
}

/// Counts subscriptions, circuits and jobs by state; of states that nothing has there is no row.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn states(store: &Store) -> Result<Vec<Counted>, StoreError> {
    let rows = store.query(sql::MONITORING_STATES, &[]).await?;
    let read = |row| Ok(Counted { what: get(row, "what")?, state: get(row, "state")?, count: get(row, "count")? });
    rows.iter().map(read).collect()
}

/// What keeps dead rows from being cleaned away, as far as the role may see it.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn held(store: &Store) -> Result<Held, StoreError> {
    let row = store.query_one(sql::MONITORING_HELD, &[]).await?;
    Ok(Held {
        oldest_seconds: get(&row, "oldest_seconds")?,
        oldest_xids: get(&row, "oldest_xids")?,
        hidden_sessions: get(&row, "hidden_sessions")?,
        notify_queue_usage: get(&row, "notify_queue_usage")?,
    })
}

/// Size of each table.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn tables(store: &Store) -> Result<Vec<TableSize>, StoreError> {
    let rows = store.query(sql::MONITORING_TABLES, &[]).await?;
    let read = |row| {
        Ok(TableSize { table: get(row, "table_name")?, bytes: get(row, "bytes")?, dead_rows: get(row, "dead_rows")? })
    };
    rows.iter().map(read).collect()
}

/// What waits for the subscriptions and for the tenants that most waits for.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn waiting(store: &Store) -> Result<Vec<Waiting>, StoreError> {
    let rows = store.query(sql::MONITORING_WAITING, &[&WAITING_MAX]).await?;
    let read = |row| {
        Ok(Waiting {
            tenant: get(row, "tenant_id")?,
            subscription: get(row, "subscription_id")?,
            count: get(row, "waiting")?,
            oldest_seconds: get(row, "oldest_seconds")?,
        })
    };
    rows.iter().map(read).collect()
}
