//! The catalogue of event types, as one tenant sees it: the common ones and its own. Schemas and examples stay text.

use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;

use super::row::get;
use super::{StoreError, Tx, sql};
use crate::domain::event::EventName;

/// Most types of its own that a tenant can have.
pub const OWN_TYPES_MAX: i64 = 1000;

/// A type in the list.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Such as `invoice.created`.
    pub name: String,
    /// Heading under which people find it.
    pub group: String,
    /// What happened.
    pub description: String,
    /// Whether it is the tenant's own and not a common one.
    pub is_own: bool,
    /// Whether payloads must fit its schema.
    pub is_strict: bool,
    /// Whether another should be chosen.
    pub is_deprecated: bool,
    /// Whether it has a JSON Schema.
    pub has_json_schema: bool,
}

/// What is said of a type.
#[derive(Clone, Debug)]
pub struct Described {
    /// Heading under which people find it.
    pub group: String,
    /// What happened.
    pub description: String,
    /// JSON Schema of the payload, as it was written.
    pub json_schema: Option<String>,
    /// A payload, as it was written.
    pub example: Option<String>,
    /// Whether payloads must fit the schema.
    pub is_strict: bool,
    /// Whether another should be chosen.
    pub is_deprecated: bool,
}

/// A type as stored.
#[derive(Clone, Debug)]
pub struct EventType {
    /// Such as `invoice.created`.
    pub name: String,
    /// What is said of it.
    pub described: Described,
    /// Whether it is the tenant's own and not a common one.
    pub is_own: bool,
    /// When it was added.
    pub created_at: OffsetDateTime,
    /// When it was last changed.
    pub updated_at: OffsetDateTime,
}

/// What came of [`create`].
#[derive(Debug)]
pub enum Creation {
    /// It is there.
    Created(Box<EventType>),
    /// The tenant has a type of this name.
    Exists,
    /// It has [`OWN_TYPES_MAX`] of them.
    TooMany,
}

/// What an event of a name must fit, where type or tenant is strict.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The name.
    pub name: String,
    /// JSON Schema of the type; `None`: it has none.
    pub json_schema: Option<String>,
    /// Whether the catalogue has no such type.
    pub is_unknown: bool,
}

/// The catalogue, by group and name; an own type hides the common one of its name.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn list(tx: &Tx<'_>, group: Option<&str>, is_own: Option<bool>) -> Result<Vec<Listed>, StoreError> {
    let rows = tx.query(sql::EVENT_TYPES_LIST, &[&group, &is_own]).await?;
    let read = |row| {
        Ok(Listed {
            name: get(row, "name")?,
            group: get(row, "group_name")?,
            description: get(row, "description")?,
            is_own: get(row, "is_own")?,
            is_strict: get(row, "is_strict")?,
            is_deprecated: get(row, "is_deprecated")?,
            has_json_schema: get(row, "has_json_schema")?,
        })
    };
    rows.iter().map(read).collect()
}

/// One type: the tenant's own, else the common one.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn find(tx: &Tx<'_>, name: &EventName) -> Result<Option<EventType>, StoreError> {
    tx.query_opt(sql::EVENT_TYPES_GET, &[&name.as_str()]).await?.as_ref().map(read).transpose()
}

/// Adds a type of the tenant's own.
///
/// # Errors
/// [`StoreError::Constraint`] and [`StoreError::Value`] for what the schema refuses.
pub async fn create(tx: &Tx<'_>, tenant: Uuid, name: &EventName, new: &Described) -> Result<Creation, StoreError> {
    // two at once must not both be the last one
    tx.query(sql::SESSION_LOCK_TENANT, &[&tenant]).await?;
    let known: i64 = get(&tx.query_one(sql::EVENT_TYPES_COUNT_OWN, &[]).await?, "types")?;
    if known >= OWN_TYPES_MAX {
        return Ok(Creation::TooMany);
    }
    let made = tx
        .query_opt(
            sql::EVENT_TYPES_ADD,
            &[
                &tenant,
                &name.as_str(),
                &new.group,
                &new.description,
                &new.json_schema,
                &new.example,
                &new.is_strict,
                &new.is_deprecated,
            ],
        )
        .await?;
    match made {
        None => Ok(Creation::Exists),
        Some(_) => {
            let row = tx.query_one(sql::EVENT_TYPES_GET, &[&name.as_str()]).await?;
            Ok(Creation::Created(Box::new(read(&row)?)))
        }
    }
}

/// Replaces what is said of an own type; `None` when it is not as it was at `read_at` any more.
///
/// # Errors
/// [`StoreError::Constraint`] and [`StoreError::Value`] for what the schema refuses.
pub async fn change(
    tx: &Tx<'_>,
    name: &EventName,
    new: &Described,
    read_at: OffsetDateTime,
) -> Result<Option<EventType>, StoreError> {
    let changed = tx
        .query_opt(
            sql::EVENT_TYPES_CHANGE,
            &[
                &name.as_str(),
                &new.group,
                &new.description,
                &new.json_schema,
                &new.example,
                &new.is_strict,
                &new.is_deprecated,
                &read_at,
            ],
        )
        .await?;
    if changed.is_none() {
        return Ok(None);
    }
    find(tx, name).await
}

/// Deletes an own type; answers whether there was one.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn delete(tx: &Tx<'_>, name: &EventName) -> Result<bool, StoreError> {
    Ok(tx.query_opt(sql::EVENT_TYPES_DELETE, &[&name.as_str()]).await?.is_some())
}

/// Of these names those that the tenant is strict about.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn rules(tx: &Tx<'_>, names: &[&str]) -> Result<Vec<Rule>, StoreError> {
    let rows = tx.query(sql::EVENT_TYPES_RULES, &[&names]).await?;
    let read = |row| {
        Ok(Rule { name: get(row, "name")?, json_schema: get(row, "json_schema")?, is_unknown: get(row, "is_unknown")? })
    };
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<EventType, StoreError> {
    Ok(EventType {
        name: get(row, "name")?,
        described: Described {
            group: get(row, "group_name")?,
            description: get(row, "description")?,
            json_schema: get(row, "json_schema")?,
            example: get(row, "example")?,
            is_strict: get(row, "is_strict")?,
            is_deprecated: get(row, "is_deprecated")?,
        },
        is_own: get(row, "is_own")?,
        created_at: get(row, "created_at")?,
        updated_at: get(row, "updated_at")?,
    })
}
