//! One scenario's database: tenants, subscriptions, backlogs, and what is to be asked of it.

use std::time::{Duration, Instant};

use bytes::Bytes;
use time::OffsetDateTime;
use tokio_postgres::Client;
use url::Url;
use uuid::Uuid;

use super::error::BenchError;
use super::lab::{Lab, connect};
use crate::domain::envelope::{self, EventView};
use crate::domain::secret::Secret;
use crate::domain::subscription::PayloadFormat;

/// Length of every body, in bytes.
const BODY_BYTES: usize = 500;

/// Event type of everything sent here.
pub(super) const EVENT: &str = "bench.measured";

/// Events of one INSERT of a backlog.
const EVENTS_PER_INSERT: u32 = 1000;

/// How often the table is asked whether the last row has moved, once the last request has arrived.
const LOOK: Duration = Duration::from_millis(5);

/// How long the last rows may take to become final after the last webhook has arrived.
const RECORD_LIMIT: Duration = Duration::from_secs(60);

/// A migrated database with nothing in it.
pub(super) struct Stage {
    /// As superuser.
    pub(super) db: Client,
    pub(super) url: Url,
    receiver_url: String,
}

/// A subscription to be made.
pub(super) struct Subscription<'a> {
    pub(super) tenant: Uuid,
    /// Path at the receiver, which decides how it answers.
    pub(super) path: &'a str,
    pub(super) event: &'a str,
    /// As a user makes it, or more.
    pub(super) max_in_flight: Option<u32>,
}

impl Stage {
    pub(super) async fn open(url: Url, receiver_url: String) -> Result<Self, BenchError> {
        Ok(Self { db: connect(url.as_str()).await?, url, receiver_url })
    }

    /// Another connection, on the caller's threads.
    pub(super) async fn connect(&self) -> Result<Client, BenchError> {
        connect(self.url.as_str()).await
    }

    /// As a user makes it.
    pub(super) async fn add_tenant(&self) -> Result<Uuid, BenchError> {
        self.add_tenant_with(None).await
    }

    async fn add_tenant_with(&self, max_in_flight: Option<i32>) -> Result<Uuid, BenchError> {
        let (tenant, insert) =
            (Uuid::now_v7(), "INSERT INTO posthorn.tenants (id, name, max_in_flight) VALUES ($1, 'bench', $2)");
        let added = self.db.execute(insert, &[&tenant, &max_in_flight]).await;
        added.map_err(BenchError::database("adding a tenant")).map(|_| tenant)
    }

    /// Adds a subscription with one signature; answers with its id.
    pub(super) async fn subscribe(&self, lab: &Lab, wanted: &Subscription<'_>) -> Result<Uuid, BenchError> {
        let id = Uuid::now_v7();
        let sealed = lab.keyring.seal(wanted.tenant, id, &Secret::generate());
        let url = self.receiver_url.replace("/hook", wanted.path);
        let max_in_flight = wanted.max_in_flight.and_then(|n| i32::try_from(n).ok());
        self.db
            .execute(
                "INSERT INTO posthorn.webhook_subscriptions
                     (id, tenant_id, url, events, secret, max_in_flight, header_families)
                 VALUES ($1, $2, $3, ARRAY[$4], $5, $6, '{standard}')",
                &[&id, &wanted.tenant, &url, &wanted.event, &sealed, &max_in_flight],
            )
            .await
            .map_err(BenchError::database("adding a subscription"))?;
        Ok(id)
    }

    /// One tenant with one subscription that may use every slot of so many dispatchers.
    pub(super) async fn subscribe_one(&self, lab: &Lab, dispatchers: u32) -> Result<Uuid, BenchError> {
        let max_in_flight = Some(lab.concurrency() * dispatchers);
        let tenant = self.add_tenant_with(max_in_flight.and_then(|n| i32::try_from(n).ok())).await?;
        self.subscribe(lab, &Subscription { tenant, path: "/hook", event: EVENT, max_in_flight }).await?;
        Ok(tenant)
    }

    /// Publishes a backlog, then a checkpoint, so that what follows does not begin with somebody else's.
    pub(super) async fn fill(&self, lab: &Lab, tenant: Uuid, events: u32) -> Result<(), BenchError> {
        let (payload, mut left) = (payload(lab), events);
        while left > 0 {
            let count = left.min(EVENTS_PER_INSERT);
            let values = "SELECT $1, $2, $3::text::jsonb FROM generate_series(1, $4::int)";
            let insert = format!("INSERT INTO posthorn.outbox (tenant_id, event, payload) {values}");
            let count_as_int = i32::try_from(count).unwrap_or(i32::MAX);
            let inserted = self.db.execute(&insert, &[&tenant, &EVENT, &payload, &count_as_int]).await;
            inserted.map_err(BenchError::database("publishing a backlog"))?;
            left -= count;
        }
        self.checkpoint().await
    }

    pub(super) async fn checkpoint(&self) -> Result<(), BenchError> {
        self.execute("CHECKPOINT", "writing a checkpoint").await
    }

    pub(super) async fn execute(&self, statement: &str, what: &'static str) -> Result<(), BenchError> {
        self.db.batch_execute(statement).await.map_err(BenchError::database(what))
    }

    /// Waits until no delivery has anything left to happen to it; answers with when that was so.
    pub(super) async fn until_recorded(&self, what: &'static str) -> Result<Instant, BenchError> {
        let started = Instant::now();
        loop {
            // the look itself walks over rows that are dead by now, which takes its time after a large drain
            let looked_at = Instant::now();
            if !self.is_waiting().await? {
                return Ok(looked_at);
            }
            if started.elapsed() > RECORD_LIMIT {
                return Err(BenchError::Unrecorded { what, seconds: RECORD_LIMIT.as_secs() });
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Whether any delivery is not finished.
    pub(super) async fn is_waiting(&self) -> Result<bool, BenchError> {
        let row = self.db.query_one("SELECT EXISTS (SELECT FROM posthorn.webhook_deliveries_live)", &[]).await;
        row.map_err(BenchError::database("looking for waiting deliveries")).map(|row| row.get(0))
    }

    /// Bytes of WAL ever written by the server.
    pub(super) async fn wal_bytes(&self) -> Result<f64, BenchError> {
        let row = self.db.query_one("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8", &[]).await;
        row.map_err(BenchError::database("asking for the WAL's length")).map(|row| row.get(0))
    }
}

/// The payload whose body has the length wanted: the envelope around it is measured with an empty one.
pub(super) fn payload(lab: &Lab) -> String {
    let filled = |length: usize| format!("{{\"text\": \"{}\"}}", "x".repeat(length));
    let envelope = body(lab, &filled(0), Uuid::nil(), Uuid::nil()).len();
    filled(BODY_BYTES.saturating_sub(envelope))
}

/// The body of one event, as the dispatcher would render it.
pub(super) fn body(lab: &Lab, payload: &str, event_id: Uuid, tenant_id: Uuid) -> Bytes {
    let view = EventView {
        id: event_id,
        event: EVENT,
        tenant_id,
        created_at: OffsetDateTime::now_utc(),
        resource_type: None,
        resource_id: None,
        payload_json: payload,
        metadata_json: None,
        source: &lab.config.webhook.source,
    };
    envelope::render(PayloadFormat::Default, &view).body
}
