//! The id of a tenant on a command line.

use uuid::Uuid;

/// Reads it, for clap.
///
/// # Errors
/// What an id looks like and where ids are found, for people.
pub(super) fn id(text: &str) -> Result<Uuid, String> {
    Uuid::parse_str(text.trim()).map_err(|_| {
        "a tenant is told by its id, a UUID such as 6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10: `SELECT id, name FROM posthorn.tenants` lists them"
            .to_owned()
    })
}
