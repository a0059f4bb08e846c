//! Headers that a subscription adds to its requests (F2), and what identifies them to the receiver. Their values are
//! secrets: often an API key, always possible to be one.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::HeaderName;
use zeroize::Zeroizing;

use super::violation::Violation;

/// Most headers of a subscription.
pub const HEADERS_MAX: usize = 32;
/// Longest name.
const NAME_MAX_BYTES: usize = 64;
/// Longest value.
const VALUE_MAX_BYTES: usize = 4096;
/// Longest user name, password or token.
const CREDENTIAL_MAX_BYTES: usize = 2048;

/// Headers that say where a request goes, where it ends, who sends it or that it is genuine: ours alone to set.
const DENIED: [&str; 29] = [
    "accept-encoding",
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "date",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-event",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-real-ip",
    "x-signature",
    "http2-settings",
    "x-http-method-override",
];
/// Ours as well since traces are passed on. A subscription that has one from before keeps it, beneath ours.
const DENIED_NOW: [&str; 2] = ["traceparent", "tracestate"];
/// The same of whole families.
const DENIED_PREFIXES: [&str; 5] = ["webhook-", "x-webhook-", "ce-", "sec-", "x-posthorn-"];

/// Headers of a subscription's own, names in lower case.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct CustomHeaders(BTreeMap<String, Zeroizing<String>>);

impl CustomHeaders {
    /// Reads names and values; none may be one of ours, hold a line break, or stand there twice.
    ///
    /// *Errors*: every failed rule, under the name `field` and the header's; never a value.
    pub fn parse(field: &str, given: BTreeMap<String, String>) -> Result<Self, Vec<Violation>> {
        Self::read(field, given, &DENIED_NOW)
    }

    fn read(field: &str, given: BTreeMap<String, String>, denied_too: &[&str]) -> Result<Self, Vec<Violation>> {
        let is_denied = |name: &str| {
            let is_ours = DENIED.iter().chain(denied_too).any(|denied| *denied == name);
            is_ours || DENIED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        };
        let mut violations = Vec::new();
        if given.len() > HEADERS_MAX {
            let message = format!("must be at most {HEADERS_MAX} headers, are {}", given.len());
            violations.push(Violation::new(field, "headers_count", message));
        }
        let mut headers = BTreeMap::new();
        for (name, value) in given {
            let of_header = format!("{field}.{}", super::delivery::printable(&name, NAME_MAX_BYTES));
            let mut fail = |rule, message: &str| violations.push(Violation::new(&of_header, rule, message));
            let lower = name.to_ascii_lowercase();
            if lower.len() > NAME_MAX_BYTES || HeaderName::from_bytes(name.as_bytes()).is_err() {
                fail("header_name", "must be a header name: 1 to 64 letters, digits and - _ . ! # $ % & ' * + ^ ` | ~");
            } else if is_denied(&lower) {
                fail("header_denied", "is set by Posthorn or by the connection and cannot be chosen");
            }
            if value.len() > VALUE_MAX_BYTES || !is_value(&value) {
                fail("header_value", "must have at most 4096 characters of printable ASCII, no space at its ends");
            }
            if headers.insert(lower, Zeroizing::new(value)).is_some() {
                fail("header_twice", "is given twice in different letter case");
            }
        }
        if violations.is_empty() { Ok(Self(headers)) } else { Err(violations) }
    }

    /// Reads what [`CustomHeaders::to_text`] wrote.
    pub fn from_text(text: &str) -> Option<Self> {
        let headers: BTreeMap<String, String> = serde_json::from_str(text).ok()?;
        Self::read("headers", headers, &[]).ok()
    }

    /// The text to be sealed.
    pub fn to_text(&self) -> Zeroizing<String> {
        let plain: BTreeMap<&str, &str> = self.iter().collect();
        Zeroizing::new(serde_json::to_string(&plain).expect("texts can always be written"))
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The names.
    pub fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

impl fmt::Debug for CustomHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

fn is_value(value: &str) -> bool {
    value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) && value.trim() == value && !value.is_empty()
}

/// How requests identify themselves to the receiver.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// HTTP Basic (RFC 7617).
    Basic {
        /// User name, without a colon.
        username: String,
        /// Password.
        password: Zeroizing<String>,
    },
    /// A bearer token (RFC 6750).
    Bearer(Zeroizing<String>),
}

