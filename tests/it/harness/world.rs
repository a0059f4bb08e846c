//! A test's own database, and the verbs to set it up and look into it.

use std::future::poll_fn;
use std::time::Duration;

use posthorn::domain::keyring::Keyring;
use posthorn::domain::secret::Secret;
use posthorn::store::{Store, StoreRole};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use time::OffsetDateTime;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_postgres::{AsyncMessage, Client, NoTls};
use uuid::Uuid;

use super::{SOON, server};

/// The keyring that seals the secrets of [`World::subscribe_signed`]; its key has the id `test`.
pub(crate) const KEYRING: &str = "test:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// A database of one test.
pub(crate) struct World {
    /// A connection as superuser.
    pub(crate) db: Client,
    database: String,
}

/// A delivery as it stands in the database.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DeliveryRow {
    pub(crate) id: Uuid,
    pub(crate) subscription_id: Uuid,
    pub(crate) event_id: Uuid,
    pub(crate) event: String,
    pub(crate) status: String,
    pub(crate) attempts: i32,
    /// `None`: it waits for the one before it in its line.
    pub(crate) due_at: Option<OffsetDateTime>,
    pub(crate) last_error_kind: Option<String>,
}

/// NOTIFYs of a channel, in the order they came.
pub(crate) struct Notifications {
    received: mpsc::UnboundedReceiver<String>,
    _client: Client,
}

impl World {
    /// A database with the schema and nothing of anybody's in it.
    pub(crate) async fn new() -> Self {
        Self::in_database(server().migrated_database().await).await
    }

    /// A database without the schema.
    pub(crate) async fn empty() -> Self {
        Self::in_database(server().empty_database().await).await
    }

    async fn in_database(database: String) -> Self {
        let db = connect(server().url(&database).expose_secret()).await;
        Self { db, database }
    }

    /// Where the database is, as superuser.
    pub(crate) fn url(&self) -> SecretString {
        server().url(&self.database)
    }

    /// The database's name.
    pub(crate) fn database(&self) -> &str {
        &self.database
    }

    /// A pool of a few connections with a role.
    pub(crate) fn store(&self, role: StoreRole) -> Store {
        Store::new(&self.url(), role, 4, 262_144).unwrap()
    }

    /// Another connection as superuser.
    pub(crate) async fn client(&self) -> Client {
        connect(self.url().expose_secret()).await
    }

    /// Another connection, with the rights of `role`.
    pub(crate) async fn client_as(&self, role: &str) -> Client {
        let client = self.client().await;
        client.batch_execute(&format!("SET ROLE {role}")).await.unwrap();
        client
    }

    /// Another connection as the API has it, acting for `tenant`.
    pub(crate) async fn client_of(&self, tenant: Uuid) -> Client {
        let client = self.client_as("posthorn_api").await;
        client.batch_execute(&format!("SET posthorn.tenant_id = '{tenant}'")).await.unwrap();
        client
    }

