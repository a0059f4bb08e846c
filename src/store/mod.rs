//! Postgres. The only place that names the driver: everything else sees rows as values and errors as [`StoreError`].
//!
//! A statement lives in `sql/`, a constant of [`sql`] names it, and a function of one file per table group runs it.

pub mod api_keys;
pub mod archive;
pub mod audit;
pub mod days;
pub mod deliveries;
pub mod dispatchers;
mod error;
pub mod event_types;
pub mod events;
pub mod fanout;
pub mod idempotency;
pub mod instance;
pub mod jobs;
pub mod listen;
pub mod migrate;
pub mod monitoring;
pub mod operational;
pub mod pooler;
pub mod probe;
pub mod queue;
pub mod replay;
pub mod retention;
mod role;
pub mod row;
pub mod sealed;
pub mod search;
pub mod session;
pub mod sql;
pub mod statistics;
pub mod stats;
pub mod subscriptions;
pub mod target;
pub mod tenants;
pub mod test_sends;
mod tls;

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Pool, PoolConfig, QueueMode, RecyclingMethod, Runtime, Timeouts,
};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use crate::metrics::{Metrics, PoolMetrics};

pub use error::{RowError, StoreError};
pub use role::StoreRole;
pub use sql::Sql;

/// Parameters of a statement.
pub type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// Whose rows a transaction may see, and who acts: the audit log names the actor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One tenant's.
    Tenant {
        /// Whose.
        id: Uuid,
        /// `api_key:<id>`, `jwt:<subject>` or `operator`.
        actor: Arc<str>,
    },
    /// Whatever the operator's role may see.
    Operator,
    /// None in particular: what the role may do without a tenant (look up a key, ask for the queue's state).
    Instance,
}

impl Scope {
    /// The operator acting for one tenant.
    pub fn operator_for(id: Uuid) -> Self {
        Self::Tenant { id, actor: OPERATOR.into() }
    }

    /// Tenant and actor as the session's settings take them.
    fn settings(&self) -> (String, &str) {
        match self {
            Self::Tenant { id, actor } => (id.to_string(), actor),
            Self::Operator => (String::new(), OPERATOR),
            Self::Instance => (String::new(), ""),
        }
    }
}

/// The operator's name as an actor.
const OPERATOR: &str = "operator";

/// A pool of connections that all have one role.
#[derive(Clone)]
pub struct Store {
    pool: Pool,
    role: StoreRole,
    /// Who logs in, to be named where that is not enough.
    login: Arc<str>,
    max_payload_bytes: u32,
    patience: Option<Duration>,
    metrics: Option<PoolMetrics>,
}

/// Named in errors where a statement would be, when a connection could not be made or have its role.
const CONNECTING: &str = "connecting";

/// How often a transaction is tried when Postgres asks for another try (40001, 40P01) or a plan has gone stale (0A000).
const TRIES: u32 = 5;

/// Longest wait for a connection of the pool.
const POOL_WAIT: Duration = Duration::from_secs(5);

impl Store {
    /// Makes a pool of at most `connections`; connects when first used.
    ///
    /// # Errors
    /// [`StoreError::Url`] when the database URL cannot be read.
    pub fn new(
        url: &SecretString,
        role: StoreRole,
        connections: usize,
        max_payload_bytes: u32,
    ) -> Result<Self, StoreError> {
        let (config, connector) = tls::parse(url.expose_secret())?;
        let login = config.get_user().unwrap_or_default().into();
        let recycling_method = match role {
            // a round trip more per request, so that none meets a connection that died while it was idle
            StoreRole::Api | StoreRole::Admin => RecyclingMethod::Verified,
            // whatever fails there is tried again
            StoreRole::Dispatcher | StoreRole::Owner | StoreRole::Rekey | StoreRole::Readonly => RecyclingMethod::Fast,
        };
        let manager = Manager::from_config(config, connector, ManagerConfig { recycling_method });
        let pool = Pool::builder(manager)
            .config(PoolConfig {
                max_size: connections,
                // the connection used last has its plans and caches warm, and the others cost nothing
                queue_mode: QueueMode::Lifo,
                timeouts: Timeouts { wait: Some(POOL_WAIT), create: Some(POOL_WAIT), recycle: Some(POOL_WAIT) },
            })
            .runtime(Runtime::Tokio1)
            .post_create(Hook::async_fn(move |client, _| {
                Box::pin(async move { client.batch_execute(role.session()).await.map_err(HookError::Backend) })
            }))
            .build()
            .map_err(|error| StoreError::Url { reason: error.to_string() })?;
        Ok(Self { pool, role, login, max_payload_bytes, patience: role.patience(), metrics: None })
    }

