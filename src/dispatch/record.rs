//! Record: the only stage that writes. A batch is whatever is ready: one row when idle, many under load, no added delay.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use uuid::Uuid;

use super::troubled::Troubled;
use super::{Tools, backoff};
use crate::domain::delivery::{DeliveryStatus, ErrorKind};
use crate::store::StoreError;
use crate::store::queue::{self, Attempt, CircuitChange, Outcomes};

/// Most rows of one statement: 50 to 100 is the knee, beyond it only latency grows.
const BATCH_MAX: usize = 100;

/// Batches written at once.
const WRITERS: usize = 2;

/// Results waiting to be written before senders are held up.
const WAITING_MAX: usize = 1024;

/// A finished attempt.
pub(crate) struct Result {
    pub(crate) attempt: Attempt,
    /// When it began.
    pub(crate) started: Instant,
    /// Whose receiver answered, or did not.
    pub(crate) subscription_id: Uuid,
    /// Whether that receiver failed lately.
    pub(crate) is_troubled: bool,
    /// Whether it wants to hear no more.
    pub(crate) suspends: bool,
    /// Whether it stands for its request where answers are counted: one of a batch does.
    pub(crate) counts: bool,
}

/// What a delivery came to.
pub(crate) enum Done {
    /// An attempt was made: all of one request, so that what failed together falls due together.
    Attempts(Vec<Result>),
    /// It was not sent; the lease is given back.
    Released(Uuid, i32),
}

/// Where results go. The recorder ends when the last clone is dropped.
#[derive(Clone)]
pub(crate) struct Recorder {
    sender: mpsc::Sender<Done>,
    retries: Arc<Retries>,
}

impl Recorder {
    /// Starts the recorder; the task ends once all senders are gone and everything is written.
    pub(crate) fn start(tools: Arc<Tools>) -> (Self, JoinHandle<()>) {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        let retries = Arc::new(Retries::default());
        let task = tokio::spawn(write_all(tools, receiver, retries.clone()));
        (Self { sender, retries }, task)
    }

    /// Hands over a result.
    pub(crate) async fn push(&self, done: Done) {
        if self.sender.send(done).await.is_err() {
            tracing::error!("a result came after the recorder had ended; its lease will run out");
        }
    }

    /// When this process's own retries fall due.
    pub(crate) fn retries(&self) -> Arc<Retries> {
        self.retries.clone()
    }
}

/// Instants at which something falls due that this process knows of, so that it need not wait for its poll.
#[derive(Default)]
pub(crate) struct Retries(Mutex<Due>);

#[derive(Default)]
struct Due {
    /// Retries that this process scheduled.
    own: BinaryHeap<Reverse<Instant>>,
    /// What the last look said, in place of all looks before it.
    look_again: Option<Instant>,
}

impl Retries {
    /// The longest list kept; the poll finds the others.
    const MAX: usize = 10_000;

    /// Remembers an instant at which to look.
    pub(crate) fn add(&self, due: Instant) {
        let own = &mut self.lock().own;
        if own.len() < Self::MAX {
            own.push(Reverse(due));
        }
    }

    /// Remembers when the last look wants another: for a token, a batch, or a probe.
    pub(crate) fn look_again_at(&self, due: Option<Instant>) {
        self.lock().look_again = due;
    }

    /// Takes out what has fallen due, and says whether there was any.
    pub(crate) fn take_due(&self, now: Instant) -> bool {
        let mut all = self.lock();
        let before = all.own.len();
        while all.own.peek().is_some_and(|Reverse(due)| *due <= now) {
            all.own.pop();
        }
        all.look_again.take_if(|due| *due <= now).is_some() | (all.own.len() < before)
    }

    /// The next instant.
    pub(crate) fn next(&self) -> Option<Instant> {
        let all = self.lock();
        all.own.peek().map(|Reverse(due)| *due).into_iter().chain(all.look_again).min()
    }

