//! How we connect: the database URL, sockets that notice a dead peer, and TLS.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::StoreError;

/// Reads a database URL. `sslmode=require` (or `verify-full`) demands TLS and verifies the certificate against the public
/// authorities or `sslrootcert`; without it the connection is plain, which is right for a socket or a private network.
pub(super) fn parse(url: &str) -> Result<(Config, Connector), StoreError> {
    let refuse = |reason: String| StoreError::Url { reason };
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(refuse("it must look like postgres://user:password@host:5432/database".to_owned()));
    }
    let (url, root_cert) = take_parameter(url, "sslrootcert");
    let (url, mode) = take_parameter(&url, "sslmode");
    let mut config: Config = url.parse().map_err(|e: tokio_postgres::Error| {
        refuse(std::error::Error::source(&e).map_or_else(|| e.to_string(), ToString::to_string))
    })?;
    config.ssl_mode(match mode.as_deref() {
        None | Some("disable" | "allow" | "prefer") => SslMode::Disable,
        Some("require" | "verify-ca" | "verify-full") => SslMode::Require,
        Some(other) => {
            return Err(refuse(format!("sslmode {other:?} is none of disable, prefer, require, verify-full")));
        }
    });
    // Of several hosts a dead one must leave time for the others within the limits around this, which are 5 s and more.
    let hosts = u32::try_from(config.get_hosts().len()).unwrap_or(1).max(1);
    // A cut cable sends no RST. Keepalives alone did not notice one with a statement in flight (over 25 s);
    // tcp_user_timeout did, in the 5 s it says.
    config
        .connect_timeout(Duration::from_secs(4) / hosts)
        .tcp_user_timeout(Duration::from_secs(5))
        .keepalives(true)
        .keepalives_idle(Duration::from_secs(5))
        // a statement that had arrived before the cut: nothing of ours is unanswered then but a keepalive, and it is the next one
        // that notices
        .keepalives_interval(Duration::from_secs(2))
        .keepalives_retries(3);
    if config.get_application_name().is_none() {
        config.application_name("posthorn");
    }

    let mut roots = rustls::RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    if let Some(path) = root_cert {
        let unreadable = |e: rustls::pki_types::pem::Error| refuse(format!("sslrootcert {path}: {e}"));
        for certificate in CertificateDer::pem_file_iter(&path).map_err(unreadable)? {
            roots.add(certificate.map_err(unreadable)?).map_err(|e| refuse(format!("sslrootcert {path}: {e}")))?;
        }
    }
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| refuse(e.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok((config, Connector(MakeRustlsConnect::new(tls))))
}

/// Connects outside of a pool; the connection ends when the client is dropped.
pub(super) async fn connect(url: &str) -> Result<Client, StoreError> {
    let (config, connector) = parse(url)?;
    let (client, connection) = config.connect(connector).await.map_err(|e| StoreError::from_driver("connecting", e))?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(error = %error, "a connection ended");
        }
    });
    Ok(client)
}

/// TLS by rustls, made ready even for connections that will not use it: a Unix socket has no host name to verify.
#[derive(Clone)]
pub(super) struct Connector(MakeRustlsConnect);

impl<S> MakeTlsConnect<S> for Connector
where
    MakeRustlsConnect: MakeTlsConnect<S>,
{
    type Stream = <MakeRustlsConnect as MakeTlsConnect<S>>::Stream;
    type TlsConnect = <MakeRustlsConnect as MakeTlsConnect<S>>::TlsConnect;
    type Error = <MakeRustlsConnect as MakeTlsConnect<S>>::Error;

    fn make_tls_connect(&mut self, host: &str) -> Result<Self::TlsConnect, Self::Error> {
        let is_socket = host.is_empty() || host.starts_with('/');
        self.0.make_tls_connect(if is_socket { "localhost" } else { host })
    }
}

/// Takes `name=value` out of the query of a URL; the driver knows fewer words than libpq.
fn take_parameter(url: &str, name: &str) -> (String, Option<String>) {
    let Some((base, query)) = url.split_once('?') else { return (url.to_owned(), None) };
    let mut value = None;
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| match pair.split_once('=') {
            Some((key, found)) if key == name => {
                value = Some(found.replace("%2F", "/"));
                false
            }
            _ => true,
        })
        .collect();
    let url = if kept.is_empty() { base.to_owned() } else { format!("{base}?{}", kept.join("&")) };
    (url, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_is_used_when_asked_for_and_only_then() {
        let mode = |url: &str| parse(url).map(|(config, _)| config.get_ssl_mode());
        assert_eq!(mode("postgres://u:p@h/db").unwrap(), SslMode::Disable);
        assert_eq!(mode("postgres://u:p@h/db?sslmode=verify-full&application_name=x").unwrap(), SslMode::Require);
        assert!(mode("postgres://u:p@h/db?sslmode=maybe").is_err());
    }

    #[test]
    fn an_unreadable_url_is_refused_without_repeating_it() {
        let Err(error) = parse("postgres://user:hunter2@host:notaport/db") else { panic!("accepted") };
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
