//! Statistics: totals, series and the health of receivers, read from the roll-up that dispatchers keep (F9, F10).

mod listed;
mod period;
mod shown;

use std::sync::Arc;

use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};
use time::OffsetDateTime;
use uuid::Uuid;

use self::listed::{Backlog, ListedStatistics};
use self::period::{Bucket, of_series, of_totals};
use self::shown::{Health, HealthPage, HealthState, Series, Statistics, SubscriptionStatistics};
use super::Tag;
use super::caller::{Caller, Reads};
use super::checks::Checks;
use super::cursor::{self, LIMIT_DEFAULT};
use super::monitor::Watched;
use super::problem::Problem;
use super::refusal::{Reading, Refusal};
use super::reply::{Found, Reply};
use crate::domain::event::EventName;
use crate::domain::violation::Violation;
use crate::store::statistics::{self, HealthPlace, Wanted};
use crate::store::{Store, StoreError, Tx, Work};

/// Most subscriptions whose statistics are listed at once.
const LISTED_MAX: usize = 100;

/// The operations on statistics.
pub(super) struct StatisticsApi {
    /// Where they are.
    pub(super) store: Store,
    /// What is known of that database's dispatchers.
    pub(super) watched: Arc<Watched>,
}

#[OpenApi(tag = "Tag::Statistics")]
impl StatisticsApi {
    /// Get statistics
    ///
    /// Figures of a time: all together, by event type and by subscription (the 100 with the most attempts of each). They are
    /// added up by minute, hour or day, depending on how long the time is and how long ago: `since` and `until` of the
    /// answer say what it covers. What happened in the last seconds may still be missing.
    #[oai(path = "/statistics", method = "get", operation_id = "getStatistics")]
    async fn totals(
        &self,
        caller: Caller<Reads>,
        /// From this time (RFC 3339) on; 24 hours before `until` unless given.
        since: Query<Option<String>>,
        /// Up to this time (RFC 3339); now unless given. At most 2 years after `since`.
        until: Query<Option<String>>,
        /// Only this subscription.
        subscription_id: Query<Option<Uuid>>,
        /// Only this event type.
        event: Query<Option<String>>,
    ) -> Result<Found<Statistics>, Refusal<Reading>> {
        let mut checks = Checks::default();
        let event = checks.read(event.0.as_deref(), read_event);
        let (since, until) = (checks.time("since", since.0.as_deref()), checks.time("until", until.0.as_deref()));
        let (resolution, since, until) = checks.finish_with(of_totals(since, until, OffsetDateTime::now_utc()))?;
        let wanted = &Wanted { resolution, since, until, subscription_id: subscription_id.0, event };
        let (totals, errors) =
            self.store.tx("statistics", caller.scope(), move |tx| Work::new(read_totals(tx, wanted))).await?;
        Ok(Reply::new(Statistics::new(wanted, totals, errors)))
    }

    /// Get a series of statistics
    ///
    /// Figures by minute, hour or day (UTC), at most 1,500 of them, those without a delivery included. Minutes are kept for
    /// 2 days, hours for 90, days for 2 years.
    #[oai(path = "/statistics/series", method = "get", operation_id = "getStatisticsSeries")]
    async fn series(
        &self,
        caller: Caller<Reads>,
        /// Length of a step; `hour` unless given.
        bucket: Query<Option<Bucket>>,
        /// From this time (RFC 3339) on; unless given an hour of minutes, a day of hours or 30 days before `until`.
        since: Query<Option<String>>,
        /// Up to this time (RFC 3339); now unless given.
        until: Query<Option<String>>,
        /// Only this subscription.
        subscription_id: Query<Option<Uuid>>,
        /// Only this event type.
        event: Query<Option<String>>,
    ) -> Result<Found<Series>, Refusal<Reading>> {
        let mut checks = Checks::default();
        let event = checks.read(event.0.as_deref(), read_event);
        let bucket = bucket.0.unwrap_or(Bucket::Hour);
        let (since, until) = (checks.time("since", since.0.as_deref()), checks.time("until", until.0.as_deref()));
        let (since, until) = checks.finish_with(of_series(bucket, since, until, OffsetDateTime::now_utc()))?;
        let wanted = &Wanted { resolution: bucket.into(), since, until, subscription_id: subscription_id.0, event };
        let rows = self
            .store
            .tx("statistics series", caller.scope(), move |tx| Work::new(statistics::series(tx, wanted)))
            .await?;
        Ok(Reply::new(Series::new(wanted, rows)))
    }

    /// List the health of receivers
    ///
    /// The worst first: suspended, failing, degraded, paused, healthy; of these the latest change first. A receiver whose state
    /// changes while pages are read may be on two of them or on none.
    #[oai(path = "/statistics/health", method = "get", operation_id = "listHealth")]
    async fn health(
        &self,
        caller: Caller<Reads>,
        /// Only receivers in this state.
        state: Query<Option<HealthState>>,
        /// Rows of a page, 100 unless given.
        #[oai(validator(minimum(value = "1"), maximum(value = "500")))]
        limit: Query<Option<u32>>,
        /// `next_cursor` of the page before.
        cursor: Query<Option<String>>,
    ) -> Result<Found<HealthPage>, Refusal<Reading>> {
        let (state, limit) = (state.0.map(HealthState::as_str), limit.0.unwrap_or(LIMIT_DEFAULT));
        let mut checks = Checks::default();
        let after = &checks.read(cursor.0.as_deref(), cursor::read_health);
        checks.finish()?;
        let rows = i64::from(limit) + 1;
        let found = self
            .store
            .tx("health", caller.scope(), move |tx| Work::new(statistics::health(tx, state, after.as_ref(), rows)))
            .await?;
        let (rows, next_cursor) = cursor::page_by(found, limit, |row| cursor::after_health(&HealthPlace::of(row)));
        Ok(Reply::new(HealthPage { data: rows.into_iter().map(Health::from).collect(), next_cursor }))
    }

