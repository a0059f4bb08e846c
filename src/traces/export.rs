//! Export: a bounded queue and one task that empties it. Whoever ends a span waits for nothing; what finds the queue full, or a
//! collector that does not take it, is lost and counted.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use opentelemetry::trace::TracerProvider;
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::resource::EnvResourceDetector;
use opentelemetry_sdk::trace::{
    Sampler, SdkTracer, SdkTracerProvider, Span, SpanData, SpanExporter as _, SpanProcessor as Processor,
};
use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::{Layer, Registry};

use super::TARGET;
use super::collector::Collector;
use crate::config::TracesConfig;
use crate::metrics::{COMMIT, count_exported_spans, count_lost_spans};
use crate::outbound::OutboundError;

/// Spans that wait for the collector at most: some seconds of a busy dispatcher, in a few megabytes.
const QUEUE: usize = 8192;
/// Spans of one request.
const BATCH: usize = 512;
/// How long the first of a batch waits for others.
const LINGER: Duration = Duration::from_secs(1);
/// Longest for one batch, with the tries that the exporter makes.
const EXPORT_MAX: Duration = Duration::from_secs(10);
/// Longest that the end of the process waits for the collector.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// From one warning to the next.
const SILENCE: Duration = Duration::from_secs(60);

/// Makes spans of what is traced; for the one subscriber of the process.
pub type SpanLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// Why traces cannot be exported as the settings say.
#[derive(Debug, thiserror::Error)]
pub enum TracesError {
    /// Headers that are none.
    #[error("OTEL_EXPORTER_OTLP_HEADERS must be name=value, separated by commas, each value percent-encoded")]
    Headers,
    /// The HTTP client.
    #[error(transparent)]
    Client(#[from] OutboundError),
    /// The exporter, which reads settings of its own from the environment.
    #[error("the export of traces cannot be set up")]
    Exporter(#[from] ExporterBuildError),
}

/// Sets up the export; `None` when no collector is named. Authorities of `ca_file` are trusted too.
///
/// # Errors
/// [`TracesError`] says which setting is wrong.
pub fn prepare(config: &TracesConfig, ca_file: Option<&Path>) -> Result<Option<(SpanLayer, Export)>, TracesError> {
    let url = config.otlp_endpoint.as_ref().and_then(crate::config::Endpoint::traces_url);
    let Some(url) = url else { return Ok(None) };
    let collector = Collector::new(ca_file)?;
    let mut exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(collector.clone())
        .with_headers(headers(config.otlp_headers.as_ref())?)
        .with_endpoint(url)
        .with_protocol(Protocol::HttpBinary)
        .with_timeout(EXPORT_MAX)
        .build()?;
    let resource = Resource::builder_empty()
        .with_attributes([KeyValue::new("service.version", env!("CARGO_PKG_VERSION"))])
        .with_attributes([KeyValue::new("vcs.ref.head.revision", COMMIT)])
        .with_detector(Box::new(EnvResourceDetector::new()))
        .with_service_name(config.service_name.clone())
        .build();
    exporter.set_resource(&resource);
    let (queue, spans) = mpsc::channel(QUEUE);
    let tracer = SdkTracerProvider::builder()
        .with_span_processor(Queue(queue))
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.traces_ratio))))
        .with_resource(resource)
        .build()
        .tracer("posthorn");
    Ok(Some((layer(tracer), Export { spans, exporter, collector, lost: 0, warned_at: None })))
}

/// Spans of our target, and nothing else: no library's, and no log line within one.
fn layer(tracer: SdkTracer) -> SpanLayer {
    tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_filter(filter_fn(|metadata| metadata.is_span() && metadata.target() == TARGET))
        .boxed()
}

/// Reads what the variable holds; `None` and nothing are no headers.
fn headers(text: Option<&SecretString>) -> Result<HashMap<String, String>, TracesError> {
    let text = text.map_or("", ExposeSecret::expose_secret);
    let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    let read = |pair: &str| {
        let (name, value) = pair.split_once('=').ok_or(TracesError::Headers)?;
        let value = percent_decode_str(value.trim()).decode_utf8().map_err(|_| TracesError::Headers)?;
        hyper::header::HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| TracesError::Headers)?;
        hyper::header::HeaderValue::from_str(&value).map_err(|_| TracesError::Headers)?;
        Ok((name.trim().to_owned(), value.into_owned()))
    };
    pairs.map(read).collect()
}

/// Where spans wait.
#[derive(Debug)]
struct Queue(mpsc::Sender<SpanData>);

