//! Whether the login may become what the process works as, and whether row security binds that.

use std::time::Duration;

use super::Patient;
use super::finding::Finding;
use crate::store::session::{self, Privileges};
use crate::store::{Store, StoreError, StoreRole};

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(6);

/// Asks as each role.
pub(super) async fn look(patient: &Patient<'_>) -> Result<Vec<Finding>, StoreError> {
    let config = &patient.command.config;
    let mut roles = Vec::new();
    if config.role.dispatches() {
        roles.push(StoreRole::Dispatcher);
    }
    if config.role.serves_api() {
        roles.push(StoreRole::Api);
        roles.extend(config.api.admin_token.as_ref().map(|_| StoreRole::Admin));
    }
    let login = super::quoted(&patient.session.login);
    let (mut findings, mut is_superuser) = (Vec::new(), false);
    for role in roles {
        let store = Store::new(patient.url, role, 1, u32::MAX)?.with_patience(PATIENCE);
        let privileges = session::privileges(&store).await;
        store.close();
        is_superuser |= privileges.as_ref().is_ok_and(|privileges| privileges.is_superuser_login);
        findings.push(of_role(role, &login, privileges)?);
    }
    if is_superuser {
        findings.push(Finding::warning(
            "rights",
            "the login is a superuser: what gets hold of its password has the whole server",
            "CREATE ROLE posthorn_runner LOGIN PASSWORD 'choose one'; GRANT posthorn_api, posthorn_dispatcher TO posthorn_runner; and put that login into DATABASE_URL",
        ));
    }
    Ok(findings)
}

fn of_role(role: StoreRole, login: &str, privileges: Result<Privileges, StoreError>) -> Result<Finding, StoreError> {
    let name = role.name();
    Ok(match privileges {
        Ok(Privileges { too_mighty: Some((might, mend)), effective_role, .. }) => {
            Finding::fault("rights", format!("{effective_role} {might}: tenants would not be kept apart"), mend)
        }
        Ok(_) => Finding::ok("rights", format!("the login works as {name}, which row security binds")),
        Err(StoreError::NotAMember { .. }) => {
            let grant = format!("GRANT {name} TO {login}");
            match role {
                StoreRole::Admin => {
                    Finding::warning("rights", format!("the admin API is off: the login may not become {name}"), grant)
                }
                _ => Finding::fault(
                    "rights",
                    format!("the login may not become {name}, which the process works as"),
                    grant,
                ),
            }
        }
        Err(error) => return Err(error),
    })
}
