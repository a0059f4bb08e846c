//! Has Cargo look again when the admin page was built, since files that appear are no change of any file that it knows; and tells
//! a release build which commit it is of.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=POSTHORN_COMMIT");
    // a debug build reads the page where it is, and is not built anew for a commit alone
    if std::env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        // what is not there would count as changed every time; where it cannot be made, it does
        let _ = std::fs::create_dir_all("ui/dist");
        println!("cargo::rerun-if-changed=ui/dist");
        tell_commit();
    }
}

/// What POSTHORN_COMMIT says, or else git: sources in an archive have neither.
fn tell_commit() {
    if std::env::var_os("POSTHORN_COMMIT").is_some() {
        return; // the compiler sees it by itself
    }
    let git = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output();
    let Some(output) = git.ok().filter(|output| output.status.success()) else { return };
    println!("cargo::rustc-env=POSTHORN_COMMIT={}", String::from_utf8_lossy(&output.stdout).trim());
    for file in [".git/HEAD", ".git/logs/HEAD"] {
        if std::path::Path::new(file).exists() {
            println!("cargo::rerun-if-changed={file}");
        }
    }
}
