//! Seals secrets for storage and opens them again: XChaCha20-Poly1305 under keys that never enter the database (R57).
//!
//! Sealed form: version (1 byte, = 1) | length of the key's id (1 byte) | key's id | nonce (24 bytes) | ciphertext and tag.
//! Everything before the nonce, the tenant and the subscription are authenticated too, so that a sealed secret copied
//! to another row, or relabelled with another key's id, does not open.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::secret::Secret;

const VERSION: u8 = 1;
const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;

/// Longest id of a key, in bytes (it is stored with every secret).
const ID_MAX_BYTES: usize = 64;

/// Why a keyring cannot be read, or a secret not sealed or opened. Never holds key, secret or ciphertext.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeyringError {
    /// No entry at all.
    #[error("the keyring is empty: it needs at least one entry id:base64-of-32-bytes")]
    Empty,
    /// An entry without a usable id. Counted from 1, because its text may be a key.
    #[error(
        "keyring entry {entry} is malformed: write id:base64-of-32-bytes, the id of 1 to 64 letters, digits, - and _"
    )]
    Malformed {
        /// Position of the entry, from 1.
        entry: usize,
    },
    /// A key that is not the base64 of 32 bytes.
    #[error("key {id} of the keyring is not the base64 of 32 bytes")]
    BadKey {
        /// The key's id.
        id: String,
    },
    /// Two entries with one id.
    #[error("the keyring has two keys with the id {id}")]
    DuplicateId {
        /// The id.
        id: String,
    },
    /// Not something this version sealed.
    #[error("the secret of subscription {subscription} is not in a sealed form we know")]
    UnknownForm {
        /// Whose secret.
        subscription: Uuid,
    },
    /// Sealed with a key that the keyring does not hold.
    #[error("the secret of subscription {subscription} is sealed with key {id}, which the keyring does not hold")]
    UnknownKey {
        /// Whose secret.
        subscription: Uuid,
        /// The missing key's id.
        id: String,
    },
    /// Wrong key, changed bytes, or a sealed secret of another tenant or subscription.
    #[error("the secret of subscription {subscription} does not open: wrong key, or the row was changed")]
    Tampered {
        /// Whose secret.
        subscription: Uuid,
    },
}

/// What a sealed text is for: one moved to another column does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A signing secret.
    Secret,
    /// Headers of a subscription's own.
    Headers,
    /// What identifies requests to the receiver.
    Credentials,
    /// The private key of a client certificate.
    ClientKey,
    /// The answer to a request with an Idempotency-Key.
    Answer,
}

impl Purpose {
    /// Authenticated with the text; of secrets nothing, as they were sealed before there was anything else.
    const fn word(self) -> &'static str {
        match self {
            Self::Secret => "",
            Self::Headers => "headers",
            Self::Credentials => "credentials",
            Self::ClientKey => "client_key",
            Self::Answer => "answer",
        }
    }
}

struct Key {
    id: String,
    bytes: Zeroizing<[u8; KEY_BYTES]>,
}

/// The keys that seal secrets at rest: the first seals, all open, so that keys can be rotated.
pub struct Keyring {
    keys: Vec<Key>,
}

impl Keyring {
    /// Reads entries `id:base64 of 32 bytes`, separated by commas or line ends; `#` begins a comment.
    ///
    /// *Errors*: the first entry that cannot be used, named by id or position.
    pub fn parse(text: &str) -> Result<Self, KeyringError> {
        let mut keys: Vec<Key> = Vec::new();
        let lines = text.lines().map(|line| line.split_once('#').map_or(line, |(before, _)| before));
        let entries = lines.flat_map(|line| line.split(',')).map(str::trim).filter(|entry| !entry.is_empty());
        for (index, entry) in entries.enumerate() {
            let key = parse_key(entry, index + 1)?;
            if keys.iter().any(|known| known.id == key.id) {
                return Err(KeyringError::DuplicateId { id: key.id });
            }
            keys.push(key);
        }
        if keys.is_empty() { Err(KeyringError::Empty) } else { Ok(Self { keys }) }
    }

