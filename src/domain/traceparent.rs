//! `traceparent` (W3C Trace Context): which trace something belongs to, and the span that caused it.

use std::fmt;

/// The header, version 00.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    /// The trace, never 0.
    pub trace_id: u128,
    /// The span, never 0.
    pub span_id: u64,
    /// Bit 0 says that the trace is recorded; others are passed on.
    pub flags: u8,
}

impl TraceParent {
    /// Name of the header.
    pub const HEADER: &str = "traceparent";

    /// Reads the header; `None` when it is not one of version 00, the one there is.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let of_length = |part: Option<&str>, length| {
            let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
            part.filter(|part| part.len() == length && part.bytes().all(is_hex)).map(str::to_owned)
        };
        of_length(parts.next(), 2).filter(|version| version == "00")?;
        let trace_id = u128::from_str_radix(&of_length(parts.next(), 32)?, 16).ok()?;
        let span_id = u64::from_str_radix(&of_length(parts.next(), 16)?, 16).ok()?;
        let flags = u8::from_str_radix(&of_length(parts.next(), 2)?, 16).ok()?;
        let is_whole = parts.next().is_none() && trace_id != 0 && span_id != 0;
        is_whole.then_some(Self { trace_id, span_id, flags })
    }

    /// Another span of the same trace that nobody records.
    pub fn child(self) -> Self {
        Self { span_id: rand::random_range(1..=u64::MAX), ..self }
    }

    /// The header with its span hidden, as what a span yet to come is shown.
    pub fn with_span_hidden(self) -> String {
        format!("00-{:032x}-{}-{:02x}", self.trace_id, "*".repeat(16), self.flags)
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, self.flags)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_header_is_read_and_written_as_it_came() {
        let read = TraceParent::parse(GOOD).unwrap();
        assert_eq!((read.span_id, read.flags), (0x00f0_67aa_0ba9_02b7, 1));
        assert_eq!(read.to_string(), GOOD);
        let child = read.child();
        assert_eq!((child.trace_id, child.flags), (read.trace_id, read.flags));
        assert_ne!(child.span_id, read.span_id);
    }

    #[test]
    fn what_is_no_header_of_version_00_is_nothing() {
        for bad in [
            "",
            "00",
            &GOOD.to_uppercase(),
            &GOOD.replacen("00-", "01-", 1),
            &GOOD.replacen("00-", "ff-", 1),
            &format!("{GOOD}-00"),
            &format!("{GOOD} "),
            &GOOD[..GOOD.len() - 1],
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(TraceParent::parse(bad), None, "{bad}");
        }
    }
}
