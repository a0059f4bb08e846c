//! `posthorn keys`: API keys of tenants.

use std::io::Write;

use clap::{Args, Subcommand};
use secrecy::ExposeSecret;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::tenant;
use crate::config::DatabaseConfig;
use crate::domain::permission::{Permission, Permissions};
use crate::store::api_keys::{self, KeyRow, KeySpec};
use crate::store::migrate::{self, MigrateError};
use crate::store::{Store, StoreError, StoreRole};

/// Create, list and revoke API keys
#[derive(Args, Clone, Debug)]
pub struct Keys {
    /// Where Postgres is
    #[command(flatten)]
    pub database: DatabaseConfig,

    /// What to do
    #[command(subcommand)]
    pub action: Action,
}

/// What to do with keys.
#[derive(Clone, Debug, Subcommand)]
pub enum Action {
    /// Make a key and show it, once; a tenant that does not exist yet is added
    Create {
        /// Whom the key acts for
        #[arg(long, value_parser = tenant::id)]
        tenant: Uuid,
        /// A name for people, up to 200 characters
        #[arg(long, default_value = "")]
        name: String,
        /// What it may do: read, publish, manage, keys, separated by commas [default: everything]
        #[arg(long, value_delimiter = ',', value_parser = permission)]
        scopes: Vec<Permission>,
        /// From when it is refused, such as 2030-01-31T12:00:00Z [default: never]
        #[arg(long, value_parser = time)]
        expires_at: Option<OffsetDateTime>,
    },
    /// List keys, newest first
    List {
        /// Only this tenant's
        #[arg(long, value_parser = tenant::id)]
        tenant: Option<Uuid>,
    },
    /// Refuse a key from now on
    Revoke {
        /// The ten characters between phk_ and the second underscore
        id: String,
    },
}

/// Why a key command failed.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The schema.
    #[error(transparent)]
    Schema(#[from] MigrateError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No such key.
    #[error("there is no key with id {0}; `posthorn keys list` shows them")]
    Unknown(String),
    /// Stdout.
    #[error("the system failed")]
    System(#[from] std::io::Error),
}

/// Runs one of the actions.
///
/// # Errors
/// [`KeysError`].
pub async fn run(command: Keys) -> Result<(), KeysError> {
    match migrate::check(&command.database.database_url).await {
        // a key that leaked is revoked by whatever binary is at hand
        Ok(()) | Err(MigrateError::Newer { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let store = Store::new(&command.database.database_url, StoreRole::Owner, 1, u32::MAX)?;
    let mut out = std::io::stdout();
    match command.action {
        Action::Create { tenant, name, scopes, expires_at } => {
            let permissions = if scopes.is_empty() { Permissions::all() } else { scopes.into_iter().collect() };
            let made = api_keys::create_as(&store, &KeySpec { tenant, name, permissions, expires_at }).await?;
            if made.is_new_tenant {
                writeln!(std::io::stderr(), "added tenant {tenant}")?;
            }
            writeln!(std::io::stderr(), "the key is shown this once:")?;
            writeln!(out, "{}", made.key.expose().expose_secret())?;
        }
        Action::List { tenant } => {
            for key in api_keys::list(&store, tenant).await? {
                writeln!(out, "{}", line(&key))?;
            }
        }
        Action::Revoke { id } => {
            let key = api_keys::revoke(&store, &id).await?.ok_or(KeysError::Unknown(id))?;
            writeln!(out, "{}", line(&key))?;
        }
    }
    Ok(())
}

/// One key: id, tenant, state, when it was made, name, scopes; separated by tabs.
fn line(key: &KeyRow) -> String {
    let state = match key.expires_at {
        _ if key.revoked_at.is_some() => "revoked",
        Some(end) if end <= OffsetDateTime::now_utc() => "expired",
        _ => "active",
    };
    let created_at = key.created_at.format(&Rfc3339).unwrap_or_default();
    let scopes = key.permissions.words().join(",");
    format!("{}\t{}\t{state}\t{created_at}\t{}\t{scopes}", key.id, key.tenant_id, key.name)
}

fn permission(word: &str) -> Result<Permission, String> {
    let words = || Permissions::all().words().join(", ");
    Permission::parse(word.trim()).ok_or_else(|| format!("must be one of {}", words()))
}

fn time(text: &str) -> Result<OffsetDateTime, String> {
    OffsetDateTime::parse(text, &Rfc3339).map_err(|_| "must be a time such as 2030-01-31T12:00:00Z".to_owned())
}
