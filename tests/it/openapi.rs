//! The committed OpenAPI document is the generated one.

use posthorn::cli::openapi::{admin_document, document};

/// Generated on purpose and not by a test run: `posthorn openapi > openapi/posthorn.yaml`.
const COMMITTED: &str = include_str!("../../openapi/posthorn.yaml");

/// The same of the admin API: `posthorn openapi --admin`.
const COMMITTED_ADMIN: &str = include_str!("../../openapi/posthorn-admin.yaml");

#[test]
fn committed_documents_are_the_generated_ones() {
    assert!(document() == COMMITTED, "openapi/posthorn.yaml is out of date: run `make openapi` and commit the result");
    assert!(admin_document() == COMMITTED_ADMIN, "openapi/posthorn-admin.yaml is out of date: run `make openapi`");
}

#[test]
fn document_lists_both_servers_and_the_key() {
    let document = document();
    for part in
        ["url: /api/v1/webhooks\n", "url: /api/v1/tenant/webhooks\n", "scheme: bearer", "application/problem+json"]
    {
        assert!(document.contains(part), "{part}");
    }
}
