//! What publishers write and tenants make of it: names, patterns, payloads, schemas, templates.

use posthorn::domain::envelope::{self, EventView};
use posthorn::domain::event::{EventName, EventPattern, payload_violations};
use posthorn::domain::schema::EventSchema;
use posthorn::domain::subscription::PayloadFormat;
use posthorn::domain::template::{OUTPUT_MAX_BYTES, Template, TemplateError};
use serde::de::IgnoredAny;
use time::macros::datetime;
use uuid::Uuid;

/// A name, or a name and a pattern.
pub(crate) fn event(bytes: &[u8]) {
    let Some(whole) = super::text(bytes) else { return };
    let (first, second) = whole.split_once('\0').unwrap_or((whole, whole));
    let (name, pattern) = (EventName::parse("event", first), EventPattern::parse("events", second));
    if let Ok(name) = &name {
        let text = name.as_str();
        assert!((3..=100).contains(&text.len()) && text.contains('.'), "{text}");
        assert!(text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'.'), "{text}");
        assert_eq!(EventName::parse("event", text).as_ref(), Ok(name));
        let same = EventPattern::parse("events", text).expect("a name is a pattern");
        assert!(same.matches(name));
    }
    if let Ok(pattern) = &pattern {
        assert_eq!(EventPattern::parse("events", pattern.as_str()).as_ref(), Ok(pattern));
        assert!(pattern.overlaps(pattern));
    }
    if let (Ok(name), Ok(pattern)) = (&name, &pattern) {
        let same = EventPattern::parse("events", name.as_str()).expect("a name is a pattern");
        assert_eq!(pattern.matches(name), pattern.overlaps(&same), "{pattern} {name}");
        assert_eq!(pattern.overlaps(&same), same.overlaps(pattern), "{pattern} {name}");
    }
}

fn view<'a>(payload: &'a str, metadata: Option<&'a str>) -> EventView<'a> {
    EventView {
        id: Uuid::from_u128(1),
        event: "invoice.paid",
        tenant_id: Uuid::from_u128(2),
        created_at: datetime!(2026-01-01 0:00 UTC),
        resource_type: Some("in\"voice\n"),
        resource_id: Some("ü/\u{1}"),
        payload_json: payload,
        metadata_json: metadata,
        source: "shop",
    }
}

/// A payload and its metadata: what is allowed becomes a body of valid JSON in every format, the payload in it as it was.
pub(crate) fn payload(bytes: &[u8]) {
    let Some(whole) = super::text(bytes) else { return };
    let (payload, metadata) = whole.split_once('\0').map_or((whole, None), |(payload, more)| (payload, Some(more)));
    if !payload_violations("payload", payload).is_empty() {
        return;
    }
    let metadata = metadata.filter(|text| payload_violations("metadata", text).is_empty());
    let view = view(payload, metadata);
    for format in PayloadFormat::ALL {
        let made = envelope::render(*format, &view);
        let body = std::str::from_utf8(&made.body).expect("a body is text");
        assert!(serde_json::from_str::<IgnoredAny>(body).is_ok(), "{format}: {body}");
        assert!(body.contains(payload.trim()), "{format}: {body}");
        let printable = |text: &str| text.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
        assert!(made.extra_headers.iter().all(|(_, value)| printable(value)), "{:?}", made.extra_headers);
        let batch = envelope::render_batch(*format, [&view, &view]);
        let batch: Vec<IgnoredAny> = serde_json::from_slice(&batch.body).expect("a batch is a list");
        assert_eq!(batch.len(), 2);
    }
}

/// A schema and a payload: few faults, the same every time, none with a value of the payload in it.
pub(crate) fn schema(bytes: &[u8]) {
    let Some((schema, payload)) = super::two_texts(bytes) else { return };
    let schema = match EventSchema::compile(schema) {
        Ok(schema) => schema,
        Err(faults) => return assert!((1..=20).contains(&faults.len())),
    };
    let checked = schema.check(payload);
    assert_eq!(schema.check(payload), checked);
    if let Err(faults) = checked {
        assert!((1..=20).contains(&faults.len()));
        assert!(faults.iter().all(|fault| fault.message.chars().count() <= 200));
    }
}

/// A template and a payload: bounded, the same every time, JSON where it promises JSON.
pub(crate) fn template(bytes: &[u8]) {
    let Some((text, payload)) = super::two_texts(bytes) else { return };
    let payload =
        if payload_violations("payload", payload).is_empty() { payload } else { r#"{"a": ["ü\"", 1.50, null]}"# };
    let view = view(payload, None);
    for content_type in ["application/json", "text/plain"] {
        let Ok(template) = Template::parse("template", text, content_type) else { continue };
        let made = template.render(&view);
        assert_eq!(template.render(&view), made);
        match made {
            Ok(body) => {
                assert!(body.len() < OUTPUT_MAX_BYTES);
                let is_json = serde_json::from_str::<IgnoredAny>(&body).is_ok();
                assert!(is_json || content_type == "text/plain", "{body}");
            }
            Err(TemplateError::Fails(why) | TemplateError::NotJson(why)) => assert!(!why.is_empty()),
            Err(TemplateError::TooMuch) => {}
        }
    }
}
