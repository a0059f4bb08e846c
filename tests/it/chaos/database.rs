//! What the database says, asked on a new connection each time: the one before may have died with the server.

use tokio_postgres::types::{FromSqlOwned, ToSql};
use tokio_postgres::{Client, Error, NoTls, Row};

/// Connects; the connection ends when the client is dropped.
pub(super) async fn connect(url: &str) -> Result<Client, Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Rows of a query; an error when the server is away.
pub(super) async fn rows(url: &str, query: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Error> {
    connect(url).await?.query(query, values).await
}

/// First column of the one row of a query; `None` when the server is away.
pub(super) async fn ask<T: FromSqlOwned>(url: &str, query: &str) -> Option<T> {
    rows(url, query, &[]).await.ok()?.first().map(|row| row.get(0))
}
