//! The audit log, as its tenant reads it. Triggers write it, but for what they do not see: single deliveries and events.

use time::OffsetDateTime;
use uuid::Uuid;

use super::row::get;
use super::{Store, StoreError, Tx, sql};

/// Most rows that one statement forgets.
const FORGOTTEN_AT_ONCE: i32 = 5000;

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

/// Adds an entry to the log of the tenant that the transaction acts for; `details` is a JSON object.
///
/// # Errors
/// [`StoreError`] of the database.
pub(super) async fn note(
    tx: &Tx<'_>,
    action: &str,
    target_type: &str,
    target: Uuid,
    details: &serde_json::Value,
) -> Result<(), StoreError> {
    let (target, details) = (target.to_string(), details.to_string());
    tx.query(sql::AUDIT_ADD, &[&action, &target_type, &target, &details]).await.map(drop)
}

/// Forgets entries older than `keep_days` whole days, none when that is 0, and says how many.
///
/// # Errors
/// [`StoreError`] of the database; what was forgotten until then stays so.
pub async fn forget_old(store: &Store, keep_days: i32) -> Result<i64, StoreError> {
    let mut forgotten = 0;
    if keep_days == 0 {
        return Ok(forgotten);
    }
    loop {
        let row = store.query_one(sql::AUDIT_FORGET, &[&keep_days, &FORGOTTEN_AT_ONCE]).await?;
        let now: i32 = get(&row, "forgotten")?;
        forgotten += i64::from(now);
        if now < FORGOTTEN_AT_ONCE {
            return Ok(forgotten);
        }
    }
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
