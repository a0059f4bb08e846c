//! Event types: the catalogue of the common ones and the tenant's own, with their JSON Schemas.

mod input;

use poem::Request;
use poem_openapi::param::{Header, Path, Query};
use poem_openapi::{Object, OpenApi};
use serde::Serialize;
use time::OffsetDateTime;

use self::input::{EventTypeChange, EventTypeInput, changed, nothing, read_name};
use super::Tag;
use super::body::{Body, RawJson};
use super::caller::{Caller, Manages, Reads};
use super::etag::ETag;
use super::once::Once;
use super::problem::Problem;
use super::refusal::{Acting, Changing, Reading, Refusal, Writing};
use super::reply::{Created, Found, NoContent, Reply};
use crate::domain::event::EventName;
use crate::store::event_types::{self, Creation, Listed, OWN_TYPES_MAX};
use crate::store::{Store, Work};

/// The operations on event types.
pub(super) struct EventTypesApi {
    /// Where they are.
    pub(super) store: Store,
}

#[OpenApi(tag = "Tag::EventTypes")]
impl EventTypesApi {
    /// List event types
    ///
    /// The catalogue in its groups: the common types, and your own. An event need not be listed here to be published, unless
    /// the tenant is strict.
    #[oai(path = "/event-types", method = "get", operation_id = "listEventTypes")]
    async fn list(
        &self,
        caller: Caller<Reads>,
        /// Only those of this group, such as `Invoices`.
        group: Query<Option<String>>,
        /// Only your own (`true`), or only common ones (`false`).
        own: Query<Option<bool>>,
    ) -> Result<Found<EventTypes>, Refusal<Reading>> {
        let (group, own) = (group.0.as_deref(), own.0);
        let types = self
            .store
            .tx("list event types", caller.scope(), move |tx| Work::new(event_types::list(tx, group, own)))
            .await?;
        Ok(Reply::new(EventTypes::group(types)))
    }

    /// Get an event type
    ///
    /// With its JSON Schema and example: your own type of this name, else the common one. With an `ETag`, for a change that must
    /// not overwrite another.
    #[oai(path = "/event-types/:name", method = "get", operation_id = "getEventType")]
    async fn get(
        &self,
        caller: Caller<Reads>,
        /// Name of the type, such as `invoice.created`.
        name: Path<String>,
    ) -> Result<Found<EventTypeRecord>, Refusal<Reading>> {
        let found = self.find(&caller, &parse(&name.0)?).await?;
        Ok(shown(found)?)
    }

    /// Create an event type
    ///
    /// A type of your own. It may have the name of a common one, to say more of it: it then stands in its place, with the
    /// common one's group and description where you give none. With `is_strict` payloads must fit `json_schema`.
    #[oai(path = "/event-types", method = "post", operation_id = "createEventType")]
    async fn create(
        &self,
        caller: Caller<Manages>,
        request: &Request,
        body: Body<EventTypeInput>,
    ) -> Result<Once<Created<EventTypeRecord>>, Refusal<Writing>> {
        let mut fields = body.0;
        let Some(name) = &read_name(&mut fields) else {
            return Err(Problem::invalid(changed(fields, nothing()).await.err().unwrap_or_default()).into());
        };
        let known =
            self.store.tx("get event type", caller.scope(), move |tx| Work::new(event_types::find(tx, name))).await?;
        let base = known.filter(|known| !known.is_own).map_or_else(nothing, |common| common.described);
        let new = &changed(fields, base).await.map_err(Problem::invalid)?;
        let tenant = caller.tenant();
        let answer = |creation| match creation {
            Creation::Created(made) => Ok(shown(*made)?.at(request, name)),
            Creation::Exists => Err(Problem::conflict(format!("you have an event type {name} already"))),
            Creation::TooMany => Err(Problem::conflict(format!(
                "there are {OWN_TYPES_MAX} event types of your own, the most there can be"
            ))),
        };
        let made = caller.once(
            &self.store,
            "create event type",
            move |tx| Work::new(event_types::create(tx, tenant, name, new)),
            answer,
        );
        Ok(made.await??)
    }

    /// Change an event type
    ///
    /// One of your own; fields that are absent stay, null takes away.
    #[oai(path = "/event-types/:name", method = "patch", operation_id = "updateEventType")]
    async fn update(
        &self,
        caller: Caller<Manages>,
        /// Name of the type.
        name: Path<String>,
        /// `ETag` of the state that the change is meant for: 412 when it is no longer that.
        #[oai(name = "If-Match")]
        if_match: Header<Option<String>>,
        body: Body<EventTypeChange>,
    ) -> Result<Found<EventTypeRecord>, Refusal<Changing>> {
        let (name, expected) = (&parse(&name.0)?, ETag::expected(if_match.0.as_deref())?);
        let known = self.find(&caller, name).await?;
        if !known.is_own {
            return Err(common(name).into());
        }
        expected.check(known.updated_at)?;
        let new = &changed(body.0, known.described).await.map_err(Problem::invalid)?;
        let read_at = known.updated_at;
        let written = self
            .store
            .tx("change event type", caller.scope(), move |tx| Work::new(event_types::change(tx, name, new, read_at)))
            .await?;
        Ok(shown(written.ok_or_else(|| Problem::conflict("it was changed at the same time; try again"))?)?)
    }

