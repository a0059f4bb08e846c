//! What became of each day, for people and for scripts.

use std::io::{self, Write};

use serde::Serialize;
use time::Date;

use crate::cli::count::many;
use crate::store::retention::Drop;

/// What became of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Dropped,
    Kept(String),
}

impl Fate {
    pub(super) fn of(drop: Drop) -> Self {
        match drop {
            Drop::Dropped | Drop::Gone => Self::Dropped,
            Drop::HeldBack(reason) => Self::Kept(reason),
            Drop::Busy => Self::Kept("transactions use it at this moment: run it again".to_owned()),
        }
    }
}

/// A day of a table.
#[derive(Clone, Debug)]
pub(super) struct Day {
    pub(super) table: String,
    pub(super) day: Date,
    pub(super) rows: Option<i64>,
    pub(super) file: Option<String>,
    pub(super) fate: Fate,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Report {
    is_dry: bool,
    pub(super) days: Vec<Day>,
    /// Rows deleted that were in no day.
    pub(super) strays: i64,
}

#[derive(Serialize)]
struct Line<'a> {
    table: &'a str,
    day: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kept_because: Option<&'a str>,
}

#[derive(Serialize)]
struct Whole<'a> {
    dry_run: bool,
    dropped: Vec<Line<'a>>,
    kept: Vec<Line<'a>>,
    deleted_elsewhere: i64,
}

impl Report {
    pub(super) const fn new(is_dry: bool) -> Self {
        Self { is_dry, days: Vec::new(), strays: 0 }
    }

    /// Says it on standard output.
    pub(super) fn write(&self, is_json: bool) -> io::Result<()> {
        let (dropped, kept): (Vec<&Day>, Vec<&Day>) = self.days.iter().partition(|day| day.fate == Fate::Dropped);
        let mut out = io::stdout().lock();
        if is_json {
            let whole = Whole {
                dry_run: self.is_dry,
                dropped: dropped.iter().copied().map(line).collect(),
                kept: kept.iter().copied().map(line).collect(),
                deleted_elsewhere: self.strays,
            };
            serde_json::to_writer(&mut out, &whole)?;
            return writeln!(out);
        }
        let verb = if self.is_dry { "would drop" } else { "dropped" };
        for Day { table, day, rows, file, .. } in &dropped {
            let rows = rows.map(|rows| format!(": {}", many(rows, "row", "rows"))).unwrap_or_default();
            let file = file.as_ref().map(|file| format!(", archived as {file}")).unwrap_or_default();
            writeln!(out, "{verb} {table} of {day}{rows}{file}")?;
        }
        let kept_verb = if self.is_dry { "would keep" } else { "kept" };
        for Day { table, day, fate, .. } in &kept {
            let Fate::Kept(reason) = fate else { continue };
            writeln!(out, "{kept_verb} {table} of {day}: {reason}")?;
        }
        let elsewhere = match self.strays {
            0 => String::new(),
            strays => format!(", deleted {} elsewhere", many(strays, "row", "rows")),
        };
        writeln!(out, "{verb} {}, {kept_verb} {}{elsewhere}", many(dropped.len(), "day", "days"), kept.len())
    }
}

fn line(of: &Day) -> Line<'_> {
    let kept_because = match &of.fate {
        Fate::Kept(reason) => Some(reason.as_str()),
        Fate::Dropped => None,
    };
    Line { table: &of.table, day: of.day.to_string(), rows: of.rows, file: of.file.as_deref(), kept_because }
}
