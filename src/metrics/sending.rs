//! What became of attempts: the four metrics that requirements name (R60 to R63), delays, and figures by subscription.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prometheus::{CounterVec, Error, HistogramVec, IntCounterVec};
use time::OffsetDateTime;
use uuid::Uuid;

use super::Metrics;
use super::declared::Declarer;
use super::labels::Labels;
use crate::config::MetricsConfig;

/// The seeds' buckets (R61) with finer ones below and one above, in seconds.
const DURATION_BUCKETS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0];

/// From a few milliseconds to the last retry of most schedules.
const DELAY_BUCKETS: &[f64] =
    &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0, 21_600.0, 86_400.0];

/// What an attempt comes to.
const STATUSES: [&str; 4] = ["delivered", "retrying", "failed", "abandoned"];

/// An attempt that was made.
pub struct Attempted<'a> {
    /// Event type.
    pub event: &'a str,
    /// Whose.
    pub tenant: Uuid,
    /// To whom.
    pub subscription: Uuid,
    /// What became of the delivery: delivered, retrying, failed or abandoned.
    pub status: &'static str,
    /// What the receiver answered.
    pub status_code: Option<u16>,
    /// How long it took.
    pub took: Duration,
    /// Why it is retried.
    pub retry_reason: Option<&'static str>,
    /// Which attempt it is, from 1.
    pub number: u32,
    /// When the event happened, unless this is a replay.
    pub happened_at: Option<OffsetDateTime>,
}

pub(super) struct Sending {
    config: MetricsConfig,
    deliveries: IntCounterVec,
    duration: HistogramVec,
    retries: IntCounterVec,
    http_status: IntCounterVec,
    delay: HistogramVec,
    subscription_attempts: IntCounterVec,
    subscription_seconds: CounterVec,
    labels: Mutex<Labels>,
}

impl Sending {
    pub(super) fn declare(declarer: &mut Declarer, config: MetricsConfig) -> Result<Self, Error> {
        Ok(Self {
            config,
            deliveries: declarer.counter(
                "webhook_deliveries_total",
                "Attempts by what became of their delivery: delivered, retrying, failed, abandoned",
                &["event", "tenant_id", "status"],
            )?,
            duration: declarer.histogram(
                "webhook_delivery_duration_seconds",
                "Time of one attempt, from DNS to the last byte read",
                &["event", "tenant_id"],
                DURATION_BUCKETS,
            )?,
            retries: declarer.counter(
                "webhook_retries_total",
                "Retries scheduled, by the reason",
                &["event", "tenant_id", "reason"],
            )?,
            http_status: declarer.counter(
                "webhook_delivery_http_status",
                "Answers by HTTP status",
                &["event", "status_code"],
            )?,
            delay: declarer.histogram(
                "posthorn_delivery_delay_seconds",
                "Time from the start of the publishing transaction to the receiver's acceptance; attempt says whether the first \
                 attempt was accepted or a later one. Replays do not count",
                &["attempt"],
                DELAY_BUCKETS,
            )?,
            subscription_attempts: declarer.counter(
                "posthorn_subscription_attempts_total",
                "Attempts by subscription and by what became of their delivery",
                &["subscription_id", "tenant_id", "status"],
            )?,
            subscription_seconds: declarer.fine_counter(
                "posthorn_subscription_attempt_seconds_total",
                "Seconds that the attempts of a subscription took, added up",
                &["subscription_id", "tenant_id"],
            )?,
            labels: Mutex::default(),
        })
    }

    /// A series that first appears with its first event has no rate: what can be known begins at 0.
    pub(super) fn begin(&self) {
        for attempt in ["first", "later"] {
            self.delay.with_label_values(&[attempt]);
        }
    }
}

impl Metrics {
    /// Counts an attempt.
    pub fn attempt(&self, attempted: &Attempted<'_>) {
        let Attempted { tenant, status, took, .. } = *attempted;
        let sending = &self.sending;
        let mut labels = sending.labels.lock().unwrap_or_else(PoisonError::into_inner);
        let event = labels.event(attempted.event);
        let tenant = labels.tenant(sending.config.tenants, event, tenant);
        let subscription = labels.subscription(sending.config.subscriptions, attempted.subscription);
        let event_of_status = attempted.status_code.map(|code| (labels.event_of_status(event, code), code));
        drop(labels);
        for other in STATUSES {
            sending.deliveries.with_label_values(&[event, &tenant, other]);
        }
        sending.deliveries.with_label_values(&[event, &tenant, status]).inc();
        sending.duration.with_label_values(&[event, &tenant]).observe(took.as_secs_f64());
        if let Some((event, code)) = event_of_status {
            sending.http_status.with_label_values(&[event, &code.to_string()]).inc();
        }
        if let Some(reason) = attempted.retry_reason {
            sending.retries.with_label_values(&[event, &tenant, reason]).inc();
        }
        if let Some(subscription) = subscription {
            // those that share a label may be of several tenants
            let tenant = if subscription == super::labels::OTHER { super::labels::OTHER } else { &tenant };
            sending.subscription_attempts.with_label_values(&[&subscription, tenant, status]).inc();
            sending.subscription_seconds.with_label_values(&[&subscription, tenant]).inc_by(took.as_secs_f64());
        }
        if let Some(happened_at) = attempted.happened_at.filter(|_| status == "delivered") {
            let delay = (OffsetDateTime::now_utc() - happened_at).as_seconds_f64() - self.clock_skew();
            let which = if attempted.number > 1 { "later" } else { "first" };
            sending.delay.with_label_values(&[which]).observe(delay.max(0.0));
        }
    }
}
