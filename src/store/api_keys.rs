//! API keys: `phk_<id>_<secret>`, of which the table keeps the id and the secret's SHA-256.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use time::OffsetDateTime;
use tokio_postgres::Row;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::row::get;
use super::{Scope, Store, StoreError, Tx, Work, sql};
use crate::domain::permission::{Permission, Permissions};

const PREFIX: &str = "phk_";
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const ID_CHARS: usize = 10;
/// 62^43 > 2^256.
const SECRET_CHARS: usize = 43;

/// Most keys that one statement forgets.
const FORGOTTEN_AT_ONCE: i32 = 5000;

/// A whole key as its owner holds it: public id and secret.
#[derive(Clone)]
pub struct ApiKey {
    id: String,
    secret: SecretString,
}

impl ApiKey {
    /// A new key with 256 random bits of secret.
    pub fn generate() -> Self {
        let mut id = [0u8; 8];
        let mut secret = Zeroizing::new([0u8; 32]);
        rand::fill(&mut id);
        rand::fill(&mut secret[..]);
        Self::from_bits(&id, &secret)
    }

    /// The key of these bits.
    pub fn from_bits(id: &[u8; 8], secret: &[u8; 32]) -> Self {
        Self { id: base62(id, ID_CHARS), secret: base62(secret, SECRET_CHARS).into() }
    }

    /// Reads `phk_<10 letters or digits>_<43 letters or digits>`, or `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let is_plain = |part: &str, chars| part.len() == chars && part.bytes().all(|b| b.is_ascii_alphanumeric());
        (is_plain(id, ID_CHARS) && is_plain(secret, SECRET_CHARS))
            .then(|| Self { id: id.to_owned(), secret: secret.into() })
    }

    /// The public part, by which the key is listed and revoked.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The whole key, to be shown once.
    pub fn expose(&self) -> SecretString {
        format!("{PREFIX}{}_{}", self.id, self.secret.expose_secret()).into()
    }

    /// What is stored of the secret. It has 256 random bits, so one round of a fast hash suffices.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.secret.expose_secret().as_bytes()).into()
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({})", self.id)
    }
}

/// The last `digits` digits of the big-endian number `bytes` in base 62, most significant first.
fn base62(bytes: &[u8], digits: usize) -> String {
    let mut number = Zeroizing::new(bytes.to_vec());
    let mut text = vec![b'0'; digits];
    for digit in text.iter_mut().rev() {
        let mut remainder = 0u32;
        for byte in number.iter_mut() {
            let value = remainder * 256 + u32::from(*byte);
            *byte = u8::try_from(value / 62).expect("the remainder is below 62");
            remainder = value % 62;
        }
        *digit = DIGITS[remainder as usize];
    }
    String::from_utf8(text).expect("digits are ASCII")
}

/// A key as it is listed: without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRow {
    /// Public id.
    pub id: String,
    /// Whom it acts for.
    pub tenant_id: Uuid,
    /// For people.
    pub name: String,
    /// What it may do.
    pub permissions: Permissions,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// From when it is refused.
    pub expires_at: Option<OffsetDateTime>,
    /// When it was used last, to the minute.
    pub last_used_at: Option<OffsetDateTime>,
    /// Since when it is refused.
    pub revoked_at: Option<OffsetDateTime>,
}

/// A key to be made.
#[derive(Clone, Debug)]
pub struct KeySpec {
    /// Whom it acts for.
    pub tenant: Uuid,
    /// For people, up to 200 characters.
    pub name: String,
    /// What it may do; not nothing.
    pub permissions: Permissions,
    /// From when it is refused; never when absent.
    pub expires_at: Option<OffsetDateTime>,
}

/// What [`create`] answers with.
#[derive(Debug)]
pub struct NewKey {
    /// The key, which cannot be shown again.
    pub key: ApiKey,
    /// Whether the tenant was made along with it.
    pub is_new_tenant: bool,
}

/// Makes a key for a tenant that may do everything, and the tenant itself when it is not there yet. Needs the owner's role.
///
/// # Errors
/// [`StoreError`] of the database; [`StoreError::Constraint`] when the name is longer than 200 characters.
pub async fn create(store: &Store, tenant: Uuid, name: &str) -> Result<NewKey, StoreError> {
    let spec = KeySpec { tenant, name: name.to_owned(), permissions: Permissions::all(), expires_at: None };
    create_as(store, &spec).await
}

