//! Events: publish one or many, list, read and cancel them.

mod input;
mod list;
mod shown;

use std::sync::Arc;

use poem::Request;
use poem_openapi::param::{Path, Query};
use poem_openapi::{Object, OpenApi};
use serde::Serialize;
use uuid::Uuid;

use self::input::{BatchInput, read_batch, refuse_texts};
pub(super) use self::input::{EventInput, read_event, short_text};
use self::list::{EventPage, EventQuery};
use self::shown::Event;
use super::Tag;
use super::body::{Body, LargeBody};
use super::caller::{Caller, Manages, Publishes, Reads};
use super::once::Once;
use super::problem::Problem;
use super::reach::Asked;
use super::refusal::{Acting, Reading, Refusal, Writing};
use super::reply::{Accepted, Created, Found, Reply};
use super::strict::Strictness;
use super::trace::publishing;
use crate::store::events::{self, NewEvent};
use crate::store::{Scope, Store, StoreError, Work};

/// The operations on events.
pub(super) struct EventsApi {
    /// Where they are.
    pub(super) store: Store,
    /// What they must fit.
    pub(super) strictness: Arc<Strictness>,
}

#[OpenApi(tag = "Tag::Events")]
impl EventsApi {
    /// Publish an event
    ///
    /// Accepted whether or not a subscription wants it. The payload is stored as it comes: numbers keep their digits. Where the
    /// event type is strict it must fit its JSON Schema, and where the tenant is, the type must be in the catalogue. A header
    /// `traceparent` (W3C Trace Context) is stored with it, and its webhooks belong to that trace.
    #[oai(path = "/events", method = "post", operation_id = "publishEvent")]
    async fn publish(
        &self,
        caller: Caller<Publishes>,
        request: &Request,
        body: Body<EventInput>,
    ) -> Result<Once<Created<Published>>, Refusal<Writing>> {
        let new = &read_event(body.0)?;
        self.strictness.check(caller.scope(), new).await?;
        let trace = &publishing(request, &caller.scope());
        let answer = |published: events::Published| {
            let (id, event, deliveries) = (published.id, new.event.to_string(), published.deliveries);
            trace.published(id);
            Ok(Reply::new(Published { id, event, deliveries }).at(request, id))
        };
        let within = trace.traceparent;
        let done = caller
            .once(&self.store, "publish event", move |tx| Work::new(events::publish(tx, new, within)), answer)
            .await;
        Ok(trace.judge(done)??)
    }

    /// Publish many events
    ///
    /// All of them in one transaction, in the order given, or none. The body may be 16 times as large as that of one event. All
    /// belong to the trace that a header `traceparent` names.
    #[oai(path = "/events/batch", method = "post", operation_id = "publishEvents")]
    async fn publish_many(
        &self,
        caller: Caller<Publishes>,
        request: &Request,
        body: LargeBody<BatchInput>,
    ) -> Result<Once<Accepted<PublishedBatch>>, Refusal<Writing>> {
        let new = &read_batch(body.0)?;
        self.strictness.check_all(caller.scope(), new).await?;
        let trace = &publishing(request, &caller.scope());
        let answer = |ids: Vec<Uuid>| Ok(Reply::new(PublishedBatch::new(&ids, new)));
        let within = trace.traceparent;
        let published = caller
            .once(&self.store, "publish events", move |tx| Work::new(events::publish_many(tx, new, within)), answer)
            .await;
        match trace.judge(published) {
            Ok(published) => Ok(published?),
            Err(error) => Err(self.judge(caller.scope(), new, error).await.into()),
        }
    }

