//! `posthorn serve`: runs against `DATABASE_URL`, or several databases, until SIGTERM.

use std::io::Write;

use clap::Args;

use super::until_stopped;
use crate::config::Config;
use crate::run::{self, RunError, Running};
use crate::traces::{Export, Exporting};

/// Run the API, the dispatcher, or both, against a database of yours
#[derive(Args, Clone, Debug)]
pub struct Serve {
    /// Settings
    #[command(flatten)]
    pub config: Config,

    /// Do not bring the schema up to date; refuse to start when it is older than this binary
    #[arg(long, env = "POSTHORN_NO_MIGRATE", default_value_t = false)]
    pub no_migrate: bool,
}

/// Why `serve` ended other than in good order.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// It could not start.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Signals or stdout.
    #[error("the system failed")]
    System(#[from] std::io::Error),
}

/// Serves, and exports traces, until SIGTERM or Ctrl-C; a second signal ends at once.
///
/// # Errors
/// [`ServeError`] says what to mend.
pub async fn serve(command: Serve, export: Option<Export>) -> Result<(), ServeError> {
    let exporting = export.map(Export::start);
    let running = run::start(command.config, !command.no_migrate).await?;
    let ready = running
        .address()
        .map_or_else(|| "posthorn is ready".to_owned(), |a| format!("posthorn is ready on http://{a}"));
    writeln!(std::io::stdout(), "{ready}")?;
    until_stopped().await?;
    tokio::select! {
        () = stop(running, exporting) => {}
        result = until_stopped() => {
            result?;
            tracing::warn!("second signal: ending at once, leases run out by themselves");
        }
    }
    Ok(())
}

/// What was traced while stopping is exported too.
async fn stop(running: Running, exporting: Option<Exporting>) {
    running.stop().await;
    if let Some(exporting) = exporting {
        exporting.stop().await;
    }
}
