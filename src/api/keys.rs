//! The tenant's own API keys: make, list, revoke.

use poem::Request;
use poem_openapi::param::{Path, Query};
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};
use secrecy::ExposeSecret;
use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

use super::Tag;
use super::body::{Body, Fields};
use super::caller::{Caller, HandlesKeys, Reads};
use super::checks::Checks;
use super::cursor::{self, LIMIT_DEFAULT};
use super::once::Once;
use super::problem::Problem;
use super::refusal::{Acting, Reading, Refusal, Writing};
use super::reply::{Created, Found, NoContent, Reply};
use super::tenant::NAME_MAX_CHARS;
use crate::domain::permission::{Permission, Permissions};
use crate::store::api_keys::{self, ApiKey, KeyRow, KeySpec};
use crate::store::{Store, Work};

/// The operations on the tenant's keys.
pub(super) struct KeysApi {
    /// Where they are.
    pub(super) store: Store,
}

#[OpenApi(tag = "Tag::ApiKeys")]
impl KeysApi {
    /// Create an API key
    ///
    /// The answer shows the key this one time. A key cannot give scopes that it has not itself.
    #[oai(path = "/api-keys", method = "post", operation_id = "createApiKey")]
    async fn create(
        &self,
        caller: Caller<HandlesKeys>,
        request: &Request,
        body: Body<KeyInput>,
    ) -> Result<Once<Created<NewKey>>, Refusal<Writing>> {
        let spec = &read_spec(body.0, caller.tenant(), caller.permissions())?;
        let beyond = spec.permissions.beyond(caller.permissions());
        if let Some(missing) = Permission::ALL.into_iter().find(|permission| beyond.has(*permission)) {
            return Err(Problem::forbidden(missing, caller.permissions()).into());
        }
        let key = &ApiKey::generate();
        let answer = |row| Ok(shown_once(request, key, row));
        Ok(caller.once(&self.store, "create key", move |tx| Work::new(api_keys::add(tx, key, spec)), answer).await??)
    }

