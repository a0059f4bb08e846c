//! Sign: from what is stored to the bytes that are sent. Pure; the same delivery gives the same body on every attempt.

use hyper::HeaderMap;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use time::OffsetDateTime;

use super::subscriber::Subscriber;
use crate::config::WebhookConfig;
use crate::domain::delivery::ErrorKind;
use crate::domain::envelope::{self, EventView};
use crate::domain::keyring::Keyring;
use crate::domain::secret::Secret;
use crate::domain::signature::{self, Message};
use crate::outbound::SignedRequest;
use crate::store::queue::{Claimed, Subscribed};

/// Why a delivery cannot be sent at all. Our fault or the subscription's, never charged to the receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unsendable {
    /// What is wrong.
    pub(crate) kind: ErrorKind,
    /// The same in words.
    pub(crate) message: String,
}

/// What the event headers of a batch say: its events may be of several types.
const BATCH: &str = "batch";

/// Builds the request of one subscriber's deliveries: one, or a batch of those that are to travel together. Body, content
/// type, user agent and every signature header the subscription wants.
///
/// # Errors
/// [`Unsendable`] when an event is gone, no secret could be opened, or a header cannot be written.
pub(crate) fn sign(
    subscriber: &Subscriber,
    deliveries: &[Claimed],
    webhook: &WebhookConfig,
    now: OffsetDateTime,
) -> Result<SignedRequest, Unsendable> {
    let to = &subscriber.stored;
    let secrets = subscriber.secrets.as_ref().map_err(Clone::clone)?;
    let events = deliveries.iter().map(|claimed| view(claimed, webhook)).collect::<Result<Vec<_>, _>>()?;
    let (rendered, id, event) = match events.as_slice() {
        [event] if to.batch_max.is_none() => (envelope::render(to.payload_format, event), event.id, event.event),
        events => {
            let id = envelope::batch_id(events.iter().map(|event| event.id));
            (envelope::render_batch(to.payload_format, events), id, BATCH)
        }
    };
    let id = id.to_string();
    let message = Message { id: &id, event, timestamp: now.unix_timestamp(), body: &rendered.body };
    let mut headers = HeaderMap::with_capacity(12);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(rendered.content_type));
    insert(&mut headers, USER_AGENT, &webhook.user_agent)?;
    for (name, value) in signature::headers(to.header_families, secrets, &message) {
        insert(&mut headers, HeaderName::from_static(name), &value)?;
    }
    for (name, value) in &rendered.extra_headers {
        insert(&mut headers, HeaderName::from_static(name), value)?;
    }
    Ok(SignedRequest { url: to.url.clone(), headers, body: rendered.body })
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

/// The secrets that sign, newest first; none when the subscription chose to go unsigned.
///
/// # Errors
/// [`Unsendable`] when there is none or its key is missing.
pub(crate) fn open_secrets(to: &Subscribed, keyring: &Keyring) -> Result<Vec<Secret>, Unsendable> {
    let unavailable = |message: String| Unsendable { kind: ErrorKind::SecretUnavailable, message };
    if to.is_unsigned {
        return Ok(Vec::new());
    }
    if to.sealed_secrets.is_empty() {
        return Err(unavailable(format!("subscription {} has no secret", to.id)));
    }
    to.sealed_secrets
        .iter()
        .map(|sealed| keyring.open(to.tenant_id, to.id, sealed).map_err(|e| unavailable(e.to_string())))
        .collect()
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) -> Result<(), Unsendable> {
    let value = HeaderValue::from_str(value).map_err(|_| Unsendable {
        kind: ErrorKind::InvalidRequest,
        message: format!("header {name} would hold characters that a header cannot"),
    })?;
    headers.insert(name, value);
    Ok(())
}
