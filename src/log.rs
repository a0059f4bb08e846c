//! The log: lines on stderr, written by a thread of their own. Whoever reads them may stop doing so; then lines are lost and
//! counted, and no delivery waits. Spans are for the export of traces alone: lines carry their ids themselves.

use std::io::IsTerminal;
use std::panic::PanicHookInfo;

use posthorn::metrics;
use posthorn::traces::{SpanLayer, TARGET};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry};

/// Lines kept while they cannot be written: some seconds of a busy dispatcher, in a megabyte or two.
const LINES_WAITING: usize = 4096;

/// Begins logging, and making spans if they are exported; `RUST_LOG` chooses what is logged, else `default`. What waits is written when the answer is dropped, unless nobody
/// reads for a second.
pub(crate) fn start(default: &str, as_json: bool, spans: Option<SpanLayer>) -> WorkerGuard {
    let (writer, guard) =
        NonBlockingBuilder::default().lossy(true).buffered_lines_limit(LINES_WAITING).finish(std::io::stderr());
    let lost = writer.error_counter();
    metrics::count_lost_lines(move || lost.dropped_lines());
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let lines = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(std::io::stderr().is_terminal());
    let lines = if as_json { lines.json().flatten_event(true).boxed() } else { lines.boxed() };
    let lines = lines.with_filter(filter.and(filter_fn(|metadata| metadata.target() != TARGET)));
    Registry::default().with(spans).with(lines).init();
    // the hook that is there would write to stderr itself, and hold the thread when nobody reads
    std::panic::set_hook(Box::new(log_panic));
    guard
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    let payload = panic.payload();
    let words = payload.downcast_ref::<&str>().copied().or(payload.downcast_ref::<String>().map(String::as_str));
    let place = panic.location().map(ToString::to_string);
    let backtrace = std::backtrace::Backtrace::capture();
    let has_backtrace = backtrace.status() == std::backtrace::BacktraceStatus::Captured;
    tracing::error!(
        place,
        backtrace = has_backtrace.then(|| tracing::field::display(&backtrace)),
        "panicked: {}",
        words.unwrap_or("without words")
    );
}
