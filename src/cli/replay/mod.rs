//! `posthorn replay`: sends deliveries again, as SQL's `posthorn.retry()` and `posthorn.replay()` do, and says how far it is.

mod wish;

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use uuid::Uuid;

use super::count::{deliveries, many};
use super::progress::Progress;
use crate::config::DatabaseConfig;
use crate::store::jobs::JobState;
use crate::store::migrate::{self, MigrateError};
use crate::store::replay::{self, Asked, Standing, Wish};
use crate::store::{Store, StoreError, StoreRole};
use wish::{Chosen, RETRYING};

/// Send deliveries again: those that were given up, or, where they are named or asked for, delivered ones too
#[derive(Args, Clone, Debug)]
pub struct Replay {
    /// Where Postgres is
    #[command(flatten)]
    pub database: DatabaseConfig,

    /// Which deliveries
    #[command(flatten)]
    pub chosen: Chosen,

    /// Count them, and change nothing
    #[arg(long)]
    pub dry_run: bool,

    /// Do not ask, however many they are
    #[arg(long)]
    pub yes: bool,

    /// Do not wait for the job that does more than 1000 of them
    #[arg(long)]
    pub no_wait: bool,

    /// Write the result as one line of JSON
    #[arg(long)]
    pub json: bool,
}

/// Why they are not sent again.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// What was asked for.
    #[error("{0}")]
    Wish(&'static str),
    /// The schema.
    #[error(transparent)]
    Schema(#[from] MigrateError),
    /// The database, which says what is wrong with the wish too.
    #[error("it was not done")]
    Store(#[from] StoreError),
    /// Nobody said that so many are meant.
    #[error("{} would be sent again: say --yes if they are all meant", deliveries(*.0))]
    Unconfirmed(i64),
    /// The job.
    #[error("job {id} is {state}: {reason}")]
    Ended {
        /// The job.
        id: Uuid,
        /// How it ended.
        state: JobState,
        /// What it said.
        reason: String,
    },
    /// Standard input or output.
    #[error("the terminal failed")]
    Terminal(#[from] io::Error),
}

/// Deliveries that are sent again without a question.
const UNASKED: i64 = 100;

/// Deliveries made due at once; more by a job.
const AT_ONCE: i32 = 1000;

/// Time between two looks at a job.
const LOOK: Duration = Duration::from_millis(200);

/// What came of it.
#[derive(Default, Serialize)]
struct Outcome {
    dry_run: bool,
    matched: i64,
    changed: i64,
    skipped: i64,
    /// Where nothing matched: those that would, and wait for their next retry.
    #[serde(skip_serializing_if = "is_zero")]
    retrying: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    job_id: Option<Uuid>,
}

/// Counts, asks, makes them due, and waits for the job if there is one.
///
/// # Errors
/// [`ReplayError`].
pub async fn run(command: Replay) -> Result<(), ReplayError> {
    let wish = command.chosen.wish().map_err(ReplayError::Wish)?;
    migrate::check(&command.database.database_url).await?;
    let store = Store::new(&command.database.database_url, StoreRole::Owner, 1, u32::MAX)?;
    let matched = replay::ask(&store, &wish, AT_ONCE, true).await?.matched;
    if command.dry_run || matched == 0 {
        let retrying = if matched == 0 { retrying(&store, &command.chosen).await? } else { 0 };
        let outcome = Outcome { dry_run: command.dry_run, matched, retrying, ..Outcome::default() };
        return Ok(outcome.write(command.json)?);
    }
    if matched > UNASKED && !command.yes && !is_meant(matched)? {
        return Err(ReplayError::Unconfirmed(matched));
    }
    let asked = replay::ask(&store, &wish, AT_ONCE, false).await?;
    let outcome = match asked.job {
        Some(job) if !command.no_wait => waited_for(&store, job, asked).await?,
        job_id => {
            let Asked { matched, changed, skipped, .. } = asked;
            Outcome { matched, changed, skipped, job_id, ..Outcome::default() }
        }
    };
    Ok(outcome.write(command.json)?)
}

/// How many would match that have not been given up: who finds nothing to send again mostly means these.
async fn retrying(store: &Store, chosen: &Chosen) -> Result<i64, ReplayError> {
    if !chosen.status.is_empty() {
        return Ok(0);
    }
    let also = Chosen { status: vec![RETRYING], ..chosen.clone() };
    Ok(replay::ask(store, &also.wish().map_err(ReplayError::Wish)?, AT_ONCE, true).await?.matched)
}

/// Asks on a terminal; elsewhere nobody can answer.
fn is_meant(matched: i64) -> io::Result<bool> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Ok(false);
    }
    write!(io::stderr(), "{} will be sent again. Go on? [y/N] ", deliveries(matched))?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}

/// Looks at the job until it is over. Whoever ends us does not end it.
async fn waited_for(store: &Store, job: Uuid, asked: Asked) -> Result<Outcome, ReplayError> {
    writeln!(io::stderr(), "job {job} does it; a dispatcher must be running, Ctrl-C leaves it to go on")?;
    let progress = Progress::new("sent again", "deliveries", u64::try_from(asked.matched).ok());
    loop {
        let Some(Standing { state, changed, skipped, error }) = replay::standing(store, job).await? else {
            let reason = "its tenant or subscription was removed".to_owned();
            return Err(ReplayError::Ended { id: job, state: JobState::Cancelled, reason });
        };
        progress.reach(u64::try_from(changed + skipped).unwrap_or_default());
        match state {
            JobState::Waiting | JobState::Running => tokio::time::sleep(LOOK).await,
            JobState::Done => {
                let matched = asked.matched;
                return Ok(Outcome { matched, changed, skipped, job_id: Some(job), ..Outcome::default() });
            }
            JobState::Cancelled | JobState::Failed => {
                let reason = error.unwrap_or_else(|| format!("it had sent {} again", deliveries(changed)));
                return Err(ReplayError::Ended { id: job, state, reason });
            }
        }
    }
}

impl Outcome {
    fn write(&self, is_json: bool) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if is_json {
            serde_json::to_writer(&mut out, self)?;
            return writeln!(out);
        }
        let Self { dry_run, matched, changed, skipped, retrying, job_id } = self;
        if *matched == 0 {
            return match retrying {
                0 => writeln!(
                    out,
                    "nothing to send again: no delivery matches (what is pending goes by itself; `posthorn stats` shows what it waits for)"
                ),
                _ => writeln!(
                    out,
                    "nothing to send again: what matches was not given up, {} for the next retry; --status {RETRYING} makes them due now, with all retries again",
                    many(*retrying, "delivery waits", "deliveries wait")
                ),
            };
        }
        if *dry_run {
            return writeln!(out, "{} would be sent again", deliveries(*matched));
        }
        if let (Some(job), 0) = (job_id, changed + skipped) {
            return writeln!(out, "job {job} sends {} again", deliveries(*matched));
        }
        let held = if *skipped > 0 {
            format!(", {skipped} left as they are: held by a dispatcher, erased, or their subscription is not active")
        } else {
            String::new()
        };
        writeln!(out, "{changed} of {} due again{held}", deliveries(*matched))
    }
}

/// For serde, which hands over a reference.
#[expect(clippy::trivially_copy_pass_by_ref)]
const fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// For [`Chosen`]: `retry` makes due what was given up, `replay` also what was delivered.
fn kind_of(statuses: &[&str]) -> &'static str {
    if statuses.contains(&"delivered") { "replay" } else { "retry" }
}

impl Chosen {
    /// What is asked of the database.
    fn wish(&self) -> Result<Wish, &'static str> {
        let statuses = self.statuses();
        let filter = self.filter(&statuses)?;
        Ok(Wish { tenant: self.tenant, kind: kind_of(&statuses), subscription: self.subscription, filter })
    }
}