impl Credentials {
    /// Checks what was given.
    ///
    /// *Errors*: every failed rule, under the name `field`; never a password or token.
    pub fn check(self, field: &str) -> Result<Self, Vec<Violation>> {
        let mut violations = Vec::new();
        let mut fail =
            |part: &str, rule, message| violations.push(Violation::new(&format!("{field}.{part}"), rule, message));
        match &self {
            Self::Basic { username, password } => {
                if username.is_empty()
                    || username.len() > CREDENTIAL_MAX_BYTES
                    || username.contains(':')
                    || has_control(username)
                {
                    fail("username", "username", "must have 1 to 2048 bytes, no colon and no control character");
                }
                if password.len() > CREDENTIAL_MAX_BYTES || has_control(password) {
                    fail("password", "password", "must have at most 2048 bytes and no control character");
                }
            }
            Self::Bearer(token) => {
                if token.is_empty()
                    || token.len() > CREDENTIAL_MAX_BYTES
                    || !token.bytes().all(|byte| byte.is_ascii_graphic())
                {
                    fail("token", "token", "must have 1 to 2048 characters of printable ASCII without spaces");
                }
            }
        }
        if violations.is_empty() { Ok(self) } else { Err(violations) }
    }

    /// `basic` or `bearer`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Basic { .. } => "basic",
            Self::Bearer(_) => "bearer",
        }
    }

    /// The value of the header `Authorization`; what is sealed.
    pub fn header_value(&self) -> Zeroizing<String> {
        Zeroizing::new(match self {
            Self::Basic { username, password } => {
                let pair = Zeroizing::new(format!("{username}:{}", password.as_str()));
                format!("Basic {}", STANDARD.encode(pair.as_bytes()))
            }
            Self::Bearer(token) => format!("Bearer {}", token.as_str()),
        })
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({}, redacted)", self.kind())
    }
}

fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(name: &str, value: &str) -> Result<CustomHeaders, Vec<Violation>> {
        CustomHeaders::parse("headers", BTreeMap::from([(name.to_owned(), value.to_owned())]))
    }

    #[test]
    fn headers_are_kept_in_lower_case_and_read_back() {
        let headers = parse("X-Api-Key", "abc 123").unwrap();
        assert_eq!(headers.iter().collect::<Vec<_>>(), [("x-api-key", "abc 123")]);
        assert_eq!(CustomHeaders::from_text(&headers.to_text()), Some(headers.clone()));
        assert_eq!(format!("{headers:?}"), r#"{"x-api-key"}"#);
    }

    #[test]
    fn headers_that_are_ours_or_the_connections_are_refused() {
        for name in [
            "Host",
            "content-length",
            "Transfer-Encoding",
            "CONNECTION",
            "webhook-id",
            "Webhook-Signature",
            "X-Webhook-Event-Id",
            "Authorization",
            "Cookie",
            "Expect",
            "Upgrade",
            "X-Signature",
            "ce-id",
            "Proxy-Authorization",
            "TE",
            "Traceparent",
            "tracestate",
        ] {
            assert_eq!(parse(name, "1").unwrap_err()[0].rule, "header_denied", "{name}");
        }
    }

    #[test]
    fn what_was_taken_before_a_name_became_ours_can_still_be_read() {
        let stored = r#"{"traceparent": "1", "x-api-key": "2"}"#;
        assert_eq!(CustomHeaders::from_text(stored).unwrap().names(), ["traceparent", "x-api-key"]);
        assert!(CustomHeaders::from_text(r#"{"host": "1"}"#).is_none());
    }

    #[test]
    fn bad_names_and_values_are_refused_without_being_shown() {
        for name in ["", "a b", "a:b", "ä", "a\r\nb", &"x".repeat(65)] {
            assert_eq!(parse(name, "1").unwrap_err()[0].rule, "header_name", "{name}");
        }
        for value in ["", "CANARY\r\nX: y", "CANARY\0", "CANARYä", " CANARY", &"CANARY".repeat(1000)] {
            let violations = parse("x-a", value).unwrap_err();
            assert_eq!(violations[0].rule, "header_value");
            assert!(!format!("{violations:?}").contains("CANARY"));
        }
        let twice = BTreeMap::from([("X-A".to_owned(), "1".to_owned()), ("x-a".to_owned(), "2".to_owned())]);
        assert_eq!(CustomHeaders::parse("headers", twice).unwrap_err()[0].rule, "header_twice");
        let many = (0..33).map(|n| (format!("x-{n}"), "1".to_owned())).collect();
        assert_eq!(CustomHeaders::parse("headers", many).unwrap_err()[0].rule, "headers_count");
    }

    #[test]
    fn credentials_become_the_authorization_header() {
        let basic = Credentials::Basic { username: "Aladdin".to_owned(), password: "open sesame".to_owned().into() };
        assert_eq!(basic.header_value().as_str(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        let bearer = Credentials::Bearer("abc".to_owned().into()).check("credentials").unwrap();
        assert_eq!((bearer.header_value().as_str(), bearer.kind()), ("Bearer abc", "bearer"));
        assert!(!format!("{basic:?}").contains("sesame"));
        for bad in ["", "a b", "a\nb", "ä"] {
            assert!(Credentials::Bearer(bad.to_owned().into()).check("credentials").is_err());
        }
        let colon = Credentials::Basic { username: "a:b".to_owned(), password: String::new().into() };
        assert_eq!(colon.check("credentials").unwrap_err()[0].field, "credentials.username");
    }
}
