//! Who calls, and that it may: a tenant by its API key or token, or the operator on behalf of a tenant.

use std::marker::PhantomData;
use std::sync::Arc;

use poem::{IntoResponse, Request, RequestBody};
use poem_openapi::registry::{MetaSecurityScheme, Registry};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use time::OffsetDateTime;
use uuid::Uuid;

use super::access::{Access, Identity};
use super::once::{Once, OnceKey};
use super::problem::Problem;
use crate::domain::permission::{Permission, Permissions};
use crate::store::{Scope, Store, StoreError, Tx, Work};

/// Name of the scheme in the document.
const SCHEME: &str = "ApiKey";

/// What an operation asks of its caller. Every [`Caller`] names one, so that no handler can forget to ask.
pub(super) trait Permitted: 'static {
    /// The scope that the key must have, if it needs one.
    const PERMISSION: Option<Permission>;
}

/// For the one operation that tells callers what they may do.
pub(super) struct Anyone;

impl Permitted for Anyone {
    const PERMISSION: Option<Permission> = None;
}

/// For operations that change nothing.
pub(super) struct Reads;

impl Permitted for Reads {
    const PERMISSION: Option<Permission> = Some(Permission::Read);
}

/// For operations that publish events.
pub(super) struct Publishes;

impl Permitted for Publishes {
    const PERMISSION: Option<Permission> = Some(Permission::Publish);
}

/// For operations that change what is delivered, where and how.
pub(super) struct Manages;

impl Permitted for Manages {
    const PERMISSION: Option<Permission> = Some(Permission::Manage);
}

/// For operations on API keys.
pub(super) struct HandlesKeys;

impl Permitted for HandlesKeys {
    const PERMISSION: Option<Permission> = Some(Permission::Keys);
}

/// A caller that may do what `P` says.
pub(super) struct Caller<P> {
    identity: Identity,
    once: Option<OnceKey>,
    permitted: PhantomData<fn() -> P>,
}

impl<P> Caller<P> {
    /// Whom the request acts for.
    pub(super) const fn tenant(&self) -> Uuid {
        self.identity.tenant
    }

    /// What else it may do.
    pub(super) const fn permissions(&self) -> Permissions {
        self.identity.permissions
    }

    /// Its name in the audit log.
    pub(super) fn actor(&self) -> &str {
        &self.identity.actor
    }

    /// Id of its key, if it has one.
    pub(super) fn key_id(&self) -> Option<&str> {
        self.identity.key_id.as_deref()
    }

    /// When its token ends.
    pub(super) const fn expires_at(&self) -> Option<OffsetDateTime> {
        self.identity.expires_at
    }

    /// The rows that its transactions may see.
    pub(super) fn scope(&self) -> Scope {
        Scope::Tenant { id: self.identity.tenant, actor: Arc::clone(&self.identity.actor) }
    }

    /// Runs `work` in a transaction and answers with what `answer` makes of it: once for an `Idempotency-Key`, whose later
    /// requests get the same answer again. The answer is stored by the very transaction that acts, and only if it is one of
    /// success. An operation that uses this says so by its type, [`Once`], and so in the document.
    ///
    /// # Errors
    /// Those of the transaction, for the handler to name; within, what `answer` refuses.
    pub(super) async fn once<'e, T, R, F, A>(
        &self,
        store: &Store,
        name: &'static str,
        work: F,
        answer: A,
    ) -> Result<Result<Once<R>, Problem>, StoreError>
    where
        T: Send,
        R: IntoResponse,
        F: for<'t> Fn(&'t Tx<'t>) -> Work<'e, 't, T> + Send + Sync,
        A: Fn(T) -> Result<R, Problem> + Send + Sync,
    {
        let Some(key) = &self.once else {
            let done = store.tx(name, self.scope(), work).await?;
            return Ok(answer(done).map(Once::fresh));
        };
        let (work, answer) = (&work, &answer);
        store.tx(name, self.scope(), move |tx| Work::new(key.once(tx, work, answer))).await
    }
}

impl<'a, P: Permitted> ApiExtractor<'a> for Caller<P> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        registry.create_security_scheme(
            SCHEME,
            MetaSecurityScheme {
                ty: "http",
                description: Some(
                    "An API key (`phk_…`) of the tenant, or a JWT where the server takes them; or the operator's token \
                     together with the header X-Posthorn-Tenant.",
                ),
                name: None,
                key_in: None,
                scheme: Some("bearer"),
                bearer_format: Some("phk_<id>_<secret>"),
                flows: None,
                openid_connect_url: None,
            },
        );
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![SCHEME]
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let access = request.data::<Arc<Access>>().ok_or_else(Problem::internal)?;
        let identity = access.identify(request).await?;
        if let Some(needed) = P::PERMISSION.filter(|needed| !identity.permissions.has(*needed)) {
            return Err(Problem::forbidden(needed, identity.permissions).into());
        }
        access.operations().check_query(request.method(), request.original_uri())?;
        let once = OnceKey::read(request, body, identity.tenant, access.keyring()).await?;
        Ok(Self { identity, once, permitted: PhantomData })
    }
}
