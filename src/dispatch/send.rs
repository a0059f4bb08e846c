//! Send: a delivery, or a batch of them, from lease to result. Everything that can go wrong becomes a result.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::Tools;
use super::check::{self, Refusal};
use super::judge::{Verdict, failed, judge, retry_later};
use super::record::{self, Done, Recorder};
use super::sign::{sign, template_fault};
use super::slots::Slot;
use super::subscriber::Subscriber;
use super::trace;
use crate::domain::delivery::{DeliveryStatus, ERROR_TEXT_MAX_CHARS, ErrorKind, printable};
use crate::domain::traceparent::TraceParent;
use crate::metrics::Attempted;
use crate::outbound::{Answer, Outcome, Sent};
use crate::store::queue::{Attempt, Claimed};
use crate::traces::Attempt as Span;

/// How the payload of an erased event begins, as `posthorn.erase()` leaves it. The database lets none become due; if one does, it
/// must not be sent.
const ERASED: &str = r#"{"posthorn.erased":"#;

/// Deliveries that travel in one request: one, or a batch of one subscription.
pub(crate) struct Shipment {
    pub(crate) subscriber: Arc<Subscriber>,
    /// Whether its receiver had failed lately when they were claimed.
    pub(crate) is_troubled: bool,
    pub(crate) deliveries: Vec<Claimed>,
    pub(crate) lease_ends: Instant,
    /// One for each.
    pub(crate) slots: Vec<Slot>,
}

/// Carries a shipment through sign, send and judge to the recorder; then its slots are free.
pub(crate) async fn deliver(tools: Arc<Tools>, recorder: Recorder, shipment: Shipment, abort: CancellationToken) {
    let Shipment { subscriber, is_troubled, mut deliveries, lease_ends, slots } = shipment;
    let started = Instant::now();
    let checked = AssertUnwindSafe(check::refused_again(&tools, &deliveries)).catch_unwind().await;
    let refusals = match checked {
        Ok(Ok(refusals)) => refusals,
        Err(_) => {
            let results = of_panic(&tools, &subscriber, &deliveries, started);
            return recorder.push(Done::Attempts(results)).await;
        }
        Ok(Err(error)) => {
            tracing::warn!(error = %error.with_causes(), "retried deliveries could not be checked, giving them back");
            for claimed in &deliveries {
                recorder.push(Done::Released(claimed.id, claimed.epoch)).await;
            }
            return;
        }
    };
    for (claimed, result) in give_up(&tools, &subscriber, &mut deliveries, &refusals, started) {
        let span = trace::begin_one(&subscriber, &claimed);
        tell(&tools, &claimed, &result, &span);
        trace::end(span, &result);
        recorder.push(Done::Attempts(vec![result])).await;
    }
    let spans = trace::begin(&subscriber, &deliveries);
    let work = attempt(&tools, &subscriber, &deliveries, trace::of_request(&spans), started, lease_ends);
    let results = tokio::select! {
        // a panic is a fault of ours that must cost neither the slot nor the process, and must count as an attempt
        results = AssertUnwindSafe(work).catch_unwind() => {
            results.unwrap_or_else(|_| Some(of_panic(&tools, &subscriber, &deliveries, started)))
        }
        () = abort.cancelled() => None,
    };
    match results {
        Some(mut results) => {
            for (n, ((claimed, result), span)) in deliveries.iter().zip(&mut results).zip(spans).enumerate() {
                result.counts = n == 0;
                result.is_troubled = is_troubled;
                tell(&tools, claimed, result, &span);
                trace::end(span, result);
            }
            recorder.push(Done::Attempts(results)).await;
        }
        None => {
            trace::release(spans);
            for claimed in &deliveries {
                recorder.push(Done::Released(claimed.id, claimed.epoch)).await;
            }
        }
    }
    drop(slots);
}

