//! `posthorn keys`: API keys of tenants.

use std::io::Write;

use clap::{Args, Subcommand};
use secrecy::ExposeSecret;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use crate::config::DatabaseConfig;
use crate::store::api_keys::{self, KeyRow};
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
        #[arg(long)]
        tenant: Uuid,
        /// A name for people, up to 200 characters
        #[arg(long, default_value = "")]
        name: String,
    },
    /// List keys, newest first
    List {
        /// Only this tenant's
        #[arg(long)]
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
    /// The database.
    #[error("the keys could not be reached; is the schema there (`posthorn migrate`)?")]
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
    let store = Store::new(&command.database.database_url, StoreRole::Owner, 1, u32::MAX)?;
    let mut out = std::io::stdout();
    match command.action {
        Action::Create { tenant, name } => {
            let made = api_keys::create(&store, tenant, &name).await?;
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

/// One key: id, tenant, state, when it was made, name; separated by tabs.
fn line(key: &KeyRow) -> String {
    let state = if key.revoked_at.is_some() { "revoked" } else { "active" };
    let created_at = key.created_at.format(&Rfc3339).unwrap_or_default();
    format!("{}\t{}\t{state}\t{created_at}\t{}", key.id, key.tenant_id, key.name)
}
