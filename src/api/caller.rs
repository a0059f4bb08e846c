//! Who calls: a tenant by its API key, or the operator on behalf of a tenant.

use std::sync::Arc;

use poem::Request;
use poem_openapi::SecurityScheme;
use poem_openapi::auth::Bearer;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::problem::Problem;
use crate::store::api_keys::{self, ApiKey};
use crate::store::{Scope, Store};

/// Header by which the operator names the tenant to act for.
pub(super) const TENANT_HEADER: &str = "X-Posthorn-Tenant";

/// An API key (`phk_…`) of the tenant; or the operator's token together with the header X-Posthorn-Tenant.
#[derive(SecurityScheme)]
#[oai(ty = "bearer", rename = "ApiKey", bearer_format = "phk_<id>_<secret>", checker = "identify")]
pub(super) struct Caller(Uuid);

impl Caller {
    /// Whom the request acts for.
    pub(super) const fn tenant(&self) -> Uuid {
        self.0
    }

    /// The rows that its transactions may see.
    pub(super) const fn scope(&self) -> Scope {
        Scope::Tenant(self.0)
    }
}

/// What identifying a caller needs.
pub(super) struct Access {
    store: Store,
    admin: Option<BearerHash>,
}

impl Access {
    /// Keys come from the store; `admin_token` is the operator's.
    pub(super) fn new(store: Store, admin_token: Option<&SecretString>) -> Arc<Self> {
        Arc::new(Self { store, admin: admin_token.map(BearerHash::of) })
    }

    async fn tenant(&self, token: &str, named: Option<&str>) -> Result<Uuid, Problem> {
        if self.admin.as_ref().is_some_and(|admin| admin.is(token)) {
            return self.named_tenant(named).await;
        }
        let key = ApiKey::parse(token).ok_or_else(Problem::unauthorised)?;
        api_keys::find(&self.store, &key).await?.ok_or_else(Problem::unauthorised)
    }

    async fn named_tenant(&self, named: Option<&str>) -> Result<Uuid, Problem> {
        let refuse = |rule, message| Problem::violation(TENANT_HEADER, rule, message);
        let named = named.ok_or_else(|| {
            refuse("required", "the operator's token acts for a tenant: add the header X-Posthorn-Tenant: <tenant id>")
        })?;
        let tenant = named.trim().parse().map_err(|_| refuse("uuid", "must be a UUID"))?;
        if api_keys::has_tenant(&self.store, tenant).await? {
            Ok(tenant)
        } else {
            Err(Problem::not_found(format!("there is no tenant {tenant}")))
        }
    }
}

async fn identify(request: &Request, bearer: Bearer) -> poem::Result<Uuid> {
    let access = request.data::<Arc<Access>>().ok_or_else(Problem::internal)?;
    // a header that is no text names no tenant: it is refused like any other that is no UUID
    let named = request.headers().get(TENANT_HEADER).map(|value| value.to_str().unwrap_or(""));
    Ok(access.tenant(&bearer.token, named).await?)
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
}
