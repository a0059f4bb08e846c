//! Tally: folds what recorded batches left into the statistics, beside the pipeline, and lets old figures go.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::{Tools, jittered};
use crate::store::{StoreError, statistics};

/// Shortest pause: statistics are so old at most, while folding is quick.
const PAUSE: Duration = Duration::from_secs(2);

/// Longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// Pauses are so many times as long as folding took: where there is much to fold, less often is cheaper.
const PAUSE_FACTOR: u32 = 20;

/// How often someone looks who recorded nothing, for what a process left that is gone; and for rows that are too old.
const ROUND: Duration = Duration::from_secs(60);

/// Tallies folded in one transaction.
const CHUNK: i32 = 20_000;

/// Rows deleted of each resolution in one transaction.
const PRUNE: i32 = 5_000;

/// Runs until `stop` is cancelled.
pub(super) async fn keep_folding(tools: Arc<Tools>, stop: CancellationToken) {
    let mut pruned: Option<Instant> = None;
    while !stop.is_cancelled() {
        let started = Instant::now();
        if let Err(error) = fold_all(&tools).await {
            tracing::warn!(error = %error.with_causes(), "results could not be added to the statistics yet");
        }
        let pause = (started.elapsed() * PAUSE_FACTOR).clamp(PAUSE, PAUSE_MAX);
        if pruned.is_none_or(|at| at.elapsed() > ROUND) {
            pruned = Some(Instant::now());
            if let Err(error) = prune_all(&tools).await {
                tracing::warn!(error = %error.with_causes(), "old statistics could not be deleted");
            }
        }
        let some = async {
            tokio::time::sleep(jittered(pause)).await;
            let _ = tokio::time::timeout(jittered(ROUND), tools.tallies.notified()).await;
        };
        tokio::select! { () = some => {}, () = stop.cancelled() => {} }
    }
}

/// Folds everything that is there when it begins; what comes meanwhile may wait.
pub(super) async fn fold_all(tools: &Tools) -> Result<(), StoreError> {
    loop {
        let folded = statistics::fold(&tools.store, CHUNK).await?;
        if !folded.has_older && folded.tallies < CHUNK {
            return Ok(());
        }
    }
}

async fn prune_all(tools: &Tools) -> Result<(), StoreError> {
    while statistics::prune(&tools.store, PRUNE).await? >= PRUNE {}
    Ok(())
}
