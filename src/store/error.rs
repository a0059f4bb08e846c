//! What can go wrong with Postgres, named for what the caller can do about it.

use deadpool_postgres::{HookError, PoolError};
use tokio_postgres::error::SqlState;

use super::{CONNECTING, StoreRole};
use crate::causes::with_causes;
use crate::metrics::ErrorClass;

/// A failed statement or transaction.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database URL cannot be read. Carries no part of the URL: it may hold a password.
    #[error("the database URL cannot be used: {reason}")]
    Url {
        /// What is wrong with it.
        reason: String,
    },
    /// Behind a pooler that gives our session to others as well.
    #[error(
        "the database URL leads through a pooler in transaction or statement mode, which gives every statement another session: \
         give posthorn a database URL that leads past the pooler, or through one in session mode; programs that publish can stay behind it"
    )]
    SharedSessions,
    /// No connection, or it broke: try again later.
    #[error("the database is not available ({context})")]
    Unavailable {
        /// The statement, or `connecting`.
        context: &'static str,
        /// The driver's or pool's error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A CHECK, UNIQUE or FOREIGN KEY constraint refused the row: the input is at fault.
    #[error("{statement}: constraint {constraint} refuses the row")]
    Constraint {
        /// The statement.
        statement: &'static str,
        /// The constraint's name, made to be understood by people.
        constraint: String,
        /// The driver's error.
        #[source]
        source: tokio_postgres::Error,
    },
    /// A value that Postgres cannot read (class 22): the input is at fault.
    #[error("{statement}: {message}")]
    Value {
        /// The statement.
        statement: &'static str,
        /// Postgres's words.
        message: String,
        /// The driver's error.
        #[source]
        source: tokio_postgres::Error,
    },
    /// The role lacks a right (42501).
    #[error("{statement}: permission denied")]
    Denied {
        /// The statement.
        statement: &'static str,
        /// The driver's error.
        #[source]
        source: tokio_postgres::Error,
    },
    /// The login may not work as the role that a store has (42501 of SET ROLE).
    #[error(
        "the login may not become {role}, which this works as: {}run `GRANT {role} TO {login}` as who installed posthorn or as a \
         superuser, on PostgreSQL 16 and later WITH SET TRUE",
        other_login(*role)
    )]
    NotAMember {
        /// The role.
        role: StoreRole,
        /// The login, as SQL takes it.
        login: String,
        /// The driver's error.
        #[source]
        source: tokio_postgres::Error,
    },
    /// Anything else that Postgres refused.
    #[error("{statement} failed")]
    Statement {
        /// The statement.
        statement: &'static str,
        /// The driver's error.
        #[source]
        source: tokio_postgres::Error,
    },
    /// A row holds what it should not.
    #[error(transparent)]
    Row(#[from] RowError),
    /// A statement that always answers with a row did not.
    #[error("{statement} answered with no row")]
    NoRow {
        /// The statement.
        statement: &'static str,
    },
}

/// What comes before the grant: a login that serves had better not get the owner's rights.
const fn other_login(role: StoreRole) -> &'static str {
    match role {
        StoreRole::Owner => "give the DATABASE_URL of the login that installed posthorn, or ",
        _ => "",
    }
}

/// A login as a GRANT takes it; one that the URL does not name is the system's user.
fn as_sql(login: &str) -> String {
    if login.is_empty() { "<login>".to_owned() } else { format!("\"{}\"", login.replace('"', "\"\"")) }
}

/// Why there is no answer, when there is no error either.
#[derive(Debug, thiserror::Error)]
#[error("no answer in the time that the server may take for one: is the connection cut?")]
struct Silence;

/// A row that cannot be what the schema promises.
#[derive(Debug, thiserror::Error)]
#[error("{table}.{column} of {id} cannot be read: {reason}")]
pub struct RowError {
    /// Table.
    pub table: &'static str,
    /// Column.
    pub column: &'static str,
    /// Id of the row.
    pub id: String,
    /// What is wrong.
    pub reason: String,
}

