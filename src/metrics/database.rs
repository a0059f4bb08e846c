//! The way to a database: whether it answers, waits for a connection, errors.

use std::time::Duration;

use prometheus::{Error, GaugeVec, Histogram, HistogramVec, IntCounter, IntCounterVec, IntGaugeVec};

use super::declared::Declarer;
use super::{DATABASE, Metrics};

/// From a connection that lies ready to the end of patience, in seconds.
const WAIT_BUCKETS: &[f64] = &[0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0];

/// What an error of the database says about its cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorClass {
    /// It cannot be reached, or not now.
    Unavailable,
    /// It asks for another try: a serialization failure, a deadlock, a plan that has gone stale.
    Retryable,
    /// A constraint refused a row.
    Constraint,
    /// A value could not be read.
    Value,
    /// The role lacks a right.
    Denied,
    /// Anything else.
    Statement,
}

impl ErrorClass {
    const ALL: [Self; 6] =
        [Self::Unavailable, Self::Retryable, Self::Constraint, Self::Value, Self::Denied, Self::Statement];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Retryable => "retryable",
            Self::Constraint => "constraint",
            Self::Value => "value",
            Self::Denied => "denied",
            Self::Statement => "statement",
        }
    }
}

pub(super) struct Database {
    up: IntGaugeVec,
    is_copy: IntGaugeVec,
    clock_skew: GaugeVec,
    pool_wait: HistogramVec,
    errors: IntCounterVec,
}

impl Database {
    pub(super) fn declare(declarer: &mut Declarer) -> Result<Self, Error> {
        Ok(Self {
            up: declarer.gauge("posthorn_database_up", "Whether the database answered when last asked", DATABASE)?,
            is_copy: declarer.gauge(
                "posthorn_database_is_copy",
                "1 for a restored copy, from which nothing is sent until `posthorn resume`",
                DATABASE,
            )?,
            clock_skew: declarer.fine_gauge(
                "posthorn_clock_skew_seconds",
                "How far this host's clock is ahead of the database's; webhook-timestamp follows this host's",
                DATABASE,
            )?,
            pool_wait: declarer.histogram(
                "posthorn_pool_wait_seconds",
                "Time until a pool gave a connection, making and checking it included; pool is api, admin or dispatcher",
                &["database", "pool"],
                WAIT_BUCKETS,
            )?,
            errors: declarer.counter(
                "posthorn_database_errors_total",
                "Errors of the database by class: unavailable, retryable (tried again at once), constraint and value (mostly the \
                 caller's input), denied (a right is missing), statement (anything else)",
                &["database", "class"],
            )?,
        })
    }
}

impl Metrics {
    /// Whether the database answers.
    pub fn set_up(&self, is_up: bool) {
        self.databases.up.with_label_values(&[self.database()]).set(is_up.into());
    }

    /// Whether the database is a copy, from which nothing is sent.
    pub fn set_copy(&self, is_copy: bool) {
        self.databases.is_copy.with_label_values(&[self.database()]).set(is_copy.into());
    }

    /// How many seconds this host's clock is ahead of the database's.
    pub fn set_clock_skew(&self, seconds: f64) {
        self.databases.clock_skew.with_label_values(&[self.database()]).set(seconds);
    }

    /// The same, as last set.
    pub(super) fn clock_skew(&self) -> f64 {
        self.databases.clock_skew.with_label_values(&[self.database()]).get()
    }

    /// What a pool of this database counts.
    pub fn of_pool(&self, pool: &str) -> PoolMetrics {
        let error = |class: ErrorClass| self.databases.errors.with_label_values(&[self.database(), class.as_str()]);
        PoolMetrics {
            wait: self.databases.pool_wait.with_label_values(&[self.database(), pool]),
            errors: ErrorClass::ALL.map(error),
        }
    }
}

/// What one pool counts. Cheap to clone.
#[derive(Clone)]
pub struct PoolMetrics {
    wait: Histogram,
    errors: [IntCounter; ErrorClass::ALL.len()],
}

impl PoolMetrics {
    /// A connection was waited for, in vain or not.
    pub fn waited(&self, took: Duration) {
        self.wait.observe(took.as_secs_f64());
    }

    /// An error.
    pub fn failed(&self, class: ErrorClass) {
        self.errors[class as usize].inc();
    }
}
