//! The latency at steady rates: from a producer's COMMIT to the receiver, each event in a transaction of its own.
//!
//! Events are published when they are due, whatever the ones before took (an open loop): a stall shows in every event that
//! it delays. `from_due` counts from that moment, `from commit` from when COMMIT returned.

use std::time::Duration;

use uuid::Uuid;

use super::child::Dispatcher;
use super::error::BenchError;
use super::figures::Figure;
use super::lab::Lab;
use super::load::{self, Published};
use super::percentiles::{Percentiles, milliseconds};
use super::sizes::Sizes;
use super::stage::{EVENT, Stage, Subscription};

/// How long the last events may take to arrive.
const LIMIT: Duration = Duration::from_secs(60);

/// From the moment COMMIT returned (negative when the webhook was faster than that answer), and from when it was due.
pub(super) struct Latency {
    pub(super) from_commit: Percentiles,
    pub(super) from_due: Percentiles,
    /// Those later than a second.
    pub(super) late: usize,
}

/// Each rate with a dispatcher and a database of its own.
pub(super) async fn measure(lab: &Lab, sizes: &Sizes) -> Result<Vec<Figure>, BenchError> {
    let mut figures = Vec::new();
    for &rate in &sizes.latency_rates {
        let stage = lab.stage().await?;
        let tenant = stage.add_tenant().await?;
        stage.subscribe(lab, &Subscription { tenant, path: "/hook", event: EVENT, max_in_flight: None }).await?;
        stage.checkpoint().await?;
        let dispatcher = Dispatcher::start(lab, &stage.url).await?;
        let latency = at_rate(lab, &stage, tenant, rate, rate * sizes.latency_seconds).await?;
        dispatcher.stop().await?;
        let key = |name: &str| format!("latency_{rate}.{name}");
        let label = |which: &str| format!("commit to receive at {rate}/s, {which}, ms");
        let Latency { from_commit, from_due, late } = latency;
        figures.push(Figure::new(key("p50_ms"), label("p50"), 2, from_commit.p50));
        figures.push(Figure::new(key("p99_ms"), label("p99"), 2, from_commit.p99));
        figures.push(Figure::highest(key("max_ms"), label("longest"), 2, from_commit.max));
        figures.push(Figure::new(
            key("from_due_p50_ms"),
            "  from when it was due (before BEGIN), p50, ms",
            2,
            from_due.p50,
        ));
        figures.push(Figure::new(
            key("from_due_p99_ms"),
            "  from when it was due (before BEGIN), p99, ms",
            2,
            from_due.p99,
        ));
        figures.push(Figure::highest(key("late"), "  later than 1 s", 0, late as f64));
    }
    Ok(figures)
}

/// Publishes `count` events at `rate` per second, after some that do not count, and waits until all have arrived.
pub(super) async fn at_rate(
    lab: &Lab,
    stage: &Stage,
    tenant: Uuid,
    rate: u32,
    count: u32,
) -> Result<Latency, BenchError> {
    let expected = lab.receiver.count() + u64::from(load::warm_up(rate) + count);
    lab.receiver.start_stamping();
    let published = load::steady(lab, stage, tenant, rate, count).await?;
    lab.receiver.wait_for(expected, LIMIT, "the latency").await?;
    let arrivals = lab.receiver.take_stamps();
    let times = |since: fn(&Published) -> std::time::Instant| -> Vec<f64> {
        published.iter().filter_map(|event| Some(milliseconds(since(event), *arrivals.get(&event.id)?))).collect()
    };
    let from_commit = times(|event| event.committed);
    Ok(Latency {
        late: from_commit.iter().filter(|ms| **ms > 1000.0).count(),
        from_commit: Percentiles::of(from_commit),
        from_due: Percentiles::of(times(|event| event.due)),
    })
}
