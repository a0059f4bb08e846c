//! Signs requests and checks signatures, in constant time.
//!
//! Always over the bytes as they were sent: parsed and printed again, JSON has other bytes and the signature does not match.
//!
//! A receiver checks `webhook-signature`, which covers id and time too, so that a captured request cannot be sent again later:
//!
//! ```
//! use posthorn::signature::{self, StandardHeaders};
//! use posthorn::validate;
//!
//! let secret = validate::secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")?;
//! let body = br#"{"test": 2432232314}"#;
//! # let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs().to_string();
//! # let signed = signature::sign(&secret, "msg_1", now.parse()?, body);
//! # let (id, timestamp) = ("msg_1", now.as_str());
//! // the headers webhook-id, webhook-timestamp and webhook-signature, and the body as it arrived
//! let received = StandardHeaders { id, timestamp, signature: &signed };
//! signature::verify(&secret, &received, body)?;
//! assert!(signature::verify(&secret, &received, b"{}").is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::time::{SystemTime, UNIX_EPOCH};

use crate::domain::signature as signing;
use crate::domain::signing_key::SigningKey;

pub use crate::domain::secret::Secret;
pub use crate::domain::signature::{StandardHeaders, TOLERANCE_SECONDS, VerifyError};
pub use crate::domain::signing_key::KeyPair;

/// The value of `webhook-signature` (Standard Webhooks): `v1,<base64>`, or `v1a,<base64>` with the secret of a [`KeyPair`].
/// `timestamp`, in seconds since 1970, is also the value of `webhook-timestamp`; `id`, without a dot, that of `webhook-id`.
///
/// ```
/// use posthorn::{signature, validate};
///
/// let secret = validate::secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")?;
/// let signature = signature::sign(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, br#"{"test": 2432232314}"#);
/// assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
/// # Ok::<(), posthorn::validate::Invalid>(())
/// ```
pub fn sign(secret: &Secret, id: &str, timestamp: i64, body: &[u8]) -> String {
    signing::sign(&SigningKey::of(secret.clone()), id, timestamp, body)
}

/// The value of `X-Signature`: `sha256=` and the hex of HMAC-SHA256 over the body. Without `sha256=` it is that of
/// `X-Webhook-Signature`. The key is the whole secret as UTF-8, `whsec_` included.
///
/// ```
/// use posthorn::{signature, validate};
///
/// let secret = validate::secret("my-webhook-secret-12345678")?;
/// let signature = signature::sign_raw(&secret, b"what do ya want for nothing?");
/// assert_eq!(signature, "sha256=976b2fd93917e029f7d6747b632def513470e8742f73aa1b2ab72bb11e345a3b");
/// # Ok::<(), posthorn::validate::Invalid>(())
/// ```
pub fn sign_raw(secret: &Secret, body: &[u8]) -> String {
    format!("sha256={}", signing::body_hex(secret, body))
}

/// Checks `webhook-signature` against this machine's clock, with a tolerance of [`TOLERANCE_SECONDS`]. One good signature of
/// several is enough: while a secret is rotated, the old one and the new one both verify.
///
/// # Errors
/// Why the request must not be believed.
pub fn verify(secret: &Secret, received: &StandardHeaders<'_>, body: &[u8]) -> Result<(), VerifyError> {
    verify_at(secret, received, body, now(), TOLERANCE_SECONDS)
}

/// The same at a time of your own, in seconds since 1970, and with another tolerance.
///
/// ```
/// use posthorn::signature::{self, StandardHeaders, TOLERANCE_SECONDS, VerifyError};
///
/// let secret = posthorn::validate::secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")?;
/// let received = StandardHeaders {
///     id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
///     timestamp: "1614265330",
///     signature: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
/// };
/// let verify = |now| signature::verify_at(&secret, &received, br#"{"test": 2432232314}"#, now, TOLERANCE_SECONDS);
/// assert_eq!(verify(1614265330 + 300), Ok(()));
/// assert_eq!(verify(1614265330 + 301), Err(VerifyError::TooOld));
/// # Ok::<(), posthorn::validate::Invalid>(())
/// ```
///
/// # Errors
/// Why the request must not be believed.
pub fn verify_at(
    secret: &Secret,
    received: &StandardHeaders<'_>,
    body: &[u8],
    now: i64,
    tolerance_seconds: i64,
) -> Result<(), VerifyError> {
    match SigningKey::of(secret.clone()) {
        SigningKey::Hmac(secret) => signing::verify_standard(&secret, received, body, now, tolerance_seconds),
        SigningKey::Ed25519(pair) => {
            signing::verify_ed25519(&pair.public_text(), received, body, now, tolerance_seconds)
        }
    }
}

/// Checks a `webhook-signature` of kind `v1a` with the public key `whpk_…` of its subscription: the receiver holds nothing
/// with which it could sign. Clock and tolerance are those of [`verify`].
///
/// ```
/// use posthorn::signature::{self, KeyPair, StandardHeaders};
///
/// let pair = KeyPair::generate();
/// let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs().to_string();
/// let signed = signature::sign(&pair.to_secret(), "msg_1", now.parse()?, b"{}");
/// let received = StandardHeaders { id: "msg_1", timestamp: &now, signature: &signed };
/// signature::verify_ed25519(&pair.public_text(), &received, b"{}")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Why the request must not be believed; [`VerifyError::Mismatch`] also for what is no public key.
pub fn verify_ed25519(public_key: &str, received: &StandardHeaders<'_>, body: &[u8]) -> Result<(), VerifyError> {
    signing::verify_ed25519(public_key, received, body, now(), TOLERANCE_SECONDS)
}

/// The same at a time of your own, in seconds since 1970, and with another tolerance.
///
/// # Errors
/// Why the request must not be believed; [`VerifyError::Mismatch`] also for what is no public key.
pub fn verify_ed25519_at(
    public_key: &str,
    received: &StandardHeaders<'_>,
    body: &[u8],
    now: i64,
    tolerance_seconds: i64,
) -> Result<(), VerifyError> {
    signing::verify_ed25519(public_key, received, body, now, tolerance_seconds)
}

/// Checks `X-Signature` (`sha256=<hex>`) or `X-Webhook-Signature` (`<hex>`) against the raw body. Neither knows a time, so a
/// captured request can be sent again: prefer [`verify`].
///
/// ```
/// use posthorn::signature::{self, VerifyError};
///
/// let secret = posthorn::validate::secret("my-webhook-secret-12345678")?;
/// let signature = "sha256=976b2fd93917e029f7d6747b632def513470e8742f73aa1b2ab72bb11e345a3b";
/// assert_eq!(signature::verify_raw(&secret, b"what do ya want for nothing?", signature), Ok(()));
/// assert_eq!(signature::verify_raw(&secret, b"something else", signature), Err(VerifyError::Mismatch));
/// # Ok::<(), posthorn::validate::Invalid>(())
/// ```
///
/// # Errors
/// [`VerifyError::NoSignature`] or [`VerifyError::Mismatch`].
pub fn verify_raw(secret: &Secret, body: &[u8], signature: &str) -> Result<(), VerifyError> {
    signing::verify_body(secret, body, signature)
}

fn now() -> i64 {
    // A clock before 1970 is wrong: every request is then too new.
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
