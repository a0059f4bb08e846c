//! What bodies say about events: read field by field, every failed rule noted.

use std::collections::HashMap;

use poem_openapi::Object;
use poem_openapi::types::Example;
use serde_json::value::RawValue;
use time::OffsetDateTime;

use crate::api::body::{Fields, RawJson};
use crate::api::problem::Problem;
use crate::domain::event::EventName;
use crate::domain::violation::Violation;
use crate::store::events::NewEvent;

// The fields are read by `read_event`: this type is there for the document alone.
/// An event to be published.
#[derive(Object)]
#[oai(deny_unknown_fields, example, skip_serializing_if_is_none)]
pub(in crate::api) struct EventInput {
    /// Event type such as `invoice.created`: lower case, at least two segments, up to 100 characters.
    #[oai(validator(max_length = 100, pattern = r"^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)+$"))]
    event: String,
    /// The data, a JSON object of up to 256 KiB (`WEBHOOK_MAX_PAYLOAD_BYTES`).
    payload: HashMap<String, RawJson>,
    /// Kind of the thing it is about, such as `invoice`.
    #[oai(nullable, validator(min_length = 1, max_length = 100))]
    resource_type: Option<String>,
    /// Id of the thing it is about.
    #[oai(nullable, validator(min_length = 1, max_length = 200))]
    resource_id: Option<String>,
    /// Merged into the body's metadata, beneath `tenant_id`, `source` and `version`.
    #[oai(nullable)]
    metadata: Option<HashMap<String, RawJson>>,
    /// Not to be sent before this time.
    #[oai(nullable)]
    deliver_after: Option<OffsetDateTime>,
    /// Events with the same key reach `ordered` subscriptions one at a time, in the order in which they were published.
    #[oai(nullable, validator(min_length = 1, max_length = 200))]
    ordering_key: Option<String>,
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
            ordering_key: None,
        }
    }
}

/// Reads the fields of an event, or says everything that is wrong with them.
pub(in crate::api) fn read_event(fields: Fields) -> Result<NewEvent, Problem> {
    draft(fields).map_err(Problem::invalid)
}

fn draft(mut fields: Fields) -> Result<NewEvent, Vec<Violation>> {
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
    let ordering_key = short_text(&mut fields, "ordering_key", 200);
    let violations = fields.finish();
    match (event, payload) {
        (Some(event), Some(payload)) if violations.is_empty() => {
            Ok(NewEvent { event, payload, resource_type, resource_id, metadata, deliver_after, ordering_key })
        }
        _ => Err(violations),
    }
}

pub(in crate::api) fn short_text(fields: &mut Fields, field: &'static str, max: usize) -> Option<String> {
    let text = fields.text(field)?;
    if !(1..=max).contains(&text.chars().count()) || text.chars().any(char::is_control) {
        fields.fail(field, "printable", format!("must have 1 to {max} characters, none of them a control character"));
    }
    Some(text)
}

/// Most events of one request.
const BATCH_MAX: usize = 1000;

// The fields are read by `read_batch`: this type is there for the document alone.
/// Events to be published together.
#[derive(Object)]
#[oai(deny_unknown_fields, example)]
pub(super) struct BatchInput {
    /// 1 to 1000 events, in the order in which they happened.
    #[oai(validator(min_items = 1, max_items = 1000))]
    events: Vec<EventInput>,
}

impl Example for BatchInput {
    fn example() -> Self {
        Self { events: vec![EventInput::example()] }
    }
}

/// Reads the events of a batch, or says everything that is wrong with any of them.
pub(super) fn read_batch(mut fields: Fields) -> Result<Vec<NewEvent>, Problem> {
    fields.require("events");
    let items = fields.take::<Vec<Box<RawValue>>>("events", "a list of events").unwrap_or_default();
    let mut violations = fields.finish();
    if violations.is_empty() && !(1..=BATCH_MAX).contains(&items.len()) {
        violations.push(Violation::new("events", "events_count", format!("must be 1 to {BATCH_MAX} events")));
    }
    let mut events = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate().take(BATCH_MAX) {
        let field = format!("events[{index}]");
        match Fields::of(item).map(draft) {
            Some(Ok(event)) => events.push(event),
            Some(Err(found)) => violations.extend(
                found.into_iter().map(|found| Violation { field: format!("{field}.{}", found.field), ..found }),
            ),
            None => violations.push(Violation::new(&field, "object", "must be a JSON object")),
        }
    }
    if violations.is_empty() { Ok(events) } else { Err(Problem::invalid(violations)) }
}

/// What Postgres has against texts of a batch, in the words of its fields.
pub(super) fn refuse_texts(field: &str, faults: Vec<(usize, String)>) -> Vec<Violation> {
    let name = |(index, fault): (usize, String)| Violation::new(&format!("events[{index}].{field}"), "value", fault);
    faults.into_iter().map(name).collect()
}
