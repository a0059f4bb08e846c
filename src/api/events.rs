//! Events: publish one, read one, and the catalogue of types.

use std::collections::HashMap;

use poem::Request;
use poem_openapi::param::Path;
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Tag;
use super::body::{Body, Fields, RawJson};
use super::caller::{Caller, Publishes, Reads};
use super::once::Once;
use super::problem::Problem;
use super::refusal::{Reading, Refusal, Writing};
use super::reply::{Created, Found, Reply};
use crate::domain::event::EventName;
use crate::store::events::{self, NewEvent};
use crate::store::{Store, Work};

/// The operations on events.
pub(super) struct EventsApi {
    /// Where they are.
    pub(super) store: Store,
}

#[OpenApi(tag = "Tag::Events")]
impl EventsApi {
    /// Publish an event
    ///
    /// Accepted whether or not a subscription wants it. The payload is stored as it comes: numbers keep their digits.
    #[oai(path = "/events", method = "post", operation_id = "publishEvent")]
    async fn publish(
        &self,
        caller: Caller<Publishes>,
        request: &Request,
        body: Body<EventInput>,
    ) -> Result<Once<Created<Published>>, Refusal<Writing>> {
        let new = &read_event(body.0)?;
        let answer = |published: events::Published| {
            let (id, event, deliveries) = (published.id, new.event.to_string(), published.deliveries);
            Ok(Reply::new(Published { id, event, deliveries }).at(request, id))
        };
        Ok(caller.once(&self.store, "publish event", move |tx| Work::new(events::publish(tx, new)), answer).await??)
    }

    /// Get an event
    #[oai(path = "/events/:id", method = "get", operation_id = "getEvent")]
    async fn get(
        &self,
        caller: Caller<Reads>,
        /// Id of the event.
        id: Path<Uuid>,
    ) -> Result<Found<Event>, Refusal<Reading>> {
        let found = self.store.tx("get event", caller.scope(), move |tx| Work::new(events::find(tx, id.0))).await?;
        let event = found.ok_or_else(|| Problem::not_found(format!("there is no event {}", id.0)))?;
        Ok(Reply::new(Event::new(event)?))
    }

    /// List event types
    ///
    /// The catalogue in its groups. An event need not be listed here to be published.
    #[oai(path = "/event-types", method = "get", operation_id = "listEventTypes")]
    async fn types(&self, caller: Caller<Reads>) -> Result<Found<EventTypes>, Refusal<Reading>> {
        let types = self.store.tx("list event types", caller.scope(), move |tx| Work::new(events::types(tx))).await?;
        Ok(Reply::new(EventTypes::group(types)))
    }
}

/// An event to be published. Its fields are read by [`read_event`]; this is how the document shows them.
#[derive(Object)]
#[oai(deny_unknown_fields, example, skip_serializing_if_is_none)]
pub(super) struct EventInput {
    /// Event type such as `invoice.created`: lower case, at least two segments, up to 100 characters.
    #[oai(validator(min_length = 1, max_length = 100))]
    event: String,
    /// The data, a JSON object of up to 256 KiB (`WEBHOOK_MAX_PAYLOAD_BYTES`).
    payload: HashMap<String, RawJson>,
    /// Kind of the thing it is about, such as `invoice`.
    #[oai(validator(min_length = 1, max_length = 100))]
    resource_type: Option<String>,
    /// Id of the thing it is about.
    #[oai(validator(min_length = 1, max_length = 200))]
    resource_id: Option<String>,
    /// Merged into the body's metadata, beneath `tenant_id`, `source` and `version`.
    metadata: Option<HashMap<String, RawJson>>,
    /// Not to be sent before this time.
    deliver_after: Option<OffsetDateTime>,
}

impl Example for EventInput {
    fn example() -> Self {
        let amount = RawJson::text("1500.00");
        Self {
            event: "invoice.created".to_owned(),
            payload: HashMap::from([("amount".to_owned(), amount)]),
            resource_type: Some("invoice".to_owned()),
            resource_id: Some("4711".to_owned()),
            metadata: None,
            deliver_after: None,
        }
    }
}

