//! How deliveries and attempts are shown.

use poem_openapi::Object;
use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::api::body::RawJson;
use crate::api::problem::Problem;
use crate::store::{deliveries, events};

/// One event on its way to one receiver.
#[derive(Object, Serialize)]
pub(super) struct Delivery {
    /// Id.
    id: Uuid,
    /// Whose.
    tenant_id: Uuid,
    /// Who is to receive it.
    subscription_id: Uuid,
    /// What happened: `webhook-id` of the request.
    event_id: Uuid,
    /// Event type.
    event: String,
    /// URL of the subscription as it is now.
    #[oai(nullable)]
    target_url: Option<String>,
    /// `pending`, `sending`, `retrying`, `delivered`, `failed` (refused for good), `abandoned` (retries exhausted) or `cancelled`.
    status: String,
    /// How often it was retried by hand.
    generation: i32,
    /// Attempts made in this generation.
    attempts: i32,
    /// Not to be sent before; null while it waits for the delivery before it with the same ordering key.
    #[oai(nullable)]
    #[serde(with = "time::serde::rfc3339::option")]
    due_at: Option<OffsetDateTime>,
    /// HTTP status of the last answer.
    #[oai(nullable)]
    last_status_code: Option<i32>,
    /// Kind of the last failure.
    #[oai(nullable)]
    last_error_kind: Option<String>,
    /// The last failure in words.
    #[oai(nullable)]
    last_error: Option<String>,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// Last change.
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
    /// When it came to its end.
    #[oai(nullable)]
    #[serde(with = "time::serde::rfc3339::option")]
    finished_at: Option<OffsetDateTime>,
}

impl From<deliveries::Delivery> for Delivery {
    fn from(row: deliveries::Delivery) -> Self {
        Self {
            id: row.id,
            tenant_id: row.tenant_id,
            subscription_id: row.subscription_id,
            event_id: row.event_id,
            event: row.event,
            target_url: row.target_url,
            status: row.status.to_string(),
            generation: row.generation,
            attempts: row.attempts,
            due_at: row.due_at,
            last_status_code: row.last_status_code,
            last_error_kind: row.last_error_kind,
            last_error: row.last_error,
            created_at: row.created_at,
            updated_at: row.updated_at,
            finished_at: row.finished_at,
        }
    }
}

/// A delivery with everything known of it.
#[derive(Object, Serialize)]
pub(super) struct DeliveryRecord {
    /// The delivery itself.
    #[oai(flatten)]
    #[serde(flatten)]
    delivery: Delivery,
    /// The event's payload; null when it is no longer kept.
    #[oai(nullable)]
    payload: Option<RawJson>,
    /// Every attempt, oldest first.
    attempt_history: Vec<Attempt>,
}

impl DeliveryRecord {
    pub(super) fn new(
        delivery: deliveries::Delivery,
        event: Option<events::Event>,
        attempts: Vec<deliveries::Attempt>,
    ) -> Result<Self, Problem> {
        let payload = event.map(|event| RawJson::new(event.payload)).transpose()?;
        let attempt_history = attempts.into_iter().map(Attempt::new).collect::<Result<_, _>>()?;
        Ok(Self { delivery: delivery.into(), payload, attempt_history })
    }
}

/// One request and what came of it.
#[derive(Object, Serialize)]
pub(super) struct Attempt {
    /// Which retry by hand of the delivery it belongs to.
    generation: i32,
    /// First, second, … of that generation.
    number: i32,
    /// Where it went.
    target_url: String,
    /// When it began.
    #[serde(with = "time::serde::rfc3339")]
    started_at: OffsetDateTime,
    /// How long it took in milliseconds.
    duration_ms: i32,
    /// HTTP status, when there was an answer.
    #[oai(nullable)]
    status_code: Option<i32>,
    /// Why it did not deliver; null when it did.
    #[oai(nullable)]
    error_kind: Option<String>,
    /// The same in words.
    #[oai(nullable)]
    error: Option<String>,
    /// Headers of the answer as pairs of name and value.
    #[oai(nullable)]
    response_headers: Option<RawJson>,
    /// Beginning of the answer's body.
    #[oai(nullable)]
    response_body: Option<String>,
    /// Whether there was more.
    response_body_truncated: bool,
}

impl Attempt {
    pub(super) fn new(row: deliveries::Attempt) -> Result<Self, Problem> {
        Ok(Self {
            generation: row.generation,
            number: row.number,
            target_url: row.target_url,
            started_at: row.started_at,
            duration_ms: row.duration_ms,
            status_code: row.status_code,
            error_kind: row.error_kind,
            error: row.error,
            response_headers: row.response_headers.map(RawJson::new).transpose()?,
            response_body: row.response_body,
            response_body_truncated: row.response_body_truncated,
        })
    }
}
