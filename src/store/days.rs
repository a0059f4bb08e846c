//! Partitions of days: made ahead of time, and made after the fact for rows that came before theirs.

use time::Date;
use tokio_postgres::Row;

use super::row::get;
use super::{Params, Sql, Store, StoreError, sql};

/// How many days ahead partitions are made: a process that is down for a week still finds its days.
pub const DAYS_AHEAD: i32 = 7;

/// A partition: one day (in UTC) of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableDay {
    /// Partitioned table.
    pub parent: String,
    /// Day in UTC.
    pub day: Date,
}

/// What monitoring asks of a table that is kept by days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Growth {
    /// Partitioned table.
    pub parent: String,
    /// Rows in its default partition, counted up to 10,000. Any at all mean that days were not made in time.
    pub default_rows: i32,
    /// Oldest day partition.
    pub oldest_day: Option<Date>,
    /// Newest day partition.
    pub newest_day: Option<Date>,
}

/// Lists the partitions still to be made.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn missing(store: &Store, ahead: i32) -> Result<Vec<TableDay>, StoreError> {
    list(store, sql::DAYS_MISSING, &[&ahead]).await
}

/// Lists days whose rows are in a default partition; of days that retention takes (0: none), retention takes these too.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn stray(store: &Store, keep_days: i32) -> Result<Vec<TableDay>, StoreError> {
    list(store, sql::DAYS_STRAY, &[&keep_days]).await
}

/// Makes every missing partition, each in its own transaction; answers with how many were made.
///
/// # Errors
/// The first [`StoreError`], such as a lock timeout (55P03) while someone holds the table: call again later.
pub async fn make_ahead(store: &Store, ahead: i32) -> Result<usize, StoreError> {
    make(store, missing(store, ahead).await?).await
}

/// Makes the partitions that rows in default partitions lack, which moves them there; answers with how many were made.
///
/// # Errors
/// As [`make_ahead`].
pub async fn make_stray(store: &Store, keep_days: i32) -> Result<usize, StoreError> {
    make(store, stray(store, keep_days).await?).await
}

/// How the tables that are kept by days stand.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn growth(store: &Store) -> Result<Vec<Growth>, StoreError> {
    let read = |row: &Row| {
        Ok(Growth {
            parent: get(row, "parent")?,
            default_rows: get(row, "default_rows")?,
            oldest_day: get(row, "oldest_day")?,
            newest_day: get(row, "newest_day")?,
        })
    };
    store.query(sql::DAYS_GROWTH, &[]).await?.iter().map(read).collect()
}

async fn list(store: &Store, sql: Sql, params: Params<'_>) -> Result<Vec<TableDay>, StoreError> {
    let rows = store.query(sql, params).await?;
    rows.iter().map(|row| Ok(TableDay { parent: get(row, "parent")?, day: get(row, "day")? })).collect()
}

async fn make(store: &Store, days: Vec<TableDay>) -> Result<usize, StoreError> {
    let mut made = 0;
    for TableDay { parent, day } in days {
        if get::<bool>(&store.query_one(sql::DAYS_MAKE, &[&parent, &day]).await?, "is_made")? {
            tracing::debug!(parent, %day, "made a partition");
            made += 1;
        }
    }
    Ok(made)
}
