//! Statistics of several subscriptions at once, and what waits for all of a tenant's.

use std::collections::HashMap;

use tokio_postgres::Row;
use uuid::Uuid;

use super::{Figures, Health, WAITING_MAX, Waiting, Wanted, read_figures, read_health, read_waiting};
use crate::store::row::get;
use crate::store::{StoreError, Tx, sql};

/// What is shown of a subscription in a list.
#[derive(Debug)]
pub struct Listed {
    /// How its receiver fares.
    pub health: Health,
    /// What waits for it, counted to one more than asked for.
    pub waiting: Waiting,
    /// Figures of a time.
    pub figures: Figures,
}

/// What lists show of those of these subscriptions that there are, in the order they are named; of each at most `most` + 1
/// deliveries that wait are counted.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn of_some(
    tx: &Tx<'_>,
    subscriptions: &[Uuid],
    wanted: &Wanted,
    most: i64,
) -> Result<Vec<Listed>, StoreError> {
    let Wanted { resolution, since, until, .. } = wanted;
    let health = tx.query(sql::STATISTICS_HEALTH_OF_SOME, &[&subscriptions]).await?;
    let waiting = tx.query(sql::STATISTICS_WAITING_OF_SOME, &[&subscriptions, &(most + 1)]).await?;
    let figures = tx.query(sql::STATISTICS_OF_SOME, &[&resolution.as_str(), since, until, &subscriptions]).await?;
    let id = |row: &Row| get::<Uuid>(row, "subscription_id");
    let mut health: HashMap<_, _> =
        health.iter().map(|row| Ok((id(row)?, read_health(row)?))).collect::<Result<_, StoreError>>()?;
    let mut figures: HashMap<_, _> =
        figures.iter().map(|row| Ok((id(row)?, read_figures(row)?))).collect::<Result<_, StoreError>>()?;
    let mut waiting: HashMap<_, _> =
        waiting.iter().map(|row| Ok((id(row)?, read_waiting(row)?))).collect::<Result<_, StoreError>>()?;
    let found = subscriptions.iter().filter_map(|subscription| {
        Some(Listed {
            health: health.remove(subscription)?,
            waiting: waiting.remove(subscription)?,
            figures: figures.remove(subscription).unwrap_or_default(),
        })
    });
    Ok(found.collect())
}

/// What waits for all subscriptions of the tenant; the oldest of those that are active.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn backlog(tx: &Tx<'_>) -> Result<Waiting, StoreError> {
    read_waiting(&tx.query_one(sql::STATISTICS_BACKLOG, &[&(WAITING_MAX + 1)]).await?)
}