/// What a panic comes to: an attempt that failed by our fault, for each delivery it was about.
fn of_panic(tools: &Tools, subscriber: &Subscriber, deliveries: &[Claimed], started: Instant) -> Vec<record::Result> {
    tools.metrics.panicked("deliver");
    let message = "a fault of the dispatcher; its log says more";
    let each = |claimed: &Claimed| {
        let (kind, policy) = (ErrorKind::InternalError, &subscriber.policy);
        let verdict = retry_later(kind, message.to_owned(), claimed.number, policy, None, 0.0);
        to_row(subscriber, claimed, started, Duration::ZERO, None, verdict)
    };
    deliveries.iter().map(each).collect()
}

/// Takes out what must not or cannot be sent whatever the receiver says, so that a batch does not suffer for one of its own.
fn give_up(
    tools: &Tools,
    subscriber: &Subscriber,
    deliveries: &mut Vec<Claimed>,
    refusals: &HashMap<Uuid, Refusal>,
    started: Instant,
) -> Vec<(Claimed, record::Result)> {
    let is_batch = deliveries.len() > 1;
    let hopeless = |claimed: &Claimed| {
        if let Some(refusal) = refusals.get(&claimed.id) {
            return Some(failed(refusal.kind, refusal.message.clone()));
        }
        let Some(happened) = &claimed.happened else {
            return Some(failed(ErrorKind::InvalidRequest, format!("event {} is no longer kept", claimed.event_id)));
        };
        if happened.payload.starts_with(ERASED) {
            return Some(failed(ErrorKind::InvalidRequest, format!("event {} was erased", claimed.event_id)));
        }
        if claimed.number > subscriber.policy.max_retries.saturating_add(1) {
            // every lease of the schedule was lost: whatever kills dispatchers here must not do it for ever
            let message = "more attempts than the schedule has, lost leases among them".to_owned();
            return Some(Verdict { status: DeliveryStatus::Abandoned, ..failed(ErrorKind::LeaseExpired, message) });
        }
        // alone it fails when it is signed
        let fault = is_batch.then(|| template_fault(subscriber, claimed, &tools.webhook)).flatten()?;
        Some(failed(fault.kind, fault.message))
    };
    let mut verdicts = Vec::new();
    let taken: Vec<Claimed> = deliveries
        .extract_if(.., |claimed| {
            let verdict = hopeless(claimed);
            let is_hopeless = verdict.is_some();
            verdicts.extend(verdict);
            is_hopeless
        })
        .collect();
    let to_result = |(claimed, verdict)| {
        let result = to_row(subscriber, &claimed, started, Duration::ZERO, None, verdict);
        (claimed, result)
    };
    taken.into_iter().zip(verdicts).map(to_result).collect()
}

/// One request, and what it came to for each of its deliveries; `None` when it was not made and the leases go back.
async fn attempt(
    tools: &Tools,
    subscriber: &Subscriber,
    deliveries: &[Claimed],
    traceparent: Option<TraceParent>,
    started: Instant,
    lease_ends: Instant,
) -> Option<Vec<record::Result>> {
    if deliveries.is_empty() {
        return None;
    }
    let (policy, timeout) = (&subscriber.policy, subscriber.timeout);
    // one chance for all: what failed together comes due together
    let unit = rand::random();
    let request = match sign(subscriber, deliveries, &tools.webhook, OffsetDateTime::now_utc(), traceparent) {
        Ok(request) => request,
        Err(cannot) => {
            let verdict = |c: &Claimed| match cannot.kind {
                // the key may be put back
                ErrorKind::SecretUnavailable => {
                    retry_later(cannot.kind, cannot.message.clone(), c.number, policy, None, unit)
                }
                kind => failed(kind, cannot.message.clone()),
            };
            return Some(
                deliveries.iter().map(|c| to_row(subscriber, c, started, Duration::ZERO, None, verdict(c))).collect(),
            );
        }
    };
    fail_point!("before_connect", deliveries[0].event);
    if lease_ends.saturating_duration_since(Instant::now()) < timeout {
        // we were stopped or starved: another dispatcher could be sending this before we have finished
        return None;
    }
    let Sent { outcome, duration } = tools.outbound.send(request, timeout).await;
    let now = OffsetDateTime::now_utc();
    let answer = match &outcome {
        Outcome::Answered(answer) => Some(answer),
        Outcome::NotAnswered(_) => None,
    };
    let each = |c: &Claimed| {
        let verdict = judge(&outcome, c.number, policy, now, unit);
        to_row(subscriber, c, started, duration, answer, verdict)
    };
    Some(deliveries.iter().map(each).collect())
}

