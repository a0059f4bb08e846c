//! Upkeep beside the pipeline: signs of life, and deliveries that nothing else would ever touch. Leases that run out need
//! nothing here: the claim finds them by itself.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Tools, jittered};
use crate::store::{StoreError, dispatchers, queue};

/// Time between signs of life; a dispatcher counts as dead after three.
const BEAT: Duration = Duration::from_secs(5);

/// Deliveries of deleted subscriptions cancelled per statement.
const ORPHANS: u32 = 1000;

/// Runs until `stop` is cancelled.
pub(super) async fn keep_up(tools: Arc<Tools>, stop: CancellationToken) {
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
    while queue::cancel_orphans(&tools.store, ORPHANS).await? == ORPHANS as usize {}
    Ok(())
}
