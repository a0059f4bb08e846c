//! Figures as lines of text: the same in a terminal and in a file.

use std::error::Error;
use std::fmt::Write;

use super::{Look, StatsError};
use crate::cli::count::many;
use crate::cli::shown::{self, printable};
use crate::store::stats::{OfEvent, Rates, Sender, Unwell};

/// One database's figures; lines are cut where the terminal ends.
pub(super) fn table(look: &Look, width: Option<usize>) -> String {
    let figures = &look.figures;
    let queue = &figures.queue;
    let mut lines = vec![
        look.database.clone(),
        String::new(),
        format!(
            "  waiting {}   due {}   in flight {}   oldest due {}",
            queue.waiting,
            queue.due,
            queue.in_flight,
            queue.oldest_seconds.map_or_else(|| "-".to_owned(), |seconds| age(Some(seconds)))
        ),
        String::new(),
        row(
            &["", "delivered/s", "retried/s", "failed/s", "delivered", "retried", "failed", "delay p50", "p95", "p99"],
            &RATES,
        ),
    ];
    lines.extend(figures.rates.iter().map(rates));
    section(&mut lines, "dispatchers", &figures.dispatchers, dispatcher, "none is alive: posthorn serve");
    section(&mut lines, "worst subscriptions", &figures.worst_subscriptions, unwell, "all are well");
    section(&mut lines, "top event types, this hour and the one before", &figures.top_event_types, event, "none");
    lines.push(String::new());
    lines
        .iter()
        .map(|line| cut(&printable(line), width))
        .fold(String::new(), |text, line| text + line.trim_end() + "\n")
}

/// What is shown of a database that does not answer.
pub(super) fn away(name: &str, error: &StatsError) -> String {
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    format!("{}\n\n  does not answer, trying again: {}\n\n", printable(name), printable(&cause.to_string()))
}

/// Widths of the columns of rates.
const RATES: [usize; 10] = [13, 11, 10, 9, 10, 8, 7, 10, 9, 9];

fn rates(rates: &Rates) -> String {
    let name = match &*rates.name {
        "minute" => "last minutes",
        _ => "last hour",
    };
    let lost = rates.failed + rates.abandoned;
    let a_second = |count: i64| format!("{:.1}", count as f64 / rates.seconds.max(1.0));
    let cells = [
        name.to_owned(),
        a_second(rates.delivered),
        a_second(rates.retried),
        a_second(lost),
        rates.delivered.to_string(),
        rates.retried.to_string(),
        lost.to_string(),
        milliseconds(rates.delay_p50_ms),
        milliseconds(rates.delay_p95_ms),
        milliseconds(rates.delay_p99_ms),
    ];
    row(&cells, &RATES)
}

fn dispatcher(one: &Sender) -> String {
    let Sender { host, pid, version, slots, in_flight, .. } = one;
    format!(
        "{host} pid {pid}  version {version}  {in_flight} of {slots} slots  seen {} ago",
        age(Some(one.seen_seconds))
    )
}

fn unwell(one: &Unwell) -> String {
    let Unwell { id, url, state, failures_last_hour, attempts_last_hour, .. } = one;
    let (reason, host) = (one.reason.as_deref().unwrap_or("-"), shown::host(url));
    let since = one.since_seconds.map_or_else(|| "-".to_owned(), shown::roughly);
    // to a suspended one nothing is sent, whatever its circuit was like
    let circuit = if state == "suspended" { None } else { shown::circuit(&one.circuit, one.retry_in_seconds) };
    let circuit = circuit.map(|circuit| format!("{circuit}  ")).unwrap_or_default();
    format!(
        "{state:<10} {id}  {host}  {failures_last_hour}/{attempts_last_hour} failed  for {since}  {circuit}{reason}"
    )
}

fn event(one: &OfEvent) -> String {
    let OfEvent { event, attempts, delivered, retried, failed } = one;
    let attempts = many(*attempts, "attempt", "attempts");
    format!("{event:<32} {attempts}  {delivered} delivered  {retried} retried  {failed} failed")
}

fn section<T>(lines: &mut Vec<String>, title: &str, rows: &[T], text: fn(&T) -> String, none: &str) {
    lines.extend([String::new(), title.to_owned()]);
    lines.extend(rows.iter().map(|row| format!("  {}", text(row))));
    if rows.is_empty() {
        lines.push(format!("  {none}"));
    }
}

/// Cells, the first to the left and the others to the right.
fn row<T: AsRef<str>>(cells: &[T], widths: &[usize]) -> String {
    let mut line = String::from(" ");
    for (n, (cell, width)) in cells.iter().zip(widths).enumerate() {
        let cell = cell.as_ref();
        // writing to a String does not fail
        let _ = if n == 0 { write!(line, " {cell:<width$}") } else { write!(line, " {cell:>width$}") };
    }
    line
}

fn milliseconds(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(ms) if ms < 10_000.0 => format!("{ms:.0} ms"),
        Some(ms) => age(Some(ms / 1000.0)),
    }
}

fn age(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| "-".to_owned(), shown::age)
}

fn cut(line: &str, width: Option<usize>) -> String {
    match width {
        Some(width) => line.chars().take(width).collect(),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_where_the_terminal_ends_and_a_long_delay_is_told_as_a_time() {
        assert_eq!((milliseconds(Some(12.4)), milliseconds(Some(61_000.0))), ("12 ms".into(), "1 min 1 s".into()));
        assert_eq!(cut("äöü", Some(2)), "äö");
    }
}
