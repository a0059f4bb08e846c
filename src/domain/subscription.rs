//! What a subscription can say: its receiver's URL, status, payload format, header families and success policy.

use std::fmt;

use url::{Host, Url};

use super::violation::Violation;

/// Fewest and most characters of a receiver's URL (R52).
const URL_CHARS: std::ops::RangeInclusive<usize> = 10..=2048;

/// Where deliveries are sent: a checked http(s) URL in its normalised text, without user, password or fragment.
///
/// Which addresses may be dialled is not decided here but each time when dialling.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReceiverUrl(String);

impl ReceiverUrl {
    /// Parses and normalises `text`; http only where `allow_http` says so (R52, C28).
    ///
    /// *Errors*: every failed rule, under the name `field`; never the text, which may hold a password.
    ///
    /// ```
    /// use posthorn::validate::ReceiverUrl;
    /// let url = ReceiverUrl::parse("url", "https://Hooks.Example.com:443/in", false).unwrap();
    /// assert_eq!(url.as_str(), "https://hooks.example.com/in");
    /// assert_eq!(ReceiverUrl::parse("url", "http://example.com/", false).unwrap_err()[0].rule, "url_scheme");
    /// ```
    pub fn parse(field: &str, text: &str, allow_http: bool) -> Result<Self, Vec<Violation>> {
        let text = text.trim();
        let mut broken = Vec::new();
        if !URL_CHARS.contains(&text.chars().count()) {
            broken.push(("url_length", LENGTH_MESSAGE));
        }
        // The parser would silently drop tabs and line breaks and take a backslash for a slash.
        if text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
            broken.push(("url_characters", "must not contain spaces, control characters or backslashes"));
        }
        if !has_allowed_scheme(text, allow_http) {
            let message = if allow_http {
                "must begin with https:// or http://"
            } else {
                "must begin with https:// (http:// only where WEBHOOK_ALLOW_HTTP is set)"
            };
            broken.push(("url_scheme", message));
        }
        let normalised = match Url::parse(text) {
            Ok(url) => checked_parts(url, &mut broken),
            Err(_) => {
                broken.push(("url_format", "must be an absolute URL such as https://example.com/webhooks"));
                None
            }
        };
        match normalised {
            Some(url) if broken.is_empty() => Ok(Self(url)),
            _ => Err(broken.into_iter().map(|(rule, message)| Violation::new(field, rule, message)).collect()),
        }
    }

    /// The normalised text: lower-case ASCII host, no default port, percent-encoded path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReceiverUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

const LENGTH_MESSAGE: &str = "must have 10 to 2048 characters";

/// `http:host` and `http:///host` are URLs to the parser; we want the two slashes and the host written out.
fn has_allowed_scheme(text: &str, allow_http: bool) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else {
        return false;
    };
    let is_allowed = scheme.eq_ignore_ascii_case("https") || (allow_http && scheme.eq_ignore_ascii_case("http"));
    is_allowed && !rest.starts_with('/')
}

fn checked_parts(mut url: Url, broken: &mut Vec<(&'static str, &'static str)>) -> Option<String> {
    if !url.username().is_empty() || url.password().is_some() {
        broken.push(("url_userinfo", "must not contain a user name or password: they would be stored in clear"));
    }
    if url.fragment().is_some() {
        broken.push(("url_fragment", "must not contain a fragment (#…): it is never sent to a server"));
    }
    if url.port() == Some(0) {
        broken.push(("url_port", "must not use port 0"));
    }
    // `example.com.` is the same host as `example.com`: one spelling, so that duplicates are seen.
    if let Some(name) = url.domain().and_then(|domain| domain.strip_suffix('.')).map(str::to_owned) {
        let _ = url.set_host(Some(&name)); // a refused name keeps its dot and is caught below
    }
    let has_good_host = match url.host() {
        Some(Host::Domain(domain)) => {
            // the parser lets quotes and more pass, which no name has and the HTTP library refuses at every attempt
            let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
            let has_good_labels = domain.split('.').all(|label| (1..=63).contains(&label.len()));
            domain.len() <= 253 && has_good_labels && domain.bytes().all(is_name)
        }
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => true,
        None => false,
    };
    if !has_good_host {
        broken.push(("url_host", "must name a host"));
    }
    if !URL_CHARS.contains(&url.as_str().len()) && broken.is_empty() {
        broken.push(("url_length", LENGTH_MESSAGE)); // percent-encoding made it longer, or resolving `..` shorter
    }
    broken.is_empty().then(|| url.into())
}

