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
fn document_holds_the_guide_to_receiving() {
    let guide = include_str!("../../docs/receiving.md");
    let indented: Vec<String> =
        guide.lines().map(|line| if line.is_empty() { String::new() } else { format!("    {line}") }).collect();
    assert!(document().contains(&indented.join("\n")), "the guide of docs/receiving.md is not in the description");
    let links = guide.split("](").skip(1);
    assert!(
        links.clone().count() > 0 && links.clone().all(|link| link.starts_with("https://")),
        "a link leads nowhere"
    );
}

#[test]
fn documents_are_written_for_callers() {
    for document in [document(), admin_document()] {
        for remark in ["[`", "handler", "for the document", "how the document"] {
            let found = document.lines().find(|line| line.contains(remark));
            assert_eq!(found, None, "{remark}");
        }
    }
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
