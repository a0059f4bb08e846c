//! Subscriber: a subscription made ready for sending. Opening secrets, reading schedules and templates and putting headers
//! together once per change of the subscription, and not once per delivery, is most of what a delivery would cost here.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use hyper::HeaderMap;
use hyper::header::{AUTHORIZATION, HeaderName, HeaderValue, USER_AGENT};
use time::OffsetDateTime;
use uuid::Uuid;

use super::judge::Policy;
use super::sign::{Unsendable, header_value};
use crate::config::WebhookConfig;
use crate::domain::client_identity::ClientIdentity;
use crate::domain::custom_headers::CustomHeaders;
use crate::domain::delivery::ErrorKind;
use crate::domain::keyring::{Keyring, KeyringError, Purpose};
use crate::domain::signing_key::SigningKey;
use crate::domain::template::Template;
use crate::store::queue::Subscribed;

/// Most subscribers remembered; beyond it all are made anew.
const REMEMBERED_MAX: usize = 10_000;

/// A subscription as stored, with what was worked out from it.
pub(crate) struct Subscriber {
    pub(crate) stored: Subscribed,
    pub(crate) policy: Policy,
    /// Total time of an attempt.
    pub(crate) timeout: Duration,
    /// What every request takes along, or why there can be none.
    pub(crate) outfit: Result<Outfit, Unsendable>,
}

/// What every request of a subscription takes along.
pub(crate) struct Outfit {
    /// Those that sign, newest first; none when it chose to go unsigned.
    keys: Vec<SigningKey>,
    /// Until when the second of them does.
    previous_until: Option<OffsetDateTime>,
    /// Headers that are the same every time: user agent, its own, what identifies it.
    pub(crate) headers: HeaderMap,
    /// Its template and the content type of what that makes.
    pub(crate) template: Option<(Template, HeaderValue)>,
    /// The certificate to show.
    pub(crate) identity: Option<ClientIdentity>,
}

impl Subscriber {
    pub(crate) fn new(stored: Subscribed, webhook: &WebhookConfig, keyring: &Keyring) -> Self {
        Self {
            policy: Policy::of(
                stored.success_policy,
                stored.success_codes.as_deref(),
                stored.retry_schedule.as_deref(),
                stored.max_retries,
                webhook,
            ),
            timeout: stored.timeout.unwrap_or(webhook.timeout()),
            outfit: Outfit::new(&stored, webhook, keyring),
            stored,
        }
    }
}

impl Outfit {
    fn new(stored: &Subscribed, webhook: &WebhookConfig, keyring: &Keyring) -> Result<Self, Unsendable> {
        let (tenant, id) = (stored.tenant_id, stored.id);
        let open = |purpose, sealed: &[u8]| keyring.open_text(tenant, id, purpose, sealed).map_err(|e| unavailable(&e));
        let mut headers = HeaderMap::with_capacity(12);
        headers.insert(USER_AGENT, header_value(&USER_AGENT, &webhook.user_agent)?);
        if let Some(sealed) = &stored.sealed_headers {
            let text = open(Purpose::Headers, sealed)?;
            let own = CustomHeaders::from_text(&text).ok_or_else(|| unreadable("its headers"))?;
            for (name, value) in own.iter() {
                let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unreadable("its headers"))?;
                headers.insert(name.clone(), hidden(header_value(&name, value)?));
            }
        }
        if let Some(sealed) = &stored.sealed_credentials {
            let value = open(Purpose::Credentials, sealed)?;
            headers.insert(AUTHORIZATION, hidden(header_value(&AUTHORIZATION, &value)?));
        }
        let identity = match &stored.client_certificate {
            None => None,
            Some((certificate, sealed)) => {
                let key = open(Purpose::ClientKey, sealed)?;
                Some(ClientIdentity::parse(certificate, &key).map_err(|_| unreadable("its client certificate"))?)
            }
        };
        let template = match &stored.template {
            None => None,
            Some((text, content_type)) => {
                let template =
                    Template::parse("template", text, content_type).map_err(|fault| broken_template(&fault.message))?;
                Some((template, header_value(&hyper::header::CONTENT_TYPE, content_type)?))
            }
        };
        let previous_until = stored.previous_secret.as_ref().map(|(_, until)| *until);
        Ok(Self { keys: open_keys(stored, keyring)?, previous_until, headers, template, identity })
    }

    /// Those that sign now.
    pub(crate) fn keys(&self, now: OffsetDateTime) -> &[SigningKey] {
        match self.previous_until {
            Some(until) if until <= now => &self.keys[..self.keys.len().min(1)],
            _ => &self.keys,
        }
    }
}

fn open_keys(stored: &Subscribed, keyring: &Keyring) -> Result<Vec<SigningKey>, Unsendable> {
    if stored.is_unsigned {
        return Ok(Vec::new());
    }
    let secret = stored.secret.as_ref().ok_or_else(|| Unsendable {
        kind: ErrorKind::SecretUnavailable,
        message: format!("subscription {} has no secret", stored.id),
    })?;
    let sealed = std::iter::once(secret).chain(stored.previous_secret.as_ref().map(|(sealed, _)| sealed));
    sealed
        .map(|sealed| {
            keyring.open(stored.tenant_id, stored.id, sealed).map(SigningKey::of).map_err(|e| unavailable(&e))
        })
        .collect()
}

/// A value that logs of the HTTP library must not show.
fn hidden(mut value: HeaderValue) -> HeaderValue {
    value.set_sensitive(true);
    value
}

fn unavailable(error: &KeyringError) -> Unsendable {
    Unsendable { kind: ErrorKind::SecretUnavailable, message: error.to_string() }
}

fn unreadable(what: &str) -> Unsendable {
    Unsendable { kind: ErrorKind::InvalidRequest, message: format!("{what} cannot be read: set them anew") }
}

fn broken_template(message: &str) -> Unsendable {
    Unsendable { kind: ErrorKind::TemplateError, message: format!("the template {message}") }
}

/// The subscribers of late.
#[derive(Default)]
pub(crate) struct Subscribers(HashMap<Uuid, Arc<Subscriber>>);

impl Subscribers {
    /// The subscriber as it is since this change, if it is remembered. One whose secrets did not open is not: they may have
    /// been sealed with another key since, which is no change of the subscription.
    pub(crate) fn get(&self, id: Uuid, changed_at: OffsetDateTime) -> Option<Arc<Subscriber>> {
        let is_locked = |known: &Subscriber| {
            known.outfit.as_ref().is_err_and(|unsendable| unsendable.kind == ErrorKind::SecretUnavailable)
        };
        self.0.get(&id).filter(|known| known.stored.changed_at == changed_at && !is_locked(known)).cloned()
    }

    /// Remembers what is stored now.
    pub(crate) fn remember(
        &mut self,
        stored: Subscribed,
        webhook: &WebhookConfig,
        keyring: &Keyring,
    ) -> Arc<Subscriber> {
        let (id, subscriber) = (stored.id, Arc::new(Subscriber::new(stored, webhook, keyring)));
        if self.0.len() >= REMEMBERED_MAX {
            self.0.clear();
        }
        self.0.insert(id, subscriber.clone());
        subscriber
    }
}
