//! Meter: a keyword put into every subschema that counts the work of a check and ends it when it is too much. Recursive
//! references can make a check exponential in the depth of the payload, which nothing but counting can tell beforehand.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use jsonschema::paths::Location;
use jsonschema::{Keyword, ValidationError};
use serde_json::{Map, Value, json};

/// Name of the keyword: sorted before every other, so that it is counted before anything happens.
pub(super) const KEYWORD: &str = "!posthorn-meter";

/// Units of work of one check: some 20 to 50 ns each.
pub(super) const BUDGET: u64 = 2_000_000;

/// Texts longer than this cost more by the byte where there are patterns.
const LONG_TEXT_BYTES: u64 = 16 * 1024;

thread_local! {
    static LEFT: Cell<u64> = const { Cell::new(BUDGET) };
}

/// How a check ends that takes too much.
struct Spent;

/// Runs a check within a budget.
///
/// # Errors
/// That it was spent, in words.
pub(super) fn run<T>(budget: u64, check: impl FnOnce() -> T) -> Result<T, &'static str> {
    LEFT.set(budget);
    catch_unwind(AssertUnwindSafe(check)).map_err(|panic| {
        if !panic.is::<Spent>() {
            resume_unwind(panic);
        }
        "takes too long to be checked against this schema"
    })
}

/// The value of the keyword in a subschema with so many parts, and patterns of such weight.
pub(super) fn of(parts: u64, patterns: u64) -> Value {
    json!([parts, patterns])
}

/// Makes the keyword of a subschema.
#[expect(clippy::unnecessary_wraps, reason = "the signature that keywords have")]
pub(super) fn build<'a>(
    _: &'a Map<String, Value>,
    value: &'a Value,
    _: Location,
) -> Result<Box<dyn for<'i> Keyword<'i>>, ValidationError<'a>> {
    let part = |n: usize| value.get(n).and_then(Value::as_u64).unwrap_or(1);
    Ok(Box::new(Meter { parts: part(0), patterns: part(1) }))
}

/// Counts what a subschema costs on a value.
struct Meter {
    parts: u64,
    patterns: u64,
}

impl Meter {
    fn count(&self, instance: &Value) {
        let of = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
        let cost = match instance {
            Value::Array(items) => self.parts.saturating_mul(1 + of(items.len())),
            Value::Object(members) => (self.parts + self.patterns).saturating_mul(1 + of(members.len())),
            Value::String(text) => {
                let bytes = of(text.len());
                let by_byte = if bytes > LONG_TEXT_BYTES { 2 } else { 16 };
                self.parts + bytes / 32 + self.patterns.saturating_mul(bytes) / by_byte
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => self.parts,
        };
        match LEFT.get().checked_sub(cost) {
            Some(left) => LEFT.set(left),
            // not a panic that is reported: there is no other way out of the middle of a check
            None => resume_unwind(Box::new(Spent)),
        }
    }
}

impl<'i> Keyword<'i> for Meter {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        self.count(instance);
        Ok(())
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        self.count(instance);
        true
    }
}
