//! API keys of any tenant, for the operator: make, list, revoke.

use poem::Request;
use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};
use uuid::Uuid;

use super::{Operator, Tag};
use crate::api::body::Body;
use crate::api::checks::Checks;
use crate::api::cursor::{self, LIMIT_DEFAULT};
use crate::api::keys::{self, KeyInput, KeyPage, NewKey, read_spec, shown_once};
use crate::api::refusal::{Acting, Reading, Refusal, Writing};
use crate::api::reply::{Created, Found, NoContent, Reply};
use crate::api::tenant;
use crate::domain::permission::Permissions;
use crate::store::api_keys::{self, ApiKey};
use crate::store::{Scope, Store, Work, tenants};

/// The operations on tenants' keys.
pub(super) struct KeysApi {
    /// Where they are.
    pub(super) store: Store,
}

#[OpenApi(tag = "Tag::ApiKeys")]
impl KeysApi {
    /// Create an API key
    ///
    /// The answer shows the key this one time. Without `scopes` it may do everything.
    #[oai(path = "/tenants/:id/api-keys", method = "post", operation_id = "createApiKey")]
    async fn create(
        &self,
        _operator: Operator,
        request: &Request,
        /// Id of the tenant.
        id: Path<Uuid>,
        body: Body<KeyInput>,
    ) -> Result<Created<NewKey>, Refusal<Writing>> {
        let spec = &read_spec(body.0, id.0, Permissions::all())?;
        let key = &ApiKey::generate();
        let added = self
            .store
            .tx("create key", Scope::Operator, move |tx| {
                Work::new(async move {
                    match tenants::find(tx, spec.tenant).await? {
                        Some(_) => api_keys::add(tx, key, spec).await.map(Some),
                        None => Ok(None),
                    }
                })
            })
            .await?;
        Ok(shown_once(request, key, added.ok_or_else(|| tenant::unknown(id.0))?))
    }

    /// List a tenant's API keys
    ///
    /// Newest first, without their secrets. Revoked and expired ones too, but for those made for a day at most, as portal links are.
    #[oai(path = "/tenants/:id/api-keys", method = "get", operation_id = "listApiKeys")]
    async fn list(
        &self,
        _operator: Operator,
        /// Id of the tenant.
        id: Path<Uuid>,
        /// Rows of a page, 100 unless given.
        #[oai(validator(minimum(value = "1"), maximum(value = "500")))]
        limit: Query<Option<u32>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<Found<KeyPage>, Refusal<Reading>> {
        let limit = limit.0.unwrap_or(LIMIT_DEFAULT);
        let mut checks = Checks::default();
        let before = checks.read(cursor.0.as_deref(), cursor::read_text);
        checks.finish()?;
        let (before, rows) = (before.as_deref(), i64::from(limit) + 1);
        let found = self
            .store
            .tx("list keys", Scope::Operator, move |tx| {
                Work::new(async move {
                    match tenants::find(tx, id.0).await? {
                        Some(_) => api_keys::list_of(tx, id.0, before, rows).await.map(Some),
                        None => Ok(None),
                    }
                })
            })
            .await?;
        let found = found.ok_or_else(|| tenant::unknown(id.0))?;
        Ok(Reply::new(KeyPage::cut(found, limit)))
    }

    /// Revoke a tenant's API key
    ///
    /// It is refused within 5 seconds. Revoking it again changes nothing.
    #[oai(path = "/tenants/:id/api-keys/:key_id", method = "delete", operation_id = "revokeApiKey")]
    async fn revoke(
        &self,
        _operator: Operator,
        /// Id of the tenant.
        id: Path<Uuid>,
        /// Id of the key: the ten characters between `phk_` and the second underscore.
        key_id: Path<String>,
    ) -> Result<NoContent, Refusal<Acting>> {
        let key_id = key_id.0.as_str();
        let is_found = self
            .store
            .tx("revoke key", Scope::Operator, move |tx| Work::new(api_keys::revoke_of(tx, id.0, key_id)))
            .await?;
        if is_found { Ok(NoContent) } else { Err(keys::unknown(key_id).into()) }
    }
}
