//! HTTP to strangers: one signed request out, one bounded answer or one named failure back. Nothing here retries,
//! follows a redirect, uses a proxy or reads the environment, and nothing is dialled that `guard` did not vet.

mod answer;
mod client;
mod connector;
mod failure;
pub mod guard;
mod resolver;
mod tls;

use std::time::Duration;

use bytes::Bytes;
use hyper::HeaderMap;

pub use client::{Outbound, OutboundError, OutboundOptions};

use crate::domain::client_identity::ClientIdentity;
use crate::domain::delivery::{ERROR_TEXT_MAX_CHARS, ErrorKind, printable};

/// One POST, ready to go: bytes and headers are final. Has no `Debug`, since a subscription's own headers may hold
/// credentials.
#[derive(Clone)]
pub struct SignedRequest {
    /// Absolute URL as stored; it is parsed again and only its normalised form is dialled.
    pub url: String,
    /// Headers of the request. `Host`, `Content-Length` and the like belong to the connection and are refused here.
    pub headers: HeaderMap,
    /// The bytes that were signed.
    pub body: Bytes,
    /// The certificate to show the receiver in TLS.
    pub identity: Option<ClientIdentity>,
}

/// What came of one request. Sending never fails: every failure is an outcome.
#[derive(Debug)]
pub struct Sent {
    /// Answer or failure.
    pub outcome: Outcome,
    /// From the call until the outcome was known, the part of the body that was read included.
    pub duration: Duration,
}

/// Whether the receiver answered.
#[derive(Debug)]
pub enum Outcome {
    /// A status line and headers arrived, whatever happened to the body afterwards.
    Answered(Answer),
    /// No status line arrived.
    NotAnswered(Failure),
}

/// The receiver's answer, cut to what we keep of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Status code; of the 1xx only 101, which ends an exchange although nobody asked to switch protocols.
    pub status: u16,
    /// At most 64 headers and 8 KiB of them, in the order they came; values made printable.
    pub headers: Vec<(String, String)>,
    /// Every `Retry-After` value as it came (at most 4), even when `headers` had no room for it.
    pub retry_after: Vec<String>,
    /// The first 4 KiB of the body, as they came: raw, never decompressed. See [`Answer::body_text`].
    pub body: Vec<u8>,
    /// Whether the body went on beyond `body`, or may have.
    pub body_truncated: bool,
    /// Why the body could not be read to its end, when that was not our own size limit.
    pub body_error: Option<String>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The word for columns, labels and verdicts.
    pub kind: ErrorKind,
    /// One line a tenant may read: no resolved addresses, no secrets, at most 500 characters.
    pub message: String,
}

impl Failure {
    /// A failure with its message made fit to be stored.
    fn new(kind: ErrorKind, message: impl AsRef<str>) -> Self {
        Self { kind, message: printable(message.as_ref(), ERROR_TEXT_MAX_CHARS) }
    }
}
