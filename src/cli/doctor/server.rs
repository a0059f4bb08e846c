//! Settings of PostgreSQL that hurt, and room for our connections.

use super::finding::{Finding, Severity};
use super::reach::{Session, Setting};
use super::{Patient, quoted};
use crate::run;

/// When a setting hurts, how much, why, and what it should be.
struct Rule {
    name: &'static str,
    hurts: fn(&str) -> bool,
    severity: Severity,
    why: &'static str,
    good: &'static str,
}

const RULES: [Rule; 11] = [
    Rule {
        name: "fsync",
        hurts: is_off,
        severity: Severity::Fault,
        why: "a crash of the machine can destroy the database",
        good: "on",
    },
    Rule {
        name: "full_page_writes",
        hurts: is_off,
        severity: Severity::Fault,
        why: "a crash of the machine can destroy pages",
        good: "on",
    },
    Rule {
        name: "synchronous_commit",
        hurts: is_off,
        severity: Severity::Warning,
        why: "a crash of the server can lose events whose COMMIT was answered",
        good: "on",
    },
    Rule {
        name: "autovacuum",
        hurts: is_off,
        severity: Severity::Fault,
        why: "dead rows of the queue stay for ever and claims become slow",
        good: "on",
    },
    Rule {
        name: "track_counts",
        hurts: is_off,
        severity: Severity::Fault,
        why: "autovacuum does not know what to clean",
        good: "on",
    },
    Rule {
        name: "default_transaction_read_only",
        hurts: |value| value == "on",
        severity: Severity::Fault,
        why: "nothing can be claimed or published",
        good: "off",
    },
    Rule {
        name: "statement_timeout",
        hurts: |value| within(value, 1..1_000),
        severity: Severity::Warning,
        why: "programs that publish lose statements that take longer (ours have a limit of their own)",
        good: "30000",
    },
    Rule {
        name: "lock_timeout",
        hurts: |value| within(value, 1..1_000),
        severity: Severity::Warning,
        why: "statements that wait for another's row fail",
        good: "0",
    },
    Rule {
        name: "idle_in_transaction_session_timeout",
        hurts: |value| within(value, 1..10_000),
        severity: Severity::Warning,
        why: "a transaction that a busy machine interrupts is ended",
        good: "60000",
    },
    Rule {
        name: "idle_session_timeout",
        hurts: |value| within(value, 1..60_000),
        severity: Severity::Warning,
        why: "pooled connections and the one that listens are ended again and again",
        good: "0",
    },
    Rule {
        name: "jit_above_cost",
        hurts: |value| value.parse().is_ok_and(|cost: f64| (0.0..10_000.0).contains(&cost)),
        severity: Severity::Warning,
        why: "statements that publish are compiled each time, which takes longer than they do",
        good: "100000",
    },
];

fn is_off(value: &str) -> bool {
    value == "off"
}

fn within(value: &str, milliseconds: std::ops::Range<i64>) -> bool {
    value.parse().is_ok_and(|value| milliseconds.contains(&value))
}

/// What is known from coming in.
pub(super) fn look(patient: &Patient<'_>) -> Vec<Finding> {
    let session = &patient.session;
    let mut findings: Vec<_> = RULES
        .iter()
        .filter_map(|rule| {
            let setting = session.settings.get(rule.name).filter(|setting| (rule.hurts)(&setting.value))?;
            // a low cost does nothing where nothing is compiled
            let is_idle =
                rule.name == "jit_above_cost" && session.settings.get("jit").is_some_and(|jit| jit.value == "off");
            let finding = format!("{} is {}: {}", rule.name, setting.value, rule.why);
            let mut found = Finding::warning("server", finding, mend(session, rule, setting));
            found.severity = rule.severity;
            (!is_idle).then_some(found)
        })
        .collect();
    if findings.is_empty() {
        findings.push(Finding::ok("server", "no setting of the server hurts"));
    }
    findings.push(connections(patient));
    findings
}

/// Where it was set is where it is mended.
fn mend(session: &Session, rule: &Rule, setting: &Setting) -> String {
    let (login, database, name) = (quoted(&session.login), quoted(&session.database), rule.name);
    match &*setting.source {
        "user" => format!("ALTER ROLE {login} RESET {name}"),
        "database" => format!("ALTER DATABASE {database} RESET {name}"),
        "database user" => format!("ALTER ROLE {login} IN DATABASE {database} RESET {name}"),
        "command line" | "environment variable" => format!("start the server without {name} on its command line"),
        "client" => format!("take {name} out of the options in DATABASE_URL"),
        _ => {
            let effect = if setting.context == "postmaster" { "restart the server" } else { "SELECT pg_reload_conf()" };
            format!("ALTER SYSTEM SET {name} = '{}'; {effect}", rule.good)
        }
    }
}

/// Whether there is room for the connections of a process.
fn connections(patient: &Patient<'_>) -> Finding {
    let session = &patient.session;
    let wanted = i32::try_from(run::connections_of(&patient.command.config)).unwrap_or(i32::MAX);
    let usable = session.max_connections - session.reserved;
    let free = usable - session.connected;
    let (login, database) = (quoted(&session.login), quoted(&session.database));
    let too_few = |limit: Option<i32>| limit.filter(|limit| *limit < wanted);
    if let Some(limit) = too_few(session.login_limit) {
        let finding = format!("the login may have {limit} connections, a process takes up to {wanted}");
        return Finding::fault("connections", finding, format!("ALTER ROLE {login} CONNECTION LIMIT -1"));
    }
    if let Some(limit) = too_few(session.database_limit) {
        let finding = format!("the database takes {limit} connections, a process takes up to {wanted}");
        return Finding::fault("connections", finding, format!("ALTER DATABASE {database} CONNECTION LIMIT -1"));
    }
    let raise = format!(
        "ALTER SYSTEM SET max_connections = {}; restart the server",
        (session.max_connections + 2 * wanted).max(100)
    );
    let finding = format!("{} of {usable} connections are in use, a process takes up to {wanted}", session.connected);
    match () {
        () if usable < wanted => Finding::fault("connections", finding, raise),
        () if free < wanted => Finding::warning("connections", finding, raise),
        () => Finding::ok("connections", finding),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hurts_is_told_from_what_does_not() {
        let hurts =
            |name: &str, value: &str| RULES.iter().filter(|rule| rule.name == name).any(|rule| (rule.hurts)(value));
        for (name, bad, good) in [
            ("fsync", "off", "on"),
            ("default_transaction_read_only", "on", "off"),
            ("statement_timeout", "500", "0"),
            ("idle_session_timeout", "30000", "0"),
            ("jit_above_cost", "10", "100000"),
            ("jit_above_cost", "0", "-1"),
        ] {
            assert!(hurts(name, bad) && !hurts(name, good), "{name}");
        }
    }
}
