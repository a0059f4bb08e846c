//! Templates: a subscription's own shape of the body (F4), written by a stranger and so bounded in every way.
//!
//! The language is that of minijinja without what could make much out of little: no variables, macros or captured blocks,
//! no string operators, a dozen filters. What is left is charged: instructions, every look into the data, every byte a
//! filter reads or writes. So a template costs at most some tens of milliseconds on any payload, whatever it says.

mod data;
mod filters;
mod language;

use std::sync::Arc;

use minijinja::{Error, ErrorKind};
use serde_json::Value as Json;

use self::data::{Work, value_of};
use self::filters::{Capped, environment};
use self::language::check_language;
use super::envelope::{EventView, default_body};
use super::violation::Violation;

/// Longest template in characters; the schema says the same.
pub const TEMPLATE_MAX_CHARS: usize = 16_384;

/// Most bytes that a template makes.
pub const OUTPUT_MAX_BYTES: usize = 1 << 20;

/// Instructions at most, and fewer where texts are long: one instruction can compare two of the longest.
const FUEL: std::ops::RangeInclusive<u64> = 2_000..=50_000;

/// Bytes that all instructions together may have to compare.
const COMPARED_MAX: u64 = 400_000_000;

/// Why a template made no body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// The template says something that cannot be done.
    #[error("the template fails: {0}")]
    Fails(String),
    /// It works longer or writes more than any template may.
    #[error("the template works too long or makes more than 1 MiB")]
    TooMuch,
    /// What it made is not the JSON that its content type promises.
    #[error("the template does not make JSON: {0}")]
    NotJson(String),
}

/// A template that can be tried on events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    text: String,
    is_json: bool,
}

impl Template {
    /// Reads a template. `content_type` decides how values are written: as JSON, or as plain text.
    ///
    /// *Errors*: what is wrong and in which line, under the name `field`.
    ///
    /// ```
    /// use posthorn::domain::template::Template;
    /// assert!(Template::parse("template", r#"{"text": {{ data.amount }}}"#, "application/json").is_ok());
    /// let refused = Template::parse("template", "{% set x = 1 %}", "text/plain").unwrap_err();
    /// assert_eq!(refused.rule, "template_syntax");
    /// ```
    pub fn parse(field: &str, text: &str, content_type: &str) -> Result<Self, Violation> {
        let chars = text.chars().count();
        if !(1..=TEMPLATE_MAX_CHARS).contains(&chars) {
            let message = format!("must have 1 to {TEMPLATE_MAX_CHARS} characters, has {chars}");
            return Err(Violation::new(field, "length", message));
        }
        let refuse = |message: String| Violation::new(field, "template_syntax", message);
        check_language(text).map_err(refuse)?;
        let environment = environment(&Arc::new(Work::default()), false);
        environment.template_from_str(text).map_err(|error| refuse(told(&error)))?;
        Ok(Self { text: text.to_owned(), is_json: is_json(content_type) })
    }

    /// Makes the body of an event.
    ///
    /// # Errors
    /// [`TemplateError`], the same on every try.
    pub fn render(&self, event: &EventView<'_>) -> Result<String, TemplateError> {
        let json: Json = serde_json::from_str(&default_body(event))
            .map_err(|error| TemplateError::Fails(format!("the payload cannot be given to a template: {error}")))?;
        let work = Arc::new(Work::default());
        let mut environment = environment(&work, self.is_json);
        let fuel = COMPARED_MAX / longest_text(&json).max(1);
        environment.set_fuel(Some(fuel.clamp(*FUEL.start(), *FUEL.end())));
        let template = environment.template_from_str(&self.text).map_err(|error| TemplateError::Fails(told(&error)))?;
        let mut made = Capped(Vec::new());
        let result = template.render_captured_to(value_of(json, &work), &mut made).map(drop);
        if work.is_spent() || made.0.len() >= OUTPUT_MAX_BYTES {
            return Err(TemplateError::TooMuch);
        }
        result.map_err(|error| match error.kind() {
            ErrorKind::OutOfFuel => TemplateError::TooMuch,
            _ => TemplateError::Fails(told(&error)),
        })?;
        let text = String::from_utf8(made.0).expect("pieces of text make a text");
        if self.is_json {
            serde_json::from_str::<serde::de::IgnoredAny>(&text)
                .map_err(|error| TemplateError::NotJson(error.to_string()))?;
        }
        Ok(text)
    }
}

