//! Sign: from what is stored to the bytes that are sent. Pure; the same delivery gives the same body on every attempt.

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use time::OffsetDateTime;

use super::subscriber::{Outfit, Subscriber};
use crate::config::WebhookConfig;
use crate::domain::delivery::ErrorKind;
use crate::domain::envelope::{self, EventView, Rendered};
use crate::domain::signature::{self, Message};
use crate::domain::template::TemplateError;
use crate::domain::traceparent::TraceParent;
use crate::outbound::SignedRequest;
use crate::store::queue::Claimed;

/// Why a delivery cannot be sent at all. Our fault or the subscription's, never charged to the receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unsendable {
    /// What is wrong.
    pub(crate) kind: ErrorKind,
    /// The same in words.
    pub(crate) message: String,
}

/// Builds the request of one subscriber's deliveries: one, or a batch of those that are to travel together. Body, content
/// type, every signature header the subscription wants, the trace that it belongs to, and what all its requests take along.
///
/// # Errors
/// [`Unsendable`] when an event is gone, no secret could be opened, a template fails, or a header cannot be written.
pub(crate) fn sign(
    subscriber: &Subscriber,
    deliveries: &[Claimed],
    webhook: &WebhookConfig,
    now: OffsetDateTime,
    traceparent: Option<TraceParent>,
) -> Result<SignedRequest, Unsendable> {
    let to = &subscriber.stored;
    let outfit = subscriber.outfit.as_ref().map_err(Clone::clone)?;
    let events = deliveries.iter().map(|claimed| view(claimed, webhook)).collect::<Result<Vec<_>, _>>()?;
    let (rendered, id, event) = match events.as_slice() {
        [event] if to.batch_max.is_none() => (render(subscriber, outfit, event)?, event.id, event.event),
        events => {
            let id = envelope::batch_id(events.iter().map(|event| event.id));
            (render_batch(subscriber, outfit, events)?, id, envelope::BATCH)
        }
    };
    let id = id.to_string();
    let message = Message { id: &id, event, timestamp: now.unix_timestamp(), body: &rendered.body };
    let mut headers = outfit.headers.clone();
    headers.insert(CONTENT_TYPE, header_value(&CONTENT_TYPE, &rendered.content_type)?);
    for (name, value) in signature::headers(to.header_families, outfit.keys(now), &message) {
        let name = HeaderName::from_static(name);
        let value = header_value(&name, &value)?;
        headers.insert(name, value);
    }
    for (name, value) in &rendered.extra_headers {
        let name = HeaderName::from_static(name);
        let value = header_value(&name, value)?;
        headers.insert(name, value);
    }
    if let Some(traceparent) = traceparent {
        let name = HeaderName::from_static(TraceParent::HEADER);
        let value = header_value(&name, &traceparent.to_string())?;
        headers.insert(name, value);
    }
    Ok(SignedRequest { url: to.url.clone(), headers, body: rendered.body, identity: outfit.identity.clone() })
}

/// Why the subscription's template makes no body of this event, if it does not.
pub(crate) fn template_fault(
    subscriber: &Subscriber,
    claimed: &Claimed,
    webhook: &WebhookConfig,
) -> Option<Unsendable> {
    let outfit = subscriber.outfit.as_ref().ok()?;
    let (template, _) = outfit.template.as_ref()?;
    template.render(&view(claimed, webhook).ok()?).err().map(unmade)
}

fn render(subscriber: &Subscriber, outfit: &Outfit, event: &EventView<'_>) -> Result<Rendered, Unsendable> {
    match &outfit.template {
        None => Ok(envelope::render(subscriber.stored.payload_format, event)),
        Some((template, content_type)) => {
            let body = Bytes::from(template.render(event).map_err(unmade)?);
            Ok(templated(body, content_type))
        }
    }
}

fn render_batch(subscriber: &Subscriber, outfit: &Outfit, events: &[EventView<'_>]) -> Result<Rendered, Unsendable> {
    match &outfit.template {
        None => Ok(envelope::render_batch(subscriber.stored.payload_format, events)),
        Some((template, content_type)) => {
            let bodies = events.iter().map(|event| Ok(Bytes::from(template.render(event).map_err(unmade)?)));
            Ok(templated(envelope::array(bodies.collect::<Result<Vec<_>, _>>()?), content_type))
        }
    }
}

fn templated(body: Bytes, content_type: &HeaderValue) -> Rendered {
    let content_type = content_type.to_str().unwrap_or("application/octet-stream").to_owned();
    Rendered { body, content_type: content_type.into(), extra_headers: Vec::new() }
}

fn unmade(error: TemplateError) -> Unsendable {
    Unsendable { kind: ErrorKind::TemplateError, message: error.to_string() }
}

fn view<'a>(claimed: &'a Claimed, webhook: &'a WebhookConfig) -> Result<EventView<'a>, Unsendable> {
    let happened = claimed.happened.as_ref().ok_or_else(|| Unsendable {
        kind: ErrorKind::InvalidRequest,
        message: format!("event {} is no longer kept", claimed.event_id),
    })?;
    Ok(EventView {
        id: claimed.event_id,
        event: &claimed.event,
        tenant_id: claimed.tenant_id,
        created_at: happened.at,
        resource_type: happened.resource_type.as_deref(),
        resource_id: happened.resource_id.as_deref(),
        payload_json: &happened.payload,
        metadata_json: happened.metadata.as_deref(),
        source: &webhook.source,
    })
}

/// A header's value.
///
/// # Errors
/// [`Unsendable`] when it holds what a header cannot.
pub(crate) fn header_value(name: &HeaderName, value: &str) -> Result<HeaderValue, Unsendable> {
    HeaderValue::from_str(value).map_err(|_| Unsendable {
        kind: ErrorKind::InvalidRequest,
        message: format!("header {name} would hold characters that a header cannot"),
    })
}
