//! The listening connection: never pooled, never in a transaction, and the owner of the wake-up gate.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Notify;
use tokio::time::timeout;
use tokio_postgres::{AsyncMessage, Client, Statement};

use super::{Sql, StoreError, StoreRole, sql, tls};

/// Longest answer time of a statement on this connection before it counts as dead.
const DEADLINE: Duration = Duration::from_secs(5);

/// Longest time to connect and listen: the socket's own time-out ends with the first answer of whatever accepts connections.
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);

/// Channel on which test sends are asked for.
const TESTS: &str = "posthorn_tests";

/// A connection that hears wake-ups and can close the gate.
pub struct Listener {
    client: Client,
    try_sentinel: Statement,
    close_gate: Statement,
    open_gate: Statement,
    listening: Statement,
}

impl Listener {
    /// Connects and listens. Any number of notifications becomes one permit of `wake`, of `tests` where a test send is wanted, or of
    /// `jobs` where there is a new one: a flood costs nothing.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be reached within 10 seconds.
    pub async fn connect(
        url: &SecretString,
        wake: Arc<Notify>,
        tests: Arc<Notify>,
        jobs: Arc<Notify>,
    ) -> Result<Self, StoreError> {
        let late = |source| StoreError::Unavailable { context: "connecting", source: Box::new(source) };
        timeout(CONNECT_DEADLINE, Self::connect_at_leisure(url, wake, tests, jobs)).await.map_err(late)?
    }

    async fn connect_at_leisure(
        url: &SecretString,
        wake: Arc<Notify>,
        tests: Arc<Notify>,
        jobs: Arc<Notify>,
    ) -> Result<Self, StoreError> {
        let (config, connector) = tls::parse(url.expose_secret())?;
        let (client, mut connection) =
            config.connect(connector).await.map_err(|e| StoreError::from_driver("connecting", e))?;
        tokio::spawn(async move {
            // notifications arrive only while someone polls for messages
            while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
                match message {
                    AsyncMessage::Notification(of) if of.channel() == TESTS => tests.notify_one(),
                    AsyncMessage::Notification(of) if of.payload() == "jobs" => jobs.notify_one(),
                    AsyncMessage::Notification(_) => wake.notify_one(),
                    _ => {}
                }
            }
            // the connection ended: whoever waits should look, and will find it closed
            wake.notify_one();
        });
        let prepare = async |sql: Sql| client.prepare(sql.text).await.map_err(|e| StoreError::from_driver(sql.name, e));
        let (try_sentinel, close_gate, open_gate, listening) = (
            prepare(sql::QUEUE_TRY_SENTINEL).await?,
            prepare(sql::QUEUE_CLOSE_GATE).await?,
            prepare(sql::QUEUE_OPEN_GATE).await?,
            prepare(sql::QUEUE_LISTENING).await?,
        );
        client
            .batch_execute(&format!("{}; LISTEN posthorn_wake; LISTEN {TESTS}", StoreRole::Dispatcher.session()))
            .await
            .map_err(|e| StoreError::from_driver("listen", e))?;
        Ok(Self { client, try_sentinel, close_gate, open_gate, listening })
    }

    /// Whether this is the one dispatcher that may close the gate, from now until the connection ends.
    ///
    /// # Errors
    /// [`StoreError`] of the connection.
    pub async fn try_sentinel(&self) -> Result<bool, StoreError> {
        self.ask(sql::QUEUE_TRY_SENTINEL, &self.try_sentinel).await
    }

    /// Tries to close the gate. True: every producer that skipped its NOTIFY has finished, and those to come will notify.
    ///
    /// # Errors
    /// [`StoreError`] of the connection.
    pub async fn close_gate(&self) -> Result<bool, StoreError> {
        self.ask(sql::QUEUE_CLOSE_GATE, &self.close_gate).await
    }

    /// Opens the gate: this dispatcher is awake.
    ///
    /// # Errors
    /// [`StoreError`] of the connection.
    pub async fn open_gate(&self) -> Result<bool, StoreError> {
        self.ask(sql::QUEUE_OPEN_GATE, &self.open_gate).await
    }

    /// The heartbeat: whether the connection answers and still listens.
    ///
    /// # Errors
    /// [`StoreError`] when it does not answer in 5 seconds.
    pub async fn is_listening(&self) -> Result<bool, StoreError> {
        self.ask(sql::QUEUE_LISTENING, &self.listening).await
    }

    async fn ask(&self, sql: Sql, statement: &Statement) -> Result<bool, StoreError> {
        let late = |source| StoreError::Unavailable { context: sql.name, source: Box::new(source) };
        let row = timeout(DEADLINE, self.client.query_one(statement, &[])).await.map_err(late)?;
        row.map(|row| row.get(0)).map_err(|e| StoreError::from_driver(sql.name, e))
    }
}
