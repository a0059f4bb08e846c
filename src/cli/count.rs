//! Counts, for people.

use std::fmt::Display;

/// A number with the word that goes with it.
pub(super) fn many<N: Display + PartialEq + From<u8>>(count: N, one: &str, more: &str) -> String {
    let word = if count == N::from(1) { one } else { more };
    format!("{count} {word}")
}

/// `1 delivery`, `2 deliveries`.
pub(super) fn deliveries(count: i64) -> String {
    many(count, "delivery", "deliveries")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_one_and_all_else_is_many() {
        assert_eq!([0, 1, 2].map(deliveries), ["0 deliveries", "1 delivery", "2 deliveries"]);
    }
}
