//! Operational events that no change of a row brings about: what was held back, and backlogs. Triggers publish the others.

use super::row::get;
use super::{Store, StoreError, sql};

/// Tells of exhausted deliveries that were held back for a minute; answers for how many subscriptions.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn tell_held_back(store: &Store) -> Result<i32, StoreError> {
    get(&store.query_one(sql::OPERATIONAL_TELL_HELD_BACK, &[]).await?, "told")
}

/// Tells of tenants whose oldest due delivery waits `high_seconds`, and of those where it no longer does; answers of how many.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn tell_of_backlogs(store: &Store, high_seconds: i32) -> Result<i32, StoreError> {
    get(&store.query_one(sql::OPERATIONAL_TELL_OF_BACKLOGS, &[&high_seconds]).await?, "told")
}
