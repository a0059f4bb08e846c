//! A database that is watched: its gauges are measured when somebody scrapes, and never more often than a scrape needs.

use std::time::{Duration, Instant};

use time::{Date, OffsetDateTime};
use tokio::sync::Mutex;

use crate::api::problem::Problem;
use crate::metrics::Metrics;
use crate::store::days::{self, Growth};
use crate::store::monitoring::{self, Counted};
use crate::store::queue::{self, QueueState};
use crate::store::{Store, StoreError};

/// The queue's gauges are never younger than a scrape needs, and never asked for more often.
const REFRESH: Duration = Duration::from_secs(5);

/// The same of gauges that change slowly or cost more.
const SLOW_REFRESH: Duration = Duration::from_secs(15);

/// Longest wait for the database before health says that it cannot be reached.
const PATIENCE: Duration = Duration::from_secs(3);

/// A database that is watched.
pub struct Watched {
    pub(super) name: String,
    store: Store,
    /// A dispatcher's, which may count over all tenants.
    measuring: Option<Measuring>,
    metrics: Metrics,
    known: Mutex<Option<(Instant, QueueState)>>,
    /// When the slow gauges were measured; apart, so that health does not wait for them.
    measured: Mutex<Option<Instant>>,
}

/// What a process that dispatches measures besides.
struct Measuring {
    store: Store,
    tells_queues: bool,
}

impl Watched {
    /// Watches a database: `name` as people know it, a pool of any role that serves, and the gauges of all.
    pub fn new(name: &str, store: Store, metrics: &Metrics) -> Self {
        let metrics = metrics.of_database(name);
        Self {
            name: name.to_owned(),
            store,
            measuring: None,
            metrics,
            known: Mutex::default(),
            measured: Mutex::default(),
        }
    }

    /// The same with what only a dispatcher's pool may ask for; `tells_queues`: also what waits for whom.
    pub fn measured_by(self, store: Store, tells_queues: bool) -> Self {
        Self { measuring: Some(Measuring { store, tells_queues }), ..self }
    }

    /// How many dispatchers were alive at most [`REFRESH`] ago.
    pub(in crate::api) async fn dispatchers_alive(&self) -> Result<i64, Problem> {
        self.queue().await.map(|state| state.dispatchers_alive)
    }

    /// Measures everything that is no longer young.
    pub(super) async fn measure(&self) {
        // without its database a gauge keeps its last value: the counters are worth a page all the same
        if self.queue().await.is_err() {
            return;
        }
        let Some(measuring) = &self.measuring else { return };
        let mut measured = self.measured.lock().await;
        if measured.is_none_or(|at| at.elapsed() >= SLOW_REFRESH) {
            *measured = Some(Instant::now());
            self.measure_states(measuring).await;
            self.measure_tables(measuring).await;
            self.measure_waiting(measuring).await;
        }
    }

    /// The queue as it was at most [`REFRESH`] ago: whoever asks more often costs the database nothing.
    pub(super) async fn queue(&self) -> Result<QueueState, Problem> {
        let mut known = self.known.lock().await;
        if let Some((at, state)) = *known
            && at.elapsed() < REFRESH
        {
            return Ok(state);
        }
        *known = None;
        let state = self.ask().await;
        self.metrics.set_up(state.is_ok());
        let state = state?;
        self.metrics.set_queue(
            state.waiting,
            state.oldest_age,
            state.open_fanouts,
            state.dispatchers_alive,
            state.open_circuits,
        );
        self.metrics.set_copy(state.is_copy);
        self.measure_growth().await;
        *known = Some((Instant::now(), state));
        Ok(state)
    }

    async fn ask(&self) -> Result<QueueState, Problem> {
        let state = tokio::time::timeout(PATIENCE, queue::state(&self.store)).await;
        let state: Result<_, StoreError> = state.map_err(|_| Problem::unavailable())?;
        Ok(state?)
    }

    async fn measure_growth(&self) {
        let Some(growth) = answer("days", days::growth(&self.store)).await else { return };
        let today = OffsetDateTime::now_utc().date();
        for Growth { parent, default_rows, oldest_day, newest_day } in growth {
            let age = |day: Date| (today - day).whole_days();
            self.metrics.set_growth(&parent, default_rows.into(), oldest_day.map(age), newest_day.map(|day| -age(day)));
        }
    }

    async fn measure_states(&self, measuring: &Measuring) {
        if let Some(counted) = answer("states", monitoring::states(&measuring.store)).await {
            let counts = counted.iter().map(|Counted { what, state, count }| (&**what, &**state, *count));
            self.metrics.set_states(counts);
        }
        if let Some(held) = answer("snapshots", monitoring::held(&measuring.store)).await {
            self.metrics.set_held(held);
        }
    }

    async fn measure_tables(&self, measuring: &Measuring) {
        for of in answer("tables", monitoring::tables(&measuring.store)).await.unwrap_or_default() {
            self.metrics.set_table(&of.table, of.bytes, of.dead_rows);
        }
    }

    async fn measure_waiting(&self, measuring: &Measuring) {
        if !measuring.tells_queues {
            return;
        }
        // what cannot be measured is not told: an old figure would look like a queue that stands still
        let waiting = answer("queues", monitoring::waiting(&measuring.store)).await.unwrap_or_default();
        self.metrics.set_waiting(&waiting);
    }
}

/// What the database says in time. A page without it is better than none, so that its failure is only noted.
async fn answer<T>(what: &'static str, asked: impl Future<Output = Result<T, StoreError>>) -> Option<T> {
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(value)) => Some(value),
        Ok(Err(error)) => {
            tracing::warn!(what, error = %error.with_causes(), "a part of the metrics cannot be measured");
            None
        }
        Err(_) => {
            tracing::warn!(what, "a part of the metrics cannot be measured in time");
            None
        }
    }
}