/// Reads the fields of an event, or says everything that is wrong with them.
pub(super) fn read_event(mut fields: Fields) -> Result<NewEvent, Problem> {
    let name = fields.required_text("event");
    let event = name.and_then(|name| fields.keep(EventName::parse("event", &name).map_err(Some)));
    if event.as_ref().is_some_and(EventName::is_reserved) {
        fields.fail("event", "event_reserved", "must not begin with posthorn., which is for operational events");
    }
    fields.require("payload");
    let payload = fields.object("payload");
    let resource_type = short_text(&mut fields, "resource_type", 100);
    let resource_id = short_text(&mut fields, "resource_id", 200);
    let metadata = fields.object("metadata");
    let deliver_after = fields.time("deliver_after");
    let violations = fields.finish();
    match (event, payload) {
        (Some(event), Some(payload)) if violations.is_empty() => {
            Ok(NewEvent { event, payload, resource_type, resource_id, metadata, deliver_after })
        }
        _ => Err(Problem::invalid(violations)),
    }
}

pub(super) fn short_text(fields: &mut Fields, field: &'static str, max: usize) -> Option<String> {
    let text = fields.text(field)?;
    if !(1..=max).contains(&text.chars().count()) || text.chars().any(char::is_control) {
        fields.fail(field, "printable", format!("must have 1 to {max} characters, none of them a control character"));
    }
    Some(text)
}

/// What was published.
#[derive(Object, Serialize)]
struct Published {
    /// Id of the event: `webhook-id` of every webhook it becomes.
    id: Uuid,
    /// Event type, normalised.
    event: String,
    /// Deliveries made; null while a dispatcher still has to find out (very many subscriptions, or a failing filter).
    #[oai(nullable)]
    deliveries: Option<i64>,
}

/// Something that happened.
#[derive(Object, Serialize)]
struct Event {
    /// Id.
    id: Uuid,
    /// Whose.
    tenant_id: Uuid,
    /// Event type.
    event: String,
    /// The data.
    payload: RawJson,
    /// Kind of the thing it is about.
    #[oai(nullable)]
    resource_type: Option<String>,
    /// Id of the thing it is about.
    #[oai(nullable)]
    resource_id: Option<String>,
    /// Its own metadata.
    #[oai(nullable)]
    metadata: Option<RawJson>,
    /// Not to be sent before.
    #[oai(nullable)]
    #[serde(with = "time::serde::rfc3339::option")]
    deliver_after: Option<OffsetDateTime>,
    /// When it was published.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// `done`; `open`: a dispatcher will make its deliveries; `muted` or `unknown_tenant`: it has none.
    fanout: String,
    /// Why it is open.
    #[oai(nullable)]
    fanout_reason: Option<String>,
}

impl Event {
    fn new(row: events::Event) -> Result<Self, Problem> {
        Ok(Self {
            id: row.id,
            tenant_id: row.tenant_id,
            event: row.event,
            payload: RawJson::new(row.payload)?,
            resource_type: row.resource_type,
            resource_id: row.resource_id,
            metadata: row.metadata.map(RawJson::new).transpose()?,
            deliver_after: row.deliver_after,
            created_at: row.created_at,
            fanout: row.fanout,
            fanout_reason: row.fanout_reason,
        })
    }
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
}

impl EventTypes {
    /// Rows come sorted by group.
    fn group(rows: Vec<events::EventType>) -> Self {
        let mut data: Vec<EventGroup> = Vec::new();
        for row in rows {
            let shown = EventType { name: row.name, description: row.description, is_own: row.is_own };
            match data.last_mut().filter(|last| last.group == row.group) {
                Some(last) => last.types.push(shown),
                None => data.push(EventGroup { group: row.group, types: vec![shown] }),
            }
        }
        Self { data }
    }
}
