//! The spans that there are, and the trace context that goes on from them. Ids and outcomes; no payload, no path of a URL, no
//! text of a receiver.

use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use opentelemetry::{Context, trace};
use tracing::Span;
use tracing::field::Empty;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use url::Url;
use uuid::Uuid;

use crate::domain::traceparent::TraceParent;

/// Target of every span here, and of nothing else.
pub const TARGET: &str = "posthorn::trace";

/// What an attempt is about.
#[derive(Clone, Copy, Debug)]
pub struct AttemptOf<'a> {
    /// Delivery.
    pub delivery_id: Uuid,
    /// Its event.
    pub event_id: Uuid,
    /// Event type.
    pub event: &'a str,
    /// Its subscription.
    pub subscription_id: Uuid,
    /// Its tenant.
    pub tenant_id: Uuid,
    /// Number within the generation.
    pub number: u32,
    /// Which replay.
    pub generation: i32,
    /// Where it goes; only the host is told.
    pub url: &'a str,
}

/// The span of an attempt, and what its request says of it.
#[derive(Debug)]
pub struct Attempt {
    span: Span,
    /// For the header `traceparent`: of the event's trace, or of a new one where spans are exported.
    pub traceparent: Option<TraceParent>,
}

impl Attempt {
    /// Begins the span, in the trace of the event if that has one.
    pub fn begin(of: &AttemptOf<'_>, parent: Option<TraceParent>) -> Self {
        let span = tracing::info_span!(
            target: TARGET,
            parent: None,
            "deliver",
            otel.kind = "client",
            otel.status_code = Empty,
            http.request.method = "POST",
            http.response.status_code = Empty,
            server.address = host_of(of.url),
            error.type = Empty,
            posthorn.event.id = %of.event_id,
            posthorn.event.type = of.event,
            posthorn.delivery.id = %of.delivery_id,
            posthorn.subscription.id = %of.subscription_id,
            posthorn.tenant.id = %of.tenant_id,
            posthorn.attempt = i64::from(of.number),
            posthorn.generation = i64::from(of.generation),
            posthorn.outcome = Empty,
        );
        let traceparent = within(&span, parent).or_else(|| parent.map(TraceParent::child));
        Self { span, traceparent }
    }

    /// Says that it travels in the request of another, whose span the receiver is told.
    pub fn travel_with(&self, first: &Self) {
        if let Some(first) = first.traceparent.filter(|_| !self.span.is_disabled()) {
            self.span.add_link(remote(first));
        }
    }

    /// Ends the span: `delivered`, `retrying` and so on, or `released` when there was no attempt after all.
    pub fn end(self, outcome: &str, status_code: Option<u16>, error_kind: Option<&str>) {
        self.span.record("posthorn.outcome", outcome);
        if let Some(status_code) = status_code {
            self.span.record("http.response.status_code", i64::from(status_code));
        }
        if let Some(kind) = error_kind {
            self.span.record("error.type", kind);
            self.span.record("otel.status_code", "ERROR");
        }
    }
}

/// The span of a request that publishes.
#[derive(Debug)]
pub struct Publishing {
    span: Span,
    /// What is stored with the events: this span where spans are exported, else what the request said.
    pub traceparent: Option<TraceParent>,
}

impl Publishing {
    /// Begins the span, in the trace that the request's header names if it does.
    pub fn begin(route: &str, tenant: Option<Uuid>, header: Option<&str>) -> Self {
        let parent = header.and_then(TraceParent::parse);
        let span = tracing::info_span!(
            target: TARGET,
            parent: None,
            "publish",
            otel.kind = "server",
            otel.status_code = Empty,
            http.request.method = "POST",
            http.route = route,
            posthorn.tenant.id = tenant.map(tracing::field::display),
            posthorn.event.id = Empty,
        );
        Self { traceparent: within(&span, parent).or(parent), span }
    }

    /// Notes the event that came of it.
    pub fn published(&self, event: Uuid) {
        self.span.record("posthorn.event.id", tracing::field::display(event));
    }

    /// Notes when nothing did.
    pub fn judge<T, E>(&self, done: Result<T, E>) -> Result<T, E> {
        if done.is_err() {
            self.span.record("otel.status_code", "ERROR");
        }
        done
    }
}

/// Puts a span into a trace; answers with what names it, `None` when spans are not exported.
fn within(span: &Span, parent: Option<TraceParent>) -> Option<TraceParent> {
    if span.is_disabled() {
        return None;
    }
    if let Some(parent) = parent {
        // it fails where nobody makes spans of it, which is told below
        let _ = span.set_parent(Context::new().with_remote_span_context(remote(parent)));
    }
    let context = span.context();
    let own = trace::TraceContextExt::span(&context).span_context().clone();
    own.is_valid().then(|| TraceParent {
        trace_id: u128::from_be_bytes(own.trace_id().to_bytes()),
        span_id: u64::from_be_bytes(own.span_id().to_bytes()),
        flags: own.trace_flags().to_u8(),
    })
}

fn remote(parent: TraceParent) -> SpanContext {
    SpanContext::new(
        TraceId::from_bytes(parent.trace_id.to_be_bytes()),
        SpanId::from_bytes(parent.span_id.to_be_bytes()),
        TraceFlags::new(parent.flags),
        true,
        TraceState::NONE,
    )
}

fn host_of(url: &str) -> String {
    Url::parse(url).ok().and_then(|url| Some(url.host_str()?.to_owned())).unwrap_or_default()
}
