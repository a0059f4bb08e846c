//! Links into one tenant's admin page, for the operator: a key of the tenant that ends soon, and where to go with it.

use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use secrecy::ExposeSecret;
use serde::Serialize;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{BASE, Operator, Tag};
use crate::api::body::{Body, Fields};
use crate::api::problem::Problem;
use crate::api::refusal::{Refusal, Writing};
use crate::api::reply::{Created, Reply};
use crate::api::tenant;
use crate::domain::permission::{Permission, Permissions};
use crate::store::api_keys::{self, ApiKey, KeySpec};
use crate::store::{Scope, Store, Work, tenants};

/// What the key is called in lists and in the audit log.
const NAME: &str = "portal link";

/// How long a link can last, in seconds; the schema says the same.
const SECONDS: std::ops::RangeInclusive<i32> = 60..=86_400;

/// How long it lasts unless told.
const SECONDS_DEFAULT: i32 = 3600;

/// What a link can permit. Not to make keys: they would outlast it.
const PERMITTED: [Permission; 3] = [Permission::Read, Permission::Publish, Permission::Manage];

/// The operation on portal links.
pub(super) struct PortalLinksApi {
    /// Where keys are.
    pub(super) store: Store,
    /// What links begin with; empty: they are relative to the server. Not taken from a request: its Host is the caller's word.
    pub(super) public_url: String,
}

#[OpenApi(tag = "Tag::PortalLinks")]
impl PortalLinksApi {
    /// Create a portal link
    ///
    /// Opens the admin page of one tenant, and nothing else, until it ends: for a link or a frame in an application of yours. The
    /// token is an API key of the tenant, listed as `portal link`, and can be revoked
    /// like any other, at `Location`. It is shown this one time.
    /// The link has it behind the `#`, which browsers send to no server.
    #[oai(path = "/portal-links", method = "post", operation_id = "createPortalLink")]
    async fn create(
        &self,
        _operator: Operator,
        body: Body<PortalLinkInput>,
    ) -> Result<Created<PortalLink>, Refusal<Writing>> {
        let (spec, expires_at) = read(body.0, OffsetDateTime::now_utc())?;
        let (key, spec) = (&ApiKey::generate(), &spec);
        let tenant = self
            .store
            .tx("create portal link", Scope::Operator, move |tx| {
                Work::new(async move {
                    let found = tenants::find(tx, spec.tenant).await?;
                    if found.as_ref().is_some_and(|tenant| tenant.disabled_at.is_none()) {
                        api_keys::add(tx, key, spec).await?;
                    }
                    Ok(found)
                })
            })
            .await?;
        if tenant.ok_or_else(|| tenant::unknown(spec.tenant))?.disabled_at.is_some() {
            return Err(
                Problem::conflict(format!("the tenant {} is disabled: its keys are refused", spec.tenant)).into()
            );
        }
        let token = key.expose().expose_secret().to_owned();
        let url = format!("{}/#/portal?token={token}", self.public_url);
        let place = format!("{BASE}/tenants/{}/api-keys/{}", spec.tenant, key.id());
        Ok(Reply::new(PortalLink { url, token, expires_at }).at_path(place))
    }
}

/// Reads what key a link needs, and when it ends.
fn read(mut fields: Fields, now: OffsetDateTime) -> Result<(KeySpec, OffsetDateTime), Problem> {
    fields.require("tenant_id");
    let tenant = fields.take::<Uuid>("tenant_id", "a UUID");
    let words = fields.take::<Vec<String>>("permissions", "a list of texts");
    let seconds = fields.number("expires_in_seconds", SECONDS).unwrap_or(SECONDS_DEFAULT);
    let parse = |word: &str| Permission::parse(word).filter(|permission| PERMITTED.contains(permission));
    let permissions: Permissions = match words {
        None => [Permission::Read, Permission::Manage].into_iter().collect(),
        Some(words) if words.len() > PERMITTED.len() => {
            fields.fail("permissions", "count", format!("must be at most {} words", PERMITTED.len()));
            Permissions::all() // so that nothing else is said of them
        }
        Some(words) => {
            for (index, word) in words.iter().enumerate().filter(|(_, word)| parse(word).is_none()) {
                let message = format!("must be one of read, publish, manage, is {word:?}");
                fields.fail(&format!("permissions[{index}]"), "unknown_word", message);
            }
            words.iter().filter_map(|word| parse(word)).collect()
        }
    };
    if !permissions.has(Permission::Read) {
        fields.fail("permissions", "read_needed", "must have read, without which the page shows nothing");
    }
    fields.check()?;
    let expires_at = now + Duration::seconds(seconds.into());
    let tenant = tenant.unwrap_or_default();
    Ok((KeySpec { tenant, name: NAME.to_owned(), permissions, expires_at: Some(expires_at) }, expires_at))
}

// The fields are read by `read`: this type is there for the document alone.
/// A link to be made.
#[derive(Object)]
#[oai(deny_unknown_fields, example, skip_serializing_if_is_none)]
struct PortalLinkInput {
    /// Whose page it opens.
    tenant_id: Uuid,
    /// What the page may do there: `read`, which it cannot do without, `publish`, `manage`; `read` and `manage` when absent.
    #[oai(nullable, validator(min_items = 1, max_items = 3))]
    permissions: Option<Vec<String>>,
    /// How long it lasts, in seconds; an hour when absent.
    #[oai(nullable, validator(minimum(value = "60"), maximum(value = "86400")))]
    expires_in_seconds: Option<i32>,
}

impl Example for PortalLinkInput {
    fn example() -> Self {
        let tenant_id = Uuid::from_u128(0x6f1c_0c9e_6f0e_7d3a_9b55_0d8f_2f3c_4a10);
        Self { tenant_id, permissions: Some(vec!["read".to_owned()]), expires_in_seconds: Some(900) }
    }
}

/// A link into a tenant's admin page.
#[derive(Object, Serialize)]
struct PortalLink {
    /// Where to send the browser; relative to this server unless `POSTHORN_PUBLIC_URL` is set.
    url: String,
    /// The key in it, for a page of your own that calls the API.
    token: String,
    /// From when it is refused.
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
}
