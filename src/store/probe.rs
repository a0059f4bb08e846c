//! One connection to look at a database with (`posthorn doctor`): it can change nothing, and waits for no answer for long.

use std::future::{Future, poll_fn};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use tokio::sync::{Mutex, mpsc};
use tokio::time::timeout;
use tokio_postgres::{AsyncMessage, Client};
use uuid::Uuid;

use super::row::facts;
use super::{Params, Sql, StoreError, StoreRole, tls};

/// Longest wait for a connection or an answer.
const DEADLINE: Duration = Duration::from_secs(8);

/// What holds from the first answer on. The server gives up before we do, so that its reason is heard.
const SESSION: &str =
    "SET default_transaction_read_only = on; SET statement_timeout = '5s'; SET lock_timeout = '1s'; SET jit = off";

/// A connection that only reads.
pub struct Probe {
    client: Client,
    heard: Mutex<mpsc::UnboundedReceiver<String>>,
}

impl Probe {
    /// Connects as the login. Nothing is set before [`Probe::restrain`], so that the first questions find what any session finds.
    ///
    /// # Errors
    /// [`StoreError`] when there is no connection within 8 seconds.
    pub async fn connect(url: &SecretString) -> Result<Self, StoreError> {
        let (config, connector) = tls::parse(url.expose_secret())?;
        let (client, mut connection) = answered("connecting", config.connect(connector)).await?;
        let (tell, heard) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
                if let AsyncMessage::Notification(notification) = message {
                    let _ = tell.send(notification.channel().to_owned()); // nobody listens at the end
                }
            }
        });
        Ok(Self { client, heard: Mutex::new(heard) })
    }

    /// From now on nothing can be changed, and no statement takes long.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub async fn restrain(&self) -> Result<(), StoreError> {
        answered("doctor/restrain", self.client.batch_execute(SESSION)).await
    }

    /// Works with a role, or as the login with `None`.
    ///
    /// # Errors
    /// [`StoreError::Denied`] when the login may not.
    pub async fn become_role(&self, role: Option<StoreRole>) -> Result<(), StoreError> {
        let statement = role.map_or_else(|| "RESET ROLE".to_owned(), |role| format!("SET ROLE {}", role.name()));
        answered("doctor/role", self.client.batch_execute(&statement)).await
    }

    /// Asks; each row of the answer is one value of `T`, which the column `facts` has as JSON.
    ///
    /// # Errors
    /// [`StoreError`] of the database, within 8 seconds.
    pub async fn ask<T: DeserializeOwned>(&self, sql: Sql, params: Params<'_>) -> Result<Vec<T>, StoreError> {
        let rows = answered(sql.name, async {
            let statement = self.client.prepare(sql.text).await?;
            self.client.query(&statement, params).await
        });
        rows.await?.iter().map(|row| facts(row, sql.name)).collect()
    }

    /// The same for a statement that answers with exactly one row.
    ///
    /// # Errors
    /// [`StoreError`] of the database, within 8 seconds.
    pub async fn ask_one<T: DeserializeOwned>(&self, sql: Sql, params: Params<'_>) -> Result<T, StoreError> {
        self.ask(sql, params).await?.pop().ok_or(StoreError::NoRow { statement: sql.name })
    }

    /// Sends itself a NOTIFY on a channel that nobody else has, and says whether it came back within 5 seconds.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub async fn hears_itself(&self) -> Result<bool, StoreError> {
        let channel = format!("posthorn_doctor_{}", Uuid::now_v7().simple());
        answered("doctor/listen", self.client.batch_execute(&format!("LISTEN {channel}; NOTIFY {channel}"))).await?;
        let mut heard = self.heard.lock().await;
        let comes = async { while heard.recv().await.is_some_and(|heard| heard != channel) {} };
        let came = timeout(Duration::from_secs(5), comes).await.is_ok();
        answered("doctor/listen", self.client.batch_execute(&format!("UNLISTEN {channel}"))).await?;
        Ok(came)
    }
}

async fn answered<T>(
    statement: &'static str,
    answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, StoreError> {
    let result = timeout(DEADLINE, answer).await.map_err(|_| StoreError::silent(statement))?;
    result.map_err(|error| StoreError::from_driver(statement, error))
}
