//! Statistics of deliveries: folding what batches of results left into the roll-up, and reading the roll-up.

mod listed;

use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

pub use self::listed::{Listed, backlog, of_some};
use super::row::get;
use super::{Store, StoreError, Tx, sql};
use crate::domain::histogram::BUCKETS;

/// What stands for all events in the roll-up.
const ALL_EVENTS: &str = "*";

/// Deliveries of one subscription that are counted at most while they wait.
pub const WAITING_MAX: i64 = 10_000;

/// Rows of the roll-up that one figure is added up from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// Kept 2 days.
    Minute,
    /// Kept 90 days.
    Hour,
    /// Kept 2 years.
    Day,
}

impl Resolution {
    /// The word used in columns and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    /// Length in seconds.
    pub const fn seconds(self) -> i64 {
        match self {
            Self::Minute => 60,
            Self::Hour => 3600,
            Self::Day => 86_400,
        }
    }
}

/// What is added up; times are bounds of the resolution.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Which rows.
    pub resolution: Resolution,
    /// From here on.
    pub since: OffsetDateTime,
    /// Up to but not including this.
    pub until: OffsetDateTime,
    /// Of this subscription alone.
    pub subscription_id: Option<Uuid>,
    /// Of this event type alone.
    pub event: Option<String>,
}

/// What was counted.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Attempts made.
    pub attempts: i64,
    /// Deliveries accepted.
    pub delivered: i64,
    /// Attempts that failed and are made again.
    pub retried: i64,
    /// Deliveries refused for good.
    pub failed: i64,
    /// Deliveries given up.
    pub abandoned: i64,
    /// How long attempts took.
    pub duration: Spread,
    /// How long deliveries were on their way.
    pub delay: Spread,
}

/// How a number of milliseconds is spread.
#[derive(Clone, Debug, Default)]
pub struct Spread {
    /// Sum of all.
    pub sum_ms: i64,
    /// The largest.
    pub max_ms: i32,
    /// Histogram.
    pub buckets: [i64; BUCKETS],
}

/// Figures of a time.
#[derive(Debug, Default)]
pub struct Totals {
    /// All together.
    pub all: Figures,
    /// By event type.
    pub by_event: Vec<(String, Figures)>,
    /// By subscription.
    pub by_subscription: Vec<(Uuid, Figures)>,
}

/// How a receiver fares.
#[derive(Clone, Debug)]
pub struct Health {
    /// The subscription.
    pub subscription_id: Uuid,
    /// Its receiver.
    pub url: String,
    /// `healthy`, `degraded`, `failing`, `suspended` or `paused`.
    pub state: String,
    /// Since when.
    pub since_at: Option<OffsetDateTime>,
    /// Why.
    pub reason: Option<String>,
    /// Attempts of the last hour.
    pub attempts_last_hour: i64,
    /// Those of them that failed.
    pub failures_last_hour: i64,
    /// `closed`, `open` or `half_open`.
    pub circuit: String,
    /// When an open circuit lets a probe through.
    pub retry_at: Option<OffsetDateTime>,
    /// When a delivery was last accepted.
    pub last_delivered_at: Option<OffsetDateTime>,
    /// When an attempt last failed.
    pub last_failed_at: Option<OffsetDateTime>,
    /// Whose attempt that was.
    pub last_failed_delivery_id: Option<Uuid>,
}

/// States, the worst first.
const STATES: [&str; 5] = ["suspended", "failing", "degraded", "paused", "healthy"];

/// Where a receiver is in the list of their health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HealthPlace {
    /// Place of its state, 1 for the worst.
    pub rank: i32,
    /// Since when it is in that state, in microseconds since 1970; the latest comes first, and what has no time before it.
    pub since_us: i64,
    /// Its subscription.
    pub subscription_id: Uuid,
}