    fn lock(&self) -> MutexGuard<'_, Due> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Collects what is ready while a batch is being written. A second is written beside it only when it is full: the flush of
/// one then hides behind the work of the other, and small batches, which cost more a row, do not come of it.
async fn write_all(tools: Arc<Tools>, mut receiver: mpsc::Receiver<Done>, retries: Arc<Retries>) {
    let mut ready = Vec::with_capacity(BATCH_MAX);
    let mut writing = JoinSet::new();
    let mut is_open = true;
    while is_open || !ready.is_empty() || !writing.is_empty() {
        if !ready.is_empty() && (writing.is_empty() || ready.len() == BATCH_MAX && writing.len() < WRITERS) {
            let batch = std::mem::replace(&mut ready, Vec::with_capacity(BATCH_MAX));
            writing.spawn(write_batch(tools.clone(), batch, retries.clone()));
        }
        let room = BATCH_MAX - ready.len();
        tokio::select! {
            count = receiver.recv_many(&mut ready, room), if is_open && room > 0 => is_open = count > 0,
            Some(written) = writing.join_next() => {
                if let Err(error) = written {
                    tools.metrics.panicked("record");
                    tracing::error!(error = %error, "a fault while results were written; their leases will run out");
                }
            }
        }
    }
}

async fn write_batch(tools: Arc<Tools>, batch: Vec<Done>, retries: Arc<Retries>) {
    let mut results = Vec::with_capacity(batch.len());
    let mut released = Vec::new();
    for done in batch {
        match done {
            Done::Attempts(of_request) => {
                results.extend(of_request);
                if results.len() >= BATCH_MAX {
                    write_attempts(&tools, std::mem::take(&mut results), &retries).await;
                }
            }
            Done::Released(id, epoch) => released.push((id, epoch)),
        }
    }
    if !released.is_empty() {
        until_written(|| queue::release(&tools.store, &released)).await;
    }
    if !results.is_empty() {
        write_attempts(&tools, results, &retries).await;
    }
}

async fn write_attempts(tools: &Tools, mut results: Vec<Result>, retries: &Retries) {
    let started = Instant::now();
    let moved = match until_written(|| try_write(tools, &results)).await {
        Some(moved) => moved,
        None => one_by_one(tools, &mut results).await,
    };
    tools.metrics.recorded(results.len(), started.elapsed());
    tools.tallies.notify_one();
    tools.slots.recorded(results.iter().map(|result| (result.attempt.tenant_id, result.subscription_id)));
    settle_fenced(tools, &results, &moved).await;
    let mut wakes = false;
    for result in &results {
        if let Some(delay) = result.attempt.delay {
            retries.add(Instant::now() + delay);
            wakes = true;
        }
    }
    if wakes {
        tools.wake.notify_one(); // the sleeper reckons its next retry anew
    }
    note_outcomes(tools, &results).await;
    let suspended: Vec<Uuid> = results.iter().filter(|r| r.suspends).map(|r| r.subscription_id).collect();
    if !suspended.is_empty() {
        until_written(|| queue::suspend(&tools.store, &suspended, "the receiver answered 410 Gone")).await;
    }
}

/// Tells the database how receivers in trouble fared; of the others there is nothing to tell.
async fn note_outcomes(tools: &Tools, results: &[Result]) {
    let outcomes = outcomes(results, &tools.troubled);
    if outcomes.is_empty() {
        return;
    }
    let changes = until_written(|| queue::note_outcomes(&tools.store, &outcomes, tools.patience)).await;
    for CircuitChange { subscription_id, change, reason } in changes.unwrap_or_default() {
        tracing::warn!(subscription.id = %subscription_id, change, reason, "a receiver's circuit changed");
        tools.metrics.circuit_changed(&change);
        if change == "closed" {
            tools.wake.notify_one(); // what waited may go
        }
    }
}

/// Sums up results in the order they came, by subscription.
fn outcomes(results: &[Result], troubled: &Troubled) -> Vec<Outcomes> {
    let mut by_subscription: BTreeMap<Uuid, Outcomes> = BTreeMap::new();
    for result in results {
        let is_success = result.attempt.status == DeliveryStatus::Delivered;
        let is_failure = result.attempt.error_kind.is_some_and(ErrorKind::is_receivers);
        // nothing but successes of a receiver that is well is no news
        if is_failure {
            troubled.note(result.subscription_id);
        }
        let is_news = is_failure || is_success && (result.is_troubled || troubled.contains(result.subscription_id));
        if !(is_news && result.counts) {
            continue;
        }
        let of = by_subscription.entry(result.subscription_id).or_insert_with(|| Outcomes {
            subscription_id: result.subscription_id,
            successes: 0,
            failures: 0,
            trailing_failures: 0,
            error: None,
        });
        if is_success {
            (of.successes, of.trailing_failures) = (of.successes + 1, 0);
        } else {
            (of.failures, of.trailing_failures) = (of.failures + 1, of.trailing_failures + 1);
            of.error.clone_from(&result.attempt.error);
        }
    }
    by_subscription.into_values().collect()
}

async fn try_write(tools: &Tools, results: &[Result]) -> std::result::Result<HashSet<Uuid>, StoreError> {
    let attempts: Vec<Attempt> =
        results.iter().map(|result| Attempt { age: result.started.elapsed(), ..result.attempt.clone() }).collect();
    fail_point!("before_finish");
    let moved = queue::record(&tools.store, tools.dispatcher_id, &attempts).await?;
    fail_point!("after_finish_before_commit_ack");
    Ok(moved.into_iter().collect())
}

/// One row of a batch is refused: the others must not suffer for it, and it must not be sent for ever.
async fn one_by_one(tools: &Tools, results: &mut [Result]) -> HashSet<Uuid> {
    let mut moved = HashSet::new();
    for n in 0..results.len() {
        if let Some(ids) = until_written(|| try_write(tools, &results[n..=n])).await {
            moved.extend(ids);
            continue;
        }
        let attempt = &mut results[n].attempt;
        tracing::error!(delivery.id = %attempt.delivery_id, "the result cannot be stored as it is, storing it without the answer");
        (attempt.response_headers, attempt.response_body) = (None, None);
        if attempt.status != DeliveryStatus::Delivered {
            attempt.error_kind = Some(ErrorKind::InternalError);
            attempt.error = Some("the result could not be stored".to_owned());
        }
        moved.extend(until_written(|| try_write(tools, &results[n..=n])).await.unwrap_or_default());
    }
    moved
}

/// Results whose delivery did not move came after their lease had passed on. A success counts all the same, unless the
/// delivery was cancelled or replayed meanwhile; a failure does not.
async fn settle_fenced(tools: &Tools, results: &[Result], moved: &HashSet<Uuid>) {
    let fenced: Vec<&Attempt> =
        results.iter().map(|result| &result.attempt).filter(|a| !moved.contains(&a.delivery_id)).collect();
    let (successes, failures): (Vec<&Attempt>, Vec<&Attempt>) =
        fenced.into_iter().partition(|attempt| attempt.status == DeliveryStatus::Delivered);
    failures.iter().for_each(|_| tools.metrics.fenced(false));
    if successes.is_empty() {
        return;
    }
    let mut successes: Vec<Attempt> = successes.into_iter().cloned().collect();
    let late = async |successes: &[Attempt]| {
        until_written(|| queue::record_late(&tools.store, tools.dispatcher_id, successes)).await
    };
    let counted = match late(&successes).await {
        Some(ids) => ids.len(),
        None => {
            tracing::error!("late successes cannot be stored as they are, storing them without their answers");
            successes.iter_mut().for_each(|a| (a.response_headers, a.response_body) = (None, None));
            late(&successes).await.map_or(0, |ids| ids.len())
        }
    };
    for n in 0..successes.len() {
        tools.metrics.fenced(n < counted);
    }
}

/// Repeats a write while the database is away: what was sent must not be forgotten. `None` when it refuses the write.
async fn until_written<T, W>(write: impl Fn() -> W) -> Option<T>
where
    W: Future<Output = std::result::Result<T, StoreError>>,
{
    let mut failures = 0;
    loop {
        match write().await {
            Ok(value) => return Some(value),
            Err(error) if error.is_unavailable() || error.is_retryable() => {
                failures += 1;
                let pause: Duration = backoff(failures);
                tracing::warn!(error = %error.with_causes(), pause_ms = pause.as_millis(), "results wait for the database");
                tokio::time::sleep(pause).await;
            }
            Err(error) => {
                tracing::error!(error = %error.with_causes(), "the database refuses a result");
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_look_replaces_what_the_looks_before_it_wanted() {
        let (retries, now) = (Retries::default(), Instant::now());
        let [soon, later, last] = [1, 2, 3].map(|seconds| now + Duration::from_secs(seconds));
        retries.add(later);
        // as when a claim is made over and over while a receiver's pause goes on
        for _ in 0..20_000 {
            retries.look_again_at(Some(soon));
        }
        assert_eq!(retries.next(), Some(soon));
        assert!(!retries.take_due(now) && retries.take_due(soon));
        assert_eq!(retries.next(), Some(later));
        retries.look_again_at(Some(soon));
        retries.look_again_at(None);
        retries.add(last);
        assert!(retries.take_due(later));
        assert_eq!(retries.next(), Some(last));
    }
}
