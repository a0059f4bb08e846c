//! What a connection may do, asked once at start-up.

use super::row::get;
use super::{Store, StoreError, sql};

/// What the session may do, read at start-up.
#[derive(Clone, Debug)]
pub struct Privileges {
    /// Effective role.
    pub effective_role: String,
    /// What it could do beyond row security, in words, and the statement that mends it.
    pub too_mighty: Option<(String, String)>,
    /// A table whose row security is switched off.
    pub unguarded_table: Option<String>,
    /// Role that logged in.
    pub login_role: String,
    /// Whether that is a superuser.
    pub is_superuser_login: bool,
    /// Whether commits survive a crash: `synchronous_commit` and `fsync`.
    pub is_durable: bool,
}

/// Reads [`Privileges`].
///
/// # Errors
/// [`StoreError`] of the database.
pub async fn privileges(store: &Store) -> Result<Privileges, StoreError> {
    let row = store.query_one(sql::SESSION_PRIVILEGES, &[]).await?;
    let synchronous_commit: String = get(&row, "synchronous_commit")?;
    let fsync: String = get(&row, "fsync")?;
    Ok(Privileges {
        effective_role: get(&row, "effective_role")?,
        too_mighty: Option::zip(get(&row, "too_mighty")?, get(&row, "mend")?),
        unguarded_table: get(&row, "unguarded_table")?,
        login_role: get(&row, "login_role")?,
        is_superuser_login: get(&row, "is_superuser_login")?,
        is_durable: synchronous_commit != "off" && fsync == "on",
    })
}
