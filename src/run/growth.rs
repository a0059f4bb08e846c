//! What keeps a database from growing out of shape: days made ahead, days past their time dropped, strays put in place.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::config::RetentionConfig;
use crate::metrics::Metrics;
use crate::store::retention::{self, Applied};
use crate::store::{Store, StoreError, api_keys, audit, days, idempotency};

/// Time between rounds.
const ROUND: Duration = Duration::from_secs(3600);

/// Time until the next try when something could not be done.
const RETRY: Duration = Duration::from_secs(60);

/// How many whole days are kept; 0 for ever. By default nothing goes.
#[derive(Clone, Copy, Default)]
pub(super) struct Kept {
    /// Of events, finished deliveries and attempts.
    days: i32,
    /// Of the audit log.
    audit_days: i32,
    /// Whether API keys go that were made for a day at most and have ended.
    forgets_keys: bool,
}

impl Kept {
    pub(super) fn of(config: &RetentionConfig) -> Self {
        let days = |days: u32| i32::try_from(days).unwrap_or(i32::MAX);
        Self { days: days(config.retention_days), audit_days: days(config.audit_retention_days), forgets_keys: true }
    }
}

/// Makes days and lets days go, hourly and once at the start, whichever role this process has; any number of processes may.
/// Ends when `stop` is cancelled.
pub(super) async fn keep_in_shape(store: Store, kept: Kept, metrics: Metrics, stop: CancellationToken) {
    let rounds = async {
        loop {
            let pause = match round(&store, kept, &metrics).await {
                Ok(true) => ROUND,
                Ok(false) => RETRY,
                Err(error) => {
                    tracing::warn!(
                        error = %error.with_causes(),
                        "day partitions could not be made or dropped, trying again in a minute"
                    );
                    RETRY
                }
            };
            tokio::time::sleep(pause).await;
        }
    };
    // every step is a transaction of its own: leaving off anywhere leaves nothing half done
    tokio::select! { () = rounds => {}, () = stop.cancelled() => {} }
}

/// One round; false when something is left that another try may do.
async fn round(store: &Store, kept: Kept, metrics: &Metrics) -> Result<bool, StoreError> {
    let keep_days = kept.days;
    for growth in days::growth(store).await? {
        if growth.default_rows > 0 {
            tracing::warn!(
                table = growth.parent,
                rows = growth.default_rows,
                "rows are in a default partition: their days were not made in time, was nothing serving for a week? \
                 They get their days now"
            );
        }
    }
    let made = days::make_ahead(store, days::DAYS_AHEAD).await? + days::make_stray(store, keep_days).await?;
    if made > 0 {
        tracing::info!(made, "made day partitions");
    }
    let forgotten = idempotency::forget_old(store).await?;
    if forgotten > 0 {
        tracing::debug!(forgotten, "forgot keys of requests and of events");
    }
    let forgotten = audit::forget_old(store, kept.audit_days).await?;
    if forgotten > 0 {
        tracing::info!(forgotten, retention_days = kept.audit_days, "deleted old entries of the audit log");
    }
    if kept.forgets_keys {
        let forgotten = api_keys::forget_ended(store).await?;
        if forgotten > 0 {
            tracing::info!(forgotten, "deleted API keys made for a day at most that ended more than a day ago");
        }
    }
    let applied = retention::apply(store, keep_days).await?;
    report(&applied, keep_days);
    let mut is_in_shape = applied.busy == 0;
    for growth in days::growth(store).await? {
        if growth.default_rows > 0 {
            is_in_shape = false;
            tracing::error!(
                table = growth.parent,
                rows = growth.default_rows,
                "rows stay in a default partition, which slows everything down as it grows: see their ids with \
                 SELECT * FROM posthorn.{0}_default, make their days by hand with SELECT posthorn.make_day('{0}', day)",
                growth.parent
            );
        }
    }
    metrics.kept_in_shape(applied.dropped, applied.held_back.len() + applied.busy);
    Ok(is_in_shape)
}

fn report(applied: &Applied, keep_days: i32) {
    if applied.dropped > 0 || applied.pruned > 0 {
        let (dropped, pruned) = (applied.dropped, applied.pruned);
        tracing::info!(dropped, pruned, retention_days = keep_days, "retention dropped days and deleted stray rows");
    }
    if let Some(first) = applied.held_back.first() {
        tracing::info!(
            held_back = applied.held_back.len(),
            table = first.parent,
            day = %first.day,
            reason = first.held_back_by.as_deref().unwrap_or_default(),
            "expired days are kept for now: see posthorn.expired_days({keep_days})"
        );
    }
    if applied.busy > 0 {
        tracing::info!(busy = applied.busy, "expired days are in use, trying again in a minute");
    }
}