/// Makes the key that `spec` says, and its tenant when it is not there yet. Needs the owner's role.
///
/// # Errors
/// As [`create`].
pub async fn create_as(store: &Store, spec: &KeySpec) -> Result<NewKey, StoreError> {
    let key = ApiKey::generate();
    let added = &key;
    let is_new_tenant = store
        .tx("create key", Scope::Instance, move |tx| {
            Work::new(async move {
                let is_new = tx.query_opt(sql::KEYS_ADD_TENANT, &[&spec.tenant, &spec.name]).await?.is_some();
                add(tx, added, spec).await?;
                Ok(is_new)
            })
        })
        .await?;
    Ok(NewKey { key, is_new_tenant })
}

/// Stores the hash of a key.
///
/// # Errors
/// [`StoreError::Constraint`] when there is no such tenant or the name is too long.
pub async fn add(tx: &Tx<'_>, key: &ApiKey, spec: &KeySpec) -> Result<KeyRow, StoreError> {
    let (id, hash, scopes) = (key.id(), key.hash().to_vec(), spec.permissions.words());
    let row = tx.query_one(sql::KEYS_ADD, &[&id, &spec.tenant, &spec.name, &hash, &scopes, &spec.expires_at]).await?;
    read_key(&row)
}

/// Lists keys, newest first: those of a tenant, or all. Needs the owner's role.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn list(store: &Store, tenant: Option<Uuid>) -> Result<Vec<KeyRow>, StoreError> {
    store.query(sql::KEYS_LIST, &[&tenant]).await?.iter().map(read_key).collect()
}

/// Revokes a key; `None` when there is none with this id. Needs the owner's role.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn revoke(store: &Store, key_id: &str) -> Result<Option<KeyRow>, StoreError> {
    store.query(sql::KEYS_REVOKE, &[&key_id]).await?.first().map(read_key).transpose()
}

/// Forgets keys made for a day at most that ended more than a day ago, and says how many. Needs the dispatcher's role.
///
/// # Errors
/// [`StoreError`] of the database; what was forgotten until then stays so.
pub async fn forget_ended(store: &Store) -> Result<i64, StoreError> {
    let mut forgotten = 0;
    loop {
        let now: i32 = get(&store.query_one(sql::KEYS_FORGET, &[&FORGOTTEN_AT_ONCE]).await?, "forgotten")?;
        forgotten += i64::from(now);
        if now < FORGOTTEN_AT_ONCE {
            return Ok(forgotten);
        }
    }
}

/// A page of a tenant's keys, newest first, after the key `before`; without those made for a day at most that have ended.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn list_of(tx: &Tx<'_>, tenant: Uuid, before: Option<&str>, rows: i64) -> Result<Vec<KeyRow>, StoreError> {
    tx.query(sql::OWN_KEYS_LIST, &[&tenant, &before, &rows]).await?.iter().map(read_key).collect()
}

/// Revokes a tenant's key; false when it has none with this id.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn revoke_of(tx: &Tx<'_>, tenant: Uuid, key_id: &str) -> Result<bool, StoreError> {
    Ok(tx.query_opt(sql::OWN_KEYS_REVOKE, &[&tenant, &key_id]).await?.is_some())
}

/// From when a tenant's key is refused; `None`: never, or it has none with this id.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn end_of(tx: &Tx<'_>, tenant: Uuid, key_id: &str) -> Result<Option<OffsetDateTime>, StoreError> {
    match tx.query_opt(sql::OWN_KEYS_END, &[&tenant, &key_id]).await? {
        Some(row) => get(&row, "expires_at"),
        None => Ok(None),
    }
}

/// Whom a key acts for, and what it may do.
#[derive(Clone, Copy, Debug)]
pub struct Identified {
    /// The tenant.
    pub tenant: Uuid,
    /// Its scopes.
    pub permissions: Permissions,
}

