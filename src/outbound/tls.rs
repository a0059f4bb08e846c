//! Whom we trust over TLS: the public roots, and one private authority if the operator names its file. There is no
//! switch that skips verification, on purpose.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore};

use crate::domain::client_identity::ClientIdentity;

/// Why the TLS settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file of certificate authorities cannot be read.
    #[error("cannot read the certificate authority file {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The file is not PEM.
    #[error("{} is not a PEM file", path.display())]
    NotPem {
        /// The file.
        path: PathBuf,
        /// Where it went wrong.
        #[source]
        source: pem::Error,
    },
    /// The file is PEM without a certificate.
    #[error("{} holds no certificate (a PEM block BEGIN CERTIFICATE)", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// A certificate in the file cannot be an authority.
    #[error("{} holds a certificate that cannot be used as an authority", path.display())]
    BadCertificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: rustls::Error,
    },
    /// The cryptography provider offers neither TLS 1.2 nor 1.3.
    #[error("TLS 1.2 and 1.3 are not available")]
    Versions(#[source] rustls::Error),
}

/// TLS 1.2 and 1.3, HTTP/1.1 by ALPN, public roots plus the authorities in `ca_file`.
///
/// # Errors
/// When `ca_file` cannot be read or holds no certificate.
pub(super) fn client_config(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, TlsError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = ca_file {
        add_authorities(&mut roots, path)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(TlsError::Versions)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The same, showing a certificate to receivers that ask for one.
pub(super) fn with_identity(config: &ClientConfig, identity: &ClientIdentity) -> Arc<ClientConfig> {
    let key = CertifiedKey::clone(&identity.certified_key());
    let mut config = config.clone();
    config.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(key));
    Arc::new(config)
}

fn add_authorities(roots: &mut RootCertStore, path: &Path) -> Result<(), TlsError> {
    let text = std::fs::read(path).map_err(|source| TlsError::Unreadable { path: path.to_owned(), source })?;
    let before = roots.len();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate = certificate.map_err(|source| TlsError::NotPem { path: path.to_owned(), source })?;
        roots.add(certificate).map_err(|source| TlsError::BadCertificate { path: path.to_owned(), source })?;
    }
    if roots.len() == before {
        return Err(TlsError::NoCertificate { path: path.to_owned() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_authority_file_is_named() {
        let error = client_config(Some(Path::new("/nonexistent/ca.pem"))).expect_err("no such file");
        assert_eq!(error.to_string(), "cannot read the certificate authority file /nonexistent/ca.pem");
    }

    #[test]
    fn a_file_without_a_certificate_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "not a certificate\n").unwrap();
        assert!(matches!(client_config(Some(file.path())), Err(TlsError::NoCertificate { .. })));
        std::fs::write(file.path(), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
        assert!(matches!(client_config(Some(file.path())), Err(TlsError::BadCertificate { .. })));
    }
}