    /// List events
    ///
    /// Newest first, without their payloads. What is filtered is searched for: `search` says how far this page came; go on with
    /// `next_cursor`.
    #[oai(path = "/events", method = "get", operation_id = "listEvents")]
    #[expect(clippy::too_many_arguments, reason = "each is a parameter of the operation")]
    async fn list(
        &self,
        caller: Caller<Reads>,
        /// Only those of this type, such as `invoice.paid`, or of this group, such as `invoice.*`.
        event: Query<Option<String>>,
        /// Only those about this kind of thing; needs `resource_id`.
        resource_type: Query<Option<String>>,
        /// Only those about the thing with this id.
        resource_id: Query<Option<String>>,
        /// Only those whose fan-out is `done`, `open`, `muted`, `unknown_tenant` or `cancelled`.
        fanout: Query<Option<String>>,
        /// Only those of whose payload this jsonpath predicate is true, such as `$.amount > 100`, up to 1,000 characters and without
        /// `like_regex`. At most 10,000 events are looked at for a page.
        payload: Query<Option<String>>,
        /// Only those published at this time or later (RFC 3339, to the millisecond).
        since: Query<Option<String>>,
        /// Only those published before this time.
        until: Query<Option<String>>,
        /// Rows of a page, 100 unless given.
        #[oai(validator(minimum(value = "1"), maximum(value = "500")))]
        limit: Query<Option<u32>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<Found<EventPage>, Refusal<Reading>> {
        let query = EventQuery {
            event: event.0,
            fanout: fanout.0,
            asked: Asked { resource_type: resource_type.0, resource_id: resource_id.0, payload: payload.0 },
            since: since.0,
            until: until.0,
            limit: limit.0,
            cursor: cursor.0,
        };
        Ok(Reply::new(query.answer(&self.store, caller.scope()).await?))
    }

    /// Get an event
    #[oai(path = "/events/:id", method = "get", operation_id = "getEvent")]
    async fn get(
        &self,
        caller: Caller<Reads>,
        /// Id of the event.
        id: Path<Uuid>,
    ) -> Result<Found<Event>, Refusal<Reading>> {
        let found = self.store.tx("get event", caller.scope(), move |tx| Work::new(events::find(tx, id.0))).await?;
        let event = found.ok_or_else(|| Problem::not_found(format!("there is no event {}", id.0)))?;
        Ok(Reply::new(Event::new(event)?))
    }

    /// Cancel an event
    ///
    /// Its deliveries that wait are given up, and so is a fan-out that is still open. What a dispatcher is sending at this moment is
    /// not stopped, and what has arrived has arrived.
    #[oai(path = "/events/:id/cancel", method = "post", operation_id = "cancelEvent")]
    async fn cancel(
        &self,
        caller: Caller<Manages>,
        /// Id of the event.
        id: Path<Uuid>,
    ) -> Result<Once<Found<CancelledEvent>>, Refusal<Acting>> {
        let answer = |found: Option<events::Cancellation>| {
            let done = found.ok_or_else(|| Problem::not_found(format!("there is no event {}", id.0)))?;
            Ok(Reply::new(CancelledEvent {
                event_id: id.0,
                cancelled: done.cancelled,
                in_flight: done.in_flight,
                is_fanout_cancelled: done.is_fanout_cancelled,
            }))
        };
        Ok(caller.once(&self.store, "cancel event", move |tx| Work::new(events::cancel(tx, id.0)), answer).await??)
    }
}

impl EventsApi {
    /// Says which events of a batch the database refuses: a failed statement does not.
    async fn judge(&self, scope: Scope, new: &[NewEvent], error: StoreError) -> Problem {
        let is_about_values = matches!(error, StoreError::Value { .. } | StoreError::Constraint { .. })
            || error.sqlstate().is_some_and(|code| code.code().starts_with("54"));
        if !is_about_values {
            return error.into();
        }
        let payloads: &Vec<&str> = &new.iter().map(|event| event.payload.as_str()).collect();
        let metadata: &Vec<&str> = &new.iter().map(|event| event.metadata.as_deref().unwrap_or("{}")).collect();
        let faults = self
            .store
            .tx("judge events", scope, move |tx| {
                Work::new(async move {
                    let mut violations = refuse_texts("payload", events::json_faults(tx, payloads).await?);
                    violations.extend(refuse_texts("metadata", events::json_faults(tx, metadata).await?));
                    Ok(violations)
                })
            })
            .await;
        match faults {
            Ok(violations) if !violations.is_empty() => Problem::invalid(violations),
            _ => error.into(),
        }
    }
}

/// What was published.
#[derive(Object, Serialize)]
struct Published {
    /// Id of the event: `webhook-id` of every webhook it becomes.
    id: Uuid,
    /// Event type, normalised.
    event: String,
    /// Deliveries made; null while a dispatcher still has to find out (very many subscriptions, or a failing filter).
    #[oai(nullable)]
    deliveries: Option<i64>,
}

/// What was published together.
#[derive(Object, Serialize)]
struct PublishedBatch {
    /// In the order given.
    data: Vec<PublishedOne>,
}

/// One of many.
#[derive(Object, Serialize)]
struct PublishedOne {
    /// Id of the event.
    id: Uuid,
    /// Event type, normalised.
    event: String,
}

impl PublishedBatch {
    fn new(ids: &[Uuid], new: &[NewEvent]) -> Self {
        let one = |(id, new): (&Uuid, &NewEvent)| PublishedOne { id: *id, event: new.event.to_string() };
        Self { data: ids.iter().zip(new).map(one).collect() }
    }
}

/// What cancelling an event came to.
#[derive(Object, Serialize)]
struct CancelledEvent {
    /// The event.
    event_id: Uuid,
    /// Deliveries that were waiting and are cancelled now.
    cancelled: i32,
    /// Deliveries that a dispatcher is sending at this moment.
    in_flight: i32,
    /// Whether its fan-out was still open: it gets no further deliveries.
    is_fanout_cancelled: bool,
}
