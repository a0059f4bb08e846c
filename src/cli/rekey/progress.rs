//! How far it is: a bar on a terminal, a line every few seconds elsewhere; both on standard error.

use std::cell::Cell;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How often a line is written where there is no terminal.
const EVERY: Duration = Duration::from_secs(2);

/// One walk through the values.
pub(super) struct Progress {
    verb: &'static str,
    total: Option<u64>,
    done: Cell<u64>,
    said_at: Cell<Instant>,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Looking at values, however many there are.
    pub(super) fn looking() -> Self {
        Self::new("looked at", None)
    }

    /// Resealing about so many.
    pub(super) fn resealing(total: u64) -> Self {
        Self::new("resealed", Some(total))
    }

    fn new(verb: &'static str, total: Option<u64>) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let template = match total {
                Some(_) => "{msg} {wide_bar} {pos}/{len} values, {eta} left",
                None => "{spinner} {msg} {pos} values",
            };
            let style = ProgressStyle::with_template(template).expect("the template is written right");
            total.map_or_else(ProgressBar::no_length, ProgressBar::new).with_style(style).with_message(verb)
        });
        Self { verb, total, done: Cell::new(0), said_at: Cell::new(Instant::now()), bar }
    }

    /// So many more.
    pub(super) fn add(&self, values: u64) {
        let done = self.done.get() + values;
        self.done.set(done);
        if let Some(bar) = &self.bar {
            bar.set_position(done);
        } else if self.said_at.get().elapsed() >= EVERY {
            self.said_at.set(Instant::now());
            let of = self.total.map_or_else(String::new, |total| format!(" of {total}"));
            // nobody may be listening any more
            let _ = writeln!(std::io::stderr(), "{} {done}{of} values", self.verb);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
