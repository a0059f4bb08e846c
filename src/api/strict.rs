//! Strict: whether an event fits what its type, or a tenant that is strict, wants of it. By SQL a dispatcher finds that out later.

use std::sync::Arc;

use super::problem::Problem;
use crate::domain::schema::{Fault, Schemas};
use crate::domain::violation::Violation;
use crate::store::event_types;
use crate::store::events::NewEvent;
use crate::store::{Scope, Store, Work};

/// Most failed rules that an answer names.
const VIOLATIONS_MAX: usize = 100;

/// Checks events before they are published.
pub(super) struct Strictness {
    store: Store,
    schemas: Arc<Schemas>,
}

impl Strictness {
    /// Rules come from the store.
    pub(super) fn new(store: Store) -> Self {
        Self { store, schemas: Arc::default() }
    }

    /// Refuses an event whose type is unknown to a strict tenant, or whose payload does not fit a strict type.
    pub(super) async fn check(&self, scope: Scope, new: &NewEvent) -> Result<(), Problem> {
        let violations = self.violations(scope, &[("", new)]).await?;
        if violations.is_empty() { Ok(()) } else { Err(Problem::invalid(violations)) }
    }

    /// The same of many, each named with its place: `events[3].payload/amount`.
    pub(super) async fn check_all(&self, scope: Scope, new: &[NewEvent]) -> Result<(), Problem> {
        let places: Vec<String> = (0..new.len()).map(|n| format!("events[{n}].")).collect();
        let named: Vec<(&str, &NewEvent)> = places.iter().map(String::as_str).zip(new).collect();
        let mut violations = self.violations(scope, &named).await?;
        violations.truncate(VIOLATIONS_MAX);
        if violations.is_empty() { Ok(()) } else { Err(Problem::invalid(violations)) }
    }

    async fn violations(&self, scope: Scope, new: &[(&str, &NewEvent)]) -> Result<Vec<Violation>, Problem> {
        let mut names: Vec<&str> = new.iter().map(|(_, event)| event.event.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let names = names.as_slice();
        let rules = self.store.tx("event rules", scope, move |tx| Work::new(event_types::rules(tx, names))).await?;
        let mut violations = Vec::new();
        for (place, event) in new {
            let Some(rule) = rules.iter().find(|rule| rule.name == event.event.as_str()) else { continue };
            if rule.is_unknown {
                let message =
                    format!("{} is not in the catalogue of event types, and this tenant is strict", rule.name);
                violations.push(Violation::new(&format!("{place}event"), "unknown_event_type", message));
            }
            let Some(json_schema) = rule.json_schema.clone() else { continue };
            let (schemas, payload) = (self.schemas.clone(), event.payload.clone());
            let checked = tokio::task::spawn_blocking(move || match &*schemas.of(&json_schema) {
                Ok(schema) => schema.check(&payload),
                Err(faults) => Err(faults.clone()),
            });
            let faults = checked.await.map_err(|_| Problem::internal())?.err().unwrap_or_default();
            violations.extend(self::violations(&format!("{place}payload"), "schema_mismatch", faults));
            if violations.len() > VIOLATIONS_MAX {
                break;
            }
        }
        Ok(violations)
    }
}

/// Faults of a field's document: the field is named with the JSON Pointer into it, `payload/lines/0`.
pub(super) fn violations(field: &str, rule: &'static str, faults: Vec<Fault>) -> Vec<Violation> {
    faults.into_iter().map(|f| Violation::new(&format!("{field}{}", f.pointer), rule, f.message)).collect()
}
