//! `posthorn openapi`: prints the document of the REST API.

use std::io::Write;

use clap::Args;

use crate::api;

/// Print the OpenAPI document of the REST API as YAML
#[derive(Args, Clone, Debug)]
pub struct Openapi {
    /// The document of the admin API instead
    #[arg(long)]
    pub admin: bool,
}

/// Prints it.
///
/// # Errors
/// When standard output cannot be written.
pub fn run(command: Openapi) -> std::io::Result<()> {
    let document = if command.admin { admin_document() } else { document() };
    std::io::stdout().lock().write_all(document.as_bytes())
}

/// The document, the same as the committed `openapi/posthorn.yaml`.
pub fn document() -> String {
    api::document()
}

/// The admin API's document, the same as the committed `openapi/posthorn-admin.yaml`.
pub fn admin_document() -> String {
    api::admin_document()
}
