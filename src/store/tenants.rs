//! Tenants: what they see of themselves, and what the operator does with them.

use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use super::row::get;
use super::{Params, StoreError, Tx, sql};

/// A tenant as stored.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// Id.
    pub id: Uuid,
    /// For people.
    pub name: String,
    /// Deliveries in flight at once in each dispatcher; `None`: the server's share.
    pub max_in_flight: Option<i32>,
    /// Whether events of types it does not know are refused.
    pub strict_event_types: bool,
    /// Whether it hears of the operational events of every tenant.
    pub is_operator: bool,
    /// When it was added.
    pub created_at: OffsetDateTime,
    /// Since when its keys and tokens are refused.
    pub disabled_at: Option<OffsetDateTime>,
}

/// What the operator changes of a tenant; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct TenantChange {
    /// Its name.
    pub name: Option<String>,
    /// Whether its keys and tokens are refused.
    pub is_disabled: Option<bool>,
    /// Its limit; `Some(None)` takes it away.
    pub max_in_flight: Option<Option<i32>>,
    /// Whether it hears of the operational events of every tenant.
    pub is_operator: Option<bool>,
}

/// One tenant.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn find(tx: &Tx<'_>, id: Uuid) -> Result<Option<Tenant>, StoreError> {
    tx.query_opt(sql::TENANT_GET, &[&id]).await?.as_ref().map(read).transpose()
}

/// Changes what the transaction's own tenant may change of itself; what is absent stays.
///
/// # Errors
/// [`StoreError::Constraint`] when it is longer than 200 characters.
pub async fn change_own(
    tx: &Tx<'_>,
    id: Uuid,
    name: Option<&str>,
    strict_event_types: Option<bool>,
) -> Result<Option<Tenant>, StoreError> {
    tx.query_opt(sql::TENANT_CHANGE, &[&id, &name, &strict_event_types]).await?.as_ref().map(read).transpose()
}

/// Adds a tenant, with an id of its own unless one is given; `None` when that is taken. For the operator.
///
/// # Errors
/// [`StoreError::Constraint`] for what the schema refuses.
pub async fn add(
    tx: &Tx<'_>,
    id: Option<Uuid>,
    name: &str,
    max_in_flight: Option<i32>,
) -> Result<Option<Tenant>, StoreError> {
    tx.query_opt(sql::ADMIN_ADD_TENANT, &[&id, &name, &max_in_flight]).await?.as_ref().map(read).transpose()
}

/// A page of tenants, newest first, after the tenant `before`. For the operator.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn list(tx: &Tx<'_>, before: Option<Uuid>, rows: i64) -> Result<Vec<Tenant>, StoreError> {
    tx.query(sql::ADMIN_TENANTS, &[&before, &rows]).await?.iter().map(read).collect()
}

/// Changes a tenant; `None` when there is none with this id. For the operator.
///
/// # Errors
/// [`StoreError::Constraint`] for what the schema refuses.
pub async fn change(tx: &Tx<'_>, id: Uuid, change: &TenantChange) -> Result<Option<Tenant>, StoreError> {
    let (sets_limit, limit) = (change.max_in_flight.is_some(), change.max_in_flight.flatten());
    let params: Params<'_> = &[&id, &change.name, &change.is_disabled, &sets_limit, &limit, &change.is_operator];
    tx.query_opt(sql::ADMIN_CHANGE_TENANT, params).await?.as_ref().map(read).transpose()
}

fn read(row: &Row) -> Result<Tenant, StoreError> {
    Ok(Tenant {
        id: get(row, "id")?,
        name: get(row, "name")?,
        max_in_flight: get(row, "max_in_flight")?,
        strict_event_types: get(row, "strict_event_types")?,
        is_operator: get(row, "is_operator")?,
        created_at: get(row, "created_at")?,
        disabled_at: get(row, "disabled_at")?,
    })
}
