//! Jobs: bulk retries, replays, backfills and cancellations, a chunk at a time. Beside the pipeline: a job only makes rows due, and
//! the claim treats them like any other.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Tools, backoff, jittered};
use crate::store::StoreError;
use crate::store::jobs::{self, Taken};

/// Rows that a chunk looks at, at most.
const CHUNK: i32 = 500;

/// Longest time of one chunk.
const TIME_LIMIT: &str = "10s";

/// Tries of one chunk before a filter that takes long is given up.
const TRIES: i32 = 2;

/// Failures in a row that end a job.
const MOST_FAILURES: i32 = 10;

/// Time between looks for jobs that nobody told of, such as one whose dispatcher died.
const LOOK: Duration = Duration::from_secs(1);

/// Runs jobs until `stop` is cancelled.
pub(super) async fn keep_running_jobs(tools: Arc<Tools>, stop: CancellationToken) {
    let mut failures = 0;
    while !stop.is_cancelled() {
        let pause = match run_next(&tools).await {
            Ok(Some(pause)) => {
                failures = 0;
                pause.min(LOOK)
            }
            Ok(None) => {
                failures = 0;
                jittered(LOOK)
            }
            Err(error) => {
                failures += 1;
                tracing::warn!(error = %error.with_causes(), "jobs could not be looked for, trying again");
                backoff(failures)
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = tools.jobs.notified() => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Takes one job a chunk further; answers with how long it then rests, nothing when none was due.
async fn run_next(tools: &Tools) -> Result<Option<Duration>, StoreError> {
    let Some(Taken { id, attempt }) = jobs::take(&tools.store).await? else { return Ok(None) };
    // what failed may be one row of many: alone it can be told from the others
    let rows = if attempt > 1 { 1 } else { CHUNK.min(tools.job_rows_per_second) };
    match jobs::run(&tools.store, id, rows, tools.job_rows_per_second, attempt > TRIES, TIME_LIMIT).await {
        Ok(None) => Ok(Some(Duration::ZERO)),
        Ok(Some(chunk)) => {
            tools.metrics.job_changed(u64::try_from(chunk.changed).unwrap_or_default());
            if chunk.changed > 0 {
                tools.wake.notify_one();
            }
            if chunk.is_finished {
                tracing::info!(job.id = %id, "job is done");
            }
            Ok(Some(if chunk.is_finished { Duration::ZERO } else { chunk.pause }))
        }
        Err(error) => {
            let reason = error.with_causes();
            tracing::warn!(job.id = %id, attempt, error = %reason, "a chunk of a job failed");
            let is_too_slow = error.sqlstate().is_some_and(|code| code.code() == "57014");
            jobs::note(&tools.store, id, &reason, MOST_FAILURES, is_too_slow).await?;
            Ok(Some(Duration::ZERO))
        }
    }
}
