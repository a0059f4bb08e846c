//! Statistics as lists and overviews show them: of several subscriptions at once, and what waits for all.

use poem_openapi::Object;
use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

use super::shown::{Figures, Health};
use crate::store::statistics::{Listed, WAITING_MAX, Waiting, Wanted};

/// Statistics of some subscriptions.
#[derive(Object, Serialize)]
pub(super) struct ListedStatistics {
    /// Beginning of the time that the figures cover.
    #[serde(with = "time::serde::rfc3339")]
    since: OffsetDateTime,
    /// Its end.
    #[serde(with = "time::serde::rfc3339")]
    until: OffsetDateTime,
    /// One of each subscription that there is, in the order of the ids.
    data: Vec<ListedSubscription>,
}

/// Statistics of one of them.
#[derive(Object, Serialize)]
struct ListedSubscription {
    /// The subscription.
    subscription_id: Uuid,
    /// How its receiver fares.
    health: Health,
    /// Deliveries not finished, those being sent included; counted to 1,000.
    waiting: i64,
    /// Whether there are more than that.
    waits_for_more: bool,
    /// Since when the oldest that could go waits; null: none does.
    #[oai(nullable)]
    #[serde(with = "time::serde::rfc3339::option")]
    oldest_due_at: Option<OffsetDateTime>,
    /// Figures of the time.
    totals: Figures,
}

impl ListedStatistics {
    /// Deliveries of each subscription that are counted at most while they wait.
    pub(super) const WAITING_MAX: i64 = 1000;

    pub(super) fn new(wanted: &Wanted, found: Vec<Listed>) -> Self {
        let show = |Listed { health, waiting, figures }: Listed| ListedSubscription {
            subscription_id: health.subscription_id,
            health: health.into(),
            waiting: waiting.deliveries.min(Self::WAITING_MAX),
            waits_for_more: waiting.deliveries > Self::WAITING_MAX,
            oldest_due_at: waiting.oldest_due_at,
            totals: figures.into(),
        };
        Self { since: wanted.since, until: wanted.until, data: found.into_iter().map(show).collect() }
    }
}

/// What waits for all subscriptions of the tenant.
#[derive(Object, Serialize)]
pub(super) struct Backlog {
    /// Deliveries not finished, those being sent included; counted to 10,000.
    waiting: i64,
    /// Whether there are more than that.
    waits_for_more: bool,
    /// Since when the oldest waits that could go to an active subscription; null: none does.
    #[oai(nullable)]
    #[serde(with = "time::serde::rfc3339::option")]
    oldest_due_at: Option<OffsetDateTime>,
    /// Dispatchers at work for all tenants of this server, as of at most 5 seconds ago; 0: nothing is sent at present.
    dispatchers_alive: i64,
}

impl Backlog {
    pub(super) fn new(waiting: Waiting, dispatchers_alive: i64) -> Self {
        Self {
            waiting: waiting.deliveries.min(WAITING_MAX),
            waits_for_more: waiting.deliveries > WAITING_MAX,
            oldest_due_at: waiting.oldest_due_at,
            dispatchers_alive,
        }
    }
}