    /// The same store, which waits so long for each answer.
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience: Some(patience), ..self }
    }

    /// The same store, which counts its waits and errors.
    pub fn counted_in(self, metrics: &Metrics) -> Self {
        Self { metrics: Some(metrics.of_pool(self.role.pool())), ..self }
    }

    /// Runs `work` in one READ COMMITTED transaction and commits. `work` is run again when Postgres asks for another try,
    /// so it must bear that; it must not talk to anything else.
    ///
    /// # Errors
    /// Those of `work`, and [`StoreError`] of the transaction itself.
    pub async fn tx<'e, T, F>(&self, name: &'static str, scope: Scope, work: F) -> Result<T, StoreError>
    where
        T: Send,
        F: for<'t> Fn(&'t Tx<'t>) -> Work<'e, 't, T> + Send + Sync,
    {
        let mut attempt = 1;
        loop {
            match self.try_tx(name, &scope, &work).await {
                Err(error) if attempt < TRIES && error.is_retryable() => {
                    attempt += 1;
                    tracing::debug!(name, attempt, error = %error, "transaction is tried again");
                    // whoever was in the way needs a moment to get out of it
                    tokio::time::sleep(Duration::from_millis(rand::random_range(1..=10))).await;
                }
                result => return result,
            }
        }
    }

    async fn try_tx<'e, T, F>(&self, name: &'static str, scope: &Scope, work: &F) -> Result<T, StoreError>
    where
        T: Send,
        F: for<'t> Fn(&'t Tx<'t>) -> Work<'e, 't, T> + Send + Sync,
    {
        let mut client = self.client().await?;
        let result = self.run(&mut client, name, scope, work).await;
        if let Err(error) = &result {
            self.after(error, client);
        }
        result
    }

    async fn run<'e, T, F>(
        &self,
        client: &mut deadpool_postgres::Client,
        name: &'static str,
        scope: &Scope,
        work: &F,
    ) -> Result<T, StoreError>
    where
        T: Send,
        F: for<'t> Fn(&'t Tx<'t>) -> Work<'e, 't, T> + Send + Sync,
    {
        let patience = self.patience;
        let transaction = answered(patience, name, client.transaction()).await?;
        let tx = Tx { transaction, patience };
        if let Some(role) = self.role.of_request() {
            let (tenant, actor) = scope.settings();
            let limit = self.max_payload_bytes.to_string();
            // the connection has the role already; said again here so that no statement before can have changed it
            answered(patience, name, tx.transaction.batch_execute(role)).await?;
            tx.query_one(sql::SESSION_SET_TENANT, &[&tenant, &limit, &actor]).await?;
        }
        let value = work(&tx).steps.await?; // dropping the transaction rolls it back
        answered(patience, name, tx.transaction.commit()).await?;
        Ok(value)
    }

    /// What an error says about its connection and those like it.
    fn after(&self, error: &StoreError, client: deadpool_postgres::Client) {
        self.count(error);
        if error.is_stale_plan() {
            self.pool.manager().statement_caches.clear();
        }
        if error.condemns_connection() {
            drop(deadpool_postgres::Object::take(client)); // closed, not given back
            self.pool.retain(|_, _| false); // nor do those that lie idle lead anywhere else
        }
    }

    /// Runs one statement on its own, without the round trips of a transaction; for roles that need no tenant.
    pub(crate) async fn query(&self, sql: Sql, params: Params<'_>) -> Result<Vec<tokio_postgres::Row>, StoreError> {
        let mut attempt = 1;
        loop {
            let client = self.client().await?;
            let result = answered(self.patience, sql.name, async {
                let statement = client.prepare_cached(sql.text).await?;
                client.query(&statement, params).await
            });
            let error = match result.await {
                Ok(rows) => return Ok(rows),
                Err(error) => error,
            };
            self.after(&error, client);
            if attempt >= TRIES || !error.is_retryable() {
                return Err(error);
            }
            attempt += 1;
        }
    }

    /// The same for a statement that answers with exactly one row.
    pub(crate) async fn query_one(&self, sql: Sql, params: Params<'_>) -> Result<tokio_postgres::Row, StoreError> {
        let rows = self.query(sql, params).await?;
        rows.into_iter().next().ok_or(StoreError::NoRow { statement: sql.name })
    }

    /// The role of its connections.
    pub const fn role(&self) -> StoreRole {
        self.role
    }

    /// Closes the pool: waiting and later calls fail, connections in use are closed when given back.
    pub fn close(&self) {
        self.pool.close();
    }

    async fn client(&self) -> Result<deadpool_postgres::Client, StoreError> {
        let started = Instant::now();
        let client = self.pool.get().await.map_err(|error| StoreError::from_pool(error, self.role, &self.login));
        if let Some(metrics) = &self.metrics {
            metrics.waited(started.elapsed());
        }
        client.inspect_err(|error| self.count(error))
    }

    fn count(&self, error: &StoreError) {
        if let (Some(metrics), Some(class)) = (&self.metrics, error.class()) {
            metrics.failed(class);
        }
    }
}