impl Processor for Queue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if self.0.try_send(span).is_err() {
            count_lost_spans(1);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    /// The task is told by [`Exporting::stop`].
    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// An export that has not begun.
pub struct Export {
    spans: mpsc::Receiver<SpanData>,
    exporter: SpanExporter,
    collector: Collector,
    /// Since the last warning.
    lost: usize,
    warned_at: Option<Instant>,
}

/// An export that goes on.
pub struct Exporting {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Export {
    /// Begins to send what waits.
    pub fn start(self) -> Exporting {
        let stop = CancellationToken::new();
        Exporting { task: tokio::spawn(self.run(stop.clone())), stop }
    }

    async fn run(mut self, stop: CancellationToken) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            tokio::select! {
                _ = self.spans.recv_many(&mut batch, BATCH) => {}
                () = stop.cancelled() => break,
            }
            tokio::select! {
                () = fill(&mut self.spans, &mut batch) => {}
                () = sleep(LINGER) => {}
                () = stop.cancelled() => {}
            }
            self.send(std::mem::take(&mut batch)).await;
        }
        self.spans.close();
        while self.spans.recv_many(&mut batch, BATCH).await > 0 {
            self.send(std::mem::take(&mut batch)).await;
        }
    }

    async fn send(&mut self, batch: Vec<SpanData>) {
        let count = batch.len();
        let failure = match timeout(EXPORT_MAX, self.exporter.export(batch)).await {
            Ok(Ok(())) => return count_exported_spans(count),
            Ok(Err(error)) => self.collector.take_failure().unwrap_or_else(|| error.to_string()),
            Err(_) => "no answer in time".to_owned(),
        };
        count_lost_spans(count);
        self.lost += count;
        if self.warned_at.is_none_or(|at| at.elapsed() >= SILENCE) {
            tracing::warn!(error = failure, lost = self.lost, "the collector does not take spans, they are lost");
            (self.lost, self.warned_at) = (0, Some(Instant::now()));
        }
    }
}

/// Until the batch is full.
async fn fill(spans: &mut mpsc::Receiver<SpanData>, batch: &mut Vec<SpanData>) {
    while batch.len() < BATCH {
        spans.recv_many(batch, BATCH - batch.len()).await;
    }
}

impl Exporting {
    /// Sends what waits, within five seconds; the rest is lost.
    pub async fn stop(self) {
        self.stop.cancel();
        let task = self.task.abort_handle();
        if timeout(LAST_WORDS, self.task).await.is_err() {
            task.abort();
            tracing::warn!("the collector did not take the last spans in time, they are lost");
        }
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{Span as _, Tracer};
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;
    use crate::metrics::Metrics;

    #[test]
    fn what_finds_the_queue_full_is_lost_and_counted_and_nobody_waits() {
        let lost = || {
            let page = Metrics::new().unwrap().render().unwrap();
            let count = page.lines().find_map(|line| line.strip_prefix("posthorn_lost_spans_total "));
            count.unwrap().parse::<u64>().unwrap()
        };
        let (queue, mut spans) = mpsc::channel(2);
        let provider = SdkTracerProvider::builder().with_span_processor(Queue(queue)).build();
        let before = lost();
        for _ in 0..5 {
            provider.tracer("test").start("deliver").end();
        }
        assert_eq!(lost() - before, 3);
        assert!(spans.try_recv().is_ok() && spans.try_recv().is_ok() && spans.try_recv().is_err());
    }

    #[test]
    fn nothing_but_our_spans_is_exported() {
        let (queue, mut spans) = mpsc::channel(8);
        let tracer = SdkTracerProvider::builder().with_span_processor(Queue(queue)).build().tracer("test");
        tracing::subscriber::with_default(Registry::default().with(layer(tracer)), || {
            let _entered = tracing::info_span!(target: TARGET, parent: None, "ours").entered();
            tracing::info_span!("a library's").in_scope(|| tracing::info!("a line"));
            tracing::info!(target: TARGET, "another");
        });
        let ours = spans.try_recv().unwrap();
        assert_eq!((ours.name.as_ref(), ours.events.len()), ("ours", 0));
        assert!(spans.try_recv().is_err());
    }

    #[test]
    fn headers_are_decoded_and_never_told() {
        let read = |text: &str| headers(Some(&SecretString::from(text)));
        let two = read("api-key=abc, authorization=Basic%20YTpi==").unwrap();
        assert_eq!((two["api-key"].as_str(), two["authorization"].as_str()), ("abc", "Basic YTpi=="));
        assert!(read("").unwrap().is_empty() && headers(None).unwrap().is_empty());
        for bad in ["CANARY", "a b=CANARY", "a=CANARY%0d%0ab", "a=%ffCANARY"] {
            assert!(!format!("{:?}", read(bad).unwrap_err()).contains("CANARY"), "{bad}");
        }
    }
}
