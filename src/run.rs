//! Composition root: from the configuration to a running process, and its orderly end.
//!
//! Start: schema, pools and their rights, days, dispatcher, API. Stop: the API takes no more requests, the dispatcher
//! drains, the pools close.

mod databases;
mod growth;
mod http;
mod rights;

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use databases::{Database, Dispatching};
use rights::{admin_store, check_rights};

use crate::api::{self, ApiState, Jwt, JwtError, Watched};
use crate::config::{Config, JwtAlgorithm, JwtConfig, KeyringConfig, WebhookConfig};
use crate::domain::keyring::{Keyring, KeyringError};
use crate::metrics::Metrics;
use crate::outbound::{Outbound, OutboundError, OutboundOptions};
use crate::page;
use crate::store::migrate::MigrateError;
use crate::store::{Store, StoreError, StoreRole};

/// Connections of the API's pool.
const API_CONNECTIONS: usize = 10;

/// How long requests may take to finish at the end.
const API_GRACE: Duration = Duration::from_secs(10);

/// Why a process could not start.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The schema is not the one this binary needs.
    #[error(transparent)]
    Schema(#[from] MigrateError),
    /// The database failed.
    #[error("the database failed at start-up")]
    Store(#[source] StoreError),
    /// The login lacks a role.
    #[error(transparent)]
    NotAMember(StoreError),
    /// The effective role would not be bound by row security.
    #[error("the effective role {role} {might}: tenants would not be kept apart. Run `{mend}` as a superuser")]
    TooMighty {
        /// The role.
        role: String,
        /// What it is.
        might: String,
        /// The statement that mends it.
        mend: String,
    },
    /// Nobody asks the policies of a table.
    #[error(
        "row security of posthorn.{table} is switched off: tenants would not be kept apart. \
         Run `ALTER TABLE posthorn.{table} ENABLE ROW LEVEL SECURITY` as its owner"
    )]
    Unguarded {
        /// The table.
        table: String,
    },
    /// No keyring was given.
    #[error(
        "no keyring: secrets are sealed with it. Make one with \
         `(umask 077; echo \"main:$(openssl rand -base64 32)\" > keyring)` and set POSTHORN_KEYRING_FILE=keyring"
    )]
    NoKeyring,
    /// A file with a key cannot be used.
    #[error("the {what} file {path} cannot be used: {reason}")]
    KeyFile {
        /// What it was to hold.
        what: &'static str,
        /// Its path.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// The keyring cannot be read.
    #[error("the keyring cannot be read")]
    Keyring(#[from] KeyringError),
    /// The sender cannot be made.
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    /// The address cannot be bound.
    #[error(
        "cannot listen on {address}: {source}. Is another process there? Choose another with {setting}, port 0 takes a free one"
    )]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The setting that names it.
        setting: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// The admin token is too short to be one.
    #[error("POSTHORN_ADMIN_TOKEN needs at least 16 characters")]
    WeakAdminToken,
    /// Tokens cannot be taken as the settings say.
    #[error(transparent)]
    Jwt(#[from] JwtError),
    /// No database was named.
    #[error("no database: set DATABASE_URL or --database-url")]
    NoDatabase,
    /// The same database was named twice.
    #[error("the database {name} is given twice: each needs one --database-url")]
    SameDatabase {
        /// Which, without its login.
        name: String,
    },
    /// Several databases for an API that serves one.
    #[error("several databases with --role api: the API serves one, run one API for each")]
    SeveralWithoutDispatcher,
    /// A database other than the first cannot be served, and not because it is away.
    #[error("the database {name} cannot be served")]
    Further {
        /// Which.
        name: String,
        /// Why.
        #[source]
        source: Box<RunError>,
    },
    /// Two metrics have one name.
    #[error("the metrics cannot be declared")]
    Metrics(#[from] prometheus::Error),
}

impl From<StoreError> for RunError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotAMember { .. } => Self::NotAMember(error),
            error => Self::Store(error),
        }
    }
}

impl RunError {
    /// Whether a database is merely away and may come back.
    fn is_passing(&self) -> bool {
        match self {
            Self::Schema(MigrateError::Store(error)) | Self::Store(error) => error.is_unavailable(),
            _ => false,
        }
    }
}

