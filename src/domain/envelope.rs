//! Renders the request body of an event from the stored text of its payload (R34–R36).
//!
//! The payload is never parsed: numbers of any size, six thousand levels of nesting and the order of keys go out as
//! PostgreSQL printed them, and the same event always gives the same bytes (R39).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use bytes::Bytes;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use time::{OffsetDateTime, UtcOffset};
use uuid::Uuid;

use super::subscription::PayloadFormat;

/// Version of the default and `gestiq` envelopes (R34).
const ENVELOPE_VERSION: &str = "1.0";

/// What the event headers of a batch say: its events may be of several types.
pub const BATCH: &str = "batch";

/// Metadata keys that are ours whatever the event's own metadata says.
const OWN_METADATA: [&str; 3] = ["tenant_id", "source", "version"];

/// Room for everything around the payload, in bytes; a guess that saves the body from growing step by step.
const ENVELOPE_BYTES: usize = 512;

/// What a body is made of: one outbox row.
#[derive(Clone, Copy, Debug)]
pub struct EventView<'a> {
    /// The event's id.
    pub id: Uuid,
    /// The event's name.
    pub event: &'a str,
    /// Whose event.
    pub tenant_id: Uuid,
    /// When it was published.
    pub created_at: OffsetDateTime,
    /// Kind of thing it is about.
    pub resource_type: Option<&'a str>,
    /// Which one.
    pub resource_id: Option<&'a str>,
    /// The payload: valid JSON text, sent as it is.
    pub payload_json: &'a str,
    /// The event's own metadata: the text of a JSON object.
    pub metadata_json: Option<&'a str>,
    /// Name of this installation (`WEBHOOK_SOURCE`).
    pub source: &'a str,
}

/// A body ready to be signed and sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The bytes to sign and to send.
    pub body: Bytes,
    /// Value of `Content-Type`.
    pub content_type: Cow<'static, str>,
    /// Headers that belong to the format (CloudEvents binary mode), names in lower case, values printable ASCII.
    pub extra_headers: Vec<(&'static str, String)>,
}

/// Renders `event` in `format`. Deterministic and infallible. Templates are rendered by [`super::template`]; here they come out
/// as [`PayloadFormat::Default`].
pub fn render(format: PayloadFormat, event: &EventView<'_>) -> Rendered {
    let mut extra_headers = Vec::new();
    let mut content_type = "application/json";
    let body = match format {
        PayloadFormat::Default | PayloadFormat::Template => default_body(event),
        PayloadFormat::Gestiq => gestiq_body(event),
        PayloadFormat::Dotmac => dotmac_body(event),
        PayloadFormat::CloudEvents => {
            content_type = "application/cloudevents+json";
            cloud_events_body(event)
        }
        PayloadFormat::CloudEventsBinary => {
            extra_headers = cloud_events_headers(event);
            event.payload_json.to_owned()
        }
        PayloadFormat::Raw => event.payload_json.to_owned(),
    };
    Rendered { body: Bytes::from(body), content_type: content_type.into(), extra_headers }
}

/// Renders several events as one JSON array of what each would be alone (F1). `CloudEventsBinary` has no batch of its own:
/// it becomes the structured one.
pub fn render_batch<'a>(format: PayloadFormat, events: impl IntoIterator<Item = &'a EventView<'a>>) -> Rendered {
    let (format, content_type) = match format {
        PayloadFormat::CloudEvents | PayloadFormat::CloudEventsBinary => {
            (PayloadFormat::CloudEvents, "application/cloudevents-batch+json")
        }
        other => (other, "application/json"),
    };
    let body = array(events.into_iter().map(|event| render(format, event).body));
    Rendered { body, content_type: content_type.into(), extra_headers: Vec::new() }
}

/// Joins JSON values to one JSON array.
pub fn array(values: impl IntoIterator<Item = Bytes>) -> Bytes {
    let mut array = Vec::from(*b"[");
    for value in values {
        if array.len() > 1 {
            array.push(b',');
        }
        array.extend_from_slice(&value);
    }
    array.push(b']');
    array.into()
}

