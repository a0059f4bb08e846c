//! The pages on operating and testing in SQL: every query in them runs, and shows something where there is something.

use posthorn::domain::secret::Secret;
use posthorn::store::{StoreRole, days};
use serde_json::json;
use tokio_postgres::SimpleQueryMessage;
use uuid::Uuid;

use crate::harness::{World, page, sql_blocks};

/// The tenant of the pages.
const TENANT: &str = "6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10";

/// An installation in which every symptom can be seen.
async fn troubled() -> World {
    let world = World::new().await;
    days::make_ahead(&world.store(StoreRole::Dispatcher), 0).await.unwrap();
    world.db.execute("SELECT posthorn.make_day('outbox', current_date - 40)", &[]).await.unwrap();
    let tenant: Uuid = TENANT.parse().unwrap();
    world.db.execute("INSERT INTO posthorn.tenants (id, name) VALUES ($1, 'shop')", &[&tenant]).await.unwrap();
    let mut subscriptions = Vec::new();
    for _ in 0..2 {
        let secret = Secret::generate();
        subscriptions.push(world.subscribe_signed(tenant, "https://receiver.example/", &["invoice.*"], &secret).await);
    }
    for event in ["invoice.paid", "invoice.paid", "invoice.created", "invoice.created", "order.created"] {
        let sql = "SELECT posthorn.publish($1, $2, $3, 'invoice', 'INV-1')";
        world.db.execute(sql, &[&tenant, &event, &json!({"invoice_id": "INV-1"})]).await.unwrap();
    }
    let attempts = "INSERT INTO posthorn.webhook_attempts (delivery_id, epoch, tenant_id, generation, number, target_url, started_at,
                        duration_ms, status_code, error_kind)
                    SELECT d.id, n, d.tenant_id, 0, n, 'https://receiver.example/', now(), 5, 500, 'server_error'
                    FROM posthorn.webhook_deliveries d, generate_series(1, 2) AS n WHERE d.event = 'invoice.paid'";
    assert_eq!(world.db.execute(attempts, &[]).await.unwrap(), 8);
    let fail = "UPDATE posthorn.webhook_deliveries SET status = 'abandoned', finished_at = now(), last_error_kind = 'server_error',
                    last_error = 'answered with 500' WHERE event = 'invoice.paid'";
    world.db.execute(fail, &[]).await.unwrap();
    let tally = "INSERT INTO posthorn.delivery_tallies (tenant_id, subscription_id, event, abandoned, durations, error_kinds,
                     last_failed_delivery_id)
                 SELECT d.tenant_id, d.subscription_id, d.event, 3, '{5,6,7}', '{server_error,server_error,server_error}', d.id
                 FROM posthorn.webhook_deliveries d WHERE d.status = 'abandoned'";
    world.db.execute(tally, &[]).await.unwrap();
    world.db.execute("SELECT posthorn.fold_tallies(100)", &[]).await.unwrap();
    let register = "INSERT INTO posthorn.dispatchers (host, pid, version, concurrency) VALUES ('host', 1, '1', 8)";
    world.db.execute(register, &[]).await.unwrap();
    let own = format!(
        "CREATE TABLE public.invoices (id text PRIMARY KEY, tenant_id uuid, number text, status text);
         INSERT INTO public.invoices VALUES ('INV-1', '{TENANT}', 'INV-1', 'paid');
         GRANT SELECT ON public.invoices TO posthorn_readonly"
    );
    world.db.batch_execute(&own).await.unwrap();
    world
}

#[tokio::test]
async fn every_answer_on_operating_shows_what_there_is() {
    let world = troubled().await;
    let gid = format!("docs in {}", world.database());
    let prepare = format!("BEGIN; INSERT INTO posthorn.tenants (name) VALUES ('never'); PREPARE TRANSACTION '{gid}'");
    world.db.batch_execute(&prepare).await.unwrap();
    let text = page("operating-in-sql.md");
    let blocks = sql_blocks(&text);
    assert!(blocks.len() >= 19, "{}", blocks.len());
    for block in blocks {
        let operator = world.client_as("posthorn_readonly").await;
        let answers = operator.simple_query(block).await.unwrap_or_else(|e| panic!("{block}: {e:?}"));
        let (mut rows, mut statements) = (0, 0);
        for answer in &answers {
            match answer {
                SimpleQueryMessage::Row(_) => rows += 1,
                SimpleQueryMessage::CommandComplete(_) => {
                    let is_set = statements == 0 && block.starts_with("SET");
                    assert!(rows > 0 || is_set, "shows nothing: {block}");
                    (rows, statements) = (0, statements + 1);
                }
                _ => {}
            }
        }
        assert!(statements > 0, "{block}");
    }
    world.db.batch_execute(&format!("ROLLBACK PREPARED '{gid}'")).await.unwrap();
}

#[tokio::test]
async fn a_test_without_a_server_sees_the_webhook_and_leaves_nothing() {
    let world = World::new().await;
    let text = page("testing.md");
    let blocks = sql_blocks(&text);
    assert_eq!(blocks.len(), 1);
    let answers = world.db.simple_query(blocks[0]).await.unwrap();
    let rows: Vec<_> = answers
        .iter()
        .filter_map(|answer| if let SimpleQueryMessage::Row(row) = answer { Some(row) } else { None })
        .collect();
    let [_, delivery, request] = rows.as_slice() else { panic!("{} rows", rows.len()) };
    assert_eq!((delivery.get("event"), delivery.get("status")), (Some("invoice.paid"), Some("pending")));
    assert!(request.get("body").unwrap().contains(r#""data":{"invoice_id": "INV-1001"}"#));
    assert_eq!(request.get("note"), Some("unsigned"));
    assert_eq!(world.count("SELECT count(*) FROM posthorn.tenants").await, 0);
    assert_eq!(world.count("SELECT count(*) FROM posthorn.outbox").await, 0);
}
