//! The latency at a steady rate: from a producer's COMMIT to the receiver, each event in a transaction of its own.

use std::time::{Duration, Instant};

use tokio::time::MissedTickBehavior;
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

use super::BenchError;
use super::stage::{EVENT, Stage};

/// How long the last events may take to arrive.
const LIMIT: Duration = Duration::from_secs(30);

/// Events published before measuring, so that connections stand and plans are made.
const WARM_UP: u32 = 20;

/// What one measurement came to, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Latency {
    /// From the moment COMMIT returned to the producer. Negative when the webhook was faster than that answer.
    pub(super) from_commit: Percentiles,
    /// From the moment before BEGIN.
    pub(super) from_publish: Percentiles,
}

/// Of one list of times, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Percentiles {
    pub(super) p50: f64,
    pub(super) p99: f64,
    pub(super) max: f64,
}

/// One published event.
struct Published {
    id: Uuid,
    began: Instant,
    committed: Instant,
}

/// Publishes `rate` events per second for `seconds` while a dispatcher runs.
pub(super) async fn measure(stage: &Stage, rate: u32, seconds: u32) -> Result<Latency, BenchError> {
    let dispatcher = stage.start_dispatcher().await?;
    let result = measure_running(stage, rate, seconds).await;
    dispatcher.stop().await;
    result
}

async fn measure_running(stage: &Stage, rate: u32, seconds: u32) -> Result<Latency, BenchError> {
    let mut producer = stage.connect().await?;
    let insert = producer
        .prepare(
            "INSERT INTO posthorn.outbox (tenant_id, event, payload) VALUES ($1, $2, $3::text::jsonb) RETURNING id",
        )
        .await
        .map_err(BenchError::database("preparing the INSERT"))?;
    publish_steadily(stage, &mut producer, &insert, rate, WARM_UP).await?;
    stage.receiver.start_stamping();
    let published = publish_steadily(stage, &mut producer, &insert, rate, rate * seconds).await?;
    let arrivals = stage.receiver.take_stamps();
    let times = |since: fn(&Published) -> Instant| {
        published.iter().filter_map(|event| Some(milliseconds(since(event), *arrivals.get(&event.id)?))).collect()
    };
    Ok(Latency {
        from_commit: Percentiles::of(times(|event| event.committed)),
        from_publish: Percentiles::of(times(|event| event.began)),
    })
}

/// Publishes `count` events and waits until they have arrived.
async fn publish_steadily(
    stage: &Stage,
    producer: &mut Client,
    insert: &Statement,
    rate: u32,
    count: u32,
) -> Result<Vec<Published>, BenchError> {
    let expected = stage.receiver.count() + u64::from(count);
    let mut beat = tokio::time::interval(Duration::from_secs(1) / rate);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut published = Vec::new();
    for _ in 0..count {
        beat.tick().await;
        published.push(publish(stage, producer, insert).await.map_err(BenchError::database("publishing an event"))?);
    }
    stage.receiver.wait_for(expected, LIMIT, "the latency").await?;
    Ok(published)
}

async fn publish(stage: &Stage, producer: &mut Client, insert: &Statement) -> Result<Published, tokio_postgres::Error> {
    let began = Instant::now();
    let transaction = producer.transaction().await?;
    let row = transaction.query_one(insert, &[&stage.tenant_id, &EVENT, &stage.payload]).await?;
    transaction.commit().await?;
    Ok(Published { id: row.get(0), began, committed: Instant::now() })
}

/// From one instant to another that may be earlier.
fn milliseconds(from: Instant, to: Instant) -> f64 {
    let ms = |d: Duration| d.as_secs_f64() * 1000.0;
    if to >= from { ms(to - from) } else { -ms(from - to) }
}

impl Percentiles {
    /// By nearest rank; zeros of an empty list.
    fn of(mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        let at = |percent: usize| times.get((times.len() * percent).div_ceil(100).max(1) - 1).copied().unwrap_or(0.0);
        Self { p50: at(50), p99: at(99), max: at(100) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_taken_by_nearest_rank() {
        let times = (1..=200).rev().map(f64::from).collect();
        assert_eq!(Percentiles::of(times), Percentiles { p50: 100.0, p99: 198.0, max: 200.0 });
        assert_eq!(Percentiles::of(vec![3.0]), Percentiles { p50: 3.0, p99: 3.0, max: 3.0 });
        assert_eq!(Percentiles::of(Vec::new()).max, 0.0);
    }
}