/// A running process.
pub struct Running {
    api_address: Option<SocketAddr>,
    stop: CancellationToken,
    api: Option<JoinHandle<()>>,
    /// One of each database.
    dispatchers: Vec<JoinHandle<()>>,
    stores: Vec<Store>,
}

/// Starts what `config.role` says; with `migrates` the schema is brought up to date first, else it is only checked.
///
/// # Errors
/// [`RunError`] says what to mend; nothing is left running then.
pub async fn start(config: Config, migrates: bool) -> Result<Running, RunError> {
    if config.databases.database_urls.len() > 1 && !config.role.dispatches() {
        return Err(RunError::SeveralWithoutDispatcher);
    }
    let metrics = Metrics::with(config.metrics)?;
    let databases = databases::open(&config, &metrics)?;
    let Some(first) = databases.first().cloned() else { return Err(RunError::NoDatabase) };
    databases::prepare(&first, migrates).await?;
    let keyring = Arc::new(load_keyring(&config.keyring)?);
    let stop = CancellationToken::new();
    // whatever was started ends when something further down fails
    let guard = stop.clone().drop_guard();
    let mut running =
        Running { api_address: None, stop: stop.clone(), api: None, dispatchers: Vec::new(), stores: Vec::new() };
    running.stores.extend(databases.iter().map(|database| database.store.clone()));
    let watch = |database: &Database, store: &Store| {
        let watched = Watched::new(&database.name, store.clone(), &metrics);
        // what is counted over all tenants is for dispatchers to ask, whose login need not be the API's
        let is_measured = config.role.dispatches();
        Arc::new(if is_measured { watched.measured_by(database.store.clone(), config.metrics.queues) } else { watched })
    };
    let mut watched: Vec<_> = databases.iter().map(|database| watch(database, &database.store)).collect();

    if config.role.serves_api() {
        if config.api.admin_token.as_ref().is_some_and(|token| token.expose_secret().len() < 16) {
            return Err(RunError::WeakAdminToken);
        }
        let store = Store::new(&first.url, StoreRole::Api, API_CONNECTIONS, config.webhook.max_payload_bytes)?
            .counted_in(&metrics.of_database(&first.name));
        running.stores.push(store.clone());
        check_rights(&store).await?;
        // with the API's own rights: its login need not be a dispatcher's
        watched[0] = watch(&first, &store);
        let jwt = load_jwt(&config.api.jwt)?;
        let admin_store = match &config.api.admin_token {
            Some(_) => admin_store(&first.url, &metrics.of_database(&first.name)).await?,
            None => None,
        };
        running.stores.extend(admin_store.clone());
        if !config.role.dispatches() {
            // it makes days; letting them go is not for the role that tenants' requests run under
            let metrics = metrics.of_database(&first.name);
            tokio::spawn(growth::keep_in_shape(store.clone(), growth::Kept::default(), metrics, stop.clone()));
        }
        let state = ApiState {
            store,
            admin_store,
            jwt,
            metrics: metrics.clone(),
            watched,
            config: Arc::new(config.api.clone()),
            webhook: Arc::new(config.webhook.clone()),
            keyring: keyring.clone(),
        };
        let routes = api::routes(state, |route| page::add_to(route, &config.api.page));
        let (bound, task) = serve(config.api.bind, "POSTHORN_BIND", routes, stop.clone()).await?;
        (running.api_address, running.api) = (Some(bound), Some(task));
    } else if let Some(address) = config.dispatcher.metrics_bind {
        let routes = api::metrics_routes(watched, metrics.clone(), Arc::new(config.api.clone()));
        let (bound, task) = serve(address, "POSTHORN_METRICS_BIND", routes, stop.clone()).await?;
        (running.api_address, running.api) = (Some(bound), Some(task));
    }
    if config.role.dispatches() {
        let outbound = Outbound::new(outbound_options(&config.webhook, config.dispatcher.concurrency))?;
        let registered = Mutex::default();
        let dispatching = Arc::new(Dispatching { config, migrates, keyring, metrics, outbound, stop, registered });
        running.dispatchers.push(dispatching.start_first(first).await?);
        let further = databases.into_iter().skip(1).map(|database| dispatching.start_further(database));
        for started in join_all(further).await {
            running.dispatchers.push(started?);
        }
    }
    guard.disarm();
    Ok(running)
}

