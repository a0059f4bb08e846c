//! The queue: claim, record, release, what receivers in trouble did, and the wake-up gate's statements. Every function is
//! one round trip.

mod claim;
mod record;
mod subscribers;

use std::time::Duration;

use uuid::Uuid;

use super::row::get;
use super::{Store, StoreError, sql};

pub use claim::{Claim, ClaimRequest, Claimed, Happened, Served, claim};
pub use record::{Attempt, record, record_late};
pub use subscribers::{Subscribed, subscribers};

/// Gives leases back unsent.
///
/// # Errors
/// [`StoreError`] of the database; the leases then run out by themselves.
pub async fn release(store: &Store, leases: &[(Uuid, i32)]) -> Result<usize, StoreError> {
    let (ids, epochs): (Vec<Uuid>, Vec<i32>) = leases.iter().copied().unzip();
    Ok(store.query(sql::QUEUE_RELEASE, &[&ids, &epochs]).await?.len())
}

/// Cancels at most `limit` deliveries whose subscription is deleted; answers with how many.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn cancel_orphans(store: &Store, limit: u32) -> Result<usize, StoreError> {
    Ok(store.query(sql::QUEUE_CANCEL_ORPHANS, &[&int(limit)]).await?.len())
}

/// Makes at most `limit` parked deliveries due that nobody stands before; answers with how many.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn call_stranded(store: &Store, limit: u32) -> Result<usize, StoreError> {
    Ok(store.query(sql::QUEUE_CALL_STRANDED, &[&int(limit)]).await?.len())
}

/// Suspends subscriptions whose receiver answered 410.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn suspend(store: &Store, subscriptions: &[Uuid], reason: &str) -> Result<(), StoreError> {
    store.query(sql::SUBSCRIPTIONS_SUSPEND, &[&subscriptions, &reason]).await?;
    Ok(())
}

/// What one batch of results says about one receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcomes {
    /// The subscription.
    pub subscription_id: Uuid,
    /// Attempts that delivered.
    pub successes: u32,
    /// Attempts that failed by the receiver's fault.
    pub failures: u32,
    /// Those of them after the last success.
    pub trailing_failures: u32,
    /// The last failure in words.
    pub error: Option<String>,
}

/// When circuits open and subscriptions are suspended that do not say it themselves.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Failures in a row; 0 is never.
    pub failures: u32,
    /// Share of failures among the attempts of a minute.
    pub failure_ratio: f64,
    /// How long a circuit stays open at first.
    pub circuit: Duration,
    /// Nothing but failures for so long suspends; zero is never.
    pub suspend_after: Duration,
}

/// Something that changed for a receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CircuitChange {
    /// The subscription.
    pub subscription_id: Uuid,
    /// `opened`, `closed` or `suspended`.
    pub change: String,
    /// Why.
    pub reason: String,
}

/// Counts what receivers in trouble answered; answers with circuits that opened or closed and subscriptions suspended.
///
/// # Errors
/// [`StoreError`] of the database; nothing was counted then.
pub async fn note_outcomes(
    store: &Store,
    outcomes: &[Outcomes],
    patience: Patience,
) -> Result<Vec<CircuitChange>, StoreError> {
    let seconds = |duration: Duration| int(u32::try_from(duration.as_secs()).unwrap_or(u32::MAX));
    let rows = store
        .query(
            sql::QUEUE_NOTE_OUTCOMES,
            &[
                &outcomes.iter().map(|o| o.subscription_id).collect::<Vec<_>>(),
                &outcomes.iter().map(|o| int(o.successes)).collect::<Vec<_>>(),
                &outcomes.iter().map(|o| int(o.failures)).collect::<Vec<_>>(),
                &outcomes.iter().map(|o| int(o.trailing_failures)).collect::<Vec<_>>(),
                &outcomes.iter().map(|o| o.error.as_deref()).collect::<Vec<_>>(),
                &int(patience.failures),
                &patience.failure_ratio,
                &seconds(patience.circuit),
                &seconds(patience.suspend_after),
            ],
        )
        .await?;
    let read = |row: &tokio_postgres::Row| {
        Ok(CircuitChange {
            subscription_id: get(row, "subscription_id")?,
            change: get(row, "change")?,
            reason: get(row, "reason")?,
        })
    };
    rows.iter().map(read).collect()
}

/// Wakes other dispatchers.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn recruit(store: &Store) -> Result<(), StoreError> {
    store.query(sql::QUEUE_RECRUIT, &[]).await?;
    Ok(())
}

/// What monitoring wants to know of the queue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QueueState {
    /// Deliveries not finished, of all tenants.
    pub waiting: i64,
    /// Age of the oldest due delivery of an active subscription.
    pub oldest_age: Option<Duration>,
    /// Events still to be fanned out.
    pub open_fanouts: i64,
    /// Dispatchers seen in the last 15 seconds.
    pub dispatchers_alive: i64,
    /// Receivers whose circuit is open or half open.
    pub open_circuits: i64,
    /// Whether a dump brought what is here from elsewhere, so that dispatchers send nothing.
    pub is_copy: bool,
}

/// Asks for the queue's state.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn state(store: &Store) -> Result<QueueState, StoreError> {
    let row = store.query_one(sql::QUEUE_STATE, &[]).await?;
    let oldest: Option<f64> = get(&row, "oldest_age_seconds")?;
    Ok(QueueState {
        waiting: get(&row, "waiting")?,
        oldest_age: oldest.map(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)),
        open_fanouts: get(&row, "open_fanouts")?,
        dispatchers_alive: get(&row, "dispatchers_alive")?,
        open_circuits: get(&row, "open_circuits")?,
        is_copy: get(&row, "is_copy")?,
    })
}

fn int(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

fn unsigned(value: i32) -> u32 {
    u32::try_from(value).unwrap_or(0)
}
