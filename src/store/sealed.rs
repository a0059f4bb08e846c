//! Sealed values of every table, read in chunks and put back sealed anew (`posthorn rekey`).

use tokio_postgres::Row;
use tokio_postgres::error::SqlState;
use uuid::Uuid;

use super::idempotency::answer_sealed_for;
use super::row::get;
use super::{Params, Store, StoreError, sql};
use crate::domain::keyring::Purpose;

/// The sealed columns of a subscription and what each is sealed for, in the order of `sql/sealed/`.
const SUBSCRIPTION_COLUMNS: [(&str, Purpose); 5] = [
    ("secret", Purpose::Secret),
    ("previous_secret", Purpose::Secret),
    ("sealed_headers", Purpose::Headers),
    ("sealed_credentials", Purpose::Credentials),
    ("sealed_client_key", Purpose::ClientKey),
];

/// The sealed column of a stored answer.
const ANSWER_COLUMNS: [(&str, Purpose); 1] = [("answer", Purpose::Answer)];

/// A table with sealed values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealedTable {
    /// Secrets, headers, credentials and client keys.
    Subscriptions,
    /// Answers to requests with an `Idempotency-Key`.
    Answers,
}

impl SealedTable {
    /// Every one.
    pub const ALL: [Self; 2] = [Self::Subscriptions, Self::Answers];

    /// Name and purpose of the sealed columns; values of [`SealedRow`] come in this order.
    pub const fn columns(self) -> &'static [(&'static str, Purpose)] {
        match self {
            Self::Subscriptions => &SUBSCRIPTION_COLUMNS,
            Self::Answers => &ANSWER_COLUMNS,
        }
    }
}

/// Which row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SealedPlace {
    /// A subscription.
    Subscription(Uuid),
    /// The answer to a request: method with path, and key.
    Answer {
        /// Method and path.
        route: String,
        /// The caller's key.
        key: String,
    },
}

/// A row with what is sealed in it.
#[derive(Clone, Debug)]
pub struct SealedRow {
    /// Whose.
    pub tenant: Uuid,
    /// Which.
    pub place: SealedPlace,
    /// One for each of [`SealedTable::columns`].
    pub values: Vec<Option<Vec<u8>>>,
}

impl SealedRow {
    /// The id that its values are sealed for.
    pub fn sealed_for(&self) -> Uuid {
        match &self.place {
            SealedPlace::Subscription(id) => *id,
            SealedPlace::Answer { route, key } => answer_sealed_for(route, key),
        }
    }
}

/// A row with what is to stand in it.
#[derive(Clone, Debug)]
pub struct Change {
    /// As it was read.
    pub row: SealedRow,
    /// In place of its values.
    pub new_values: Vec<Option<Vec<u8>>>,
    /// How many of them are new.
    pub count: u64,
}

/// The next rows after one, in the order of the primary key; none at the end.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn page(
    store: &Store,
    table: SealedTable,
    after: Option<&SealedRow>,
    limit: i64,
) -> Result<Vec<SealedRow>, StoreError> {
    match table {
        SealedTable::Subscriptions => {
            let id = after.map_or(Uuid::nil(), SealedRow::sealed_for);
            let rows = store.query(sql::SEALED_SUBSCRIPTIONS, &[&id, &limit]).await?;
            rows.iter().map(|row| sealed_row(row, table, SealedPlace::Subscription(get(row, "id")?))).collect()
        }
        SealedTable::Answers => {
            let (tenant, route, key) = match after {
                Some(SealedRow { tenant, place: SealedPlace::Answer { route, key }, .. }) => {
                    (*tenant, &**route, &**key)
                }
                _ => (Uuid::nil(), "", ""),
            };
            let rows = store.query(sql::SEALED_ANSWERS, &[&tenant, &route, &key, &limit]).await?;
            let answer = |row: &Row| {
                sealed_row(row, table, SealedPlace::Answer { route: get(row, "route")?, key: get(row, "key")? })
            };
            rows.iter().map(answer).collect()
        }
    }
}

fn sealed_row(row: &Row, table: SealedTable, place: SealedPlace) -> Result<SealedRow, StoreError> {
    let values = table.columns().iter().map(|(column, _)| get(row, column)).collect::<Result<_, _>>()?;
    Ok(SealedRow { tenant: get(row, "tenant_id")?, place, values })
}

/// Puts new values in place of those that were read, in one short transaction, and says how many values are new. Rows whose
/// values are no longer those, and rows that another transaction holds, stay as they are.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn replace(store: &Store, table: SealedTable, changes: &[Change]) -> Result<u64, StoreError> {
    let old = |column: usize| changes.iter().map(|change| change.row.values[column].as_deref()).collect::<Vec<_>>();
    let new = |column: usize| changes.iter().map(|change| change.new_values[column].as_deref()).collect::<Vec<_>>();
    let tenants: Vec<Uuid> = changes.iter().map(|change| change.row.tenant).collect();
    let result = match table {
        SealedTable::Subscriptions => {
            let ids: Vec<Uuid> = changes.iter().map(|change| change.row.sealed_for()).collect();
            let (old, new) = ([0, 1, 2, 3, 4].map(old), [0, 1, 2, 3, 4].map(new));
            let [secret, previous, headers, credentials, key] = &old;
            let [new_secret, new_previous, new_headers, new_credentials, new_key] = &new;
            let old: Params<'_> = &[&ids, secret, previous, headers, credentials, key];
            let new: Params<'_> = &[new_secret, new_previous, new_headers, new_credentials, new_key];
            store.query(sql::SEALED_RESEAL_SUBSCRIPTIONS, &[old, new].concat()).await
        }
        SealedTable::Answers => {
            let named = changes.iter().filter_map(|change| match &change.row.place {
                SealedPlace::Answer { route, key } => Some((route.as_str(), key.as_str())),
                SealedPlace::Subscription(_) => None,
            });
            let (routes, keys): (Vec<&str>, Vec<&str>) = named.unzip();
            store.query(sql::SEALED_RESEAL_ANSWERS, &[&tenants, &routes, &keys, &old(0), &new(0)]).await
        }
    };
    let done = match result {
        // somebody changes their tenant
        Err(error) if error.sqlstate() == Some(&SqlState::LOCK_NOT_AVAILABLE) => return Ok(0),
        done => done?,
    };
    let done: Vec<usize> = done.iter().map(|row| get::<i64>(row, "place").map(place)).collect::<Result<_, _>>()?;
    Ok(done.into_iter().filter_map(|place| changes.get(place)).map(|change| change.count).sum())
}

/// The place in an array of Rust, of one in an array of SQL.
fn place(number: i64) -> usize {
    usize::try_from(number - 1).unwrap_or(usize::MAX)
}
