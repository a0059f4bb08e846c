//! How statistics are shown.

use poem_openapi::{Enum, Object};
use serde::Serialize;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::domain::histogram::quantile;
use crate::store::statistics::{self, Failure, Spread, Totals, WAITING_MAX, Waiting, Wanted};

/// Most event types and subscriptions shown beside the totals.
const LISTED_MAX: usize = 100;

/// Figures of a time.
#[derive(Object, Serialize)]
pub(super) struct Statistics {
    /// Beginning of the time that the figures cover.
    #[serde(with = "time::serde::rfc3339")]
    since: OffsetDateTime,
    /// Its end.
    #[serde(with = "time::serde::rfc3339")]
    until: OffsetDateTime,
    /// `minute`, `hour` or `day`: what `since` and `until` were rounded to.
    resolution: String,
    /// All together.
    totals: Figures,
    /// By event type, the 100 with the most attempts.
    by_event: Vec<EventFigures>,
    /// By subscription, the 100 with the most attempts.
    by_subscription: Vec<SubscriptionFigures>,
    /// Failures by kind, those that were retried included; most first.
    errors: Vec<ErrorFigure>,
}

/// What was counted.
#[derive(Object, Serialize)]
pub(super) struct Figures {
    /// Attempts made; each event of a batch counts.
    attempts: i64,
    /// Deliveries that a receiver accepted.
    delivered: i64,
    /// Attempts that failed and are made again.
    retried: i64,
    /// Deliveries refused for good.
    failed: i64,
    /// Deliveries given up after their last retry.
    abandoned: i64,
    /// Share of the finished deliveries that were accepted, 0 to 1; null when none was finished.
    #[oai(nullable)]
    success_rate: Option<f64>,
    /// How long attempts took, in milliseconds.
    duration_ms: SpreadShown,
    /// From the event's being published to its being delivered, in milliseconds; without replays.
    delay_ms: SpreadShown,
}

/// How milliseconds are spread. Percentiles come from a histogram: up to 30 seconds they are right within a factor of 2.
#[derive(Object, Serialize)]
#[oai(rename = "Spread")]
pub(super) struct SpreadShown {
    /// The mean, exact.
    #[oai(nullable)]
    average: Option<f64>,
    /// Half took less.
    #[oai(nullable)]
    p50: Option<f64>,
    /// 95 of 100 took less.
    #[oai(nullable)]
    p95: Option<f64>,
    /// 99 of 100 took less.
    #[oai(nullable)]
    p99: Option<f64>,
    /// The longest, exact.
    #[oai(nullable)]
    max: Option<i32>,
}

/// Figures of an event type.
#[derive(Object, Serialize)]
pub(super) struct EventFigures {
    /// Event type.
    event: String,
    /// What was counted.
    #[oai(flatten)]
    #[serde(flatten)]
    figures: Figures,
}

/// Figures of a subscription.
#[derive(Object, Serialize)]
pub(super) struct SubscriptionFigures {
    /// The subscription, which may be deleted by now.
    subscription_id: Uuid,
    /// What was counted.
    #[oai(flatten)]
    #[serde(flatten)]
    figures: Figures,
}

/// Failures of a kind.
#[derive(Object, Serialize)]
pub(super) struct ErrorFigure {
    /// Why, such as `timeout`.
    error_kind: String,
    /// How often.
    failures: i64,
}

/// Figures over time.
#[derive(Object, Serialize)]
pub(super) struct Series {
    /// Beginning of the first step.
    #[serde(with = "time::serde::rfc3339")]
    since: OffsetDateTime,
    /// End of the last.
    #[serde(with = "time::serde::rfc3339")]
    until: OffsetDateTime,
    /// `minute`, `hour` or `day`.
    bucket: String,
    /// Every step, oldest first.
    data: Vec<Step>,
}

