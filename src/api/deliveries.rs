//! Deliveries: enqueue, list, read with attempts, retry, cancel (R6–R9, R15).

mod list;
mod shown;

use std::sync::Arc;

use poem::Request;
use poem_openapi::param::{Path, Query};
use poem_openapi::{Object, OpenApi};
use serde::Serialize;
use uuid::Uuid;

pub(super) use self::list::read_error_kind;
use self::list::{AttemptPage, DeliveryPage, DeliveryQuery, Owner};
use self::shown::{Delivery, DeliveryRecord};
use super::Tag;
use super::body::Body;
use super::caller::{Caller, Manages, Publishes, Reads};
use super::checks::Checks;
use super::cursor::{self, LIMIT_DEFAULT};
use super::events::{EventInput, read_event};
use super::once::Once;
use super::problem::Problem;
use super::reach::Asked;
use super::refusal::{Acting, Reading, Refusal, Writing};
use super::reply::{Accepted, Found, Reply};
use super::strict::Strictness;
use super::trace::publishing;
use crate::store::deliveries::{self, Cancellation, Retrial};
use crate::store::events::Published;
use crate::store::{Store, Work, events, subscriptions};

/// The operations on deliveries.
pub(super) struct DeliveriesApi {
    /// Where they are.
    pub(super) store: Store,
    /// What their events must fit.
    pub(super) strictness: Arc<Strictness>,
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
        request: &Request,
        /// `false` accepts an event that no active subscription wants.
        strict: Query<Option<bool>>,
        body: Body<EventInput>,
    ) -> Result<Once<Accepted<Enqueued>>, Refusal<Writing>> {
        let event = read_event(body.0)?;
        let (event, is_strict) = (&event, strict.0.unwrap_or(true));
        self.strictness.check(caller.scope(), event).await?;
        let trace = &publishing(request, &caller.scope());
        let patterns = subscriptions::patterns_of(event.event.as_str());
        let (patterns, within) = (patterns.as_slice(), trace.traceparent);
        let answer = |published: Option<Published>| {
            let nobody = || Problem::not_found(format!("no active subscription wants {}", event.event));
            let Published { id: event_id, deliveries: count } = published.ok_or_else(nobody)?;
            trace.published(event_id);
            Ok(Reply::new(Enqueued { event_id, count }))
        };
        let done = caller
            .once(
                &self.store,
                "enqueue deliveries",
                move |tx| {
                    Work::new(async move {
                        if is_strict && !subscriptions::has_match(tx, patterns).await? {
                            return Ok(None);
                        }
                        events::publish(tx, event, within).await.map(Some)
                    })
                },
                answer,
            )
            .await;
        Ok(trace.judge(done)??)
    }

    /// List deliveries
    ///
    /// Newest first. With `payload` or `resource_id` it is a search: events are looked at from the newest, their deliveries are in
    /// the order of the events, and `search` says how far this page came; go on with `next_cursor`.
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
        /// Only those whose last failure was of this kind, such as `timeout`.
        error_kind: Query<Option<String>>,
        /// Only those whose last answer had this HTTP status.
        #[oai(validator(minimum(value = "100"), maximum(value = "999")))]
        status_code: Query<Option<i32>>,
        /// Only those made at this time or later (RFC 3339, to the millisecond); in a search, of events made then.
        since: Query<Option<String>>,
        /// Only those made before this time; in a search, of events made before it.
        until: Query<Option<String>>,
        /// Only those of events about this kind of thing; needs `resource_id`.
        resource_type: Query<Option<String>>,
        /// Only those of events about the thing with this id.
        resource_id: Query<Option<String>>,
        /// Only those of events of whose payload this jsonpath predicate is true, such as `$.amount > 100`, up to 1,000 characters and
        /// without `like_regex`. At most 10,000 events are looked at for a page.
        payload: Query<Option<String>>,
        /// Rows of a page, 100 unless given.
        #[oai(validator(minimum(value = "1"), maximum(value = "500")))]
        limit: Query<Option<u32>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<Found<DeliveryPage>, Refusal<Reading>> {
        let query = DeliveryQuery {
            event: event.0,
            status: status.0,
            subscription_id: subscription_id.0,
            event_id: event_id.0,
            error_kind: error_kind.0,
            status_code: status_code.0,
            since: since.0,
            until: until.0,
            asked: Asked { resource_type: resource_type.0, resource_id: resource_id.0, payload: payload.0 },
            limit: limit.0,
            cursor: cursor.0,
            owner: None,
        };
        Ok(Reply::new(query.answer(&self.store, caller.scope()).await?))
    }

    /// List the deliveries of a subscription
    ///
    /// Newest first.
    #[oai(path = "/subscriptions/:id/deliveries", method = "get", operation_id = "listDeliveriesOfSubscription")]
    #[expect(clippy::too_many_arguments, reason = "each is a parameter of the operation")]
    async fn of_subscription(
        &self,
        caller: Caller<Reads>,
        /// Id of the subscription.
        id: Path<Uuid>,
        /// Only those of this event type.
        event: Query<Option<String>>,
        /// Only those with this status, in any letter case.
        status: Query<Option<String>>,
        /// Only those whose last failure was of this kind, such as `timeout`.
        error_kind: Query<Option<String>>,
        /// Only those whose last answer had this HTTP status.
        #[oai(validator(minimum(value = "100"), maximum(value = "999")))]
        status_code: Query<Option<i32>>,
        /// Only those made at this time or later (RFC 3339, to the millisecond).
        since: Query<Option<String>>,
        /// Only those made before this time.
        until: Query<Option<String>>,
        /// Rows of a page, 100 unless given.
        #[oai(validator(minimum(value = "1"), maximum(value = "500")))]
        limit: Query<Option<u32>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<Found<DeliveryPage>, Refusal<Reading>> {
        let query = DeliveryQuery {
            event: event.0,
            status: status.0,
            subscription_id: Some(id.0),
            error_kind: error_kind.0,
            status_code: status_code.0,
            since: since.0,
            until: until.0,
            limit: limit.0,
            cursor: cursor.0,
            owner: Some(Owner::Subscription(id.0)),
            ..DeliveryQuery::default()
        };
        Ok(Reply::new(query.answer(&self.store, caller.scope()).await?))
    }

    /// List the deliveries of an event
    ///
    /// Newest first.
    #[oai(path = "/events/:id/deliveries", method = "get", operation_id = "listDeliveriesOfEvent")]
    async fn of_event(
        &self,
        caller: Caller<Reads>,
        /// Id of the event.
        id: Path<Uuid>,
        /// Only those with this status, in any letter case.
        status: Query<Option<String>>,
        /// Rows of a page, 100 unless given.
        #[oai(validator(minimum(value = "1"), maximum(value = "500")))]
        limit: Query<Option<u32>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<Found<DeliveryPage>, Refusal<Reading>> {
        let query = DeliveryQuery {
            status: status.0,
            event_id: Some(id.0),
            limit: limit.0,
            cursor: cursor.0,
            owner: Some(Owner::Event(id.0)),
            ..DeliveryQuery::default()
        };
        Ok(Reply::new(query.answer(&self.store, caller.scope()).await?))
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
            Retrial::Erased => Err(Problem::conflict("its event was erased: there is nothing left to send")),
            Retrial::NoReceiver(status) => {
                let status = status.map_or("gone", |status| status.as_str());
                Err(Problem::conflict(format!("its subscription is {status}, so it would not be sent")))
            }
        };
        Ok(caller
            .once(&self.store, "retry delivery", move |tx| Work::new(deliveries::retry(tx, id.0)), answer)
            .await??)
    }

    /// List the attempts of a delivery
    ///
    /// Newest first, over all its generations.
    #[oai(path = "/deliveries/:id/attempts", method = "get", operation_id = "listAttempts")]
    async fn attempts(
        &self,
        caller: Caller<Reads>,
        /// Id of the delivery.
        id: Path<Uuid>,
        /// Rows of a page, 100 unless given.
        #[oai(validator(minimum(value = "1"), maximum(value = "500")))]
        limit: Query<Option<u32>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<Found<AttemptPage>, Refusal<Reading>> {
        let limit = limit.0.unwrap_or(LIMIT_DEFAULT);
        let mut checks = Checks::default();
        let before = checks.read(cursor.0.as_deref(), cursor::read_number);
        checks.finish()?;
        let found = self
            .store
            .tx("list attempts", caller.scope(), move |tx| {
                Work::new(async move {
                    if deliveries::find(tx, id.0).await?.is_none() {
                        return Ok(None);
                    }
                    deliveries::attempts_page(tx, id.0, before, i64::from(limit) + 1).await.map(Some)
                })
            })
            .await?;
        Ok(Reply::new(AttemptPage::new(found.ok_or_else(|| unknown(id.0))?, limit)?))
    }

    /// Cancel a delivery
    ///
    /// One that waits, for its first attempt or for a retry, is given up. Cancelling it again changes nothing.
    #[oai(path = "/deliveries/:id/cancel", method = "post", operation_id = "cancelDelivery")]
    async fn cancel(
        &self,
        caller: Caller<Manages>,
        /// Id of the delivery.
        id: Path<Uuid>,
    ) -> Result<Once<Found<Delivery>>, Refusal<Acting>> {
        let answer = |cancellation| match cancellation {
            Cancellation::Cancelled(delivery) => Ok(Reply::new((*delivery).into())),
            Cancellation::Unknown => Err(unknown(id.0)),
            Cancellation::BeingSent => Err(Problem::conflict("a dispatcher is sending it at this moment")),
            Cancellation::Finished(status) => Err(Problem::conflict(format!("it is {status} already"))),
        };
        Ok(caller
            .once(&self.store, "cancel delivery", move |tx| Work::new(deliveries::cancel(tx, id.0)), answer)
            .await??)
    }
}

fn unknown(id: Uuid) -> Problem {
    Problem::not_found(format!("there is no delivery {id}"))
}

/// What was enqueued.
#[derive(Object, Serialize)]
struct Enqueued {
    /// The event.
    event_id: Uuid,
    /// Deliveries made; null while a dispatcher still has to find out (very many subscriptions, a failing filter, a strict type).
    #[oai(nullable)]
    count: Option<i64>,
}
