//! Reading columns: a value that is not what the schema promises becomes an error naming table, column and row.

use serde::de::DeserializeOwned;
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use super::{RowError, StoreError};

/// Reads a column.
///
/// # Errors
/// [`RowError`] when the column is missing or of another type.
pub(super) fn get<'a, T: FromSql<'a>>(row: &'a Row, column: &'static str) -> Result<T, StoreError> {
    row.try_get(column).map_err(|e| {
        let reason = std::error::Error::source(&e).map_or_else(|| e.to_string(), ToString::to_string);
        RowError { table: "result", column, id: String::new(), reason }.into()
    })
}

/// Reads a word of a closed list.
///
/// # Errors
/// [`RowError`] with the id of the row when the word is none of the list.
pub(super) fn word<T>(
    table: &'static str,
    column: &'static str,
    id: impl ToString,
    text: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, StoreError> {
    parse(text).ok_or_else(|| {
        RowError { table, column, id: id.to_string(), reason: format!("{text:?} is not a word we know") }.into()
    })
}

/// Reads the column `facts`, in which a statement has what it found as JSON.
///
/// # Errors
/// [`RowError`] when it is not what is expected.
pub(super) fn facts<T: DeserializeOwned>(row: &Row, statement: &'static str) -> Result<T, StoreError> {
    serde_json::from_value(get(row, "facts")?).map_err(|error| {
        RowError { table: statement, column: "facts", id: String::new(), reason: error.to_string() }.into()
    })
}
