//! Event names such as `invoice.created`, and the patterns by which subscriptions choose them (R53).

use std::fmt;

use serde_json::value::RawValue;

use super::violation::Violation;

/// Longest event name or pattern, in characters (R53).
pub const EVENT_MAX_CHARS: usize = 100;

/// Most bytes of a payload's text where nothing else is configured (`WEBHOOK_MAX_PAYLOAD_BYTES`).
pub const PAYLOAD_MAX_BYTES: usize = 262_144;

/// First segment of operational events, which only a `posthorn.…` pattern matches (R53).
const RESERVED_PREFIX: &str = "posthorn.";

/// A valid event name: lower-case segments joined by dots, at least two of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventName(String);

impl EventName {
    /// Trims and lower-cases `text`, then checks it against `^[a-z0-9_]+(\.[a-z0-9_]+)+$` and 1–100 characters.
    ///
    /// *Errors*: the failed rule, under the name `field`.
    ///
    /// ```
    /// use posthorn::validate::EventName;
    /// assert_eq!(EventName::parse("event", " Invoice.Created ").unwrap().as_str(), "invoice.created");
    /// assert!(EventName::parse("event", "invoice").is_err());
    /// ```
    pub fn parse(field: &str, text: &str) -> Result<Self, Violation> {
        let name = normalise(field, text)?;
        if name.contains('.') && name.split('.').all(is_segment) {
            return Ok(Self(name));
        }
        let message = "must be two or more segments of a-z, 0-9 and _ joined by dots, such as invoice.created";
        Err(Violation::new(field, "event_format", message))
    }

    /// The normalised name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is an operational event of Posthorn's own (`posthorn.…`).
    pub fn is_reserved(&self) -> bool {
        self.0.starts_with(RESERVED_PREFIX)
    }
}

