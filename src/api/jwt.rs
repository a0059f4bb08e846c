//! JSON Web Tokens of a tenant's own issuer, where the server is told to take them: one algorithm, one issuer, one audience.
//!
//! A token's own words on how to verify it (`alg`, `kid`, `jku`, `x5u`) are never followed: the key and the algorithm are the
//! server's settings.

mod verifier;

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use time::OffsetDateTime;
use uuid::Uuid;

use super::access::Identity;
use crate::config::{JwtAlgorithm, JwtConfig};
use crate::domain::permission::{Permission, Permissions};

/// Longest token that is looked at, in bytes.
const TOKEN_MAX_BYTES: usize = 8 * 1024;

/// Shortest secret of HS256, in bytes (RFC 7518 section 3.2).
const SECRET_MIN_BYTES: usize = 32;

/// Longest subject that an actor is named by, in characters.
const SUBJECT_MAX_CHARS: usize = 200;

/// How far the clocks of issuer and server may differ.
const LEEWAY_SECONDS: u64 = 60;

/// Why tokens cannot be taken as the settings say. Holds nothing of the key.
#[derive(Debug, thiserror::Error)]
pub enum JwtError {
    /// A setting that the others need is missing.
    #[error("JWTs need {0} too: set all of key, algorithm, audience and issuer, or none")]
    Missing(&'static str),
    /// An HS256 secret that could be guessed.
    #[error("the secret of HS256 needs at least {SECRET_MIN_BYTES} bytes")]
    WeakSecret,
    /// A public key that is none.
    #[error("POSTHORN_JWT_KEY is not the PEM of a public key for {algorithm}")]
    BadKey {
        /// What it was to be for.
        algorithm: JwtAlgorithm,
        /// What is wrong.
        #[source]
        source: jsonwebtoken::errors::Error,
    },
}

/// Takes tokens.
pub struct Jwt {
    key: DecodingKey,
    validation: Validation,
    tenant_claim: String,
}

impl Jwt {
    /// Takes tokens as `config` says, signed with `key`; `None` when no setting asks for it.
    ///
    /// # Errors
    /// [`JwtError`] says which setting to mend.
    pub fn new(config: &JwtConfig, key: Option<&SecretString>) -> Result<Option<Self>, JwtError> {
        let JwtConfig { jwt_algorithm, jwt_audience, jwt_issuer, .. } = config;
        if key.is_none() && jwt_algorithm.is_none() && jwt_audience.is_none() && jwt_issuer.is_none() {
            return Ok(None);
        }
        let key = key.ok_or(JwtError::Missing("POSTHORN_JWT_KEY"))?.expose_secret().as_bytes();
        let algorithm = jwt_algorithm.ok_or(JwtError::Missing("POSTHORN_JWT_ALGORITHM"))?;
        let audience = jwt_audience.as_ref().ok_or(JwtError::Missing("POSTHORN_JWT_AUDIENCE"))?;
        let issuer = jwt_issuer.as_ref().ok_or(JwtError::Missing("POSTHORN_JWT_ISSUER"))?;
        let bad = |source| JwtError::BadKey { algorithm, source };
        let (key, algorithm) = match algorithm {
            JwtAlgorithm::Hs256 if key.len() < SECRET_MIN_BYTES => return Err(JwtError::WeakSecret),
            JwtAlgorithm::Hs256 => (DecodingKey::from_secret(key), Algorithm::HS256),
            JwtAlgorithm::EdDsa => (DecodingKey::from_ed_pem(key).map_err(bad)?, Algorithm::EdDSA),
            JwtAlgorithm::Rs256 => (DecodingKey::from_rsa_pem(key).map_err(bad)?, Algorithm::RS256),
            JwtAlgorithm::Es256 => (DecodingKey::from_ec_pem(key).map_err(bad)?, Algorithm::ES256),
        };
        let mut validation = Validation::new(algorithm);
        validation.set_audience(&[audience]);
        validation.set_issuer(&[issuer]);
        validation.set_required_spec_claims(&["exp", "aud", "iss"]);
        validation.leeway = LEEWAY_SECONDS;
        validation.validate_nbf = true;
        verifier::install();
        Ok(Some(Self { key, validation, tenant_claim: config.jwt_tenant_claim.clone() }))
    }

    /// Who a token says calls, or `None` for every token that is not good.
    pub(super) fn identify(&self, token: &str) -> Option<Identity> {
        if token.len() > TOKEN_MAX_BYTES {
            return None;
        }
        let claims: Map<String, Value> = match jsonwebtoken::decode(token, &self.key, &self.validation) {
            Ok(token) => token.claims,
            Err(error) => {
                tracing::debug!(error = %error, "a token is refused");
                return None;
            }
        };
        let text = |claim: &str| claims.get(claim).and_then(Value::as_str);
        let tenant: Uuid = text(&self.tenant_claim)?.parse().ok()?;
        let permissions = match claims.get("scope") {
            None => [Permission::Read].into_iter().collect(),
            // words for others are allowed, and permit nothing here
            Some(Value::String(words)) => words.split(' ').filter_map(Permission::parse).collect(),
            Some(_) => Permissions::default(),
        };
        let subject: String =
            text("sub").unwrap_or("").chars().filter(|c| !c.is_control()).take(SUBJECT_MAX_CHARS).collect();
        let expires_at = claims.get("exp").and_then(Value::as_f64).and_then(at_second);
        Some(Identity { tenant, actor: format!("jwt:{subject}").into(), permissions, expires_at, key_id: None })
    }
}

/// A NumericDate (RFC 7519 section 2), without its fraction.
#[expect(clippy::cast_possible_truncation, reason = "what is beyond a number of 64 bits is beyond all years")]
fn at_second(seconds: f64) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(seconds as i64).ok()
}

#[cfg(test)]
mod tests;
