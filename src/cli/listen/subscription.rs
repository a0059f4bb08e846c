//! The subscription of a program that listens for a while: made by the API or in the database, removed at its end.

use bytes::Bytes;
use clap::Args;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use super::{http, web_url};
use crate::cli::tenant;
use crate::config::KeyringConfig;
use crate::domain::secret::Secret;
use crate::run::{self, RunError};
use crate::store::{Scope, Store, StoreError, StoreRole, Work, subscriptions};

/// Who is to send here, and how that is arranged.
#[derive(Args, Clone, Debug)]
pub struct SubscribeOptions {
    /// Subscribe this address to these event types or groups, by commas, until it ends: by --api-url and --api-key, or by --database-url and --tenant
    #[arg(long = "subscribe", value_name = "EVENTS", value_delimiter = ',')]
    pub events: Vec<String>,

    /// Where Posthorn reaches this address, if not by the one it listens on, such as a tunnel's
    #[arg(long, value_name = "URL", value_parser = web_url, requires = "events")]
    pub public_url: Option<Url>,

    /// Posthorn's API, such as http://127.0.0.1:8080/api/v1/webhooks
    #[arg(long, env = "POSTHORN_API_URL", value_name = "URL", value_parser = web_url)]
    pub api_url: Option<Url>,

    /// API key of the tenant
    #[arg(long, env = "POSTHORN_API_KEY", hide_env_values = true)]
    pub api_key: Option<SecretString>,

    /// Where Postgres is, in place of the API; the keyring of serve is needed besides
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<SecretString>,

    /// Whose subscription it is, beside --database-url
    #[arg(long, value_name = "ID", value_parser = tenant::id)]
    pub tenant: Option<Uuid>,

    /// Keys that seal secrets, beside --database-url
    #[command(flatten)]
    pub keyring: KeyringConfig,
}

/// Why there is no subscription, or why it is still there.
#[derive(Debug, thiserror::Error)]
pub enum SubscriptionError {
    /// How is not said.
    #[error("--subscribe needs --api-url and --api-key, or --database-url, --tenant and the keyring")]
    Unsaid,
    /// The API did not answer.
    #[error("the API at {url} did not answer")]
    Silent {
        /// Where.
        url: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The API refused.
    #[error("the API answered {status}: {detail}")]
    Refused {
        /// Its status.
        status: StatusCode,
        /// Its words.
        detail: String,
    },
    /// The keyring.
    #[error(transparent)]
    Keyring(#[from] RunError),
    /// Nobody is known by this id.
    #[error(
        "there is no tenant {0}: `SELECT id, name FROM posthorn.tenants` lists them, `posthorn keys create --tenant {0}` adds it"
    )]
    NoTenant(Uuid),
    /// The database.
    #[error("the subscription could not be made or removed")]
    Store(#[from] StoreError),
}

/// A subscription that is there until [`Subscription::remove`].
pub(super) struct Subscription {
    id: Uuid,
    url: String,
    home: Home,
}

/// Who made it.
enum Home {
    Api { url: Url, key: SecretString },
    Database { store: Store, tenant: Uuid },
}

impl Subscription {
    /// Makes one, if one is asked for; with its secret.
    pub(super) async fn make(
        options: &SubscribeOptions,
        own: &str,
    ) -> Result<Option<(Self, Secret)>, SubscriptionError> {
        if options.events.is_empty() {
            return Ok(None);
        }
        let url = options.public_url.as_ref().map_or_else(|| own.to_owned(), Url::to_string);
        let made = match (&options.api_url, &options.api_key, &options.database_url, options.tenant) {
            (Some(api), Some(key), ..) => by_api(api, key, &url, &options.events).await?,
            (_, _, Some(database), Some(tenant)) => in_database(database, tenant, &url, options).await?,
            _ => return Err(SubscriptionError::Unsaid),
        };
        Ok(Some(made))
    }

    pub(super) const fn id(&self) -> Uuid {
        self.id
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Removes it.
    pub(super) async fn remove(self) -> Result<(), SubscriptionError> {
        let id = self.id;
        match self.home {
            Home::Api { url, key } => {
                call(Method::DELETE, &below(&url, &format!("subscriptions/{id}")), &key, None).await?;
            }
            Home::Database { store, tenant } => {
                store
                    .tx("stop listening", Scope::operator_for(tenant), move |tx| {
                        Work::new(subscriptions::delete(tx, id))
                    })
                    .await?;
            }
        }
        Ok(())
    }
}

async fn by_api(
    api: &Url,
    key: &SecretString,
    url: &str,
    events: &[String],
) -> Result<(Subscription, Secret), SubscriptionError> {
    let body = json!({"url": url, "events": events, "description": "posthorn listen"});
    let answer = call(Method::POST, &below(api, "subscriptions"), key, Some(&body)).await?;
    let odd =
        |what: &str| SubscriptionError::Refused { status: StatusCode::CREATED, detail: format!("no {what} in it") };
    let id = answer["id"].as_str().and_then(|id| id.parse().ok()).ok_or_else(|| odd("id"))?;
    let secret =
        answer["secret"].as_str().and_then(|text| Secret::parse("secret", text).ok()).ok_or_else(|| odd("secret"))?;
    Ok((Subscription { id, url: url.to_owned(), home: Home::Api { url: api.clone(), key: key.clone() } }, secret))
}

async fn in_database(
    database: &SecretString,
    tenant: Uuid,
    url: &str,
    options: &SubscribeOptions,
) -> Result<(Subscription, Secret), SubscriptionError> {
    let keyring = run::load_keyring(&options.keyring)?;
    let store = Store::new(database, StoreRole::Api, 1, u32::MAX)?;
    let (id, secret) = (Uuid::now_v7(), Secret::generate());
    let sealed = keyring.seal(tenant, id, &secret);
    let (events, sealed) = (&options.events, &sealed);
    store
        .tx("listen", Scope::operator_for(tenant), move |tx| {
            Work::new(subscriptions::listen(tx, id, tenant, url, events, sealed))
        })
        .await
        .map_err(|error| match error {
            StoreError::Constraint { constraint, .. } if constraint == "webhook_subscriptions_tenant_id_fkey" => {
                SubscriptionError::NoTenant(tenant)
            }
            error => error.into(),
        })?;
    Ok((Subscription { id, url: url.to_owned(), home: Home::Database { store, tenant } }, secret))
}

/// A path below the API's base, whether that ends with a slash or not.
fn below(api: &Url, path: &str) -> Url {
    let mut url = api.clone();
    url.set_path(&format!("{}/{path}", api.path().trim_end_matches('/')));
    url
}

async fn call(method: Method, url: &Url, key: &SecretString, body: Option<&Value>) -> Result<Value, SubscriptionError> {
    let silent = |source| SubscriptionError::Silent { url: url[..url::Position::AfterPath].to_owned(), source };
    let mut headers = HeaderMap::new();
    let mut token =
        HeaderValue::from_str(&format!("Bearer {}", key.expose_secret())).map_err(|error| silent(error.into()))?;
    token.set_sensitive(true);
    headers.insert(AUTHORIZATION, token);
    if body.is_some() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    let body = body.map_or_else(Bytes::new, |body| body.to_string().into());
    let (status, _, answer) = http::send(method, url, headers, body).await.map_err(silent)?;
    let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
    if !status.is_success() {
        let first = &answer["errors"][0]["message"];
        let detail = first.as_str().or_else(|| answer["detail"].as_str()).unwrap_or("nothing more");
        let detail = detail.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        return Err(SubscriptionError::Refused { status, detail });
    }
    Ok(answer)
}
