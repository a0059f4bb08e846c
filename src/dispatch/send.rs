//! Send: one delivery from its lease to its result. Everything that can go wrong becomes a result.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use super::Tools;
use super::judge::{Policy, Verdict, failed, judge, retry_later};
use super::record::{Done, Recorder};
use super::sign::sign;
use super::slots::Slot;
use crate::domain::delivery::{DeliveryStatus, ERROR_TEXT_MAX_CHARS, ErrorKind, printable};
use crate::outbound::{Answer, Outcome, Sent};
use crate::store::queue::{Attempt, Claimed};

/// Carries one delivery through sign, send and judge to the recorder; then its slot is free.
pub(crate) async fn deliver(
    tools: Arc<Tools>,
    recorder: Recorder,
    claimed: Claimed,
    lease_ends: Instant,
    slot: Slot,
    abort: CancellationToken,
) {
    let started = Instant::now();
    let work = attempt(&tools, &claimed, lease_ends);
    let done = tokio::select! {
        // a panic is a fault of ours that must cost neither the slot nor the process, and must count as an attempt
        result = AssertUnwindSafe(work).catch_unwind() => result.unwrap_or_else(|_| {
            let message = "a fault of the dispatcher; its log says more".to_owned();
            let policy = policy_of(&tools, &claimed);
            let verdict = retry_later(ErrorKind::InternalError, message, claimed.number, &policy, None, 0.0);
            Done::Attempt(Box::new(to_row(&claimed, started, Duration::ZERO, None, verdict)))
        }),
        () = abort.cancelled() => Done::Released(claimed.id, claimed.epoch),
    };
    if let Done::Attempt(result) = &done {
        tell(&tools, &claimed, result);
    }
    recorder.push(done).await;
    drop(slot);
}

async fn attempt(tools: &Tools, claimed: &Claimed, lease_ends: Instant) -> Done {
    let started = Instant::now();
    let policy = policy_of(tools, claimed);
    if claimed.number > policy.max_retries.saturating_add(1) {
        // every lease of the schedule was lost: whatever kills dispatchers here must not do it for ever
        let message = "more attempts than the schedule has, lost leases among them".to_owned();
        let verdict = Verdict { status: DeliveryStatus::Abandoned, ..failed(ErrorKind::LeaseExpired, message) };
        return row(claimed, started, Duration::ZERO, None, verdict);
    }
    let request = match sign(claimed, &tools.webhook, &tools.keyring, OffsetDateTime::now_utc()) {
        Ok(request) => request,
        Err(cannot) => {
            let verdict = match cannot.kind {
                // the key may be put back
                ErrorKind::SecretUnavailable => {
                    retry_later(cannot.kind, cannot.message, claimed.number, &policy, None, rand::random())
                }
                kind => failed(kind, cannot.message),
            };
            return row(claimed, started, Duration::ZERO, None, verdict);
        }
    };
    if lease_ends.saturating_duration_since(Instant::now()) < claimed.timeout {
        // we were stopped or starved: another dispatcher could be sending this before we have finished
        return Done::Released(claimed.id, claimed.epoch);
    }
    let Sent { outcome, duration } = tools.outbound.send(request, claimed.timeout).await;
    let verdict = judge(&outcome, claimed.number, &policy, OffsetDateTime::now_utc(), rand::random());
    let answer = match outcome {
        Outcome::Answered(answer) => Some(answer),
        Outcome::NotAnswered(_) => None,
    };
    row(claimed, started, duration, answer, verdict)
}

fn policy_of(tools: &Tools, claimed: &Claimed) -> Policy {
    Policy::of(claimed.success_policy, claimed.retry_schedule.as_deref(), claimed.max_retries, &tools.webhook)
}

fn row(claimed: &Claimed, started: Instant, took: Duration, answer: Option<Answer>, verdict: Verdict) -> Done {
    Done::Attempt(Box::new(to_row(claimed, started, took, answer, verdict)))
}

fn to_row(
    claimed: &Claimed,
    started: Instant,
    took: Duration,
    answer: Option<Answer>,
    verdict: Verdict,
) -> super::record::Result {
    let (error_kind, error) = verdict.error.unzip();
    let attempt = Attempt {
        delivery_id: claimed.id,
        epoch: claimed.epoch,
        generation: claimed.generation,
        number: claimed.number,
        tenant_id: claimed.tenant_id,
        status: verdict.status,
        delay: verdict.delay,
        target_url: claimed.url.clone(),
        age: Duration::ZERO, // set when it is written
        duration: took,
        status_code: answer.as_ref().map(|a| a.status),
        error_kind,
        error: error.map(|text| printable(&text, ERROR_TEXT_MAX_CHARS)),
        response_headers: answer.as_ref().and_then(|a| serde_json::to_string(&a.headers).ok()),
        response_body: answer.as_ref().filter(|a| !a.body.is_empty()).map(Answer::body_text),
        response_body_truncated: answer.as_ref().is_some_and(|a| a.body_truncated),
    };
    let suspends = verdict.suspends.then_some(claimed.subscription_id);
    super::record::Result { attempt, started, suspends }
}

/// Logs and counts (R59): info for delivered, warn for a failure that is retried, error for one that is final.
fn tell(tools: &Tools, claimed: &Claimed, result: &super::record::Result) {
    let attempt = &result.attempt;
    let reason = attempt.error_kind.map(ErrorKind::as_str);
    let is_retry = attempt.status == DeliveryStatus::Retrying;
    tools.metrics.attempt(
        &claimed.event,
        claimed.tenant_id,
        attempt.status.as_str(),
        attempt.status_code,
        attempt.duration,
        reason.filter(|_| is_retry),
    );
    macro_rules! log {
        ($level:ident, $text:literal) => {
            tracing::$level!(
                delivery.id = %claimed.id,
                event.id = %claimed.event_id,
                event = claimed.event,
                subscription.id = %claimed.subscription_id,
                tenant.id = %claimed.tenant_id,
                attempt = attempt.number,
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
