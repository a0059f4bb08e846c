//! Request bodies: one JSON object whose fields are read one by one, so that an answer can name every failed rule (R2).
//!
//! Values stay raw text until something asks for them: payloads go to Postgres as they came, whatever their numbers and depth.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::marker::PhantomData;

use poem::{Request, RequestBody};
use poem_openapi::error::ContentTypeError;
use poem_openapi::payload::Payload;
use poem_openapi::registry::{MetaMediaType, MetaRequest, MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::types::{ParseError, ParseFromJSON, ParseResult, ToJSON, Type};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use time::OffsetDateTime;

use super::problem::Problem;
use super::times;
use crate::domain::violation::Violation;

/// How many times as large as others a body of many things may be.
pub(super) const LARGE: usize = 16;

/// Most bytes of a request body.
#[derive(Clone, Copy)]
pub(super) struct BodyLimit(pub(super) usize);

/// A request body whose schema is that of `T` and whose fields are still to be read. It may be `SIZE` times as large as others.
pub(super) struct Body<T, const IS_REQUIRED: bool = true, const SIZE: usize = 1>(
    pub(super) Fields,
    PhantomData<fn() -> T>,
);

/// A body that may be absent: then it says nothing.
pub(super) type OptionalBody<T> = Body<T, false>;

/// A body of many things.
pub(super) type LargeBody<T> = Body<T, true, LARGE>;

impl<'a, T: Type, const IS_REQUIRED: bool, const SIZE: usize> ApiExtractor<'a> for Body<T, IS_REQUIRED, SIZE> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        let content = vec![MetaMediaType { content_type: "application/json", schema: T::schema_ref() }];
        Some(MetaRequest { description: None, content, required: IS_REQUIRED })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        match request.content_type() {
            Some(kind) if poem_openapi::payload::Json::<T>::check_content_type(kind) => {}
            Some(kind) => return Err(ContentTypeError::NotSupported { content_type: kind.to_owned() }.into()),
            None if IS_REQUIRED => return Err(ContentTypeError::ExpectContentType.into()),
            None => {}
        }
        let limit = <&BodyLimit>::from_data(request)?;
        let bytes = body.take()?.into_bytes_limit(limit.0.saturating_mul(SIZE)).await?;
        if !IS_REQUIRED && request.content_type().is_none() {
            if !bytes.is_empty() {
                return Err(ContentTypeError::ExpectContentType.into());
            }
            return Ok(Self(Fields::default(), PhantomData));
        }
        Ok(Self(Fields::parse(&bytes)?, PhantomData))
    }
}

/// Data that the router carries for us.
trait FromData<'a>: Sized {
    fn from_data(request: &'a Request) -> poem::Result<Self>;
}

impl<'a, T: Send + Sync + 'static> FromData<'a> for &'a T {
    fn from_data(request: &'a Request) -> poem::Result<Self> {
        request.data::<T>().ok_or_else(|| Problem::internal().into())
    }
}

/// The fields of a body and what was found wrong with them so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields {
    values: BTreeMap<String, Box<RawValue>>,
    violations: Vec<Violation>,
}

