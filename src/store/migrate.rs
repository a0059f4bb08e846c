//! Migrations: applied by one process at a time, refused when the schema is newer than this binary.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::{StoreError, pooler, sql, tls};

mod embedded {
    //! The files of `migrations/`.
    refinery::embed_migrations!("migrations");
}

/// Where refinery keeps its list; the connection's search path puts it into schema `posthorn`.
const HISTORY_TABLE: &str = "schema_history";

/// Session lock around bootstrap and migrations: refinery takes none of its own.
const LOCK: &str = "SELECT pg_advisory_lock(1886352488, 0)";

/// Longest time to connect and log in.
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);

/// Why the schema could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The database could not be reached or refused a statement.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The login has none of our roles.
    #[error(
        "login {login} may not look at schema posthorn: as who installed posthorn, or as a superuser, run `GRANT posthorn_api, posthorn_dispatcher TO {login}` \
         for one that serves, or `GRANT posthorn_owner TO {login}` for an operator's commands"
    )]
    Stranger {
        /// The login, as SQL takes it.
        login: String,
        /// What it may not.
        source: StoreError,
    },
    /// A migration failed; nothing of it was applied.
    #[error("a migration failed and was rolled back")]
    Migration(#[source] Box<refinery::Error>),
    /// The schema was made by a newer binary.
    #[error(
        "the schema posthorn is at version {found}, newer than this binary knows ({known}): \
         run that newer binary"
    )]
    Newer {
        /// Version in the database.
        found: i32,
        /// Newest version of this binary.
        known: i32,
    },
    /// The schema is older than this binary and it was told not to migrate.
    #[error("the schema posthorn is at version {found}, this binary needs {needed}: run `posthorn migrate`")]
    Older {
        /// Version in the database, 0 for none.
        found: i32,
        /// Version this binary needs.
        needed: i32,
    },
    /// The server is too old.
    #[error("PostgreSQL {found} is too old: posthorn needs 15 or later")]
    ServerTooOld {
        /// Major version of the server.
        found: i32,
    },
}

/// What [`migrate`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// Migrations applied now.
    pub applied: usize,
    /// Version the schema is at.
    pub version: i32,
}

/// Newest schema version this binary knows.
pub fn known_version() -> i32 {
    embedded::migrations::runner().get_migrations().iter().map(refinery::Migration::version).max().unwrap_or(0)
}

/// Creates roles and schema where they are missing and applies what migrations are missing. Any number of processes may
/// call it at once.
///
/// # Errors
/// [`MigrateError`]; the schema is then at the last migration that succeeded.
pub async fn migrate(url: &SecretString) -> Result<Migrated, MigrateError> {
    let mut client = connect(url).await?;
    run(&client, LOCK).await?;
    let found = version_of(&client).await?;
    if found > known_version() {
        return Err(MigrateError::Newer { found, known: known_version() });
    }
    if found == known_version() {
        // nothing to do, so nothing but the right to look is needed
        return Ok(Migrated { applied: 0, version: found });
    }
    bootstrap(&client).await?;
    // owned by posthorn_owner, whoever logs in
    run(&client, "SET ROLE posthorn_owner").await?;
    run(&client, "SET search_path = posthorn, pg_temp").await?;
    run(&client, "SET lock_timeout = '5s'").await?;
    #[cfg(feature = "failpoints")]
    if crate::failpoints::is_set("in_migration") {
        // half of the way, so that a process can die there
        let half = refinery::Target::Version(known_version() / 2);
        let mut runner = embedded::migrations::runner().set_target(half);
        let runner = runner.set_migration_table_name(HISTORY_TABLE);
        runner.run_async(&mut client).await.map_err(|e| MigrateError::Migration(Box::new(e)))?;
        fail_point!("in_migration");
    }
    let report = embedded::migrations::runner()
        .set_migration_table_name(HISTORY_TABLE)
        .run_async(&mut client)
        .await
        .map_err(|e| MigrateError::Migration(Box::new(e)))?;
    Ok(Migrated { applied: report.applied_migrations().len(), version: known_version() })
}

/// Checks, without changing anything, that the schema is the one this binary needs.
///
/// # Errors
/// [`MigrateError::Older`], [`MigrateError::Newer`], or that the database cannot be reached.
pub async fn check(url: &SecretString) -> Result<(), MigrateError> {
    let client = connect(url).await?;
    let found = match version_of(&client).await {
        Err(error @ StoreError::Denied { .. }) => return Err(stranger(&client, error).await),
        found => found?,
    };
    let known = known_version();
    match found.cmp(&known) {
        std::cmp::Ordering::Less => Err(MigrateError::Older { found, needed: known }),
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(MigrateError::Newer { found, known }),
    }
}

/// A login without any of our roles may not even look which version the schema has.
async fn stranger(client: &Client, source: StoreError) -> MigrateError {
    let login = client.query_one("SELECT quote_ident(session_user)", &[]).await;
    let login = login.map_or_else(|_| "<login>".to_owned(), |row| row.get(0));
    MigrateError::Stranger { login, source }
}

async fn connect(url: &SecretString) -> Result<Client, MigrateError> {
    pooler::refuse_shared_sessions(url).await?;
    let late = |source| StoreError::Unavailable { context: "connecting", source: Box::new(source) };
    let client = timeout(CONNECT_DEADLINE, tls::connect(url.expose_secret())).await.map_err(late)??;
    // limits of the login are meant for its daily work: not for a migration that takes long, nor for waiting for another's
    run(&client, "SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0")
        .await?;
    let row = client
        .query_one("SELECT current_setting('server_version_num')::int / 10000", &[])
        .await
        .map_err(|e| StoreError::from_driver("server version", e))?;
    match row.get::<_, i32>(0) {
        found if found < 15 => Err(MigrateError::ServerTooOld { found }),
        _ => Ok(client),
    }
}

async fn run(client: &Client, statement: &'static str) -> Result<(), StoreError> {
    client.batch_execute(statement).await.map_err(|e| StoreError::from_driver(statement, e))
}

async fn version_of(client: &Client) -> Result<i32, StoreError> {
    let fail = |e| StoreError::from_driver("schema version", e);
    let exists =
        client.query_one("SELECT to_regproc('posthorn.schema_version') IS NOT NULL", &[]).await.map_err(fail)?;
    if !exists.get::<_, bool>(0) {
        return Ok(0);
    }
    Ok(client.query_one("SELECT posthorn.schema_version()", &[]).await.map_err(fail)?.get(0))
}

/// Roles are cluster-wide while our lock is of one database, so another database may be creating them at this moment.
async fn bootstrap(client: &Client) -> Result<(), StoreError> {
    let mut tries = 0;
    loop {
        let result = client.batch_execute(sql::SCHEMA_BOOTSTRAP.text).await;
        let Err(error) = result.map_err(|e| StoreError::from_driver(sql::SCHEMA_BOOTSTRAP.name, e)) else {
            return Ok(());
        };
        let is_race = error.sqlstate().is_some_and(|code| {
            [&SqlState::UNIQUE_VIOLATION, &SqlState::DUPLICATE_OBJECT, &SqlState::INTERNAL_ERROR].contains(&code)
        });
        tries += 1;
        if !is_race || tries >= 20 {
            return Err(error);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