    /// A new entry for a keyring: `id`, a colon and 32 random bytes in base64.
    pub fn generate_entry(id: &str) -> String {
        let mut key = Zeroizing::new([0u8; KEY_BYTES]);
        rand::fill(&mut key[..]);
        format!("{id}:{}", STANDARD.encode(&key[..]))
    }

    /// Ids of the keys, the one that seals first.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| key.id.as_str())
    }

    /// Id of the key that seals.
    pub fn sealing_id(&self) -> &str {
        &self.sealing().id
    }

    /// Id of the key that something was sealed with, which need not be in this keyring; `None` for another form.
    pub fn id_of(sealed: &[u8]) -> Option<&str> {
        SealedParts::split(sealed).map(|parts| parts.id)
    }

    fn sealing(&self) -> &Key {
        self.keys.first().expect("parse refuses an empty keyring")
    }

    /// Seals `secret` with the first key for this tenant's subscription alone.
    pub fn seal(&self, tenant: Uuid, subscription: Uuid, secret: &Secret) -> Vec<u8> {
        self.seal_text(tenant, subscription, Purpose::Secret, secret.expose())
    }

    /// The same for any text, which opens for the same purpose only.
    pub fn seal_text(&self, tenant: Uuid, subscription: Uuid, purpose: Purpose, text: &str) -> Vec<u8> {
        let key = self.sealing();
        let mut nonce = [0u8; NONCE_BYTES];
        rand::fill(&mut nonce);
        let id_length = u8::try_from(key.id.len()).expect("parse refuses ids longer than 64 bytes");
        let mut sealed = vec![VERSION, id_length];
        sealed.extend_from_slice(key.id.as_bytes());
        let aad = associated_data(&sealed, tenant, subscription, purpose);
        let payload = Payload { msg: text.as_bytes(), aad: &aad };
        let ciphertext = cipher(key)
            .encrypt(&XNonce::from(nonce), payload)
            .expect("only messages of many gigabytes cannot be sealed");
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&ciphertext);
        sealed
    }

    /// Opens what [`Keyring::seal`] made for the same tenant and subscription.
    ///
    /// *Errors*: another form, a key not held, or bytes that do not belong here.
    pub fn open(&self, tenant: Uuid, subscription: Uuid, sealed: &[u8]) -> Result<Secret, KeyringError> {
        let text = self.open_text(tenant, subscription, Purpose::Secret, sealed)?;
        Secret::parse("secret", &text).map_err(|_| KeyringError::UnknownForm { subscription })
    }

    /// Opens what [`Keyring::seal_text`] made for the same tenant, subscription and purpose.
    ///
    /// *Errors*: as [`Keyring::open`].
    pub fn open_text(
        &self,
        tenant: Uuid,
        subscription: Uuid,
        purpose: Purpose,
        sealed: &[u8],
    ) -> Result<Zeroizing<String>, KeyringError> {
        let parts = SealedParts::split(sealed).ok_or(KeyringError::UnknownForm { subscription })?;
        let key = self
            .keys
            .iter()
            .find(|key| key.id == parts.id)
            .ok_or_else(|| KeyringError::UnknownKey { subscription, id: parts.id.to_owned() })?;
        let aad = associated_data(parts.header, tenant, subscription, purpose);
        let payload = Payload { msg: parts.ciphertext, aad: &aad };
        let opened = cipher(key).decrypt(&XNonce::from(parts.nonce), payload).map(Zeroizing::new);
        let opened = opened.map_err(|_| KeyringError::Tampered { subscription })?;
        let text = std::str::from_utf8(&opened).map_err(|_| KeyringError::UnknownForm { subscription })?;
        Ok(Zeroizing::new(text.to_owned()))
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|key| &key.id)).finish()
    }
}

