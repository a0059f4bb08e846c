//! JSON Schemas of event types: a tenant's own program, so everything about it is bounded, its size, its references, its
//! patterns (linear time) and the work of one check.

mod meter;
mod shape;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::Value;

use super::delivery::printable;

/// Longest schema, in bytes; the database says the same.
pub const SCHEMA_MAX_BYTES: usize = 64 * 1024;

/// Most faults that are listed.
const FAULTS_MAX: usize = 20;

/// Longest message of a fault, in characters.
const MESSAGE_MAX_CHARS: usize = 200;

/// Longest compiled pattern, in bytes.
const PATTERN_MAX_BYTES: usize = 512 * 1024;

/// Stack of a check: 127 levels of payload, each through at most as many references as `shape` allows.
const STACK_BYTES: usize = 64 * 1024 * 1024;

/// Something wrong at a place of a JSON document. Never holds values of the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// JSON Pointer (RFC 6901) to the place; empty for the whole.
    pub pointer: String,
    /// What is wrong there.
    pub message: String,
}

impl Fault {
    fn new(pointer: impl Into<String>, message: impl AsRef<str>) -> Self {
        Self { pointer: pointer.into(), message: printable(message.as_ref(), MESSAGE_MAX_CHARS) }
    }

    fn of(error: &ValidationError<'_>) -> Self {
        // masked: what is stored with a delivery is read by people who may not read payloads
        Self::new(error.instance_path().as_str(), error.masked().to_string())
    }
}

/// A schema that payloads can be checked against.
pub struct EventSchema {
    validator: Validator,
}

impl EventSchema {
    /// Reads a schema of draft 4, 6, 7, 2019-09 or 2020-12 (which is meant where `$schema` is absent). References lead to
    /// `#` or `#/…` only; nothing is fetched. Takes milliseconds: not for the threads that serve requests.
    ///
    /// # Errors
    /// What is wrong with it, and where in it.
    pub fn compile(text: &str) -> Result<Self, Vec<Fault>> {
        if text.len() > SCHEMA_MAX_BYTES {
            let message = format!("has {} bytes, more than {SCHEMA_MAX_BYTES}", text.len());
            return Err(vec![Fault::new("", message)]);
        }
        let mut schema = parse(text)?;
        with_room(|| {
            let meta = jsonschema::meta::validator_for(&schema).map_err(|e| vec![Fault::of(&e)])?;
            let faults: Vec<Fault> = meta.iter_errors(&schema).take(FAULTS_MAX).map(|e| Fault::of(&e)).collect();
            if !faults.is_empty() {
                return Err(faults);
            }
            shape::prepare(&mut schema).map_err(|fault| vec![fault])?;
            let validator = jsonschema::options()
                .offline()
                .with_pattern_options(PatternOptions::regex().size_limit(PATTERN_MAX_BYTES))
                .with_keyword(meter::KEYWORD, meter::build)
                .build(&schema)
                .map_err(|e| vec![Fault::of(&e)])?;
            Ok(Self { validator })
        })
    }

    /// Checks a payload, given as JSON text. Takes up to some tens of milliseconds, after which it gives up: not for the
    /// threads that serve requests.
    ///
    /// # Errors
    /// Where it does not fit, up to 20 places; or why it cannot be checked.
    pub fn check(&self, payload: &str) -> Result<(), Vec<Fault>> {
        let payload = parse(payload)?;
        with_room(|| {
            let is_valid = meter::run(meter::BUDGET, || self.validator.is_valid(&payload));
            if is_valid.map_err(|message| vec![Fault::new("", message)])? {
                return Ok(());
            }
            let all = || self.validator.iter_errors(&payload).take(FAULTS_MAX).map(|e| Fault::of(&e)).collect();
            let first = || self.validator.validate(&payload).err().map(|e| Fault::of(&e)).into_iter().collect();
            // telling everything can cost far more than telling that there is something
            let faults: Vec<Fault> = meter::run(meter::BUDGET / 4, all)
                .or_else(|_| meter::run(meter::BUDGET / 4, first))
                .unwrap_or_else(|_| vec![Fault::new("", "does not match the schema")]);
            Err(faults)
        })
    }
}

/// Compiled schemas used lately, by their text.
#[derive(Default)]
pub struct Schemas(Mutex<HashMap<String, Compiled>>);

/// A schema, or what is wrong with it.
pub type Compiled = Arc<Result<EventSchema, Vec<Fault>>>;

impl Schemas {
    /// Most schemas that are kept.
    const MAX: usize = 32;

    /// The schema of this text.
    pub fn of(&self, text: &str) -> Compiled {
        if let Some(known) = self.lock().get(text) {
            return known.clone();
        }
        let compiled = Arc::new(EventSchema::compile(text));
        let mut all = self.lock();
        if all.len() >= Self::MAX {
            all.clear();
        }
        all.insert(text.to_owned(), compiled.clone());
        compiled
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Compiled>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn parse(text: &str) -> Result<Value, Vec<Fault>> {
    serde_json::from_str(text).map_err(|_| {
        vec![Fault::new("", "is nested deeper than 127 levels or has a number beyond what can be checked")]
    })
}

/// Runs with a stack that no schema and payload within our limits can fill, and keeps a fault of the validator to itself.
fn with_room<T: Send>(work: impl FnOnce() -> Result<T, Vec<Fault>> + Send) -> Result<T, Vec<Fault>> {
    let cannot = || vec![Fault::new("", "cannot be checked: a fault of ours")];
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("schema".to_owned()).stack_size(STACK_BYTES);
        let started = thread.spawn_scoped(scope, || catch_unwind(AssertUnwindSafe(work)));
        match started.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(Ok(result))) => result,
            _ => Err(cannot()),
        }
    })
}

#[cfg(test)]
mod tests;
