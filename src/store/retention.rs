//! Retention: days that are over go as whole partitions, in the order that keeps what is left consistent.

use std::time::Instant;

use time::Date;
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;

use super::row::get;
use super::{Store, StoreError, sql};

/// Most rows of one DELETE among those that no day partition takes along.
const CHUNK: i32 = 10_000;

/// So many times as long as a step took is waited after it. Unlinking the files of a day of a million deliveries keeps a disk, or a
/// core, busy for most of a second; nobody waits for retention, and whoever sends meanwhile should not notice it.
const REST: u32 = 4;

/// Tables whose stray rows are deleted, in the order in which days go; the marks of events that are gone come last.
const PRUNED: [&str; 4] = ["webhook_deliveries_done", "webhook_attempts", "outbox", "event_fanouts"];

/// A day partition older than it need be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpiredDay {
    /// Partitioned table.
    pub parent: String,
    /// Day in UTC.
    pub day: Date,
    /// Why it cannot go now, such as a delivery that is not finished.
    pub held_back_by: Option<String>,
}

/// What [`apply`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Days dropped.
    pub dropped: usize,
    /// Rows deleted one by one, because no day partition held them.
    pub pruned: i64,
    /// Expired days that are still there, each with its reason.
    pub held_back: Vec<ExpiredDay>,
    /// Days that writers did not let go of in time: worth another try soon.
    pub busy: usize,
}

/// Lists expired days in the order in which they can go; none when `keep_days` is 0.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn expired(store: &Store, keep_days: i32) -> Result<Vec<ExpiredDay>, StoreError> {
    let rows = store.query(sql::DAYS_EXPIRED, &[&keep_days]).await?;
    rows.iter()
        .map(|row| {
            Ok(ExpiredDay {
                parent: get(row, "parent")?,
                day: get(row, "day")?,
                held_back_by: get(row, "held_back_by")?,
            })
        })
        .collect()
}

/// What became of a day that was to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Drop {
    /// It is gone.
    Dropped,
    /// It stays, for this reason.
    HeldBack(String),
    /// Writers did not let go of it in time: worth another try soon.
    Busy,
    /// There is no such day; another process dropped it.
    Gone,
}

/// Drops one expired day unless something holds it back.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn drop_day(store: &Store, parent: &str, day: Date) -> Result<Drop, StoreError> {
    what_became(store.query_one(sql::DAYS_DROP, &[&parent, &day]).await)
}

/// Why a day may not be dropped yet.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn held_back_by(store: &Store, parent: &str, day: Date) -> Result<Option<String>, StoreError> {
    get(&store.query_one(sql::PRUNE_HELD, &[&parent, &day]).await?, "held_back_by")
}

/// Reads the answer of a statement that drops a day.
pub(super) fn what_became(answer: Result<Row, StoreError>) -> Result<Drop, StoreError> {
    match answer {
        Ok(row) => Ok(match get::<Option<String>>(&row, "held_back_by")? {
            Some(reason) => Drop::HeldBack(reason),
            None if get(&row, "is_dropped")? => Drop::Dropped,
            None => Drop::Gone,
        }),
        Err(error) if error.sqlstate() == Some(&SqlState::LOCK_NOT_AVAILABLE) => {
            tracing::debug!(error = %error.with_causes(), "a day is busy");
            Ok(Drop::Busy)
        }
        Err(error) => Err(error),
    }
}

/// Drops the days that are older than `keep_days` whole days and deletes what rows of that age lie elsewhere. Each day and
/// each chunk is a transaction of its own, so it may be left off at any point. Does nothing when `keep_days` is 0.
///
/// # Errors
/// [`StoreError`] of the database; what was done until then stays done.
pub async fn apply(store: &Store, keep_days: i32) -> Result<Applied, StoreError> {
    let mut applied = Applied::default();
    if keep_days == 0 {
        return Ok(applied);
    }
    // the list says what could go at its time: a day's deliveries going lets its attempts go, so each is asked again
    for ExpiredDay { parent, day, .. } in expired(store, keep_days).await? {
        let began = Instant::now();
        match drop_day(store, &parent, day).await? {
            Drop::HeldBack(reason) => applied.held_back.push(ExpiredDay { parent, day, held_back_by: Some(reason) }),
            Drop::Dropped => {
                tracing::debug!(parent, %day, "dropped a day");
                applied.dropped += 1;
                tokio::time::sleep(began.elapsed() * REST).await;
            }
            Drop::Busy => applied.busy += 1,
            Drop::Gone => {}
        }
    }
    applied.pruned = prune_strays(store, keep_days).await?;
    Ok(applied)
}

/// Deletes expired rows that no day takes along; answers with how many they were.
///
/// # Errors
/// [`StoreError`] of the database; what was done until then stays done.
pub async fn prune_strays(store: &Store, keep_days: i32) -> Result<i64, StoreError> {
    let mut all = 0;
    for table in PRUNED {
        loop {
            let began = Instant::now();
            let row = store.query_one(sql::DAYS_PRUNE, &[&table, &keep_days, &CHUNK]).await?;
            let pruned: i32 = get(&row, "pruned")?;
            all += i64::from(pruned);
            if pruned < CHUNK {
                break;
            }
            tokio::time::sleep(began.elapsed() * REST).await;
        }
    }
    Ok(all)
}