struct SealedParts<'a> {
    header: &'a [u8],
    id: &'a str,
    nonce: [u8; NONCE_BYTES],
    ciphertext: &'a [u8],
}

impl<'a> SealedParts<'a> {
    /// Rows can hold anything: every length is checked before it is used.
    fn split(sealed: &'a [u8]) -> Option<Self> {
        let [VERSION, id_length, ..] = sealed else {
            return None;
        };
        let (header, rest) = sealed.split_at_checked(2 + usize::from(*id_length))?;
        let id = std::str::from_utf8(&header[2..]).ok().filter(|id| is_id(id))?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_BYTES>()?;
        Some(Self { header, id, nonce: *nonce, ciphertext })
    }
}

fn parse_key(entry: &str, position: usize) -> Result<Key, KeyringError> {
    let (id, encoded) = entry.split_once(':').ok_or(KeyringError::Malformed { entry: position })?;
    let (id, encoded) = (id.trim(), encoded.trim());
    if !is_id(id) {
        return Err(KeyringError::Malformed { entry: position });
    }
    let decoded = STANDARD.decode(encoded).map(Zeroizing::new).ok();
    let bytes = decoded.and_then(|decoded| <[u8; KEY_BYTES]>::try_from(decoded.as_slice()).ok());
    let bytes = bytes.ok_or_else(|| KeyringError::BadKey { id: id.to_owned() })?;
    Ok(Key { id: id.to_owned(), bytes: Zeroizing::new(bytes) })
}

fn is_id(id: &str) -> bool {
    (1..=ID_MAX_BYTES).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new_from_slice(&key.bytes[..]).expect("the key has 32 bytes")
}

