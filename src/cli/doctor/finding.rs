//! What was found, and how it is told to people and to machines.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

use crate::cli::count::many;
use crate::cli::shown::printable;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Severity {
    /// As it should be.
    Ok,
    /// It works, and something should be looked at.
    Warning,
    /// Webhooks do not go out, or tenants are not kept apart, or data can be lost.
    Fault,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Finding {
    /// A word for the check, the same in every version.
    pub(super) check: &'static str,
    /// How bad it is.
    pub(super) severity: Severity,
    /// What was found, on one line.
    pub(super) finding: String,
    /// A statement, a command or a sentence that mends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mend: Option<String>,
    /// In which database, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) database: Option<String>,
}

impl Finding {
    /// All is well.
    pub(super) fn ok(check: &'static str, finding: impl Into<String>) -> Self {
        Self { check, severity: Severity::Ok, finding: finding.into(), mend: None, database: None }
    }

    /// Something should be looked at.
    pub(super) fn warning(check: &'static str, finding: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, mend: Some(mend.into()), ..Self::ok(check, finding) }
    }

    /// Something is broken.
    pub(super) fn fault(check: &'static str, finding: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { severity: Severity::Fault, mend: Some(mend.into()), ..Self::ok(check, finding) }
    }
}

/// All findings.
#[derive(Serialize)]
pub(super) struct Report {
    version: &'static str,
    faults: usize,
    warnings: usize,
    findings: Vec<Finding>,
}

impl Report {
    pub(super) fn new(findings: Vec<Finding>) -> Self {
        let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
        let (faults, warnings) = (count(Severity::Fault), count(Severity::Warning));
        Self { version: env!("CARGO_PKG_VERSION"), faults, warnings, findings }
    }

    pub(super) const fn faults(&self) -> usize {
        self.faults
    }

    /// Writes it to standard output: for people, or as one line of JSON.
    pub(super) fn write(&self, is_json: bool) -> io::Result<()> {
        let stdout = io::stdout();
        let is_coloured = stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let mut out = stdout.lock();
        if is_json {
            serde_json::to_writer(&mut out, self)?;
            return writeln!(out);
        }
        out.write_all(self.text(is_coloured).as_bytes())
    }

    /// The word says how bad it is, and colour only repeats it.
    fn text(&self, is_coloured: bool) -> String {
        let mut text = String::new();
        for finding in &self.findings {
            let (word, colour) = match finding.severity {
                Severity::Ok => ("ok", "2"),
                Severity::Warning => ("WARNING", "1;33"),
                Severity::Fault => ("FAULT", "1;31"),
            };
            let word = format!("{word:<8}");
            let word = if is_coloured { format!("\x1b[{colour}m{word}\x1b[0m") } else { word };
            let database = finding.database.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
            text += &format!("{word} {:<14} {database}{}\n", finding.check, printable(&finding.finding));
            if let Some(mend) = &finding.mend {
                text += &format!("{:23} mend: {}\n", "", printable(mend));
            }
        }
        let ok = self.findings.len() - self.faults - self.warnings;
        let (faults, warnings) = (many(self.faults, "fault", "faults"), many(self.warnings, "warning", "warnings"));
        text + &format!("\n{faults}, {warnings}, {} in order\n", many(ok, "check", "checks"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_in_words_and_steers_no_terminal() {
        let report = Report::new(vec![Finding::ok("a", "well"), Finding::fault("b", "bad\x1b[2J", "mend\nit")]);
        let text = report.text(false);
        assert!(!text.contains('\x1b'), "{text:?}");
        assert!(text.contains("FAULT    b              bad [2J\n"), "{text}");
        assert!(
            text.contains("mend: mend it\n") && text.ends_with("\n1 fault, 0 warnings, 1 check in order\n"),
            "{text}"
        );
        assert!(report.text(true).contains("\x1b[1;31mFAULT   \x1b[0m b"));
    }
}