/// Figures of a minute, an hour or a day.
#[derive(Object, Serialize)]
pub(super) struct Step {
    /// When it begins.
    #[serde(with = "time::serde::rfc3339")]
    starts_at: OffsetDateTime,
    /// What was counted.
    #[oai(flatten)]
    #[serde(flatten)]
    figures: Figures,
}

/// How a receiver can fare.
#[derive(Clone, Copy, Enum)]
#[oai(rename_all = "lowercase")]
pub(super) enum HealthState {
    Healthy,
    Degraded,
    Failing,
    Suspended,
    Paused,
}

impl HealthState {
    /// The word used in columns and JSON.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Failing => "failing",
            Self::Suspended => "suspended",
            Self::Paused => "paused",
        }
    }
}

/// How a receiver fares.
#[derive(Object, Serialize)]
pub(super) struct Health {
    /// The subscription.
    subscription_id: Uuid,
    /// Its receiver.
    url: String,
    /// `healthy`; `degraded`: a twentieth or more of the last hour's attempts failed, or the last one; `failing`: its circuit
    /// is open, five failures in a row, or nothing but failures in the last hour; `suspended`; `paused`: disabled.
    state: String,
    /// Since when; of a healthy one since its last failure.
    #[oai(nullable)]
    #[serde(with = "time::serde::rfc3339::option")]
    since: Option<OffsetDateTime>,
    /// Why; null when it is healthy.
    #[oai(nullable)]
    reason: Option<String>,
    /// Attempts of the last hour.
    attempts_last_hour: i64,
    /// Those of them that failed.
    failures_last_hour: i64,
    /// `closed`: deliveries go out; `open`: they wait; `half_open`: one is on its way as a probe.
    circuit: String,
    /// When an open circuit lets a probe through.
    #[oai(nullable)]
    #[serde(with = "time::serde::rfc3339::option")]
    retry_at: Option<OffsetDateTime>,
    /// When a delivery was last accepted.
    #[oai(nullable)]
    #[serde(with = "time::serde::rfc3339::option")]
    last_delivered_at: Option<OffsetDateTime>,
    /// When an attempt last failed.
    #[oai(nullable)]
    #[serde(with = "time::serde::rfc3339::option")]
    last_failed_at: Option<OffsetDateTime>,
}

/// A page of receivers and how they fare.
#[derive(Object, Serialize)]
pub(super) struct HealthPage {
    /// The worst first.
    pub(super) data: Vec<Health>,
    /// Where the next page begins; null on the last.
    #[oai(nullable)]
    pub(super) next_cursor: Option<String>,
}

/// Statistics of a subscription.
#[derive(Object, Serialize)]
pub(super) struct SubscriptionStatistics {
    /// Figures of the time asked for.
    #[oai(flatten)]
    #[serde(flatten)]
    statistics: Statistics,
    /// How its receiver fares.
    health: Health,
    /// Deliveries not finished, those being sent included; counted to 10,000.
    waiting: i64,
    /// Whether there are more than that.
    waits_for_more: bool,
    /// Since when the oldest that could go waits; null: none does.
    #[oai(nullable)]
    #[serde(with = "time::serde::rfc3339::option")]
    oldest_due_at: Option<OffsetDateTime>,
    /// The last attempt that failed.
    #[oai(nullable)]
    last_failure: Option<LastFailure>,
}

/// An attempt that failed.
#[derive(Object, Serialize)]
pub(super) struct LastFailure {
    /// The delivery.
    delivery_id: Uuid,
    /// When it began.
    #[serde(with = "time::serde::rfc3339")]
    started_at: OffsetDateTime,
    /// HTTP status, when there was an answer.
    #[oai(nullable)]
    status_code: Option<i32>,
    /// Why, such as `timeout`.
    error_kind: String,
    /// The same in words.
    #[oai(nullable)]
    error: Option<String>,
}

