//! Every query on the page on publishing runs, with no more rights than the page says it takes.

use crate::harness::{World, page, sql_blocks};

/// Tenant of the page.
const TENANT: &str = "6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10";

#[tokio::test]
async fn every_query_of_the_page_runs() {
    let world = World::new().await;
    let tenant = format!("INSERT INTO posthorn.tenants (id, name) VALUES ('{TENANT}', 'a')");
    world.db.batch_execute(&tenant).await.unwrap();
    world.subscribe(TENANT.parse().unwrap(), "https://receiver.example/", &["*"]).await;
    let page = page("publishing.md");
    let (publishing, rest) = page.split_once("\n## When nothing arrives\n").unwrap();
    // the tables of the last section are made where attaching is tested
    let (asking, _) = rest.split_once("\n## Tables as sources\n").unwrap();
    for (text, role) in [(publishing, "posthorn_publisher"), (asking, "posthorn_readonly")] {
        let client = world.client_as(role).await;
        assert!(!sql_blocks(text).is_empty(), "{role}");
        for block in sql_blocks(text) {
            client.batch_execute(block).await.unwrap_or_else(|e| panic!("as {role}: {block}\n{e:?}"));
        }
    }
    let of = |what: &str| {
        format!(
            "SELECT count(*) FROM posthorn.webhook_deliveries d JOIN posthorn.outbox o ON o.id = d.event_id WHERE {what}"
        )
    };
    assert_eq!(world.count(&of("o.resource_id = 'PAY-2003'")).await, 1, "published twice, stored once");
    assert_eq!(world.count(&of("o.coalesce_key IS NOT NULL AND d.status = 'cancelled'")).await, 1, "superseded");
    assert_eq!(world.count(&of("d.due_at > now() + interval '13 days'")).await, 1, "scheduled");
    assert_eq!(world.count("SELECT count(*) FROM posthorn.event_fanouts WHERE state = 'muted'").await, 1);
}
