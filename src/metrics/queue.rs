//! The queue and what stands around it, as the database tells it when somebody scrapes.

use std::time::Duration;

use prometheus::{Error, GaugeVec, IntCounterVec, IntGaugeVec};
use time::OffsetDateTime;
use uuid::Uuid;

use super::declared::Declarer;
use super::{DATABASE, Metrics, TABLE, int};

/// What is counted by state, with the states that are told: none is left out when nothing has it.
const STATES: [(&str, &[&str]); 3] = [
    ("subscriptions", &["active", "inactive", "suspended"]),
    ("circuits", &["open", "half_open"]),
    ("jobs", &["waiting", "running"]),
];

/// What waits for a tenant or a subscription.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Waiting {
    /// Whose.
    pub tenant: Uuid,
    /// For which subscription; `None`: for all of the tenant's.
    pub subscription: Option<Uuid>,
    /// Deliveries not finished.
    pub count: i64,
    /// Seconds that the oldest due one has waited.
    pub oldest_seconds: f64,
}

/// What outside of our tables keeps dead rows from being cleaned away.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Held {
    /// Seconds since the oldest transaction with a snapshot began.
    pub oldest_seconds: f64,
    /// Transactions begun since the oldest snapshot, those of replication slots included.
    pub oldest_xids: i64,
    /// Sessions that our role may not look into.
    pub hidden_sessions: i64,
    /// How full the queue of NOTIFY is, 0 to 1.
    pub notify_queue_usage: f64,
}

pub(super) struct Queue {
    waiting: IntGaugeVec,
    oldest_age: GaugeVec,
    open_fanouts: IntGaugeVec,
    dispatchers: IntGaugeVec,
    open_circuits: IntGaugeVec,
    states: [IntGaugeVec; STATES.len()],
    tenant_waiting: IntGaugeVec,
    tenant_oldest: GaugeVec,
    subscription_waiting: IntGaugeVec,
    subscription_oldest: GaugeVec,
    snapshot_seconds: GaugeVec,
    snapshot_xids: IntGaugeVec,
    hidden_sessions: IntGaugeVec,
    notify_usage: GaugeVec,
    table_bytes: IntGaugeVec,
    dead_rows: IntGaugeVec,
    default_rows: IntGaugeVec,
    days_kept: IntGaugeVec,
    days_ahead: IntGaugeVec,
    days_dropped: IntCounterVec,
    days_held_back: IntGaugeVec,
    upkeep_at: GaugeVec,
}

