//! Identifies callers: known keys from memory, others from the database, and neither more often than the rate limit allows.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use poem::Request;
use poem_openapi::auth::{Bearer, BearerAuthorization};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use time::OffsetDateTime;
use uuid::Uuid;

use super::jwt::Jwt;
use super::limits::{Limits, Told};
use super::operations::Operations;
use super::problem::Problem;
use crate::domain::keyring::Keyring;
use crate::domain::permission::Permissions;
use crate::store::Store;
use crate::store::api_keys::{self, ApiKey, Identified};

/// Header by which the operator names the tenant to act for.
pub(super) const TENANT_HEADER: &str = "X-Posthorn-Tenant";

/// How long a key or tenant is taken for good without asking again: a revocation takes effect within this time.
const REMEMBERED: Duration = Duration::from_secs(3);

/// How often the use of a key is noted.
const USE_NOTED: Duration = Duration::from_secs(60);

/// Most entries of each memory.
const REMEMBERED_MAX: usize = 50_000;

/// A caller as identified.
#[derive(Clone)]
pub(super) struct Identity {
    /// Whom it acts for.
    pub(super) tenant: Uuid,
    /// Its name in the audit log.
    pub(super) actor: Arc<str>,
    /// What it may do.
    pub(super) permissions: Permissions,
    /// When a token ends.
    pub(super) expires_at: Option<OffsetDateTime>,
    /// Id of the key, which has its end in the database.
    pub(super) key_id: Option<String>,
}

/// What identifying a caller needs.
pub(super) struct Access {
    store: Store,
    admin: Option<BearerHash>,
    jwt: Option<Jwt>,
    keyring: Arc<Keyring>,
    limits: Limits,
    operations: Arc<Operations>,
    /// Valid keys, by the hash of the whole key: a wrong secret finds nothing and takes the way of an unknown key.
    keys: Memory<[u8; 32], Identified>,
    tenants: Memory<Uuid, ()>,
    used: Memory<String, ()>,
}

/// What [`Access`] is made of.
pub(super) struct AccessParts<'a> {
    pub(super) store: Store,
    pub(super) admin_token: Option<&'a SecretString>,
    pub(super) jwt: Option<Jwt>,
    pub(super) keyring: Arc<Keyring>,
    pub(super) limits: Limits,
    pub(super) operations: Arc<Operations>,
}

impl Access {
    pub(super) fn new(parts: AccessParts<'_>) -> Arc<Self> {
        let AccessParts { store, admin_token, jwt, keyring, limits, operations } = parts;
        Arc::new(Self {
            store,
            admin: admin_token.map(BearerHash::of),
            jwt,
            keyring,
            limits,
            operations,
            keys: Memory::new(REMEMBERED),
            tenants: Memory::new(REMEMBERED),
            used: Memory::new(USE_NOTED),
        })
    }

    /// What the tenant API's operations take.
    pub(super) fn operations(&self) -> &Operations {
        &self.operations
    }

    /// Seals answers.
    pub(super) const fn keyring(&self) -> &Arc<Keyring> {
        &self.keyring
    }

    /// Who calls.
    pub(super) async fn identify(&self, request: &Request) -> Result<Identity, Problem> {
        let token = Bearer::from_request(request).map_err(|_| Problem::unauthorised())?.token;
        if self.admin.as_ref().is_some_and(|admin| admin.is(&token)) {
            return self.operator_for(request).await;
        }
        let identity = match (ApiKey::parse(&token), &self.jwt) {
            (Some(key), _) => self.by_key(request, &key, &token).await,
            (None, Some(jwt)) => self.by_token(request, jwt, &token).await,
            (None, None) => Err(Problem::unauthorised()),
        }?;
        // theirs is the tenant of the key or token: a caller that names another would take its answers for that one's
        match named_tenant(request)? {
            Some(named) if named != identity.tenant => {
                let message = "must be the tenant of the key or token, which acts for no other, or absent";
                Err(Problem::violation(TENANT_HEADER, "tenant", message))
            }
            _ => Ok(identity),
        }
    }

    async fn by_key(&self, request: &Request, key: &ApiKey, token: &str) -> Result<Identity, Problem> {
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let from = request.remote_addr();
        // a key that was good a while ago gets in whoever else calls from its address, which may be a proxy's
        if !self.keys.knew(&hash) {
            self.limits.admit_stranger(from)?;
        }
        let allowance = self.limits.take(hash)?;
        let known = match self.keys.get(&hash) {
            Some(known) => known,
            None => {
                let Some(found) = api_keys::find(&self.store, key).await? else {
                    self.keys.forget(&hash);
                    self.limits.note_stranger(from);
                    return Err(Problem::unauthorised());
                };
                self.keys.put(hash, found);
                found
            }
        };
        Told::tell(request, allowance);
        self.note_use(key.id());
        Ok(Identity {
            tenant: known.tenant,
            actor: format!("api_key:{}", key.id()).into(),
            permissions: known.permissions,
            expires_at: None,
            key_id: Some(key.id().to_owned()),
        })
    }

