//! What the database lets this process do is asked once, before it serves: too little is told, and so is too much.

use secrecy::SecretString;

use super::RunError;
use crate::metrics::Metrics;
use crate::store::session::{self, Privileges};
use crate::store::{Store, StoreRole, days};

/// Connections of the admin API's pool.
pub(super) const ADMIN_CONNECTIONS: usize = 2;

/// Checks that row security binds a pool's role and that commits are durable, and makes days, so that nothing comes too early.
pub(super) async fn check_rights(store: &Store) -> Result<(), RunError> {
    let privileges = bounded_privileges(store).await?;
    if privileges.is_superuser_login {
        // a target of its own, so that `posthorn dev`, where it is always so, can leave it out
        tracing::warn!(
            target: "posthorn::login",
            login = privileges.login_role,
            "the login is a superuser; a login with posthorn_api and posthorn_dispatcher alone is enough to serve"
        );
    }
    if !privileges.is_durable {
        tracing::warn!("synchronous_commit or fsync is off: a crash of the database can lose committed events");
    }
    if let Err(error) = days::make_ahead(store, days::DAYS_AHEAD).await {
        tracing::warn!(error = %error.with_causes(), "day partitions could not be made now, trying again later");
    }
    Ok(())
}

/// What a pool's role may do, which must be what row security lets it.
async fn bounded_privileges(store: &Store) -> Result<Privileges, RunError> {
    let privileges = session::privileges(store).await?;
    if let Some((might, mend)) = privileges.too_mighty {
        return Err(RunError::TooMighty { role: privileges.effective_role, might, mend });
    }
    if let Some(table) = privileges.unguarded_table {
        return Err(RunError::Unguarded { table });
    }
    Ok(privileges)
}

/// A pool for the admin API, or none where the login may not do what it does.
pub(super) async fn admin_store(url: &SecretString, metrics: &Metrics) -> Result<Option<Store>, RunError> {
    let store = Store::new(url, StoreRole::Admin, ADMIN_CONNECTIONS, u32::MAX)?.counted_in(metrics);
    match bounded_privileges(&store).await {
        Ok(_) => Ok(Some(store)),
        Err(RunError::NotAMember(_)) => {
            tracing::warn!("the admin API is off: the login is no member of posthorn_admin");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
