//! A snapshot held open (a forgotten transaction, a backup): latency while dead rows cannot be removed, and after.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::super::child::Dispatcher;
use super::super::error::BenchError;
use super::super::figures::Figure;
use super::super::lab::Lab;
use super::super::load::{self, Published};
use super::super::percentiles::{Percentiles, milliseconds};
use super::super::sizes::Sizes;
use super::super::stage::{EVENT, Stage, Subscription};

/// The end of the time it is held that is told.
const LAST: Duration = Duration::from_secs(30);

/// Window over which recovery is looked at, and by how much the next begins later.
const WINDOW: Duration = Duration::from_secs(5);
const STEP: Duration = Duration::from_secs(1);

/// Recovered: p99 is at most so many times that of before.
const RECOVERED: f64 = 2.0;

/// How long the last events may take to arrive.
const LIMIT: Duration = Duration::from_secs(600);

/// Before, held, after, at one rate throughout.
pub(in super::super) async fn measure(lab: &Lab, sizes: &Sizes) -> Result<Vec<Figure>, BenchError> {
    let stage = lab.stage().await?;
    let tenant = stage.add_tenant().await?;
    stage.subscribe(lab, &Subscription { tenant, path: "/hook", event: EVENT, max_in_flight: None }).await?;
    stage.checkpoint().await?;
    let dispatcher = Dispatcher::start(lab, &stage.url).await?;
    let rate = sizes.snapshot_rate;
    let count = rate * (sizes.snapshot_before + sizes.snapshot_held + sizes.snapshot_after);
    let expected = lab.receiver.count() + u64::from(load::warm_up(rate) + count);
    lab.receiver.start_stamping();
    let began = Instant::now();
    let (published, held) = tokio::try_join!(load::steady(lab, &stage, tenant, rate, count), hold(&stage, sizes))?;
    lab.receiver.wait_for(expected, LIMIT, "the held snapshot").await?;
    let times = Times::of(&published, &lab.receiver.take_stamps());
    dispatcher.stop().await?;
    Ok(figures(&times, began, held, sizes))
}

/// Takes a snapshot after the time before and holds it; answers with when it was taken and when released.
async fn hold(stage: &Stage, sizes: &Sizes) -> Result<(Instant, Instant), BenchError> {
    const WHAT: &str = "holding a snapshot";
    let holder = stage.connect().await?;
    tokio::time::sleep(Duration::from_secs(sizes.snapshot_before.into())).await;
    let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM posthorn.tenants";
    holder.batch_execute(begin).await.map_err(BenchError::database(WHAT))?;
    let taken = Instant::now();
    tokio::time::sleep(Duration::from_secs(sizes.snapshot_held.into())).await;
    holder.batch_execute("COMMIT").await.map_err(BenchError::database(WHAT))?;
    Ok((taken, Instant::now()))
}

fn figures(times: &Times, began: Instant, (taken, released): (Instant, Instant), sizes: &Sizes) -> Vec<Figure> {
    let before = times.between(began, taken);
    let held = times.between(taken.max(released - LAST.min(released - taken)), released);
    let after = Duration::from_secs(sizes.snapshot_after.into());
    let recovery = times.recovery(released, released + after, before.p99 * RECOVERED);
    let (rate, seconds) = (sizes.snapshot_rate, sizes.snapshot_held);
    let label = format!("snapshot held {seconds} s at {rate}/s, last 30 s, p99, ms");
    vec![
        Figure::new("snapshot.held_p99_ms", label, 2, held.p99),
        Figure::new("snapshot.held_p50_ms", "  p50, ms", 2, held.p50),
        Figure::new("snapshot.before_p99_ms", "  before it, p99, ms", 2, before.p99),
        Figure::new("snapshot.before_p50_ms", "  before it, p50, ms", 2, before.p50),
        // one that did not happen is told as the whole time that was watched
        Figure::new(
            "snapshot.recovery_seconds",
            "  after its release, s until p99 of 5 s is below twice that",
            0,
            recovery.unwrap_or(after).as_secs_f64(),
        ),
    ]
}

/// When events were committed, and how long each took, in milliseconds.
struct Times(Vec<(Instant, f64)>);

impl Times {
    fn of(published: &[Published], arrivals: &HashMap<Uuid, Instant>) -> Self {
        let took = |event: &Published| {
            let arrived = arrivals.get(&event.id)?;
            Some((event.committed, milliseconds(event.committed, *arrived)))
        };
        Self(published.iter().filter_map(took).collect())
    }

    fn between(&self, from: Instant, to: Instant) -> Percentiles {
        Percentiles::of(self.0.iter().filter(|(at, _)| (from..to).contains(at)).map(|(_, ms)| *ms).collect())
    }

    /// How long after `from` the first window begins whose p99 is at most `bound` milliseconds.
    fn recovery(&self, from: Instant, end: Instant, bound: f64) -> Option<Duration> {
        let steps = ((end - from).saturating_sub(WINDOW).as_secs_f64() / STEP.as_secs_f64()) as u32;
        (0..=steps).map(|step| STEP * step).find(|after| {
            let (first, last) = (from + *after, from + *after + WINDOW);
            self.0.iter().any(|(at, _)| (first..last).contains(at)) && self.between(first, last).p99 <= bound
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recovery_is_the_first_quick_window() {
        let from = Instant::now();
        let second = |n: u64| from + Duration::from_secs(n);
        // slow for 12 s, then quick
        let times = Times((0..30).map(|n| (second(n), if n < 12 { 900.0 } else { 3.0 })).collect());
        assert_eq!(times.recovery(from, second(30), 10.0), Some(Duration::from_secs(12)));
        assert_eq!(times.recovery(from, second(30), 1.0), None);
        assert_eq!(times.between(second(0), second(12)).p99, 900.0);
    }
}
