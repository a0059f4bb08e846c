//! Partitions of days, made ahead of time.

use time::Date;

use super::row::get;
use super::{Store, StoreError, sql};

/// How many days ahead partitions are made: a process that is down for a week still finds its days.
pub const DAYS_AHEAD: i32 = 7;

/// A partition still to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingDay {
    /// Partitioned table.
    pub parent: String,
    /// Day in UTC.
    pub day: Date,
}

/// Lists the partitions still to be made.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn missing(store: &Store, ahead: i32) -> Result<Vec<MissingDay>, StoreError> {
    let rows = store.query(sql::DAYS_MISSING, &[&ahead]).await?;
    rows.iter().map(|row| Ok(MissingDay { parent: get(row, "parent")?, day: get(row, "day")? })).collect()
}

/// Makes every missing partition, each in its own transaction; answers with how many were made.
///
/// # Errors
/// The first [`StoreError`], such as a lock timeout (55P03) while someone holds the table: call again later.
pub async fn make_ahead(store: &Store, ahead: i32) -> Result<usize, StoreError> {
    let mut made = 0;
    for MissingDay { parent, day } in missing(store, ahead).await? {
        if get::<bool>(&store.query_one(sql::DAYS_MAKE, &[&parent, &day]).await?, "is_made")? {
            tracing::debug!(parent, %day, "made a partition");
            made += 1;
        }
    }
    Ok(made)
}
