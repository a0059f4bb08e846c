//! Reads what signs requests and what identifies them to the receiver.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::api::body::Fields;
use crate::domain::client_identity::ClientIdentity;
use crate::domain::custom_headers::{Credentials, CustomHeaders};
use crate::domain::secret::Secret;
use crate::domain::signing_key::KeyPair;
use crate::domain::subscription::HeaderFamilies;
use crate::store::subscriptions::Settings;

/// Reads a secret that fits what signs: a private key for ed25519, anything else for HMAC.
pub(super) fn read_secret(fields: &mut Fields, is_ed25519: bool) -> Option<Secret> {
    let text = fields.text("secret")?;
    let secret = fields.keep(Secret::parse("secret", &text))?;
    match (is_ed25519, KeyPair::read(&secret)) {
        (true, None) => {
            fields.fail("secret", "secret_ed25519", "must be whsk_ and the base64 of a private key of 32 or 64 bytes");
            None
        }
        (false, _) if text.starts_with("whsk_") => {
            fields.fail("secret", "secret_hmac", "is a private key, which signs where signature is ed25519");
            None
        }
        _ => Some(secret),
    }
}

pub(super) fn read_signing(fields: &mut Fields, settings: &mut Settings) -> Option<Secret> {
    fields.set("signing", &mut settings.is_signed, true, |f| {
        f.word("signing", "required, none", |word| match word.trim().to_ascii_lowercase().as_str() {
            "required" => Some(true),
            "none" => Some(false),
            _ => None,
        })
    });
    let was_ed25519 = settings.is_ed25519;
    fields.set("signature", &mut settings.is_ed25519, false, |f| {
        f.word("signature", "hmac, ed25519", |word| match word.trim().to_ascii_lowercase().as_str() {
            "hmac" => Some(false),
            "ed25519" => Some(true),
            _ => None,
        })
    });
    let standard = || vec!["standard".to_owned()];
    if settings.is_ed25519 != was_ed25519 {
        settings.header_families = if settings.is_ed25519 { standard() } else { Settings::default().header_families };
    }
    let otherwise = if settings.is_ed25519 { standard() } else { Settings::default().header_families };
    fields.set("header_families", &mut settings.header_families, otherwise, |f| {
        let names = f.take::<Vec<String>>("header_families", "a list of texts")?;
        let families = f.keep(HeaderFamilies::parse("header_families", &names))?;
        Some(families.names().into_iter().map(str::to_owned).collect())
    });
    if settings.is_ed25519 && settings.header_families != standard() {
        let message = "must be standard alone where signature is ed25519: the others are HMAC signatures";
        fields.fail("header_families", "header_families_ed25519", message);
    }
    if !settings.is_signed && fields.has("secret") {
        fields.fail("secret", "secret_without_signing", "must be absent when signing is none");
    }
    read_secret(fields, settings.is_ed25519)
}

pub(super) fn read_headers(fields: &mut Fields) -> Option<CustomHeaders> {
    let mut headers = None;
    fields.set("headers", &mut headers, Some(CustomHeaders::default()), |f| {
        let given = f.take::<BTreeMap<String, String>>("headers", "an object of texts")?;
        f.keep(CustomHeaders::parse("headers", given)).map(Some)
    });
    headers
}

/// Credentials as they are given.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, tag = "type", rename_all = "lowercase")]
enum GivenCredentials {
    Basic { username: String, password: String },
    Bearer { token: String },
}

pub(super) fn read_credentials(fields: &mut Fields) -> Option<Option<Credentials>> {
    let mut credentials = None;
    fields.set("credentials", &mut credentials, Some(None), |f| {
        let expected = "an object of type basic with username and password, or of type bearer with token";
        let given = match f.take::<GivenCredentials>("credentials", expected)? {
            GivenCredentials::Basic { username, password } => {
                Credentials::Basic { username, password: password.into() }
            }
            GivenCredentials::Bearer { token } => Credentials::Bearer(token.into()),
        };
        f.keep(given.check("credentials")).map(|given| Some(Some(given)))
    });
    credentials
}

pub(super) fn read_certificate(fields: &mut Fields) -> Option<Option<(String, String)>> {
    if !fields.has("client_certificate") && !fields.has("client_key") {
        return None;
    }
    match (fields.text("client_certificate"), fields.text("client_key")) {
        // said to be null, both or one: then there is none
        (None, None) => Some(None),
        (Some(certificate), Some(key)) => {
            fields.keep(ClientIdentity::parse(&certificate, &key).map_err(Some))?;
            Some(Some((certificate, key)))
        }
        _ => {
            fields.fail("client_key", "certificate_and_key", "client_certificate and client_key go together");
            None
        }
    }
}
