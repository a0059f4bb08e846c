//! What a person sees of a webhook: a line, and its body with every level on lines of its own. Colour only repeats the words.

use std::io::{self, IsTerminal, Write};

use hyper::StatusCode;
use hyper::header::HeaderMap;
use serde_json::Value;
use time::OffsetDateTime;

use crate::cli::dev::receiver::line;

/// Most lines of a body.
const MAX_LINES: usize = 200;

/// Most characters of a line of a body.
const MAX_WIDTH: usize = 500;

/// A webhook as it came.
pub(super) struct Shown<'a> {
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a [u8],
    pub(super) verified: &'a Result<(), String>,
    pub(super) now: OffsetDateTime,
}

/// Standard output.
pub(super) struct Screen {
    is_brief: bool,
    is_coloured: bool,
}

impl Screen {
    pub(super) fn new(is_brief: bool) -> Self {
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { is_brief, is_coloured: io::stdout().is_terminal() && !no_colour }
    }

    /// Shows a webhook, what is answered, and why it could not be handed on.
    pub(super) fn show(&self, shown: &Shown<'_>, status: StatusCode, failure: Option<&str>) {
        let mut text = coloured(&line(shown.headers, shown.body, shown.verified, status, shown.now), self.is_coloured);
        text.push('\n');
        if let Some(failure) = failure {
            text += &format!("  not handed on: {}\n", harmless(failure));
        }
        if !self.is_brief {
            text += &body(shown.body);
        }
        // nobody may be looking any more
        let _ = io::stdout().lock().write_all(text.as_bytes());
    }
}

/// The line with its verdict in green or red.
fn coloured(line: &str, is_coloured: bool) -> String {
    if !is_coloured {
        return line.to_owned();
    }
    match line.find("NOT VERIFIED") {
        Some(_) => line.replacen("NOT VERIFIED", "\x1b[1;31mNOT VERIFIED\x1b[0m", 1),
        None => line.replacen("  verified  ", "  \x1b[32mverified\x1b[0m  ", 1),
    }
}

/// JSON with indents, or text as it is; cut where it is long.
fn body(bytes: &[u8]) -> String {
    let pretty = serde_json::from_slice::<Value>(bytes).and_then(|value| serde_json::to_string_pretty(&value));
    let text = pretty.unwrap_or_else(|_| String::from_utf8_lossy(bytes).into_owned());
    let mut lines = text.lines();
    let mut out: String = lines.by_ref().take(MAX_LINES).map(|line| format!("  {}\n", harmless(line))).collect();
    let more = lines.count();
    if more > 0 {
        out += &format!("  … {more} lines more\n");
    }
    out
}

/// Text of a stranger must not steer a terminal.
fn harmless(text: &str) -> String {
    text.chars().take(MAX_WIDTH).map(|c| if c.is_control() { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_laid_out_cut_and_harmless() {
        assert_eq!(body(br#"{"b": {"c": 1}}"#), "  {\n    \"b\": {\n      \"c\": 1\n    }\n  }\n");
        assert_eq!(body("a\u{1b}[2J\u{9b}2J\nb".as_bytes()), "  a?[2J?2J\n  b\n");
        assert!(body("x\n".repeat(MAX_LINES + 3).as_bytes()).ends_with("  … 3 lines more\n"));
        assert_eq!(body(&[b'x'; MAX_WIDTH + 100]).len(), MAX_WIDTH + 3);
    }

    #[test]
    fn colour_only_repeats_the_words() {
        assert_eq!(coloured("t  e  verified  3 ms", false), "t  e  verified  3 ms");
        assert_eq!(coloured("t  e  verified  3 ms", true), "t  e  \x1b[32mverified\x1b[0m  3 ms");
        assert_eq!(coloured("t NOT VERIFIED (x)", true), "t \x1b[1;31mNOT VERIFIED\x1b[0m (x)");
    }
}
