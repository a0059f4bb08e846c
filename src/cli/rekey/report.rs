//! What a walk through the sealed values found, for people and for scripts.

use std::collections::BTreeMap;
use std::io::Write;

use serde::Serialize;
use uuid::Uuid;

use crate::domain::keyring::{Keyring, KeyringError};
use crate::store::sealed::{SealedPlace, SealedRow, SealedTable};

/// Every value, by the key that sealed it.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// Values by the id of their key.
    by_key: BTreeMap<String, u64>,
    /// Those that open but are sealed with another key than the first.
    pub(super) stale: u64,
    /// Those that do not open.
    pub(super) unopened: Vec<Unopened>,
}

/// A value that does not open.
#[derive(Debug, Serialize)]
pub(super) struct Unopened {
    tenant_id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    subscription_id: Option<Uuid>,
    /// Method and path of the request that it answers, and its `Idempotency-Key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<String>,
    column: &'static str,
    key: Option<String>,
    reason: &'static str,
}

#[derive(Serialize)]
struct KeyLine<'a> {
    id: &'a str,
    values: u64,
    is_held: bool,
    seals: bool,
}

#[derive(Serialize)]
struct Report<'a> {
    keys: Vec<KeyLine<'a>>,
    resealed: u64,
    left: u64,
    unopened: &'a [Unopened],
}

impl Survey {
    /// Counts the values of a row, and says how many they are.
    pub(super) fn count(&mut self, keyring: &Keyring, table: SealedTable, row: &SealedRow) -> u64 {
        let mut count = 0;
        for ((column, purpose), value) in table.columns().iter().zip(&row.values) {
            let Some(value) = value else { continue };
            count += 1;
            let id = Keyring::id_of(value);
            if let Some(id) = id {
                *self.by_key.entry(id.to_owned()).or_default() += 1;
            }
            match keyring.open_text(row.tenant, row.sealed_for(), *purpose, value) {
                Ok(_) if id == Some(keyring.sealing_id()) => {}
                Ok(_) => self.stale += 1,
                Err(error) => self.unopened.push(Unopened::new(row, column, id, &error)),
            }
        }
        count
    }

    /// Says it on standard output.
    pub(super) fn write(&self, keyring: &Keyring, resealed: u64, is_json: bool) -> std::io::Result<()> {
        let report = Report { keys: self.lines(keyring), resealed, left: self.stale, unopened: &self.unopened };
        let mut out = std::io::stdout().lock();
        if is_json {
            serde_json::to_writer(&mut out, &report)?;
            return writeln!(out);
        }
        for line in &report.keys {
            let remark = match line {
                KeyLine { seals: true, .. } => ", seals",
                KeyLine { is_held: false, .. } => ", NOT in the keyring",
                KeyLine { values: 0, .. } => ", seals nothing in this database",
                _ => "",
            };
            writeln!(out, "key {}: {} values{remark}", line.id, line.values)?;
        }
        writeln!(out, "resealed {resealed} values")?;
        for value in &self.unopened {
            let subscription = value.subscription_id.map(|id| format!("subscription {id}"));
            let request = value.request.as_ref().map(|request| format!("answer to {request}"));
            let place = subscription.or(request).unwrap_or_default();
            let key = value.key.as_deref().unwrap_or("?");
            let Unopened { tenant_id, column, reason, .. } = value;
            writeln!(out, "cannot be opened: {place} of tenant {tenant_id}, {column}, key {key}: {reason}")?;
        }
        Ok(())
    }

    /// Keys of the keyring in its order, then those in use that it lacks.
    fn lines<'a>(&'a self, keyring: &'a Keyring) -> Vec<KeyLine<'a>> {
        let of = |id: &'a str, is_held| KeyLine {
            id,
            values: self.by_key.get(id).copied().unwrap_or_default(),
            is_held,
            seals: id == keyring.sealing_id(),
        };
        let missing = self.by_key.keys().map(String::as_str).filter(|id| keyring.ids().all(|held| held != *id));
        keyring.ids().map(|id| of(id, true)).chain(missing.map(|id| of(id, false))).collect()
    }
}

impl Unopened {
    fn new(row: &SealedRow, column: &'static str, key: Option<&str>, error: &KeyringError) -> Self {
        let (subscription_id, request) = match &row.place {
            SealedPlace::Subscription(id) => (Some(*id), None),
            SealedPlace::Answer { route, key } => (None, Some(format!("{route} with Idempotency-Key {key:?}"))),
        };
        let reason = match error {
            KeyringError::UnknownKey { .. } => "the keyring does not hold its key",
            KeyringError::Tampered { .. } => "another key of the same id sealed it, or the row was changed",
            _ => "not in a form that this version knows",
        };
        Self { tenant_id: row.tenant, subscription_id, request, column, key: key.map(str::to_owned), reason }
    }
}
