//! Shape: walks over a schema's subschemas, sees where its references lead, and puts the meter into each.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Fault, meter};

/// Most subschemas that can apply to one and the same value within each other.
const NESTING_MAX: usize = 32;

/// Keywords with a subschema for the same value.
const SAME_VALUE: [&str; 4] = ["not", "if", "then", "else"];
/// Keywords with a list of them.
const SAME_VALUE_LISTS: [&str; 3] = ["allOf", "anyOf", "oneOf"];
/// Keywords with a map of them.
const SAME_VALUE_MAPS: [&str; 2] = ["dependentSchemas", "dependencies"];
/// Keywords with a subschema, or a list of them, for parts of the value.
const PARTS: [&str; 9] = [
    "items",
    "prefixItems",
    "additionalItems",
    "contains",
    "unevaluatedItems",
    "additionalProperties",
    "unevaluatedProperties",
    "propertyNames",
    "contentSchema",
];
/// Keywords with a map of subschemas for parts of the value, or for nothing by themselves.
const PART_MAPS: [&str; 4] = ["properties", "patternProperties", "$defs", "definitions"];
/// Keywords that name a subschema elsewhere.
const REFERENCES: [&str; 3] = ["$ref", "$dynamicRef", "$recursiveRef"];

/// Puts the meter into every subschema.
///
/// # Errors
/// A reference that leads out of the schema, to something that is no subschema, or round in a circle.
pub(super) fn prepare(schema: &mut Value) -> Result<(), Fault> {
    let mut shape = Shape::default();
    shape.walk(schema, String::new())?;
    shape.check_references()?;
    shape.check_nesting()
}

/// The subschemas by their pointers.
#[derive(Default)]
struct Shape {
    /// Which others apply to the same value.
    same_value: BTreeMap<String, Vec<String>>,
    /// Where references stand, and where they lead.
    references: Vec<(String, String)>,
}

impl Shape {
    fn walk(&mut self, node: &mut Value, pointer: String) -> Result<(), Fault> {
        let mut same_value = Vec::new();
        if let Value::Object(schema) = node {
            for keyword in REFERENCES {
                if let Some(Value::String(target)) = schema.get(keyword) {
                    let target = within(target).ok_or_else(|| {
                        Fault::new(
                            child(&pointer, keyword),
                            "must lead within this schema: # or #/…, without % escapes",
                        )
                    })?;
                    self.references.push((child(&pointer, keyword), target.clone()));
                    same_value.push(target);
                }
            }
            let (parts, patterns) = weigh(schema);
            for (keyword, value) in schema.iter_mut() {
                let place = child(&pointer, keyword);
                let keyword = keyword.as_str();
                let is_same_value = SAME_VALUE.contains(&keyword)
                    || SAME_VALUE_LISTS.contains(&keyword)
                    || SAME_VALUE_MAPS.contains(&keyword);
                let is_map = SAME_VALUE_MAPS.contains(&keyword) || PART_MAPS.contains(&keyword);
                if !(is_same_value || is_map || PARTS.contains(&keyword)) {
                    continue;
                }
                for (place, subschema) in subschemas(value, place, is_map) {
                    if is_same_value {
                        same_value.push(place.clone());
                    }
                    self.walk(subschema, place)?;
                }
            }
            schema.insert(meter::KEYWORD.to_owned(), meter::of(parts, patterns));
        }
        self.same_value.insert(pointer, same_value);
        Ok(())
    }

    fn check_references(&self) -> Result<(), Fault> {
        match self.references.iter().find(|(_, target)| !self.same_value.contains_key(target)) {
            Some((place, _)) => Err(Fault::new(place, "leads to no subschema of this schema")),
            None => Ok(()),
        }
    }

    /// How deeply subschemas for the same value stand within each other, references followed.
    fn check_nesting(&self) -> Result<(), Fault> {
        let mut depths = BTreeMap::new();
        for pointer in self.same_value.keys() {
            if self.depth(pointer, 0, &mut depths).is_none() {
                let message = format!(
                    "refers to itself without a step into the value, or to more than {NESTING_MAX} subschemas one after the other"
                );
                return Err(Fault::new(pointer, message));
            }
        }
        Ok(())
    }

    fn depth<'a>(&'a self, pointer: &'a str, above: usize, known: &mut BTreeMap<&'a str, usize>) -> Option<usize> {
        if let Some(depth) = known.get(pointer) {
            return (above + depth <= NESTING_MAX).then_some(*depth);
        }
        if above > NESTING_MAX {
            return None;
        }
        let mut deepest = 0;
        for next in self.same_value.get(pointer).into_iter().flatten() {
            deepest = deepest.max(1 + self.depth(next, above + 1, known)?);
        }
        known.insert(pointer, deepest);
        Some(deepest)
    }
}

/// The pointer that a reference within the schema stands for.
fn within(reference: &str) -> Option<String> {
    let pointer = reference.strip_prefix('#')?;
    ((pointer.is_empty() || pointer.starts_with('/')) && !pointer.contains('%')).then(|| pointer.to_owned())
}

fn child(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// What stands under a keyword, with the pointers to it.
fn subschemas(value: &mut Value, place: String, is_map: bool) -> Vec<(String, &mut Value)> {
    if is_map {
        // an entry of `dependencies` can be a list of names
        let members = value.as_object_mut().into_iter().flatten().filter(|(_, member)| !member.is_array());
        members.map(|(name, member)| (child(&place, name), member)).collect()
    } else if value.is_array() {
        let items = value.as_array_mut().into_iter().flatten().enumerate();
        items.map(|(n, item)| (format!("{place}/{n}"), item)).collect()
    } else {
        vec![(place, value)]
    }
}

/// How many parts a subschema has that are no subschemas themselves, and the weight of its patterns.
fn weigh(schema: &Map<String, Value>) -> (u64, u64) {
    let (mut parts, mut patterns) = (1, 0);
    for (keyword, value) in schema {
        parts += match keyword.as_str() {
            "enum" | "const" | "required" | "type" | "dependentRequired" | "dependencies" => count(value),
            // following it costs more than to look at a value
            "$ref" | "$dynamicRef" | "$recursiveRef" => 10,
            _ => 1,
        };
        match (keyword.as_str(), value) {
            ("pattern" | "format", Value::String(pattern)) => patterns += weight_of(pattern),
            ("properties", Value::Object(members)) => parts += members.len() as u64 / 8,
            ("patternProperties", Value::Object(members)) => {
                patterns += members.keys().map(|p| weight_of(p)).sum::<u64>()
            }
            _ => {}
        }
    }
    (parts, patterns)
}

fn count(value: &Value) -> u64 {
    match value {
        Value::Array(items) => 1 + items.iter().map(count).sum::<u64>(),
        Value::Object(members) => 1 + members.values().map(count).sum::<u64>(),
        _ => 1,
    }
}

/// Its length, and what its repetitions ask for.
fn weight_of(pattern: &str) -> u64 {
    let numbers = pattern.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse::<u64>().ok());
    pattern.len() as u64 + numbers.map(|n| n.min(1000)).sum::<u64>()
}
