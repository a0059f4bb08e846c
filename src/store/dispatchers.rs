//! The list of dispatcher processes and their signs of life.

use time::OffsetDateTime;
use uuid::Uuid;

use super::row::get;
use super::{Store, StoreError, instance, sql};

/// Adds a dispatcher, and notes where it sends from if none was there before; answers with its id.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn register(store: &Store, host: &str, concurrency: u32) -> Result<Uuid, StoreError> {
    instance::settle(store).await?;
    let pid = i32::try_from(std::process::id()).unwrap_or(0);
    let concurrency = i32::try_from(concurrency).unwrap_or(i32::MAX);
    let row =
        store.query_one(sql::DISPATCHERS_REGISTER, &[&host, &pid, &env!("CARGO_PKG_VERSION"), &concurrency]).await?;
    get(&row, "id")
}

/// Notes a sign of life, or that the dispatcher stopped in good order. Answers with the time by the database's clock; `None`
/// when the dispatcher is not on the list any more.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn seen(store: &Store, id: Uuid, is_stopped: bool) -> Result<Option<OffsetDateTime>, StoreError> {
    let rows = store.query(sql::DISPATCHERS_SEEN, &[&id, &is_stopped]).await?;
    rows.first().map(|row| get(row, "clock")).transpose()
}

/// Whether one of these dispatchers is registered here.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn any_of(store: &Store, ids: &[Uuid]) -> Result<bool, StoreError> {
    get(&store.query_one(sql::DISPATCHERS_ANY_OF, &[&ids]).await?, "is_known")
}

/// Drops dispatchers not seen for a week.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn forget_old(store: &Store) -> Result<(), StoreError> {
    store.query(sql::DISPATCHERS_FORGET, &[]).await?;
    Ok(())
}
