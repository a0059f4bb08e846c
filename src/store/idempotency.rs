//! Requests that carried an Idempotency-Key, and their sealed answers.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::row::get;
use super::{Store, StoreError, Tx, sql};

/// Most answers that one statement forgets.
const FORGOTTEN_AT_ONCE: i32 = 5000;

/// A request as its caller named it.
#[derive(Clone, Debug)]
pub struct Named {
    /// Whose.
    pub tenant: Uuid,
    /// Method and path.
    pub route: String,
    /// The caller's key.
    pub key: String,
    /// SHA-256 of what it asks.
    pub request_sha256: [u8; 32],
}

impl Named {
    /// What its answer is sealed for: a name made of the request's, so that it opens in its own row alone.
    pub fn sealed_for(&self) -> Uuid {
        answer_sealed_for(&self.route, &self.key)
    }
}

/// [`Named::sealed_for`] of a stored answer.
pub(super) fn answer_sealed_for(route: &str, key: &str) -> Uuid {
    let hash = Sha256::digest(format!("idempotency {route}\0{key}").as_bytes());
    let first = hash.first_chunk::<16>().expect("the hash has 32 bytes");
    uuid::Builder::from_custom_bytes(*first).into_uuid()
}

/// What is known of a request when it begins.
#[derive(Debug)]
pub enum Begun {
    /// Nothing: it is to be done, and nobody else does it until the transaction ends.
    New,
    /// Another transaction has it in hand.
    Running,
    /// The key was used for another request.
    Other,
    /// It was done; the sealed answer.
    Answered(Vec<u8>),
}

/// Begins a request: nobody else can while this transaction lasts, however it ends.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn begin(tx: &Tx<'_>, named: &Named) -> Result<Begun, StoreError> {
    let whole = format!("{} {} {}", named.tenant, named.route, named.key);
    if !get::<bool>(&tx.query_one(sql::IDEMPOTENCY_TRY_LOCK, &[&whole]).await?, "is_held")? {
        return Ok(Begun::Running);
    }
    // a statement of its own: its snapshot is younger than the lock
    let found = tx.query_opt(sql::IDEMPOTENCY_FIND, &[&named.tenant, &named.route, &named.key]).await?;
    let Some(row) = found else { return Ok(Begun::New) };
    if get::<&[u8]>(&row, "request_sha256")? != named.request_sha256 {
        return Ok(Begun::Other);
    }
    Ok(Begun::Answered(get(&row, "answer")?))
}

/// Stores the sealed answer with what the request did.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn keep(tx: &Tx<'_>, named: &Named, sealed: &[u8]) -> Result<(), StoreError> {
    let hash = named.request_sha256.as_slice();
    tx.query(sql::IDEMPOTENCY_KEEP, &[&named.tenant, &named.route, &named.key, &hash, &sealed]).await.map(drop)
}

/// Forgets answers older than a day, idempotency keys of events older than a week and coalesce keys whose event no longer
/// waits, and says how many rows it looked at.
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn forget_old(store: &Store) -> Result<i32, StoreError> {
    let mut forgotten = 0;
    for forget in [sql::IDEMPOTENCY_FORGET, sql::IDEMPOTENCY_FORGET_PUBLISHED, sql::IDEMPOTENCY_FORGET_COALESCED] {
        loop {
            let now: i32 = get(&store.query_one(forget, &[&FORGOTTEN_AT_ONCE]).await?, "forgotten")?;
            forgotten += now;
            if now < FORGOTTEN_AT_ONCE {
                break;
            }
        }
    }
    Ok(forgotten)
}
