//! Deliveries: enqueue, list, read with attempts, retry (R6–R9).

use poem_openapi::param::{Path, Query};
use poem_openapi::{Object, OpenApi};
use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Tag;
use super::body::{Body, RawJson};
use super::caller::{Caller, Manages, Publishes, Reads};
use super::checks::Checks;
use super::cursor::{self, LIMIT_DEFAULT};
use super::events::{EventInput, read_event};
use super::once::Once;
use super::problem::Problem;
use super::refusal::{Acting, Reading, Refusal, Writing};
use super::reply::{Accepted, Found, Reply};
use crate::domain::delivery::DeliveryStatus;
use crate::domain::event::EventName;
use crate::domain::violation::Violation;
use crate::store::deliveries::{self, Retrial, Wanted};
use crate::store::events::Published;
use crate::store::{Store, Work, events, subscriptions};

/// The operations on deliveries.
pub(super) struct DeliveriesApi {
    /// Where they are.
    pub(super) store: Store,
}

#[OpenApi(tag = "Tag::Deliveries")]
impl DeliveriesApi {
    /// Enqueue deliveries of an event
    ///
    /// Publishes the event, as POST /events does, but refuses with 404 when no active subscription wants it.
    #[oai(path = "/deliveries", method = "post", operation_id = "enqueueDeliveries")]
    async fn enqueue(
        &self,
        caller: Caller<Publishes>,
        /// `false` accepts an event that no active subscription wants.
        strict: Query<Option<bool>>,
        body: Body<EventInput>,
    ) -> Result<Once<Accepted<Enqueued>>, Refusal<Writing>> {
        let event = read_event(body.0)?;
        let (event, is_strict) = (&event, strict.0.unwrap_or(true));
        let patterns = subscriptions::patterns_of(event.event.as_str());
        let patterns = patterns.as_slice();
        let answer = |published: Option<Published>| {
            let nobody = || Problem::not_found(format!("no active subscription wants {}", event.event));
            let Published { id: event_id, deliveries: count } = published.ok_or_else(nobody)?;
            Ok(Reply::new(Enqueued { event_id, count }))
        };
        Ok(caller
            .once(
                &self.store,
                "enqueue deliveries",
                move |tx| {
                    Work::new(async move {
                        if is_strict && !subscriptions::has_match(tx, patterns).await? {
                            return Ok(None);
                        }
                        events::publish(tx, event).await.map(Some)
                    })
                },
                answer,
            )
            .await??)
    }

    /// List deliveries
    ///
    /// Newest first.
    #[oai(path = "/deliveries", method = "get", operation_id = "listDeliveries")]
    #[expect(clippy::too_many_arguments, reason = "each is a parameter of the operation")]
    async fn list(
        &self,
        caller: Caller<Reads>,
        /// Only those of this event type.
        event: Query<Option<String>>,
        /// Only those with this status, in any letter case.
        status: Query<Option<String>>,
        /// Only those to this subscription.
        subscription_id: Query<Option<Uuid>>,
        /// Only those of this event.
        event_id: Query<Option<Uuid>>,
        /// Rows of a page, 100 unless given.
        #[oai(validator(minimum(value = "1"), maximum(value = "500")))]
        limit: Query<Option<u32>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<Found<DeliveryPage>, Refusal<Reading>> {
        let limit = limit.0.unwrap_or(LIMIT_DEFAULT);
        let mut checks = Checks::default();
        let wanted = &Wanted {
            event: checks.read(event.0.as_deref(), read_event_name),
            status: checks.read(status.0.as_deref(), read_status),
            subscription_id: subscription_id.0,
            event_id: event_id.0,
            before: checks.read(cursor.0.as_deref(), cursor::read),
            rows: i64::from(limit) + 1,
        };
        checks.finish()?;
        let found =
            self.store.tx("list deliveries", caller.scope(), move |tx| Work::new(deliveries::list(tx, wanted))).await?;
        let (rows, next_cursor) = cursor::page(found, limit, |row| row.id);
        Ok(Reply::new(DeliveryPage { data: rows.into_iter().map(Delivery::from).collect(), next_cursor }))
    }

    /// Get a delivery
    ///
    /// With its event's payload and every attempt.
    #[oai(path = "/deliveries/:id", method = "get", operation_id = "getDelivery")]
    async fn get(
        &self,
        caller: Caller<Reads>,
        /// Id of the delivery.
        id: Path<Uuid>,
    ) -> Result<Found<DeliveryRecord>, Refusal<Reading>> {
        let found = self
            .store
            .tx("get delivery", caller.scope(), move |tx| {
                Work::new(async move {
                    let Some(delivery) = deliveries::find(tx, id.0).await? else { return Ok(None) };
                    let event = events::find(tx, delivery.event_id).await?;
                    let attempts = deliveries::attempts(tx, id.0).await?;
                    Ok(Some((delivery, event, attempts)))
                })
            })
            .await?;
        let (delivery, event, attempts) = found.ok_or_else(|| unknown(id.0))?;
        Ok(Reply::new(DeliveryRecord::new(delivery, event, attempts)?))
    }

    /// Retry a delivery
    ///
    /// Makes it due now, as a new generation with its attempts counted from 0; the history stays.
    #[oai(path = "/deliveries/:id/retry", method = "post", operation_id = "retryDelivery")]
    async fn retry(
        &self,
        caller: Caller<Manages>,
        /// Id of the delivery.
        id: Path<Uuid>,
    ) -> Result<Once<Accepted<Delivery>>, Refusal<Acting>> {
        let answer = |retrial| match retrial {
            Retrial::Due(delivery) => Ok(Reply::new((*delivery).into())),
            Retrial::Unknown => Err(unknown(id.0)),
            Retrial::BeingSent => Err(Problem::conflict("a dispatcher is sending it at this moment")),
            Retrial::NoReceiver(status) => {
                let status = status.map_or("gone", |status| status.as_str());
                Err(Problem::conflict(format!("its subscription is {status}, so it would not be sent")))
            }
        };
        Ok(caller
            .once(&self.store, "retry delivery", move |tx| Work::new(deliveries::retry(tx, id.0)), answer)
            .await??)
    }
}

fn unknown(id: Uuid) -> Problem {
    Problem::not_found(format!("there is no delivery {id}"))
}

fn read_event_name(text: &str) -> Result<String, Violation> {
    Ok(EventName::parse("event", text)?.as_str().to_owned())
}

fn read_status(text: &str) -> Result<DeliveryStatus, Violation> {
    DeliveryStatus::parse(text).ok_or_else(|| {
        let words: Vec<&str> = DeliveryStatus::ALL.iter().map(|status| status.as_str()).collect();
        Violation::new("status", "unknown_word", format!("must be one of {}", words.join(", ")))
    })
}

/// What was enqueued.
#[derive(Object, Serialize)]
struct Enqueued {
    /// The event.
    event_id: Uuid,
    /// Deliveries made; null while a dispatcher still has to find out (very many subscriptions, or a failing filter).
    #[oai(nullable)]
    count: Option<i64>,
}

/// One event on its way to one receiver.
#[derive(Object, Serialize)]
struct Delivery {
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

/// A page of deliveries.
#[derive(Object, Serialize)]
struct DeliveryPage {
    /// Newest first.
    data: Vec<Delivery>,
    /// Where the next page begins; null on the last.
    #[oai(nullable)]
    next_cursor: Option<String>,
}

/// A delivery with everything known of it.
#[derive(Object, Serialize)]
struct DeliveryRecord {
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
    fn new(
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
struct Attempt {
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
    fn new(row: deliveries::Attempt) -> Result<Self, Problem> {
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