impl StoreError {
    pub(super) fn from_driver(statement: &'static str, source: tokio_postgres::Error) -> Self {
        let Some(refusal) = source.as_db_error() else {
            return if source.is_closed() || is_io(&source) {
                Self::Unavailable { context: statement, source: source.into() }
            } else {
                Self::Statement { statement, source }
            };
        };
        let code = refusal.code().code();
        match &code[..2] {
            // connection, resources, operator intervention and time-outs, the system around Postgres: all pass
            "08" | "53" | "57" | "58" => Self::Unavailable { context: statement, source: source.into() },
            // read-only after a failover, someone holds a lock, an idle transaction was ended
            _ if ["25006", "55P03", "25P03"].contains(&code) => {
                Self::Unavailable { context: statement, source: source.into() }
            }
            // a database that takes no connections for now
            _ if code == "55000" && statement == CONNECTING => {
                Self::Unavailable { context: statement, source: source.into() }
            }
            "23" => {
                let constraint = refusal.constraint().unwrap_or("not null").to_owned();
                Self::Constraint { statement, constraint, source }
            }
            "22" => Self::Value { statement, message: refusal.message().to_owned(), source },
            _ if code == SqlState::INSUFFICIENT_PRIVILEGE.code() => Self::Denied { statement, source },
            _ => Self::Statement { statement, source },
        }
    }

    /// No answer came in all the time that the server may take for one.
    pub(super) fn silent(statement: &'static str) -> Self {
        Self::Unavailable { context: statement, source: Silence.into() }
    }

    pub(super) fn from_pool(source: PoolError, role: StoreRole, login: &str) -> Self {
        match source {
            // the session could not be set up, say because the role is missing: that is not passing
            PoolError::PostCreateHook(HookError::Backend(source)) => match Self::from_driver(CONNECTING, source) {
                Self::Denied { source, .. } => Self::NotAMember { role, login: as_sql(login), source },
                other => other,
            },
            PoolError::Backend(source) => Self::Unavailable { context: CONNECTING, source: source.into() },
            other => Self::Unavailable { context: CONNECTING, source: other.into() },
        }
    }

    /// SQLSTATE, when Postgres answered at all.
    pub fn sqlstate(&self) -> Option<&SqlState> {
        match self {
            Self::Constraint { source, .. }
            | Self::Value { source, .. }
            | Self::Denied { source, .. }
            | Self::NotAMember { source, .. }
            | Self::Statement { source, .. } => source.code(),
            Self::Unavailable { source, .. } => source.downcast_ref::<tokio_postgres::Error>().and_then(|e| e.code()),
            Self::Url { .. } | Self::SharedSessions | Self::Row(_) | Self::NoRow { .. } => None,
        }
    }

    /// How it is counted; `None` when the database did nothing wrong.
    pub(super) fn class(&self) -> Option<ErrorClass> {
        Some(match self {
            _ if self.is_retryable() => ErrorClass::Retryable,
            Self::Unavailable { .. } => ErrorClass::Unavailable,
            Self::Constraint { .. } => ErrorClass::Constraint,
            Self::Value { .. } => ErrorClass::Value,
            Self::Denied { .. } | Self::NotAMember { .. } => ErrorClass::Denied,
            Self::Statement { .. } => ErrorClass::Statement,
            Self::Url { .. } | Self::SharedSessions | Self::Row(_) | Self::NoRow { .. } => return None,
        })
    }

    /// Whether the same transaction can succeed when simply run again: a row moved between partitions under us (40001),
    /// claimers locked each other out (40P01), or the schema changed under a prepared plan (0A000).
    pub fn is_retryable(&self) -> bool {
        self.sqlstate().is_some_and(|code| {
            *code == SqlState::T_R_SERIALIZATION_FAILURE || *code == SqlState::T_R_DEADLOCK_DETECTED
        }) || self.is_stale_plan()
    }

    /// Whether the connection is of no use for what comes next: nothing comes back over it, or its server has become one that only
    /// reads (25006), as after a failover, and another is to be looked for.
    pub(super) fn condemns_connection(&self) -> bool {
        let Self::Unavailable { source, .. } = self else { return false };
        source.is::<Silence>() || self.sqlstate().is_some_and(|code| *code == SqlState::READ_ONLY_SQL_TRANSACTION)
    }

    /// 0A000, "cached plan must not change result type".
    pub(super) fn is_stale_plan(&self) -> bool {
        self.sqlstate().is_some_and(|code| *code == SqlState::FEATURE_NOT_SUPPORTED)
    }

    /// The error and everything that caused it, for a log line.
    pub fn with_causes(&self) -> String {
        with_causes(self)
    }

    /// Whether the database cannot be reached now and may be later.
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}

fn is_io(error: &tokio_postgres::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if cause.is::<std::io::Error>() {
            return true;
        }
        source = cause.source();
    }
    false
}
