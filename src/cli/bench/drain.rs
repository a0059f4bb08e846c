//! The drain: a backlog that waits while no dispatcher runs, then one dispatcher until the last delivery is recorded.

use std::time::{Duration, Instant};

use super::BenchError;
use super::stage::{EVENT, Stage};

/// Events of one INSERT.
const EVENTS_PER_INSERT: u32 = 1000;

/// Longest a drain may take.
const LIMIT: Duration = Duration::from_secs(600);

/// How often the table is asked whether the last row has moved, once the last request has arrived.
const LOOK: Duration = Duration::from_millis(1);

/// Deliveries per second, from the dispatcher's start to the last row recorded.
pub(super) async fn measure(stage: &Stage, deliveries: u32) -> Result<f64, BenchError> {
    fill(stage, deliveries).await?;
    let expected = stage.receiver.count() + u64::from(deliveries);
    let dispatcher = stage.start_dispatcher().await?;
    let started = Instant::now();
    let result = until_drained(stage, expected).await;
    let took = started.elapsed();
    dispatcher.stop().await;
    result?;
    Ok(f64::from(deliveries) / took.as_secs_f64())
}

async fn fill(stage: &Stage, deliveries: u32) -> Result<(), BenchError> {
    let mut left = deliveries;
    while left > 0 {
        let count = left.min(EVENTS_PER_INSERT);
        stage
            .db
            .execute(
                "INSERT INTO posthorn.outbox (tenant_id, event, payload)
                 SELECT $1, $2, $3::text::jsonb FROM generate_series(1, $4::int)",
                &[&stage.tenant_id, &EVENT, &stage.payload, &i32::try_from(count).unwrap_or(i32::MAX)],
            )
            .await
            .map_err(BenchError::database("publishing a backlog"))?;
        left -= count;
    }
    Ok(())
}

async fn until_drained(stage: &Stage, expected: u64) -> Result<(), BenchError> {
    // counting arrivals costs nothing; asking the table all the while would cost the dispatcher
    stage.receiver.wait_for(expected, LIMIT, "the drain").await?;
    while stage.is_waiting().await? {
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}
