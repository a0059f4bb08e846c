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
        let failure = chain(error).find_map(classify);
        let failure = failure.unwrap_or_else(|| Self::new(ErrorKind::Protocol, "the exchange broke off"));
        // Operators may know what tenants may not.
        tracing::debug!(error = ?error, kind = %failure.kind, "no answer from the receiver");
        failure
    }

    /// Why there is no connection.
    pub(super) fn of_connecting(error: &ConnectError) -> Self {
        connect_failure(error)
    }
}

fn classify(cause: &(dyn Error + 'static)) -> Option<Failure> {
    if let Some(error) = cause.downcast_ref::<ConnectError>() {
        return Some(connect_failure(error));
    }
    if let Some(error) = cause.downcast_ref::<rustls::Error>() {
        return Some(Failure::new(ErrorKind::Tls, tls_text(error)));
    }
    if let Some(error) = cause.downcast_ref::<hyper::Error>() {
        return http_failure(error);
    }
    let error = cause.downcast_ref::<io::Error>()?;
    // An I/O error that only carries another error says nothing itself: what it carries comes next in the chain.
    error.get_ref().is_none().then(|| Failure::new(ErrorKind::Protocol, broken_text(error)))
}

fn connect_failure(error: &ConnectError) -> Failure {
    let kind = match error {
        ConnectError::Host => ErrorKind::InvalidRequest,
        ConnectError::Resolve(_) | ConnectError::ResolveTimeout => ErrorKind::Dns,
        ConnectError::Refused(_) => ErrorKind::Blocked,
        ConnectError::Connect(source) if is_ours(source) => {
            return Failure::new(ErrorKind::InternalError, "the dispatcher has too many files open");
        }
        ConnectError::Connect(source) => return Failure::new(ErrorKind::Connect, connect_text(source)),
        ConnectError::ConnectTimeout => ErrorKind::Connect,
        ConnectError::Tls(source) => {
            let text = chain(source).find_map(|cause| cause.downcast_ref::<rustls::Error>()).map(tls_text);
            return Failure::new(ErrorKind::Tls, text.unwrap_or("connection closed during the TLS handshake"));
        }
        ConnectError::TlsTimeout => ErrorKind::Timeout,
    };
    // These texts name nothing but the budget that ran out or the rule that refused.
    Failure::new(kind, error.to_string())
}

fn http_failure(error: &hyper::Error) -> Option<Failure> {
    let (kind, text) = if error.is_parse_too_large() {
        (ErrorKind::ResponseTooLarge, "status line and headers exceed 64 KiB or 100 headers")
    } else if error.is_parse() {
        (ErrorKind::Protocol, "the answer is not HTTP/1.1")
    } else if error.is_incomplete_message() {
        (ErrorKind::Protocol, "connection closed before the answer was complete")
    } else {
        return None;
    };
    Some(Failure::new(kind, text))
}

/// EMFILE and ENFILE: no circuit of a receiver is to open for them.
fn is_ours(error: &io::Error) -> bool {
    let codes = [rustix::io::Errno::MFILE, rustix::io::Errno::NFILE].map(|code| Some(code.raw_os_error()));
    codes.contains(&error.raw_os_error())
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
