//! Tenants, for the operator: add, list, read, change, disable.

use poem::Request;
use poem_openapi::param::{Path, Query};
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use serde::Serialize;
use uuid::Uuid;

use super::{Operator, Tag};
use crate::api::body::Body;
use crate::api::checks::Checks;
use crate::api::cursor::{self, LIMIT_DEFAULT};
use crate::api::problem::Problem;
use crate::api::refusal::{Acting, Reading, Refusal, Writing};
use crate::api::reply::{Created, Found, NoContent, Reply};
use crate::api::tenant::{NAME_MAX_CHARS, Tenant, unknown};
use crate::domain::violation::Violation;
use crate::store::tenants::{self, TenantChange};
use crate::store::{Scope, Store, StoreError, Work};

/// Most deliveries in flight that a tenant can be given; the schema says the same.
const IN_FLIGHT: std::ops::RangeInclusive<i32> = 1..=10_000;

/// The index that keeps a second tenant from being the operator's.
const ONE_OPERATOR: &str = "one_operator";

/// The operations on tenants.
pub(super) struct TenantsApi {
    /// Where they are.
    pub(super) store: Store,
}

#[OpenApi(tag = "Tag::Tenants")]
impl TenantsApi {
    /// Add a tenant
    ///
    /// Its id may be the one your own system uses; 409 when there is such a tenant.
    #[oai(path = "/tenants", method = "post", operation_id = "createTenant")]
    async fn create(
        &self,
        _operator: Operator,
        request: &Request,
        body: Body<TenantInput>,
    ) -> Result<Created<Tenant>, Refusal<Writing>> {
        let mut fields = body.0;
        let id = fields.take::<Uuid>("id", "a UUID");
        let name = fields.name("name", NAME_MAX_CHARS).unwrap_or_default();
        let max_in_flight = fields.number("max_in_flight", IN_FLIGHT);
        fields.check()?;
        let name = name.as_str();
        let added = self
            .store
            .tx("add tenant", Scope::Operator, move |tx| Work::new(tenants::add(tx, id, name, max_in_flight)))
            .await?;
        let taken = || Problem::conflict(format!("there is a tenant {} already", id.unwrap_or_default()));
        let added = added.ok_or_else(taken)?;
        let id = added.id;
        Ok(Reply::new(added.into()).at(request, id))
    }

