//! One failed rule of a value from outside, so that an answer can list every failed rule at once (R2).

use std::fmt;

/// A rule that a value from outside does not meet. Never holds the value itself: it may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The input field, as the caller named it (`url`, `events[2]`).
    pub field: String,
    /// Stable snake_case code of the rule, for programs.
    pub rule: &'static str,
    /// What is wrong and what would be right, for people.
    pub message: String,
}

impl Violation {
    /// A failed `rule` of `field`.
    pub fn new(field: &str, rule: &'static str, message: impl Into<String>) -> Self {
        Self { field: field.to_owned(), rule, message: message.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

impl std::error::Error for Violation {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_field_and_the_reason() {
        assert_eq!(
            Violation::new("url", "url_scheme", "must begin with https://").to_string(),
            "url: must begin with https://"
        );
    }
}
