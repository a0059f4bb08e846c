//! How the tables that grow with traffic fare: size, dead rows, days.

use serde::Deserialize;

use super::Patient;
use super::finding::Finding;
use crate::store::{StoreError, sql};

#[derive(Deserialize)]
struct Table {
    name: String,
    bytes: i64,
    live_rows: i64,
    dead_rows: i64,
    xid_age: Option<i64>,
}

#[derive(Deserialize)]
struct Days {
    name: String,
    default_rows: i64,
    days_ahead: i64,
}

/// Dead rows from which it matters, however few live beside them.
const DEAD_ROWS: i64 = 50_000;

/// Transactions since a row was frozen, from which the end (2 billion) comes into sight.
const XID_AGE: i64 = 1_000_000_000;

/// Catalogue and statistics; days as the dispatcher.
pub(super) async fn look(patient: &Patient<'_>) -> Result<Vec<Finding>, StoreError> {
    let tables: Vec<Table> = patient.probe.ask(sql::DOCTOR_TABLES, &[]).await?;
    let mut findings: Vec<_> = tables.iter().flat_map(of_table).collect();
    if findings.is_empty() {
        findings.push(Finding::ok("dead rows", "the queue's tables are cleaned in time"));
    }
    let sizes: Vec<_> = tables.iter().map(|table| format!("{} {}", table.name, size(table.bytes))).collect();
    findings.push(Finding::ok("disk", sizes.join(", ")));
    // where the login may not become it, the backlog's check says so
    if super::backlog::as_queue_role(patient).await.is_ok() {
        let days = patient.probe.ask(sql::DOCTOR_DAYS, &[]).await;
        patient.probe.become_role(None).await?;
        findings.push(of_days(&days?));
    }
    Ok(findings)
}

fn of_table(table: &Table) -> Vec<Finding> {
    let Table { name, live_rows, dead_rows, .. } = table;
    let vacuum = format!("VACUUM posthorn.{name}");
    let mut findings = Vec::new();
    if *dead_rows > DEAD_ROWS && dead_rows > live_rows {
        let finding = format!("posthorn.{name} has {dead_rows} dead rows beside {live_rows} live ones");
        findings.push(Finding::warning(
            "dead rows",
            finding,
            format!("{vacuum}; and see who holds them (check `held`)"),
        ));
    }
    if let Some(age) = table.xid_age.filter(|age| *age > XID_AGE) {
        let finding = format!(
            "the oldest row of posthorn.{name} was frozen {age} transactions ago; at 2 billion the server stops"
        );
        findings.push(Finding::fault("dead rows", finding, vacuum.replace("VACUUM", "VACUUM (FREEZE)")));
    }
    findings
}

fn of_days(days: &[Days]) -> Finding {
    let strays: Vec<_> = days.iter().filter(|day| day.default_rows > 0).map(|day| &*day.name).collect();
    let late: Vec<_> = days.iter().filter(|day| day.days_ahead < 1).map(|day| &*day.name).collect();
    match () {
        () if !strays.is_empty() => Finding::warning(
            "days",
            format!("rows of {} are in no day's partition: retention cannot drop them by day", strays.join(", ")),
            "start a dispatcher, which moves them out, or run `SELECT posthorn.make_day('<table>', '<day>')`",
        ),
        () if !late.is_empty() => Finding::warning(
            "days",
            format!("no partition is made for tomorrow of {}", late.join(", ")),
            "posthorn migrate; or start a dispatcher, which makes a week ahead",
        ),
        () => Finding::ok("days", "partitions are made for the days to come"),
    }
}

/// Bytes for people.
fn size(bytes: i64) -> String {
    match bytes {
        0..1_048_576 => format!("{} KiB", bytes / 1024),
        1_048_576..10_737_418_240 => format!("{} MiB", bytes >> 20),
        _ => format!("{} GiB", bytes >> 30),
    }
}
