//! What callers of the API write: bodies, cursors, tokens, filters.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use posthorn::api::Jwt;
use posthorn::api::strangers;
use posthorn::config::{JwtAlgorithm, JwtConfig};
use posthorn::domain::filter::is_walk_within_walk;
use ring::hmac;

/// The body of a request, read as fields of every type and as a new subscription.
pub(crate) fn body(bytes: &[u8]) {
    let read = strangers::fields(bytes);
    assert_eq!(read.is_some(), strangers::new_subscription(bytes).is_some());
    let Some((texts, wrong)) = read else { return };
    assert!(serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok(), "what is no JSON was read");
    assert!(texts.iter().all(|text| !text.contains('\0')));
    // what the reader does not know is not passed over in silence
    assert!(
        !texts.is_empty() || !wrong.is_empty() || strangers::new_subscription(bytes).is_some_and(|v| !v.is_empty())
    );
}

/// A cursor is read in one spelling alone: what is read and written again is what it was.
pub(crate) fn cursor(bytes: &[u8]) {
    let Some(text) = super::text(bytes) else { return };
    for again in strangers::cursors(text) {
        assert_eq!(again, text);
    }
}

/// A jsonpath: blanks outside of quotes make no difference, and neither does a condition that says nothing.
pub(crate) fn filter(bytes: &[u8]) {
    let Some(text) = super::text(bytes) else { return };
    let is_dear = is_walk_within_walk(text);
    if !text.contains('"') {
        let bare: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        assert_eq!(is_walk_within_walk(&bare), is_dear, "blanks hide a walk");
    }
    if text.matches("**").count() > 1 && !text.contains(['"', '[', ']']) {
        assert!(is_dear, "two walks through everything");
    }
}

const SECRET: &[u8] = b"a-secret-of-at-least-thirty-two-bytes";

static JWT: LazyLock<Jwt> = LazyLock::new(|| {
    let config = JwtConfig {
        jwt_key: None,
        jwt_key_file: None,
        jwt_algorithm: Some(JwtAlgorithm::Hs256),
        jwt_audience: Some("posthorn".to_owned()),
        jwt_issuer: Some("https://issuer.example".to_owned()),
        jwt_tenant_claim: "tenant_id".to_owned(),
    };
    let secret = std::str::from_utf8(SECRET).expect("it is ASCII").into();
    Jwt::new(&config, Some(&secret)).expect("the settings are good").expect("they ask for tokens")
});

/// A token as it comes is never taken: nobody guesses the signature. With head and claims of the stranger's choice and a good
/// signature, it is read without harm.
pub(crate) fn token(bytes: &[u8]) {
    let Some(text) = super::text(bytes) else { return };
    assert_eq!(strangers::token(&JWT, text), None, "nobody signed this");
    let Some((head, claims)) = text.split_once('\0') else { return };
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(head), URL_SAFE_NO_PAD.encode(claims));
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET), message.as_bytes());
    let signed = format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature));
    let Some((_, actor)) = strangers::token(&JWT, &signed) else { return };
    assert!(actor.starts_with("jwt:") && !actor.chars().any(char::is_control) && actor.chars().count() <= 204);
    let head: serde_json::Value = serde_json::from_str(head).expect("a head that was taken is JSON");
    assert_eq!(head["alg"], "HS256", "the token does not choose how it is verified");
    assert!(claims.contains("exp") && signed.len() <= 8 * 1024);
}
