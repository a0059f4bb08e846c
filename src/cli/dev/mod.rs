//! `posthorn dev`: everything on one machine with nothing installed but PostgreSQL's binaries.
//!
//! An own PostgreSQL with durable settings, a demo tenant with key and business tables, and a local receiver that verifies
//! and prints what arrives. All of it is kept in one folder: a second start goes on with the data.

pub mod cluster;
pub mod demo;
pub mod receiver;
mod workspace;

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use clap::Args;
use secrecy::SecretString;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use self::cluster::{Cluster, ClusterError, ClusterOptions};
use self::demo::DemoError;
use self::receiver::Receiver;
use self::workspace::{Credentials, Workspace, WorkspaceError};
use super::until_stopped;
use crate::config::{
    ApiConfig, Config, DatabasesConfig, DispatcherConfig, KeyringConfig, MetricsConfig, RetentionConfig, Role,
    TracesConfig, WebhookConfig,
};
use crate::domain::keyring::Keyring;
use crate::domain::secret::Secret;
use crate::run::{self, RunError, Running};
use crate::store::migrate::{self, MigrateError};
use crate::store::{Store, StoreError, StoreRole, api_keys};

/// Database of the embedded server.
const DATABASE: &str = "posthorn";

/// Try everything on this machine: embedded PostgreSQL, demo data, and a receiver that prints what arrives
#[derive(Args, Clone, Debug)]
pub struct Dev {
    /// Folder that keeps everything
    #[arg(long, env = "POSTHORN_DEV_DIR", default_value = ".posthorn")]
    pub dir: PathBuf,

    /// Address and port of the local receiver; port 0 takes a free one
    #[arg(long, env = "POSTHORN_DEV_RECEIVER_BIND", default_value = "127.0.0.1:0")]
    pub receiver_bind: SocketAddr,

    /// Leave sending to others
    #[arg(long, default_value_t = false)]
    pub no_dispatcher: bool,

    /// API
    #[command(flatten)]
    pub api: ApiConfig,

    /// Webhooks
    #[command(flatten)]
    pub webhook: WebhookConfig,

    /// Dispatcher
    #[command(flatten)]
    pub dispatcher: DispatcherConfig,

    /// History
    #[command(flatten)]
    pub retention: RetentionConfig,

    /// Metrics
    #[command(flatten)]
    pub metrics: MetricsConfig,
}

