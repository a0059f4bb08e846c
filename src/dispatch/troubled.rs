//! Troubled: receivers that this process saw failing of late. A success that was claimed before the first failure was recorded
//! does not know of it, and untold, failures with successes between them would look like failures in a row.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

/// How long successes are news after a failure: as long as an attempt can take, and a batch to be written.
const REMEMBERED: Duration = Duration::from_secs(330);

/// When each receiver failed last.
#[derive(Default)]
pub(crate) struct Troubled(Mutex<HashMap<Uuid, Instant>>);

impl Troubled {
    /// Remembers a failure.
    pub(crate) fn note(&self, subscription: Uuid) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(subscription, Instant::now());
        if known.len().is_multiple_of(1000) {
            known.retain(|_, at| at.elapsed() < REMEMBERED);
        }
    }

    /// Whether a success of this receiver is worth telling.
    pub(crate) fn contains(&self, subscription: Uuid) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&subscription).is_some_and(|at| at.elapsed() < REMEMBERED)
    }
}
