//! The book of `docs/`: every page is in it, its links lead somewhere, and of every block it is known what runs it.

use std::collections::HashMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use posthorn::domain::delivery::ErrorKind;

use crate::harness::{Block, all_blocks, page, pages, section};

use How::{Is, Not, Test, Tests};

/// What becomes of a block.
enum How {
    /// This test runs it, or shows that what it says is what is run.
    Test(&'static str),
    /// These do.
    Tests(&'static [&'static str]),
    /// Something else than a test of `tests/it` does.
    Is(&'static str),
    /// Nobody runs it, for this reason.
    Not(&'static str),
}

/// Which blocks: of a page, those in a language that begin so.
type Rule = (&'static str, &'static str, &'static str, How);

const SHOWN: &str = "shown, not typed";

/// The first rule that fits a block tells of it.
const RULES: &[Rule] = &[
    (
        "start.md",
        "sh",
        "make run",
        Not("builds a release; the other blocks run against `posthorn dev`, which it starts"),
    ),
    ("start.md", "sh", "", Test("book_blocks::the_first_steps_lead_to_a_verified_webhook")),
    ("architecture.md", "", "src/", Not(SHOWN)),
    ("publishing.md", "json", "", Not(SHOWN)),
    (
        "publishing.md",
        "sql",
        "",
        Tests(&["publishing::page::every_query_of_the_page_runs", "attach::the_page_is_right"]),
    ),
    ("integrating.md", "sql", "", Test("integrating::its_statements_run_as_the_logins_it_names")),
    ("integrating.md", "python", "", Test("integrating::excerpts_are_of_the_programs_that_are_run")),
    ("integrating.md", "javascript", "", Test("integrating::excerpts_are_of_the_programs_that_are_run")),
    ("integrating.md", "rust", "", Test("integrating::excerpts_are_of_the_programs_that_are_run")),
    ("testing.md", "sql", "", Test("operator_docs::a_test_without_a_server_sees_the_webhook_and_leaves_nothing")),
    ("testing.md", "python", "", Test("publish::the_page_on_testing_shows_the_test_that_is_run")),
    ("receiving.md", "json", "", Not(SHOWN)),
    ("operational-events.md", "json", "", Not(SHOWN)),
    ("receiving.md", "sql", "", Test("book_blocks::a_receiver_remembers_what_it_has_seen")),
    ("receiving.md", "python", "", Test("receiving::the_guide_shows_the_samples_that_are_run")),
    ("receiving.md", "javascript", "", Test("receiving::the_guide_shows_the_samples_that_are_run")),
    ("receiving.md", "perl", "", Test("receiving::the_guide_shows_the_samples_that_are_run")),
    ("receiving.md", "rust", "", Test("receiving::the_guide_shows_the_samples_that_are_run")),
    ("verifying.md", "csharp", "", Not("no .NET is installed by our tests: neither compiled nor run")),
    ("verifying.md", "", "", Test("receiving::samples_in_other_languages_come_to_the_same_verdicts")),
    ("rust-library.md", "rust", "", Is("documentation tests: `cargo test --doc`")),
    ("rust-library.md", "toml", "", Not("a line of your own Cargo.toml")),
    ("api.md", "sh", "posthorn keys create", Test("book_blocks::keys_are_made_listed_and_revoked")),
    ("api.md", "json", "", Not(SHOWN)),
    ("subscriptions.md", "", "{", Not("a template; `api_requests` renders others")),
    ("delivering.md", "sql", "", Test("book_blocks::what_is_said_of_receivers_can_be_typed")),
    ("admin-page.md", "", "make ui", Not("builds a release; tests run the page that `make ui` builds")),
    ("admin-page.md", "sh", "curl", Test("page::the_documented_way_to_embed_it_works")),
    (
        "admin-page.md",
        "",
        "POSTHORN_PAGE_ANCESTORS",
        Not("a setting; `page::origins_that_may_show_it_in_a_frame_are_named` sets it"),
    ),
    ("admin-page.md", "html", "", Not("a line of a page of yours")),
    ("replaying-in-sql.md", "sql", "", Test("sql_control::the_page_is_right")),
    ("erasing.md", "sql", "", Test("erase::the_page_is_right")),
    ("installing.md", "sh", "(umask 077; echo", Test("book_blocks::an_installation_from_source_begins")),
    ("installing.md", "sh", "(umask 077; {", Test("packaging::compose_gets_what_it_asks_for")),
    ("installing.md", "", "make ui", Not("builds a release and installs it for the user who runs the tests")),
    ("installing.md", "", "cargo install cargo-deb", Not("installs a tool, and a package for the whole machine")),
    ("installing.md", "", "sudo", Not("changes the machine; needs systemd")),
    ("installing.md", "", "docker", Not("needs a Docker engine")),
    ("installing.md", "", "kubectl", Not("needs a cluster")),
    (
        "postgresql.md",
        "sql",
        "",
        Tests(&[
            "install::the_documented_grants_are_enough_to_install_serve_and_publish",
            "install::what_the_administrator_makes_ahead_spares_the_right_to_make_roles",
        ]),
    ),
    ("secrets.md", "sh", "", Test("rekey::the_page_tells_the_steps_right")),
    ("tracing.md", "sql", "", Test("tracing::the_page_is_right")),
    ("tracing.md", "python", "", Not("needs the OpenTelemetry SDK for Python")),
    ("monitoring.md", "sql", "SELECT", Test("book_blocks::what_an_operator_is_told_to_ask_is_answered")),
    (
        "monitoring.md",
        "sh",
        "cd ops/prometheus",
        Not("takes the ports that those servers have everywhere; the tests `ops` run the same programs on others"),
    ),
    ("monitoring.md", "", "GRANT", Test("book_blocks::what_an_operator_is_told_to_ask_is_answered")),
    ("commands.md", "sh", "", Test("commands::the_page_tells_every_command_and_what_it_says_to_run_runs")),
    ("commands.md", "", "", Not(SHOWN)),
    ("operating-in-sql.md", "sql", "", Test("operator_docs::every_answer_on_operating_shows_what_there_is")),
    ("troubleshooting.md", "sql", "", Test("book_blocks::what_an_operator_is_told_to_ask_is_answered")),
    ("upgrading.md", "sql", "", Test("book_blocks::what_an_operator_is_told_to_ask_is_answered")),
    ("benchmarks.md", "", "make bench", Not("takes a quarter of an hour; its figures are on that page")),
    ("benchmarks.md", "", "", Not("what PostgreSQL answered")),
    ("backup-and-restore.md", "sql", "", Test("faults::database::copies::what_the_page_says_can_be_said")),
    (
        "backup-and-restore.md",
        "sh",
        "",
        Not("names databases of yours; `faults::database::copies` dumps and restores others"),
    ),
    (
        "backup-and-restore.md",
        "text",
        "",
        Not("a setting with hosts of yours; `faults::database::failover` has one with others"),
    ),
];

impl How {
    fn tests(&self) -> Vec<&'static str> {
        match self {
            Test(name) => vec![name],
            Tests(names) => names.to_vec(),
            Is(_) | Not(_) => Vec::new(),
        }
    }

    fn told(&self) -> String {
        match self {
            Is(what) => (*what).to_owned(),
            Not(why) => format!("**not run**: {why}"),
            tests => tests.tests().iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
        }
    }
}

fn rule_of(block: &Block) -> Option<usize> {
    RULES.iter().position(|(page, language, begin, _)| {
        *page == block.page && [&block.language, ""].contains(language) && block.code.starts_with(begin)
    })
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn every_block_is_run_or_listed_with_the_reason() {
    let mut told = String::from(WHAT_IS_RUN);
    let mut counts = [0; RULES.len()];
    let mut unknown = String::new();
    for Block { page, heading, code, .. } in all_blocks().iter().filter(|block| match rule_of(block) {
        Some(rule) => {
            counts[rule] += 1;
            false
        }
        None => true,
    }) {
        writeln!(unknown, "{page}, {heading:?}:\n{code}").unwrap();
    }
    assert!(unknown.is_empty(), "nobody runs these blocks, and RULES does not say why:\n{unknown}");
    for (nth, (name, language, begin, how)) in RULES.iter().enumerate() {
        assert!(counts[nth] > 0, "{name} has no {language:?} block that begins with {begin:?}");
        for test in how.tests() {
            let (module, function) = test.rsplit_once("::").unwrap();
            let file = root().join(format!("tests/it/{}.rs", module.replace("::", "/")));
            let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            assert!(text.contains(&format!("fn {function}(")), "there is no test {test}");
            assert!(text.contains(name.trim_end_matches(".md")), "{test} does not read {name}");
        }
        let language = if language.is_empty() { "text" } else { language };
        let begin = if begin.is_empty() { String::new() } else { format!(" `{begin} …`") };
        writeln!(told, "| [{name}]({name}) | {language}{begin} | {} | {} |", counts[nth], how.told()).unwrap();
    }
    let path = root().join("docs/what-is-run.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &told).unwrap();
    }
    assert_eq!(fs::read_to_string(path).unwrap(), told, "renew it with UPDATE_DOCS=1");
}

const WHAT_IS_RUN: &str = "# What of this book was run

Every block of this book is run by a test, or is listed here with the reason why not. Tests are those of `tests/it` (`make test`); a new block
that is neither fails one. Made by `tests/it/book.rs`.

| page | blocks | how many | run by |
|---|---|---|---|
";

#[test]
fn every_kind_of_error_is_in_the_page_on_troubleshooting() {
    let text = page("troubleshooting.md");
    let table = section(&text, "\n## It fails\n");
    for kind in ErrorKind::ALL {
        let name = format!("`{}`", kind.as_str());
        let is_there = table.lines().any(|row| row.split('|').nth(1).is_some_and(|cell| cell.contains(&name)));
        assert!(is_there, "{name} has no row");
    }
}

#[test]
fn every_page_is_in_the_summary_once() {
    let summary = fs::read_to_string(root().join("docs/SUMMARY.md")).unwrap();
    let listed: Vec<&str> = links_of(&summary).into_iter().map(|(link, _)| link).collect();
    for page in pages() {
        let times = listed.iter().filter(|link| **link == page).count();
        assert_eq!(times, 1, "{page} is in docs/SUMMARY.md {times} times");
    }
    for link in listed {
        assert!(root().join("docs").join(link).is_file(), "{link} of docs/SUMMARY.md is no page");
    }
}

#[test]
fn every_link_leads_to_a_file_and_a_heading_of_it() {
    let mut anchors: HashMap<PathBuf, Vec<String>> = HashMap::new();
    let names = pages().into_iter().map(|page| format!("docs/{page}"));
    let mut wrong = Vec::new();
    for name in names.chain(["README.md", "SECURITY.md", "CHANGELOG.md"].map(ToOwned::to_owned)) {
        let path = root().join(&name);
        let text = fs::read_to_string(&path).unwrap();
        for (link, line) in links_of(&text).into_iter().filter(|(link, _)| !link.contains("://")) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            let Ok(target) = target.canonicalize() else {
                wrong.push(format!("{name}:{line}: {link} leads nowhere"));
                continue;
            };
            let is_there = anchor.is_empty()
                || anchors
                    .entry(target.clone())
                    .or_insert_with(|| anchors_of(&fs::read_to_string(&target).unwrap_or_default()))
                    .iter()
                    .any(|one| one == anchor);
            if !is_there {
                wrong.push(format!("{name}:{line}: {link}: there is no such heading"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The links of a text, outside its blocks, with the lines that they are in.
fn links_of(text: &str) -> Vec<(&str, usize)> {
    prose(text)
        .flat_map(|(number, line)| line.split("](").skip(1).map(move |rest| (rest, number)))
        .filter_map(|(rest, number)| Some((rest.split_once(')')?.0, number)))
        .collect()
}

/// The addresses of a text's headings, as GitHub and mdBook make them.
fn anchors_of(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for (_, line) in prose(text).filter(|(_, line)| line.starts_with('#')) {
        let heading = line.trim_start_matches('#').trim().to_lowercase();
        let slug: String = heading
            .chars()
            .filter_map(|c| match c {
                ' ' => Some('-'),
                c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
                _ => None,
            })
            .collect();
        let times = all.iter().filter(|one| **one == slug).count();
        all.push(if times == 0 { slug } else { format!("{slug}-{times}") });
    }
    all
}

/// The lines of a text that are in no block, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_block = false;
    text.lines().enumerate().filter_map(move |(number, line)| {
        let is_fence = line.starts_with("```");
        is_block ^= is_fence;
        (!is_block && !is_fence).then_some((number + 1, line))
    })
}

#[test]
fn the_book_is_built_and_its_links_lead_somewhere() {
    let Some(program) = mdbook() else {
        eprintln!("not tested: there is no mdbook here (`make book` installs it)");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let built = Command::new(root().join(".ci/book")).arg(folder.path()).env("MDBOOK", program).output().unwrap();
    let told = String::from_utf8_lossy(&built.stderr).into_owned();
    assert!(built.status.success(), "{told}");
    assert!(!told.contains("WARN") && !told.contains("ERROR"), "{told}");
    let mut wrong = Vec::new();
    for page in pages() {
        let file = folder.path().join("docs").join(&page).with_extension("html");
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{page}: {error}"));
        let main = text.split_once("<main>").unwrap().1.split_once("</main>").unwrap().0;
        for link in main.split("href=\"").skip(1).filter_map(|rest| Some(rest.split_once('"')?.0)) {
            let (path, _) = link.split_once('#').unwrap_or((link, ""));
            if !path.is_empty() && !path.contains("://") && !file.parent().unwrap().join(path).exists() {
                wrong.push(format!("{page}: {link}"));
            }
        }
    }
    assert!(wrong.is_empty(), "leads nowhere in the book:\n{}", wrong.join("\n"));
}

/// mdbook as `.ci/tools` installs it, or as it is on PATH.
fn mdbook() -> Option<PathBuf> {
    let folder = |name| std::env::var_os(name).map(PathBuf::from);
    let cache = folder("POSTHORN_CACHE")
        .or_else(|| Some(folder("XDG_CACHE_HOME")?.join("posthorn")))
        .or_else(|| Some(folder("HOME")?.join(".cache/posthorn")));
    let places = [cache.map(|cache| cache.join("mdbook-tools/bin/mdbook")), Some("mdbook".into())];
    places.into_iter().flatten().find(|program| Command::new(program).arg("--version").output().is_ok())
}