    /// List tenants
    ///
    /// Newest first, disabled ones too.
    #[oai(path = "/tenants", method = "get", operation_id = "listTenants")]
    async fn list(
        &self,
        _operator: Operator,
        /// Rows of a page, 100 unless given.
        #[oai(validator(minimum(value = "1"), maximum(value = "500")))]
        limit: Query<Option<u32>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<Found<TenantPage>, Refusal<Reading>> {
        let limit = limit.0.unwrap_or(LIMIT_DEFAULT);
        let mut checks = Checks::default();
        let before = checks.read(cursor.0.as_deref(), read_cursor);
        checks.finish()?;
        let rows = i64::from(limit) + 1;
        let found = self
            .store
            .tx("list tenants", Scope::Operator, move |tx| Work::new(tenants::list(tx, before, rows)))
            .await?;
        let (rows, next_cursor) = cursor::page_of_texts(found, limit, |row| row.id.to_string());
        Ok(Reply::new(TenantPage { data: rows.into_iter().map(Tenant::from).collect(), next_cursor }))
    }

    /// Get a tenant
    #[oai(path = "/tenants/:id", method = "get", operation_id = "getTenant")]
    async fn get(
        &self,
        _operator: Operator,
        /// Id of the tenant.
        id: Path<Uuid>,
    ) -> Result<Found<Tenant>, Refusal<Reading>> {
        let found = self.store.tx("get tenant", Scope::Operator, move |tx| Work::new(tenants::find(tx, id.0))).await?;
        Ok(Reply::new(found.ok_or_else(|| unknown(id.0))?.into()))
    }

    /// Change a tenant
    ///
    /// What is absent stays as it is; `max_in_flight` null takes the limit away. `disabled` false lets a disabled tenant's
    /// keys and tokens in again.
    /// `is_operator` makes it the one whose subscriptions to `posthorn.…` receive the operational events of all tenants; 409 while another is.
    #[oai(path = "/tenants/:id", method = "patch", operation_id = "updateTenant")]
    async fn update(
        &self,
        _operator: Operator,
        /// Id of the tenant.
        id: Path<Uuid>,
        body: Body<TenantPatch>,
    ) -> Result<Found<Tenant>, Refusal<Writing>> {
        let mut fields = body.0;
        let name = fields.name("name", NAME_MAX_CHARS);
        let takes_limit_away = fields.is_null("max_in_flight");
        let limit = fields.number("max_in_flight", IN_FLIGHT);
        let is_disabled = fields.take("disabled", "true or false");
        let is_operator = fields.take("is_operator", "true or false");
        fields.check()?;
        let max_in_flight = if takes_limit_away { Some(None) } else { limit.map(Some) };
        self.change(id.0, TenantChange { name, is_disabled, max_in_flight, is_operator }).await
    }

    /// Disable a tenant
    ///
    /// Its API keys and tokens are refused within 5 seconds. Nothing of it is deleted, events published by SQL are still
    /// accepted, and deliveries are still made: disable its subscriptions to stop those. Disabling again changes nothing.
    #[oai(path = "/tenants/:id", method = "delete", operation_id = "disableTenant")]
    async fn disable(
        &self,
        _operator: Operator,
        /// Id of the tenant.
        id: Path<Uuid>,
    ) -> Result<NoContent, Refusal<Acting>> {
        let disabled = TenantChange { is_disabled: Some(true), ..TenantChange::default() };
        self.change::<Acting>(id.0, disabled).await.map(|_| NoContent)
    }
}

impl TenantsApi {
    async fn change<S>(&self, id: Uuid, change: TenantChange) -> Result<Found<Tenant>, Refusal<S>> {
        let change = &change;
        let changed = self
            .store
            .tx("change tenant", Scope::Operator, move |tx| Work::new(tenants::change(tx, id, change)))
            .await
            .map_err(|error| match error {
                StoreError::Constraint { constraint, .. } if constraint == ONE_OPERATOR => {
                    Problem::conflict("another tenant is the operator's: take is_operator from it first")
                }
                error => error.into(),
            })?;
        Ok(Reply::new(changed.ok_or_else(|| unknown(id))?.into()))
    }
}

/// Ids may be supplied, so a cursor can hold any UUID.
fn read_cursor(text: &str) -> Result<Uuid, Violation> {
    let refuse = |_| Violation::new("cursor", "cursor_format", "must be a next_cursor of an earlier answer");
    cursor::read_text(text)?.parse().map_err(refuse)
}

// The fields are read by the handler: this type is there for the document alone.
/// A tenant to be added.
#[derive(Object)]
#[oai(deny_unknown_fields, example, skip_serializing_if_is_none)]
struct TenantInput {
    /// The id that your own system uses; a new one when absent.
    id: Option<Uuid>,
    /// For people, up to 200 characters.
    #[oai(validator(max_length = 200))]
    name: Option<String>,
    /// Deliveries in flight at once in each dispatcher, all subscriptions together; the server's share when absent.
    #[oai(validator(minimum(value = "1"), maximum(value = "10000")))]
    max_in_flight: Option<i32>,
}

impl Example for TenantInput {
    fn example() -> Self {
        let id = Uuid::from_u128(0x6f1c_0c9e_6f0e_7d3a_9b55_0d8f_2f3c_4a10);
        Self { id: Some(id), name: Some("Acme".to_owned()), max_in_flight: None }
    }
}

// The fields are read by the handler: this type is there for the document alone.
/// What the operator may change of a tenant.
#[derive(Object)]
#[oai(deny_unknown_fields, example, skip_serializing_if_is_none)]
struct TenantPatch {
    /// For people, up to 200 characters.
    #[oai(validator(max_length = 200))]
    name: Option<String>,
    /// Deliveries in flight at once in each dispatcher; null takes the limit away.
    #[oai(nullable, validator(minimum(value = "1"), maximum(value = "10000")))]
    max_in_flight: Option<i32>,
    /// Whether its keys and tokens are refused.
    disabled: Option<bool>,
    /// Whether it hears of the operational events of every tenant.
    is_operator: Option<bool>,
}

impl Example for TenantPatch {
    fn example() -> Self {
        Self { name: Some("Acme".to_owned()), max_in_flight: Some(100), disabled: Some(false), is_operator: None }
    }
}

/// A page of tenants.
#[derive(Object, Serialize)]
struct TenantPage {
    /// Newest first.
    data: Vec<Tenant>,
    /// Where the next page begins; null on the last.
    #[oai(nullable)]
    next_cursor: Option<String>,
}
