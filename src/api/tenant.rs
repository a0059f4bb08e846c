//! The caller's own tenant: read, rename.

use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Tag;
use super::body::Body;
use super::caller::{Caller, Manages, Reads};
use super::problem::Problem;
use super::refusal::{Reading, Refusal, Writing};
use super::reply::{Found, Reply};
use crate::store::{Store, Work, tenants};

/// Most characters of a tenant's or key's name; the schema says the same.
pub(super) const NAME_MAX_CHARS: usize = 200;

/// The operations on the own tenant.
pub(super) struct TenantApi {
    /// Where it is.
    pub(super) store: Store,
}

#[OpenApi(tag = "Tag::Tenant")]
impl TenantApi {
    /// Get the tenant
    ///
    /// The one that the key or token belongs to.
    #[oai(path = "/tenant", method = "get", operation_id = "getTenant")]
    async fn get(&self, caller: Caller<Reads>) -> Result<Found<Tenant>, Refusal<Reading>> {
        let id = caller.tenant();
        let found = self.store.tx("get tenant", caller.scope(), move |tx| Work::new(tenants::find(tx, id))).await?;
        Ok(Reply::new(found.ok_or_else(|| unknown(id))?.into()))
    }

    /// Change the tenant
    ///
    /// What is absent stays as it is.
    #[oai(path = "/tenant", method = "patch", operation_id = "updateTenant")]
    async fn update(
        &self,
        caller: Caller<Manages>,
        body: Body<TenantPatch>,
    ) -> Result<Found<Tenant>, Refusal<Writing>> {
        let mut fields = body.0;
        let name = fields.name("name", NAME_MAX_CHARS);
        let is_strict = fields.take("strict_event_types", "true or false");
        fields.check()?;
        let (id, name) = (caller.tenant(), name.as_deref());
        let changed = self
            .store
            .tx("change tenant", caller.scope(), move |tx| Work::new(tenants::change_own(tx, id, name, is_strict)))
            .await?;
        Ok(Reply::new(changed.ok_or_else(|| unknown(id))?.into()))
    }
}

pub(super) fn unknown(id: Uuid) -> Problem {
    Problem::not_found(format!("there is no tenant {id}"))
}

// The fields are read by the handler: this type is there for the document alone.
/// What a tenant may change of itself.
#[derive(Object)]
#[oai(deny_unknown_fields, example, skip_serializing_if_is_none)]
struct TenantPatch {
    /// For people, up to 200 characters.
    #[oai(nullable, validator(max_length = 200))]
    name: Option<String>,
    /// Whether events of types that the catalogue does not have are refused.
    #[oai(nullable)]
    strict_event_types: Option<bool>,
}

impl Example for TenantPatch {
    fn example() -> Self {
        Self { name: Some("Acme".to_owned()), strict_event_types: None }
    }
}

/// Who owns subscriptions and events.
#[derive(Object, Serialize)]
pub(super) struct Tenant {
    /// Id.
    id: Uuid,
    /// For people.
    name: String,
    /// Deliveries in flight at once in each dispatcher, set by the operator; null: the server's share.
    #[oai(nullable)]
    max_in_flight: Option<i32>,
    /// Whether events of types that the catalogue does not have are refused.
    strict_event_types: bool,
    /// Whether it is the tenant of whoever runs Posthorn: it hears of the operational events of all.
    is_operator: bool,
    /// When it was added.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// Since when its keys and tokens are refused; null: they are not.
    #[oai(nullable)]
    #[serde(with = "time::serde::rfc3339::option")]
    disabled_at: Option<OffsetDateTime>,
}

impl From<tenants::Tenant> for Tenant {
    fn from(row: tenants::Tenant) -> Self {
        let tenants::Tenant { id, name, max_in_flight, strict_event_types, is_operator, created_at, disabled_at } = row;
        Self { id, name, max_in_flight, strict_event_types, is_operator, created_at, disabled_at }
    }
}