    /// Delete an event type
    ///
    /// One of your own. A common type of the same name shows again. Events and subscriptions stay.
    #[oai(path = "/event-types/:name", method = "delete", operation_id = "deleteEventType")]
    async fn delete(
        &self,
        caller: Caller<Manages>,
        /// Name of the type.
        name: Path<String>,
    ) -> Result<NoContent, Refusal<Acting>> {
        let name = &parse(&name.0)?;
        let is_deleted = self
            .store
            .tx("delete event type", caller.scope(), move |tx| Work::new(event_types::delete(tx, name)))
            .await?;
        if is_deleted {
            return Ok(NoContent);
        }
        self.find(&caller, name).await?;
        Err(common(name).into())
    }
}

impl EventTypesApi {
    async fn find<P>(&self, caller: &Caller<P>, name: &EventName) -> Result<event_types::EventType, Problem> {
        let found =
            self.store.tx("get event type", caller.scope(), move |tx| Work::new(event_types::find(tx, name))).await?;
        found.ok_or_else(|| unknown(name.as_str()))
    }
}

fn shown<const STATUS: u16>(row: event_types::EventType) -> Result<Reply<STATUS, EventTypeRecord>, Problem> {
    let etag = ETag::of(row.updated_at);
    Ok(Reply::new(EventTypeRecord::new(row)?).tagged(&etag))
}

fn parse(name: &str) -> Result<EventName, Problem> {
    EventName::parse("name", name).map_err(|_| unknown(name))
}

fn unknown(name: &str) -> Problem {
    Problem::not_found(format!("there is no event type {name}"))
}

fn common(name: &EventName) -> Problem {
    Problem::conflict(format!("{name} is a common type; create one of your own with this name to say more of it"))
}

fn is_operational(name: &str) -> bool {
    EventName::parse("name", name).is_ok_and(|name| name.is_reserved())
}

/// The catalogue.
#[derive(Object, Serialize)]
struct EventTypes {
    /// By heading.
    data: Vec<EventGroup>,
}

/// Event types under one heading.
#[derive(Object, Serialize)]
struct EventGroup {
    /// The heading.
    group: String,
    /// The types, by name.
    types: Vec<EventType>,
}

/// One event type.
#[derive(Object, Serialize)]
struct EventType {
    /// Such as `invoice.created`.
    name: String,
    /// What happened.
    description: String,
    /// Whether it is the tenant's own and not a common one.
    is_own: bool,
    /// Whether it is an operational event: Posthorn's own, published by nobody else, which `*` does not match.
    is_operational: bool,
    /// Whether payloads must fit its JSON Schema.
    is_strict: bool,
    /// Whether new publishers and subscribers should choose another.
    is_deprecated: bool,
    /// Whether it has a JSON Schema.
    has_json_schema: bool,
}

/// Everything said of an event type.
#[derive(Object, Serialize)]
struct EventTypeRecord {
    /// Such as `invoice.created`.
    name: String,
    /// Heading under which people find it.
    group: String,
    /// What happened.
    description: String,
    /// JSON Schema of the payload.
    #[oai(nullable)]
    json_schema: Option<RawJson>,
    /// A payload that fits.
    #[oai(nullable)]
    example: Option<RawJson>,
    /// Whether it is the tenant's own and not a common one.
    is_own: bool,
    /// Whether it is an operational event: Posthorn's own, published by nobody else, which `*` does not match.
    is_operational: bool,
    /// Whether payloads must fit the schema.
    is_strict: bool,
    /// Whether new publishers and subscribers should choose another.
    is_deprecated: bool,
    /// When it was added.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When it was last changed.
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
}

impl EventTypeRecord {
    fn new(row: event_types::EventType) -> Result<Self, Problem> {
        Ok(Self {
            is_operational: is_operational(&row.name),
            name: row.name,
            group: row.described.group,
            description: row.described.description,
            json_schema: row.described.json_schema.map(RawJson::new).transpose()?,
            example: row.described.example.map(RawJson::new).transpose()?,
            is_own: row.is_own,
            is_strict: row.described.is_strict,
            is_deprecated: row.described.is_deprecated,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

impl EventTypes {
    /// Rows come sorted by group.
    fn group(rows: Vec<Listed>) -> Self {
        let mut data: Vec<EventGroup> = Vec::new();
        for row in rows {
            let shown = EventType {
                is_operational: is_operational(&row.name),
                name: row.name,
                description: row.description,
                is_own: row.is_own,
                is_strict: row.is_strict,
                is_deprecated: row.is_deprecated,
                has_json_schema: row.has_json_schema,
            };
            match data.last_mut().filter(|last| last.group == row.group) {
                Some(last) => last.types.push(shown),
                None => data.push(EventGroup { group: row.group, types: vec![shown] }),
            }
        }
        Self { data }
    }
}
