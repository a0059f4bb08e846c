//! Whether the keyring opens what is sealed in the database.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Patient;
use super::finding::Finding;
use crate::causes::with_causes;
use crate::cli::count::many;
use crate::domain::keyring::{Keyring, KeyringError};
use crate::run;
use crate::store::sealed::{self, SealedRow, SealedTable};
use crate::store::{Store, StoreError, StoreRole};

/// Rows read at once, and how often: the rest is what `posthorn rekey --check` is for.
const CHUNK: i64 = 500;
const CHUNKS: usize = 10;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(6);

/// What was tried.
#[derive(Default)]
struct Tried {
    values: u64,
    /// Values sealed by a key that the keyring lacks, by its id.
    unknown: BTreeMap<String, usize>,
    /// Values that their key does not open.
    unopened: usize,
    /// Values of another key than the first.
    older: usize,
    is_all: bool,
}

/// Reads as the dispatcher, which signs with them.
pub(super) async fn look(patient: &Patient<'_>) -> Result<Vec<Finding>, StoreError> {
    let keyring = match run::load_keyring(&patient.command.config.keyring) {
        Ok(keyring) => keyring,
        Err(error) => {
            let finding = with_causes(&error);
            let mend = "name the keyring with POSTHORN_KEYRING_FILE, readable by its owner alone (chmod 600); the same one that sealed the secrets";
            return Ok(vec![Finding::fault("keyring", finding, mend)]);
        }
    };
    let store = Store::new(patient.url, StoreRole::Dispatcher, 1, u32::MAX)?.with_patience(PATIENCE);
    let tried = try_all(&store, &keyring).await;
    store.close();
    Ok(tried?.told(&keyring))
}

async fn try_all(store: &Store, keyring: &Keyring) -> Result<Tried, StoreError> {
    let mut tried = Tried::default();
    let mut after: Option<SealedRow> = None;
    for _ in 0..CHUNKS {
        let mut rows = sealed::page(store, SealedTable::Subscriptions, after.as_ref(), CHUNK).await?;
        rows.iter().for_each(|row| tried.try_row(keyring, row));
        match rows.pop() {
            Some(last) => after = Some(last),
            None => {
                tried.is_all = true;
                break;
            }
        }
    }
    Ok(tried)
}

impl Tried {
    fn try_row(&mut self, keyring: &Keyring, row: &SealedRow) {
        for ((_, purpose), value) in SealedTable::Subscriptions.columns().iter().zip(&row.values) {
            let Some(value) = value else { continue };
            self.values += 1;
            match keyring.open_text(row.tenant, row.sealed_for(), *purpose, value) {
                Ok(_) if Keyring::id_of(value) == Some(keyring.sealing_id()) => {}
                Ok(_) => self.older += 1,
                Err(KeyringError::UnknownKey { id, .. }) => *self.unknown.entry(id).or_default() += 1,
                Err(_) => self.unopened += 1,
            }
        }
    }

    fn told(&self, keyring: &Keyring) -> Vec<Finding> {
        let mut findings: Vec<_> = self
            .unknown
            .iter()
            .map(|(id, count)| {
                Finding::fault(
                    "keyring",
                    format!("{} sealed with key {id}, which the keyring does not hold: these deliveries wait", many(*count, "value", "values")),
                    format!("put the line `{id}:…` back into the keyring, or give the subscriptions new secrets (POST …/rotate-secret)"),
                )
            })
            .collect();
        if self.unopened > 0 {
            findings.push(Finding::fault(
                "keyring",
                format!(
                    "{} that the key of their name does not open: it is another key, or the rows were changed",
                    many(self.unopened, "sealed value", "sealed values")
                ),
                "put the right key of that name into the keyring; `posthorn rekey --check` names the rows",
            ));
        }
        if findings.is_empty() {
            let extent = if self.is_all { "" } else { " (the oldest; `posthorn rekey --check` tries all)" };
            let older = match self.older {
                0 => String::new(),
                older => format!(", {older} of them sealed with an older key: `posthorn rekey` seals them anew"),
            };
            let finding = format!(
                "the keyring (first key {}) opens all {} sealed values{extent}{older}",
                keyring.sealing_id(),
                self.values
            );
            findings.push(Finding::ok("keyring", finding));
        }
        findings
    }
}
