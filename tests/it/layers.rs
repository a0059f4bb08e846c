//! The law of imports: arrows between the layers of `src/` point one way.

use std::fs;
use std::path::{Path, PathBuf};

const LAYERS: [&str; 12] =
    ["domain", "library", "config", "metrics", "store", "outbound", "traces", "dispatch", "api", "page", "run", "cli"];

/// Most lines of a file that are not its tests.
const LONGEST: usize = 400;

/// What a layer may import beside itself; `None`: anything, because it wires.
fn may_import(layer: &str) -> Option<&'static [&'static str]> {
    match layer {
        "domain" => Some(&[]),
        "library" | "config" => Some(&["domain"]),
        "metrics" => Some(&["domain", "config"]),
        "store" | "outbound" => Some(&["domain", "metrics", "config", "causes"]),
        "traces" => Some(&["outbound", "domain", "metrics", "config"]),
        "dispatch" => Some(&["store", "outbound", "traces", "domain", "metrics", "config"]),
        "api" => Some(&["store", "traces", "domain", "metrics", "config"]),
        "page" => Some(&["config"]),
        "failpoints" | "causes" => Some(&[]),
        "log" => Some(&["metrics", "traces"]),
        "run" | "cli" | "main" | "lib" => None,
        other => panic!("src/{other} is no layer that this law knows: say here what it may import"),
    }
}

/// Who alone may name a crate: a layer, or a place within `cli`.
const CRATES: [(&str, &[&str]); 3] = [
    ("tokio_postgres", &["store/", "store.rs", "cli/dev/", "cli/bench/"]),
    ("deadpool_postgres", &["store/", "store.rs"]),
    ("hyper_rustls", &["outbound/", "outbound.rs"]),
];

