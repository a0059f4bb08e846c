//! Where the schema sends from: a copy that a dump and a restore made is told from the original.

use super::row::get;
use super::{Store, StoreError, sql};

/// What [`resume`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resumed {
    /// Whether it was a copy; nothing was changed if not.
    pub was_copy: bool,
    /// Deliveries that are not finished, of all tenants.
    pub waiting: i64,
}

/// Notes that dispatchers send from here, unless it is known where they do; true when that is elsewhere.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn settle(store: &Store) -> Result<bool, StoreError> {
    get(&store.query_one(sql::DISPATCHERS_SETTLE, &[]).await?, "is_copy")
}

/// Says that a copy may send from now on.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn resume(store: &Store) -> Result<Resumed, StoreError> {
    let row = store.query_one(sql::INSTANCE_RESUME, &[]).await?;
    Ok(Resumed { was_copy: get(&row, "was_copy")?, waiting: get(&row, "waiting")? })
}
