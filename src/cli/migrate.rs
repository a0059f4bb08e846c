//! `posthorn migrate`: brings the schema up to date.

use std::io::Write;
use std::time::Duration;

use clap::Args;

use super::progress::Progress;
use crate::config::DatabaseConfig;
use crate::store::migrate::{MigrateError, migrate};
use crate::store::{Store, StoreError, StoreRole, days};

/// Create or update schema posthorn and its roles; any number of processes may do it at once
#[derive(Args, Clone, Debug)]
pub struct Migrate {
    /// Where Postgres is
    #[command(flatten)]
    pub database: DatabaseConfig,
}

/// Why the schema is not up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateCommandError {
    /// A migration.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// The partitions of the days to come.
    #[error("the schema is up to date, but its day partitions could not be made")]
    Days(#[from] StoreError),
    /// Stdout.
    #[error("the system failed")]
    System(#[from] std::io::Error),
}

/// Says every few seconds that it goes on: an index of a large table takes its time, and so may another process's migration.
async fn with_time_told<T>(work: impl Future<Output = T>) -> T {
    let (mut work, mut ticks) = (std::pin::pin!(work), tokio::time::interval(Duration::from_secs(1)));
    let progress = Progress::new("migrating for", "seconds", None);
    let mut seconds = 0;
    ticks.tick().await;
    loop {
        tokio::select! {
            done = &mut work => return done,
            _ = ticks.tick() => {
                seconds += 1;
                progress.reach(seconds);
            }
        }
    }
}

/// Migrates, makes the days to come and says what was done.
///
/// # Errors
/// [`MigrateCommandError`].
pub async fn run(command: Migrate) -> Result<(), MigrateCommandError> {
    let done = with_time_told(migrate(&command.database.database_url)).await?;
    let store = Store::new(&command.database.database_url, StoreRole::Owner, 1, u32::MAX)?;
    let made = days::make_ahead(&store, days::DAYS_AHEAD).await?;
    let (version, applied) = (done.version, done.applied);
    writeln!(
        std::io::stdout(),
        "schema posthorn is at version {version}: {applied} migrations applied, {made} day partitions made"
    )?;
    Ok(())
}
