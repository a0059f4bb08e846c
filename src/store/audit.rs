//! The audit log, as its tenant reads it. Triggers write it.

use time::OffsetDateTime;
use uuid::Uuid;

use super::row::get;
use super::{StoreError, Tx, sql};

/// A change.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Id, in the order of the changes.
    pub id: Uuid,
    /// When.
    pub created_at: OffsetDateTime,
    /// Who.
    pub actor: String,
    /// What, such as `subscription.created`.
    pub action: String,
    /// Kind of the thing.
    pub target_type: String,
    /// Its id.
    pub target_id: String,
    /// Columns that changed, as JSON text.
    pub changes: Option<String>,
    /// What else there is to say, as JSON text.
    pub details: Option<String>,
}

/// Which entries are wanted; what is absent may be anything.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Whose.
    pub tenant: Uuid,
    /// This action.
    pub action: Option<String>,
    /// Of this thing.
    pub target_id: Option<String>,
    /// At this time or later.
    pub since: Option<OffsetDateTime>,
    /// Before this time.
    pub until: Option<OffsetDateTime>,
    /// Before this entry.
    pub before: Option<Uuid>,
    /// At most so many.
    pub rows: i64,
}

/// Entries, newest first.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn list(tx: &Tx<'_>, wanted: &Wanted) -> Result<Vec<Entry>, StoreError> {
    let Wanted { tenant, action, target_id, since, until, before, rows } = wanted;
    tx.query(sql::AUDIT_LIST, &[tenant, action, target_id, since, until, before, rows])
        .await?
        .iter()
        .map(|row| {
            Ok(Entry {
                id: get(row, "id")?,
                created_at: get(row, "created_at")?,
                actor: get(row, "actor")?,
                action: get(row, "action")?,
                target_type: get(row, "target_type")?,
                target_id: get(row, "target_id")?,
                changes: get(row, "changes")?,
                details: get(row, "details")?,
            })
        })
        .collect()
}
