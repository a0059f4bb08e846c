//! The process dies, freezes, panics or starves, at each stage of the pipeline: nothing is lost and nothing invented. Rows P1
//! to P20 of `docs/reliability.md`.

mod clocks;
#[cfg(feature = "failpoints")]
mod kills;
mod limits;
#[cfg(feature = "failpoints")]
mod panics;
mod racing;
#[cfg(feature = "failpoints")]
mod starving;

/// What the compiler says about the fail points alone, with the feature.
fn compiled(assertions: &str) -> String {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/failpoints.rs");
    let folder = tempfile::tempdir().unwrap();
    let output = std::process::Command::new("rustc")
        .args(["--edition=2024", "--crate-type=lib", "--emit=metadata", "--cfg", "feature=\"failpoints\""])
        .args(["-C", &format!("debug-assertions={assertions}"), "--out-dir"])
        .args([folder.path(), file.as_ref()])
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_release_build_refuses_fail_points() {
    let refusal = "a release build must not have it";
    assert!(compiled("off").contains(refusal), "{}", compiled("off"));
    assert!(!compiled("on").contains(refusal), "{}", compiled("on"));
}
