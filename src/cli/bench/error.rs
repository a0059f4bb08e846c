//! Why there are no figures.

use std::error::Error;

use crate::cli::dev::cluster::ClusterError;
use crate::domain::keyring::KeyringError;
use crate::outbound::OutboundError;
use crate::store::StoreError;
use crate::store::migrate::MigrateError;

/// Why there are no figures, or not all.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The embedded server.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The schema.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// The store, where it is what is measured.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The keyring made for the run.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The bare sender.
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    /// A statement.
    #[error("the database failed while {what}")]
    Database {
        /// What was being done.
        what: &'static str,
        /// The driver's error.
        source: tokio_postgres::Error,
    },
    /// A setting for the dispatcher under test.
    #[error("--set is wrong: {reason}")]
    Setting {
        /// What is wrong.
        reason: String,
    },
    /// The dispatcher under test.
    #[error("the dispatcher under test {what}")]
    Dispatcher {
        /// What it did.
        what: String,
    },
    /// A query that was to be timed.
    #[error("{query} shows nothing, so its time says nothing")]
    Empty {
        /// Which one.
        query: &'static str,
    },
    /// There was nothing left to send before the time was over.
    #[error("the backlog did not last: measure with a larger {size}")]
    Drained {
        /// The flag that says how large it is.
        size: &'static str,
    },
    /// Something did not arrive.
    #[error("only {arrived} of {expected} webhooks arrived within {seconds} s while measuring {what}")]
    Missing {
        /// Which measurement.
        what: &'static str,
        /// How many came.
        arrived: u64,
        /// How many were sent.
        expected: u64,
        /// How long was waited.
        seconds: u64,
    },
    /// Rows did not become final.
    #[error("deliveries still wait {seconds} s after the last webhook arrived while measuring {what}")]
    Unrecorded {
        /// Which measurement.
        what: &'static str,
        /// How long was waited.
        seconds: u64,
    },
    /// The API under test could not be asked.
    #[error("the API under test gave no answer to {what}")]
    Unanswered {
        /// Which request.
        what: String,
        /// The HTTP client's error.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The API under test did not answer as it must.
    #[error("the API under test answered otherwise than it must: {answers}")]
    Answers {
        /// Statuses and bodies, and to what.
        answers: String,
    },
    /// Promises were found broken.
    #[error("promises are broken: {what}")]
    Broken {
        /// Keys of their figures.
        what: String,
    },
    /// A producer ended badly.
    #[error("a task of the benchmark itself ended badly")]
    Task(#[from] tokio::task::JoinError),
    /// Some scenarios failed; the table says which and why.
    #[error("{count} scenario runs failed, as told above")]
    Failed {
        /// How many.
        count: usize,
    },
    /// Stopped by a signal.
    #[error("stopped before there were figures")]
    Stopped,
    /// The receiver's socket, a file or stdout.
    #[error("the system failed")]
    System(#[from] std::io::Error),
}

impl BenchError {
    /// For `map_err`: the driver's error with what was being done.
    pub(super) fn database(what: &'static str) -> impl FnOnce(tokio_postgres::Error) -> Self {
        move |source| Self::Database { what, source }
    }
}
