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
