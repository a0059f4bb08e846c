//! What `docs/reliability.md` says is tested is tested.

use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::page;

/// Number of rows of each section of the table: processes, database, network, input, tenancy.
const RELIABILITY_ROWS: [(&str, usize); 5] = [("P", 20), ("D", 32), ("N", 32), ("I", 23), ("A", 22)];

#[test]
fn every_row_names_a_test_that_exists() {
    let page = page("reliability.md");
    let sources: Vec<(PathBuf, String)> =
        ["tests", "src"].iter().flat_map(|folder| rust_files(&root().join(folder))).collect();
    let rows: Vec<Vec<&str>> = page.lines().filter_map(cells).collect();
    let mut wrong = Vec::new();
    for (letter, count) in RELIABILITY_ROWS {
        for id in (1..=count).map(|n| format!("{letter}{n}")) {
            let found: Vec<_> = rows.iter().filter(|row| row[0] == id).collect();
            let [row] = found[..] else { panic!("{id} has {} rows", found.len()) };
            let [_, _, _, test] = row[..] else { panic!("{id} has not four columns") };
            let names: Vec<(&str, &str)> = test.split('`').filter_map(|word| word.rsplit_once("::")).collect();
            wrong.extend(names.iter().filter(|name| !is_a_test(&sources, name)).map(|name| format!("{id}: {name:?}")));
            if names.is_empty() && !test.starts_with("not covered: ") {
                wrong.push(format!("{id} names no test and does not say why it is not covered"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The cells of a table's row that begins with a number such as P1.
fn cells(line: &str) -> Option<Vec<&str>> {
    let row = line.strip_prefix("| ")?.strip_suffix(" |")?;
    let is_numbered =
        row.starts_with(|c: char| c.is_ascii_uppercase()) && row[1..].starts_with(|c: char| c.is_ascii_digit());
    is_numbered.then(|| row.split('|').map(str::trim).collect())
}

/// Whether a file of that module has a test of that name.
fn is_a_test(sources: &[(PathBuf, String)], (module, name): &(&str, &str)) -> bool {
    let is_named =
        |path: &Path, part| path.iter().any(|name| name.to_str().is_some_and(|n| n.trim_end_matches(".rs") == part));
    // a module of tests within a file has no file of its own
    let is_of_module = |path: &Path| module.split("::").all(|part| part == "tests" || is_named(path, part));
    let function = format!("fn {name}(");
    sources.iter().filter(|(path, _)| is_of_module(path)).any(|(_, text)| {
        text.match_indices(&function).any(|(at, _)| {
            // attributes stand right above it, below a blank line or the item before
            let line = text[..at].rfind('\n').unwrap_or(0);
            let above = text[..line].lines().rev().take_while(|line| !["", "}"].contains(&line.trim()));
            above.take(6).any(|line| line.contains("#[test]") || line.contains("#[tokio::test"))
        })
    })
}

fn rust_files(folder: &Path) -> Vec<(PathBuf, String)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => rust_files(&path),
            false if path.extension().is_some_and(|e| e == "rs") => {
                vec![(path.clone(), fs::read_to_string(&path).unwrap())]
            }
            false => Vec::new(),
        })
        .collect()
}

fn root() -> PathBuf {
    env!("CARGO_MANIFEST_DIR").into()
}