/// Why `dev` could not start or stop.
#[derive(Debug, thiserror::Error)]
pub enum DevError {
    /// The folder.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// The embedded server.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The schema.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// A statement while preparing the demo.
    #[error("the demo could not be prepared: {what}")]
    Prepare {
        /// What was tried.
        what: &'static str,
        /// The driver's error.
        source: tokio_postgres::Error,
    },
    /// The demo's tables and functions.
    #[error(transparent)]
    Demo(#[from] DemoError),
    /// The API key.
    #[error("the demo's key could not be made")]
    Key(#[from] StoreError),
    /// The receiver's address.
    #[error(
        "the receiver cannot listen on {address}: {source}. Choose another with --receiver-bind, port 0 takes a free one"
    )]
    Receiver {
        /// The address.
        address: SocketAddr,
        /// The system's error.
        source: std::io::Error,
    },
    /// API and dispatcher.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Signals or stdout.
    #[error("the system failed")]
    System(#[from] std::io::Error),
}

/// Starts everything, says how to try it, and stops everything at Ctrl-C or SIGTERM.
///
/// # Errors
/// [`DevError`] says what to mend.
pub async fn dev(command: Dev) -> Result<(), DevError> {
    let workspace = Workspace::open(&command.dir)?;
    let options = ClusterOptions { data_dir: workspace.data_dir(), port: None, settings: Vec::new() };
    let mut cluster = Cluster::start(options).await.map_err(|error| match error {
        // the server belongs to a dev: that one is to be stopped, or used
        ClusterError::AlreadyRunning { .. } => workspace.running().map_or(error.into(), DevError::Workspace),
        error => error.into(),
    })?;
    workspace.withdraw(); // left by a start that was killed; not before the cluster is ours alone
    let result = run_on(&command, &workspace, &cluster).await;
    // whatever failed, the server is stopped in order
    workspace.withdraw();
    cluster.stop().await?;
    result
}

/// Everything but the database server.
struct Parts {
    running: Running,
    receiver: Receiver,
    printing: JoinHandle<std::io::Result<()>>,
}

async fn run_on(command: &Dev, workspace: &Workspace, cluster: &Cluster) -> Result<(), DevError> {
    let parts = tokio::select! {
        parts = start(command, workspace, cluster) => parts?,
        stopped = until_stopped() => return Ok(stopped?),
    };
    until_stopped().await?;
    writeln!(std::io::stdout(), "stopping …")?;
    parts.running.stop().await;
    parts.receiver.stop().await;
    // ends when the receiver, which holds the sender, is gone
    parts.printing.await.map_err(std::io::Error::from)??;
    Ok(())
}

async fn start(command: &Dev, workspace: &Workspace, cluster: &Cluster) -> Result<Parts, DevError> {
    let client = make_database(cluster).await?;
    let database_url = SecretString::from(cluster.url(DATABASE));
    migrate::migrate(&database_url).await?;

    let secret: Arc<OnceLock<Secret>> = Arc::default();
    let (lines, printed) = mpsc::unbounded_channel();
    let known = secret.clone();
    let receiver = Receiver::start(command.receiver_bind, move || known.get().cloned(), lines)
        .await
        .map_err(|source| DevError::Receiver { address: command.receiver_bind, source })?;
    let printing = tokio::spawn(print(printed));

    let keyring = run::load_keyring(&keyring_config(workspace))?;
    let store = Store::new(&database_url, StoreRole::Owner, 1, u32::MAX)?;
    let credentials = prepare_tenant(workspace, &client, &store, &keyring, &receiver).await?;
    store.close();
    demo::install(&client, credentials.tenant_id).await?;
    // the first to set it; no dispatcher has sent anything yet
    let _ = secret.set(credentials.receiver_secret());

    let credentials = match &command.api.admin_token {
        Some(given) => credentials.with_admin_token(given),
        None => credentials,
    };
    let running = run::start(config(command, workspace, database_url.clone(), &credentials), true).await?;
    announce(workspace, cluster, &running, &receiver, &credentials)?;
    Ok(Parts { running, receiver, printing })
}

/// Creates the database unless an earlier start did; answers with a superuser's connection to it.
async fn make_database(cluster: &Cluster) -> Result<Client, DevError> {
    let fail = |what| move |source| DevError::Prepare { what, source };
    let admin = connect(&cluster.url("postgres")).await.map_err(fail("connecting"))?;
    let exists = admin
        .query_opt("SELECT FROM pg_database WHERE datname = $1", &[&DATABASE])
        .await
        .map_err(fail("looking for the database"))?;
    if exists.is_none() {
        admin.batch_execute("CREATE DATABASE posthorn").await.map_err(fail("creating the database"))?;
    }
    connect(&cluster.url(DATABASE)).await.map_err(fail("connecting"))
}

async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection); // ends with the client
    Ok(client)
}