    /// List statistics of subscriptions
    ///
    /// How each receiver fares, what waits for it and its figures of the last 24 hours, in the order of the ids: what a page of
    /// GET /subscriptions needs beside it. Subscriptions that there are not are left out.
    #[oai(path = "/statistics/subscriptions", method = "get", operation_id = "listSubscriptionStatistics")]
    async fn of_subscriptions(
        &self,
        caller: Caller<Reads>,
        /// Ids of up to 100 subscriptions, separated by commas.
        subscription_ids: Query<String>,
    ) -> Result<Found<ListedStatistics>, Refusal<Reading>> {
        let mut checks = Checks::default();
        let ids = &checks.read(Some(&subscription_ids.0), read_ids).unwrap_or_default();
        let (resolution, since, until) = checks.finish_with(of_totals(None, None, OffsetDateTime::now_utc()))?;
        let wanted = &Wanted { resolution, since, until, subscription_id: None, event: None };
        let found = self
            .store
            .tx("statistics of subscriptions", caller.scope(), move |tx| {
                Work::new(statistics::of_some(tx, ids, wanted, ListedStatistics::WAITING_MAX))
            })
            .await?;
        Ok(Reply::new(ListedStatistics::new(wanted, found)))
    }

    /// Get the backlog
    ///
    /// What waits for all subscriptions together, and whether anything is there to send it.
    #[oai(path = "/statistics/backlog", method = "get", operation_id = "getBacklog")]
    async fn backlog(&self, caller: Caller<Reads>) -> Result<Found<Backlog>, Refusal<Reading>> {
        let waiting = self.store.tx("backlog", caller.scope(), move |tx| Work::new(statistics::backlog(tx))).await?;
        Ok(Reply::new(Backlog::new(waiting, self.watched.dispatchers_alive().await?)))
    }

    /// Get a subscription's statistics
    ///
    /// Figures as of GET /statistics, what waits, what happened last, and how its receiver fares.
    #[oai(path = "/subscriptions/:id/stats", method = "get", operation_id = "getSubscriptionStats")]
    async fn of_subscription(
        &self,
        caller: Caller<Reads>,
        /// Id of the subscription.
        id: Path<Uuid>,
        /// From this time (RFC 3339) on; 24 hours before `until` unless given.
        since: Query<Option<String>>,
        /// Up to this time (RFC 3339); now unless given.
        until: Query<Option<String>>,
    ) -> Result<Found<SubscriptionStatistics>, Refusal<Reading>> {
        let mut checks = Checks::default();
        let (since, until) = (checks.time("since", since.0.as_deref()), checks.time("until", until.0.as_deref()));
        let (resolution, since, until) = checks.finish_with(of_totals(since, until, OffsetDateTime::now_utc()))?;
        let wanted = &Wanted { resolution, since, until, subscription_id: Some(id.0), event: None };
        let found = self
            .store
            .tx("subscription statistics", caller.scope(), move |tx| {
                Work::new(async move {
                    let Some(health) = statistics::health_of(tx, id.0).await? else { return Ok(None) };
                    let waiting = statistics::waiting(tx, id.0).await?;
                    let failure = match health.last_failed_delivery_id {
                        Some(delivery) => statistics::last_failure(tx, delivery).await?,
                        None => None,
                    };
                    Ok(Some((read_totals(tx, wanted).await?, health, waiting, failure)))
                })
            })
            .await?;
        let unknown = || Problem::not_found(format!("there is no subscription {}", id.0));
        let ((totals, errors), health, waiting, failure) = found.ok_or_else(unknown)?;
        let figures = Statistics::new(wanted, totals, errors);
        Ok(Reply::new(SubscriptionStatistics::new(figures, health, waiting, failure)))
    }
}

async fn read_totals(tx: &Tx<'_>, wanted: &Wanted) -> Result<(statistics::Totals, Vec<(String, i64)>), StoreError> {
    Ok((statistics::totals(tx, wanted).await?, statistics::errors(tx, wanted).await?))
}

fn read_event(text: &str) -> Result<String, Violation> {
    Ok(EventName::parse("event", text)?.as_str().to_owned())
}

/// Ids of subscriptions, each once.
fn read_ids(text: &str) -> Result<Vec<Uuid>, Violation> {
    let field = "subscription_ids";
    let refuse = |_| Violation::new(field, "uuid", "must be UUIDs separated by commas");
    let mut ids: Vec<Uuid> = Vec::new();
    for part in text.split(',') {
        let id = part.trim().parse().map_err(refuse)?;
        if !ids.contains(&id) {
            ids.push(id);
        }
        if ids.len() > LISTED_MAX {
            return Err(Violation::new(field, "count", format!("must be at most {LISTED_MAX} ids")));
        }
    }
    Ok(ids)
}
