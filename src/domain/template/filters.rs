//! How templates write values, and the filters they have. Each is charged for what it reads and makes.

use std::sync::Arc;

use minijinja::value::Rest;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value};

use super::OUTPUT_MAX_BYTES;
use super::data::Work;

/// An environment with nothing in it but our filters.
pub(super) fn environment(work: &Arc<Work>, is_json: bool) -> Environment<'static> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    let charged = work.clone();
    environment.set_formatter(move |out, state, value| write(out, state, value, is_json, &charged));
    add_filters(&mut environment, work);
    environment
}

/// Writes a value: as JSON (what is not there is null), or texts as they are and the rest as JSON (what is not there, nothing).
fn write(out: &mut Output<'_>, _: &mut State<'_, '_>, value: &Value, is_json: bool, work: &Work) -> Result<(), Error> {
    let text = match value.as_str() {
        Some(text) if !is_json || value.is_safe() => text.to_owned(),
        _ if value.is_undefined() => if is_json { "null" } else { "" }.to_owned(),
        _ => json_of(value)?,
    };
    work.spend(text.len())?;
    out.write_str(&text).map_err(|_| Error::new(ErrorKind::OutOfFuel, "makes too much"))
}

fn json_of(value: &Value) -> Result<String, Error> {
    let mut made = Capped(Vec::new());
    serde_json::to_writer(&mut made, value)
        .map_err(|error| Error::new(ErrorKind::BadSerialization, error.to_string()))?;
    Ok(String::from_utf8(made.0).expect("JSON is text"))
}

/// The text of a value: a text itself, JSON of the rest, nothing of what is not there.
fn text_of(value: &Value) -> Result<String, Error> {
    match value.as_str() {
        Some(text) => Ok(text.to_owned()),
        None if value.is_undefined() || value.is_none() => Ok(String::new()),
        None => json_of(value),
    }
}

fn add_filters(environment: &mut Environment<'static>, work: &Arc<Work>) {
    let of_text = |f: fn(&str) -> String| {
        let work = work.clone();
        move |value: Value| -> Result<Value, Error> {
            let text = text_of(&value)?;
            work.spend(text.len())?;
            let made = f(&text);
            work.spend(made.len())?;
            Ok(made.into())
        }
    };
    environment.add_filter("lower", of_text(|text| text.to_lowercase()));
    environment.add_filter("upper", of_text(|text| text.to_uppercase()));
    environment.add_filter("trim", of_text(|text| text.trim().to_owned()));
    let to_json = |is_inner: bool| {
        let work = work.clone();
        move |value: Value| -> Result<Value, Error> {
            let json = if is_inner { json_of(&text_of(&value)?.into())? } else { json_of(&value)? };
            work.spend(2 * json.len())?;
            Ok(Value::from_safe_string(if is_inner { json[1..json.len() - 1].to_owned() } else { json }))
        }
    };
    environment.add_filter("tojson", to_json(false));
    environment.add_filter("escaped", to_json(true));
    let charged = work.clone();
    environment.add_filter("replace", move |value: Value, from: String, to: String| -> Result<Value, Error> {
        let text = text_of(&value)?;
        let found = if from.is_empty() { 0 } else { text.matches(&from).count() };
        charged.spend(2 * text.len() + found * to.len())?;
        Ok(if found == 0 { text } else { text.replace(&from, &to) }.into())
    });
    let charged = work.clone();
    environment.add_filter("truncate", move |value: Value, chars: usize| -> Result<Value, Error> {
        let text = text_of(&value)?;
        charged.spend(text.len())?;
        Ok(text.chars().take(chars).collect::<String>().into())
    });
    let charged = work.clone();
    environment.add_filter("join", move |values: Value, between: Option<String>| -> Result<Value, Error> {
        let between = between.unwrap_or_default();
        let mut made = String::new();
        for (n, value) in values.try_iter()?.enumerate() {
            let text = text_of(&value)?;
            charged.spend(text.len() + between.len())?;
            if n > 0 {
                made.push_str(&between);
            }
            made.push_str(&text);
        }
        Ok(made.into())
    });
    environment.add_filter("length", |value: Value| value.len().unwrap_or(0));
    environment.add_filter("first", |value: Value| Ok::<_, Error>(value.try_iter()?.next().unwrap_or_default()));
    environment.add_filter("last", |value: Value| Ok::<_, Error>(value.try_iter()?.last().unwrap_or_default()));
    environment.add_filter("default", |value: Value, otherwise: Rest<Value>| {
        let is_missing = value.is_undefined() || value.is_none();
        if is_missing { otherwise.first().cloned().unwrap_or_default() } else { value }
    });
    environment.add_filter("round", |value: f64, digits: Option<i32>| {
        let factor = 10f64.powi(digits.unwrap_or(0).clamp(0, 12));
        (value * factor).round() / factor
    });
}

/// Bytes up to the most that a template may make.
pub(super) struct Capped(pub(super) Vec<u8>);

impl std::io::Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0.len() + bytes.len() > OUTPUT_MAX_BYTES {
            return Err(std::io::Error::other("more than 1 MiB"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
