//! Publishing with everything that an event may carry: functions, idempotency, coalescing, whatever the transaction does.

mod bulk;
mod coalescing;
mod functions;
mod idempotency;
mod page;
mod transactions;

use std::pin::pin;

use bytes::Bytes;
use futures_util::SinkExt;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Error};
use uuid::Uuid;

use crate::harness::World;

/// Somebody waits for a lock of somebody else's transaction.
const SOMEBODY_WAITS: &str =
    "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')";

/// A tenant with so many subscriptions to everything, which nobody serves.
async fn tenant_with_subscriptions(world: &World, n: i32) -> Uuid {
    let tenant = world.tenant("a").await;
    for _ in 0..n {
        world.subscribe(tenant, "https://receiver.example/hooks", &["*"]).await;
    }
    tenant
}

/// Publishes `invoice.changed` with the payload `{"n": n}` and a key in the named option.
async fn publish(client: &Client, tenant: Uuid, key: (&str, &str), n: i32) -> Result<Option<Uuid>, Error> {
    let (option, key) = key;
    let sql = format!(
        "SELECT posthorn.publish($1, 'invoice.changed', jsonb_build_object('n', $2::int), {option} => $3::text)"
    );
    client.query_one(&sql, &[&tenant, &n, &key]).await.map(|row| row.get(0))
}

/// [`publish`], by somebody else and at the same time.
fn publish_beside(
    client: Client,
    tenant: Uuid,
    key: (&'static str, &'static str),
    n: i32,
) -> JoinHandle<Result<Option<Uuid>, Error>> {
    tokio::spawn(async move { publish(&client, tenant, key, n).await })
}

/// Copies lines into the outbox; answers with how many were taken.
async fn copy(client: &Client, columns: &str, lines: String) -> u64 {
    let statement = format!("COPY posthorn.outbox ({columns}) FROM STDIN");
    let mut copy = pin!(client.copy_in(&statement).await.unwrap());
    copy.send(Bytes::from(lines)).await.unwrap();
    copy.finish().await.unwrap()
}

/// The code of an error.
fn code(error: &Error) -> &str {
    error.code().unwrap_or_else(|| panic!("{error:?}")).code()
}
