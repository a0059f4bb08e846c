//! Draft: what a body asks for, on top of the defaults for a new subscription, of what is there for a change.

use uuid::Uuid;

use super::secrets::{read_certificate, read_credentials, read_headers, read_signing};
use super::settings::{read_events, read_settings};
use crate::api::body::Fields;
use crate::domain::custom_headers::{Credentials, CustomHeaders};
use crate::domain::keyring::{Keyring, Purpose};
use crate::domain::secret::Secret;
use crate::domain::signing_key::KeyPair;
use crate::domain::subscription::ReceiverUrl;
use crate::domain::violation::Violation;
use crate::store::subscriptions::{Sealed, SealedSecret, Settings};

/// What a body asks for.
pub(super) struct Draft {
    /// What the subscription shall say of itself.
    pub(super) settings: Settings,
    /// Whether it receives from the start; said of new ones only.
    pub(super) is_active: bool,
    /// Whether URL or events are said, so that it may have become a duplicate.
    pub(super) is_moved: bool,
    given_secret: Option<Secret>,
    headers: Option<CustomHeaders>,
    credentials: Option<Option<Credentials>>,
    certificate: Option<Option<(String, String)>>,
}

impl Draft {
    /// Reads the fields on top of `base`: the defaults for a new subscription, what is there for a change. `filter_fault` is
    /// what Postgres has against the filter.
    ///
    /// *Errors*: every failed rule.
    pub(super) fn read(
        mut fields: Fields,
        base: Settings,
        is_new: bool,
        allow_http: bool,
        filter_fault: Option<&str>,
    ) -> Result<Self, Vec<Violation>> {
        let mut settings = base;
        let fields = &mut fields;
        let is_moved = fields.has("url") || fields.has("event") || fields.has("events");
        if is_new || fields.has("url") {
            let url = fields.required_text("url");
            let url = url.and_then(|url| fields.keep(ReceiverUrl::parse("url", &url, allow_http)));
            settings.url = url.map(|url| url.as_str().to_owned()).unwrap_or_default();
        }
        if is_new || fields.has("event") || fields.has("events") {
            settings.events = read_events(fields);
        }
        let is_active = is_new && fields.take("active", "true or false").unwrap_or(true);
        let given_secret = read_signing(fields, &mut settings);
        let headers = read_headers(fields);
        let credentials = read_credentials(fields);
        let certificate = read_certificate(fields);
        read_settings(fields, &mut settings, filter_fault);
        let violations = fields.finish();
        if violations.is_empty() {
            Ok(Self { settings, is_active, is_moved, given_secret, headers, credentials, certificate })
        } else {
            Err(violations)
        }
    }

    /// The secret it needs that it does not have: the given one, or a new one. `before` is what it says of signing now.
    pub(super) fn secret(&self, before: Option<&Settings>) -> Option<Secret> {
        let kind = |settings: &Settings| settings.is_signed.then_some(settings.is_ed25519);
        let needs = kind(&self.settings)?;
        if let Some(secret) = &self.given_secret {
            return Some(secret.clone());
        }
        let has = before.and_then(kind);
        (has != Some(needs)).then(|| if needs { KeyPair::generate().to_secret() } else { Secret::generate() })
    }

    /// Everything that may be a secret, sealed for its subscription.
    pub(super) fn seal(&self, keyring: &Keyring, tenant: Uuid, id: Uuid, secret: Option<&Secret>) -> Sealed {
        let seal = |purpose, text: &str| keyring.seal_text(tenant, id, purpose, text);
        let unsigned = (!self.settings.is_signed).then(SealedSecret::default);
        Sealed {
            secret: secret.map(|secret| seal_secret(keyring, tenant, id, secret)).or(unsigned),
            headers: self.headers.as_ref().map(|headers| {
                let names = headers.names();
                let sealed = (!names.is_empty()).then(|| seal(Purpose::Headers, &headers.to_text()));
                (names, sealed)
            }),
            credentials: self.credentials.as_ref().map(|credentials| {
                credentials.as_ref().map(|given| (given.kind(), seal(Purpose::Credentials, &given.header_value())))
            }),
            certificate: self.certificate.as_ref().map(|certificate| {
                certificate.as_ref().map(|(certificate, key)| (certificate.clone(), seal(Purpose::ClientKey, key)))
            }),
        }
    }
}

/// A secret sealed for its subscription, with its public half if it has one.
pub(super) fn seal_secret(keyring: &Keyring, tenant: Uuid, id: Uuid, secret: &Secret) -> SealedSecret {
    SealedSecret {
        secret: Some(keyring.seal(tenant, id, secret)),
        public_key: KeyPair::read(secret).map(|pair| pair.public_text()),
    }
}
