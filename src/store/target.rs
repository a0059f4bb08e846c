//! Where a database is, without who logs in: to name it and to tell it from others.

use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::config::Host;

use super::{StoreError, tls};

/// A database's place, as its URL says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Host with port, or the folder of a socket; several with commas between.
    pub host: String,
    /// Name of the database.
    pub database: String,
}

impl Target {
    /// Reads it from a database URL.
    ///
    /// # Errors
    /// [`StoreError::Url`] when the URL cannot be read.
    pub fn of(url: &SecretString) -> Result<Self, StoreError> {
        let (config, _) = tls::parse(url.expose_secret())?;
        let ports = config.get_ports();
        let port = |nth: usize| ports.get(nth).or(ports.first()).copied().unwrap_or(5432);
        let hosts = config.get_hosts().iter().enumerate().map(|(nth, host)| match host {
            Host::Tcp(name) => format!("{}:{}", name.to_lowercase(), port(nth)),
            Host::Unix(folder) => format!("{}:{}", folder.display(), port(nth)),
        });
        let host = hosts.collect::<Vec<_>>().join(",");
        // as libpq has it: without a name it is the user's
        let database = config.get_dbname().or(config.get_user()).unwrap_or_default().to_owned();
        Ok(Self { host, database })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str) -> (String, String) {
        let Target { host, database } = Target::of(&SecretString::from(url)).unwrap();
        (host, database)
    }

    #[test]
    fn it_is_host_port_and_name_and_nothing_of_the_login() {
        let wanted = ("db.internal:5432".to_owned(), "app".to_owned());
        assert_eq!(of("postgres://a:secret@db.internal/app?sslmode=require"), wanted);
        assert_eq!(of("postgresql://b@DB.internal:5432/app"), wanted);
        assert_eq!(of("postgres://app@db.internal:5433"), ("db.internal:5433".to_owned(), "app".to_owned()));
        assert_eq!(of("postgres://u@a:1,b:2/x"), ("a:1,b:2".to_owned(), "x".to_owned()));
        assert_eq!(of("postgres://u@%2Frun%2Fpg/x"), ("/run/pg:5432".to_owned(), "x".to_owned()));
    }
}