/// Writes the words of an enum: `ALL`, `as_str`, `parse` in any letter case, and `Display`.
macro_rules! words {
    ($type:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $type {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word used in columns, JSON and labels.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// Reads the word in any letter case, or `None` for any other word.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str().eq_ignore_ascii_case(text.trim()))
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

/// Whether a subscription receives (R19).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SubscriptionStatus {
    /// Receives.
    Active,
    /// Switched off by its owner; matching events wait.
    Inactive,
    /// Switched off by Posthorn, such as after a 410.
    Suspended,
    /// Deleted; kept for history.
    Deleted,
}

words!(SubscriptionStatus { Active = "active", Inactive = "inactive", Suspended = "suspended", Deleted = "deleted" });

/// Shape of the request body (R34–R36).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PayloadFormat {
    /// The union of the three original envelopes.
    #[default]
    Default,
    /// Envelope A, exactly.
    Gestiq,
    /// Envelope C, exactly.
    Dotmac,
    /// CloudEvents 1.0, structured mode.
    CloudEvents,
    /// CloudEvents 1.0, binary mode: attributes in headers, the data alone as body.
    CloudEventsBinary,
    /// The data alone.
    Raw,
    /// Whatever the subscription's template makes of it.
    Template,
}

words!(PayloadFormat {
    Default = "default",
    Gestiq = "gestiq",
    Dotmac = "dotmac",
    CloudEvents = "cloudevents",
    CloudEventsBinary = "cloudevents_binary",
    Raw = "raw",
    Template = "template",
});

/// Which answers count as delivered (R41).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SuccessPolicy {
    /// 2xx.
    #[default]
    Standard,
    /// 2xx and 3xx.
    Gestiq,
}

words!(SuccessPolicy { Standard = "standard", Gestiq = "gestiq" });

/// Which families of signature and identification headers a request carries (R37).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HeaderFamilies {
    /// `webhook-id`, `webhook-timestamp`, `webhook-signature`.
    pub standard: bool,
    /// `x-event`, `x-signature`.
    pub gestiq: bool,
    /// `x-webhook-signature`, `x-webhook-event-type`, `x-webhook-event-id`.
    pub dotmac: bool,
}

impl HeaderFamilies {
    /// All three.
    pub const ALL: Self = Self { standard: true, gestiq: true, dotmac: true };

    /// Reads the names `standard`, `gestiq` and `dotmac` in any order and letter case; at least one.
    ///
    /// *Errors*: every failed rule, under the name `field`.
    pub fn parse<S: AsRef<str>>(field: &str, names: &[S]) -> Result<Self, Vec<Violation>> {
        let mut families = Self { standard: false, gestiq: false, dotmac: false };
        let mut violations = Vec::new();
        for (index, name) in names.iter().enumerate() {
            match name.as_ref().trim().to_ascii_lowercase().as_str() {
                "standard" => families.standard = true,
                "gestiq" => families.gestiq = true,
                "dotmac" => families.dotmac = true,
                _ => violations.push(Violation::new(
                    &format!("{field}[{index}]"),
                    "header_family_unknown",
                    "must be standard, gestiq or dotmac",
                )),
            }
        }
        if names.is_empty() {
            violations.push(Violation::new(
                field,
                "header_families_empty",
                "must name at least one of standard, gestiq, dotmac",
            ));
        }
        if violations.is_empty() { Ok(families) } else { Err(violations) }
    }

    /// The names as the column holds them.
    pub fn names(self) -> Vec<&'static str> {
        [(self.standard, "standard"), (self.gestiq, "gestiq"), (self.dotmac, "dotmac")]
            .into_iter()
            .filter_map(|(is_on, name)| is_on.then_some(name))
            .collect()
    }
}

impl Default for HeaderFamilies {
    fn default() -> Self {
        Self::ALL
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rules(text: &str, allow_http: bool) -> Vec<&'static str> {
        ReceiverUrl::parse("url", text, allow_http).unwrap_err().into_iter().map(|v| v.rule).collect()
    }

    #[test]
    fn urls_are_normalised() {
        for (text, want) in [
            ("https://example.com", "https://example.com/"),
            (" HTTPS://Example.COM:443/a b".trim_end_matches(" b"), "https://example.com/a"),
            ("https://example.com./in", "https://example.com/in"),
            ("https://localhost.:8443/", "https://localhost:8443/"),
            ("https://bücher.example/ñ?q=ñ", "https://xn--bcher-kva.example/%C3%B1?q=%C3%B1"),
            ("https://0x7f.1/hook", "https://127.0.0.1/hook"),
            ("https://[::ffff:7f00:1]/", "https://[::ffff:7f00:1]/"),
            ("https://example.com/a/../b?x=1", "https://example.com/b?x=1"),
        ] {
            assert_eq!(ReceiverUrl::parse("url", text, false).unwrap().as_str(), want);
        }
        assert_eq!(ReceiverUrl::parse("url", "http://127.0.0.1:80/", true).unwrap().as_str(), "http://127.0.0.1/");
    }

