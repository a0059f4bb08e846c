//! Trace: the spans of a shipment, one for each delivery, whether or not anything was sent.

use super::record;
use super::subscriber::Subscriber;
use crate::domain::delivery::ErrorKind;
use crate::domain::traceparent::TraceParent;
use crate::store::queue::Claimed;
use crate::traces::{Attempt, AttemptOf};

/// Begins the span of each. What travels in one request is one span more for the receiver: the first's, which the others link to.
pub(super) fn begin(subscriber: &Subscriber, deliveries: &[Claimed]) -> Vec<Attempt> {
    let spans: Vec<Attempt> = deliveries.iter().map(|claimed| begin_one(subscriber, claimed)).collect();
    if let Some((first, others)) = spans.split_first() {
        others.iter().for_each(|other| other.travel_with(first));
    }
    spans
}

/// Begins the span of one that travels with no other.
pub(super) fn begin_one(subscriber: &Subscriber, claimed: &Claimed) -> Attempt {
    let of = AttemptOf {
        delivery_id: claimed.id,
        event_id: claimed.event_id,
        event: &claimed.event,
        subscription_id: claimed.subscription_id,
        tenant_id: claimed.tenant_id,
        number: claimed.number,
        generation: claimed.generation,
        url: &subscriber.stored.url,
    };
    Attempt::begin(&of, claimed.happened.as_ref().and_then(|happened| happened.traceparent))
}

/// What the request says.
pub(super) fn of_request(spans: &[Attempt]) -> Option<TraceParent> {
    spans.first()?.traceparent
}

/// Ends a span with what came of it.
pub(super) fn end(span: Attempt, result: &record::Result) {
    let attempt = &result.attempt;
    span.end(attempt.status.as_str(), attempt.status_code, attempt.error_kind.map(ErrorKind::as_str));
}

/// Ends spans of what was given back unsent.
pub(super) fn release(spans: Vec<Attempt>) {
    spans.into_iter().for_each(|span| span.end("released", None, None));
}
