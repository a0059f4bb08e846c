//! Signs requests and checks signatures: Standard Webhooks, and HMAC-SHA256 of the body as the original documents show.
//!
//! The signed bytes are the sent bytes (R39). Header names are lower-case: HTTP does not mind and the HTTP library wants it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::secret::Secret;
use super::signing_key::{self, SigningKey};
use super::subscription::HeaderFamilies;

/// Version prefix of HMAC-SHA256 signatures in `webhook-signature`.
const V1: &str = "v1,";
/// The same of ed25519 signatures.
const V1A: &str = "v1a,";

/// How far a request's timestamp may lie from the receiver's clock, in seconds, as Standard Webhooks recommends.
pub const TOLERANCE_SECONDS: i64 = 300;

/// What identifies one request: the same id on every attempt, the timestamp of this one.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// The event's id; without a dot, which would make the signed text ambiguous.
    pub id: &'a str,
    /// The event's name.
    pub event: &'a str,
    /// When this attempt is made, in seconds since 1970.
    pub timestamp: i64,
    /// The bytes that are sent.
    pub body: &'a [u8],
}

/// The Standard Webhooks signature `v1,<base64>`: HMAC-SHA256 over `id.timestamp.body` (R38).
pub fn standard(secret: &Secret, id: &str, timestamp: i64, body: &[u8]) -> String {
    format!("{V1}{}", STANDARD.encode(standard_mac(secret, id, timestamp, body)))
}

/// One signature of `webhook-signature`: [`standard`], or `v1a,<base64>` of an ed25519 key over the same text (F6).
pub fn sign(key: &SigningKey, id: &str, timestamp: i64, body: &[u8]) -> String {
    match key {
        SigningKey::Hmac(secret) => standard(secret, id, timestamp, body),
        SigningKey::Ed25519(pair) => {
            format!("{V1A}{}", STANDARD.encode(pair.sign(&signed_text(id, timestamp, body))))
        }
    }
}

/// HMAC-SHA256 of the body with the UTF-8 secret, as lower-case hex: what `X-Signature` and `X-Webhook-Signature` carry.
///
/// ```
/// use posthorn::domain::{secret::Secret, signature};
/// let secret = Secret::parse("secret", "my-webhook-secret-12345678").unwrap();
/// let header = format!("sha256={}", signature::body_hex(&secret, b"{}"));
/// assert_eq!(signature::verify_body(&secret, b"{}", &header), Ok(()));
/// ```
pub fn body_hex(secret: &Secret, body: &[u8]) -> String {
    hex::encode(hmac(secret.expose().as_bytes(), &[body]))
}

/// The signature and identification headers of the wanted families, names in lower case (R37).
///
/// `keys` are the valid ones, newest first: during a rotation `webhook-signature` carries one signature of each (R13), the
/// other families, which know no list, that of the newest shared secret. Without any key the request is unsigned (R54).
pub fn headers(families: HeaderFamilies, keys: &[SigningKey], message: &Message<'_>) -> Vec<(&'static str, String)> {
    let mut headers = Vec::with_capacity(8);
    if families.standard {
        headers.push(("webhook-id", message.id.to_owned()));
        headers.push(("webhook-timestamp", message.timestamp.to_string()));
        if !keys.is_empty() {
            let sign = |key| sign(key, message.id, message.timestamp, message.body);
            headers.push(("webhook-signature", keys.iter().map(sign).collect::<Vec<_>>().join(" ")));
        }
    }
    let newest = keys.iter().find_map(SigningKey::secret).filter(|_| families.gestiq || families.dotmac);
    let hex = newest.map(|secret| body_hex(secret, message.body));
    if families.gestiq {
        headers.push(("x-event", message.event.to_owned()));
        headers.extend(hex.as_ref().map(|hex| ("x-signature", format!("sha256={hex}"))));
    }
    if families.dotmac {
        headers.push(("x-webhook-event-type", message.event.to_owned()));
        headers.push(("x-webhook-event-id", message.id.to_owned()));
        headers.extend(hex.map(|hex| ("x-webhook-signature", hex)));
    }
    headers
}

/// Why a received request must not be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// `webhook-timestamp` is not a number of seconds.
    #[error("the timestamp is not a number of seconds")]
    MalformedTimestamp,
    /// Older than the tolerance: perhaps replayed by someone who captured it.
    #[error("the timestamp is too old")]
    TooOld,
    /// Further in the future than the tolerance.
    #[error("the timestamp is too far in the future")]
    TooNew,
    /// No signature of a kind that can be checked.
    #[error("there is no signature of a known kind")]
    NoSignature,
    /// Signed with another secret, or the content was changed.
    #[error("the signature does not match")]
    Mismatch,
}