impl Queue {
    pub(super) fn declare(declarer: &mut Declarer) -> Result<Self, Error> {
        Ok(Self {
            waiting: declarer.gauge("posthorn_queue_depth", "Deliveries that are not finished", DATABASE)?,
            oldest_age: declarer.fine_gauge(
                "posthorn_oldest_waiting_seconds",
                "Age of the oldest due delivery of an active subscription whose circuit is not open, 0 when nothing is due",
                DATABASE,
            )?,
            open_fanouts: declarer.gauge(
                "posthorn_open_fanouts",
                "Events that a dispatcher still has to fan out",
                DATABASE,
            )?,
            dispatchers: declarer.gauge(
                "posthorn_dispatchers_alive",
                "Dispatchers seen in the last 15 seconds",
                DATABASE,
            )?,
            open_circuits: declarer.gauge(
                "posthorn_open_circuits",
                "Receivers whose circuit is open or half open",
                DATABASE,
            )?,
            states: [
                declarer.gauge(
                    "posthorn_subscriptions",
                    "Subscriptions by status: active, inactive, suspended",
                    &["database", "status"],
                )?,
                declarer.gauge(
                    "posthorn_circuits",
                    "Receivers whose circuit is not closed, by its state: open, half_open",
                    &["database", "state"],
                )?,
                declarer.gauge(
                    "posthorn_jobs",
                    "Bulk retries, replays, backfills and cancellations that are not finished: waiting, running",
                    &["database", "state"],
                )?,
            ],
            tenant_waiting: declarer.gauge(
                "posthorn_tenant_queue_depth",
                "Deliveries of a tenant that are not finished, up to 10000 of each subscription; the 200 tenants with most of them, \
                 with POSTHORN_METRICS_QUEUES",
                &["database", "tenant_id"],
            )?,
            tenant_oldest: declarer.fine_gauge(
                "posthorn_tenant_oldest_waiting_seconds",
                "Age of the oldest due delivery of those tenants",
                &["database", "tenant_id"],
            )?,
            subscription_waiting: declarer.gauge(
                "posthorn_subscription_queue_depth",
                "Deliveries for a subscription that are not finished, up to 10000; the 200 subscriptions with most of them, with \
                 POSTHORN_METRICS_QUEUES",
                &["database", "tenant_id", "subscription_id"],
            )?,
            subscription_oldest: declarer.fine_gauge(
                "posthorn_subscription_oldest_waiting_seconds",
                "Age of the oldest due delivery for those subscriptions",
                &["database", "tenant_id", "subscription_id"],
            )?,
            snapshot_seconds: declarer.fine_gauge(
                "posthorn_oldest_snapshot_seconds",
                "Age of the oldest transaction that keeps dead rows of the queue from being cleaned away",
                DATABASE,
            )?,
            snapshot_xids: declarer.gauge(
                "posthorn_oldest_snapshot_xids",
                "Transactions begun since the oldest snapshot was taken, those of replication slots included",
                DATABASE,
            )?,
            hidden_sessions: declarer.gauge(
                "posthorn_hidden_sessions",
                "Sessions of this database that posthorn_dispatcher may not look into, whose snapshots are therefore not told",
                DATABASE,
            )?,
            notify_usage: declarer.fine_gauge(
                "posthorn_notify_queue_usage",
                "How full the server's queue of NOTIFY is, 0 to 1; full, commits fail",
                DATABASE,
            )?,
            table_bytes: declarer.gauge(
                "posthorn_table_bytes",
                "Size of a table on disk with its days, indexes and large values",
                TABLE,
            )?,
            dead_rows: declarer.gauge(
                "posthorn_dead_rows",
                "About how many rows of a table a vacuum would remove",
                TABLE,
            )?,
            default_rows: declarer.gauge(
                "posthorn_default_partition_rows",
                "Rows in a default partition, counted up to 10000: more than 0 means that days were not made in time",
                TABLE,
            )?,
            days_kept: declarer.gauge("posthorn_days_kept", "Days from the oldest day partition to today", TABLE)?,
            days_ahead: declarer.gauge(
                "posthorn_days_made_ahead",
                "Days from today to the newest day partition: 7 when all is well",
                TABLE,
            )?,
            days_dropped: declarer.counter(
                "posthorn_retention_dropped_days_total",
                "Day partitions that retention dropped",
                DATABASE,
            )?,
            days_held_back: declarer.gauge(
                "posthorn_retention_held_back_days",
                "Day partitions past their time that are still there, since something in them is not finished or in use",
                DATABASE,
            )?,
            upkeep_at: declarer.fine_gauge(
                "posthorn_upkeep_timestamp_seconds",
                "When this process last made days ahead and applied retention without an error, as seconds since 1970",
                DATABASE,
            )?,
        })
    }
}

impl Metrics {
    /// The queue as monitoring sees it.
    pub fn set_queue(
        &self,
        waiting: i64,
        oldest_age: Option<Duration>,
        open_fanouts: i64,
        dispatchers: i64,
        open_circuits: i64,
    ) {
        let of = [self.database()];
        self.queue.waiting.with_label_values(&of).set(waiting);
        self.queue.oldest_age.with_label_values(&of).set(oldest_age.unwrap_or_default().as_secs_f64());
        self.queue.open_fanouts.with_label_values(&of).set(open_fanouts);
        self.queue.dispatchers.with_label_values(&of).set(dispatchers);
        self.queue.open_circuits.with_label_values(&of).set(open_circuits);
    }

