//! What must hold for whatever strangers write. One function for each parser: it panics when something does not hold.
//!
//! `fuzz/fuzz_targets/` calls them with what libFuzzer makes up, `tests/it/fuzz.rs` with the committed corpora and
//! mutations of them.

mod answers;
mod callers;
mod events;
mod keys;
mod receivers;

/// What must hold of any bytes; panics when it does not.
pub(crate) type Property = fn(&[u8]);

/// Every parser by the name of its fuzz target and corpus.
pub(crate) const ALL: &[(&str, Property)] = &[
    ("answer", answers::answer),
    ("api_key", keys::api_key),
    ("body", callers::body),
    ("client_identity", keys::client_identity),
    ("cursor", callers::cursor),
    ("event", events::event),
    ("filter", callers::filter),
    ("headers", receivers::headers),
    ("keyring", keys::keyring),
    ("payload", events::payload),
    ("retry_after", answers::retry_after),
    ("schema", events::schema),
    ("secret", keys::secret),
    ("signature", keys::signature),
    ("template", events::template),
    ("token", callers::token),
    ("url", receivers::url),
];

/// Runs the property of this name.
pub(crate) fn check(name: &str, bytes: &[u8]) {
    let (_, property) = ALL.iter().find(|(known, _)| *known == name).expect("the target has a property");
    property(bytes);
}

/// The bytes as text, where they are some.
fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// Stands for what is not to be repeated: a message of ours could say by chance what a stranger wrote, but not this.
const MARK: &str = "CANARYcanary";

/// Two texts with a NUL between.
fn two_texts(bytes: &[u8]) -> Option<(&str, &str)> {
    text(bytes)?.split_once('\0')
}
