//! When a failed delivery is tried again (R41, R42): what is retried, after which delay, and the whole plan beforehand.
//!
//! ```
//! use posthorn::retry::Strategy;
//! use std::time::Duration;
//!
//! let strategy = Strategy::preset("gestiq").unwrap(); // 1s, 2s, 4s
//! assert_eq!(strategy.delay(2), Some(Duration::from_secs(2)));
//! assert_eq!(strategy.next(Some(503), 1), Some(Duration::from_secs(1)));
//! assert_eq!(strategy.next(Some(404), 1), None); // the receiver refused it for good
//! assert_eq!(strategy.next(None, 4), None); // no answer, but no retry is left either
//! ```

use std::time::Duration;

use crate::domain::delivery::ErrorKind;

pub use crate::domain::retry::{DELAY_MAX, RETRY_AFTER_MAX, SCHEDULE_MAX_ENTRIES, Schedule, retry_after, with_jitter};

/// Names of the presets: `default`, `gestiq`, `gestiq-celery`, `dotmac`, `standard-webhooks`.
pub fn presets() -> impl Iterator<Item = &'static str> {
    crate::domain::retry::PRESETS.into_iter().map(|(name, _)| name)
}

/// Whether an attempt is made again after this answer; `None`: there was none (timeout, no connection, TLS).
///
/// ```
/// use posthorn::retry::should_retry;
/// let retried = [None, Some(500), Some(503), Some(408), Some(425), Some(429), Some(301)];
/// assert!(retried.into_iter().all(should_retry));
/// let final_ones = [Some(200), Some(204), Some(400), Some(404), Some(410)];
/// assert!(!final_ones.into_iter().any(should_retry));
/// ```
pub fn should_retry(status: Option<u16>) -> bool {
    status.is_none_or(|status| !(200..=299).contains(&status) && ErrorKind::of_status(status).is_worth_a_retry())
}

/// A schedule and how many retries it may make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strategy {
    schedule: Schedule,
    max_retries: u32,
}

/// One retry of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// 1 is the first retry, which is the second attempt.
    pub number: u32,
    /// Wait since the attempt before, without jitter (which adds up to a fifth) and without `Retry-After`.
    pub delay: Duration,
    /// Wait since the first attempt, all delays before included.
    pub elapsed: Duration,
}

impl Strategy {
    /// As many retries as the schedule has delays.
    pub fn new(schedule: Schedule) -> Self {
        let max_retries = u32::try_from(schedule.len()).unwrap_or(u32::MAX);
        Self { schedule, max_retries }
    }

    /// The strategy of this name; [`presets`] has the names.
    pub fn preset(name: &str) -> Option<Self> {
        Schedule::preset(name).map(Self::new)
    }

    /// Another number of retries: the last delay repeats.
    ///
    /// ```
    /// use posthorn::retry::{Schedule, Strategy};
    /// let strategy = Strategy::new(Schedule::parse("1s,5m")?).with_max_retries(4);
    /// assert_eq!(strategy.plan().map(|retry| retry.elapsed.as_secs()).collect::<Vec<_>>(), [1, 301, 601, 901]);
    /// # Ok::<(), String>(())
    /// ```
    pub fn with_max_retries(self, max_retries: u32) -> Self {
        Self { max_retries, ..self }
    }

    /// The delays it goes by.
    pub const fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// The wait before a retry, from 1; `None` when there is no such retry.
    pub fn delay(&self, retry: u32) -> Option<Duration> {
        self.schedule.delay(retry, self.max_retries)
    }

    /// The wait after attempt number `attempt`, from 1, that was answered so; `None`: it is not made again, for it arrived, was
    /// refused for good, or no retry is left.
    pub fn next(&self, status: Option<u16>, attempt: u32) -> Option<Duration> {
        if should_retry(status) { self.delay(attempt) } else { None }
    }

    /// Every retry of a receiver that never answers.
    pub fn plan(&self) -> impl Iterator<Item = Retry> {
        let mut elapsed = Duration::ZERO;
        (1..=self.max_retries).map_while(move |number| {
            let delay = self.delay(number)?;
            elapsed = elapsed.saturating_add(delay);
            Some(Retry { number, delay, elapsed })
        })
    }
}

impl Default for Strategy {
    /// `1s, 2s, 4s, 5m, 1h, 6h` (R42).
    fn default() -> Self {
        Self::new(Schedule::default())
    }
}
