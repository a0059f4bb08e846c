//! `posthorn resume`: lets a restored copy send.

use std::io::Write;

use clap::Args;

use super::count::many;
use crate::config::DatabaseConfig;
use crate::store::migrate::{self, MigrateError};
use crate::store::{Store, StoreError, StoreRole, instance};

/// Let a database send that a dump was restored into: until then its dispatchers send nothing
#[derive(Args, Clone, Debug)]
pub struct Resume {
    /// Where Postgres is
    #[command(flatten)]
    pub database: DatabaseConfig,
}

/// Why it could not be said.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// The schema is not the one this binary knows.
    #[error(transparent)]
    Schema(#[from] MigrateError),
    /// The database.
    #[error("the database could not be told")]
    Store(#[from] StoreError),
    /// Stdout.
    #[error("the system failed")]
    System(#[from] std::io::Error),
}

/// Says it, and what follows.
///
/// # Errors
/// [`ResumeError`].
pub async fn run(command: Resume) -> Result<(), ResumeError> {
    migrate::check(&command.database.database_url).await?;
    let store = Store::new(&command.database.database_url, StoreRole::Owner, 1, u32::MAX)?;
    let resumed = instance::resume(&store).await?;
    let mut out = std::io::stdout();
    if resumed.was_copy {
        let waiting = many(resumed.waiting, "delivery waits until it is due", "deliveries wait until they are due");
        writeln!(out, "this database sends from now on: {waiting}")?;
    } else {
        writeln!(out, "nothing to resume: this database is no copy, its dispatchers send as usual")?;
    }
    Ok(())
}
