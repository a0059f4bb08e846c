//! The noisy neighbour: another tenant's receiver accepts and never answers while a backlog waits for it. Both
//! subscriptions are as a user makes them, with no limit set.

use std::time::Duration;

use super::child::Dispatcher;
use super::error::BenchError;
use super::figures::Figure;
use super::lab::Lab;
use super::latency::at_rate;
use super::sizes::Sizes;
use super::stage::{EVENT, Subscription};

/// How long the receiver that hangs may take to get its first request.
const LIMIT: Duration = Duration::from_secs(30);

/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// How long it hangs before the other is measured, so that it has all the requests it will get.
const SETTLE: Duration = Duration::from_secs(2);

/// The healthy one alone, then beside the one that hangs, with the same dispatcher.
pub(super) async fn measure(lab: &Lab, sizes: &Sizes) -> Result<Vec<Figure>, BenchError> {
    let stage = lab.stage().await?;
    let (healthy, hanging) = (stage.add_tenant().await?, stage.add_tenant().await?);
    for (tenant, path) in [(healthy, "/hook"), (hanging, "/hang")] {
        stage.subscribe(lab, &Subscription { tenant, path, event: EVENT, max_in_flight: None }).await?;
    }
    let (rate, count) = (sizes.neighbour_rate, sizes.neighbour_rate * sizes.neighbour_seconds);
    stage.checkpoint().await?;
    let dispatcher = Dispatcher::start(lab, &stage.url).await?;
    let alone = at_rate(lab, &stage, healthy, rate, count).await?;
    let held = lab.receiver.held();
    stage.fill(lab, hanging, sizes.neighbour_backlog).await?;
    until_held(lab, held + 1).await?;
    let beside = at_rate(lab, &stage, healthy, rate, count).await?;
    // in good order it would wait for the one that hangs
    dispatcher.kill().await?;
    let (with, without) = (beside.from_commit, alone.from_commit);
    let backlog = sizes.neighbour_backlog;
    Ok(vec![
        Figure::new("neighbour.alone_p50_ms", format!("healthy receiver at {rate}/s alone, p50, ms"), 2, without.p50),
        Figure::new("neighbour.alone_p99_ms", "  p99, ms", 2, without.p99),
        Figure::highest("neighbour.alone_max_ms", "  longest, ms", 2, without.max),
        Figure::new(
            "neighbour.p50_ms",
            format!("  beside one that hangs with {backlog} waiting, p50, ms"),
            2,
            with.p50,
        ),
        Figure::new("neighbour.p99_ms", "  beside it, p99, ms", 2, with.p99),
        Figure::highest("neighbour.max_ms", "  beside it, longest, ms", 2, with.max),
        Figure::new("neighbour.ratio", "  p99 beside it : alone", 2, with.p99 / without.p99),
    ])
}

async fn until_held(lab: &Lab, requests: u64) -> Result<(), BenchError> {
    let reached = async {
        while lab.receiver.held() < requests {
            tokio::time::sleep(LOOK).await;
        }
    };
    let seconds = LIMIT.as_secs();
    let missing = |_| BenchError::Missing { what: "the receiver that hangs", arrived: 0, expected: 1, seconds };
    tokio::time::timeout(LIMIT, reached).await.map_err(missing)?;
    tokio::time::sleep(SETTLE).await;
    Ok(())
}