/// The demo tenant, its key, and its subscription to everything at the receiver, whose port may be another each time.
async fn prepare_tenant(
    workspace: &Workspace,
    client: &Client,
    store: &Store,
    keyring: &Keyring,
    receiver: &Receiver,
) -> Result<Credentials, DevError> {
    let fail = |what| move |source| DevError::Prepare { what, source };
    let credentials = match workspace.credentials()? {
        Some(credentials) => credentials,
        None => {
            let tenant: Uuid =
                client.query_one("SELECT posthorn.uuid7()", &[]).await.map_err(fail("making an id"))?.get(0);
            let made = api_keys::create(store, tenant, "posthorn dev").await?;
            workspace.keep(Credentials::new(tenant, made.key.expose()))?
        }
    };
    let tenant = credentials.tenant_id;
    client
        .execute(
            "UPDATE posthorn.webhook_subscriptions SET url = $2, status = 'active', status_reason = NULL
             WHERE tenant_id = $1 AND description = 'posthorn dev' AND status <> 'deleted'",
            &[&tenant, &receiver.url()],
        )
        .await
        .map_err(fail("pointing the subscription at the receiver"))?;
    let id: Uuid = client.query_one("SELECT posthorn.uuid7()", &[]).await.map_err(fail("making an id"))?.get(0);
    let sealed = keyring.seal(tenant, id, &credentials.receiver_secret());
    // a deleted one was deleted on purpose
    client
        .execute(
            "INSERT INTO posthorn.webhook_subscriptions (id, tenant_id, url, events, description, secret)
             SELECT $1::uuid, $2::uuid, $3::text, '{*}', 'posthorn dev', $4::bytea
             WHERE NOT EXISTS (SELECT FROM posthorn.webhook_subscriptions s
                               WHERE s.tenant_id = $2 AND s.description = 'posthorn dev')",
            &[&id, &tenant, &receiver.url(), &sealed],
        )
        .await
        .map_err(fail("subscribing the receiver"))?;
    Ok(credentials)
}

fn keyring_config(workspace: &Workspace) -> KeyringConfig {
    KeyringConfig { keyring: None, keyring_file: Some(workspace.keyring_file()) }
}

/// The instance's settings; http and loopback receivers are allowed here.
fn config(command: &Dev, workspace: &Workspace, database_url: SecretString, credentials: &Credentials) -> Config {
    let mut config = Config {
        role: if command.no_dispatcher { Role::Api } else { Role::All },
        databases: DatabasesConfig { database_urls: vec![database_url] },
        api: command.api.clone(),
        webhook: command.webhook.clone(),
        keyring: keyring_config(workspace),
        dispatcher: command.dispatcher.clone(),
        retention: command.retention.clone(),
        metrics: command.metrics,
        // what is tried out here is nothing for the collector of everything else
        traces: TracesConfig::default(),
    };
    config.api.admin_token = Some(credentials.admin_token());
    config.webhook.allow_http = true;
    let loopback = [(std::net::Ipv4Addr::LOCALHOST.into(), 8), (std::net::Ipv6Addr::LOCALHOST.into(), 128)];
    config.webhook.allow_networks.extend(
        loopback
            .into_iter()
            .filter_map(|(address, prefix): (std::net::IpAddr, u8)| ipnet::IpNet::new(address, prefix).ok()),
    );
    config
}

/// Writes `dev.json` and says what a newcomer would try next.
fn announce(
    workspace: &Workspace,
    cluster: &Cluster,
    running: &Running,
    receiver: &Receiver,
    credentials: &Credentials,
) -> Result<(), DevError> {
    let database_url = cluster.url(DATABASE);
    let api_url = running.address().map_or_else(String::new, |address| format!("http://{address}"));
    let file = workspace.announce(&api_url, &database_url, &receiver.url(), cluster.data_dir(), credentials)?;
    writeln!(
        std::io::stdout(),
        "posthorn dev is ready: {file}
  page      {api_url}/ (sign in with {key})
  API       {api_url}/docs
  receiver  {receiver} (every webhook is verified and printed below)

Try, in another terminal:
  psql \"{database_url}\" -c \"BEGIN; SELECT demo.pay_invoice(); COMMIT\"
  curl -s -H 'Authorization: Bearer {key}' {api_url}/api/v1/webhooks/deliveries
Ctrl-C stops everything; the next start goes on with the data.
",
        file = file.display(),
        receiver = receiver.url(),
        key = credentials.api_key(),
    )?;
    Ok(())
}

/// One line per webhook, as it comes.
async fn print(mut lines: mpsc::UnboundedReceiver<String>) -> std::io::Result<()> {
    while let Some(line) = lines.recv().await {
        writeln!(std::io::stdout(), "{line}")?;
    }
    Ok(())
}
