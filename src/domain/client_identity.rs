//! The certificate that requests show a receiver in TLS (mTLS), with its private key.

use std::fmt;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use sha2::{Digest, Sha256};

use super::violation::Violation;

/// Longest PEM text of certificates, in bytes.
pub const CERTIFICATE_MAX_BYTES: usize = 32_768;
/// Longest PEM text of a key, in bytes.
pub const KEY_MAX_BYTES: usize = 16_384;

/// A certificate chain and its key, found to belong together.
#[derive(Clone)]
pub struct ClientIdentity {
    key: Arc<CertifiedKey>,
    fingerprint: [u8; 32],
}

impl ClientIdentity {
    /// Reads PEM texts: certificates, the own one first, and a key in PKCS#8, PKCS#1 or SEC1 form, not encrypted.
    ///
    /// *Errors*: what is wrong, under `client_certificate` or `client_key`; never the key.
    pub fn parse(certificate: &str, key: &str) -> Result<Self, Violation> {
        let refuse = |field: &str, rule, message: &str| Violation::new(field, rule, message);
        if certificate.len() > CERTIFICATE_MAX_BYTES {
            return Err(refuse("client_certificate", "length", "must have at most 32768 bytes"));
        }
        if key.len() > KEY_MAX_BYTES {
            return Err(refuse("client_key", "length", "must have at most 16384 bytes"));
        }
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(certificate.as_bytes())
            .collect::<Result<_, _>>()
            .ok()
            .filter(|chain: &Vec<_>| !chain.is_empty())
            .ok_or_else(|| refuse("client_certificate", "pem", "must be certificates in PEM form"))?;
        let der = PrivateKeyDer::from_pem_slice(key.as_bytes())
            .map_err(|_| refuse("client_key", "pem", "must be a private key in PEM form, not encrypted"))?;
        let signing = ring::sign::any_supported_type(&der)
            .map_err(|_| refuse("client_key", "key_type", "must be an RSA, ECDSA (P-256, P-384) or Ed25519 key"))?;
        let fingerprint = fingerprint_of(&chain);
        let key = CertifiedKey::new(chain, signing);
        key.keys_match()
            .map_err(|_| refuse("client_key", "key_mismatch", "does not belong to the first certificate"))?;
        Ok(Self { key: Arc::new(key), fingerprint })
    }

    /// For a TLS handshake.
    pub fn certified_key(&self) -> Arc<CertifiedKey> {
        self.key.clone()
    }

    /// Stands for the whole chain: with other certificates behind it, the same own one makes another handshake.
    pub const fn fingerprint(&self) -> [u8; 32] {
        self.fingerprint
    }
}

fn fingerprint_of(chain: &[CertificateDer<'_>]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for certificate in chain {
        // of a fixed length, so that no two chains make the same text
        hash.update(Sha256::digest(certificate));
    }
    hash.finalize().into()
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientIdentity({})", hex::encode(self.fingerprint))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(vec!["client".to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    #[test]
    fn a_certificate_and_its_key_are_taken() {
        let (certificate, key) = pair();
        let identity = ClientIdentity::parse(&certificate, &key).unwrap();
        assert!(format!("{identity:?}").starts_with("ClientIdentity("));
    }

    #[test]
    fn another_chain_behind_the_same_certificate_is_another_identity() {
        let ((certificate, key), (intermediate, _), (other, _)) = (pair(), pair(), pair());
        let of = |chain: &[&String]| {
            let chain: String = chain.iter().map(|pem| pem.as_str()).collect();
            ClientIdentity::parse(&chain, &key).unwrap().fingerprint()
        };
        let found = [of(&[&certificate]), of(&[&certificate, &intermediate]), of(&[&certificate, &other])];
        assert!(found[0] != found[1] && found[1] != found[2] && found[0] != found[2]);
        assert_eq!(of(&[&certificate, &intermediate]), found[1]);
    }

    #[test]
    fn what_does_not_belong_together_is_refused() {
        let ((certificate, key), (other, _)) = (pair(), pair());
        assert_eq!(ClientIdentity::parse(&other, &key).unwrap_err().rule, "key_mismatch");
        assert_eq!(ClientIdentity::parse("x", &key).unwrap_err().field, "client_certificate");
        assert_eq!(ClientIdentity::parse(&certificate, "x").unwrap_err().field, "client_key");
        assert_eq!(ClientIdentity::parse(&certificate, &certificate).unwrap_err().field, "client_key");
        assert_eq!(ClientIdentity::parse(&certificate, &"x".repeat(20_000)).unwrap_err().rule, "length");
    }
}
