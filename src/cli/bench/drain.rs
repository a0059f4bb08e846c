//! The drain: a backlog that waits while no dispatcher runs, then dispatchers until the last delivery is recorded.

use std::time::Duration;

use futures_util::future::try_join_all;

use super::child::Dispatcher;
use super::error::BenchError;
use super::figures::Figure;
use super::lab::Lab;
use super::sizes::Sizes;
use super::stage::Stage;
use super::{bare, receiver, usage};

/// Least time a drain may take; large ones may take longer.
const LIMIT: Duration = Duration::from_secs(300);

/// A drain slower than this is given up, in deliveries per second.
const SLOWEST: u32 = 200;

/// What a drain came to. CPU and WAL are per delivery, `None` where they cannot be read.
pub(super) struct Drained {
    /// Deliveries per second, from the first request that arrived to the last row recorded.
    pub(super) per_second: f64,
    dispatcher_us: Option<f64>,
    postgres_us: Option<f64>,
    receiver_us: Option<f64>,
    wal_bytes: f64,
    /// Of one dispatcher, at the end.
    memory_mib: Option<f64>,
}

/// One subscription that may use every slot, and one dispatcher.
pub(super) async fn measure(lab: &Lab, sizes: &Sizes) -> Result<Vec<Figure>, BenchError> {
    let bare = bare::per_second(lab, sizes).await?;
    let stage = lab.stage().await?;
    let tenant = stage.subscribe_one(lab, 1).await?;
    stage.fill(lab, tenant, sizes.deliveries).await?;
    let drained = drain(lab, &stage, sizes.deliveries, 1).await?;
    let mut figures = vec![
        Figure::new("drain.per_second", format!("drain of {}, deliveries/s", sizes.deliveries), 0, drained.per_second),
        Figure::new("drain.bare_per_second", "  bare sender beside it, requests/s", 0, bare),
        Figure::new("drain.ratio", "  drain : bare", 3, drained.per_second / bare),
        Figure::new("drain.wal_bytes", "  WAL per delivery, bytes", 0, drained.wal_bytes),
    ];
    let mut add = |key: &str, label: &str, digits: usize, value: Option<f64>| {
        figures.extend(value.map(|value| Figure::new(key, label, digits, value)));
    };
    let total = drained.dispatcher_us.zip(drained.postgres_us).map(|(dispatcher, postgres)| dispatcher + postgres);
    add("drain.cpu_dispatcher_us", "  CPU of the dispatcher per delivery, us", 1, drained.dispatcher_us);
    add("drain.cpu_postgres_us", "  CPU of PostgreSQL per delivery, us", 1, drained.postgres_us);
    add("drain.cpu_receiver_us", "  CPU of the receiver per delivery, us (not ours)", 1, drained.receiver_us);
    add("cpu_us_per_delivery", "  CPU of dispatcher and PostgreSQL per delivery, us", 1, total);
    add("drain.rss_mib", "  dispatcher resident at the end, MiB", 1, drained.memory_mib);
    Ok(figures)
}

/// What has been used up so far.
struct Meter {
    postgres: Option<f64>,
    receiver: Option<f64>,
    wal: f64,
}

impl Meter {
    async fn read(lab: &Lab, stage: &Stage) -> Result<Self, BenchError> {
        let (postgres, receiver) = (lab.postgres_seconds(), usage::threads_seconds(receiver::THREADS));
        Ok(Self { postgres, receiver, wal: stage.wal_bytes().await? })
    }
}

/// Starts `processes` dispatchers on a stage where `deliveries` wait.
pub(super) async fn drain(lab: &Lab, stage: &Stage, deliveries: u32, processes: u32) -> Result<Drained, BenchError> {
    const WHAT: &str = "a drain";
    let expected = lab.receiver.count() + u64::from(deliveries);
    let before = Meter::read(lab, stage).await?;
    lab.receiver.watch_first();
    let dispatchers = try_join_all((0..processes).map(|_| Dispatcher::start(lab, &stage.url))).await?;
    let limit = LIMIT + Duration::from_secs((deliveries / SLOWEST).into());
    lab.receiver.wait_for(expected, limit, WHAT).await?;
    let ended = stage.until_recorded(WHAT).await?;
    let after = Meter::read(lab, stage).await?;
    let dispatcher: Option<f64> = dispatchers.iter().map(Dispatcher::seconds).sum();
    let memory_mib = dispatchers.first().and_then(Dispatcher::memory_mib);
    try_join_all(dispatchers.into_iter().map(Dispatcher::stop)).await?;
    // a dispatcher begins before it says that it is ready, so the first arrival tells better when
    let started = lab.receiver.first().unwrap_or(ended);
    let each_us = |seconds: f64| seconds * 1e6 / f64::from(deliveries);
    let used = |before: Option<f64>, after: Option<f64>| Some(each_us(after? - before?));
    Ok(Drained {
        per_second: f64::from(deliveries) / ended.saturating_duration_since(started).as_secs_f64(),
        dispatcher_us: dispatcher.map(each_us),
        postgres_us: used(before.postgres, after.postgres),
        receiver_us: used(before.receiver, after.receiver),
        wal_bytes: (after.wal - before.wal) / f64::from(deliveries),
        memory_mib,
    })
}
