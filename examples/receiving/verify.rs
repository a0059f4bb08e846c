//! Verifies a received webhook in Rust. Crates: base64, hex, hmac, sha2.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Verifies `X-Signature` or `X-Webhook-Signature`; `verify_slice` compares in constant time.
pub(crate) fn verify_webhook(body: &[u8], signature: &str, secret: &str) -> bool {
    let Ok(received) = hex::decode(signature.strip_prefix("sha256=").unwrap_or(signature)) else {
        return false;
    };
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return false;
    };
    mac.chain_update(body).verify_slice(&received).is_ok()
}

/// Verifies the Standard Webhooks headers `webhook-id`, `webhook-timestamp` and `webhook-signature`, `now` in seconds.
pub(crate) fn verify_standard(
    id: &str,
    timestamp: &str,
    signatures: &str,
    body: &[u8],
    secret: &str,
    now: i64,
) -> bool {
    let is_fresh = timestamp.parse::<i64>().is_ok_and(|at| now.abs_diff(at) <= 300);
    let key = match secret.strip_prefix("whsec_") {
        Some(encoded) => STANDARD.decode(encoded).ok(),
        None => Some(secret.as_bytes().to_vec()),
    };
    let Some(mac) = key.and_then(|key| Hmac::<Sha256>::new_from_slice(&key).ok()) else {
        return false;
    };
    let mac = mac.chain_update(format!("{id}.{timestamp}.")).chain_update(body);
    let matches = |received: &[u8]| mac.clone().verify_slice(received).is_ok();
    is_fresh
        && signatures
            .split(' ')
            .filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok())
            .any(|received| matches(&received))
}
