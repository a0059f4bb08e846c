//! The properties of `fuzz/` on the committed corpora and on thousands of mutations of them. `make fuzz` goes on for as long
//! as you like.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

#[path = "../../fuzz/properties/mod.rs"]
mod properties;

/// Mutations tried of each target's corpus.
const MUTATIONS: u32 = 2000;

/// Of those whose property is dear: it starts a thread with a large stack, or fills a body of a mebibyte.
const DEAR_MUTATIONS: u32 = 300;

/// What makes a difference to some parser.
const TOKENS: [&[u8]; 24] = [
    b"\0",
    b"\n",
    b"\r\n",
    b"\"",
    b"\\",
    b"\\u0000",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b"%00",
    b"..",
    b"//",
    b"@",
    b"#",
    b"99999999999999999999",
    b"-1",
    b"1e400",
    b"\xff",
    b"\xc3",
    "\u{202e}".as_bytes(),
    "①".as_bytes(),
];

/// A change of some bytes.
#[derive(Clone, Debug)]
enum Edit {
    Set(u8),
    Flip(u8),
    Insert(&'static [u8]),
    Delete(usize),
    Repeat(usize),
    Splice(Vec<u8>),
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = root().join("corpus").join(target);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() >= 5, "{} has only {} files", folder.display(), files.len());
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

fn edits(corpus: Vec<Vec<u8>>) -> impl Strategy<Value = Edit> {
    prop_oneof![
        any::<u8>().prop_map(Edit::Set),
        (0..8u8).prop_map(|bit| Edit::Flip(1 << bit)),
        prop::sample::select(TOKENS.to_vec()).prop_map(Edit::Insert),
        (1..20usize).prop_map(Edit::Delete),
        (1..200usize).prop_map(Edit::Repeat),
        prop::sample::select(corpus).prop_map(Edit::Splice),
    ]
}

fn edited(mut bytes: Vec<u8>, edits: Vec<(prop::sample::Index, Edit)>) -> Vec<u8> {
    for (place, edit) in edits {
        let at = place.index(bytes.len() + 1);
        let rest = bytes.split_off(at);
        match edit {
            Edit::Set(byte) => {
                bytes.push(byte);
                bytes.extend(rest.iter().skip(1));
            }
            Edit::Flip(bit) => {
                bytes.extend(rest.first().map(|byte| byte ^ bit));
                bytes.extend(rest.iter().skip(1));
            }
            Edit::Insert(token) => bytes.extend(token.iter().chain(&rest)),
            Edit::Delete(count) => bytes.extend(rest.iter().skip(count)),
            Edit::Repeat(count) => {
                let piece = &rest[..rest.len().min(10)];
                bytes.extend(piece.repeat(count).iter().chain(&rest));
            }
            Edit::Splice(other) => bytes.extend(other.iter().skip(other.len().min(at))),
        }
    }
    bytes
}

fn try_target(target: &str, mutations: u32) {
    let corpus = corpus(target);
    for bytes in &corpus {
        properties::check(target, bytes);
    }
    let start = prop::sample::select(corpus.clone());
    let changes = prop::collection::vec((any::<prop::sample::Index>(), edits(corpus)), 1..6);
    let config = Config { cases: mutations, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&(start, changes).prop_map(|(bytes, changes)| edited(bytes, changes)), |bytes| {
            properties::check(target, &bytes);
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{target}: {error}"));
}

macro_rules! targets {
    ($($target:ident: $mutations:expr,)+) => {
        $(#[test]
        fn $target() {
            try_target(stringify!($target), $mutations);
        })+

        const TARGETS: &[&str] = &[$(stringify!($target)),+];
    };
}

targets! {
    answer: MUTATIONS,
    api_key: MUTATIONS,
    body: MUTATIONS,
    client_identity: MUTATIONS,
    cursor: MUTATIONS,
    event: MUTATIONS,
    filter: MUTATIONS,
    headers: MUTATIONS,
    keyring: MUTATIONS,
    payload: MUTATIONS,
    retry_after: MUTATIONS,
    schema: DEAR_MUTATIONS,
    secret: MUTATIONS,
    signature: MUTATIONS,
    template: DEAR_MUTATIONS,
    token: MUTATIONS,
    url: MUTATIONS,
}

#[test]
fn every_property_is_a_target_of_both() {
    let known: Vec<&str> = properties::ALL.iter().map(|(name, _)| *name).collect();
    assert_eq!(known, TARGETS);
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    for target in TARGETS {
        let text = fs::read_to_string(root().join(format!("fuzz_targets/{target}.rs"))).unwrap();
        assert!(text.contains(&format!("check(\"{target}\", bytes)")), "{target}");
        assert!(manifest.contains(&format!("name = \"{target}\"")), "{target}");
    }
}