    /// How many subscriptions, circuits and jobs have which state: `(what, state, count)`.
    pub fn set_states<'a>(&self, counts: impl Iterator<Item = (&'a str, &'a str, i64)> + Clone) {
        for ((what, states), gauge) in STATES.iter().zip(&self.queue.states) {
            for state in *states {
                let count = counts.clone().find(|(of, is, _)| of == what && is == state).map_or(0, |(_, _, n)| n);
                gauge.with_label_values(&[self.database(), state]).set(count);
            }
        }
    }

    /// What waits for whom; whoever is not named has nothing. Of this database alone, so it is asked for one at a time.
    pub fn set_waiting(&self, waiting: &[Waiting]) {
        let queue = &self.queue;
        self.forget_waiting();
        let mut told = self.told_waiting.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for of in waiting {
            let tenant = of.tenant.to_string();
            let mut labels = vec![self.database().to_owned(), tenant];
            let (depth, oldest) = match of.subscription {
                None => (&queue.tenant_waiting, &queue.tenant_oldest),
                Some(id) => {
                    labels.push(id.to_string());
                    (&queue.subscription_waiting, &queue.subscription_oldest)
                }
            };
            depth.with_label_values(&labels).set(of.count);
            oldest.with_label_values(&labels).set(of.oldest_seconds);
            told.push(labels);
        }
    }

    /// Takes away what was last told of this database.
    fn forget_waiting(&self) {
        let mut told = self.told_waiting.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for labels in told.drain(..) {
            let (depth, oldest) = if labels.len() == 2 {
                (&self.queue.tenant_waiting, &self.queue.tenant_oldest)
            } else {
                (&self.queue.subscription_waiting, &self.queue.subscription_oldest)
            };
            let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
            // both were set, so both are there
            let _ = (depth.remove_label_values(&labels), oldest.remove_label_values(&labels));
        }
    }

    /// What keeps dead rows from being cleaned away.
    pub fn set_held(&self, held: Held) {
        let of = [self.database()];
        self.queue.snapshot_seconds.with_label_values(&of).set(held.oldest_seconds);
        self.queue.snapshot_xids.with_label_values(&of).set(held.oldest_xids);
        self.queue.hidden_sessions.with_label_values(&of).set(held.hidden_sessions);
        self.queue.notify_usage.with_label_values(&of).set(held.notify_queue_usage);
    }

    /// Size of a table, and how many of its rows are dead.
    pub fn set_table(&self, table: &str, bytes: i64, dead_rows: i64) {
        self.queue.table_bytes.with_label_values(&[self.database(), table]).set(bytes);
        self.queue.dead_rows.with_label_values(&[self.database(), table]).set(dead_rows);
    }

    /// How a table that is kept by days stands; in days.
    pub fn set_growth(&self, table: &str, default_rows: i64, kept: Option<i64>, ahead: Option<i64>) {
        let of = [self.database(), table];
        self.queue.default_rows.with_label_values(&of).set(default_rows);
        self.queue.days_kept.with_label_values(&of).set(kept.unwrap_or_default());
        self.queue.days_ahead.with_label_values(&of).set(ahead.unwrap_or_default());
    }

    /// A round of upkeep that came to its end: days dropped in it, and days past their time that stay.
    pub fn kept_in_shape(&self, dropped: usize, held_back: usize) {
        let of = [self.database()];
        self.queue.days_dropped.with_label_values(&of).inc_by(u64::try_from(dropped).unwrap_or(u64::MAX));
        self.queue.days_held_back.with_label_values(&of).set(int(held_back));
        let now = OffsetDateTime::now_utc() - OffsetDateTime::UNIX_EPOCH;
        self.queue.upkeep_at.with_label_values(&of).set(now.as_seconds_f64());
    }
}