impl fmt::Display for EventName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a subscription wants: an exact event name, all names beneath some leading segments (`invoice.*`), or all (`*`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventPattern(String);

impl EventPattern {
    /// Trims and lower-cases `text`, then checks that it is an event name, `<segments>.*` or `*`.
    ///
    /// *Errors*: the failed rule, under the name `field`.
    ///
    /// ```
    /// use posthorn::validate::{EventName, EventPattern};
    /// let pattern = EventPattern::parse("events", "invoice.*").unwrap();
    /// assert!(pattern.matches(&EventName::parse("event", "invoice.created").unwrap()));
    /// ```
    pub fn parse(field: &str, text: &str) -> Result<Self, Violation> {
        let pattern = normalise(field, text)?;
        let is_valid = match pattern.strip_suffix(".*") {
            Some(leading) => leading.split('.').all(is_segment),
            None => pattern == "*" || (pattern.contains('.') && pattern.split('.').all(is_segment)),
        };
        if is_valid {
            return Ok(Self(pattern));
        }
        let message = "must be an event name such as invoice.created, a group such as invoice.*, or *";
        Err(Violation::new(field, "event_pattern_format", message))
    }

    /// The normalised pattern.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the event `name` is one of those wanted.
    pub fn matches(&self, name: &EventName) -> bool {
        match self.prefix() {
            Some("") => !name.is_reserved(),
            Some(prefix) => name.0.starts_with(prefix),
            None => self.0 == name.0,
        }
    }

    /// Whether some event name is matched by both patterns (what makes two subscriptions duplicates, R3).
    pub fn overlaps(&self, other: &Self) -> bool {
        if (self.0 == "*" && other.0.starts_with(RESERVED_PREFIX))
            || (other.0 == "*" && self.0.starts_with(RESERVED_PREFIX))
        {
            return false;
        }
        match (self.prefix(), other.prefix()) {
            (Some(a), Some(b)) => a.starts_with(b) || b.starts_with(a),
            (Some(prefix), None) => other.0.starts_with(prefix),
            (None, Some(prefix)) => self.0.starts_with(prefix),
            (None, None) => self.0 == other.0,
        }
    }

    /// What matching names begin with, dot included (empty for `*`), or `None` for an exact name.
    fn prefix(&self) -> Option<&str> {
        self.0.strip_suffix('*')
    }
}

impl fmt::Display for EventPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Only ASCII is lower-cased: Unicode rules would turn the Kelvin sign into a plain `k`.
fn normalise(field: &str, text: &str) -> Result<String, Violation> {
    let name = text.trim().to_ascii_lowercase();
    let chars = name.chars().count();
    if (1..=EVENT_MAX_CHARS).contains(&chars) {
        return Ok(name);
    }
    Err(Violation::new(field, "event_length", format!("must have 1 to {EVENT_MAX_CHARS} characters, has {chars}")))
}

fn is_segment(segment: &str) -> bool {
    !segment.is_empty() && segment.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

/// Every rule that the text of a payload fails (R55), under the name `field`. Its values are not looked at: their size and
/// depth are PostgreSQL's to judge.
pub fn payload_violations(field: &str, json: &str) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut fail = |rule, message: String| violations.push(Violation::new(field, rule, message));
    if json.len() > PAYLOAD_MAX_BYTES {
        fail("payload_length", format!("must have at most {PAYLOAD_MAX_BYTES} bytes, has {}", json.len()));
    }
    match serde_json::from_str::<&RawValue>(json) {
        Ok(value) if !value.get().starts_with('{') => fail("payload_object", "must be a JSON object".to_owned()),
        Ok(value) if has_escaped_nul(value.get()) => {
            fail("payload_characters", "must not contain \\u0000, which PostgreSQL cannot keep".to_owned());
        }
        Ok(_) => {}
        Err(error) => fail("payload_json", format!("must be JSON: {error}")),
    }
    violations
}

/// Whether JSON text holds the escape of U+0000: `\u0000` after an even number of backslashes.
fn has_escaped_nul(json: &str) -> bool {
    json.match_indices("\\u0000").any(|(at, _)| {
        let before = json[..at].bytes().rev().take_while(|byte| *byte == b'\\').count();
        before % 2 == 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> EventName {
        EventName::parse("event", text).unwrap()
    }

    fn pattern(text: &str) -> EventPattern {
        EventPattern::parse("events", text).unwrap()
    }

    #[test]
    fn names_are_normalised() {
        for (text, want) in [
            ("invoice.created", "invoice.created"),
            (" Sales_Order.Created\n", "sales_order.created"),
            ("a.b.c1", "a.b.c1"),
        ] {
            assert_eq!(name(text).as_str(), want);
        }
        assert_eq!(name(&format!("a.{}", "b".repeat(98))).as_str().len(), 100);
    }

    #[test]
    fn bad_names_are_refused() {
        let long = format!("a.{}", "b".repeat(99));
        for (text, rule) in [
            ("", "event_length"),
            ("  ", "event_length"),
            (long.as_str(), "event_length"),
            ("invoice", "event_format"),
            (".created", "event_format"),
            ("invoice.", "event_format"),
            ("invoice..created", "event_format"),
            ("invoice.*", "event_format"),
            ("in voice.created", "event_format"),
            ("invoice.created\r\nx: y", "event_format"),
            ("invoice.cre\0ated", "event_format"),
            ("factura.año", "event_format"),
            ("\u{212a}.b", "event_format"),
            ("invoice-created.x", "event_format"),
        ] {
            let violation = EventName::parse("event", text).unwrap_err();
            assert_eq!((violation.rule, violation.field.as_str()), (rule, "event"), "{text:?}");
        }
    }

    #[test]
    fn bad_patterns_are_refused() {
        for text in ["", "**", "*.*", "invoice*", "invoice.*.x", "*.created", ".*", "invoice", "a..*", "invoice.**"] {
            assert!(EventPattern::parse("events", text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn patterns_match_whole_segments() {
        for (text, event, want) in [
            ("invoice.created", "invoice.created", true),
            ("invoice.created", "invoice.created.late", false),
            ("invoice.*", "invoice.created", true),
            ("INVOICE.*", "invoice.line.added", true),
            ("invoice.line.*", "invoice.line.added", true),
            ("invoice.line.*", "invoice.lines.added", false),
            ("invoice.*", "invoices.created", false),
            ("*", "anything.at_all", true),
            ("*", "posthorn.endpoint_failing", false),
            ("posthorn.*", "posthorn.endpoint_failing", true),
            ("posthorn.endpoint_failing", "posthorn.endpoint_failing", true),
            ("*", "posthorns.sold", true),
        ] {
            assert_eq!(pattern(text).matches(&name(event)), want, "{text} {event}");
        }
    }

    #[test]
    fn overlap_is_a_shared_event_and_symmetric() {
        for (a, b, want) in [
            ("invoice.created", "invoice.created", true),
            ("invoice.created", "invoice.paid", false),
            ("invoice.*", "invoice.created", true),
            ("invoice.*", "invoice.line.*", true),
            ("invoice.*", "invoices.*", false),
            ("invoice.*", "payment.*", false),
            ("*", "invoice.created", true),
            ("*", "*", true),
            ("*", "posthorn.*", false),
            ("*", "posthorn.endpoint_failing", false),
            ("posthorn.*", "posthorn.endpoint_failing", true),
        ] {
            assert_eq!(pattern(a).overlaps(&pattern(b)), want, "{a} {b}");
            assert_eq!(pattern(b).overlaps(&pattern(a)), want, "{b} {a}");
        }
    }

    #[test]
    fn payloads_are_objects_that_postgres_can_keep() {
        let deep = format!(r#"{{"d": {}{}}}"#, "[".repeat(6_000), "]".repeat(6_000));
        let long = format!(r#"{{"x": "{}"}}"#, "x".repeat(PAYLOAD_MAX_BYTES));
        for (json, want) in [
            ("{}", vec![]),
            (" {\"a\": 1e400}\n", vec![]),
            (r#"{"a": "\\u0000"}"#, vec![]),
            (deep.as_str(), vec![]),
            (r#"{"a": "\u0000"}"#, vec!["payload_characters"]),
            (r#"{"\\\u0000": 1}"#, vec!["payload_characters"]),
            ("[1]", vec!["payload_object"]),
            ("null", vec!["payload_object"]),
            ("{", vec!["payload_json"]),
            ("", vec!["payload_json"]),
            ("{} {}", vec!["payload_json"]),
            (long.as_str(), vec!["payload_length"]),
            (&long[1..], vec!["payload_length", "payload_json"]),
        ] {
            let rules: Vec<_> = payload_violations("payload", json).into_iter().map(|v| v.rule).collect();
            assert_eq!(rules, want, "{}", &json[..json.len().min(40)]);
        }
    }
}
