//! What Posthorn is built of. The same rules as `deny.toml`, which `make check` holds against licences too, as far as the lock files tell.

use std::fs;
use std::path::Path;

use crate::harness::page;

/// Another TLS or crypto library than rustls with ring.
const BANNED: [&str; 6] = ["openssl", "openssl-sys", "native-tls", "schannel", "security-framework", "aws-lc-rs"];

/// The one place that crates come from, as cargo writes it.
const SOURCE: &str = "registry+https://github.com/rust-lang/crates.io-index";

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Everything that a lock file has against these rules.
fn faults(lock: &str, own: &[&str]) -> Vec<String> {
    let mut faults = Vec::new();
    for package in lock.split("[[package]]").skip(1) {
        let value = |key: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \""));
            line.and_then(|rest| rest.strip_suffix('"'))
        };
        let name = value("name").unwrap_or("?");
        if BANNED.contains(&name) {
            faults.push(format!("{name} is banned"));
        }
        match value("source") {
            Some(SOURCE) if value("checksum").is_some_and(|sum| sum.len() == 64) => {}
            None if own.contains(&name) => {}
            other => faults.push(format!("{name} comes from {other:?}, or has no checksum")),
        }
    }
    faults
}

#[test]
fn every_dependency_is_from_the_registry_and_none_is_banned() {
    for (lock, own) in [("Cargo.lock", &["posthorn"][..]), ("fuzz/Cargo.lock", &["posthorn", "posthorn-fuzz"])] {
        let text = read(lock);
        assert!(text.matches("[[package]]").count() > 100, "{lock}");
        assert_eq!(faults(&text, own), Vec::<String>::new(), "{lock}");
    }
    let rules = read("deny.toml");
    for banned in ["openssl", "openssl-sys", "native-tls", "aws-lc-rs"] {
        assert!(rules.contains(&format!("crate = \"{banned}\"")), "deny.toml does not ban {banned}");
    }
    assert!(rules.contains("unknown-registry = \"deny\"") && rules.contains("unknown-git = \"deny\""));
}

#[test]
fn a_bad_lock_file_is_noticed() {
    let package = |name: &str, source: &str| {
        format!("[[package]]\nname = \"{name}\"\nversion = \"1.0.0\"\n{source}checksum = \"{}\"\n", "0".repeat(64))
    };
    let good = format!("source = \"{SOURCE}\"\n");
    assert!(faults(&package("serde", &good), &[]).is_empty());
    assert_eq!(faults(&package("openssl", &good), &[]).len(), 1);
    assert_eq!(faults(&package("serde", "source = \"git+https://example.com/serde\"\n"), &[]).len(), 1);
    assert_eq!(faults(&package("serde", ""), &["posthorn"]).len(), 1);
    assert_eq!(faults(&format!("[[package]]\nname = \"serde\"\n{good}"), &[]).len(), 1);
}

#[test]
fn a_release_checks_its_numbers_and_a_panic_ends_its_task_alone() {
    let manifest = read("Cargo.toml");
    let (_, release) = manifest.split_once("[profile.release]").unwrap();
    let release = release.split("\n[").next().unwrap();
    assert!(release.contains("overflow-checks = true") && release.contains("panic = \"unwind\""), "{release}");
    for root in ["src/lib.rs", "src/main.rs"] {
        assert!(read(root).contains("#![forbid(unsafe_code)]"), "{root}");
    }
}

#[test]
fn each_promise_of_the_security_page_names_rows_that_there_are() {
    let promises = read("SECURITY.md");
    let table = page("reliability.md");
    let (_, promised) = promises.split_once("## What is promised").unwrap();
    let (promised, _) = promised.split_once("\n## ").unwrap();
    let is_row = |word: &&str| {
        word.starts_with(['P', 'D', 'N', 'I', 'A']) && word.len() > 1 && word[1..].bytes().all(|b| b.is_ascii_digit())
    };
    for promise in promised.split("\n- ").skip(1) {
        let rows: Vec<&str> = promise.split([' ', ',', '.', ':', '\n']).filter(is_row).collect();
        assert!(!rows.is_empty(), "names no row: {promise}");
        for row in rows {
            assert!(table.contains(&format!("\n| {row} | ")), "there is no row {row}");
        }
    }
}