impl HealthPlace {
    /// The place of a row.
    pub fn of(row: &Health) -> Self {
        let place = STATES.iter().position(|state| *state == row.state).unwrap_or(STATES.len());
        let since_us = row.since_at.and_then(|at| i64::try_from(at.unix_timestamp_nanos() / 1000).ok());
        Self {
            rank: i32::try_from(place + 1).unwrap_or(i32::MAX),
            since_us: since_us.unwrap_or(i64::MAX),
            subscription_id: row.subscription_id,
        }
    }
}

/// What waits for a subscription.
#[derive(Clone, Copy, Debug)]
pub struct Waiting {
    /// Deliveries not finished, counted to [`WAITING_MAX`] + 1.
    pub deliveries: i64,
    /// Since when the oldest that could go waits.
    pub oldest_due_at: Option<OffsetDateTime>,
}

/// An attempt that failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// When it began.
    pub started_at: OffsetDateTime,
    /// HTTP status.
    pub status_code: Option<i32>,
    /// Why.
    pub error_kind: String,
    /// The same in words.
    pub error: Option<String>,
}

/// What [`fold`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Folded {
    /// Tallies added. None: there are none, or another process does it.
    pub tallies: i32,
    /// Whether there are some of minutes that are over.
    pub has_older: bool,
}

/// Adds at most `most` tallies of the oldest minute to the roll-up.
///
/// # Errors
/// [`StoreError`] of the database; nothing was added then.
pub async fn fold(store: &Store, most: i32) -> Result<Folded, StoreError> {
    let row = store.query_one(sql::STATISTICS_FOLD, &[&most]).await?;
    Ok(Folded { tallies: get(&row, "folded")?, has_older: get(&row, "has_older")? })
}

/// Deletes at most `most` rows of each resolution that are older than kept; answers with how many.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn prune(store: &Store, most: i32) -> Result<i32, StoreError> {
    get(&store.query_one(sql::STATISTICS_PRUNE, &[&most]).await?, "pruned")
}

/// Figures of a time.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn totals(tx: &Tx<'_>, wanted: &Wanted) -> Result<Totals, StoreError> {
    let Wanted { resolution, since, until, subscription_id, event } = wanted;
    let rows = tx.query(sql::STATISTICS_TOTALS, &[&resolution.as_str(), since, until, subscription_id, event]).await?;
    let mut totals = Totals::default();
    for row in &rows {
        let (of, name): (Uuid, String) = (get(row, "subscription_id")?, get(row, "event")?);
        let figures = read_figures(row)?;
        let is_of_all = of == subscription_id.unwrap_or(Uuid::nil());
        if is_of_all && name == event.as_deref().unwrap_or(ALL_EVENTS) {
            totals.all = figures.clone();
        }
        if is_of_all && name != ALL_EVENTS {
            totals.by_event.push((name, figures));
        } else if !of.is_nil() {
            totals.by_subscription.push((of, figures));
        }
    }
    totals.by_event.sort_by_key(|(_, figures)| std::cmp::Reverse(figures.attempts));
    totals.by_subscription.sort_by_key(|(_, figures)| std::cmp::Reverse(figures.attempts));
    Ok(totals)
}

/// Figures by minute, hour or day, in the order of time; those without any are left out.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn series(tx: &Tx<'_>, wanted: &Wanted) -> Result<Vec<(OffsetDateTime, Figures)>, StoreError> {
    let Wanted { resolution, since, until, subscription_id, event } = wanted;
    let rows = tx.query(sql::STATISTICS_SERIES, &[&resolution.as_str(), since, until, subscription_id, event]).await?;
    rows.iter().map(|row| Ok((get(row, "starts_at")?, read_figures(row)?))).collect()
}

/// Failures of a time by kind, most first.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn errors(tx: &Tx<'_>, wanted: &Wanted) -> Result<Vec<(String, i64)>, StoreError> {
    let Wanted { resolution, since, until, subscription_id, event } = wanted;
    let rows = tx.query(sql::STATISTICS_ERRORS, &[&resolution.as_str(), since, until, subscription_id, event]).await?;
    rows.iter().map(|row| Ok((get(row, "error_kind")?, get(row, "failures")?))).collect()
}