/// The three Standard Webhooks headers as received.
#[derive(Clone, Copy, Debug)]
pub struct StandardHeaders<'a> {
    /// `webhook-id`.
    pub id: &'a str,
    /// `webhook-timestamp`.
    pub timestamp: &'a str,
    /// `webhook-signature`: one or more signatures with spaces between; one that matches is enough.
    pub signature: &'a str,
}

/// Checks a received Standard Webhooks signature in constant time, `now` and the tolerance in seconds.
///
/// *Errors*: what is wrong first; only `Ok` means genuine.
pub fn verify_standard(
    secret: &Secret,
    received: &StandardHeaders<'_>,
    body: &[u8],
    now: i64,
    tolerance_seconds: i64,
) -> Result<(), VerifyError> {
    let timestamp = fresh_timestamp(received, now, tolerance_seconds)?;
    let mut offered = received.signature.split(' ').filter_map(|part| part.strip_prefix(V1)).peekable();
    offered.peek().ok_or(VerifyError::NoSignature)?;
    let expected = standard_mac(secret, received.id, timestamp, body);
    let is_genuine =
        offered.any(|encoded| STANDARD.decode(encoded).is_ok_and(|mac| bool::from(mac.as_slice().ct_eq(&expected))));
    if is_genuine { Ok(()) } else { Err(VerifyError::Mismatch) }
}

/// Checks a received Standard Webhooks signature of an ed25519 key (`v1a`) with the public half, `whpk_…`; `now` and the
/// tolerance in seconds.
///
/// *Errors*: what is wrong first; only `Ok` means genuine.
pub fn verify_ed25519(
    public_key: &str,
    received: &StandardHeaders<'_>,
    body: &[u8],
    now: i64,
    tolerance_seconds: i64,
) -> Result<(), VerifyError> {
    let timestamp = fresh_timestamp(received, now, tolerance_seconds)?;
    let mut offered = received.signature.split(' ').filter_map(|part| part.strip_prefix(V1A)).peekable();
    offered.peek().ok_or(VerifyError::NoSignature)?;
    let text = signed_text(received.id, timestamp, body);
    let is_genuine = offered
        .any(|encoded| STANDARD.decode(encoded).is_ok_and(|bytes| signing_key::verify(public_key, &text, &bytes)));
    if is_genuine { Ok(()) } else { Err(VerifyError::Mismatch) }
}

fn fresh_timestamp(received: &StandardHeaders<'_>, now: i64, tolerance_seconds: i64) -> Result<i64, VerifyError> {
    let timestamp: i64 = received.timestamp.trim().parse().map_err(|_| VerifyError::MalformedTimestamp)?;
    if timestamp < now.saturating_sub(tolerance_seconds) {
        return Err(VerifyError::TooOld);
    }
    if timestamp > now.saturating_add(tolerance_seconds) {
        return Err(VerifyError::TooNew);
    }
    Ok(timestamp)
}

