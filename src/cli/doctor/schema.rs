//! Whether the schema is the one that this binary works with.

use super::Patient;
use super::finding::Finding;
use crate::store::StoreError;
use crate::store::migrate::{self, MigrateError};

/// Compares versions.
pub(super) async fn look(patient: &Patient<'_>) -> Result<Vec<Finding>, StoreError> {
    let known = migrate::known_version();
    Ok(vec![match migrate::check(patient.url).await {
        Ok(()) => Finding::ok("schema", format!("the schema posthorn is at version {known}")),
        Err(MigrateError::Older { found: 0, .. }) => {
            Finding::fault("schema", "there is no schema posthorn in this database", "posthorn migrate")
        }
        Err(MigrateError::Older { found, needed }) => {
            let finding = format!("the schema posthorn is at version {found}, this binary needs {needed}");
            Finding::fault("schema", finding, "posthorn migrate")
        }
        Err(MigrateError::Newer { found, known }) => {
            let finding = format!("the schema posthorn is at version {found}, newer than this binary knows ({known})");
            Finding::fault("schema", finding, "run the newer binary that migrated it")
        }
        Err(MigrateError::Stranger { login, source }) => {
            let finding = format!("the login may not look at the schema: {}", source.with_causes());
            Finding::fault("schema", finding, format!("GRANT posthorn_api, posthorn_dispatcher TO {login}"))
        }
        Err(MigrateError::Store(error)) => return Err(error),
        Err(error) => Finding::fault("schema", error.to_string(), "posthorn migrate"),
    }])
}