fn to_row(
    subscriber: &Subscriber,
    claimed: &Claimed,
    started: Instant,
    took: Duration,
    answer: Option<&Answer>,
    verdict: Verdict,
) -> record::Result {
    let (error_kind, error) = verdict.error.unzip();
    let attempt = Attempt {
        delivery_id: claimed.id,
        epoch: claimed.epoch,
        generation: claimed.generation,
        number: claimed.number,
        tenant_id: claimed.tenant_id,
        status: verdict.status,
        delay: verdict.delay,
        target_url: subscriber.stored.url.clone(),
        age: Duration::ZERO, // set when it is written
        duration: took,
        status_code: answer.map(|a| a.status),
        error_kind,
        error: error.map(|text| printable(&text, ERROR_TEXT_MAX_CHARS)),
        response_headers: answer.and_then(|a| serde_json::to_string(&a.headers).ok()),
        response_body: answer.filter(|a| !a.body.is_empty()).map(Answer::body_text),
        response_body_truncated: answer.is_some_and(|a| a.body_truncated),
    };
    record::Result {
        attempt,
        started,
        subscription_id: claimed.subscription_id,
        is_troubled: false, // set by who knows
        suspends: verdict.suspends,
        counts: true,
    }
}

/// Logs and counts (R59): info for delivered, warn for a failure that is retried, error for one that is final.
fn tell(tools: &Tools, claimed: &Claimed, result: &record::Result, span: &Span) {
    let attempt = &result.attempt;
    let reason = attempt.error_kind.map(ErrorKind::as_str);
    let is_retry = attempt.status == DeliveryStatus::Retrying;
    tools.metrics.attempt(&Attempted {
        event: &claimed.event,
        tenant: claimed.tenant_id,
        subscription: claimed.subscription_id,
        status: attempt.status.as_str(),
        status_code: attempt.status_code,
        took: attempt.duration,
        retry_reason: reason.filter(|_| is_retry),
        number: attempt.number,
        happened_at: claimed.happened.as_ref().filter(|_| claimed.generation == 0).map(|happened| happened.at),
    });
    let trace_id = span.traceparent.map(|context| format!("{:032x}", context.trace_id));
    macro_rules! log {
        ($level:ident, $text:literal) => {
            tracing::$level!(
                delivery.id = %claimed.id,
                event.id = %claimed.event_id,
                event = claimed.event,
                subscription.id = %claimed.subscription_id,
                tenant.id = %claimed.tenant_id,
                attempt = attempt.number,
                trace.id = trace_id,
                status_code = attempt.status_code,
                error_kind = reason,
                error = attempt.error,
                duration_ms = attempt.duration.as_millis(),
                retry_in_ms = attempt.delay.map(|d| d.as_millis()),
                $text
            )
        };
    }
    match attempt.status {
        DeliveryStatus::Delivered => log!(info, "webhook delivered"),
        DeliveryStatus::Retrying => log!(warn, "webhook failed and will be retried"),
        DeliveryStatus::Failed | DeliveryStatus::Abandoned | DeliveryStatus::Cancelled => {
            log!(error, "webhook failed for good");
        }
        // never a verdict
        DeliveryStatus::Pending | DeliveryStatus::Sending => {}
    }
}
