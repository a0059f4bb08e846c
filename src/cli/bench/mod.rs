//! `posthorn bench`: measures this machine: the bare sender, the drain of a backlog, and the latency at a steady rate.
//!
//! Everything runs in this process but PostgreSQL, so that one clock stamps both ends. Machines are noisy: each round
//! measures the bare sender and the drain one after the other, and their ratio is the figure to trust.

mod bare;
mod drain;
mod latency;
mod receiver;
mod report;
mod stage;

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use secrecy::SecretString;

use self::latency::Latency;
use self::report::{Report, Round};
use self::stage::Stage;
use super::dev::cluster::{Cluster, ClusterError, ClusterOptions};
use super::until_stopped;
use crate::config::{DispatcherConfig, WebhookConfig};
use crate::outbound::OutboundError;
use crate::run::RunError;
use crate::store::migrate::MigrateError;

/// Database of the embedded server.
const DATABASE: &str = "bench";

/// Measure this machine: bare sender, drain of a backlog, latency at a steady rate
#[derive(Args, Clone, Debug)]
pub struct Bench {
    /// A database for this alone, whose login may SET ROLE posthorn_owner [default: an embedded PostgreSQL, removed afterwards]
    #[arg(long, hide_env_values = true)]
    pub database_url: Option<SecretString>,

    /// Rounds; the median and the range are told
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub rounds: u32,

    /// Deliveries of a drain, and requests of the bare sender
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub deliveries: u32,

    /// Seconds of each latency measurement
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub seconds: u32,

    /// Events per second of the latency measurement, each in a transaction of its own
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub rate: u32,

    /// Print one JSON object instead of the table
    #[arg(long, default_value_t = false)]
    pub json: bool,

    /// Webhooks; http and loopback are always allowed here
    #[command(flatten)]
    pub webhook: WebhookConfig,

    /// Dispatcher
    #[command(flatten)]
    pub dispatcher: DispatcherConfig,
}

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The embedded server.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The schema.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// The dispatcher.
    #[error(transparent)]
    Run(#[from] RunError),
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
    /// Somebody uses the database.
    #[error("the database has deliveries that wait: bench wants one for itself")]
    Busy,
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
    /// Stopped by a signal.
    #[error("stopped before there were figures")]
    Stopped,
    /// The receiver's socket, a file or stdout.
    #[error("the system failed")]
    System(#[from] std::io::Error),
}

impl BenchError {
    /// For `map_err`: the driver's error with what was being done.
    fn database(what: &'static str) -> impl FnOnce(tokio_postgres::Error) -> Self {
        move |source| Self::Database { what, source }
    }
}

/// Measures and prints.
///
/// # Errors
/// [`BenchError`]; the embedded server is stopped and removed then too.
pub async fn bench(command: Bench) -> Result<(), BenchError> {
    let report = match &command.database_url {
        Some(url) => until_done(&command, url.clone()).await?,
        None => on_embedded_server(&command).await?,
    };
    let text = if command.json { report.json() } else { report.table() };
    writeln!(std::io::stdout(), "{text}")?;
    Ok(())
}

async fn on_embedded_server(command: &Bench) -> Result<Report, BenchError> {
    let folder: PathBuf = std::env::temp_dir().join(format!("posthorn-bench-{}", std::process::id()));
    progress("starting an embedded PostgreSQL");
    let options = ClusterOptions { data_dir: folder.join("pg"), port: None, settings: Vec::new() };
    let mut cluster = Cluster::start(options).await?;
    let result = match stage::create_database(&cluster.url("postgres"), DATABASE).await {
        Ok(()) => until_done(command, cluster.url(DATABASE).into()).await,
        Err(error) => Err(error),
    };
    cluster.stop().await?;
    std::fs::remove_dir_all(folder)?;
    result
}

/// The figures, or [`BenchError::Stopped`] at Ctrl-C.
async fn until_done(command: &Bench, database_url: SecretString) -> Result<Report, BenchError> {
    tokio::select! {
        result = measure(command, database_url) => result,
        stopped = until_stopped() => { stopped?; Err(BenchError::Stopped) }
    }
}

async fn measure(command: &Bench, database_url: SecretString) -> Result<Report, BenchError> {
    let stage = Stage::prepare(command, database_url).await?;
    let mut rounds = Vec::new();
    for number in 1..=command.rounds {
        let step = |what: &str| progress(&format!("round {number} of {}: {what}", command.rounds));
        step("bare sender");
        let bare_per_second = bare::measure(&stage, command.deliveries).await?;
        step("drain");
        let drain_per_second = drain::measure(&stage, command.deliveries).await?;
        step("latency");
        let latency: Latency = latency::measure(&stage, command.rate, command.seconds).await?;
        rounds.push(Round { bare_per_second, drain_per_second, latency });
    }
    Ok(Report { postgres: stage.postgres_version().await?, rate: command.rate, deliveries: command.deliveries, rounds })
}

/// One line on stderr, so that stdout holds nothing but figures.
fn progress(text: &str) {
    // nobody may be reading; the figures matter more
    let _ = writeln!(std::io::stderr(), "{text} …");
}
