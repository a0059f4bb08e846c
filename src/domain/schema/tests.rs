//! Schemas and payloads, good, bad and hostile.

use std::fmt::Write;
use std::time::{Duration, Instant};

use super::*;

fn faults_of(schema: &str) -> Vec<Fault> {
    EventSchema::compile(schema).err().unwrap_or_default()
}

fn check(schema: &str, payload: &str) -> Result<(), Vec<Fault>> {
    EventSchema::compile(schema).unwrap_or_else(|faults| panic!("{schema:.200}: {faults:?}")).check(payload)
}

#[test]
fn each_mismatch_is_named_with_its_place_and_without_its_value() {
    let schema = r#"{"type": "object", "required": ["id"], "properties": {"amount": {"type": "string"}, "lines": {"items": {"minimum": 3}}}}"#;
    assert_eq!(check(schema, r#"{"id": 1, "amount": "1.00", "lines": [3, 4]}"#), Ok(()));
    let faults = check(schema, r#"{"amount": 4711, "lines": [3, 2]}"#).unwrap_err();
    let pointers: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    assert_eq!(pointers.len(), 3, "{faults:?}");
    for pointer in ["", "/amount", "/lines/1"] {
        assert!(pointers.contains(&pointer), "{pointer}: {faults:?}");
    }
    assert!(!format!("{faults:?}").contains("4711"), "{faults:?}");
}

#[test]
fn a_bad_schema_is_refused_with_the_place() {
    for (schema, pointer) in [
        (r#"{"type": "strin"}"#, "/type"),
        (r#"{"properties": {"a": {"minimum": "x"}}}"#, "/properties/a/minimum"),
        (r#"{"properties": {"a": {"pattern": "("}}}"#, "/properties/a/pattern"),
        // patterns that need backtracking are not linear
        (r#"{"properties": {"a": {"pattern": "(a)\\1"}}}"#, "/properties/a/pattern"),
        (r#"{"properties": {"a": {"pattern": "(?=a)b"}}}"#, "/properties/a/pattern"),
        (r#"{"properties": {"a": {"pattern": "((a{1000}){1000}){1000}"}}}"#, "/properties/a/pattern"),
        (r#"{"$ref": "https://example.com/schema.json"}"#, "/$ref"),
        (r#"{"properties": {"a": {"$ref": "file:///etc/passwd"}}}"#, "/properties/a/$ref"),
        (r#"{"$id": "https://example.com/a/", "$ref": "b.json"}"#, "/$ref"),
        (r##"{"$ref": "#anchor", "$defs": {"a": {"$anchor": "anchor"}}}"##, "/$ref"),
        (r##"{"$ref": "#/$defs/b"}"##, "/$ref"),
        (r##"{"$ref": "#"}"##, ""),
        (r##"{"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/b"}]}, "b": {"not": {"$ref": "#/$defs/a"}}}}"##, "/$defs/a"),
    ] {
        let faults = faults_of(schema);
        assert!(faults.iter().any(|fault| fault.pointer == pointer), "{schema}: {faults:?}");
    }
    assert!(!faults_of(r#"{"$schema": "https://example.com/own-meta"}"#).is_empty());
    assert!(!faults_of(&format!(r#"{{"description": "{}"}}"#, "x".repeat(SCHEMA_MAX_BYTES))).is_empty());
    assert!(!faults_of(&format!("{}{{}}{}", r#"{"not":"#.repeat(200), "}".repeat(200))).is_empty());
}

#[test]
fn every_draft_is_known() {
    for draft in [
        "http://json-schema.org/draft-04/schema#",
        "http://json-schema.org/draft-06/schema#",
        "http://json-schema.org/draft-07/schema#",
        "https://json-schema.org/draft/2019-09/schema",
        "https://json-schema.org/draft/2020-12/schema",
    ] {
        let schema = format!(
            r##"{{"$schema": "{draft}", "definitions": {{"n": {{"type": "integer"}}}}, "properties": {{"n": {{"$ref": "#/definitions/n"}}}}}}"##
        );
        assert_eq!(check(&schema, r#"{"n": 1}"#), Ok(()), "{draft}");
        assert_eq!(check(&schema, r#"{"n": "x"}"#).unwrap_err()[0].pointer, "/n", "{draft}");
    }
}

#[test]
fn a_tree_may_refer_to_itself() {
    let schema =
        r##"{"type": "object", "properties": {"name": {"type": "string"}, "children": {"items": {"$ref": "#"}}}}"##;
    assert_eq!(check(schema, r#"{"name": "a", "children": [{"name": "b", "children": []}]}"#), Ok(()));
    let faults = check(schema, r#"{"children": [{"children": [{"name": 1}]}]}"#).unwrap_err();
    assert_eq!(faults[0].pointer, "/children/0/children/0/name");
}

/// On a slow and busy machine, without optimisation.
const LONG: Duration = Duration::from_secs(10);

#[test]
fn what_would_take_for_ever_ends_soon() {
    // each level of the payload doubles the work
    let doubling = r##"{"properties": {"p": {"allOf": [{"$ref": "#"}, {"$ref": "#"}, {"properties": {"p": {"type": "string"}}}]}}}"##;
    let deep = format!("{}1{}", r#"{"p":"#.repeat(120), "}".repeat(120));
    // each definition doubles the work of the next, on the same value
    let mut chain = String::from(r##"{"$ref": "#/$defs/d0", "$defs": {"##);
    for n in 0..29 {
        write!(chain, r##""d{n}": {{"allOf": [{{"$ref": "#/$defs/d{0}"}}, {{"$ref": "#/$defs/d{0}"}}]}}, "##, n + 1)
            .unwrap();
    }
    chain.push_str(r#""d29": {"type": "object"}}}"#);
    let words: Vec<String> = (0..3000).map(|n| format!("\"word{n}\"")).collect();
    let comparing = format!(r#"{{"properties": {{"list": {{"items": {{"enum": [{}]}}}}}}}}"#, words.join(","));
    let list = format!(r#"{{"list": [{}]}}"#, vec!["\"nothing\""; 20_000].join(","));
    let text = format!(r#"{{"t": "{}"}}"#, "ab".repeat(100_000));
    let pattern = |pattern: &str| format!(r#"{{"properties": {{"t": {{"pattern": "{pattern}"}}}}}}"#);
    for (name, schema, payload) in [
        ("doubling", doubling.to_owned(), deep.as_str()),
        ("chain", chain, "{}"),
        ("comparing", comparing, list.as_str()),
        ("catastrophic", pattern("^(a+b?)+c$"), text.as_str()),
        ("alternatives", pattern("(a|b|ab)*(a|b|ab)*c$"), text.as_str()),
        ("states", pattern("[ab]*a[ab]{200}c"), text.as_str()),
    ] {
        let started = Instant::now();
        let outcome = EventSchema::compile(&schema).and_then(|schema| schema.check(payload));
        let took = started.elapsed();
        assert!(outcome.is_err(), "{name}: {took:?}");
        assert!(took < LONG, "{name}: {took:?}");
    }
}

#[test]
fn deep_schemas_and_payloads_do_not_end_the_process() {
    let nested = format!(r#"{}{{"type": "string"}}{}"#, r#"{"properties": {"a": "#.repeat(60), "}}".repeat(60));
    let deep = |levels: usize| format!("{}1{}", r#"{"a":"#.repeat(levels), "}".repeat(levels));
    assert!(check(&nested, &deep(60)).is_err());
    // thirty references at each of 120 levels
    let mut chain = String::from(r##"{"properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": {"##);
    for n in 0..28 {
        write!(chain, r##""d{n}": {{"allOf": [{{"$ref": "#/$defs/d{}"}}]}}, "##, n + 1).unwrap();
        if n == 13 {
            break;
        }
    }
    chain.push_str(r##""d14": {"properties": {"a": {"$ref": "#/$defs/d0"}}}}}"##);
    assert_eq!(check(&chain, &deep(120)), Ok(()));
    let faults = check("{}", &deep(200)).unwrap_err();
    assert!(faults[0].message.contains("127"), "{faults:?}");
}

#[test]
fn ordinary_payloads_of_the_largest_size_are_checked() {
    let schema = r#"{"type": "object", "required": ["lines"], "properties": {"lines": {"type": "array", "items": {"type": "object",
        "required": ["sku", "price"], "additionalProperties": false, "properties": {
        "sku": {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{1,8}$"}, "price": {"type": "string", "maxLength": 20},
        "mail": {"type": "string", "pattern": "^[^@]{1,64}@[^@]{1,255}$"}, "kind": {"enum": ["a", "b", "c"]}}}}}}"#;
    let line = r#"{"sku": "AB-1234", "price": "12.00", "mail": "someone@example.com", "kind": "b"}"#;
    let payload = format!(r#"{{"lines": [{}]}}"#, vec![line; 3000].join(","));
    assert!(payload.len() > 240_000 && payload.len() < 262_144, "{}", payload.len());
    assert_eq!(check(schema, &payload), Ok(()));
}

#[test]
fn schemas_are_compiled_once() {
    let schemas = Schemas::default();
    assert!(Arc::ptr_eq(&schemas.of("{}"), &schemas.of("{}")));
    for n in 0..100 {
        schemas.of(&format!(r#"{{"minProperties": {n}}}"#));
    }
    assert!(schemas.lock().len() <= Schemas::MAX);
}
