//! Figures of a whole database at a glance, for `posthorn stats`: the queue, what came of it, who sends, who fails.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::row::facts;
use super::{Params, Sql, Store, StoreError, sql};

/// How many subscriptions and event types are told.
const MOST: i64 = 10;

/// What waits and what is on its way.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Queue {
    /// Deliveries not finished.
    pub waiting: i64,
    /// Those of them that could go now.
    pub due: i64,
    /// Those that are on their way.
    pub in_flight: i64,
    /// For how long the oldest that could go waits, in seconds.
    pub oldest_seconds: Option<f64>,
}

/// What became of attempts in a time.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Rates {
    /// `minute`: the one that runs and the one before; `hour`: sixty minutes and the one that runs.
    pub name: String,
    /// How long that is.
    pub seconds: f64,
    /// Attempts made.
    pub attempts: i64,
    /// Deliveries that a receiver accepted.
    pub delivered: i64,
    /// Attempts that failed and are made again.
    pub retried: i64,
    /// Deliveries refused for good.
    pub failed: i64,
    /// Deliveries given up.
    pub abandoned: i64,
    /// Half of the deliveries arrived so many milliseconds after their event, or sooner.
    pub delay_p50_ms: Option<f64>,
    /// 95 of 100.
    pub delay_p95_ms: Option<f64>,
    /// 99 of 100.
    pub delay_p99_ms: Option<f64>,
}

/// A dispatcher that is alive.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Sender {
    /// Its host.
    pub host: String,
    /// Its process there.
    pub pid: i32,
    /// Version of the binary.
    pub version: String,
    /// Deliveries it may have in flight.
    pub slots: i32,
    /// Those it has.
    pub in_flight: i64,
    /// Seconds since its last sign of life.
    pub seen_seconds: f64,
}

/// A subscription that is not well.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Unwell {
    /// The subscription.
    pub id: Uuid,
    /// Whose.
    pub tenant_id: Uuid,
    /// Its receiver.
    pub url: String,
    /// `failing`, `suspended` or `degraded`.
    pub state: String,
    /// Why.
    pub reason: Option<String>,
    /// For how long, in seconds.
    pub since_seconds: Option<f64>,
    /// Attempts of the last hour.
    pub attempts_last_hour: i64,
    /// Those of them that failed.
    pub failures_last_hour: i64,
    /// `closed`, `open` or `half_open`.
    pub circuit: String,
    /// When an open circuit lets the next attempt through, in seconds.
    pub retry_in_seconds: Option<f64>,
}

/// Attempts of an event type in this hour and the one before.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct OfEvent {
    /// The event type.
    pub event: String,
    /// Attempts made.
    pub attempts: i64,
    /// Deliveries that a receiver accepted.
    pub delivered: i64,
    /// Attempts that failed and are made again.
    pub retried: i64,
    /// Deliveries refused for good or given up.
    pub failed: i64,
}

/// All of it.
#[derive(Clone, Debug, Serialize)]
pub struct Stats {
    /// What waits.
    pub queue: Queue,
    /// Of the last minute and the last hour.
    pub rates: Vec<Rates>,
    /// Who sends.
    pub dispatchers: Vec<Sender>,
    /// Who fails, the worst first.
    pub worst_subscriptions: Vec<Unwell>,
    /// What is sent most.
    pub top_event_types: Vec<OfEvent>,
}

/// Reads the figures of a tenant, or of all with `None`; the store's role is `posthorn_readonly`.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn read(store: &Store, tenant: Option<Uuid>) -> Result<Stats, StoreError> {
    let queue = all(store, sql::STATS_QUEUE, &[&tenant]).await?;
    Ok(Stats {
        queue: queue.into_iter().next().ok_or(StoreError::NoRow { statement: sql::STATS_QUEUE.name })?,
        rates: all(store, sql::STATS_RATES, &[&tenant]).await?,
        dispatchers: all(store, sql::STATS_DISPATCHERS, &[]).await?,
        worst_subscriptions: all(store, sql::STATS_SUBSCRIPTIONS, &[&tenant, &MOST]).await?,
        top_event_types: all(store, sql::STATS_EVENT_TYPES, &[&tenant, &MOST]).await?,
    })
}

async fn all<T: DeserializeOwned>(store: &Store, sql: Sql, params: Params<'_>) -> Result<Vec<T>, StoreError> {
    store.query(sql, params).await?.iter().map(|row| facts(row, sql.name)).collect()
}
