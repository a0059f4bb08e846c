//! `posthorn bench`: measures this machine, each quantity against the limit that was measured beside it.
//!
//! The dispatcher under test is a process of its own, `posthorn serve --role dispatcher` with its shipped settings, so that
//! its CPU and memory are its own. Receiver and producers are threads of this process: one clock stamps both ends. Every
//! scenario has a fresh database, so that none leaves anything to the next.

mod aims;
mod bare;
mod bulk;
mod chaos;
mod child;
mod drain;
mod error;
mod fan_out;
mod figures;
mod full;
mod hostile;
mod lab;
mod latency;
mod load;
mod memory;
mod neighbour;
mod percentiles;
mod producers;
mod publish_deliver;
mod receiver;
mod report;
mod scenario;
mod settings;
mod sizes;
mod stage;
mod threads;
mod usage;

use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use secrecy::{ExposeSecret, SecretString};

pub use self::error::BenchError;
use self::lab::Lab;
use self::report::Report;
pub use self::scenario::Scenario;
pub use self::settings::Setting;
pub use self::sizes::Sizes;
use super::dev::cluster::{Cluster, ClusterOptions};
use super::until_stopped;
use crate::causes::with_causes;

/// Measure this machine: throughput, latency, fairness, CPU and memory, each beside its limit
#[derive(Args, Clone, Debug)]
pub struct Bench {
    /// A database on a server to use, as a superuser: bench makes databases of its own beside it and drops them [default: an embedded PostgreSQL, removed afterwards]
    #[arg(long, hide_env_values = true)]
    pub database_url: Option<SecretString>,

    /// Rounds; the median and the range are told
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub rounds: u32,

    /// Only these, separated by commas [default: those up to hostile]
    #[arg(long, value_enum, value_delimiter = ',')]
    pub only: Vec<Scenario>,

    /// The long ones too: backlog, history, retention, subscriptions, dispatchers, snapshot, lists, views
    #[arg(long, default_value_t = false, conflicts_with_all = ["only", "chaos"])]
    pub full: bool,

    /// Instead of measuring, look for broken promises while dispatchers are killed: ordering, rate-limit
    #[arg(long, default_value_t = false, conflicts_with = "only")]
    pub chaos: bool,

    /// Print one JSON object instead of the table
    #[arg(long, default_value_t = false)]
    pub json: bool,

    /// A setting of the dispatcher under test, such as POSTHORN_CONCURRENCY=64; may be repeated [default: as shipped]
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = Setting::parse)]
    pub settings: Vec<Setting>,

    /// How much of everything
    #[command(flatten)]
    pub sizes: Sizes,
}

/// Measures and prints.
///
/// # Errors
/// [`BenchError`]; the embedded server is stopped and removed then too. A scenario that fails does not keep the others from
/// being told, but the end is [`BenchError::Failed`] then, and [`BenchError::Broken`] when `--chaos` found a promise broken.
pub async fn bench(command: Bench) -> Result<(), BenchError> {
    let report = match &command.database_url {
        Some(url) => until_done(&command, url.clone()).await?,
        None => on_embedded_server(&command).await?,
    };
    let text = if command.json { report.json() } else { report.table() };
    writeln!(std::io::stdout(), "{text}")?;
    match (report.failed.len(), report.missed()) {
        // figures may be what they are; a promise is not
        (0, missed) if command.chaos && !missed.is_empty() => Err(BenchError::Broken { what: missed.join(", ") }),
        (0, _) => Ok(()),
        (count, _) => Err(BenchError::Failed { count }),
    }
}

async fn on_embedded_server(command: &Bench) -> Result<Report, BenchError> {
    let folder: PathBuf = std::env::temp_dir().join(format!("posthorn-bench-{}", std::process::id()));
    progress("starting an embedded PostgreSQL");
    let options = ClusterOptions { data_dir: folder.join("pg"), port: None, settings: Vec::new() };
    let mut cluster = Cluster::start(options).await?;
    let result = until_done(command, cluster.url("postgres").into()).await;
    cluster.stop().await?;
    std::fs::remove_dir_all(folder)?;
    result
}

/// The figures, or [`BenchError::Stopped`] at Ctrl-C.
async fn until_done(command: &Bench, admin_url: SecretString) -> Result<Report, BenchError> {
    let lab = Lab::open(admin_url.expose_secret(), &command.settings).await?;
    let result = tokio::select! {
        report = measure(command, &lab) => Ok(report),
        stopped = until_stopped() => { stopped?; Err(BenchError::Stopped) }
    };
    lab.close().await;
    result
}

async fn measure(command: &Bench, lab: &Lab) -> Report {
    let scenarios = scenario::selected(&command.only, command.full, command.chaos);
    let started = Instant::now();
    let mut report = Report::new(lab, command);
    for round in 1..=command.rounds {
        for &scenario in &scenarios {
            let elapsed = started.elapsed().as_secs();
            progress(&format!("[{elapsed:>4} s] round {round} of {}: {}", command.rounds, scenario.name()));
            match scenario.run(lab, &command.sizes, round).await {
                Ok(figures) => report.add(figures),
                Err(error) => {
                    let reason = with_causes(&error);
                    progress(&format!("{} failed: {reason}", scenario.name()));
                    report.failed.push((scenario, round, reason));
                }
            }
        }
        report.add(lab.peak_memory());
    }
    report.seconds = started.elapsed().as_secs();
    report
}

/// One line on stderr, so that stdout holds nothing but figures.
fn progress(text: &str) {
    // nobody may be reading; the figures matter more
    let _ = writeln!(std::io::stderr(), "{text}");
}