impl Statistics {
    pub(super) fn new(wanted: &Wanted, totals: Totals, errors: Vec<(String, i64)>) -> Self {
        let by_event = totals.by_event.into_iter().take(LISTED_MAX);
        let by_subscription = totals.by_subscription.into_iter().take(LISTED_MAX);
        Self {
            since: wanted.since,
            until: wanted.until,
            resolution: wanted.resolution.as_str().to_owned(),
            totals: totals.all.into(),
            by_event: by_event.map(|(event, figures)| EventFigures { event, figures: figures.into() }).collect(),
            by_subscription: by_subscription
                .map(|(subscription_id, figures)| SubscriptionFigures { subscription_id, figures: figures.into() })
                .collect(),
            errors: errors.into_iter().map(|(error_kind, failures)| ErrorFigure { error_kind, failures }).collect(),
        }
    }
}

impl Series {
    /// Rows come in the order of time, without those that have nothing.
    pub(super) fn new(wanted: &Wanted, rows: Vec<(OffsetDateTime, statistics::Figures)>) -> Self {
        let mut rows = rows.into_iter().peekable();
        let (mut data, mut starts_at) = (Vec::new(), wanted.since);
        while starts_at < wanted.until {
            let figures = rows.next_if(|(at, _)| *at == starts_at).map(|(_, figures)| figures).unwrap_or_default();
            data.push(Step { starts_at, figures: figures.into() });
            starts_at += Duration::seconds(wanted.resolution.seconds());
        }
        let bucket = wanted.resolution.as_str().to_owned();
        Self { since: wanted.since, until: wanted.until, bucket, data }
    }
}

impl SubscriptionStatistics {
    pub(super) fn new(
        statistics: Statistics,
        health: statistics::Health,
        waiting: Waiting,
        failure: Option<Failure>,
    ) -> Self {
        let last_failure = failure.zip(health.last_failed_delivery_id).map(|(failure, delivery_id)| LastFailure {
            delivery_id,
            started_at: failure.started_at,
            status_code: failure.status_code,
            error_kind: failure.error_kind,
            error: failure.error,
        });
        Self {
            statistics,
            health: health.into(),
            waiting: waiting.deliveries.min(WAITING_MAX),
            waits_for_more: waiting.deliveries > WAITING_MAX,
            oldest_due_at: waiting.oldest_due_at,
            last_failure,
        }
    }
}

impl From<statistics::Figures> for Figures {
    fn from(row: statistics::Figures) -> Self {
        let finished = row.delivered + row.failed + row.abandoned;
        Self {
            success_rate: share(row.delivered, finished).map(|rate| (rate * 10_000.0).round() / 10_000.0),
            duration_ms: SpreadShown::new(&row.duration),
            delay_ms: SpreadShown::new(&row.delay),
            attempts: row.attempts,
            delivered: row.delivered,
            retried: row.retried,
            failed: row.failed,
            abandoned: row.abandoned,
        }
    }
}

impl SpreadShown {
    fn new(spread: &Spread) -> Self {
        let count: i64 = spread.buckets.iter().sum();
        let at = |q| quantile(&spread.buckets, spread.max_ms, q);
        Self {
            average: share(spread.sum_ms, count).map(|average| (average * 10.0).round() / 10.0),
            p50: at(0.5),
            p95: at(0.95),
            p99: at(0.99),
            max: (count > 0).then_some(spread.max_ms),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "no count or sum of milliseconds comes near 2^53")]
fn share(part: i64, of: i64) -> Option<f64> {
    (of > 0).then(|| part as f64 / of as f64)
}

impl From<statistics::Health> for Health {
    fn from(row: statistics::Health) -> Self {
        Self {
            subscription_id: row.subscription_id,
            url: row.url,
            state: row.state,
            since: row.since_at,
            reason: row.reason,
            attempts_last_hour: row.attempts_last_hour,
            failures_last_hour: row.failures_last_hour,
            circuit: row.circuit,
            retry_at: row.retry_at,
            last_delivered_at: row.last_delivered_at,
            last_failed_at: row.last_failed_at,
        }
    }
}
