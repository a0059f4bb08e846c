//! `posthorn prune`: lets days go that are older than they need be kept, on request written to files first.

mod archive;
mod report;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::progress::Progress;
use crate::config::DatabaseConfig;
use crate::store::archive::{self as days_as_files, DayState};
use crate::store::migrate::{self, MigrateError};
use crate::store::retention::{self, Drop, ExpiredDay};
use crate::store::{Store, StoreError, StoreRole, days};
use archive::{Archive, ArchiveError};
use report::{Day, Fate, Report};

/// Drop finished deliveries, attempts and events of days gone by now, which serve does hourly by POSTHORN_RETENTION_DAYS; never one that something still needs
#[derive(Args, Clone, Debug)]
pub struct Prune {
    /// Where Postgres is
    #[command(flatten)]
    pub database: DatabaseConfig,

    /// Whole days that are kept, such as 30, 30d or 12w (1 to 3650 days)
    #[arg(long, value_name = "DAYS", value_parser = whole_days)]
    pub older_than: i32,

    /// Say what would go and what would stay, and change nothing
    #[arg(long)]
    pub dry_run: bool,

    /// Write each day to a file here before it is dropped: JSON lines, compressed by gzip, with a manifest beside it
    #[arg(long, value_name = "DIR")]
    pub archive: Option<PathBuf>,

    /// Write the result as one line of JSON
    #[arg(long)]
    pub json: bool,
}

/// Why not everything is gone that could go.
#[derive(Debug, thiserror::Error)]
pub enum PruneError {
    /// The schema.
    #[error(transparent)]
    Schema(#[from] MigrateError),
    /// The database.
    #[error("the database failed; what is dropped stays so, and what was only archived is still there")]
    Store(#[from] StoreError),
    /// A file.
    #[error("{parent} of {day} cannot be archived, and stays")]
    Archive {
        /// Table.
        parent: String,
        /// Day.
        day: time::Date,
        /// Why.
        #[source]
        source: ArchiveError,
    },
    /// Standard output.
    #[error("the result cannot be written")]
    Output(#[from] std::io::Error),
}

/// Tries of a day that writers do not let go of.
const TRIES: u32 = 10;

/// Time between two of them.
const PAUSE: Duration = Duration::from_millis(500);

/// Drops, or says what would be dropped.
///
/// # Errors
/// [`PruneError`].
pub async fn run(command: Prune) -> Result<(), PruneError> {
    migrate::check(&command.database.database_url).await?;
    let store = Store::new(&command.database.database_url, StoreRole::Owner, 1, u32::MAX)?;
    let report = if command.dry_run { foretell(&store, &command).await? } else { prune(&store, &command).await? };
    Ok(report.write(command.json)?)
}

/// What would become of each day. Those that only wait for what goes before them would go.
async fn foretell(store: &Store, command: &Prune) -> Result<Report, PruneError> {
    let mut report = Report::new(true);
    for ExpiredDay { parent, day, held_back_by } in retention::expired(store, command.older_than).await? {
        let waits_for_others = |reason: &str| {
            reason.starts_with("the finished deliveries")
                && report.days.iter().filter(|other| other.day == day).all(|other| other.fate == Fate::Dropped)
        };
        let rows = days_as_files::state(store, &parent, day).await?.rows;
        let held = held_back_by.filter(|reason| !waits_for_others(reason));
        let fate = held.map_or(Fate::Dropped, Fate::Kept);
        report.days.push(Day { table: parent, day, rows: Some(rows), file: None, fate });
    }
    Ok(report)
}

async fn prune(store: &Store, command: &Prune) -> Result<Report, PruneError> {
    let mut report = Report::new(false);
    let archive = command.archive.as_ref().map(|folder| Archive::in_folder(folder));
    if archive.is_some() {
        // rows that came before their day was made get it, so that they are archived with it
        days::make_stray(store, 0).await?;
    }
    let expired = retention::expired(store, command.older_than).await?;
    let progress = archive.is_none().then(|| Progress::new("looked at", "days", u64::try_from(expired.len()).ok()));
    for ExpiredDay { parent, day, .. } in expired {
        let gone = match &archive {
            None => Day { fate: drop_plain(store, &parent, day).await?, table: parent, day, rows: None, file: None },
            Some(archive) => archived(store, archive, parent, day).await?,
        };
        report.days.push(gone);
        progress.iter().for_each(|progress| progress.add(1));
    }
    // what is in no day is not archived either: with an archive there is nothing left of it but marks of events that are gone
    if archive.is_none() {
        report.strays = retention::prune_strays(store, command.older_than).await?;
    }
    Ok(report)
}

async fn drop_plain(store: &Store, parent: &str, day: time::Date) -> Result<Fate, StoreError> {
    for _ in 1..TRIES {
        match retention::drop_day(store, parent, day).await? {
            Drop::Busy => tokio::time::sleep(PAUSE).await,
            done => return Ok(Fate::of(done)),
        }
    }
    Ok(Fate::of(retention::drop_day(store, parent, day).await?))
}

/// Archives a day, then drops it if it is what was archived. One that is held back is not archived.
async fn archived(store: &Store, archive: &Archive, table: String, day: time::Date) -> Result<Day, PruneError> {
    let held = retention::held_back_by(store, &table, day).await?;
    if let Some(reason) = held {
        return Ok(Day { table, day, rows: None, file: None, fate: Fate::Kept(reason) });
    }
    let failed = |source| PruneError::Archive { parent: table.clone(), day, source };
    let state = days_as_files::state(store, &table, day).await?;
    let file = archive.write(store, &table, day, &state).await.map_err(failed)?;
    let fate = drop_archived(store, &table, day, &state).await?;
    if fate != Fate::Dropped {
        // it stays, so that the next time there is no file in the way
        archive.take_back(&table, day).map_err(failed)?;
        return Ok(Day { table, day, rows: Some(state.rows), file: None, fate });
    }
    Ok(Day { table, day, rows: Some(state.rows), file: Some(file), fate })
}

async fn drop_archived(store: &Store, table: &str, day: time::Date, state: &DayState) -> Result<Fate, StoreError> {
    for _ in 1..TRIES {
        match days_as_files::drop_archived(store, table, day, state).await? {
            Drop::Busy => tokio::time::sleep(PAUSE).await,
            done => return Ok(Fate::of(done)),
        }
    }
    Ok(Fate::of(days_as_files::drop_archived(store, table, day, state).await?))
}

fn whole_days(text: &str) -> Result<i32, String> {
    let wrong = || "must be 1 to 3650 days, such as 30, 30d or 12w".to_owned();
    let (number, unit) = match text.trim().strip_suffix('w') {
        Some(weeks) => (weeks, 7),
        None => (text.trim().strip_suffix('d').unwrap_or(text.trim()), 1),
    };
    let days = number.parse::<i32>().ok().and_then(|number| number.checked_mul(unit)).ok_or_else(wrong)?;
    (1..=3650).contains(&days).then_some(days).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::whole_days;

    #[test]
    fn days_are_read_with_and_without_their_unit() {
        assert_eq!([whole_days("30"), whole_days("7d"), whole_days("12w")], [Ok(30), Ok(7), Ok(84)]);
        for wrong in ["0", "-1", "30h", "", "d", "4000", "99999999999w", "1.5"] {
            assert!(whole_days(wrong).is_err(), "{wrong}");
        }
    }
}
