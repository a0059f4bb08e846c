//! Who am I: what a key or token acts for, may do, and until when.

use poem_openapi::{Object, OpenApi};
use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Tag;
use super::caller::{Anyone, Caller};
use super::refusal::{Reading, Refusal};
use super::reply::{Found, Reply};
use super::tenant::unknown;
use crate::store::{Store, Work, api_keys, tenants};

/// The operation that tells callers who they are.
pub(super) struct WhoAmIApi {
    /// Where tenants and keys are.
    pub(super) store: Store,
}

#[OpenApi(tag = "Tag::Tenant")]
impl WhoAmIApi {
    /// Who am I
    ///
    /// The tenant that the key or token acts for, what it may do, and until when. Needs no scope.
    #[oai(path = "/caller", method = "get", operation_id = "getCaller")]
    async fn get(&self, caller: Caller<Anyone>) -> Result<Found<CallerShown>, Refusal<Reading>> {
        let (id, key_id) = (caller.tenant(), caller.key_id());
        let (tenant, end_of_key) = self
            .store
            .tx("get caller", caller.scope(), move |tx| {
                Work::new(async move {
                    let end = match key_id {
                        Some(key_id) => api_keys::end_of(tx, id, key_id).await?,
                        None => None,
                    };
                    Ok((tenants::find(tx, id).await?, end))
                })
            })
            .await?;
        Ok(Reply::new(CallerShown {
            tenant_id: id,
            tenant_name: tenant.ok_or_else(|| unknown(id))?.name,
            actor: caller.actor().to_owned(),
            permissions: caller.permissions().words().into_iter().map(str::to_owned).collect(),
            expires_at: end_of_key.or(caller.expires_at()),
        }))
    }
}

/// Who calls.
#[derive(Object, Serialize)]
#[oai(rename = "Caller")]
struct CallerShown {
    /// Whom it acts for.
    tenant_id: Uuid,
    /// The same for people.
    tenant_name: String,
    /// Its name in the audit log: `api_key:<id>`, `jwt:<subject>` or `operator`.
    actor: String,
    /// What it may do: `read`, `publish`, `manage`, `keys`.
    permissions: Vec<String>,
    /// From when it is refused; null: never.
    #[oai(nullable)]
    #[serde(with = "time::serde::rfc3339::option")]
    expires_at: Option<OffsetDateTime>,
}
