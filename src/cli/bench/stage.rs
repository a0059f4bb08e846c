//! What every measurement stands on: a database with one tenant and one signed subscription, and the receiver.

use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};
use time::OffsetDateTime;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use super::receiver::Receiver;
use super::{Bench, BenchError};
use crate::config::{ApiConfig, Config, DatabasesConfig, KeyringConfig, RetentionConfig, Role};
use crate::domain::envelope::{self, EventView};
use crate::domain::keyring::Keyring;
use crate::domain::secret::Secret;
use crate::domain::subscription::PayloadFormat;
use crate::run::{self, RunError, Running};
use crate::store::migrate;

/// Length of every body, in bytes.
const BODY_BYTES: usize = 500;

/// Event type of everything sent here.
pub(super) const EVENT: &str = "bench.measured";

/// The prepared database, the receiver, and the settings of the dispatcher under test.
pub(super) struct Stage {
    /// A connection with the rights of the schema's owner.
    pub(super) db: Client,
    pub(super) tenant_id: Uuid,
    pub(super) secret: Secret,
    pub(super) receiver: Receiver,
    /// Payload, as Postgres prints it, that renders to a body of 500 bytes.
    pub(super) payload: String,
    pub(super) config: Config,
}

impl Stage {
    /// Migrates, adds tenant and subscription, starts the receiver.
    pub(super) async fn prepare(command: &Bench, database_url: SecretString) -> Result<Self, BenchError> {
        migrate::migrate(&database_url).await?;
        let db = connect(database_url.expose_secret()).await?;
        db.batch_execute("SET ROLE posthorn_owner").await.map_err(BenchError::database("taking the owner's role"))?;
        if is_waiting(&db).await? {
            return Err(BenchError::Busy);
        }
        let receiver = Receiver::start().await?;
        let entry = Keyring::generate_entry("bench");
        let keyring = Keyring::parse(&entry).map_err(RunError::from)?;
        let secret = Secret::generate();
        let tenant_id = subscribe(&db, &keyring, &secret, &receiver.url(), command.dispatcher.concurrency).await?;
        let config = dispatcher_config(command, database_url, entry.into());
        let payload = payload(tenant_id, &config);
        Ok(Self { db, tenant_id, secret, receiver, payload, config })
    }

    /// A dispatcher of this process, as `posthorn serve --role dispatcher` runs it.
    pub(super) async fn start_dispatcher(&self) -> Result<Running, BenchError> {
        Ok(run::start(self.config.clone(), false).await?)
    }

    /// Another connection.
    pub(super) async fn connect(&self) -> Result<Client, BenchError> {
        connect(self.config.databases.database_urls[0].expose_secret()).await
    }

    /// Whether any delivery is not finished.
    pub(super) async fn is_waiting(&self) -> Result<bool, BenchError> {
        is_waiting(&self.db).await
    }

    pub(super) async fn postgres_version(&self) -> Result<String, BenchError> {
        let row = self.db.query_one("SHOW server_version", &[]).await;
        row.map_err(BenchError::database("asking for the version")).map(|row| row.get(0))
    }

    /// The body of one event, as the dispatcher would render it.
    pub(super) fn body(&self, event_id: Uuid) -> Bytes {
        render(&self.payload, event_id, self.tenant_id, &self.config)
    }
}

/// Creates a database of an embedded server.
pub(super) async fn create_database(admin_url: &str, name: &'static str) -> Result<(), BenchError> {
    let admin = connect(admin_url).await?;
    let created = admin.batch_execute(&format!("CREATE DATABASE {name}")).await;
    created.map_err(BenchError::database("creating the database"))
}

async fn connect(url: &str) -> Result<Client, BenchError> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.map_err(BenchError::database("connecting"))?;
    tokio::spawn(connection); // ends with the client
    Ok(client)
}

async fn is_waiting(db: &Client) -> Result<bool, BenchError> {
    let row = db.query_one("SELECT EXISTS (SELECT FROM posthorn.webhook_deliveries_live)", &[]).await;
    row.map_err(BenchError::database("looking for waiting deliveries")).map(|row| row.get(0))
}

/// One tenant with one signed subscription that may use every slot; answers with the tenant.
async fn subscribe(
    db: &Client,
    keyring: &Keyring,
    secret: &Secret,
    url: &str,
    max_in_flight: u32,
) -> Result<Uuid, BenchError> {
    let (tenant, subscription) = (Uuid::now_v7(), Uuid::now_v7());
    let sealed = keyring.seal(tenant, subscription, secret);
    let max_in_flight = i32::try_from(max_in_flight).unwrap_or(i32::MAX);
    db.execute("INSERT INTO posthorn.tenants (id, name) VALUES ($1, 'posthorn bench')", &[&tenant])
        .await
        .map_err(BenchError::database("adding a tenant"))?;
    db.execute(
        "INSERT INTO posthorn.webhook_subscriptions (id, tenant_id, url, events, secret, max_in_flight, header_families)
         VALUES ($1, $2, $3, '{bench.measured}', $4, $5, '{standard}')",
        &[&subscription, &tenant, &url, &sealed, &max_in_flight],
    )
    .await
    .map_err(BenchError::database("adding a subscription"))?;
    Ok(tenant)
}

fn dispatcher_config(command: &Bench, database_url: SecretString, keyring: SecretString) -> Config {
    let mut webhook = command.webhook.clone();
    webhook.allow_http = true;
    webhook.allow_networks.push(IpNet::from(std::net::IpAddr::from(Ipv4Addr::LOCALHOST)));
    Config {
        role: Role::Dispatcher,
        databases: DatabasesConfig { database_urls: vec![database_url] },
        // unused by a dispatcher
        api: ApiConfig { bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), admin_token: None, metrics_token: None },
        webhook,
        keyring: KeyringConfig { keyring: Some(keyring), keyring_file: None },
        dispatcher: command.dispatcher.clone(),
        retention: RetentionConfig { retention_days: 0 },
    }
}

/// The payload whose body has the length wanted: the envelope around it is measured with an empty one.
fn payload(tenant_id: Uuid, config: &Config) -> String {
    let filled = |length: usize| format!("{{\"text\": \"{}\"}}", "x".repeat(length));
    let envelope = render(&filled(0), Uuid::nil(), tenant_id, config).len();
    filled(BODY_BYTES.saturating_sub(envelope))
}

fn render(payload: &str, event_id: Uuid, tenant_id: Uuid, config: &Config) -> Bytes {
    let view = EventView {
        id: event_id,
        event: EVENT,
        tenant_id,
        created_at: OffsetDateTime::now_utc(),
        resource_type: None,
        resource_id: None,
        payload_json: payload,
        metadata_json: None,
        source: &config.webhook.source,
    };
    envelope::render(PayloadFormat::Default, &view).body
}
