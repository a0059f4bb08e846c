//! The demo business publishes in its own transaction, as its events' fields and its errors promise.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use posthorn::cli::dev::cluster::{Cluster, ClusterOptions};
use posthorn::cli::dev::demo;
use posthorn::store::migrate::migrate;
use secrecy::SecretString;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

/// A migrated database with the demo business of one tenant in it.
struct Business {
    client: Client,
    tenant_id: Uuid,
    _cluster: Cluster,
    _folder: TempDir,
}

impl Business {
    async fn open() -> Self {
        let folder = tempfile::Builder::new().prefix("posthorn-demo-").tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let options = ClusterOptions { data_dir: folder.path().join("pg"), port: None, settings: Vec::new() };
        let cluster = Cluster::start(options).await.unwrap();
        migrate(&SecretString::from(cluster.url("postgres"))).await.unwrap();
        let (client, connection) = tokio_postgres::connect(&cluster.url("postgres"), NoTls).await.unwrap();
        tokio::spawn(connection);
        let tenant_id = Uuid::now_v7();
        demo::install(&client, tenant_id).await.unwrap();
        Self { client, tenant_id, _cluster: cluster, _folder: folder }
    }

    /// The first column of a statement as text; `$1` is the tenant where the statement names one.
    async fn call(&self, sql: &str) -> String {
        let tenant = format!("'{}'::uuid", self.tenant_id);
        self.client.simple_query(&sql.replace("$1", &tenant)).await.unwrap().iter().find_map(first).unwrap_or_default()
    }

    async fn refusal(&self, sql: &str) -> String {
        let error = self.client.simple_query(sql).await.unwrap_err();
        error.as_db_error().unwrap().message().to_owned()
    }

    /// Resource and payload of the newest event of this name.
    async fn newest(&self, event: &str) -> (String, Value) {
        let row = self
            .client
            .query_one(
                "SELECT resource_type || '/' || resource_id, payload FROM posthorn.outbox WHERE event = $1 ORDER BY created_at DESC LIMIT 1",
                &[&event],
            )
            .await
            .unwrap();
        (row.get(0), row.get(1))
    }

    async fn events(&self) -> i64 {
        self.client.query_one("SELECT count(*) FROM posthorn.outbox", &[]).await.unwrap().get(0)
    }
}

fn first(message: &tokio_postgres::SimpleQueryMessage) -> Option<String> {
    match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(ToOwned::to_owned),
        _ => None,
    }
}

#[tokio::test]
async fn paying_an_invoice_publishes_its_payment() {
    let business = Business::open().await;
    assert_eq!(business.events().await, 0, "seeding publishes nothing");

    let payment = business.call("SELECT demo.pay_invoice('INV-1001')").await;

    let (resource, payload) = business.newest("payment.received").await;
    assert_eq!(resource, format!("payment/{payment}"));
    assert_eq!(
        payload,
        json!({"payment_id": payment, "invoice_id": "INV-1001", "amount": "150.00", "currency": "USD",
               "payment_method": "card", "reference_number": null})
    );
    assert_eq!(business.refusal("SELECT demo.pay_invoice('INV-1001')").await, "invoice INV-1001 is already paid");
    assert_eq!(business.refusal("SELECT demo.pay_invoice('INV-9')").await, "there is no invoice INV-9");
    assert_eq!(business.events().await, 1, "a refusal publishes nothing");
}

#[tokio::test]
async fn without_an_invoice_the_next_open_one_is_paid_and_then_a_new_one() {
    let business = Business::open().await;
    for number in 1001..=1010 {
        business.call("SELECT demo.pay_invoice()").await;
        assert_eq!(business.newest("payment.received").await.1["invoice_id"], format!("INV-{number}"));
    }

    business.call("SELECT demo.pay_invoice()").await;

    assert_eq!(business.newest("payment.received").await.1["invoice_id"], "INV-1011");
    assert_eq!(business.events().await, 12, "ten payments, then an invoice and its payment");
}

#[tokio::test]
async fn a_roll_back_leaves_neither_row_nor_event() {
    let business = Business::open().await;
    business.call("BEGIN; SELECT demo.pay_invoice('INV-1001'); ROLLBACK").await;
    assert_eq!(business.events().await, 0);
    assert_eq!(business.call("SELECT status FROM demo.invoices WHERE id = 'INV-1001'").await, "open");
}

#[tokio::test]
async fn every_function_publishes_the_fields_of_its_event() {
    let business = Business::open().await;
    for (sql, event, fields) in [
        (
            "SELECT demo.create_invoice($1, 'Acme Corporation', 1500)",
            "invoice.created",
            "amount created_at currency customer_id customer_name invoice_id invoice_number status",
        ),
        ("SELECT demo.send_invoice('INV-1002', 'a@b.example')", "invoice.sent", "invoice_id invoice_number sent_to"),
        (
            "SELECT demo.authorize_invoice('INV-1002', '1', 'k')",
            "invoice.authorized",
            "authorization_key authorization_number invoice_id invoice_number",
        ),
        (
            "SELECT demo.reject_invoice('INV-1002', 'no', 'E1')",
            "invoice.rejected",
            "error_code invoice_id invoice_number reason",
        ),
        ("SELECT demo.cancel_invoice('INV-1002', 'error')", "invoice.cancelled", "invoice_id invoice_number reason"),
        (
            "SELECT demo.fail_payment('INV-1003')",
            "payment.failed",
            "amount currency error_code invoice_id payment_id reason",
        ),
        (
            "SELECT demo.create_customer($1, 'Beta')",
            "customer.created",
            "customer_email customer_id customer_name customer_phone customer_type",
        ),
        (
            "SELECT demo.update_customer('CUS-1001', phone => '1')",
            "customer.updated",
            "changes customer_email customer_id customer_name customer_phone",
        ),
        (
            "SELECT demo.create_order($1, 'CUS-1001', 9.5)",
            "sales_order.created",
            "amount currency customer_id customer_name items_count order_id order_number",
        ),
        (
            "SELECT demo.confirm_order('SO-1001')",
            "sales_order.confirmed",
            "amount currency customer_id customer_name order_id order_number",
        ),
        ("SELECT demo.cancel_order('SO-1002', 'late')", "sales_order.cancelled", "order_id order_number reason"),
    ] {
        business.call(sql).await;
        let (_, payload) = business.newest(event).await;
        let keys: Vec<&str> = payload.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys.join(" "), fields, "{sql}");
        if let Some(amount) = payload.get("amount") {
            assert!(amount.as_str().unwrap().split_once('.').unwrap().1.len() == 2, "{sql}: {amount}");
        }
    }
}

#[tokio::test]
async fn a_second_install_changes_nothing() {
    let business = Business::open().await;
    business.call("SELECT demo.pay_invoice('INV-1001')").await;

    demo::install(&business.client, business.tenant_id).await.unwrap();

    assert_eq!(business.call("SELECT count(*) FROM demo.invoices").await, "10");
    assert_eq!(business.call("SELECT status FROM demo.invoices WHERE id = 'INV-1001'").await, "paid");
    business.call("SELECT demo.update_customer('CUS-1001', name => 'Acme Corporation')").await;
    assert_eq!(business.events().await, 1, "an update that changes nothing publishes nothing");
}