    #[test]
    fn every_failed_rule_is_named() {
        let long = format!("https://example.com/{}", "x".repeat(2048));
        let grows = format!("https://example.com/{}", "ñ".repeat(1000));
        let label = format!("https://{}.example/", "x".repeat(64));
        for (text, want) in [
            ("", vec!["url_length", "url_scheme", "url_format"]),
            ("https://a", vec!["url_length"]),
            (long.as_str(), vec!["url_length"]),
            (grows.as_str(), vec!["url_length"]),
            (label.as_str(), vec!["url_host"]),
            ("http://example.com/", vec!["url_scheme"]),
            ("ftp://example.com/", vec!["url_scheme"]),
            ("javascript:alert(1)", vec!["url_scheme", "url_host"]),
            ("example.com/webhooks", vec!["url_scheme", "url_format"]),
            ("https:example.com/in", vec!["url_scheme"]),
            ("https:///example.com/in", vec!["url_scheme"]),
            ("https://", vec!["url_length", "url_format"]),
            ("https://:8443/in", vec!["url_format"]),
            ("https://user:pw@example.com/", vec!["url_userinfo"]),
            ("https://user@example.com/#top", vec!["url_userinfo", "url_fragment"]),
            ("https://example.com:0/", vec!["url_port"]),
            ("https://example.com:65536/", vec!["url_format"]),
            ("https://a..example/in", vec!["url_host"]),
            ("https://example.com../in", vec!["url_host"]),
            ("https://exam ple.com/", vec!["url_characters", "url_format"]),
            ("https://example.com/a\r\nx: y", vec!["url_characters"]),
            ("https://good.example\\@bad.example/", vec!["url_characters"]),
            ("https://[fe80::1%25eth0]/", vec!["url_format"]),
            ("http://u@example.com:0/#x", vec!["url_scheme", "url_userinfo", "url_fragment", "url_port"]),
        ] {
            assert_eq!(rules(text, false), want, "{text:?}");
        }
        assert_eq!(rules("http:127.0.0.1/", true), ["url_scheme"]);
        assert_eq!(rules("http:///x.example", true), ["url_scheme"]);
        assert_eq!(rules("http://a/x/..", true), ["url_length"]);
    }

    #[test]
    fn messages_never_repeat_the_password() {
        let violations = ReceiverUrl::parse("url", "https://user:CANARY@example.com/", false).unwrap_err();
        assert!(!format!("{violations:?}").contains("CANARY"));
    }

    #[test]
    fn words_are_read_back() {
        for value in SubscriptionStatus::ALL {
            assert_eq!(SubscriptionStatus::parse(&value.as_str().to_uppercase()), Some(*value));
        }
        for value in PayloadFormat::ALL {
            assert_eq!(PayloadFormat::parse(value.as_str()), Some(*value));
        }
        for value in SuccessPolicy::ALL {
            assert_eq!(SuccessPolicy::parse(value.as_str()), Some(*value));
        }
        assert_eq!(PayloadFormat::parse("xml"), None);
    }

    #[test]
    fn header_families_are_read_back() {
        let some = HeaderFamilies::parse("headers", &["Dotmac", "standard"]).unwrap();
        assert_eq!(some.names(), ["standard", "dotmac"]);
        assert_eq!(HeaderFamilies::parse("headers", &HeaderFamilies::ALL.names()), Ok(HeaderFamilies::default()));
        let violations = HeaderFamilies::parse("headers", &["standard", "svix"]).unwrap_err();
        assert_eq!(violations[0].field, "headers[1]");
        assert_eq!(HeaderFamilies::parse::<&str>("headers", &[]).unwrap_err()[0].rule, "header_families_empty");
    }

    proptest! {
        #[test]
        fn an_accepted_url_can_be_requested_and_is_stable(text in "https?://[a-zA-Z0-9.\\[\\]:@-]{1,20}(/[ -~ñ]{0,30})?") {
            if let Ok(url) = ReceiverUrl::parse("url", &text, true) {
                prop_assert!(url.as_str().parse::<hyper::Uri>().is_ok(), "{url}");
                prop_assert_eq!(ReceiverUrl::parse("url", url.as_str(), true).unwrap(), url);
            }
        }
    }
}