    /// List API keys
    ///
    /// Newest first, without their secrets. Revoked and expired ones too, but for those made for a day at most, as portal links are.
    #[oai(path = "/api-keys", method = "get", operation_id = "listApiKeys")]
    async fn list(
        &self,
        caller: Caller<Reads>,
        /// Rows of a page, 100 unless given.
        #[oai(validator(minimum(value = "1"), maximum(value = "500")))]
        limit: Query<Option<u32>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<Found<KeyPage>, Refusal<Reading>> {
        let (limit, tenant) = (limit.0.unwrap_or(LIMIT_DEFAULT), caller.tenant());
        let mut checks = Checks::default();
        let before = checks.read(cursor.0.as_deref(), cursor::read_text);
        checks.finish()?;
        let (before, rows) = (before.as_deref(), i64::from(limit) + 1);
        let found = self
            .store
            .tx("list keys", caller.scope(), move |tx| Work::new(api_keys::list_of(tx, tenant, before, rows)))
            .await?;
        Ok(Reply::new(KeyPage::cut(found, limit)))
    }

    /// Revoke an API key
    ///
    /// It is refused within 5 seconds. Revoking it again changes nothing.
    #[oai(path = "/api-keys/:id", method = "delete", operation_id = "revokeApiKey")]
    async fn revoke(
        &self,
        caller: Caller<HandlesKeys>,
        /// Id of the key: the ten characters between `phk_` and the second underscore.
        id: Path<String>,
    ) -> Result<NoContent, Refusal<Acting>> {
        let (tenant, key_id) = (caller.tenant(), id.0.as_str());
        let is_found = self
            .store
            .tx("revoke key", caller.scope(), move |tx| Work::new(api_keys::revoke_of(tx, tenant, key_id)))
            .await?;
        if is_found { Ok(NoContent) } else { Err(unknown(key_id).into()) }
    }
}

/// 404 for a key.
pub(super) fn unknown(id: &str) -> Problem {
    Problem::not_found(format!("there is no API key {id}"))
}

/// Reads what key a body asks for; without scopes it gets those of `default`.
pub(super) fn read_spec(mut fields: Fields, tenant: Uuid, default: Permissions) -> Result<KeySpec, Problem> {
    let name = fields.name("name", NAME_MAX_CHARS);
    let scopes = fields.take::<Vec<String>>("scopes", "a list of texts");
    let expires_at = fields.time("expires_at");
    if expires_at.is_some_and(|time| time <= OffsetDateTime::now_utc()) {
        fields.fail("expires_at", "future", "must be in the future");
    }
    let permissions = match scopes {
        None => default,
        Some(words) if words.len() > Permission::ALL.len() => {
            fields.fail("scopes", "count", format!("must be at most {} words", Permission::ALL.len()));
            Permissions::all() // so that nothing else is said of them
        }
        Some(words) => {
            for (index, word) in words.iter().enumerate().filter(|(_, word)| Permission::parse(word).is_none()) {
                let message = format!("must be one of {}, is {word:?}", Permissions::all().words().join(", "));
                fields.fail(&format!("scopes[{index}]"), "unknown_word", message);
            }
            words.iter().filter_map(|word| Permission::parse(word)).collect()
        }
    };
    if permissions.is_empty() {
        fields.fail("scopes", "scopes_count", "must name at least one scope");
    }
    fields.check()?;
    Ok(KeySpec { tenant, name: name.unwrap_or_default(), permissions, expires_at })
}

/// The answer to a request that made a key.
pub(super) fn shown_once(request: &Request, key: &ApiKey, row: KeyRow) -> Created<NewKey> {
    Reply::new(NewKey { info: row.into(), key: key.expose().expose_secret().to_owned() }).at(request, key.id())
}

// The fields are read by `read_spec`: this type is there for the document alone.
/// A key to be made.
#[derive(Object)]
#[oai(deny_unknown_fields, example, skip_serializing_if_is_none)]
pub(super) struct KeyInput {
    /// For people, up to 200 characters.
    #[oai(nullable, validator(max_length = 200))]
    name: Option<String>,
    /// What it may do: `read`, `publish`, `manage`, `keys`; when absent, what the key may that makes it.
    #[oai(nullable, validator(min_items = 1, max_items = 4))]
    scopes: Option<Vec<String>>,
    /// From when it is refused; never when absent.
    #[oai(nullable)]
    expires_at: Option<OffsetDateTime>,
}

impl Example for KeyInput {
    fn example() -> Self {
        Self { name: Some("billing".to_owned()), scopes: Some(vec!["publish".to_owned()]), expires_at: None }
    }
}

/// A key, without its secret.
#[derive(Object, Serialize)]
#[oai(rename = "ApiKey")]
pub(super) struct Key {
    /// The ten characters between `phk_` and the second underscore.
    id: String,
    /// Whom it acts for.
    tenant_id: Uuid,
    /// For people.
    name: String,
    /// What it may do: `read`, `publish`, `manage`, `keys`.
    scopes: Vec<String>,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// From when it is refused; null: never.
    #[oai(nullable)]
    #[serde(with = "time::serde::rfc3339::option")]
    expires_at: Option<OffsetDateTime>,
    /// When it was used last, to the minute.
    #[oai(nullable)]
    #[serde(with = "time::serde::rfc3339::option")]
    last_used_at: Option<OffsetDateTime>,
    /// Since when it is refused.
    #[oai(nullable)]
    #[serde(with = "time::serde::rfc3339::option")]
    revoked_at: Option<OffsetDateTime>,
}

impl From<KeyRow> for Key {
    fn from(row: KeyRow) -> Self {
        Self {
            id: row.id,
            tenant_id: row.tenant_id,
            name: row.name,
            scopes: row.permissions.words().into_iter().map(str::to_owned).collect(),
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            revoked_at: row.revoked_at,
        }
    }
}

/// A key just made.
#[derive(Object, Serialize)]
#[oai(rename = "NewApiKey")]
pub(super) struct NewKey {
    /// What lists show of it.
    #[oai(flatten)]
    #[serde(flatten)]
    info: Key,
    /// The key itself, shown this once.
    key: String,
}

/// A page of keys.
#[derive(Object, Serialize)]
#[oai(rename = "ApiKeyPage")]
pub(super) struct KeyPage {
    /// Newest first.
    data: Vec<Key>,
    /// Where the next page begins; null on the last.
    #[oai(nullable)]
    next_cursor: Option<String>,
}

impl KeyPage {
    /// The page of rows that were fetched with one more than `limit`.
    pub(super) fn cut(found: Vec<KeyRow>, limit: u32) -> Self {
        let (rows, next_cursor) = cursor::page_of_texts(found, limit, |row| row.id.clone());
        Self { data: rows.into_iter().map(Key::from).collect(), next_cursor }
    }
}
