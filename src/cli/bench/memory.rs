//! Resident memory of a dispatcher that has nothing to do.

use std::time::Duration;

use super::child::Dispatcher;
use super::error::BenchError;
use super::figures::Figure;
use super::lab::Lab;

/// How long it idles first.
const IDLE: Duration = Duration::from_secs(3);

/// Started against a database with one subscription and no work.
pub(super) async fn measure(lab: &Lab) -> Result<Vec<Figure>, BenchError> {
    let stage = lab.stage().await?;
    stage.subscribe_one(lab, 1).await?;
    let dispatcher = Dispatcher::start(lab, &stage.url).await?;
    tokio::time::sleep(IDLE).await;
    let memory = dispatcher.memory_mib();
    dispatcher.stop().await?;
    Ok(memory.map(|mib| Figure::new("rss_mib", "dispatcher resident, idle, MiB", 1, mib)).into_iter().collect())
}
