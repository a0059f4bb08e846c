//! What is secret, or says that it is: secrets, keyrings, API keys, client certificates, signatures.

use std::sync::LazyLock;

use posthorn::domain::client_identity::ClientIdentity;
use posthorn::domain::keyring::{Keyring, Purpose};
use posthorn::domain::secret::{SECRET_MAX_BYTES, Secret};
use posthorn::domain::signature::{self, StandardHeaders};
use posthorn::domain::signing_key::SigningKey;
use posthorn::store::api_keys::ApiKey;
use uuid::Uuid;

use super::MARK;

const TENANT: Uuid = Uuid::from_u128(1);
const SUBSCRIPTION: Uuid = Uuid::from_u128(2);

static KEYRING: LazyLock<Keyring> =
    LazyLock::new(|| Keyring::parse("k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").expect("it is good"));

/// A secret that is taken can be sealed, opened and used; one that is not is not repeated.
pub(crate) fn secret(bytes: &[u8]) {
    let Some(text) = super::text(bytes) else { return };
    if let Err(violations) = Secret::parse("secret", &format!("{text}{MARK}\n")) {
        assert!(violations.iter().all(|violation| !violation.message.contains(MARK)));
    }
    let secret = match Secret::parse("secret", text) {
        Ok(secret) => secret,
        Err(violations) => return assert!(!violations.is_empty()),
    };
    assert!((8..=500).contains(&text.chars().count()) && text.len() <= SECRET_MAX_BYTES);
    assert!(!text.chars().any(char::is_control) && text.trim() == text);
    assert!(secret.standard_key().len() >= 8);
    assert_eq!(format!("{secret:?}"), "Secret(redacted)");
    assert!(secret.masked().chars().count() <= "whsec_****".len() + 4, "{}", secret.masked());
    let sealed = KEYRING.seal(TENANT, SUBSCRIPTION, &secret);
    assert!(sealed.len() <= 2_048, "it does not fit its column");
    assert_eq!(KEYRING.open(TENANT, SUBSCRIPTION, &sealed).as_ref(), Ok(&secret));
    assert!(KEYRING.open(SUBSCRIPTION, TENANT, &sealed).is_err());
    let key = SigningKey::of(secret);
    assert!(signature::sign(&key, "id", 1, b"body").starts_with("v1"));
}

/// A keyring, and the bytes as a sealed value.
pub(crate) fn keyring(bytes: &[u8]) {
    for purpose in [Purpose::Secret, Purpose::Headers, Purpose::Answer] {
        assert!(KEYRING.open_text(TENANT, SUBSCRIPTION, purpose, bytes).is_err(), "nobody sealed this");
    }
    assert!(Keyring::id_of(bytes).is_none_or(|id| (1..=64).contains(&id.len()) && id.is_ascii()));
    let Some(text) = super::text(bytes) else { return };
    // the id of an entry may be told, the key behind it may not
    if let Err(error) = Keyring::parse(&text.replace(':', &format!(":{MARK}"))) {
        assert!(!error.to_string().contains(MARK), "{error}");
    }
    match Keyring::parse(text) {
        Ok(keyring) => {
            assert_eq!(keyring.ids().next(), Some(keyring.sealing_id()));
            let sealed = keyring.seal_text(TENANT, SUBSCRIPTION, Purpose::Headers, "text");
            assert_eq!(Keyring::id_of(&sealed), Some(keyring.sealing_id()));
            assert!(
                keyring.open_text(TENANT, SUBSCRIPTION, Purpose::Headers, &sealed).is_ok_and(|text| *text == "text")
            );
            assert!(keyring.open_text(TENANT, SUBSCRIPTION, Purpose::Secret, &sealed).is_err());
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// The text of an API key is read in one spelling and never printed.
pub(crate) fn api_key(bytes: &[u8]) {
    use secrecy::ExposeSecret;

    let Some(text) = super::text(bytes) else { return };
    let Some(key) = ApiKey::parse(text) else { return };
    assert_eq!(key.expose().expose_secret(), text);
    assert!(key.id().len() == 10 && !format!("{key:?}").contains(&text[15..]));
    assert_eq!(key.hash(), ApiKey::parse(text).expect("it was read before").hash());
}

/// A certificate and a key, PEM: a pair that is taken belongs together; what is refused is not repeated.
pub(crate) fn client_identity(bytes: &[u8]) {
    let Some((certificate, key)) = super::two_texts(bytes) else { return };
    match ClientIdentity::parse(certificate, key) {
        Ok(identity) => assert!(identity.certified_key().keys_match().is_ok()),
        Err(_) => {
            let refused = ClientIdentity::parse(certificate, &format!("{MARK}{key}{MARK}"));
            assert!(refused.err().is_none_or(|violation| !violation.message.contains(MARK)));
        }
    }
}

/// Headers of a webhook that nobody signed, as a receiver with our library reads them: three lines, and the body.
pub(crate) fn signature(bytes: &[u8]) {
    static SECRET: LazyLock<Secret> =
        LazyLock::new(|| Secret::parse("secret", "CANARY-secret-12345678").expect("it is good"));
    static OTHER: LazyLock<Secret> =
        LazyLock::new(|| Secret::parse("secret", "another-secret-12345678").expect("it is good"));

    let Some(text) = super::text(bytes) else { return };
    let mut lines = text.splitn(4, '\n');
    let (id, timestamp, given, body) = (lines.next(), lines.next(), lines.next(), lines.next().unwrap_or_default());
    let (Some(id), Some(timestamp), Some(given)) = (id, timestamp, given) else { return };
    let received = StandardHeaders { id, timestamp, signature: given };
    let body = body.as_bytes();
    let (now, tolerance) = (1_700_000_000, 300);
    assert!(signature::verify_standard(&SECRET, &received, body, now, tolerance).is_err(), "nobody signed this");
    assert!(signature::verify_ed25519(id, &received, body, now, tolerance).is_err());
    assert!(signature::verify_body(&SECRET, body, given).is_err());
    // signed with another secret, beside what the stranger says
    let signed = format!("{given} {}", signature::standard(&OTHER, id, now, body));
    let received = StandardHeaders { id, timestamp: "1700000000", signature: &signed };
    assert!(signature::verify_standard(&OTHER, &received, body, now, tolerance).is_ok());
    assert!(signature::verify_standard(&SECRET, &received, body, now, tolerance).is_err());
}
