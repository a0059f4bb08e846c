//! How far long work is: a bar with an estimate on a terminal, a line every few seconds elsewhere; both on standard error.

use std::cell::Cell;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How often a line is written where there is no terminal.
const EVERY: Duration = Duration::from_secs(2);

/// One walk through things.
pub(super) struct Progress {
    verb: &'static str,
    unit: &'static str,
    total: Option<u64>,
    done: Cell<u64>,
    began_at: Instant,
    said_at: Cell<Instant>,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// `verb` such as `resealed`, `unit` such as `values`; about so many, where that is known.
    pub(super) fn new(verb: &'static str, unit: &'static str, total: Option<u64>) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let template = match total {
                Some(_) => format!("{{msg}} {{wide_bar}} {{pos}}/{{len}} {unit}, {{eta}} left"),
                None => format!("{{spinner}} {{msg}} {{pos}} {unit}"),
            };
            let style = ProgressStyle::with_template(&template).expect("the template is written right");
            total.map_or_else(ProgressBar::no_length, ProgressBar::new).with_style(style).with_message(verb)
        });
        let now = Instant::now();
        Self { verb, unit, total, done: Cell::new(0), began_at: now, said_at: Cell::new(now), bar }
    }

    /// So many more.
    pub(super) fn add(&self, things: u64) {
        self.reach(self.done.get() + things);
    }

    /// So many in all.
    pub(super) fn reach(&self, done: u64) {
        self.done.set(done);
        if let Some(bar) = &self.bar {
            bar.set_position(done);
        } else if self.said_at.get().elapsed() >= EVERY {
            self.said_at.set(Instant::now());
            let of = self.total.map_or_else(String::new, |total| format!(" of {total}"));
            let (verb, unit, left) = (self.verb, self.unit, self.left(done));
            // nobody may be listening any more
            let _ = writeln!(std::io::stderr(), "{verb} {done}{of} {unit}{left}");
        }
    }

    /// The estimate, at the pace so far.
    fn left(&self, done: u64) -> String {
        let Some(rest) = self.total.and_then(|total| total.checked_sub(done)).filter(|_| done > 0) else {
            return String::new();
        };
        let seconds = self.began_at.elapsed().as_secs_f64() * rest as f64 / done as f64;
        format!(", about {seconds:.0} s left")
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