impl Fields {
    /// Reads a JSON object, its values as text.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Problem> {
        let values = serde_json::from_slice(body)
            .map_err(|e| Problem::malformed(format!("the body is not a JSON object: {e}")))?;
        Ok(Self { values, violations: Vec::new() })
    }

    /// Reads an object within a body; nothing when it is none.
    pub(super) fn of(value: &RawValue) -> Option<Self> {
        serde_json::from_str(value.get()).ok().map(|values| Self { values, violations: Vec::new() })
    }

    /// Notes a failed rule.
    pub(super) fn fail(&mut self, field: &str, rule: &'static str, message: impl Into<String>) {
        self.violations.push(Violation::new(field, rule, message));
    }

    /// Takes what a parser of the domain made, or notes what it has against the value.
    pub(super) fn keep<T>(&mut self, parsed: Result<T, impl IntoIterator<Item = Violation>>) -> Option<T> {
        parsed.map_err(|violations| self.violations.extend(violations)).ok()
    }

    /// A field of the given type; `expected` says what that is. Absent and null are the same.
    pub(super) fn take<T: DeserializeOwned>(&mut self, field: &str, expected: &str) -> Option<T> {
        let raw = self.take_raw(field)?;
        let value = serde_json::from_str(raw.get()).ok();
        if value.is_none() {
            self.fail(field, "type", format!("must be {expected}"));
        }
        value
    }

    /// What a setting becomes: as it is where the field is absent, `otherwise` where it is null, else what `read` makes of it.
    pub(super) fn set<T>(
        &mut self,
        field: &str,
        setting: &mut T,
        otherwise: T,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) {
        match self.values.get(field).map(|raw| raw.get() == "null") {
            None => {}
            Some(true) => {
                self.values.remove(field);
                *setting = otherwise;
            }
            Some(false) => {
                if let Some(value) = read(self) {
                    *setting = value;
                }
            }
        }
    }

    /// Whether the body says anything of this field, null included.
    pub(super) fn has(&self, field: &str) -> bool {
        self.values.contains_key(field)
    }

    /// A number within a range, whole or not.
    pub(super) fn decimal(&mut self, field: &str, range: std::ops::RangeInclusive<f64>) -> Option<f64> {
        let expected = format!("a number from {} to {}", range.start(), range.end());
        let number = self.take::<f64>(field, &expected)?;
        if !range.contains(&number) {
            self.fail(field, "range", format!("must be {expected}"));
            return None;
        }
        Some(number)
    }

    /// A text that must not be longer, in characters.
    pub(super) fn limited_text(&mut self, field: &str, max: usize) -> Option<String> {
        let text = self.text(field)?;
        let chars = text.chars().count();
        if chars > max {
            self.fail(field, "length", format!("must have at most {max} characters, has {chars}"));
            return None;
        }
        Some(text)
    }

    /// A text, which Postgres can hold only without NUL.
    pub(super) fn text(&mut self, field: &str) -> Option<String> {
        let text: String = self.take(field, "text")?;
        if text.contains('\0') {
            self.fail(field, "nul", "must not contain the character U+0000");
            return None;
        }
        Some(text)
    }

    /// A text that must be there.
    pub(super) fn required_text(&mut self, field: &str) -> Option<String> {
        self.require(field);
        self.text(field)
    }

    /// Whether a field is there and null, which is to take a value away.
    pub(super) fn is_null(&self, field: &str) -> bool {
        self.values.get(field).is_some_and(|raw| raw.get() == "null")
    }

    /// Notes when a field is missing.
    pub(super) fn require(&mut self, field: &str) {
        if self.values.get(field).is_none_or(|raw| raw.get() == "null") {
            self.fail(field, "required", "is required");
        }
    }

    /// A text that must be one of a closed list.
    pub(super) fn word<T>(&mut self, field: &str, words: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let value = parse(&self.text(field)?);
        if value.is_none() {
            self.fail(field, "unknown_word", format!("must be one of {words}"));
        }
        value
    }

    /// A whole number within a range.
    pub(super) fn number(&mut self, field: &str, range: std::ops::RangeInclusive<i32>) -> Option<i32> {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        let number = self.take::<i32>(field, &expected)?;
        if !range.contains(&number) {
            self.fail(field, "range", format!("must be {expected}"));
            return None;
        }
        Some(number)
    }

    /// A name for people of at most so many characters.
    pub(super) fn name(&mut self, field: &str, max: usize) -> Option<String> {
        let name = self.text(field)?;
        if name.chars().count() > max || name.chars().any(char::is_control) {
            self.fail(field, "length", format!("must have at most {max} characters, none of them a control character"));
            return None;
        }
        Some(name)
    }

    /// A time (RFC 3339).
    pub(super) fn time(&mut self, field: &str) -> Option<OffsetDateTime> {
        let text = self.text(field)?;
        self.keep(times::read(field, &text).map_err(Some))
    }

    /// Refuses the request when anything is wrong so far, unknown fields included.
    pub(super) fn check(mut self) -> Result<(), Problem> {
        let violations = self.finish();
        if violations.is_empty() { Ok(()) } else { Err(Problem::invalid(violations)) }
    }

    /// The text of a JSON object, unread.
    pub(super) fn object(&mut self, field: &str) -> Option<String> {
        let raw = self.take_raw(field)?;
        if !raw.get().starts_with('{') {
            self.fail(field, "object", "must be a JSON object");
            return None;
        }
        Some(Box::<str>::from(raw).into())
    }

    /// Everything found wrong, unknown fields included: a field that does nothing would be a silent mistake.
    pub(super) fn finish(&mut self) -> Vec<Violation> {
        for field in std::mem::take(&mut self.values).into_keys() {
            self.fail(&field, "unknown_field", "is not a field of this request");
        }
        std::mem::take(&mut self.violations)
    }

    fn take_raw(&mut self, field: &str) -> Option<Box<RawValue>> {
        self.values.remove(field).filter(|raw| raw.get() != "null")
    }
}

