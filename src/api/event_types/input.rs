//! What a body says of an event type: read field by field, every failed rule noted.

use std::collections::HashMap;

use poem_openapi::Object;
use poem_openapi::types::Example;

use crate::api::body::{Fields, RawJson};
use crate::api::strict::violations;
use crate::domain::event::EventName;
use crate::domain::schema::{EventSchema, SCHEMA_MAX_BYTES};
use crate::domain::violation::Violation;
use crate::store::event_types::Described;

/// Most characters of a description; the database says the same.
const DESCRIPTION_MAX_CHARS: usize = 2000;
/// Most characters of a group; the database says the same.
const GROUP_MAX_CHARS: usize = 100;
/// Group of a type that names none.
const GROUP_DEFAULT: &str = "Own";

// The fields are read by `read_new`: this type is there for the document alone.
/// A new event type.
#[derive(Object)]
#[oai(deny_unknown_fields, example, skip_serializing_if_is_none)]
pub(super) struct EventTypeInput {
    /// Name such as `shipment.delayed`: lower case, at least two segments, up to 100 characters, not `posthorn.…`.
    #[oai(validator(min_length = 1, max_length = 100))]
    name: String,
    /// Heading under which people find it; `Own` when absent.
    #[oai(validator(min_length = 1, max_length = 100))]
    group: Option<String>,
    /// What happened when this event is published.
    #[oai(validator(max_length = 2000))]
    description: Option<String>,
    /// JSON Schema of the payload (draft 4, 6, 7, 2019-09 or 2020-12), up to 64 KiB. `$ref` leads within it: `#` or `#/…`.
    json_schema: Option<HashMap<String, RawJson>>,
    /// A payload, up to 64 KiB; it must fit the schema.
    example: Option<HashMap<String, RawJson>>,
    /// Whether payloads must fit the schema.
    is_strict: Option<bool>,
    /// Whether new publishers and subscribers should choose another.
    is_deprecated: Option<bool>,
}

/// What to change of an event type.
#[derive(Object)]
#[oai(deny_unknown_fields, example, skip_serializing_if_is_none)]
pub(super) struct EventTypeChange {
    /// Heading under which people find it; null: `Own`.
    #[oai(validator(min_length = 1, max_length = 100))]
    group: Option<String>,
    /// What happened when this event is published.
    #[oai(validator(max_length = 2000))]
    description: Option<String>,
    /// JSON Schema of the payload, up to 64 KiB.
    json_schema: Option<HashMap<String, RawJson>>,
    /// A payload, up to 64 KiB; it must fit the schema.
    example: Option<HashMap<String, RawJson>>,
    /// Whether payloads must fit the schema.
    is_strict: Option<bool>,
    /// Whether new publishers and subscribers should choose another.
    is_deprecated: Option<bool>,
}

impl Example for EventTypeInput {
    fn example() -> Self {
        let text = RawJson::text("object");
        Self {
            name: "shipment.delayed".to_owned(),
            group: Some("Shipping".to_owned()),
            description: Some("A shipment will be late".to_owned()),
            json_schema: Some(HashMap::from([("type".to_owned(), text)])),
            example: Some(HashMap::from([("shipment_id".to_owned(), RawJson::text("4711"))])),
            is_strict: Some(true),
            is_deprecated: None,
        }
    }
}

impl Example for EventTypeChange {
    fn example() -> Self {
        Self {
            group: None,
            description: Some("Use shipment.rescheduled".to_owned()),
            json_schema: None,
            example: None,
            is_strict: None,
            is_deprecated: Some(true),
        }
    }
}

/// Reads the name of a new type.
pub(super) fn read_name(fields: &mut Fields) -> Option<EventName> {
    let name = fields.required_text("name");
    let name = name.and_then(|name| fields.keep(EventName::parse("name", &name).map_err(Some)));
    if name.as_ref().is_some_and(EventName::is_reserved) {
        fields.fail("name", "event_reserved", "must not begin with posthorn., which is for operational events");
    }
    name
}

/// What is said of a type of which nothing is said.
pub(super) fn nothing() -> Described {
    Described {
        group: GROUP_DEFAULT.to_owned(),
        description: String::new(),
        json_schema: None,
        example: None,
        is_strict: false,
        is_deprecated: false,
    }
}

/// What is said after what the body changes of it, or everything that is wrong with that.
pub(super) async fn changed(mut fields: Fields, mut described: Described) -> Result<Described, Vec<Violation>> {
    let otherwise = nothing();
    let touches = fields.has("json_schema") || fields.has("example");
    fields.set("group", &mut described.group, otherwise.group, read_group);
    fields.set("description", &mut described.description, otherwise.description, read_description);
    fields
        .set("json_schema", &mut described.json_schema, None, |fields| read_document(fields, "json_schema").map(Some));
    fields.set("example", &mut described.example, None, |fields| read_document(fields, "example").map(Some));
    fields.set("is_strict", &mut described.is_strict, false, |fields| fields.take("is_strict", "true or false"));
    fields.set("is_deprecated", &mut described.is_deprecated, false, |fields| {
        fields.take("is_deprecated", "true or false")
    });
    let mut violations = fields.finish();
    let is_named = violations.iter().any(|violation| violation.field == "json_schema");
    if described.is_strict && described.json_schema.is_none() && !is_named {
        violations.push(Violation::new("is_strict", "strict_without_schema", "needs a json_schema to be strict about"));
    }
    if touches {
        violations.extend(faults_of(described.json_schema.clone(), described.example.clone()).await);
    }
    if violations.is_empty() { Ok(described) } else { Err(violations) }
}

/// What is wrong with a schema, or with an example that must fit it.
async fn faults_of(json_schema: Option<String>, example: Option<String>) -> Vec<Violation> {
    let Some(json_schema) = json_schema else { return Vec::new() };
    let work = tokio::task::spawn_blocking(move || match EventSchema::compile(&json_schema) {
        Err(faults) => violations("json_schema", "json_schema", faults),
        Ok(schema) => {
            let faults = example.map_or(Ok(()), |example| schema.check(&example)).err().unwrap_or_default();
            violations("example", "schema_mismatch", faults)
        }
    });
    work.await.unwrap_or_else(|_| vec![Violation::new("json_schema", "json_schema", "cannot be read")])
}

fn read_group(fields: &mut Fields) -> Option<String> {
    let group = fields.text("group")?;
    if !(1..=GROUP_MAX_CHARS).contains(&group.chars().count()) || group.chars().any(char::is_control) {
        let message = format!("must have 1 to {GROUP_MAX_CHARS} characters, none of them a control character");
        fields.fail("group", "printable", message);
    }
    Some(group)
}

fn read_description(fields: &mut Fields) -> Option<String> {
    let text = fields.text("description")?;
    let chars = text.chars().count();
    if chars > DESCRIPTION_MAX_CHARS {
        fields.fail(
            "description",
            "length",
            format!("must have at most {DESCRIPTION_MAX_CHARS} characters, has {chars}"),
        );
    }
    Some(text)
}

fn read_document(fields: &mut Fields, name: &'static str) -> Option<String> {
    let text = fields.object(name)?;
    if text.len() > SCHEMA_MAX_BYTES {
        fields.fail(name, "size", format!("must have at most {SCHEMA_MAX_BYTES} bytes, has {}", text.len()));
        return None;
    }
    Some(text)
}
