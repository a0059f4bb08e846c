//! A subscription's rate limit held by three dispatchers together, with more waiting than may be sent.

use std::time::{Duration, Instant};

use futures_util::future::try_join_all;

use super::super::child::Dispatcher;
use super::super::error::BenchError;
use super::super::figures::Figure;
use super::super::lab::Lab;
use super::super::percentiles::Percentiles;
use super::super::sizes::Sizes;
use super::super::stage::{EVENT, Subscription};

/// Dispatcher processes.
const PROCESSES: usize = 3;

/// Seconds at the beginning in which the burst is used up; they do not count.
const BURST: u32 = 5;

/// More than can be sent, in seconds of the rate.
const TO_SPARE: u32 = 30;

/// Over the seconds that count.
pub(in super::super) async fn measure(lab: &Lab, sizes: &Sizes) -> Result<Vec<Figure>, BenchError> {
    let (rate, seconds) = (sizes.limit_rate, sizes.limit_seconds);
    let stage = lab.stage().await?;
    let tenant = stage.add_tenant().await?;
    stage.subscribe(lab, &Subscription { tenant, path: "/hook", event: EVENT, max_in_flight: None }).await?;
    let limit = "UPDATE posthorn.webhook_subscriptions SET rate_per_second = $1::float8";
    let limited = stage.db.execute(limit, &[&f64::from(rate)]).await;
    limited.map_err(BenchError::database("setting a rate limit"))?;
    stage.fill(lab, tenant, rate * (BURST + seconds + TO_SPARE)).await?;
    lab.receiver.start_stamping();
    let dispatchers = try_join_all((0..PROCESSES).map(|_| Dispatcher::start(lab, &stage.url))).await?;
    let from = Instant::now() + Duration::from_secs(BURST.into());
    let length = Duration::from_secs(seconds.into());
    tokio::time::sleep_until((from + length).into()).await;
    let arrivals: Vec<Instant> = lab.receiver.take_stamps().into_values().collect();
    for dispatcher in dispatchers {
        dispatcher.stop().await?;
    }
    let per_second = count(&arrivals, from, length) as f64 / f64::from(seconds);
    let each_second =
        (0..seconds).map(|n| count(&arrivals, from + Duration::from_secs(n.into()), Duration::from_secs(1)));
    let busiest = Percentiles::of(each_second.map(|count| count as f64).collect()).max;
    let label = format!("rate limit of {rate}/s over {seconds} s by {PROCESSES} dispatchers, webhooks/s");
    let deviation = (per_second / f64::from(rate) - 1.0).abs() * 100.0;
    Ok(vec![
        Figure::new("rate_limit.per_second", label, 2, per_second),
        Figure::highest("rate_limit.deviation_percent", "  away from the limit, percent", 2, deviation),
        Figure::highest("rate_limit.busiest_second", "  most in one second", 0, busiest),
    ])
}

fn count(arrivals: &[Instant], from: Instant, length: Duration) -> usize {
    arrivals.iter().filter(|at| (from..from + length).contains(*at)).count()
}
