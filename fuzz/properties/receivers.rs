//! What tenants say of their receivers: URLs, headers, credentials.

use std::collections::BTreeMap;

use hyper::Uri;
use hyper::header::{HeaderName, HeaderValue};
use posthorn::domain::custom_headers::{Credentials, CustomHeaders};
use posthorn::domain::subscription::ReceiverUrl;

use super::MARK;

/// A URL that is taken stays as it is from then on, for us, for the schema and for the HTTP library alike.
pub(crate) fn url(bytes: &[u8]) {
    let Some(text) = super::text(bytes) else { return };
    if let Err(violations) = ReceiverUrl::parse("url", &format!("{text}{MARK}"), true) {
        assert!(violations.iter().all(|violation| !violation.message.contains(MARK)));
    }
    let url = match ReceiverUrl::parse("url", text, true) {
        Ok(url) => url,
        Err(violations) => return assert!(!violations.is_empty() && ReceiverUrl::parse("url", text, false).is_err()),
    };
    let kept = url.as_str();
    assert_eq!(ReceiverUrl::parse("url", kept, true).as_ref(), Ok(&url), "{kept}");
    assert_eq!(ReceiverUrl::parse("url", text, false).is_ok(), kept.starts_with("https://"), "{kept}");
    assert!(fits_the_schema(kept), "{kept}");
    let parsed = url::Url::parse(kept).expect("it was parsed before");
    let dialled: Uri = kept.parse().unwrap_or_else(|error| panic!("{kept}: {error}"));
    assert_eq!(dialled.host(), parsed.host_str(), "two readers see two hosts in {kept}");
    assert_eq!(dialled.port_u16(), parsed.port(), "{kept}");
    assert!(parsed.username().is_empty() && parsed.password().is_none() && parsed.fragment().is_none(), "{kept}");
}

/// `url_is_http_or_https_without_user_or_fragment` of the table: `^https?://[^\s/@?#\\]+([/?][^\s#]*)?$`, 10 to 2048 characters.
fn fits_the_schema(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")) else { return false };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    (10..=2048).contains(&url.chars().count())
        && !authority.is_empty()
        && !authority.contains(|c: char| c.is_whitespace() || "@#\\".contains(c))
        && !path.contains(|c: char| c.is_whitespace() || c == '#')
}

/// Lines `name:value`, the first of which are credentials as well.
pub(crate) fn headers(bytes: &[u8]) {
    let Some(text) = super::text(bytes) else { return };
    let pairs = text.split('\n').filter_map(|line| line.split_once(':'));
    let given: BTreeMap<String, String> = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    if let Some((username, password)) = text.split_once(':') {
        for credentials in [
            Credentials::Basic { username: username.to_owned(), password: password.to_owned().into() },
            Credentials::Bearer(password.to_owned().into()),
        ] {
            if let Ok(credentials) = credentials.check("credentials") {
                HeaderValue::from_str(&credentials.header_value()).expect("what is checked can be sent");
                assert!(password.len() < 8 || !format!("{credentials:?}").contains(password));
            }
        }
    }
    match CustomHeaders::parse("headers", given.clone()) {
        Ok(headers) => {
            assert!(headers.names().len() == given.len() && given.len() <= 32);
            assert_eq!(CustomHeaders::from_text(&headers.to_text()).map(|again| again.names()), Some(headers.names()));
            for (name, value) in headers.iter() {
                let name = HeaderName::from_bytes(name.as_bytes()).expect("what is checked can be sent");
                HeaderValue::from_str(value).expect("what is checked can be sent");
                let is_ours = [
                    "host",
                    "content-length",
                    "transfer-encoding",
                    "connection",
                    "authorization",
                    "te",
                    "upgrade",
                    "expect",
                ];
                assert!(!is_ours.contains(&name.as_str()) && !name.as_str().starts_with("webhook-"), "{name}");
            }
        }
        Err(_) => {
            let marked = given.into_iter().map(|(name, value)| (name, format!("{value}{MARK}"))).collect();
            let violations = CustomHeaders::parse("headers", marked).err().unwrap_or_default();
            assert!(violations.iter().all(|violation| !violation.message.contains(MARK)));
        }
    }
}
