//! The demo business of `posthorn dev`: tables and functions in schema `demo`, with a few rows to begin with.

use tokio_postgres::Client;
use uuid::Uuid;

/// The files of `examples/business`, in the order they build on each other; each may be run again.
const FILES: [(&str, &str); 5] = [
    ("00_schema.sql", include_str!("../../../examples/business/00_schema.sql")),
    ("10_invoices.sql", include_str!("../../../examples/business/10_invoices.sql")),
    ("20_payments.sql", include_str!("../../../examples/business/20_payments.sql")),
    ("30_customers.sql", include_str!("../../../examples/business/30_customers.sql")),
    ("40_sales_orders.sql", include_str!("../../../examples/business/40_sales_orders.sql")),
];

/// Why the demo business could not be installed.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// A file of the demo business failed.
    #[error("cannot load {file} of the demo business")]
    Load {
        /// The file.
        file: &'static str,
        /// What PostgreSQL said.
        source: tokio_postgres::Error,
    },
    /// The first rows could not be written.
    #[error("cannot write the demo data of tenant {tenant_id}")]
    Seed {
        /// Whose data.
        tenant_id: Uuid,
        /// What PostgreSQL said.
        source: tokio_postgres::Error,
    },
}

/// Makes schema `demo` and, once, its data for this tenant: a customer, an order and open invoices INV-1001 to INV-1010.
/// Running it again changes no data. Publishes nothing; needs the migrated schema `posthorn` only when functions are called.
///
/// # Errors
/// When PostgreSQL refuses, with the file that it refused.
pub async fn install(client: &Client, tenant_id: Uuid) -> Result<(), DemoError> {
    for (file, sql) in FILES {
        client.batch_execute(sql).await.map_err(|source| DemoError::Load { file, source })?;
    }
    client
        .execute("SELECT demo.seed($1)", &[&tenant_id])
        .await
        .map_err(|source| DemoError::Seed { tenant_id, source })?;
    Ok(())
}
