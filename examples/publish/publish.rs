//! Writes an invoice and its event in one transaction, with nothing but SQL.
//!
//! ```text
//! DATABASE_URL=postgres://… TENANT_ID=… cargo run --example publish [-- --rollback]
//! ```
//!
//! Prints the invoice's id, which the webhook carries as `resource_id`. With `--rollback` both are rolled back: no webhook is sent.

use std::env;
use std::io::{self, Write};

use anyhow::Context;
use serde_json::json;
use tokio_postgres::{NoTls, Transaction};
use uuid::Uuid;

const CUSTOMER: &str = "Acme Corporation";
const AMOUNT: &str = "1500.00"; // money travels as text: a JSON number may be read as a float
const CURRENCY: &str = "USD";

/// Inserts the invoice and publishes its event. The caller's transaction decides about both.
async fn create_invoice(transaction: &Transaction<'_>, tenant_id: Uuid) -> Result<String, tokio_postgres::Error> {
    let insert = "INSERT INTO demo.invoices (tenant_id, customer_name, amount, currency)
                  VALUES ($1, $2, $3::text::numeric, $4) RETURNING id";
    let row = transaction.query_one(insert, &[&tenant_id, &CUSTOMER, &AMOUNT, &CURRENCY]).await?;
    let invoice_id: String = row.get(0);
    let payload = json!({
        "invoice_id": invoice_id,
        "amount": AMOUNT,
        "currency": CURRENCY,
        "customer_name": CUSTOMER,
    });
    let publish = "SELECT posthorn.publish(tenant_id => $1, event => 'invoice.created', payload => $2,
                                           resource_type => 'invoice', resource_id => $3)";
    transaction.query_one(publish, &[&tenant_id, &payload, &invoice_id]).await?;
    Ok(invoice_id)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let variable =
        |name| env::var(name).with_context(|| format!("{name}: posthorn dev writes it to .posthorn/dev.json"));
    let (database_url, tenant_id) = (variable("DATABASE_URL")?, variable("TENANT_ID")?.parse()?);
    let rolls_back = env::args().any(|argument| argument == "--rollback");

    let (mut client, connection) = tokio_postgres::connect(&database_url, NoTls).await?;
    tokio::spawn(connection);
    // an error on the way drops the transaction, which rolls it back
    let transaction = client.transaction().await?;
    let created = create_invoice(&transaction, tenant_id).await;
    let invoice_id = created.context("nothing was written, and no webhook is sent")?;
    if rolls_back {
        transaction.rollback().await?;
    } else {
        transaction.commit().await?;
    }
    writeln!(io::stdout(), "{invoice_id}")?;
    Ok(())
}
