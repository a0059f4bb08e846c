//! The signing secret of a subscription: checked on the way in, wiped on drop, never printed (R54, R57).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::violation::Violation;

/// Prefix of a secret whose rest is the base64 of the key (Standard Webhooks).
const PREFIX: &str = "whsec_";

/// Fewest and most characters of a secret that is given (R54).
const LENGTH_CHARS: std::ops::RangeInclusive<usize> = 8..=500;

/// Most bytes of a secret, so that it fits its column once sealed (2,048 bytes) whatever its script.
pub const SECRET_MAX_BYTES: usize = 1_900;

/// Bytes of a generated key (R54).
const GENERATED_BYTES: usize = 32;

/// Fewest bytes behind `whsec_`: as many as the shortest plain secret has.
const KEY_MIN_BYTES: usize = 8;

/// From how many characters on a masked secret shows its last four.
const MASK_SHOWS_END_FROM_CHARS: usize = 24;

/// A signing secret. It has no `Display` and cannot be serialised: showing it once is a deliberate [`Secret::expose`].
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes a secret chosen by a person: 8–500 characters, none of them a control character, no white space around it,
    /// and behind `whsec_` the base64 of at least 8 bytes.
    ///
    /// *Errors*: every failed rule, under the name `field`; never the text.
    ///
    /// ```
    /// use posthorn::signature::Secret;
    /// assert!(Secret::parse("secret", "my-webhook-secret-12345678").is_ok());
    /// assert_eq!(Secret::parse("secret", "short").unwrap_err()[0].rule, "secret_length");
    /// ```
    pub fn parse(field: &str, text: &str) -> Result<Self, Vec<Violation>> {
        let mut violations = Vec::new();
        let mut fail = |rule, message: String| violations.push(Violation::new(field, rule, message));
        let chars = text.chars().count();
        if !LENGTH_CHARS.contains(&chars) {
            let (min, max) = (LENGTH_CHARS.start(), LENGTH_CHARS.end());
            fail("secret_length", format!("must have {min} to {max} characters, has {chars}"));
        }
        if text.len() > SECRET_MAX_BYTES && chars <= *LENGTH_CHARS.end() {
            fail("secret_length", format!("must have at most {SECRET_MAX_BYTES} bytes, has {}", text.len()));
        }
        if text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')) {
            fail("secret_characters", "must not contain control characters".to_owned());
        }
        if text.trim() != text {
            fail("secret_whitespace", "must not begin or end with white space".to_owned());
        }
        let has_key =
            |encoded| STANDARD.decode(encoded).map(Zeroizing::new).is_ok_and(|key| key.len() >= KEY_MIN_BYTES);
        if text.strip_prefix(PREFIX).is_some_and(|encoded| !has_key(encoded)) {
            fail(
                "secret_base64",
                format!("must continue after {PREFIX} with the base64 of at least {KEY_MIN_BYTES} bytes"),
            );
        }
        if violations.is_empty() { Ok(Self(text.into())) } else { Err(violations) }
    }

    /// A new secret of 32 random bytes: `whsec_` and their base64.
    pub fn generate() -> Self {
        let mut key = Zeroizing::new([0u8; GENERATED_BYTES]);
        rand::fill(&mut key[..]);
        Self(format!("{PREFIX}{}", STANDARD.encode(&key[..])).into())
    }

    /// The secret itself: for signing, sealing, and the one answer that shows it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// The key for Standard Webhooks: the base64 part of a `whsec_` secret, else the UTF-8 bytes (DESIGN section 4).
    pub fn standard_key(&self) -> Zeroizing<Vec<u8>> {
        let text = self.expose();
        let decoded = text.strip_prefix(PREFIX).and_then(|encoded| STANDARD.decode(encoded).ok());
        Zeroizing::new(decoded.unwrap_or_else(|| text.as_bytes().to_vec()))
    }

    /// What people may see in answers: `whsec_****` and, of a long secret, its last four characters.
    pub fn masked(&self) -> String {
        mask(self.expose())
    }
}

/// [`Secret::masked`] of any text.
pub fn mask(text: &str) -> String {
    let prefix = if text.starts_with(PREFIX) { PREFIX } else { "" };
    let chars = text.chars().count();
    let hidden = if chars < MASK_SHOWS_END_FROM_CHARS { chars } else { chars - 4 };
    format!("{prefix}****{}", text.chars().skip(hidden).collect::<String>())
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

impl PartialEq for Secret {
    /// Takes the same time wherever two secrets of one length differ.
    fn eq(&self, other: &Self) -> bool {
        self.expose().as_bytes().ct_eq(other.expose().as_bytes()).into()
    }
}

impl Eq for Secret {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failed_rule_is_named() {
        let (long, huge, wide) = ("x".repeat(501), "x".repeat(10_000_000), "🐚".repeat(500));
        for (text, rules) in [
            ("", vec!["secret_length"]),
            ("1234567", vec!["secret_length"]),
            (long.as_str(), vec!["secret_length"]),
            (huge.as_str(), vec!["secret_length"]),
            (wide.as_str(), vec!["secret_length"]),
            ("a\0bcdefgh", vec!["secret_characters"]),
            ("abcdefgh\n", vec!["secret_characters", "secret_whitespace"]),
            (" abcdefgh", vec!["secret_whitespace"]),
            (" a\t ", vec!["secret_length", "secret_characters", "secret_whitespace"]),
            ("whsec_", vec!["secret_length", "secret_base64"]),
            ("whsec_AAAA", vec!["secret_base64"]),
            ("whsec_not base64!", vec!["secret_base64"]),
            ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwA", vec!["secret_base64"]),
        ] {
            let violations = Secret::parse("secret", text).unwrap_err();
            assert_eq!(
                violations.iter().map(|v| v.rule).collect::<Vec<_>>(),
                rules,
                "{:?}",
                text.chars().take(20).collect::<String>()
            );
        }
    }

    #[test]
    fn good_secrets_keep_their_text_and_key() {
        for (text, key) in [
            ("12345678", b"12345678".as_slice()),
            ("contraseña", "contraseña".as_bytes()),
            ("whsec_AAECAwQFBgc=", &[0, 1, 2, 3, 4, 5, 6, 7]),
        ] {
            let secret = Secret::parse("secret", text).unwrap();
            assert_eq!(secret.expose(), text);
            assert_eq!(secret.standard_key().as_slice(), key);
        }
        assert!(Secret::parse("secret", &"ñ".repeat(500)).is_ok());
    }

    #[test]
    fn generated_secrets_are_new_and_valid() {
        let (a, b) = (Secret::generate(), Secret::generate());
        assert!(a != b);
        assert_eq!(a.standard_key().len(), GENERATED_BYTES);
        assert_eq!(Secret::parse("secret", a.expose()).unwrap(), a);
    }

    #[test]
    fn nothing_prints_a_secret() {
        let secret = Secret::parse("secret", "whsec_Q0FOQVJZQ0FOQVJZQ0FOQVJZ").unwrap();
        assert_eq!(format!("{secret:?}"), "Secret(redacted)");
        for (text, want) in [
            ("whsec_Q0FOQVJZQ0FOQVJZQ0FOQVJZ", "whsec_****QVJZ"),
            ("whsec_AAECAwQFBgc=", "whsec_****"),
            ("my-webhook-secret-12345678", "****5678"),
            ("12345678", "****"),
        ] {
            assert_eq!(Secret::parse("secret", text).unwrap().masked(), want);
        }
    }
}