/// What a transaction does: `|tx| Work::new(async move { … })`. It may borrow from the transaction (`'t`) and from what the
/// closure captured (`'e`). An `AsyncFn` would need neither box nor name, but cannot promise a future that is `Send` for
/// every lifetime, and request handlers must.
pub struct Work<'e, 't, T> {
    steps: Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 't>>,
    outlives: PhantomData<&'t &'e ()>,
}

impl<'t, T> Work<'_, 't, T> {
    /// These steps.
    pub fn new(steps: impl Future<Output = Result<T, StoreError>> + Send + 't) -> Self {
        Self { steps: Box::pin(steps), outlives: PhantomData }
    }

    /// Takes them, as a part of the steps of another.
    ///
    /// # Errors
    /// Those of the steps.
    pub async fn done(self) -> Result<T, StoreError> {
        self.steps.await
    }
}

/// An open transaction.
pub struct Tx<'a> {
    transaction: deadpool_postgres::Transaction<'a>,
    patience: Option<Duration>,
}

impl Tx<'_> {
    /// Runs a statement.
    pub(crate) async fn query(&self, sql: Sql, params: Params<'_>) -> Result<Vec<tokio_postgres::Row>, StoreError> {
        answered(self.patience, sql.name, async {
            let statement = self.transaction.prepare_cached(sql.text).await?;
            self.transaction.query(&statement, params).await
        })
        .await
    }

    /// Runs a statement that answers with at most one row.
    pub(crate) async fn query_opt(
        &self,
        sql: Sql,
        params: Params<'_>,
    ) -> Result<Option<tokio_postgres::Row>, StoreError> {
        Ok(self.query(sql, params).await?.into_iter().next())
    }

    /// Runs a statement that answers with exactly one row.
    pub(crate) async fn query_one(&self, sql: Sql, params: Params<'_>) -> Result<tokio_postgres::Row, StoreError> {
        self.query_opt(sql, params).await?.ok_or(StoreError::NoRow { statement: sql.name })
    }
}

/// Waits for an answer of the server, as long as `patience` says.
async fn answered<T>(
    patience: Option<Duration>,
    statement: &'static str,
    answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, StoreError> {
    let result = match patience {
        Some(patience) => timeout(patience, answer).await.map_err(|_| StoreError::silent(statement))?,
        None => answer.await,
    };
    result.map_err(|e| StoreError::from_driver(statement, e))
}
