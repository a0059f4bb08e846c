//! Names what went wrong, in words a tenant may read, by looking at the types in an error's chain of sources.

use std::error::Error;
use std::io;
use std::time::Duration;

use hyper_util::client::legacy;
use rustls::CertificateError;

use super::Failure;
use super::connector::ConnectError;
use crate::domain::delivery::ErrorKind;

impl Failure {
    /// The total timeout passed without an answer.
    pub(super) fn timeout(timeout: Duration) -> Self {
        Self::new(ErrorKind::Timeout, format!("no answer within {timeout:?}"))
    }

    /// What the HTTP client's error means.
    pub(super) fn of(error: &legacy::Error) -> Self {
        let (kind, message) =
            chain(error).find_map(classify).unwrap_or((ErrorKind::Protocol, "the exchange broke off"));
        tracing::debug!(error = ?error, kind = %kind, "no answer from the receiver");
        let detail = chain(error).find_map(|cause| cause.downcast_ref::<ConnectError>());
        match detail {
            Some(ConnectError::Refused(refusal)) => Self::new(kind, refusal.to_string()),
            _ => Self::new(kind, message),
        }
    }
}

type Meaning = (ErrorKind, &'static str);

fn classify(cause: &(dyn Error + 'static)) -> Option<Meaning> {
    if let Some(error) = cause.downcast_ref::<ConnectError>() {
        return Some(connect_failure(error));
    }
    if let Some(error) = cause.downcast_ref::<rustls::Error>() {
        return Some((ErrorKind::Tls, tls_text(error)));
    }
    if let Some(error) = cause.downcast_ref::<hyper::Error>() {
        return http_failure(error);
    }
    let error = cause.downcast_ref::<io::Error>()?;
    // An I/O error that only carries another error says nothing itself: what it carries comes next in the chain.
    error.get_ref().is_none().then(|| (ErrorKind::Protocol, broken_text(error)))
}

fn connect_failure(error: &ConnectError) -> Meaning {
    match error {
        ConnectError::Host => (ErrorKind::InvalidRequest, "the URL has no host that can be dialled"),
        ConnectError::Resolve(_) => (ErrorKind::Dns, "the host name could not be resolved"),
        ConnectError::ResolveTimeout => (ErrorKind::Dns, "the host name was not resolved within 3 s"),
        ConnectError::Refused(_) => (ErrorKind::Blocked, "the address may not be dialled"),
        ConnectError::Connect(source) => (ErrorKind::Connect, connect_text(source)),
        ConnectError::ConnectTimeout => (ErrorKind::Connect, "no connection within 5 s"),
        ConnectError::Tls(source) => {
            let text = chain(source).find_map(|cause| cause.downcast_ref::<rustls::Error>()).map(tls_text);
            (ErrorKind::Tls, text.unwrap_or("connection closed during the TLS handshake"))
        }
        ConnectError::TlsTimeout => (ErrorKind::Timeout, "the TLS handshake did not end within 5 s"),
    }
}

fn http_failure(error: &hyper::Error) -> Option<Meaning> {
    if error.is_parse_too_large() {
        Some((ErrorKind::ResponseTooLarge, "status line and headers exceed 64 KiB or 100 headers"))
    } else if error.is_parse() {
        Some((ErrorKind::Protocol, "the answer is not HTTP/1.1"))
    } else if error.is_incomplete_message() {
        Some((ErrorKind::Protocol, "connection closed before the answer was complete"))
    } else {
        None
    }
}

fn connect_text(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused",
        io::ErrorKind::ConnectionReset => "connection reset",
        io::ErrorKind::TimedOut => "connecting timed out",
        io::ErrorKind::HostUnreachable => "host unreachable",
        io::ErrorKind::NetworkUnreachable => "network unreachable",
        io::ErrorKind::NotFound => "the host name has no address",
        _ => "no connection could be made",
    }
}

fn broken_text(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::ConnectionReset => "connection reset before the answer",
        io::ErrorKind::BrokenPipe => "connection closed while the request was sent",
        io::ErrorKind::UnexpectedEof => "connection closed before the answer was complete",
        _ => "the connection broke",
    }
}

fn tls_text(error: &rustls::Error) -> &'static str {
    match error {
        rustls::Error::InvalidCertificate(reason) => certificate_text(reason),
        rustls::Error::AlertReceived(_) => "the receiver refused the TLS handshake (alert)",
        rustls::Error::InvalidMessage(_) => "the receiver does not speak TLS",
        rustls::Error::PeerIncompatible(_) => "no TLS version or cipher suite in common",
        rustls::Error::NoCertificatesPresented => "the receiver presented no certificate",
        _ => "the TLS handshake failed",
    }
}

fn certificate_text(reason: &CertificateError) -> &'static str {
    match reason {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "certificate expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "certificate not valid yet",
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "certificate not valid for name"
        }
        CertificateError::UnknownIssuer => "certificate from an unknown issuer",
        CertificateError::Revoked => "certificate revoked",
        _ => "certificate not valid",
    }
}

/// An error and everything beneath it. `io::Error::source` skips the very error it carries, so that one is stepped
/// into by hand.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&cause| match cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(carried) => Some(carried as &(dyn Error + 'static)),
        None => cause.source(),
    })
}
