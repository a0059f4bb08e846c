//! `posthorn openapi`: prints the document of the REST API.

use std::io::Write;

use clap::Args;

use crate::api;

/// Print the OpenAPI document of the REST API as YAML
#[derive(Args, Clone, Debug)]
pub struct Openapi {}

/// Prints it.
///
/// # Errors
/// When standard output cannot be written.
pub fn run(_: Openapi) -> std::io::Result<()> {
    std::io::stdout().lock().write_all(document().as_bytes())
}

/// The document, the same as the committed `openapi/posthorn.yaml`.
pub fn document() -> String {
    api::document()
}