/// The id of a batch, made from those of its events: the same events in the same order are the same message (R39).
pub fn batch_id(events: impl IntoIterator<Item = Uuid>) -> Uuid {
    let mut hash = Sha256::new();
    for event in events {
        hash.update(event.as_bytes());
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// RFC 3339 in UTC with `Z` and exactly six fractional digits (C26): the precision that PostgreSQL keeps.
pub fn timestamp(at: OffsetDateTime) -> String {
    let at = at.to_offset(UtcOffset::UTC);
    let (year, month, day) = at.to_calendar_date();
    let (hour, minute, second, micro) = at.to_hms_micro();
    format!("{year:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micro:06}Z", u8::from(month))
}

/// The union of the three original envelopes (C4); what templates see.
pub(super) fn default_body(event: &EventView<'_>) -> String {
    let mut object = Object::with_room_for(event);
    object.text("id", &event.id.to_string());
    object.text("type", event.event);
    object.text("event", event.event);
    object.text("timestamp", &timestamp(event.created_at));
    object.text("tenant_id", &event.tenant_id.to_string());
    object.optional_text("resource_type", event.resource_type);
    object.optional_text("resource_id", event.resource_id);
    object.raw("data", event.payload_json);
    object.raw("metadata", &metadata(event, event.metadata_json));
    object.finish()
}

/// Envelope A (R34), as its document shows it.
fn gestiq_body(event: &EventView<'_>) -> String {
    let mut object = Object::with_room_for(event);
    object.text("event", event.event);
    object.optional_text("resource_type", event.resource_type);
    object.optional_text("resource_id", event.resource_id);
    object.text("timestamp", &timestamp(event.created_at));
    object.raw("data", event.payload_json);
    object.raw("metadata", &metadata(event, None));
    object.finish()
}

/// Envelope C (R36), as its document shows it.
fn dotmac_body(event: &EventView<'_>) -> String {
    let mut object = Object::with_room_for(event);
    object.text("id", &event.id.to_string());
    object.text("type", event.event);
    object.text("timestamp", &timestamp(event.created_at));
    object.text("tenant_id", &event.tenant_id.to_string());
    object.raw("data", event.payload_json);
    object.finish()
}

/// CloudEvents 1.0, JSON format, structured mode.
fn cloud_events_body(event: &EventView<'_>) -> String {
    let mut object = Object::with_room_for(event);
    for (name, value) in cloud_events_attributes(event) {
        object.text(name, &value);
    }
    object.text("datacontenttype", "application/json");
    object.raw("data", event.payload_json);
    object.finish()
}

/// CloudEvents 1.0, HTTP binding §3.1.3: attributes as headers, percent-encoded.
fn cloud_events_headers(event: &EventView<'_>) -> Vec<(&'static str, String)> {
    let header = |name| match name {
        "specversion" => "ce-specversion",
        "id" => "ce-id",
        "source" => "ce-source",
        "type" => "ce-type",
        "time" => "ce-time",
        "subject" => "ce-subject",
        _ => "ce-tenantid",
    };
    let is_plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '%');
    cloud_events_attributes(event)
        .into_iter()
        .map(|(name, value)| match name {
            // Already a URI reference: its percent signs are its own.
            "source" => (header(name), value),
            _ => (header(name), percent_encode(&value, is_plain)),
        })
        .collect()
}

fn cloud_events_attributes(event: &EventView<'_>) -> Vec<(&'static str, String)> {
    let mut attributes = vec![
        ("specversion", "1.0".to_owned()),
        ("id", event.id.to_string()),
        // The attribute is a URI reference, our setting any text.
        ("source", percent_encode(event.source, |c| c.is_ascii_alphanumeric() || "-._~:/@!$&'()*+,;=".contains(c))),
        ("type", event.event.to_owned()),
        ("time", timestamp(event.created_at)),
    ];
    let subject: Vec<&str> =
        [event.resource_type, event.resource_id].into_iter().flatten().filter(|s| !s.is_empty()).collect();
    if !subject.is_empty() {
        attributes.push(("subject", subject.join("/")));
    }
    attributes.push(("tenantid", event.tenant_id.to_string()));
    attributes
}

fn percent_encode(text: &str, is_plain: impl Fn(char) -> bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for c in text.chars() {
        if is_plain(c) {
            encoded.push(c);
        } else {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                write!(encoded, "%{byte:02X}").expect("writing to a String cannot fail");
            }
        }
    }
    encoded
}

/// The event's own metadata with ours on top; its values stay the text they are.
fn metadata(event: &EventView<'_>, own: Option<&str>) -> String {
    let mut object = Object::with_capacity(128 + own.map_or(0, str::len));
    // The column's CHECK wants an object; a row that got around it must not stop the delivery.
    let own = own.and_then(|text| serde_json::from_str::<BTreeMap<String, &RawValue>>(text).ok()).unwrap_or_default();
    for (key, value) in own.iter().filter(|(key, _)| !OWN_METADATA.contains(&key.as_str())) {
        object.raw(key, value.get());
    }
    object.text("tenant_id", &event.tenant_id.to_string());
    object.text("source", event.source);
    object.text("version", ENVELOPE_VERSION);
    object.finish()
}

