//! Fan out: events that their own transaction left open. Beside the pipeline, since a tenant's filter may take its time.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{Tools, backoff, check};
use crate::store::StoreError;
use crate::store::fanout::{self, Taken};

/// Subscriptions per transaction; one whose filter may take long has its own.
const CHUNK: i32 = 500;

/// Longest time for one chunk, filters included.
const TIME_LIMIT: &str = "5s";

/// Tries of one filter before it is marked as failed.
const TRIES: i32 = 2;

/// Runs until `stop` is cancelled.
pub(super) async fn keep_fanning_out(tools: Arc<Tools>, stop: CancellationToken) {
    let mut failures = 0;
    while !stop.is_cancelled() {
        match fan_out_next(&tools).await {
            Ok(true) => failures = 0,
            Ok(false) => {
                failures = 0;
                // the claim looks for open events in passing, and tells
                tokio::select! { () = tools.open_fanouts.notified() => {}, () = stop.cancelled() => {} }
            }
            Err(error) => {
                failures += 1;
                tracing::warn!(error = %error.with_causes(), "open events could not be looked for, trying again");
                tokio::select! { () = tokio::time::sleep(backoff(failures)) => {}, () = stop.cancelled() => {} }
            }
        }
    }
}

/// Takes one event a chunk further; answers whether there was one.
async fn fan_out_next(tools: &Tools) -> Result<bool, StoreError> {
    let Some(Taken { event_id, attempt, needs_check }) = fanout::take(&tools.store).await? else { return Ok(false) };
    if needs_check {
        check::judge(tools, event_id).await?;
    }
    match fanout::fan_out(&tools.store, event_id, CHUNK, attempt > TRIES, TIME_LIMIT).await {
        Ok(deliveries) => {
            tracing::debug!(event.id = %event_id, deliveries, "fanned out an open event");
            if deliveries > 0 {
                tools.wake.notify_one();
            }
        }
        Err(error) => {
            let reason = error.with_causes();
            tracing::warn!(event.id = %event_id, attempt, error = %reason, "an open event could not be fanned out yet");
            let is_too_slow = error.sqlstate().is_some_and(|code| code.code() == "57014");
            fanout::note(&tools.store, event_id, &reason, is_too_slow).await?;
        }
    }
    Ok(true)
}
