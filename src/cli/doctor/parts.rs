//! Whether everything is there that the migrations made: indexes, triggers, row security, policies and grants.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::Patient;
use super::finding::Finding;
use crate::cli::count::many;
use crate::store::{StoreError, sql};

/// What a migrated database has: kind, table or function, name, and the statement that makes it; a test renews it.
const EXPECTED: &str = include_str!("parts.txt");

#[derive(Deserialize)]
struct Part {
    kind: String,
    owner: String,
    name: String,
    is_sound: bool,
}

/// Compares what is there with what should be.
pub(super) async fn look(patient: &Patient<'_>) -> Result<Vec<Finding>, StoreError> {
    let found: Vec<Part> = patient.probe.ask(sql::DOCTOR_PARTS, &[]).await?;
    let there: BTreeSet<_> = found.iter().map(|part| (&*part.kind, &*part.owner, &*part.name)).collect();
    let expected: Vec<[&str; 4]> = EXPECTED.lines().filter_map(fields).collect();
    // all that one table lacks of a kind is one finding
    let mut lacking: BTreeMap<(&str, &str), Vec<(&str, &str)>> = BTreeMap::new();
    for [kind, owner, name, made_by] in &expected {
        if !there.contains(&(*kind, *owner, *name)) {
            lacking.entry((*kind, *owner)).or_default().push((*name, *made_by));
        }
    }
    let mut findings: Vec<_> = lacking.iter().map(|((kind, owner), parts)| missing(kind, owner, parts)).collect();
    let known: BTreeSet<_> = expected.iter().map(|[kind, owner, name, _]| (*kind, *owner, *name)).collect();
    findings.extend(found.iter().filter(|part| !part.is_sound).map(|part| {
        let is_known = known.contains(&(&*part.kind, &*part.owner, &*part.name));
        unsound(part, is_known)
    }));
    if findings.is_empty() {
        let finding = format!("all {} indexes, triggers, policies and grants are there", expected.len());
        findings.push(Finding::ok("parts", finding));
    }
    Ok(findings)
}

fn fields(line: &str) -> Option<[&str; 4]> {
    line.split('\t').collect::<Vec<_>>().try_into().ok()
}

fn missing(kind: &str, owner: &str, parts: &[(&str, &str)]) -> Finding {
    let names = parts.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let statements = parts.iter().map(|(_, made_by)| *made_by).collect::<Vec<_>>().join("; ");
    let (check, finding) = match kind {
        "index" => ("index", format!("posthorn.{owner} lacks {}: {names}", many(parts.len(), "index", "indexes"))),
        "trigger" => (
            "trigger",
            format!("posthorn.{owner} lacks its trigger {names}: events get no deliveries, or rules are not kept"),
        ),
        "grant" => ("grants", format!("posthorn.{owner}: rights are missing: {names}")),
        _ => (
            "row security",
            format!("posthorn.{owner} lacks {kind} {names}: tenants are not kept apart, or see nothing"),
        ),
    };
    Finding::fault(check, finding, as_owner(&statements))
}

/// Switched off, or not in a state to be used.
fn unsound(part: &Part, is_known: bool) -> Finding {
    let Part { kind, owner, name, .. } = part;
    match (&**kind, is_known) {
        ("index", true) => Finding::fault(
            "index",
            format!("index posthorn.{name} is invalid and not used"),
            as_owner(&format!("REINDEX INDEX posthorn.{}", super::quoted(name))),
        ),
        ("index", false) => Finding::warning(
            "index",
            format!(
                "index posthorn.{name} of {owner} is invalid: it costs and is not used, as when making it CONCURRENTLY failed"
            ),
            as_owner(&format!("DROP INDEX posthorn.{}", super::quoted(name))),
        ),
        ("trigger", _) => Finding::fault(
            "trigger",
            format!("trigger {name} of posthorn.{owner} is disabled: events get no deliveries, or rules are not kept"),
            as_owner(&format!("ALTER TABLE posthorn.{} ENABLE TRIGGER {}", super::quoted(owner), super::quoted(name))),
        ),
        _ => Finding::fault(
            "row security",
            format!("row security of posthorn.{owner} is switched off: tenants are not kept apart"),
            as_owner(&format!("ALTER TABLE posthorn.{} ENABLE ROW LEVEL SECURITY", super::quoted(owner))),
        ),
    }
}

/// Whoever has these statements done is a member of the owner.
fn as_owner(statements: &str) -> String {
    format!("SET ROLE posthorn_owner; {statements}; RESET ROLE")
}