#[test]
fn imports_point_one_way() {
    let mut broken = Vec::new();
    for (path, text) in sources() {
        let Some(allowed) = may_import(layer_of(&path)) else { continue };
        for (line, target) in imports(&path, &text) {
            if target != layer_of(&path) && !allowed.contains(&target.as_str()) {
                broken.push(format!("src/{path}:{line} imports {target}"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn only_one_layer_names_the_driver_and_the_http_client() {
    let mut broken = Vec::new();
    for (path, text) in sources() {
        for (name, homes) in CRATES {
            let is_home = homes.iter().any(|home| path.starts_with(home));
            if let Some(line) = first_line_naming(&text, name).filter(|_| !is_home) {
                broken.push(format!("src/{path}:{line} names {name}"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for_and_stays_short() {
    let mut broken = Vec::new();
    for (path, text) in sources() {
        if !text.starts_with("//! ") {
            broken.push(format!("src/{path} does not begin with //!"));
        }
        let lines = lines_before_tests(&path, &text);
        if lines > LONGEST {
            broken.push(format!("src/{path} has {lines} lines that are not tests, more than {LONGEST}"));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// Path under `src/` with slashes, and text, of every source file.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    assert!(files.len() > 20, "{} found only {} files", root.display(), files.len());
    files.sort();
    let name = |path: &PathBuf| path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
    files.iter().map(|path| (name(path), fs::read_to_string(path).unwrap())).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
}

/// `store` for `store/queue.rs`, `config` for `config.rs`.
fn layer_of(path: &str) -> &str {
    let first = path.split('/').next().unwrap();
    first.strip_suffix(".rs").unwrap_or(first)
}

/// Layers that a file names as `crate::…` or by climbing with `super::`, each with its line. Comments do not count.
fn imports(path: &str, text: &str) -> Vec<(usize, String)> {
    let code = without_comments(text);
    let climb = format!("{}{{", "super::".repeat(depth_of(path)));
    let climb = climb.trim_end_matches('{');
    let mut found = Vec::new();
    for root in ["crate::", climb].into_iter().filter(|root| !root.is_empty()) {
        for (start, _) in code.match_indices(root) {
            let is_part_of_a_word = code[..start].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
            if is_part_of_a_word {
                continue;
            }
            let line = code[..start].matches('\n').count() + 1;
            let names = first_segments(&code[start + root.len()..]);
            found.extend(names.into_iter().filter(|name| LAYERS.contains(&name.as_str())).map(|name| (line, name)));
        }
    }
    found
}

/// How many `super` lead from a file to the crate's root.
fn depth_of(path: &str) -> usize {
    let segments = path.split('/').count();
    let is_root = ["lib.rs", "main.rs"].contains(&path);
    segments - usize::from(is_root || path.ends_with("/mod.rs"))
}

/// `a::b` gives a; `{a::{b, c}, d}` gives a and d.
fn first_segments(path: &str) -> Vec<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(group) = path.strip_prefix('{') else { return vec![word(path)] };
    let (mut level, mut part, mut parts) = (0, String::new(), Vec::new());
    for letter in group.chars() {
        match letter {
            '{' => level += 1,
            '}' if level == 0 => break,
            '}' => level -= 1,
            ',' if level == 0 => parts.push(std::mem::take(&mut part)),
            _ => part.push(letter),
        }
    }
    parts.push(part);
    parts.iter().map(|part| word(part.trim())).filter(|name| !name.is_empty()).collect()
}

/// The text with comment lines emptied, so that line numbers stay.
fn without_comments(text: &str) -> String {
    let keep = |line: &str| {
        let is_comment = line.trim_start().starts_with("//");
        if is_comment { String::new() } else { line.split(" // ").next().unwrap_or_default().to_owned() }
    };
    text.lines().map(keep).collect::<Vec<_>>().join("\n")
}

fn first_line_naming(text: &str, name: &str) -> Option<usize> {
    let is_end = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    without_comments(text)
        .lines()
        .position(|line| line.match_indices(name).any(|(at, _)| is_end(&line[at + name.len()..])))
        .map(|index| index + 1)
}

fn lines_before_tests(path: &str, text: &str) -> usize {
    if path.ends_with("/tests.rs") || path.contains("/tests/") {
        return 0;
    }
    let lines: Vec<&str> = text.lines().collect();
    let opens_tests =
        |pair: &[&str]| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{');
    lines.windows(2).position(opens_tests).unwrap_or(lines.len())
}

mod the_scanner {
    //! The law itself must be able to fail.

    use super::*;

    fn names(path: &str, text: &str) -> Vec<String> {
        imports(path, text).into_iter().map(|(_, name)| name).collect()
    }

    #[test]
    fn sees_plain_and_inline_paths() {
        assert_eq!(imports("domain/a.rs", "\nuse crate::store::queue;"), [(2, "store".to_owned())]);
        assert_eq!(names("domain/a.rs", "fn f() -> crate::api::X {}"), ["api"]);
        assert_eq!(names("api/mod.rs", "pub(crate) use crate::dispatch;"), ["dispatch"]);
    }

    #[test]
    fn sees_groups_over_lines() {
        let text = "use crate::{\n    domain::{a, b::{c}},\n    store::{self, Tx},\n    api,\n};";
        assert_eq!(names("outbound/mod.rs", text), ["domain", "store", "api"]);
    }

    #[test]
    fn sees_who_climbs() {
        assert_eq!(names("api/mod.rs", "use super::dispatch::x;"), ["dispatch"]);
        assert_eq!(names("api/a.rs", "use super::super::dispatch::x;"), ["dispatch"]);
        assert_eq!(names("config.rs", "use super::store;"), ["store"]);
        assert!(names("api/a.rs", "use super::run;").is_empty());
    }

    #[test]
    fn leaves_comments_and_other_crates_alone() {
        let text = "//! [`crate::api`]\n// crate::api\nlet a = 1; // crate::api\nuse my_crate::api; use x::crate::api;";
        assert!(names("domain/a.rs", text).is_empty());
    }

    #[test]
    fn knows_layers_by_path() {
        assert_eq!(
            (layer_of("store/queue.rs"), layer_of("config.rs"), layer_of("main.rs")),
            ("store", "config", "main")
        );
        assert_eq!(
            (depth_of("config.rs"), depth_of("api/mod.rs"), depth_of("api/a.rs"), depth_of("lib.rs")),
            (1, 1, 2, 0)
        );
    }

    #[test]
    fn finds_names_of_crates_but_not_longer_ones() {
        assert_eq!(first_line_naming("\nuse tokio_postgres::Row;", "tokio_postgres"), Some(2));
        assert_eq!(first_line_naming("use tokio_postgres_rustls::X;", "tokio_postgres"), None);
        assert_eq!(first_line_naming("// tokio_postgres", "tokio_postgres"), None);
    }

    #[test]
    fn counts_lines_up_to_the_tests() {
        assert_eq!(lines_before_tests("a.rs", "//! a\nfn a() {}\n#[cfg(test)]\nmod tests {\n}\n"), 2);
        assert_eq!(lines_before_tests("a.rs", "//! a\n#[cfg(test)]\nmod tests;\nfn a() {}\n"), 4);
        assert_eq!(lines_before_tests("a/tests.rs", "//! a\n"), 0);
    }
}
