//! `posthorn stats`: the queue, what came of it, who sends and who fails, at a glance; live in a terminal.

mod screen;
mod table;

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use clap::Args;
use secrecy::SecretString;
use serde::Serialize;
use tokio::time::timeout;
use uuid::Uuid;

use super::{tenant, until_stopped};
use crate::config::DatabasesConfig;
use crate::store::stats::{self, Stats as Figures};
use crate::store::target::Target;
use crate::store::{Store, StoreError, StoreRole};
use screen::Screen;

/// Show what waits, what is sent, who sends and who fails; live in a terminal, once elsewhere
#[derive(Args, Clone, Debug)]
pub struct Stats {
    /// Where the databases are
    #[command(flatten)]
    pub databases: DatabasesConfig,

    /// Only this tenant's figures (dispatchers are told all the same)
    #[arg(long, value_parser = tenant::id)]
    pub tenant: Option<Uuid>,

    /// Say it once, also in a terminal
    #[arg(long)]
    pub once: bool,

    /// Say it once, as one line of JSON for each database
    #[arg(long)]
    pub json: bool,

    /// Seconds between two looks (1 to 3600)
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub every: u32,
}

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub enum StatsError {
    /// The database.
    #[error("{name} did not answer")]
    Store {
        /// Which database.
        name: String,
        /// Why.
        #[source]
        source: StoreError,
    },
    /// The login may not look.
    #[error(transparent)]
    NotAMember(StoreError),
    /// There is no schema, or an old one.
    #[error("the figures are not there; is the schema up to date (`posthorn migrate`)?")]
    Schema(#[source] StoreError),
    /// A database URL.
    #[error(transparent)]
    Url(StoreError),
    /// The terminal or standard output.
    #[error("the figures cannot be shown")]
    Output(#[from] io::Error),
}

/// Longest wait for one database.
const PATIENCE: Duration = Duration::from_secs(10);

/// A database that is watched.
struct Watched {
    name: String,
    store: Store,
}

/// What one look at a database found.
#[derive(Serialize)]
struct Look {
    database: String,
    #[serde(flatten)]
    figures: Figures,
}

/// Shows the figures until q, Ctrl-C or SIGTERM; or once.
///
/// # Errors
/// [`StatsError`]; while the table is live, a database that is away is shown as such instead.
pub async fn run(command: Stats) -> Result<(), StatsError> {
    let watched: Vec<_> = command.databases.database_urls.iter().map(open).collect::<Result<_, _>>()?;
    if command.json || command.once || !io::stdout().is_terminal() {
        return once(&command, &watched).await;
    }
    let screen = Screen::open()?;
    let every = Duration::from_secs(u64::from(command.every));
    loop {
        let mut text = String::new();
        for one in &watched {
            // what is wrong with the rights does not pass by itself, and is said below the screen
            match one.look(command.tenant).await {
                Ok(look) => text += &table::table(&look, screen.width()),
                Err(error @ (StatsError::NotAMember(_) | StatsError::Schema(_))) => return Err(error),
                Err(error) => text += &table::away(&one.name, &error),
            }
        }
        screen.show(&text)?;
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = screen.until_quit() => return Ok(()),
            result = until_stopped() => return Ok(result?),
        }
    }
}

async fn once(command: &Stats, watched: &[Watched]) -> Result<(), StatsError> {
    for one in watched {
        let look = one.look(command.tenant).await?;
        let mut out = io::stdout().lock();
        if command.json {
            serde_json::to_writer(&mut out, &look).map_err(io::Error::from)?;
            writeln!(out)?;
        } else {
            out.write_all(table::table(&look, None).as_bytes())?;
        }
    }
    Ok(())
}

fn open(url: &SecretString) -> Result<Watched, StatsError> {
    let at = Target::of(url).map_err(StatsError::Url)?;
    let store = Store::new(url, StoreRole::Readonly, 1, u32::MAX).map_err(StatsError::Url)?.with_patience(PATIENCE);
    Ok(Watched { name: format!("{}/{}", at.host, at.database), store })
}

impl Watched {
    async fn look(&self, tenant: Option<Uuid>) -> Result<Look, StatsError> {
        let read = timeout(PATIENCE, stats::read(&self.store, tenant)).await;
        let name = || self.name.clone();
        match read {
            Ok(Ok(figures)) => Ok(Look { database: name(), figures }),
            Ok(Err(error @ StoreError::NotAMember { .. })) => Err(StatsError::NotAMember(error)),
            Ok(Err(error @ StoreError::Unavailable { .. })) => Err(StatsError::Store { name: name(), source: error }),
            // role or view are missing
            Ok(Err(error)) => Err(StatsError::Schema(error)),
            Err(late) => {
                let source = StoreError::Unavailable { context: "posthorn stats", source: Box::new(late) };
                Err(StatsError::Store { name: name(), source })
            }
        }
    }
}
