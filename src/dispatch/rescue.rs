//! Upkeep beside the pipeline: signs of life, and deliveries that nothing else would ever touch. Leases that run out need
//! nothing here: the claim finds them by itself.

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use super::{Tools, jittered};
use crate::store::{StoreError, dispatchers, queue, test_sends};

/// Time between signs of life; a dispatcher counts as dead after three.
const BEAT: Duration = Duration::from_secs(5);

/// Difference of our clock from the database's that is told.
const SKEW_MAX: Duration = Duration::from_secs(30);

/// Deliveries mended per statement.
const SWEEP: u32 = 1000;

/// Gives signs of life until `stop` is cancelled.
pub(super) async fn keep_beating(tools: Arc<Tools>, stop: CancellationToken) {
    let mut is_skewed = false;
    while !stop.is_cancelled() {
        match beat(&tools).await {
            Ok(skew) => {
                tools.metrics.set_clock_skew(skew);
                tell_skew(skew, &mut is_skewed);
            }
            Err(error) => tracing::warn!(error = %error.with_causes(), "a sign of life could not be given"),
        }
        tokio::select! { () = tokio::time::sleep(jittered(BEAT)) => {}, () = stop.cancelled() => {} }
    }
}

/// One sign of life; answers with how many seconds our clock is ahead of the database's.
async fn beat(tools: &Tools) -> Result<f64, StoreError> {
    let before = OffsetDateTime::now_utc();
    let theirs = dispatchers::seen(&tools.store, tools.dispatcher_id, false).await?;
    let after = OffsetDateTime::now_utc();
    dispatchers::forget_old(&tools.store).await?;
    test_sends::forget(&tools.store).await?;
    Ok(theirs.map_or(0.0, |theirs| skew(before, theirs, after)))
}

/// What the time of the question and of its answer, by our clock, prove about theirs; 0 when it may be the same.
fn skew(before: OffsetDateTime, theirs: OffsetDateTime, after: OffsetDateTime) -> f64 {
    let (least, most) = ((before - theirs).as_seconds_f64(), (after - theirs).as_seconds_f64());
    if least > 0.0 { least } else { most.min(0.0) }
}

/// Says when the clocks part and when they are together again. Leases and retries follow the database's clock alone; receivers
/// refuse a webhook-timestamp that is minutes off.
fn tell_skew(skew: f64, is_skewed: &mut bool) {
    let was_skewed = std::mem::replace(is_skewed, skew.abs() > SKEW_MAX.as_secs_f64());
    match (was_skewed, *is_skewed) {
        (false, true) => tracing::warn!(
            skew_seconds = skew,
            "this host's clock differs from the database's: receivers may refuse what is sent, for its timestamp"
        ),
        (true, false) => tracing::info!(skew_seconds = skew, "this host's clock agrees with the database's again"),
        _ => {}
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_differ_only_as_far_as_the_round_trip_proves() {
        let at = |seconds| OffsetDateTime::UNIX_EPOCH + Duration::from_secs(seconds);
        assert_eq!(skew(at(100), at(101), at(102)), 0.0);
        assert_eq!(skew(at(3700), at(100), at(3702)), 3600.0);
        assert_eq!(skew(at(100), at(3702), at(102)), -3600.0);
    }
}
