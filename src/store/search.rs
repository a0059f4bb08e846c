//! Looking for events of one tenant: a search that is bounded in rows and in time, and says how far it came.

use time::OffsetDateTime;
use uuid::Uuid;

use super::row::get;
use super::{StoreError, Tx, sql};

/// Longest time of one search, beyond which it fails: a single payload took it all.
const TIME_LIMIT: &str = "3s";

/// Which events [`find`] looks for.
#[derive(Clone, Debug, Default)]
pub struct Sought {
    /// Event type or pattern.
    pub event: Option<String>,
    /// Kind of the thing they are about.
    pub resource_type: Option<String>,
    /// Id of the thing they are about.
    pub resource_id: Option<String>,
    /// `done`, `open`, `muted`, `unknown_tenant` or `cancelled`.
    pub fanout: Option<&'static str>,
    /// jsonpath predicate over the payload, one that [`check`] accepted.
    pub payload: Option<String>,
    /// Those whose id is not below this one.
    pub since: Option<Uuid>,
    /// Those whose id is below this one.
    pub before: Option<Uuid>,
    /// At most so many.
    pub events: i32,
}

/// What [`find`] found.
#[derive(Clone, Debug)]
pub struct Found {
    /// Ids, newest first.
    pub events: Vec<Uuid>,
    /// Events looked at.
    pub looked_at: i32,
    /// The oldest of them.
    pub oldest: Option<Uuid>,
    /// Why it ended.
    pub end: End,
}

/// Why a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Everything was looked at.
    Exhausted,
    /// It has found as many as it was to find; there are older ones to look at.
    Full,
    /// It has looked at as many as it may, or for as long.
    Bound,
}

/// An event without its data.
#[derive(Clone, Debug)]
pub struct Head {
    /// Id.
    pub id: Uuid,
    /// Whose.
    pub tenant_id: Uuid,
    /// Event type.
    pub event: String,
    /// Kind of the thing it is about.
    pub resource_type: Option<String>,
    /// Id of the thing it is about.
    pub resource_id: Option<String>,
    /// Events with the same key reach ordered subscriptions one at a time.
    pub ordering_key: Option<String>,
    /// Not to be sent before.
    pub deliver_after: Option<OffsetDateTime>,
    /// Start of the publishing transaction.
    pub created_at: OffsetDateTime,
    /// `done`, or `open`, `muted`, `unknown_tenant`, `cancelled`.
    pub fanout: String,
    /// Why it is open.
    pub fanout_reason: Option<String>,
}

/// Lets Postgres read a jsonpath; answers with how it prints it.
///
/// # Errors
/// One that [`super::subscriptions::filter_fault`] recognises when it is none.
pub async fn check(tx: &Tx<'_>, filter: &str) -> Result<String, StoreError> {
    get(&tx.query_one(sql::SUBSCRIPTIONS_CHECK_FILTER, &[&filter]).await?, "filter")
}

/// Looks for events, from the newest.
///
/// # Errors
/// [`StoreError`] of the database; [`is_too_dear`] recognises the one of its time limit.
pub async fn find(tx: &Tx<'_>, sought: &Sought) -> Result<Found, StoreError> {
    tx.query_one(sql::SESSION_LIMIT_TIME, &[&TIME_LIMIT]).await?;
    let row = tx
        .query_one(
            sql::EVENTS_FIND,
            &[
                &sought.event,
                &sought.resource_type,
                &sought.resource_id,
                &sought.fanout,
                &sought.payload,
                &sought.since,
                &sought.before,
                &sought.events,
            ],
        )
        .await?;
    let end = match get(&row, "ended_by")? {
        None => End::Exhausted,
        Some("found") => End::Full,
        Some(_) => End::Bound,
    };
    Ok(Found {
        events: get(&row, "event_ids")?,
        looked_at: get(&row, "looked_at")?,
        oldest: get(&row, "oldest_id")?,
        end,
    })
}

/// Whether a search failed because it took too long.
pub fn is_too_dear(error: &StoreError) -> bool {
    error.sqlstate().is_some_and(|code| code.code() == "57014")
}

/// These events, newest first.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn heads(tx: &Tx<'_>, ids: &[Uuid]) -> Result<Vec<Head>, StoreError> {
    let read = |row| {
        Ok(Head {
            id: get(row, "id")?,
            tenant_id: get(row, "tenant_id")?,
            event: get(row, "event")?,
            resource_type: get(row, "resource_type")?,
            resource_id: get(row, "resource_id")?,
            ordering_key: get(row, "ordering_key")?,
            deliver_after: get(row, "deliver_after")?,
            created_at: get(row, "created_at")?,
            fanout: get(row, "fanout")?,
            fanout_reason: get(row, "fanout_reason")?,
        })
    };
    tx.query(sql::EVENTS_SOME, &[&ids]).await?.iter().map(read).collect()
}