/// A JSON object under construction, key after key.
struct Object {
    json: String,
}

impl Object {
    fn with_room_for(event: &EventView<'_>) -> Self {
        Self::with_capacity(ENVELOPE_BYTES + event.payload_json.len() + event.metadata_json.map_or(0, str::len))
    }

    fn with_capacity(bytes: usize) -> Self {
        let mut json = String::with_capacity(bytes);
        json.push('{');
        Self { json }
    }

    fn key(&mut self, key: &str) {
        if self.json.len() > 1 {
            self.json.push(',');
        }
        push_json_string(&mut self.json, key);
        self.json.push(':');
    }

    fn text(&mut self, key: &str, value: &str) {
        self.key(key);
        push_json_string(&mut self.json, value);
    }

    fn optional_text(&mut self, key: &str, value: Option<&str>) {
        match value {
            Some(value) => self.text(key, value),
            None => self.raw(key, "null"),
        }
    }

    /// `json` must be one JSON value already.
    fn raw(&mut self, key: &str, json: &str) {
        self.key(key);
        self.json.push_str(json);
    }

    fn finish(mut self) -> String {
        self.json.push('}');
        self.json
    }
}

/// RFC 8259 §7: what must be escaped is, nothing else.
fn push_json_string(json: &mut String, text: &str) {
    json.push('"');
    let mut plain_from = 0;
    // Everything to be escaped is a single ASCII byte, so each index found is a character boundary.
    for (index, byte) in text.bytes().enumerate().filter(|(_, b)| matches!(b, b'"' | b'\\' | 0..=0x1f)) {
        json.push_str(&text[plain_from..index]);
        match byte {
            b'"' => json.push_str("\\\""),
            b'\\' => json.push_str("\\\\"),
            _ => write!(json, "\\u{byte:04x}").expect("writing to a String cannot fail"),
        }
        plain_from = index + 1;
    }
    json.push_str(&text[plain_from..]);
    json.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use time::macros::datetime;

    fn event(payload_json: &str) -> EventView<'_> {
        EventView {
            id: Uuid::from_u128(7),
            event: "invoice.created",
            tenant_id: Uuid::from_u128(9),
            created_at: datetime!(2026-03-01 13:00:00.00125 +01:00),
            resource_type: Some("invoice"),
            resource_id: None,
            payload_json,
            metadata_json: None,
            source: "posthorn",
        }
    }

    fn text(format: PayloadFormat, event: &EventView<'_>) -> String {
        String::from_utf8(render(format, event).body.to_vec()).unwrap()
    }

    #[test]
    fn envelopes_to_the_letter() {
        let id = "00000000-0000-0000-0000-000000000007";
        let tenant = "00000000-0000-0000-0000-000000000009";
        let at = "2026-03-01T12:00:00.001250Z";
        let meta = format!(r#""metadata":{{"tenant_id":"{tenant}","source":"posthorn","version":"1.0"}}"#);
        let data = r#"{"a": 1E2}"#;
        for (format, want) in [
            (
                PayloadFormat::Default,
                format!(
                    r#"{{"id":"{id}","type":"invoice.created","event":"invoice.created","timestamp":"{at}","tenant_id":"{tenant}","resource_type":"invoice","resource_id":null,"data":{data},{meta}}}"#
                ),
            ),
            (
                PayloadFormat::Gestiq,
                format!(
                    r#"{{"event":"invoice.created","resource_type":"invoice","resource_id":null,"timestamp":"{at}","data":{data},{meta}}}"#
                ),
            ),
            (
                PayloadFormat::Dotmac,
                format!(
                    r#"{{"id":"{id}","type":"invoice.created","timestamp":"{at}","tenant_id":"{tenant}","data":{data}}}"#
                ),
            ),
            (
                PayloadFormat::CloudEvents,
                format!(
                    r#"{{"specversion":"1.0","id":"{id}","source":"posthorn","type":"invoice.created","time":"{at}","subject":"invoice","tenantid":"{tenant}","datacontenttype":"application/json","data":{data}}}"#
                ),
            ),
            (PayloadFormat::CloudEventsBinary, data.to_owned()),
            (PayloadFormat::Raw, data.to_owned()),
        ] {
            assert_eq!(text(format, &event(data)), want);
        }
    }

    #[test]
    fn content_types_and_binary_attributes() {
        let view = EventView { resource_id: Some("Größe\r\n 5%\""), source: "Büro 1", ..event("{}") };
        assert_eq!(render(PayloadFormat::CloudEvents, &view).content_type, "application/cloudevents+json");
        let rendered = render(PayloadFormat::CloudEventsBinary, &view);
        assert_eq!(rendered.content_type, "application/json");
        let headers: BTreeMap<_, _> = rendered.extra_headers.into_iter().collect();
        assert_eq!(headers["ce-subject"], "invoice/Gr%C3%B6%C3%9Fe%0D%0A%205%25%22");
        assert_eq!(headers["ce-source"], "B%C3%BCro%201");
        assert_eq!(headers["ce-time"], "2026-03-01T12:00:00.001250Z");
        assert_eq!(headers.len(), 7);
        assert_eq!(render(PayloadFormat::Default, &view).extra_headers, []);
    }

    #[test]
    fn own_metadata_is_kept_beneath_ours() {
        let own = r#"{"version": "9", "trace": 1e400, "source": "me", "a\"b": {"x": [1.0]}}"#;
        let body = text(PayloadFormat::Default, &EventView { metadata_json: Some(own), ..event("{}") });
        let tenant = Uuid::from_u128(9);
        let want = format!(
            r#""metadata":{{"a\"b":{{"x": [1.0]}},"trace":1e400,"tenant_id":"{tenant}","source":"posthorn","version":"1.0"}}}}"#
        );
        assert!(body.ends_with(&want), "{body}");
        for broken in ["[1]", "null", "{", ""] {
            let body = text(PayloadFormat::Default, &EventView { metadata_json: Some(broken), ..event("{}") });
            assert_eq!(body, text(PayloadFormat::Default, &event("{}")));
        }
    }

    #[test]
    fn huge_numbers_and_deep_nesting_survive() {
        let number = format!(r#"{{"n": 1{}}}"#, "0".repeat(131_071));
        let deep = format!(r#"{{"d": {}{}}}"#, "[".repeat(6_000), "]".repeat(6_000));
        for payload in [&number, &deep] {
            for format in PayloadFormat::ALL {
                let view = EventView { metadata_json: Some(payload), ..event(payload) };
                assert!(text(*format, &view).contains(payload.as_str()), "{format}");
            }
            let view = EventView { metadata_json: Some(payload), ..event("{}") };
            assert!(text(PayloadFormat::Default, &view).contains(&payload[6..payload.len() - 1]));
        }
    }

    fn object() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![Just(Value::Null), any::<i64>().prop_map(|n| json!(n)), ".*".prop_map(|s| json!(s))];
        let value = leaf.prop_recursive(3, 20, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map(".*", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        });
        proptest::collection::btree_map(".*", value, 0..4).prop_map(|map| Value::Object(map.into_iter().collect()))
    }

    proptest! {
        #[test]
        fn bodies_are_json_with_the_same_data_every_time(payload in object(), metadata in proptest::option::of(object()), kind in proptest::option::of(".*"), id in proptest::option::of("[\\x00-\\x7f\"\\\\]*|.*"), source in ".*") {
            let (payload_json, metadata_json) = (payload.to_string(), metadata.as_ref().map(Value::to_string));
            let view = EventView { resource_type: kind.as_deref(), resource_id: id.as_deref(), metadata_json: metadata_json.as_deref(), source: &source, ..event(&payload_json) };
            for format in PayloadFormat::ALL {
                let rendered = render(*format, &view);
                prop_assert_eq!(&rendered, &render(*format, &view));
                let body: Value = serde_json::from_slice(&rendered.body).unwrap();
                let has_envelope = !matches!(format, PayloadFormat::Raw | PayloadFormat::CloudEventsBinary);
                prop_assert_eq!(if has_envelope { &body["data"] } else { &body }, &payload);
                prop_assert!(rendered.extra_headers.iter().all(|(_, value)| value.bytes().all(|b| b.is_ascii_graphic())));
            }
            let body: Value = serde_json::from_slice(&render(PayloadFormat::Default, &view).body).unwrap();
            prop_assert_eq!(&body["resource_id"], &json!(id));
            prop_assert_eq!(&body["resource_type"], &json!(kind));
            prop_assert_eq!(&body["metadata"]["source"], &json!(source));
            for (key, value) in metadata.iter().flat_map(|map| map.as_object().unwrap()) {
                prop_assert!(OWN_METADATA.contains(&key.as_str()) || &body["metadata"][key] == value);
            }
        }
    }
}
