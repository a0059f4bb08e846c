//! The rules that Posthorn has for what comes from outside, each with every failed rule named at once.
//!
//! ```
//! use posthorn::validate;
//!
//! let url = validate::url("https://Hooks.Example.com:443/in")?;
//! assert_eq!(url.as_str(), "https://hooks.example.com/in");
//!
//! let refused = validate::url("http://user@example.com/").unwrap_err();
//! let rules: Vec<_> = refused.violations().iter().map(|violation| violation.rule).collect();
//! assert_eq!(rules, ["url_scheme", "url_userinfo"]);
//! # Ok::<(), validate::Invalid>(())
//! ```

use std::fmt;

use crate::domain::event;

pub use crate::domain::event::{EventName, EventPattern};
pub use crate::domain::secret::Secret;
pub use crate::domain::subscription::ReceiverUrl;
pub use crate::domain::violation::Violation;

/// Most bytes of a payload that [`payload()`] takes: what an installation takes where nothing else is configured.
pub const PAYLOAD_MAX_BYTES: usize = event::PAYLOAD_MAX_BYTES;

/// Why a value was refused. Never holds the value: it may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid(Vec<Violation>);

impl Invalid {
    /// Every failed rule; at least one.
    pub fn violations(&self) -> &[Violation] {
        &self.0
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, violation) in self.0.iter().enumerate() {
            write!(f, "{}{violation}", if index == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl std::error::Error for Invalid {}

/// A receiver's URL (R52): https, 10 to 2,048 characters, without user, password and fragment. The answer holds its normal
/// form. Which addresses may be dialled is not decided here but when dialling.
///
/// # Errors
/// Every failed rule.
pub fn url(text: &str) -> Result<ReceiverUrl, Invalid> {
    ReceiverUrl::parse("url", text, false).map_err(Invalid)
}

/// The same, http too: for development.
///
/// # Errors
/// Every failed rule.
pub fn url_with_http(text: &str) -> Result<ReceiverUrl, Invalid> {
    ReceiverUrl::parse("url", text, true).map_err(Invalid)
}

/// An event's name (R53), trimmed and in lower case: two or more segments of `a-z`, `0-9` and `_`, up to 100 characters.
///
/// ```
/// use posthorn::validate;
/// assert_eq!(validate::event(" Invoice.Created ")?.as_str(), "invoice.created");
/// assert_eq!(validate::event("invoice").unwrap_err().violations()[0].rule, "event_format");
/// # Ok::<(), validate::Invalid>(())
/// ```
///
/// # Errors
/// The failed rule.
pub fn event(text: &str) -> Result<EventName, Invalid> {
    EventName::parse("event", text).map_err(|violation| Invalid(vec![violation]))
}

/// What a subscription may want: an event's name, a group such as `invoice.*`, or `*`.
///
/// ```
/// use posthorn::validate;
/// let wanted = validate::pattern("invoice.*")?;
/// assert!(wanted.matches(&validate::event("invoice.paid")?));
/// # Ok::<(), validate::Invalid>(())
/// ```
///
/// # Errors
/// The failed rule.
pub fn pattern(text: &str) -> Result<EventPattern, Invalid> {
    EventPattern::parse("events", text).map_err(|violation| Invalid(vec![violation]))
}

/// A signing secret (R54): 8 to 500 characters, or `whsec_` and the base64 of the key. The answer is wiped when dropped and
/// never printed.
///
/// ```
/// use posthorn::validate;
/// let secret = validate::secret("my-webhook-secret-12345678")?;
/// assert_eq!(format!("{secret:?}"), "Secret(redacted)");
/// assert_eq!(validate::secret("short").unwrap_err().violations()[0].rule, "secret_length");
/// # Ok::<(), validate::Invalid>(())
/// ```
///
/// # Errors
/// Every failed rule.
pub fn secret(text: &str) -> Result<Secret, Invalid> {
    Secret::parse("secret", text).map_err(Invalid)
}

/// A payload (R55): the text of one JSON object of at most [`PAYLOAD_MAX_BYTES`], without the character U+0000, which
/// PostgreSQL cannot keep. PostgreSQL has the last word: it measures the text as it prints it.
///
/// ```
/// use posthorn::validate;
/// validate::payload(r#"{"invoice_id": "INV-1001", "amount": "1500.00"}"#)?;
/// assert_eq!(validate::payload("[1, 2]").unwrap_err().violations()[0].rule, "payload_object");
/// # Ok::<(), validate::Invalid>(())
/// ```
///
/// # Errors
/// Every failed rule.
pub fn payload(json: &str) -> Result<(), Invalid> {
    let violations = event::payload_violations("payload", json);
    if violations.is_empty() { Ok(()) } else { Err(Invalid(violations)) }
}
