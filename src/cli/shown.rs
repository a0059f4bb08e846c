//! What others wrote, as it is shown in a terminal.

use url::Url;

/// Receivers and tenants choose names and answers: they must neither steer a terminal nor turn a line around.
pub(super) fn printable(text: &str) -> String {
    let is_odd = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|letter| if is_odd(letter) { ' ' } else { letter }).collect()
}

/// A receiver, without what may be a secret in its path.
pub(super) fn host(url: &str) -> String {
    Url::parse(url).map_or_else(|_| "-".to_owned(), |url| url.origin().ascii_serialization())
}

/// When a circuit that is not closed is tried: deliveries wait for that, whatever their own retry says. None has to wait, so nobody may try
/// for long.
pub(super) fn circuit(state: &str, retry_in_seconds: Option<f64>) -> Option<String> {
    match (state, retry_in_seconds) {
        ("open", Some(seconds)) if seconds > 0.0 => Some(format!("circuit open, next try in {}", age(seconds))),
        ("open", _) => Some("circuit open, the next delivery tries it".to_owned()),
        ("half_open", _) => Some("circuit open, being tried now".to_owned()),
        _ => None,
    }
}

/// A time in its two largest units.
pub(super) fn age(seconds: f64) -> String {
    let whole = seconds.max(0.0) as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        3600..86_400 => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
        _ => format!("{} d {} h", whole / 86_400, whole % 86_400 / 3600),
    }
}

/// A time that began with some minute: within the hour only so exact.
pub(super) fn roughly(seconds: f64) -> String {
    match seconds {
        0.0..60.0 => "less than 1 min".to_owned(),
        60.0..3600.0 => format!("{} min", seconds as u64 / 60),
        _ => age(seconds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_their_two_largest_units() {
        assert_eq!([0.4, 59.9, 61.0, 3_725.0, 90_000.0].map(age), ["0 s", "59 s", "1 min 1 s", "1 h 2 min", "1 d 1 h"]);
        assert_eq!(
            [0.0, 59.0, 62.0, 3_725.0].map(roughly),
            ["less than 1 min", "less than 1 min", "1 min", "1 h 2 min"]
        );
    }

    #[test]
    fn what_others_wrote_steers_no_terminal_and_tells_no_path() {
        assert_eq!(printable("a\x1b[2Jb\n\u{202e}c"), "a [2Jb  c");
        assert_eq!(host("https://u.example:8443/secret?token=1"), "https://u.example:8443");
    }

    #[test]
    fn a_circuit_is_tried_when_it_is_due_and_something_waits() {
        assert_eq!(circuit("closed", None), None);
        assert_eq!(circuit("open", Some(61.5)).unwrap(), "circuit open, next try in 1 min 1 s");
        assert_eq!(circuit("open", Some(-5.0)).unwrap(), "circuit open, the next delivery tries it");
        assert_eq!(circuit("half_open", Some(5.0)).unwrap(), "circuit open, being tried now");
    }
}