impl Running {
    /// Where the API (or a dispatcher's metrics) listens; port 0 has become a real one.
    pub const fn address(&self) -> Option<SocketAddr> {
        self.api_address
    }

    /// Stops in order: no more requests, deliveries in flight finish within the drain time, connections close.
    pub async fn stop(self) {
        self.stop.cancel();
        for task in self.api.into_iter().chain(self.dispatchers) {
            if let Err(error) = task.await {
                tracing::error!(error = %error, "a part ended badly");
            }
        }
        for store in self.stores {
            store.close();
        }
    }
}

async fn serve(
    address: SocketAddr,
    setting: &'static str,
    routes: impl poem::Endpoint<Output = poem::Response> + 'static,
    stop: CancellationToken,
) -> Result<(SocketAddr, JoinHandle<()>), RunError> {
    let fail = |source| RunError::Bind { address, setting, source };
    let listener = TcpListener::bind(address).await.map_err(fail)?;
    let bound = listener.local_addr().map_err(fail)?;
    Ok((bound, tokio::spawn(http::serve(listener, routes, stop, API_GRACE))))
}

/// Most connections that a process with these settings takes of a database.
pub(crate) fn connections_of(config: &Config) -> usize {
    let api = if config.role.serves_api() { API_CONNECTIONS } else { 0 };
    let admin =
        if config.role.serves_api() && config.api.admin_token.is_some() { rights::ADMIN_CONNECTIONS } else { 0 };
    // one more listens
    let dispatcher = if config.role.dispatches() { databases::CONNECTIONS + 1 } else { 0 };
    api + admin + dispatcher
}

/// How the process sends, for so many requests in flight.
pub fn outbound_options(webhook: &WebhookConfig, concurrency: u32) -> OutboundOptions {
    OutboundOptions {
        allow_http: webhook.allow_http,
        allow_networks: webhook.allow_networks.clone(),
        ca_file: webhook.ca_file.clone(),
        // fewer would open and close connections under load
        pool_idle_per_host: concurrency as usize,
        pool_idle_timeout: Duration::from_secs(30),
    }
}

/// Reads the keyring from the setting or its file, which only its owner may be able to read.
///
/// # Errors
/// [`RunError::NoKeyring`], [`RunError::KeyFile`] or [`RunError::Keyring`].
pub fn load_keyring(config: &KeyringConfig) -> Result<Keyring, RunError> {
    if let Some(text) = &config.keyring {
        return Ok(Keyring::parse(text.expose_secret())?);
    }
    let path = config.keyring_file.as_ref().ok_or(RunError::NoKeyring)?;
    Ok(Keyring::parse(read_key_file("keyring", path, true)?.expose_secret())?)
}

/// Reads how JWTs are verified, or `None` when none are taken.
pub(crate) fn load_jwt(config: &JwtConfig) -> Result<Option<Jwt>, RunError> {
    let is_secret = config.jwt_algorithm == Some(JwtAlgorithm::Hs256);
    let from_file = match &config.jwt_key_file {
        Some(path) => Some(read_key_file("JWT key", path, is_secret)?),
        None => None,
    };
    let trimmed = from_file.map(|text| text.expose_secret().trim_end().to_owned().into());
    Ok(Jwt::new(config, config.jwt_key.as_ref().or(trimmed.as_ref()))?)
}

/// Reads a file that holds a key; of a secret one, only its owner may be able to.
fn read_key_file(what: &'static str, path: &Path, is_secret: bool) -> Result<SecretString, RunError> {
    let refuse = |reason: String| RunError::KeyFile { what, path: path.display().to_string(), reason };
    #[cfg(unix)]
    if is_secret {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(path).map_err(|e| refuse(e.to_string()))?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(refuse(format!("its mode is {:o}, others can read it: chmod 600", mode & 0o777)));
        }
    }
    Ok(std::fs::read_to_string(path).map_err(|e| refuse(e.to_string()))?.into())
}
