//! Traces: a span for each attempt and for each request that publishes, sent to a collector over OTLP.
//!
//! Spans are `tracing`'s, of a target of their own that only the export listens to: without it they cost a look at a flag, and with
//! it nothing else becomes a span, be it ours or a library's.

mod collector;
mod export;
mod spans;

pub use export::{Export, Exporting, SpanLayer, TracesError, prepare};
pub use spans::{Attempt, AttemptOf, Publishing, TARGET};