    /// Hears what is sent to a channel from now on.
    pub(crate) async fn listen(&self, channel: &str) -> Notifications {
        let (client, mut connection) = tokio_postgres::connect(self.url().expose_secret(), NoTls).await.unwrap();
        let (sender, received) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
                if let AsyncMessage::Notification(notification) = message {
                    // nobody listens any more when the test is over
                    let _ = sender.send(notification.payload().to_owned());
                }
            }
        });
        client.batch_execute(&format!("LISTEN {channel}")).await.unwrap();
        Notifications { received, _client: client }
    }

    /// Adds a tenant.
    pub(crate) async fn tenant(&self, name: &str) -> Uuid {
        let sql = "INSERT INTO posthorn.tenants (name) VALUES ($1) RETURNING id";
        self.db.query_one(sql, &[&name]).await.unwrap().get(0)
    }

    /// Adds an unsigned subscription.
    pub(crate) async fn subscribe(&self, tenant: Uuid, url: &str, events: &[&str]) -> Uuid {
        let sql = "INSERT INTO posthorn.webhook_subscriptions (tenant_id, url, events, signing)
                   VALUES ($1, $2, $3, 'none') RETURNING id";
        self.db.query_one(sql, &[&tenant, &url, &events]).await.unwrap().get(0)
    }

    /// Adds a signed subscription, its secret sealed with [`World::keyring`].
    pub(crate) async fn subscribe_signed(&self, tenant: Uuid, url: &str, events: &[&str], secret: &Secret) -> Uuid {
        let id = Uuid::now_v7();
        let sealed = self.keyring().seal(tenant, id, secret);
        let sql = "INSERT INTO posthorn.webhook_subscriptions (id, tenant_id, url, events, secret)
                   VALUES ($1, $2, $3, $4, $5)";
        self.db.execute(sql, &[&id, &tenant, &url, &events, &sealed]).await.unwrap();
        id
    }

    /// Adds an unsigned subscription to every event with a filter.
    pub(crate) async fn subscribe_filtered(&self, tenant: Uuid, filter: &str) -> Uuid {
        let sql = "INSERT INTO posthorn.webhook_subscriptions (tenant_id, url, events, signing, filter)
                   VALUES ($1, 'https://receiver.example/filtered', '{*}', 'none', $2::text::jsonpath) RETURNING id";
        self.db.query_one(sql, &[&tenant, &filter]).await.unwrap().get(0)
    }

    /// The keyring of the tests.
    pub(crate) fn keyring(&self) -> Keyring {
        Keyring::parse(KEYRING).unwrap()
    }

    /// Publishes an event in a transaction of its own.
    pub(crate) async fn publish(&self, tenant: Uuid, event: &str, payload: Value) -> Uuid {
        let sql = "SELECT posthorn.publish($1, $2, $3)";
        self.db.query_one(sql, &[&tenant, &event, &payload]).await.unwrap().get(0)
    }

    /// Publishes events in one statement: the n-th, from 1, has the payload `{"n": n}`.
    pub(crate) async fn publish_many(&self, tenant: Uuid, event: &str, count: i32) {
        let sql = "INSERT INTO posthorn.outbox (tenant_id, event, payload)
                   SELECT $1, $2, jsonb_build_object('n', n) FROM generate_series(1, $3) AS n";
        self.db.execute(sql, &[&tenant, &event, &count]).await.unwrap();
    }

    /// The one delivery of an event.
    pub(crate) async fn delivery(&self, event: Uuid) -> DeliveryRow {
        let sql = "SELECT d.tenant_id FROM posthorn.webhook_deliveries d WHERE d.event_id = $1";
        let tenant = self.db.query_one(sql, &[&event]).await.unwrap().get(0);
        self.deliveries(tenant).await.into_iter().find(|delivery| delivery.event_id == event).unwrap()
    }

    /// A tenant's deliveries, oldest first.
    pub(crate) async fn deliveries(&self, tenant: Uuid) -> Vec<DeliveryRow> {
        let sql =
            "SELECT d.id, d.subscription_id, d.event_id, d.event, d.status, d.attempts, d.due_at, d.last_error_kind
                   FROM posthorn.webhook_deliveries d WHERE d.tenant_id = $1 ORDER BY d.id";
        let rows = self.db.query(sql, &[&tenant]).await.unwrap();
        rows.iter()
            .map(|row| DeliveryRow {
                id: row.get("id"),
                subscription_id: row.get("subscription_id"),
                event_id: row.get("event_id"),
                event: row.get("event"),
                status: row.get("status"),
                attempts: row.get("attempts"),
                due_at: row.get("due_at"),
                last_error_kind: row.get("last_error_kind"),
            })
            .collect()
    }

    /// The one number that a query answers with.
    pub(crate) async fn count(&self, query: &str) -> i64 {
        self.db.query_one(query, &[]).await.unwrap().get(0)
    }
}

impl Notifications {
    /// Payload of the next NOTIFY.
    pub(crate) async fn next(&mut self) -> String {
        let limit: Duration = SOON;
        timeout(limit, self.received.recv()).await.expect("no NOTIFY came").expect("the connection ended")
    }
}

/// Connects; the connection ends when the client is dropped.
pub(crate) async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
