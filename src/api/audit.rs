//! The audit log: who changed what of the tenant, and when.

use poem_openapi::param::Query;
use poem_openapi::{Object, OpenApi};
use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Tag;
use super::body::RawJson;
use super::caller::{Caller, Reads};
use super::checks::Checks;
use super::cursor::{self, LIMIT_DEFAULT};
use super::problem::Problem;
use super::refusal::{Reading, Refusal};
use super::reply::{Found, Reply};
use crate::domain::violation::Violation;
use crate::store::audit::{self, Wanted};
use crate::store::{Store, Work};

/// The operation on the audit log.
pub(super) struct AuditApi {
    /// Where it is.
    pub(super) store: Store,
}

#[OpenApi(tag = "Tag::AuditLog")]
impl AuditApi {
    /// List the audit log
    ///
    /// Newest first: every change of subscriptions, secrets, API keys, own event types and the tenant, whether by this API
    /// or by SQL. Secrets are shown as `***`.
    #[oai(path = "/audit-log", method = "get", operation_id = "listAuditLog")]
    #[expect(clippy::too_many_arguments, reason = "each is a parameter of the operation")]
    async fn list(
        &self,
        caller: Caller<Reads>,
        /// Only this action, such as `subscription.created`, `secret.rotated` or `api_key.revoked`.
        action: Query<Option<String>>,
        /// Only changes of the thing with this id.
        target_id: Query<Option<String>>,
        /// Only changes at this time (RFC 3339) or later.
        since: Query<Option<String>>,
        /// Only changes before this time (RFC 3339).
        until: Query<Option<String>>,
        /// Rows of a page, 100 unless given.
        #[oai(validator(minimum(value = "1"), maximum(value = "500")))]
        limit: Query<Option<u32>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<Found<AuditPage>, Refusal<Reading>> {
        let limit = limit.0.unwrap_or(LIMIT_DEFAULT);
        let mut checks = Checks::default();
        let wanted = &Wanted {
            tenant: caller.tenant(),
            action: checks.read(action.0.as_deref(), |text| plain("action", text)),
            target_id: checks.read(target_id.0.as_deref(), |text| plain("target_id", text)),
            since: checks.read(since.0.as_deref(), |text| time("since", text)),
            until: checks.read(until.0.as_deref(), |text| time("until", text)),
            before: checks.read(cursor.0.as_deref(), cursor::read),
            rows: i64::from(limit) + 1,
        };
        checks.finish()?;
        let found =
            self.store.tx("list audit log", caller.scope(), move |tx| Work::new(audit::list(tx, wanted))).await?;
        let (rows, next_cursor) = cursor::page(found, limit, |row| row.id);
        let data = rows.into_iter().map(Entry::new).collect::<Result<_, _>>()?;
        Ok(Reply::new(AuditPage { data, next_cursor }))
    }
}

/// A text that Postgres can compare with.
fn plain(parameter: &'static str, text: &str) -> Result<String, Violation> {
    let is_plain = text.len() <= 200 && !text.contains('\0');
    let refuse = || Violation::new(parameter, "length", "must have at most 200 characters, none of them U+0000");
    is_plain.then(|| text.to_owned()).ok_or_else(refuse)
}

fn time(parameter: &'static str, text: &str) -> Result<OffsetDateTime, Violation> {
    super::times::read(parameter, text)
}

/// A change.
#[derive(Object, Serialize)]
#[oai(rename = "AuditEntry")]
struct Entry {
    /// Id.
    id: Uuid,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// Who: `api_key:<id>`, `jwt:<subject>`, `operator`, `dispatcher`, `rekey`, or `role:<login>` for plain SQL.
    actor: String,
    /// What: `<target_type>.created`, `.updated`, `.deleted`, `.enabled`, `.disabled`, `.suspended`, `.revoked`, `.retried`,
    /// `.cancelled`, `secret.rotated`, or `secret.resealed` when the operator changed the key that seals at rest.
    action: String,
    /// Kind of the thing: `subscription`, `api_key`, `tenant`, `event_type`, `job`, `delivery`, `event`, …
    target_type: String,
    /// Its id.
    target_id: String,
    /// What changed, by column: `{"<column>": {"old": …, "new": …}}`; null when there is more to say in `details`.
    #[oai(nullable)]
    changes: Option<RawJson>,
    /// What else there is to say, such as the filter of a bulk operation.
    #[oai(nullable)]
    details: Option<RawJson>,
}

impl Entry {
    fn new(row: audit::Entry) -> Result<Self, Problem> {
        Ok(Self {
            id: row.id,
            created_at: row.created_at,
            actor: row.actor,
            action: row.action,
            target_type: row.target_type,
            target_id: row.target_id,
            changes: row.changes.map(RawJson::new).transpose()?,
            details: row.details.map(RawJson::new).transpose()?,
        })
    }
}

/// A page of the audit log.
#[derive(Object, Serialize)]
struct AuditPage {
    /// Newest first.
    data: Vec<Entry>,
    /// Where the next page begins; null on the last.
    #[oai(nullable)]
    next_cursor: Option<String>,
}
