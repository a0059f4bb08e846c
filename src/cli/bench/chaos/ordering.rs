//! Ordering: events of many keys from several publishers, a receiver that fails now and then, three dispatchers of which one
//! is killed and started again every few seconds. Each key's events must be accepted one at a time and in order.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::super::child::Dispatcher;
use super::super::error::BenchError;
use super::super::figures::Figure;
use super::super::lab::{Lab, connect};
use super::super::sizes::Sizes;
use super::super::stage::{EVENT, Stage, Subscription};
use super::failing::FailingReceiver;
use super::order::{self, Event};

/// Dispatcher processes.
const PROCESSES: usize = 3;

/// Publishers; a key is not any one's own.
const PUBLISHERS: u32 = 8;

/// How often the database is asked whether anything is left.
const LOOK: Duration = Duration::from_millis(250);

/// Ordered, and patient enough that chance alone makes no delivery fail for good.
const ORDERED: &str = "UPDATE posthorn.webhook_subscriptions
    SET url = $1, ordered = true, timeout_seconds = 5, retry_schedule = '{1}', max_retries = 30";

const PUBLISH: &str = "INSERT INTO posthorn.outbox (tenant_id, event, payload, ordering_key)
    VALUES ($1, $2, '{}', $3) RETURNING id";

/// Once, until everything is final.
pub(in super::super) async fn measure(lab: &Lab, sizes: &Sizes) -> Result<Vec<Figure>, BenchError> {
    let receiver = FailingReceiver::start(sizes.seed, sizes.order_failures)?;
    let stage = lab.stage().await?;
    let tenant = stage.add_tenant().await?;
    stage.subscribe(lab, &Subscription { tenant, path: "/hook", event: EVENT, max_in_flight: None }).await?;
    let ordered = stage.db.execute(ORDERED, &[&receiver.url()]).await;
    ordered.map_err(BenchError::database("asking for order"))?;
    let publishing = start_publishing(lab, &stage, tenant, sizes);
    let began = Instant::now();
    let kills = kill_until_done(lab, &stage, publishing.at_work.clone(), sizes).await?;
    let seconds = began.elapsed().as_secs_f64();
    let mut events = publishing.finish().await?;
    let (numbers, failed) = outcome(&stage).await?;
    for event in &mut events {
        // one without a delivery is lost, and stands before none
        event.number = numbers.get(&event.id).copied().unwrap_or(i64::MAX);
    }
    let found = order::check(&events, &receiver.requests(), &failed, &kills);
    let count =
        |key: &str, label: &str, value: usize| Figure::highest(format!("ordering.{key}"), label, 0, value as f64);
    let (total, keys) = (events.len(), sizes.order_keys);
    Ok(vec![
        count("violations", &format!("{total} events over {keys} keys, order violations"), found.violations),
        count("overlaps", "  two requests of a key at once", found.overlaps),
        count("lost", "  events lost", found.lost),
        count("misnumbered", "  places in line against the order of commits", found.misnumbered),
        count("duplicates", "  accepted again after a kill (allowed)", found.duplicates),
        count("failed", "  failed for good (may be overtaken)", failed.len()),
        count("kills", "  dispatchers killed", kills.len()),
        Figure::new("ordering.seconds", "  until all were final, s", 0, seconds),
    ])
}

/// Publishers at work.
struct Publishing {
    running: JoinSet<Result<Vec<Event>, BenchError>>,
    /// Publishers that have not ended, well or badly.
    at_work: Arc<AtomicU32>,
}

impl Publishing {
    async fn finish(mut self) -> Result<Vec<Event>, BenchError> {
        let mut events = Vec::new();
        while let Some(ended) = self.running.join_next().await {
            events.extend(ended??);
        }
        Ok(events)
    }
}

fn start_publishing(lab: &Lab, stage: &Stage, tenant: Uuid, sizes: &Sizes) -> Publishing {
    let at_work = Arc::new(AtomicU32::new(PUBLISHERS));
    let mut running = JoinSet::new();
    for n in 0..PUBLISHERS {
        let events = sizes.order_events / PUBLISHERS + u32::from(n < sizes.order_events % PUBLISHERS);
        let chance = StdRng::seed_from_u64(sizes.seed.wrapping_add(1 + u64::from(n)));
        let publishing = publish(stage.url.to_string(), tenant, events, sizes.order_keys, chance);
        let at_work = at_work.clone();
        let counted = async move {
            let result = publishing.await;
            at_work.fetch_sub(1, Ordering::SeqCst);
            result
        };
        running.spawn_on(counted, lab.load.handle());
    }
    Publishing { running, at_work }
}

async fn publish(
    url: String,
    tenant: Uuid,
    count: u32,
    keys: u32,
    mut chance: StdRng,
) -> Result<Vec<Event>, BenchError> {
    let db = connect(&url).await?;
    let insert = db.prepare(PUBLISH).await.map_err(BenchError::database("preparing an ordered INSERT"))?;
    let mut events = Vec::new();
    for _ in 0..count {
        let key = chance.random_range(0..keys);
        let began = Instant::now();
        let row = db.query_one(&insert, &[&tenant, &EVENT, &format!("key-{key}")]).await;
        let row = row.map_err(BenchError::database("publishing an ordered event"))?;
        events.push(Event { id: row.get(0), key, number: 0, began, committed: Instant::now() });
    }
    Ok(events)
}

/// Runs the dispatchers, killing one after the other; answers with when.
async fn kill_until_done(
    lab: &Lab,
    stage: &Stage,
    publishers: Arc<AtomicU32>,
    sizes: &Sizes,
) -> Result<Vec<Instant>, BenchError> {
    let mut dispatchers = try_join_all((0..PROCESSES).map(|_| Dispatcher::start(lab, &stage.url))).await?;
    let (began, mut kills) = (Instant::now(), Vec::new());
    let limit = Duration::from_secs(sizes.order_limit_seconds.into());
    let mut next_kill = began + Duration::from_secs(sizes.order_kill_seconds.into());
    // whether all is published is asked first: what is published later cannot be seen by the look that follows
    while publishers.load(Ordering::SeqCst) > 0 || stage.is_waiting().await? {
        if began.elapsed() > limit {
            return Err(BenchError::Unrecorded { what: "ordering", seconds: limit.as_secs() });
        }
        if Instant::now() >= next_kill {
            let oldest = dispatchers.remove(0);
            kills.push(Instant::now());
            oldest.kill().await?;
            dispatchers.push(Dispatcher::start(lab, &stage.url).await?);
            next_kill += Duration::from_secs(sizes.order_kill_seconds.into());
        }
        tokio::time::sleep(LOOK).await;
    }
    for dispatcher in dispatchers {
        dispatcher.stop().await?;
    }
    Ok(kills)
}

/// The place in line of each event's delivery, and those that failed for good.
async fn outcome(stage: &Stage) -> Result<(HashMap<Uuid, i64>, Vec<Uuid>), BenchError> {
    let deliveries = "SELECT d.event_id, d.ordering_number, d.status IN ('failed', 'abandoned')
        FROM posthorn.webhook_deliveries d WHERE d.ordering_number IS NOT NULL";
    let rows = stage.db.query(deliveries, &[]).await.map_err(BenchError::database("looking at what became of them"))?;
    let numbers = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    Ok((numbers, rows.iter().filter(|row| row.get(2)).map(|row| row.get(0)).collect()))
}