/// Who a key is, or `None`: unknown, wrong, revoked, expired or of a disabled tenant, which take the same work.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn find(store: &Store, key: &ApiKey) -> Result<Option<Identified>, StoreError> {
    let rows = store.query(sql::KEYS_FIND, &[&key.id()]).await?;
    let (tenant, stored, is_valid, scopes) = match rows.first() {
        Some(row) => (
            get(row, "tenant_id")?,
            get::<Vec<u8>>(row, "secret_sha256")?,
            get(row, "is_valid")?,
            get::<Vec<String>>(row, "scopes")?,
        ),
        None => (Uuid::nil(), vec![0; 32], false, Vec::new()),
    };
    let is_right: bool = key.hash().as_slice().ct_eq(&stored).into();
    let permissions = read_scopes(&scopes);
    Ok((is_right && is_valid).then_some(Identified { tenant, permissions }))
}

/// Notes that a key was used, at most once a minute.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn note_use(store: &Store, key_id: &str) -> Result<(), StoreError> {
    store.query(sql::SESSION_NOTE_KEY_USE, &[&key_id]).await.map(drop)
}

/// Whether a tenant exists; for operators, who name one.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn has_tenant(store: &Store, tenant: Uuid) -> Result<bool, StoreError> {
    store
        .tx("has tenant", Scope::operator_for(tenant), move |tx| {
            Work::new(async move { get(&tx.query_one(sql::SESSION_HAS_TENANT, &[&tenant]).await?, "is_found") })
        })
        .await
}

/// Whether a tenant exists and is not disabled; for tokens, which name one.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn is_tenant_enabled(store: &Store, tenant: Uuid) -> Result<bool, StoreError> {
    get(&store.query_one(sql::SESSION_IS_TENANT_ENABLED, &[&tenant]).await?, "is_enabled")
}

fn read_key(row: &Row) -> Result<KeyRow, StoreError> {
    Ok(KeyRow {
        id: get(row, "id")?,
        tenant_id: get(row, "tenant_id")?,
        name: get(row, "name")?,
        permissions: read_scopes(&get::<Vec<String>>(row, "scopes")?),
        created_at: get(row, "created_at")?,
        expires_at: get(row, "expires_at")?,
        last_used_at: get(row, "last_used_at")?,
        revoked_at: get(row, "revoked_at")?,
    })
}

/// A word that this binary does not know permits nothing that it knows.
fn read_scopes(words: &[String]) -> Permissions {
    words.iter().filter_map(|word| Permission::parse(word)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_the_documented_form_and_are_read_back() {
        let key = ApiKey::generate();
        let text = key.expose();
        let read = ApiKey::parse(text.expose_secret()).unwrap();
        assert_eq!((read.id(), read.hash()), (key.id(), key.hash()));
        assert_eq!(text.expose_secret().len(), "phk_".len() + 10 + 1 + 43);
        assert_ne!(ApiKey::generate().hash(), key.hash());
    }

    #[test]
    fn base62_keeps_every_bit_of_the_secret() {
        let low = ApiKey::from_bits(&[0; 8], &[0; 32]);
        assert_eq!(low.expose().expose_secret(), &format!("phk_{}_{}", "0".repeat(10), "0".repeat(43)));
        assert_eq!(base62(&[0xff; 32], 44), format!("0{}", base62(&[0xff; 32], 43)));
        assert_eq!(base62(&[0, 61], 2), "0z");
        assert_eq!(base62(&[1, 0], 3), "048");
    }

    #[test]
    fn other_texts_are_no_keys() {
        let good = ApiKey::from_bits(&[7; 8], &[9; 32]).expose();
        let good = good.expose_secret();
        for text in
            ["", "phk_", "Bearer", &good[1..], &good[..good.len() - 1], &format!("{good}0"), &good.replace('_', "-")]
        {
            assert!(ApiKey::parse(text).is_none(), "{text}");
        }
        assert!(ApiKey::parse(&good.replace("phk_", "PHK_")).is_none());
    }

    #[test]
    fn debug_shows_the_id_alone() {
        let key = ApiKey::from_bits(&[7; 8], &[9; 32]);
        assert_eq!(format!("{key:?}"), format!("ApiKey({})", key.id()));
    }
}
