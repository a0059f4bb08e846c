//! Operational events that are a matter of time: backlogs, and exhausted deliveries held back to be told of as one.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Tools, jittered};
use crate::store::{StoreError, operational};

/// Time between looks.
const LOOK: Duration = Duration::from_secs(5);

/// Looks until `stop` is cancelled. Every dispatcher does; of several at once one finds something to tell.
pub(super) async fn keep_telling(tools: Arc<Tools>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = tell(&tools).await {
            tracing::warn!(error = %error.with_causes(), "operational events could not be told yet");
        }
        tokio::select! { () = tokio::time::sleep(jittered(LOOK)) => {}, () = stop.cancelled() => {} }
    }
}

async fn tell(tools: &Tools) -> Result<(), StoreError> {
    operational::tell_held_back(&tools.store).await?;
    if tools.backlog_high_seconds > 0 {
        operational::tell_of_backlogs(&tools.store, tools.backlog_high_seconds).await?;
    }
    Ok(())
}
