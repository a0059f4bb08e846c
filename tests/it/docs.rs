//! What the documents say is what the program does.

use std::fmt::Write;
use std::fs;

use clap::{Args, Command};
use posthorn::cli::dev::Dev;
use posthorn::config::Config;
use posthorn::metrics::{Declared, Metrics};

/// Renews the generated documents instead of comparing them.
fn is_renewing() -> bool {
    std::env::var_os("UPDATE_DOCS").is_some()
}

fn table<T: Args>(skip: &[String]) -> (String, Vec<String>) {
    let command = T::augment_args(Command::new("posthorn"));
    let mut rows = String::from("| environment | flag | default | what |\n|---|---|---|---|\n");
    let mut names = Vec::new();
    for argument in command.get_arguments() {
        let (Some(flag), Some(variable)) = (argument.get_long(), argument.get_env()) else { continue };
        let variable = variable.to_string_lossy().into_owned();
        if skip.contains(&variable) {
            continue;
        }
        let default = argument.get_default_values().first().map(|value| format!("`{}`", value.to_string_lossy()));
        let what = argument.get_help().unwrap().to_string().replace('|', "\\|");
        writeln!(rows, "| `{variable}` | `--{flag}` | {} | {what} |", default.unwrap_or_default()).unwrap();
        names.push(variable);
    }
    (rows, names)
}

#[test]
fn every_setting_is_in_the_configuration_page() {
    let (serve, names) = table::<Config>(&[]);
    let (dev, _) = table::<Dev>(&names);
    let page = format!(
        "# Configuration\n\nEvery setting is an environment variable and a flag; the flag wins. Made from `src/config.rs`; \
         `posthorn serve --help` says the same.\n\n## posthorn serve\n\n{serve}\n`--no-migrate` (`POSTHORN_NO_MIGRATE`) only \
         checks the schema's version. `--log-json` (`POSTHORN_LOG_JSON`) writes logs as JSON lines; `RUST_LOG` chooses what is \
         logged, such as `warn` or `info,posthorn::dispatch=debug`.\n\n## posthorn dev, besides\n\n{dev}\n\
         `--no-dispatcher` leaves sending to others. `POSTHORN_PG_BIN` names the folder of PostgreSQL's binaries when they are \
         not where they usually are.\n\n## In SQL\n\n| setting | what |\n|---|---|\n\
         | `posthorn.max_payload_bytes` | Largest payload that an INSERT may have, 262144 unless set, for example by `ALTER DATABASE app SET posthorn.max_payload_bytes = 1048576` |\n\
         | `posthorn.mute` | `on`: an INSERT is stored, marked muted, without deliveries, and the publishing functions store nothing: for loading data |\n\
         | `posthorn.notify` | `off` sends no NOTIFY and takes no lock: for sessions that PREPARE TRANSACTION; the poll finds the rows |\n\
         | `posthorn.source`, `posthorn.user_agent` | what `posthorn.preview()` shows where dispatchers run with `WEBHOOK_SOURCE` and `WEBHOOK_USER_AGENT` |\n"
    );
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/configuration.md");
    if is_renewing() {
        fs::write(path, &page).unwrap();
    }
    assert_eq!(fs::read_to_string(path).unwrap(), page, "renew it with UPDATE_DOCS=1");
}

#[test]
fn every_metric_is_in_the_metrics_page() {
    let mut page = String::from(METRICS);
    for Declared { name, kind, labels, help } in Metrics::new().unwrap().declared() {
        let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
        writeln!(page, "| `{name}` | {kind} | {} | {help} |", labels.join(", ")).unwrap();
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md");
    if is_renewing() {
        fs::write(path, &page).unwrap();
    }
    assert_eq!(fs::read_to_string(path).unwrap(), page, "renew it with UPDATE_DOCS=1");
}

/// What stands before the table of metrics.
const METRICS: &str = "# Metrics

`GET /metrics` tells them as text for Prometheus: at `POSTHORN_BIND`, and in a dispatcher alone at `POSTHORN_METRICS_BIND`. With
`POSTHORN_METRICS_TOKEN` set it asks for that as a bearer token. Made from `src/metrics.rs`; names and labels change only with a line in the
changelog. What to look at and what to do is in [monitoring.md](monitoring.md), rules and dashboards are in `ops/`.

Counters and histograms begin at 0 with the process, so take `rate()` or `increase()` before you add up. Gauges with the label `database` that
tell of the database, such as the queue's depth, are told by every process that serves it: take their maximum. They are measured when
somebody scrapes, the queue's every 5 seconds at most, others every 15. Those are the states of subscriptions, circuits and jobs, snapshots, tables, and what
waits for whom: they are about every tenant, and told by processes that dispatch alone.

| label | values |
|---|---|
| `event` | event types, the first 500 that are seen; the others are `other` |
| `tenant_id` | `POSTHORN_METRICS_TENANTS`: `capped`, the first 200 tenants, the others are `other`; `full`, every tenant; `off`, all are `all`. Capped, there are at most 1000 pairs with `event` |
| `subscription_id` | `POSTHORN_METRICS_SUBSCRIPTIONS`: `capped`, the first 200 subscriptions, the others are `other`; `full`, every one; `off`, no series |
| `status_code` | as receivers answer, at most 1000 pairs with `event`; for the others the event is `other` |
| `reason` (of retries) | the kind of failure, as in `webhook_attempts.error_kind` |
| `database` | its name, or with its host where a process serves two of one name |
| `table` | tables of schema `posthorn`, their days added up |

A tenant with a label has some twenty series for each of its event types, a subscription up to five.

| metric | kind | labels | what |
|---|---|---|---|
";

#[test]
fn tests_that_requirements_name_are_there() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/");
    let page = fs::read_to_string(format!("{root}docs/api.md")).unwrap();
    let (_, table) = page.split_once("## Which requirement is where").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let tests: Vec<(&str, &str)> = table.split('`').filter_map(|word| word.split_once("::")).collect();
    for (module, name) in &tests {
        let text = fs::read_to_string(format!("{root}tests/it/{module}.rs"))
            .unwrap_or_else(|error| panic!("{module}: {error}"));
        assert!(text.contains(&format!("fn {name}(")), "there is no test {module}::{name}");
    }
    for requirement in (1..=18)
        .map(|n| format!("R{n}"))
        .chain(["R46".to_owned()])
        .chain([1, 2, 3, 4, 5, 6, 7, 9, 10, 16].map(|n| format!("F{n}")))
    {
        let is_of_it = |row: &str| {
            let (names, rest) = row.trim_start_matches("| ").split_once(" | ").unwrap_or_default();
            names.split(", ").any(|name| name == requirement) && rest.contains("::")
        };
        assert!(table.lines().any(is_of_it), "{requirement} names no test");
    }
}