/// How the tenant's receivers fare, the worst first.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn health(
    tx: &Tx<'_>,
    state: Option<&str>,
    after: Option<&HealthPlace>,
    rows: i64,
) -> Result<Vec<Health>, StoreError> {
    let rank = after.map(|place| place.rank);
    let since_us = after.map(|place| place.since_us);
    let id = after.map(|place| place.subscription_id);
    tx.query(sql::STATISTICS_HEALTH, &[&state, &rank, &since_us, &id, &rows]).await?.iter().map(read_health).collect()
}

/// How one receiver fares; `None`: there is no such subscription.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn health_of(tx: &Tx<'_>, subscription: Uuid) -> Result<Option<Health>, StoreError> {
    tx.query_opt(sql::STATISTICS_HEALTH_OF, &[&subscription]).await?.as_ref().map(read_health).transpose()
}

/// What waits for a subscription.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn waiting(tx: &Tx<'_>, subscription: Uuid) -> Result<Waiting, StoreError> {
    read_waiting(&tx.query_one(sql::STATISTICS_WAITING, &[&subscription]).await?)
}

/// The newest failed attempt of a delivery.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn last_failure(tx: &Tx<'_>, delivery: Uuid) -> Result<Option<Failure>, StoreError> {
    let row = tx.query_opt(sql::STATISTICS_LAST_FAILURE, &[&delivery]).await?;
    let read = |row: Row| {
        Ok(Failure {
            started_at: get(&row, "started_at")?,
            status_code: get(&row, "status_code")?,
            error_kind: get(&row, "error_kind")?,
            error: get(&row, "error")?,
        })
    };
    row.map(read).transpose()
}

fn read_waiting(row: &Row) -> Result<Waiting, StoreError> {
    Ok(Waiting { deliveries: get(row, "waiting")?, oldest_due_at: get(row, "oldest_due_at")? })
}

fn read_figures(row: &Row) -> Result<Figures, StoreError> {
    Ok(Figures {
        attempts: get(row, "attempts")?,
        delivered: get(row, "delivered")?,
        retried: get(row, "retried")?,
        failed: get(row, "failed")?,
        abandoned: get(row, "abandoned")?,
        duration: Spread {
            sum_ms: get(row, "duration_sum_ms")?,
            max_ms: get(row, "duration_max_ms")?,
            buckets: read_buckets(row, "durations")?,
        },
        delay: Spread {
            sum_ms: get(row, "delay_sum_ms")?,
            max_ms: get(row, "delay_max_ms")?,
            buckets: read_buckets(row, "delays")?,
        },
    })
}

/// A histogram; of no rows every sum is NULL.
fn read_buckets(row: &Row, column: &'static str) -> Result<[i64; BUCKETS], StoreError> {
    let counts: Vec<Option<i64>> = get(row, column)?;
    let mut buckets = [0; BUCKETS];
    for (bucket, count) in buckets.iter_mut().zip(counts) {
        *bucket = count.unwrap_or(0);
    }
    Ok(buckets)
}

fn read_health(row: &Row) -> Result<Health, StoreError> {
    Ok(Health {
        subscription_id: get(row, "subscription_id")?,
        url: get(row, "url")?,
        state: get(row, "state")?,
        since_at: get(row, "since_at")?,
        reason: get(row, "reason")?,
        attempts_last_hour: get(row, "attempts_last_hour")?,
        failures_last_hour: get(row, "failures_last_hour")?,
        circuit: get(row, "circuit")?,
        retry_at: get(row, "retry_at")?,
        last_delivered_at: get(row, "last_delivered_at")?,
        last_failed_at: get(row, "last_failed_at")?,
        last_failed_delivery_id: get(row, "last_failed_delivery_id")?,
    })
}