/// A JSON value that goes from Postgres to the answer as text.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub(super) struct RawJson(Box<RawValue>);

impl RawJson {
    /// Takes JSON text that Postgres printed.
    pub(super) fn new(text: String) -> Result<Self, Problem> {
        RawValue::from_string(text).map(Self).map_err(|error| {
            tracing::error!(error = %error, "Postgres printed JSON that cannot be read");
            Problem::internal()
        })
    }

    /// A JSON string.
    pub(super) fn text(text: &str) -> Self {
        Self(serde_json::value::to_raw_value(text).expect("a string can always be written"))
    }
}

impl Type for RawJson {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        "json".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema::ANY))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

// The document needs both; answers are written by serde, and bodies are read by `Fields`.
impl ToJSON for RawJson {
    fn to_json(&self) -> Option<serde_json::Value> {
        serde_json::from_str(self.0.get()).ok()
    }
}

impl ParseFromJSON for RawJson {
    fn parse_from_json(value: Option<serde_json::Value>) -> ParseResult<Self> {
        let text = value.unwrap_or_default().to_string();
        RawValue::from_string(text).map(Self).map_err(ParseError::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(mut fields: Fields) -> Vec<(String, &'static str)> {
        fields.finish().into_iter().map(|v| (v.field, v.rule)).collect()
    }

    #[test]
    fn every_failed_rule_is_noted() {
        let mut fields = Fields::parse(br#"{"a": 1, "b": "x\u0000y", "n": 0, "w": "no", "o": [], "z": 1}"#).unwrap();
        fields.required_text("a");
        fields.text("b");
        fields.number("n", 1..=3);
        fields.word("w", "yes", |word| (word == "yes").then_some(()));
        fields.object("o");
        fields.required_text("missing");
        let found = rules(fields);
        let want = [("a", "type"), ("b", "nul"), ("n", "range"), ("w", "unknown_word"), ("o", "object")];
        let want = want.into_iter().chain([("missing", "required"), ("z", "unknown_field")]);
        assert_eq!(found, want.map(|(field, rule)| (field.to_owned(), rule)).collect::<Vec<_>>());
    }

    #[test]
    fn a_body_that_is_no_object_is_refused() {
        for body in ["", "[]", "null", "1", "{", "{\"a\":1}x", "{\"a\":\"\u{1}\"}", "\u{feff}{}"] {
            assert!(Fields::parse(body.as_bytes()).is_err(), "{body}");
        }
        assert!(Fields::parse(b"{\"a\":\"\xff\"}").is_err());
    }

    #[test]
    fn a_payload_keeps_its_text() {
        let deep = format!("{{\"p\":{}1{}}}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
        let mut fields = Fields::parse(deep.as_bytes()).unwrap();
        assert_eq!(fields.object("p").unwrap().len(), deep.len() - 6);
        let mut fields = Fields::parse(br#"{"p": {"n": 1e400, "m": 1.00}}"#).unwrap();
        assert_eq!(fields.object("p").unwrap(), r#"{"n": 1e400, "m": 1.00}"#);
    }
}