fn signed_text(id: &str, timestamp: i64, body: &[u8]) -> Vec<u8> {
    let timestamp = timestamp.to_string();
    [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat()
}

/// Checks `X-Signature` (`sha256=<hex>`) or `X-Webhook-Signature` (`<hex>`) against the body in constant time.
///
/// *Errors*: [`VerifyError::NoSignature`] or [`VerifyError::Mismatch`].
pub fn verify_body(secret: &Secret, body: &[u8], signature: &str) -> Result<(), VerifyError> {
    let signature = signature.trim();
    let offered =
        hex::decode(signature.strip_prefix("sha256=").unwrap_or(signature)).map_err(|_| VerifyError::NoSignature)?;
    if offered.is_empty() {
        return Err(VerifyError::NoSignature);
    }
    let expected = hmac(secret.expose().as_bytes(), &[body]);
    if offered.as_slice().ct_eq(&expected).into() { Ok(()) } else { Err(VerifyError::Mismatch) }
}

fn standard_mac(secret: &Secret, id: &str, timestamp: i64, body: &[u8]) -> [u8; 32] {
    let timestamp = timestamp.to_string();
    hmac(&secret.standard_key(), &[id.as_bytes(), b".", timestamp.as_bytes(), b".", body])
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const AT: i64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn secret(text: &str) -> Secret {
        Secret::parse("secret", text).unwrap()
    }

    fn published() -> Secret {
        secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    }

    fn verify(signature: &str, timestamp: &str, body: &[u8], now: i64) -> Result<(), VerifyError> {
        verify_standard(&published(), &StandardHeaders { id: ID, timestamp, signature }, body, now, TOLERANCE_SECONDS)
    }

    #[test]
    fn the_published_vector_is_met() {
        assert_eq!(standard(&published(), ID, AT, BODY), SIGNATURE);
    }

    #[test]
    fn agrees_with_the_reference_library() {
        for text in ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "my-webhook-secret-12345678"] {
            let secret = secret(text);
            let reference = standardwebhooks::Webhook::from_bytes(secret.standard_key().to_vec()).unwrap();
            assert_eq!(standard(&secret, ID, AT, BODY), reference.sign(ID, AT, BODY).unwrap());
        }
    }

    #[test]
    fn the_body_signature_is_hmac_of_the_utf8_secret() {
        // From `openssl dgst -sha256 -hmac my-webhook-secret-12345678`.
        let hex = body_hex(&secret("my-webhook-secret-12345678"), b"what do ya want for nothing?");
        assert_eq!(hex, "976b2fd93917e029f7d6747b632def513470e8742f73aa1b2ab72bb11e345a3b");
    }

    #[test]
    fn standard_verification() {
        let at = AT.to_string();
        let both = format!("v1,AAAA v1a,x {SIGNATURE} v2,y");
        for (signature, timestamp, body, now, want) in [
            (SIGNATURE, at.as_str(), BODY, AT, Ok(())),
            (SIGNATURE, &at, BODY, AT + 300, Ok(())),
            (SIGNATURE, &at, BODY, AT - 300, Ok(())),
            (&both, &at, BODY, AT, Ok(())),
            (SIGNATURE, &at, BODY, AT + 301, Err(VerifyError::TooOld)),
            (SIGNATURE, &at, BODY, AT - 301, Err(VerifyError::TooNew)),
            (SIGNATURE, "1614265331", BODY, AT, Err(VerifyError::Mismatch)),
            (SIGNATURE, &at, b"{}", AT, Err(VerifyError::Mismatch)),
            (SIGNATURE, "9223372036854775807", BODY, i64::MIN, Err(VerifyError::TooNew)),
            (SIGNATURE, "yesterday", BODY, AT, Err(VerifyError::MalformedTimestamp)),
            ("v1,", &at, BODY, AT, Err(VerifyError::Mismatch)),
            ("v1a,AAAA", &at, BODY, AT, Err(VerifyError::NoSignature)),
            ("", &at, BODY, AT, Err(VerifyError::NoSignature)),
        ] {
            assert_eq!(verify(signature, timestamp, body, now), want, "{signature} {timestamp} {now}");
        }
    }

    #[test]
    fn body_verification() {
        let secret = secret("my-webhook-secret-12345678");
        let hex = body_hex(&secret, BODY);
        for (signature, want) in [
            (hex.clone(), Ok(())),
            (format!("sha256={hex}"), Ok(())),
            (format!("sha256={}", hex.to_uppercase()), Ok(())),
            (hex[..62].to_owned(), Err(VerifyError::Mismatch)),
            ("00".repeat(32), Err(VerifyError::Mismatch)),
            ("sha256=".to_owned(), Err(VerifyError::NoSignature)),
            ("not hex".to_owned(), Err(VerifyError::NoSignature)),
        ] {
            assert_eq!(verify_body(&secret, BODY, &signature), want, "{signature}");
        }
    }

    #[test]
    fn headers_of_every_family_and_both_secrets_of_a_rotation() {
        let secrets = [published(), secret("the-old-secret")];
        let message = Message { id: ID, event: "invoice.paid", timestamp: AT, body: BODY };
        let old = standard(&secrets[1], ID, AT, BODY);
        let hex = body_hex(&secrets[0], BODY);
        let want = [
            ("webhook-id", ID.to_owned()),
            ("webhook-timestamp", AT.to_string()),
            ("webhook-signature", format!("{SIGNATURE} {old}")),
            ("x-event", "invoice.paid".to_owned()),
            ("x-signature", format!("sha256={hex}")),
            ("x-webhook-event-type", "invoice.paid".to_owned()),
            ("x-webhook-event-id", ID.to_owned()),
            ("x-webhook-signature", hex),
        ];
        let keys: Vec<SigningKey> = secrets.into_iter().map(SigningKey::of).collect();
        assert_eq!(headers(HeaderFamilies::ALL, &keys, &message), want);
        let narrow = HeaderFamilies { standard: true, gestiq: false, dotmac: false };
        assert_eq!(headers(narrow, &keys, &message), want[..3]);
        let names: Vec<_> = headers(HeaderFamilies::ALL, &[], &message).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["webhook-id", "webhook-timestamp", "x-event", "x-webhook-event-type", "x-webhook-event-id"]);
    }
}