/// Whether a content type is JSON, so that values are written as JSON and the result must be some.
pub fn is_json(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

fn told(error: &Error) -> String {
    let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    error.line().map_or_else(|| detail.clone(), |line| format!("line {line}: {detail}"))
}

fn longest_text(json: &Json) -> u64 {
    match json {
        Json::String(text) => text.len() as u64,
        Json::Array(items) => items.iter().map(longest_text).max().unwrap_or(0),
        Json::Object(fields) => {
            fields.iter().map(|(key, value)| longest_text(value).max(key.len() as u64)).max().unwrap_or(0)
        }
        _ => 8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;
    use uuid::Uuid;

    fn rendered(template: &str, content_type: &str, payload: &str) -> Result<String, TemplateError> {
        let event = EventView {
            id: Uuid::from_u128(7),
            event: "invoice.created",
            tenant_id: Uuid::from_u128(9),
            created_at: datetime!(2026-03-01 13:00 UTC),
            resource_type: None,
            resource_id: None,
            payload_json: payload,
            metadata_json: None,
            source: "posthorn",
        };
        Template::parse("template", template, content_type).map_err(|v| TemplateError::Fails(v.message))?.render(&event)
    }

    fn json(template: &str, payload: &str) -> String {
        rendered(template, "application/json", payload).unwrap()
    }

    #[test]
    fn values_are_written_as_json_where_the_body_is_json() {
        let payload = r#"{"name": "a \"b\"", "n": 3, "list": [1, {"x": null}], "amount": "1500.00"}"#;
        assert_eq!(json("{{ data.name }}", payload), r#""a \"b\"""#);
        assert_eq!(json(r#"{"t": "to {{ data.name|escaped }}"}"#, payload), r#"{"t": "to a \"b\""}"#);
        assert_eq!(
            json("[{{ data.n }}, {{ data.list }}, {{ data.none.deeper }}, {{ event }}]", payload),
            r#"[3, [1,{"x":null}], null, "invoice.created"]"#
        );
        assert_eq!(
            json("[{% for i in data.list %}{{ loop.index }}{% if not loop.last %},{% endif %}{% endfor %}]", payload),
            "[1,2]"
        );
        assert_eq!(json("{{ data.amount|default('x')|upper }}", payload), r#""1500.00""#);
    }

    #[test]
    fn texts_stay_as_they_are_in_other_bodies() {
        let made = rendered(
            "{{ data.a }} & {{ data.n|round(1) }}: {{ data.l|join(', ') }}",
            "text/plain",
            r#"{"a": "<x>", "n": 1.26, "l": [1, "b"]}"#,
        );
        assert_eq!(made.unwrap(), "<x> & 1.3: 1, b");
    }

    #[test]
    fn a_body_that_is_not_the_json_it_promises_is_refused() {
        assert!(matches!(rendered("{\"a\": {{ data.a }}", "application/json", "{}"), Err(TemplateError::NotJson(_))));
        assert!(rendered("{\"a\": ", "text/plain", "{}").is_ok());
    }

    #[test]
    fn what_could_make_much_out_of_little_is_not_in_the_language() {
        for template in [
            "{% set x = 1 %}",
            "{% macro m() %}{% endmacro %}",
            "{% filter upper %}{% endfilter %}",
            "{% include 'x' %}",
            "{{ 'a' ~ 'b' }}",
            "{{ 'a' * 1000000000 }}",
            "{{ [1] + [2] }}",
            "{% for a in b recursive %}{% endfor %}",
            "{%- set x = 1 %}",
            "{{ range(1000000000) }}{% do x %}",
            "{% autoescape false %}{% endautoescape %}",
            "{{ x",
            "{% if %}",
        ] {
            assert!(Template::parse("template", template, "text/plain").is_err(), "{template}");
        }
        for deep in [
            format!("{{{{ data{} }}}}", ".a".repeat(200)),
            "{% if a %}".repeat(17) + &"{% endif %}".repeat(17),
            format!("{{{{ {} }}}}", "(".repeat(4_000)),
        ] {
            assert!(Template::parse("template", &deep, "text/plain").is_err());
        }
        assert_eq!(rendered("{{ '~*+}}' }}{# * #}", "text/plain", "{}").unwrap(), "~*+}}");
        let refused = Template::parse("template", "a\nb {{ 1 * 2 }}", "text/plain").unwrap_err();
        assert_eq!(refused.message, "line 2: the operator * is not available");
    }

    #[test]
    fn hostile_templates_end_soon() {
        let big = format!("{{\"s\": \"{}\", \"l\": [{}0]}}", "\\\"".repeat(60_000), "0,".repeat(60_000));
        let loops =
            "{% for a in data.l %}{% for b in data.l %}{% for c in data.l %}x{% endfor %}{% endfor %}{% endfor %}";
        let chain = format!("{{{{ data.s{} }}}}", "|tojson".repeat(50));
        let copies = "{{ data.s }}".repeat(1_300);
        let equal = format!("{{% if {} %}}{{% endif %}}", vec!["data.l == data.l"; 20].join(" and "));
        let within = "{% for a in data.l %}{% if 'zz' in data.s %}{% endif %}{% endfor %}";
        let list = format!("{{{{ [{}]|tojson|length }}}}", "data.s,".repeat(55));
        let replaced = "{{ data.s|replace('\"', data.s)|length }}";
        for template in [loops, &chain, &copies, &equal, within, &list, replaced] {
            let started = std::time::Instant::now();
            let made = rendered(template, "text/plain", &big);
            assert!(made.is_err(), "{}", &template[..40]);
            // far above what it takes; without a bound each takes minutes or the machine's memory
            assert!(started.elapsed().as_secs() < 5, "{} took {:?}", &template[..40], started.elapsed());
        }
    }
}