    async fn by_token(&self, request: &Request, jwt: &Jwt, token: &str) -> Result<Identity, Problem> {
        let from = request.remote_addr();
        let Some(identity) = jwt.identify(token) else {
            self.limits.admit_stranger(from)?;
            self.limits.note_stranger(from);
            return Err(Problem::unauthorised());
        };
        let whole = format!("{} {}", identity.tenant, identity.actor);
        let allowance = self.limits.take(Sha256::digest(whole.as_bytes()).into())?;
        if self.tenants.get(&identity.tenant).is_none() {
            if !api_keys::is_tenant_enabled(&self.store, identity.tenant).await? {
                return Err(Problem::unauthorised());
            }
            self.tenants.put(identity.tenant, ());
        }
        Told::tell(request, allowance);
        Ok(identity)
    }

    /// The operator is bound by no rate and may name a disabled tenant, to clear up after it.
    async fn operator_for(&self, request: &Request) -> Result<Identity, Problem> {
        let tenant = named_tenant(request)?.ok_or_else(|| {
            let message = "the operator's token acts for a tenant: add the header X-Posthorn-Tenant: <tenant id>";
            Problem::violation(TENANT_HEADER, "required", message)
        })?;
        if api_keys::has_tenant(&self.store, tenant).await? {
            let actor = "operator".into();
            Ok(Identity { tenant, actor, permissions: Permissions::all(), expires_at: None, key_id: None })
        } else {
            Err(Problem::not_found(format!("there is no tenant {tenant}")))
        }
    }

    /// Beside the request, which has nothing to wait for.
    fn note_use(&self, key_id: &str) {
        if self.used.get(key_id).is_some() {
            return;
        }
        self.used.put(key_id.to_owned(), ());
        let (store, key_id) = (self.store.clone(), key_id.to_owned());
        tokio::spawn(async move {
            if let Err(error) = api_keys::note_use(&store, &key_id).await {
                tracing::debug!(error = %error.with_causes(), "the use of a key could not be noted");
            }
        });
    }
}

/// The tenant that the header names, if it is there.
fn named_tenant(request: &Request) -> Result<Option<Uuid>, Problem> {
    let Some(named) = request.headers().get(TENANT_HEADER) else { return Ok(None) };
    // a header that is no text names no tenant: it is refused like any other that is no UUID
    let tenant = named.to_str().unwrap_or("").trim().parse();
    tenant.map(Some).map_err(|_| Problem::violation(TENANT_HEADER, "uuid", "must be a UUID"))
}

/// What was found to be so a short time ago.
struct Memory<K, V> {
    lasts: Duration,
    entries: Mutex<HashMap<K, (Instant, V)>>,
}

impl<K: Eq + Hash, V: Clone> Memory<K, V> {
    fn new(lasts: Duration) -> Self {
        Self { lasts, entries: Mutex::default() }
    }

    fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.get(key).filter(|(at, _)| at.elapsed() < self.lasts).map(|(_, value)| value.clone())
    }

    /// Whether it was found at all, however long ago.
    fn knew(&self, key: &K) -> bool {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).contains_key(key)
    }

    fn forget(&self, key: &K) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    fn put(&self, key: K, value: V) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= REMEMBERED_MAX {
            entries.retain(|_, (at, _)| at.elapsed() < self.lasts);
        }
        if entries.len() >= REMEMBERED_MAX {
            entries.clear();
        }
        entries.insert(key, (Instant::now(), value));
    }
}

/// A bearer token that is known here, kept as its hash: comparing hashes takes the same time for every other token.
pub(super) struct BearerHash([u8; 32]);

impl BearerHash {
    /// Hashes the token.
    pub(super) fn of(token: &SecretString) -> Self {
        Self(Sha256::digest(token.expose_secret().as_bytes()).into())
    }

    /// Whether this is the token.
    pub(super) fn is(&self, token: &str) -> bool {
        self.0.ct_eq(Sha256::digest(token.as_bytes()).as_slice()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_itself_is_taken() {
        let hash = BearerHash::of(&"operator-token-0123456789".into());
        assert!(hash.is("operator-token-0123456789"));
        for token in ["", "operator-token-012345678", "operator-token-0123456789 ", "OPERATOR-TOKEN-0123456789"] {
            assert!(!hash.is(token), "{token}");
        }
    }

    #[test]
    fn what_was_found_long_ago_is_forgotten() {
        let (long, short) = (Memory::new(Duration::from_secs(60)), Memory::new(Duration::ZERO));
        for memory in [&long, &short] {
            memory.put("key".to_owned(), 1);
        }
        assert_eq!((long.get("key"), long.get("other"), short.get("key")), (Some(1), None, None));
        assert!(short.knew(&"key".to_owned()));
        short.forget(&"key".to_owned());
        assert!(!short.knew(&"key".to_owned()));
    }
}
