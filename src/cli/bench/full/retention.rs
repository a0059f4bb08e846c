//! The rate while days of a long history go, against that of the moments between.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::super::child::Dispatcher;
use super::super::error::BenchError;
use super::super::figures::Figure;
use super::super::lab::Lab;
use super::super::sizes::Sizes;
use super::history::DAYS;
use super::lists;
use crate::store::{Store, StoreError, StoreRole, retention};

/// The share of the backlog that must have arrived before slices count: by then its connections are made.
const WARM_UP_SHARE: u32 = 20;

/// How long the warm-up may take.
const LIMIT: Duration = Duration::from_secs(120);

/// The attempts that finished deliveries have had.
const ATTEMPTS: &str = "INSERT INTO posthorn.webhook_attempts (delivery_id, epoch, tenant_id, generation, number, target_url,
        started_at, duration_ms, status_code, recorded_at)
    SELECT d.id, 1, d.tenant_id, 0, 1, 'https://receiver.example/hook', d.finished_at, 12, coalesce(d.last_status_code, 503), d.finished_at
    FROM posthorn.webhook_deliveries_done d";

/// Requests that arrived in some time.
#[derive(Default)]
struct Pace {
    arrived: u64,
    time: Duration,
    /// Of it, that in which retention was at work, and the longest that one day took.
    at_work: Duration,
    longest: Duration,
}

/// A dispatcher with more to send than it can meanwhile, and the days of the history going one after the other, oldest first, as
/// its upkeep lets them go. Slices with and without take turns, so that both have the same neighbours.
pub(in super::super) async fn measure(lab: &Lab, sizes: &Sizes) -> Result<Vec<Figure>, BenchError> {
    let stage = lab.stage().await?;
    lists::fill(&stage, sizes.history_rows).await?;
    stage.execute(ATTEMPTS, "making attempts").await?;
    stage.execute("VACUUM ANALYZE posthorn.webhook_attempts", "making attempts").await?;
    let tenant = stage.subscribe_one(lab, 1).await?;
    stage.fill(lab, tenant, sizes.retention_backlog).await?;
    let url = stage.url.to_string().into();
    let store = Store::new(&url, StoreRole::Dispatcher, 1, lab.config.webhook.max_payload_bytes)?;
    let dispatcher = Dispatcher::start(lab, &stage.url).await?;
    let warm_up = u64::from(sizes.retention_backlog / WARM_UP_SHARE);
    lab.receiver.wait_for(lab.receiver.count() + warm_up, LIMIT, "retention").await?;

    let slice = Duration::from_millis(sizes.retention_slice_ms);
    let (mut without, mut beside, mut dropped) = (Pace::default(), Pace::default(), 0);
    for keep_days in (1..=DAYS).rev() {
        without.slice(lab, slice, async { Ok(()) }).await?;
        dropped += beside.slice(lab, slice, retention::apply(&store, keep_days)).await?.dropped;
    }
    if !stage.is_waiting().await? {
        return Err(BenchError::Drained { size: "--retention-backlog" });
    }
    store.close();
    dispatcher.stop().await?;

    let per_day = beside.at_work.as_secs_f64() / f64::from(DAYS);
    let label = format!("retention: {} rows going, deliveries/s", sizes.history_rows);
    Ok(vec![
        Figure::new(
            "retention.ratio",
            "retention: with : without days going",
            3,
            beside.per_second() / without.per_second(),
        ),
        Figure::new("retention.per_second", label, 0, beside.per_second()),
        Figure::new("retention.none_per_second", "  between them, deliveries/s", 0, without.per_second()),
        Figure::new("retention.partitions", "  partitions dropped", 0, dropped as f64),
        Figure::new("retention.day_seconds", "  of a day, s", 3, per_day),
        Figure::new("retention.longest_seconds", "  of the longest, s", 3, beside.longest.as_secs_f64()),
    ])
}

impl Pace {
    /// Counts what arrives until some work is done, and for so long at least that it is not chance.
    async fn slice<T>(
        &mut self,
        lab: &Lab,
        least: Duration,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, BenchError> {
        let (began, before) = (Instant::now(), lab.receiver.count());
        let timed = async { (work.await, began.elapsed()) };
        let ((done, took), ()) = tokio::join!(timed, sleep(least));
        self.arrived += lab.receiver.count() - before;
        self.time += began.elapsed();
        self.at_work += took;
        self.longest = self.longest.max(took);
        Ok(done?)
    }

    fn per_second(&self) -> f64 {
        self.arrived as f64 / self.time.as_secs_f64()
    }
}
