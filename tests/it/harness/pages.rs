//! Pages of `docs/` as tests read them.

use std::fs;
use std::path::Path;

/// The text of a page.
pub(crate) fn page(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)).unwrap()
}

/// What stands under a heading, up to the next of the same kind.
pub(crate) fn section<'t>(text: &'t str, heading: &str) -> &'t str {
    let (_, below) = text.split_once(heading).unwrap_or_else(|| panic!("there is no {heading:?}"));
    below.split("\n## ").next().unwrap()
}

/// The blocks of SQL of a text.
pub(crate) fn sql_blocks(text: &str) -> Vec<&str> {
    text.split("```sql\n").skip(1).map(|rest| rest.split_once("```").unwrap().0).collect()
}

/// A fenced block of a page of the book.
pub(crate) struct Block {
    pub(crate) page: String,
    pub(crate) heading: String,
    pub(crate) language: String,
    pub(crate) code: String,
}

/// The pages of the book, as paths relative to `docs/`.
pub(crate) fn pages() -> Vec<String> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let files = |folder: &str| -> Vec<String> {
        let entries = fs::read_dir(docs.join(folder)).unwrap();
        entries.map(|entry| format!("{folder}{}", entry.unwrap().file_name().to_str().unwrap())).collect()
    };
    let mut pages = [files(""), files("decisions/")].concat();
    pages.retain(|page| page.ends_with(".md") && page != "SUMMARY.md");
    pages.sort();
    pages
}

/// Every block of a page.
pub(crate) fn blocks(name: &str) -> Vec<Block> {
    let text = page(name);
    let (mut all, mut heading, mut open): (Vec<Block>, String, Option<Block>) = (Vec::new(), String::new(), None);
    for line in text.lines() {
        match (line.strip_prefix("```"), open.take()) {
            (Some(language), None) => {
                open = Some(Block {
                    page: name.to_owned(),
                    heading: heading.clone(),
                    language: language.to_owned(),
                    code: String::new(),
                });
            }
            (Some(_), Some(block)) => all.push(block),
            (None, Some(mut block)) => {
                block.code += line;
                block.code += "\n";
                open = Some(block);
            }
            (None, None) if line.starts_with('#') => line.clone_into(&mut heading),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{name}: a block is not closed");
    all
}

/// Every block of the book.
pub(crate) fn all_blocks() -> Vec<Block> {
    pages().iter().flat_map(|page| blocks(page)).collect()
}
