//! `posthorn rekey`: seals every sealed value anew under the first key of the keyring, so that an older key can be thrown away.

mod report;

use std::time::Duration;

use clap::Args;

use super::progress::Progress;
use crate::config::{DatabaseConfig, KeyringConfig};
use crate::domain::keyring::Keyring;
use crate::run::{self, RunError};
use crate::store::migrate::{self, MigrateError};
use crate::store::sealed::{self, SealedRow, SealedTable};
use crate::store::{Store, StoreError, StoreRole};
use report::Survey;

/// Seal every secret in the database anew under the first key of the keyring; may be stopped and run again at any time
#[derive(Args, Clone, Debug)]
pub struct Rekey {
    /// Where Postgres is
    #[command(flatten)]
    pub database: DatabaseConfig,

    /// Keys that seal secrets.
    #[command(flatten)]
    pub keyring: KeyringConfig,

    /// Change nothing: say how many values each key seals, and fail when one of them does not open
    #[arg(long)]
    pub check: bool,

    /// Write the result as one line of JSON
    #[arg(long)]
    pub json: bool,

    /// Rows changed in one transaction (1 to 1000)
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=1000))]
    pub chunk_rows: i64,
}

/// Why not every value is sealed under the first key now.
#[derive(Debug, thiserror::Error)]
pub enum RekeyError {
    /// The keyring.
    #[error(transparent)]
    Keyring(#[from] RunError),
    /// The schema.
    #[error(transparent)]
    Schema(#[from] MigrateError),
    /// The database.
    #[error("the database failed; what is resealed stays so: run it again")]
    Store(#[from] StoreError),
    /// Values that no key opens.
    #[error(
        "{0} values cannot be opened: put the missing keys back into the keyring, or give these subscriptions new secrets"
    )]
    Unopened(usize),
    /// Rows that others held to the end, or values sealed with another key all the while.
    #[error(
        "{0} values are sealed with other keys still: other transactions hold them, or a process seals with an old keyring; run it again"
    )]
    Left(u64),
    /// Standard output.
    #[error("the result cannot be written")]
    Output(#[from] std::io::Error),
}

/// How often it looks again for rows that others held.
const ROUNDS: u32 = 10;

/// How long it leaves others between two rounds.
const PAUSE: Duration = Duration::from_secs(1);

/// Reseals, or looks only, and says what became of every value.
///
/// # Errors
/// [`RekeyError`].
pub async fn run(command: Rekey) -> Result<(), RekeyError> {
    let keyring = run::load_keyring(&command.keyring)?;
    migrate::check(&command.database.database_url).await?;
    let store = Store::new(&command.database.database_url, StoreRole::Rekey, 1, u32::MAX)?;
    let values = Values { store, keyring, chunk_rows: command.chunk_rows };
    let mut survey = values.survey().await?;
    let mut resealed = 0;
    for round in 0..ROUNDS {
        if command.check || survey.stale == 0 {
            break;
        }
        if round > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        resealed += values.reseal(survey.stale).await?;
        survey = values.survey().await?;
    }
    survey.write(&values.keyring, resealed, command.json)?;
    match survey {
        Survey { unopened, .. } if !unopened.is_empty() => Err(RekeyError::Unopened(unopened.len())),
        Survey { stale, .. } if stale > 0 && !command.check => Err(RekeyError::Left(stale)),
        _ => Ok(()),
    }
}

/// The sealed values of a database, and the keys.
struct Values {
    store: Store,
    keyring: Keyring,
    chunk_rows: i64,
}

impl Values {
    /// Opens every value and counts.
    async fn survey(&self) -> Result<Survey, StoreError> {
        let mut survey = Survey::default();
        let progress = Progress::new("looked at", "values", None);
        for table in SealedTable::ALL {
            let mut after: Option<SealedRow> = None;
            loop {
                let mut rows = sealed::page(&self.store, table, after.as_ref(), self.chunk_rows).await?;
                for row in &rows {
                    progress.add(survey.count(&self.keyring, table, row));
                }
                let Some(last) = rows.pop() else { break };
                after = Some(last);
            }
        }
        Ok(survey)
    }

    /// Goes through all rows once, reseals what another key sealed, and says how many values that were. What does not open,
    /// what is changed meanwhile and what others hold stays as it is.
    async fn reseal(&self, expected: u64) -> Result<u64, StoreError> {
        let mut resealed = 0;
        let progress = Progress::new("resealed", "values", Some(expected));
        for table in SealedTable::ALL {
            let mut after: Option<SealedRow> = None;
            loop {
                let rows = sealed::page(&self.store, table, after.as_ref(), self.chunk_rows).await?;
                let Some(last) = rows.last().cloned() else { break };
                let changes: Vec<_> = rows.into_iter().filter_map(|row| self.sealed_anew(table, row)).collect();
                if !changes.is_empty() {
                    let done = sealed::replace(&self.store, table, &changes).await?;
                    resealed += done;
                    progress.add(done);
                }
                after = Some(last);
            }
        }
        Ok(resealed)
    }

    /// The row with its new values, or `None` where there is nothing to do.
    fn sealed_anew(&self, table: SealedTable, row: SealedRow) -> Option<sealed::Change> {
        let (owner, mut count) = (row.sealed_for(), 0);
        let values = table.columns().iter().zip(&row.values).map(|((_, purpose), value)| {
            let value = value.as_ref()?;
            if Keyring::id_of(value) == Some(self.keyring.sealing_id()) {
                return Some(value.clone());
            }
            let Ok(text) = self.keyring.open_text(row.tenant, owner, *purpose, value) else {
                return Some(value.clone());
            };
            count += 1;
            Some(self.keyring.seal_text(row.tenant, owner, *purpose, &text))
        });
        let new_values = values.collect();
        (count > 0).then_some(sealed::Change { row, new_values, count })
    }
}
