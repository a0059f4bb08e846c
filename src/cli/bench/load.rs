//! Producers: clients that publish as fast as they can, or at a steady rate whatever the answers take.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Barrier;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::error::BenchError;
use super::lab::{Lab, connect};
use super::stage::{self, EVENT, Stage};

/// Events per second that one client of a steady rate is asked for at most: a commit takes some milliseconds.
const RATE_PER_CLIENT: u32 = 100;

/// Clients of a steady rate: with fewer one slow commit would hold up the next event.
const CLIENTS: std::ops::RangeInclusive<u32> = 4..=32;

/// What clients published as fast as they could.
pub(super) struct Burst {
    pub(super) events: u64,
    pub(super) began: Instant,
    pub(super) ended: Instant,
}

impl Burst {
    /// Events per second.
    pub(super) fn per_second(&self) -> f64 {
        self.events as f64 / (self.ended - self.began).as_secs_f64()
    }
}

/// One published event.
#[derive(Clone, Copy)]
pub(super) struct Published {
    pub(super) id: Uuid,
    /// When it ought to have been published.
    pub(super) due: Instant,
    /// When COMMIT returned.
    pub(super) committed: Instant,
}

/// What every client needs.
#[derive(Clone)]
struct Client {
    url: Arc<str>,
    tenant: Uuid,
    payload: Arc<str>,
}

impl Client {
    fn new(lab: &Lab, stage: &Stage, tenant: Uuid) -> Self {
        Self { url: stage.url.as_str().into(), tenant, payload: stage::payload(lab).into() }
    }
}

/// `clients` publish for so long, each one event per transaction, one after the other.
pub(super) async fn burst(
    lab: &Lab,
    stage: &Stage,
    tenant: Uuid,
    clients: u32,
    length: Duration,
) -> Result<Burst, BenchError> {
    let start = Arc::new(Barrier::new(clients as usize + 1));
    let mut running = JoinSet::new();
    for _ in 0..clients {
        let publishing = publish_until(Client::new(lab, stage, tenant), start.clone(), length);
        running.spawn_on(publishing, lab.load.handle());
    }
    // a client that fails before the start would leave the others waiting
    let began = tokio::select! {
        _ = start.wait() => Instant::now(),
        Some(ended) = running.join_next() => return ended?.and_then(|_| Err(BenchError::Stopped)),
    };
    let mut events = 0;
    while let Some(ended) = running.join_next().await {
        events += ended??;
    }
    Ok(Burst { events, began, ended: Instant::now() })
}

async fn publish_until(client: Client, start: Arc<Barrier>, length: Duration) -> Result<u64, BenchError> {
    let db = connect(&client.url).await?;
    let insert = "INSERT INTO posthorn.outbox (tenant_id, event, payload) VALUES ($1, $2, $3::text::jsonb)";
    let insert = db.prepare(insert).await.map_err(BenchError::database("preparing the INSERT"))?;
    start.wait().await;
    let (end, mut events) = (Instant::now() + length, 0);
    while Instant::now() < end {
        let payload: &str = &client.payload;
        let inserted = db.execute(&insert, &[&client.tenant, &EVENT, &payload]).await;
        inserted.map_err(BenchError::database("publishing an event"))?;
        events += 1;
    }
    Ok(events)
}

/// Events at the beginning of a steady rate that do not count: two seconds of them.
pub(super) const fn warm_up(rate: u32) -> u32 {
    rate * 2
}

/// Publishes [`warm_up`] events and then `count`, each when it is due and in a transaction of its own. Answers with those
/// after the warm-up, in no order: by then connections stand, plans are made and functions compiled.
pub(super) async fn steady(
    lab: &Lab,
    stage: &Stage,
    tenant: Uuid,
    rate: u32,
    count: u32,
) -> Result<Vec<Published>, BenchError> {
    let clients = rate.div_ceil(RATE_PER_CLIENT).clamp(*CLIENTS.start(), *CLIENTS.end());
    let (first, count) = (warm_up(rate), warm_up(rate) + count);
    let next = Arc::new(AtomicU32::new(0));
    let began = Instant::now();
    let mut running = JoinSet::new();
    for _ in 0..clients {
        let (client, next) = (Client::new(lab, stage, tenant), next.clone());
        let due = move |n: u32| began + Duration::from_secs(1) * n / rate;
        running.spawn_on(publish_when_due(client, next, count, due), lab.load.handle());
    }
    let mut published = Vec::with_capacity(count as usize);
    while let Some(ended) = running.join_next().await {
        published.extend(ended??);
    }
    let counts_from = began + Duration::from_secs(1) * first / rate;
    published.retain(|event: &Published| event.due >= counts_from);
    Ok(published)
}

async fn publish_when_due(
    client: Client,
    next: Arc<AtomicU32>,
    count: u32,
    due: impl Fn(u32) -> Instant,
) -> Result<Vec<Published>, BenchError> {
    let mut db = connect(&client.url).await?;
    let insert =
        "INSERT INTO posthorn.outbox (tenant_id, event, payload) VALUES ($1, $2, $3::text::jsonb) RETURNING id";
    let insert = db.prepare(insert).await.map_err(BenchError::database("preparing the INSERT"))?;
    let mut published = Vec::new();
    loop {
        let n = next.fetch_add(1, Ordering::Relaxed);
        if n >= count {
            return Ok(published);
        }
        let due = due(n);
        tokio::time::sleep_until(due.into()).await;
        let payload: &str = &client.payload;
        let publish = async {
            let transaction = db.transaction().await?;
            let row = transaction.query_one(&insert, &[&client.tenant, &EVENT, &payload]).await?;
            transaction.commit().await?;
            Ok(Published { id: row.get(0), due, committed: Instant::now() })
        };
        published.push(publish.await.map_err(BenchError::database("publishing an event"))?);
    }
}
