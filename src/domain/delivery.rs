//! What a delivery can be and why an attempt can fail: the words every table, metric, log line and API answer share.

use std::fmt;

/// Where a delivery stands (REQUIREMENTS R43).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeliveryStatus {
    /// Waiting for its first attempt.
    Pending,
    /// Leased by a dispatcher.
    Sending,
    /// Failed at least once; the next attempt is scheduled.
    Retrying,
    /// A receiver accepted it.
    Delivered,
    /// A receiver refused it for good.
    Failed,
    /// The retry schedule is exhausted.
    Abandoned,
    /// Its subscription was deleted, or someone cancelled it.
    Cancelled,
}

impl DeliveryStatus {
    /// Every status, in the order of a delivery's life.
    pub const ALL: [Self; 7] =
        [Self::Pending, Self::Sending, Self::Retrying, Self::Delivered, Self::Failed, Self::Abandoned, Self::Cancelled];

    /// The word used in columns, JSON and labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sending => "sending",
            Self::Retrying => "retrying",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Abandoned => "abandoned",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads a status in any letter case (R7), or `None` for any other word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str().eq_ignore_ascii_case(text.trim()))
    }

    /// Whether nothing more will happen without a replay.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Delivered | Self::Failed | Self::Abandoned | Self::Cancelled)
    }
}

impl fmt::Display for DeliveryStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why an attempt did not deliver. One closed list, so that it can be a metric label and a column with a CHECK.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The receiver did not answer within the total timeout.
    Timeout,
    /// The host name could not be resolved.
    Dns,
    /// The address or scheme is one we refuse to dial.
    Blocked,
    /// No connection could be made.
    Connect,
    /// The TLS handshake failed.
    Tls,
    /// The connection broke, or what came back was not HTTP.
    Protocol,
    /// Status line and headers exceed our limit.
    ResponseTooLarge,
    /// 3xx: redirects are never followed.
    Redirect,
    /// 4xx that another attempt cannot mend.
    ClientError,
    /// 408, 425 or 429: come back later.
    Throttled,
    /// 410: the receiver wants no more of these.
    Gone,
    /// 5xx.
    ServerError,
    /// A status no rule names (1xx as a final answer, 6xx and above).
    UnexpectedStatus,
    /// The dispatcher that held the lease vanished or was too slow to say what happened.
    LeaseExpired,
    /// The subscription has no secret we can open, and did not opt out of signing.
    SecretUnavailable,
    /// The subscription's filter fails on this event.
    FilterError,
    /// The subscription's template makes no body of this event.
    TemplateError,
    /// The event's payload does not fit the schema of its type, and type or tenant is strict.
    SchemaMismatch,
    /// The event's type is in no catalogue of its tenant, which is strict.
    UnknownEventType,
    /// The request cannot be built from what is stored.
    InvalidRequest,
    /// A fault of ours, never the receiver's.
    InternalError,
}

impl ErrorKind {
    /// Every kind.
    pub const ALL: [Self; 21] = [
        Self::Timeout,
        Self::Dns,
        Self::Blocked,
        Self::Connect,
        Self::Tls,
        Self::Protocol,
        Self::ResponseTooLarge,
        Self::Redirect,
        Self::ClientError,
        Self::Throttled,
        Self::Gone,
        Self::ServerError,
        Self::UnexpectedStatus,
        Self::LeaseExpired,
        Self::SecretUnavailable,
        Self::FilterError,
        Self::TemplateError,
        Self::SchemaMismatch,
        Self::UnknownEventType,
        Self::InvalidRequest,
        Self::InternalError,
    ];

    /// The word used in columns, JSON and labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Dns => "dns",
            Self::Blocked => "blocked",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Protocol => "protocol",
            Self::ResponseTooLarge => "response_too_large",
            Self::Redirect => "redirect",
            Self::ClientError => "client_error",
            Self::Throttled => "throttled",
            Self::Gone => "gone",
            Self::ServerError => "server_error",
            Self::UnexpectedStatus => "unexpected_status",
            Self::LeaseExpired => "lease_expired",
            Self::SecretUnavailable => "secret_unavailable",
            Self::FilterError => "filter_error",
            Self::TemplateError => "template_error",
            Self::SchemaMismatch => "schema_mismatch",
            Self::UnknownEventType => "unknown_event_type",
            Self::InvalidRequest => "invalid_request",
            Self::InternalError => "internal_error",
        }
    }

    /// What an answer with this status means where it does not count as delivered (R41).
    pub const fn of_status(status: u16) -> Self {
        match status {
            300..=399 => Self::Redirect,
            408 | 425 | 429 => Self::Throttled,
            410 => Self::Gone,
            400..=499 => Self::ClientError,
            500..=599 => Self::ServerError,
            _ => Self::UnexpectedStatus,
        }
    }

    /// Whether another attempt may end otherwise, as far as the receiver's answer says: not after a refusal (R41).
    pub const fn is_worth_a_retry(self) -> bool {
        !matches!(self, Self::ClientError | Self::Gone)
    }

    /// Whether it speaks against the receiver (or the way to it): these count for its circuit, ours do not.
    pub const fn is_receivers(self) -> bool {
        match self {
            Self::Timeout
            | Self::Dns
            | Self::Connect
            | Self::Tls
            | Self::Protocol
            | Self::ResponseTooLarge
            | Self::Redirect
            | Self::ClientError
            | Self::Throttled
            | Self::Gone
            | Self::ServerError
            | Self::UnexpectedStatus => true,
            Self::Blocked
            | Self::LeaseExpired
            | Self::SecretUnavailable
            | Self::FilterError
            | Self::TemplateError
            | Self::SchemaMismatch
            | Self::UnknownEventType
            | Self::InvalidRequest
            | Self::InternalError => false,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Longest error text kept with a delivery or attempt, in characters (R56).
pub const ERROR_TEXT_MAX_CHARS: usize = 500;

/// Makes a text fit for a `text` column and for people: no NUL (PostgreSQL refuses it, 22021), no other control
/// characters, at most `max_chars` characters.
pub fn printable(text: &str, max_chars: usize) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(max_chars).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_is_read_in_any_case() {
        assert_eq!(DeliveryStatus::parse(" FAILED "), Some(DeliveryStatus::Failed));
        assert_eq!(DeliveryStatus::parse("dead"), None);
    }

    #[test]
    fn printable_drops_nul_and_cuts_by_characters() {
        assert_eq!(printable("a\0b\r\nc", 10), "a b  c");
        assert_eq!(printable("ñññ", 2), "ññ");
    }
}
