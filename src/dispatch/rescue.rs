//! Upkeep beside the pipeline: signs of life, and deliveries that nothing else would ever touch. Leases that run out need
//! nothing here: the claim finds them by itself.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Tools, jittered};
use crate::store::{StoreError, dispatchers, queue, test_sends};

/// Time between signs of life; a dispatcher counts as dead after three.
const BEAT: Duration = Duration::from_secs(5);

/// Deliveries mended per statement.
const SWEEP: u32 = 1000;

/// Gives signs of life until `stop` is cancelled.
pub(super) async fn keep_beating(tools: Arc<Tools>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = beat(&tools).await {
            tracing::warn!(error = %error.with_causes(), "a sign of life could not be given");
        }
        tokio::select! { () = tokio::time::sleep(jittered(BEAT)) => {}, () = stop.cancelled() => {} }
    }
}

async fn beat(tools: &Tools) -> Result<(), StoreError> {
    dispatchers::seen(&tools.store, tools.dispatcher_id, false).await?;
    dispatchers::forget_old(&tools.store).await?;
    test_sends::forget(&tools.store).await
}

/// Mends until `stop` is cancelled. Apart from the signs of life: a large backlog of a deleted subscription takes its time.
pub(super) async fn keep_sweeping(tools: Arc<Tools>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = sweep(&tools).await {
            tracing::warn!(error = %error.with_causes(), "deliveries that nothing else would touch could not be looked for");
        }
        tokio::select! { () = tokio::time::sleep(jittered(BEAT)) => {}, () = stop.cancelled() => {} }
    }
}

async fn sweep(tools: &Tools) -> Result<(), StoreError> {
    while queue::cancel_orphans(&tools.store, SWEEP).await? == SWEEP as usize {}
    let stranded = queue::call_stranded(&tools.store, SWEEP).await?;
    if stranded > 0 {
        tracing::warn!(stranded, "deliveries waited in line with nobody before them; they are due now");
        tools.wake.notify_one();
    }
    Ok(())
}
