//! Filters: whether a text is a jsonpath is for Postgres to say.

use crate::store::{StoreError, Tx, sql};

/// Lets Postgres read a filter.
///
/// # Errors
/// One that [`filter_fault`] recognises when it is no jsonpath.
pub async fn check_filter(tx: &Tx<'_>, filter: &str) -> Result<(), StoreError> {
    tx.query_one(sql::SUBSCRIPTIONS_CHECK_FILTER, &[&filter]).await?;
    Ok(())
}

/// What Postgres has against a filter, if that is what the error of [`check_filter`] is about.
pub fn filter_fault(error: &StoreError) -> Option<String> {
    use std::error::Error as _;
    let code = error.sqlstate()?.code();
    let (StoreError::Value { statement, source, .. } | StoreError::Statement { statement, source }) = error else {
        return None;
    };
    // 22…: a value it cannot read; 42601: syntax; 54001: nested too deeply
    let is_about_filter = *statement == sql::SUBSCRIPTIONS_CHECK_FILTER.name
        && (code.starts_with("22") || code == "42601" || code == "54001");
    is_about_filter.then(|| {
        source
            .as_db_error()
            .map_or_else(|| source.source().map(ToString::to_string).unwrap_or_default(), |e| e.message().to_owned())
    })
}