fn associated_data(header: &[u8], tenant: Uuid, subscription: Uuid, purpose: Purpose) -> Vec<u8> {
    [header, tenant.as_bytes(), subscription.as_bytes(), purpose.word().as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::super::secret::SECRET_MAX_BYTES;
    use super::*;
    use proptest::prelude::*;

    const TENANT: Uuid = Uuid::from_u128(1);
    const SUBSCRIPTION: Uuid = Uuid::from_u128(2);

    fn keyring() -> Keyring {
        Keyring::parse("k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").unwrap()
    }

    fn secret() -> Secret {
        Secret::parse("secret", "CANARY-secret-12345678").unwrap()
    }

    #[test]
    fn keyrings_are_read() {
        let (a, b) = (Keyring::generate_entry("new"), Keyring::generate_entry("old-1"));
        let text = format!("# keys\n{a}  # sealing since March\n\n , {b},\n");
        assert_eq!(format!("{:?}", Keyring::parse(&text).unwrap()), r#"["new", "old-1"]"#);
        assert_eq!(Keyring::parse(&format!("{a},{b}")).unwrap().keys.len(), 2);
    }

    #[test]
    fn bad_keyrings_are_refused_without_showing_a_key() {
        let entry = Keyring::generate_entry("a");
        let id = || "a".to_owned();
        for (text, want) in [
            ("", KeyringError::Empty),
            ("\n# nothing,\n", KeyringError::Empty),
            ("CANARY", KeyringError::Malformed { entry: 1 }),
            (&format!("{entry},:AAAA"), KeyringError::Malformed { entry: 2 }),
            (&format!("{}:AAAA", "x".repeat(65)), KeyringError::Malformed { entry: 1 }),
            ("ä:AAAA", KeyringError::Malformed { entry: 1 }),
            ("a:CANARYAA", KeyringError::BadKey { id: id() }),
            ("a:not base64", KeyringError::BadKey { id: id() }),
            ("a:", KeyringError::BadKey { id: id() }),
            (&format!("{entry}\n{entry}"), KeyringError::DuplicateId { id: id() }),
        ] {
            let error = Keyring::parse(text).unwrap_err();
            assert!(!error.to_string().contains("CANARY"));
            assert_eq!(error, want);
        }
    }

    #[test]
    fn sealed_secrets_open_after_key_rotation_and_never_repeat() {
        let (old, new) = (Keyring::generate_entry("old"), Keyring::generate_entry("new"));
        let before = Keyring::parse(&old).unwrap();
        let sealed = before.seal(TENANT, SUBSCRIPTION, &secret());
        assert_ne!(sealed, before.seal(TENANT, SUBSCRIPTION, &secret()));
        assert!(!sealed.windows(6).any(|part| part == b"CANARY"));
        let after = Keyring::parse(&format!("{new},{old}")).unwrap();
        assert_eq!(after.open(TENANT, SUBSCRIPTION, &sealed), Ok(secret()));
        let without = Keyring::parse(&new).unwrap();
        let missing = KeyringError::UnknownKey { subscription: SUBSCRIPTION, id: "old".to_owned() };
        assert_eq!(without.open(TENANT, SUBSCRIPTION, &sealed), Err(missing));
    }

    #[test]
    fn a_sealed_secret_opens_only_in_its_own_row_and_under_its_own_key() {
        let sealed = keyring().seal(TENANT, SUBSCRIPTION, &secret());
        for (tenant, subscription) in [(SUBSCRIPTION, TENANT), (TENANT, TENANT), (SUBSCRIPTION, SUBSCRIPTION)] {
            assert_eq!(keyring().open(tenant, subscription, &sealed), Err(KeyringError::Tampered { subscription }));
        }
        let wrong = Keyring::parse(&Keyring::generate_entry("k1")).unwrap();
        let tampered = KeyringError::Tampered { subscription: SUBSCRIPTION };
        assert_eq!(wrong.open(TENANT, SUBSCRIPTION, &sealed), Err(tampered));
    }

    #[test]
    fn the_longest_sealed_secret_fits_its_column() {
        let keyring = Keyring::parse(&Keyring::generate_entry(&"k".repeat(ID_MAX_BYTES))).unwrap();
        let longest = Secret::parse("secret", &"🐚".repeat(SECRET_MAX_BYTES / 4)).unwrap();
        assert!(keyring.seal(TENANT, SUBSCRIPTION, &longest).len() <= 2_048);
    }

    #[test]
    fn one_key_under_two_ids_cannot_be_relabelled() {
        let two = "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=,k2:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        let keyring = Keyring::parse(two).unwrap();
        let mut sealed = keyring.seal(TENANT, SUBSCRIPTION, &secret());
        sealed[3] = b'2';
        let tampered = KeyringError::Tampered { subscription: SUBSCRIPTION };
        assert_eq!(keyring.open(TENANT, SUBSCRIPTION, &sealed), Err(tampered));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let sealed = keyring().seal(TENANT, SUBSCRIPTION, &secret());
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(keyring().open(TENANT, SUBSCRIPTION, &changed).is_err(), "bit {bit}");
        }
        for end in 0..sealed.len() {
            assert!(keyring().open(TENANT, SUBSCRIPTION, &sealed[..end]).is_err(), "cut to {end}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_open_nor_panic(tail in proptest::collection::vec(any::<u8>(), 0..120), has_header in any::<bool>()) {
            let header: &[u8] = if has_header { b"\x01\x02k1" } else { b"" };
            prop_assert!(keyring().open(TENANT, SUBSCRIPTION, &[header, &tail].concat()).is_err());
        }

        #[test]
        fn any_secret_comes_back(text in "[!-~]([ -~ñ]{6,60})[!-~]") {
            if let Ok(secret) = Secret::parse("secret", &text) {
                let sealed = keyring().seal(TENANT, SUBSCRIPTION, &secret);
                prop_assert_eq!(keyring().open(TENANT, SUBSCRIPTION, &sealed), Ok(secret));
            }
        }
    }
}
