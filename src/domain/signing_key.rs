//! What signs requests: an HMAC secret that the receiver holds too (`v1`), or an ed25519 key of which the receiver knows
//! the public half alone (`v1a`, F6).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer;
use zeroize::Zeroizing;

use super::secret::Secret;

/// Prefix of a private key (Standard Webhooks): then the base64 of seed and public key.
const PRIVATE_PREFIX: &str = "whsk_";
/// Prefix of a public key.
const PUBLIC_PREFIX: &str = "whpk_";

/// One key of a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SigningKey {
    /// A shared secret.
    Hmac(Secret),
    /// A key pair.
    Ed25519(KeyPair),
}

impl SigningKey {
    /// Tells by the text of a secret what it is.
    pub fn of(secret: Secret) -> Self {
        match KeyPair::read(&secret) {
            Some(pair) => Self::Ed25519(pair),
            None => Self::Hmac(secret),
        }
    }

    /// The shared secret, if it is one.
    pub const fn secret(&self) -> Option<&Secret> {
        match self {
            Self::Hmac(secret) => Some(secret),
            Self::Ed25519(_) => None,
        }
    }
}

/// An ed25519 key pair.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyPair(Box<ed25519_dalek::SigningKey>);

impl KeyPair {
    /// A new one.
    pub fn generate() -> Self {
        let mut seed = Zeroizing::new([0u8; 32]);
        rand::fill(&mut seed[..]);
        Self(Box::new(ed25519_dalek::SigningKey::from_bytes(&seed)))
    }

    /// Reads `whsk_` and the base64 of 32 bytes (seed) or 64 (seed and public key, which must belong to it).
    pub fn read(secret: &Secret) -> Option<Self> {
        let encoded = secret.expose().strip_prefix(PRIVATE_PREFIX)?;
        let bytes = Zeroizing::new(STANDARD.decode(encoded).ok()?);
        let seed: &[u8; 32] = bytes.first_chunk()?;
        let pair = Self(Box::new(ed25519_dalek::SigningKey::from_bytes(seed)));
        let is_whole = bytes.len() == 32 || bytes[32..] == pair.0.verifying_key().to_bytes();
        is_whole.then_some(pair)
    }

    /// The private half as it is stored and shown once.
    pub fn to_secret(&self) -> Secret {
        let bytes = Zeroizing::new(self.0.to_keypair_bytes());
        let text = Zeroizing::new(format!("{PRIVATE_PREFIX}{}", STANDARD.encode(&bytes[..])));
        Secret::parse("secret", &text).expect("94 characters of base64 are a good secret")
    }

    /// The public half, for receivers.
    pub fn public_text(&self) -> String {
        format!("{PUBLIC_PREFIX}{}", STANDARD.encode(self.0.verifying_key().to_bytes()))
    }

    /// The signature of a message.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyPair({})", self.public_text())
    }
}

/// Whether `signature` is that of `message` under the public key `whpk_…`; false for anything that is no key or signature.
pub fn verify(public_key: &str, message: &[u8], signature: &[u8]) -> bool {
    let key = public_key.strip_prefix(PUBLIC_PREFIX).and_then(|encoded| STANDARD.decode(encoded).ok());
    let key = key.and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok());
    let key = key.and_then(|bytes| ed25519_dalek::VerifyingKey::from_bytes(&bytes).ok());
    let signature = ed25519_dalek::Signature::from_slice(signature).ok();
    key.zip(signature).is_some_and(|(key, signature)| key.verify_strict(message, &signature).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_stored_and_read_back() {
        let pair = KeyPair::generate();
        assert_eq!(KeyPair::read(&pair.to_secret()).as_ref(), Some(&pair));
        assert_eq!(SigningKey::of(pair.to_secret()), SigningKey::Ed25519(pair.clone()));
        assert!(!format!("{pair:?}").contains("whsk_"));
        assert_ne!(KeyPair::generate(), pair);
    }

    #[test]
    fn signatures_hold_for_their_message_and_key_alone() {
        let pair = KeyPair::generate();
        let signature = pair.sign(b"id.1.{}");
        assert!(verify(&pair.public_text(), b"id.1.{}", &signature));
        assert!(!verify(&pair.public_text(), b"id.2.{}", &signature));
        assert!(!verify(&KeyPair::generate().public_text(), b"id.1.{}", &signature));
        for key in ["", "whpk_", "whpk_AAAA", "whsec_AAAA"] {
            assert!(!verify(key, b"id.1.{}", &signature));
        }
        assert!(!verify(&pair.public_text(), b"id.1.{}", &signature[1..]));
    }

    #[test]
    fn other_secrets_are_shared_ones() {
        for text in ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "my-webhook-secret", "whsk_AAAAAAAA", "whsk_not base64!"]
        {
            let secret = Secret::parse("secret", text).unwrap();
            assert_eq!(SigningKey::of(secret.clone()), SigningKey::Hmac(secret));
        }
    }
}
