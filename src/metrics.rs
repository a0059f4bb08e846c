//! Every metric, declared once. Names and labels are an interface: dashboards and alerts hang on them.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use prometheus::{
    Encoder, GaugeVec, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder,
};
use uuid::Uuid;

/// The seeds' buckets (R61) with finer ones below and one above, in seconds.
const DURATION_BUCKETS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0];

/// Most tenants that get a label of their own; the rest share `other` (C18).
const TENANT_LABELS_MAX: usize = 200;

/// Most event names that get a label of their own: names come from publishers.
const EVENT_LABELS_MAX: usize = 500;

/// Most pairs of event name and tenant, each of which has some twenty series; the rest have the tenant `other`.
const PAIRS_MAX: usize = 1_000;

/// Most pairs of event name and HTTP status: receivers choose the status. The rest have the event `other`.
const STATUSES_MAX: usize = 1_000;

/// Labels of a gauge of the queue.
const DATABASE: &[&str] = &["database"];

/// Labels of a gauge of a table that is kept by days.
const TABLE: &[&str] = &["database", "table"];

/// Log lines lost since the process started. The log is there before any metrics, and there is one.
static LOST_LINES: OnceLock<Box<dyn Fn() -> usize + Send + Sync>> = OnceLock::new();

/// Says who counts the log lines that were lost; once in a process.
pub fn count_lost_lines(count: impl Fn() -> usize + Send + Sync + 'static) {
    let _ = LOST_LINES.set(Box::new(count)); // a second log would be a fault of `main`, which has one
}

/// Parts of a dispatcher that may panic and go on.
const PARTS: [&str; 9] =
    ["claim", "deliver", "record", "fan_out", "signs_of_life", "sweep", "statistics", "test_sends", "jobs"];

/// Why a dispatcher looked for work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WakeReason {
    /// A producer notified.
    Notify,
    /// The poll interval passed.
    Poll,
    /// A slot became free while work waited for one.
    Slot,
    /// A retry that this process scheduled fell due.
    Retry,
    /// A producer's transaction was still open when the dispatcher wanted to sleep.
    OpenProducer,
    /// The listening connection was made anew.
    Reconnect,
}

impl WakeReason {
    const ALL: [Self; 6] = [Self::Notify, Self::Poll, Self::Slot, Self::Retry, Self::OpenProducer, Self::Reconnect];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Notify => "notify",
            Self::Poll => "poll",
            Self::Slot => "slot",
            Self::Retry => "retry",
            Self::OpenProducer => "open_producer",
            Self::Reconnect => "reconnect",
        }
    }
}

/// All metrics of a process. Cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    deliveries: IntCounterVec,
    duration: HistogramVec,
    retries: IntCounterVec,
    http_status: IntCounterVec,
    wakes: IntCounterVec,
    fenced: IntCounterVec,
    /// Label of the gauges, of which each database has its own.
    database: Arc<str>,
    database_up: IntGaugeVec,
    is_copy: IntGaugeVec,
    in_flight: IntGaugeVec,
    waiting: IntGaugeVec,
    oldest_age: GaugeVec,
    open_fanouts: IntGaugeVec,
    dispatchers: IntGaugeVec,
    open_circuits: IntGaugeVec,
    slots: IntGaugeVec,
    capped: IntGaugeVec,
    default_rows: IntGaugeVec,
    days_kept: IntGaugeVec,
    days_ahead: IntGaugeVec,
    rescued: IntCounterVec,
    circuit_changes: IntCounterVec,
    panics: IntCounterVec,
    lost_lines: IntCounter,
    clock_skew: GaugeVec,
    labels: Arc<Mutex<Labels>>,
}

/// The labels that are in use: each set is bounded, for their values come from tenants, publishers and receivers.
#[derive(Default)]
struct Labels {
    tenants: HashSet<Uuid>,
    events: HashSet<String>,
    pairs: HashSet<(String, Uuid)>,
    statuses: HashSet<(String, u16)>,
}

impl Metrics {
    /// Declares them all.
    ///
    /// # Errors
    /// A [`prometheus::Error`] when two would have one name: a fault of this file.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let counter = |name: &str, help: &str, labels: &[&str]| -> Result<IntCounterVec, prometheus::Error> {
            let metric = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(metric.clone()))?;
            Ok(metric)
        };
        let gauge = |name: &str, help: &str, labels: &[&str]| -> Result<IntGaugeVec, prometheus::Error> {
            let metric = IntGaugeVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(metric.clone()))?;
            Ok(metric)
        };
        let duration = HistogramVec::new(
            HistogramOpts::new(
                "webhook_delivery_duration_seconds",
                "Time of one attempt, from DNS to the last byte read",
            )
            .buckets(DURATION_BUCKETS.to_vec()),
            &["event", "tenant_id"],
        )?;
        registry.register(Box::new(duration.clone()))?;
        let oldest_age = GaugeVec::new(
            Opts::new(
                "posthorn_oldest_waiting_seconds",
                "Age of the oldest due delivery of an active subscription, 0 when nothing is due",
            ),
            DATABASE,
        )?;
        registry.register(Box::new(oldest_age.clone()))?;
        let clock_skew = GaugeVec::new(
            Opts::new(
                "posthorn_clock_skew_seconds",
                "How far this host's clock is ahead of the database's; webhook-timestamp follows this host's",
            ),
            DATABASE,
        )?;
        registry.register(Box::new(clock_skew.clone()))?;
        let lost_lines = IntCounter::new(
            "posthorn_lost_log_lines_total",
            "Log lines dropped because nobody read them from stderr in time",
        )?;
        registry.register(Box::new(lost_lines.clone()))?;
        let info =
            IntGaugeVec::new(Opts::new("posthorn_build_info", "Always 1; the label says the version"), &["version"])?;
        info.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        registry.register(Box::new(info))?;
        let metrics = Self {
            deliveries: counter(
                "webhook_deliveries_total",
                "Attempts by what became of their delivery: delivered, retrying, failed, abandoned",
                &["event", "tenant_id", "status"],
            )?,
            duration,
            retries: counter(
                "webhook_retries_total",
                "Retries scheduled, by the reason",
                &["event", "tenant_id", "reason"],
            )?,
            http_status: counter("webhook_delivery_http_status", "Answers by HTTP status", &["event", "status_code"])?,
            wakes: counter("posthorn_wakes_total", "Looks for work, by what caused them", &["reason"])?,
            fenced: counter(
                "posthorn_fenced_results_total",
                "Results that came after their lease had passed to someone else, by whether they still counted",
                &["counted"],
            )?,
            rescued: counter("posthorn_rescued_leases_total", "Deliveries taken over after their lease ran out", &[])?,
            circuit_changes: counter(
                "posthorn_circuit_changes_total",
                "Circuits of receivers that opened or closed, and subscriptions suspended after nothing but failures",
                &["change"],
            )?,
            panics: counter(
                "posthorn_panics_total",
                "Faults of Posthorn itself that a part of a dispatcher survived, by the part",
                &["part"],
            )?,
            lost_lines,
            clock_skew,
            database: "".into(),
            database_up: gauge("posthorn_database_up", "Whether the database answered when last asked", DATABASE)?,
            is_copy: gauge(
                "posthorn_database_is_copy",
                "1 for a restored copy, from which nothing is sent until `posthorn resume`",
                DATABASE,
            )?,
            in_flight: gauge("posthorn_in_flight", "Deliveries this process is sending", DATABASE)?,
            waiting: gauge("posthorn_queue_depth", "Deliveries that are not finished", DATABASE)?,
            oldest_age,
            open_fanouts: gauge("posthorn_open_fanouts", "Events that a dispatcher still has to fan out", DATABASE)?,
            dispatchers: gauge("posthorn_dispatchers_alive", "Dispatchers seen in the last 15 seconds", DATABASE)?,
            open_circuits: gauge("posthorn_open_circuits", "Receivers whose circuit is open or half open", DATABASE)?,
            slots: gauge("posthorn_slots", "Deliveries this process may be sending at once", DATABASE)?,
            capped: gauge(
                "posthorn_capped",
                "Subscriptions and tenants that had as many in flight as they may when this process last looked for work",
                DATABASE,
            )?,
            default_rows: gauge(
                "posthorn_default_partition_rows",
                "Rows in a default partition, counted up to 10000: more than 0 means that days were not made in time",
                TABLE,
            )?,
            days_kept: gauge("posthorn_days_kept", "Days from the oldest day partition to today", TABLE)?,
            days_ahead: gauge(
                "posthorn_days_made_ahead",
                "Days from today to the newest day partition: 7 when all is well",
                TABLE,
            )?,
            labels: Arc::default(),
            registry,
        };
        // a series that first appears with its first event has no rate: begin at 0
        for reason in WakeReason::ALL {
            metrics.wakes.with_label_values(&[reason.as_str()]);
        }
        for counted in ["true", "false"] {
            metrics.fenced.with_label_values(&[counted]);
        }
        for change in ["opened", "closed", "suspended"] {
            metrics.circuit_changes.with_label_values(&[change]);
        }
        for part in PARTS {
            metrics.panics.with_label_values(&[part]);
        }
        metrics.rescued.with_label_values::<&str>(&[]);
        Ok(metrics)
    }

    /// The same metrics, whose gauges are those of this database.
    pub fn of_database(&self, name: &str) -> Self {
        let metrics = Self { database: name.into(), ..self.clone() };
        metrics.set_in_flight(0);
        metrics
    }

    /// The page for Prometheus.
    ///
    /// # Errors
    /// A [`prometheus::Error`] when a metric cannot be written as text.
    pub fn render(&self) -> Result<String, prometheus::Error> {
        if let Some(lost) = LOST_LINES.get() {
            let lost = u64::try_from(lost()).unwrap_or(u64::MAX);
            self.lost_lines.inc_by(lost.saturating_sub(self.lost_lines.get()));
        }
        let mut page = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut page)?;
        String::from_utf8(page).map_err(|e| prometheus::Error::Msg(e.to_string()))
    }

    /// One attempt: `status` is what became of the delivery, `reason` why it is retried.
    pub fn attempt(
        &self,
        event: &str,
        tenant: Uuid,
        status: &'static str,
        status_code: Option<u16>,
        took: Duration,
        reason: Option<&'static str>,
    ) {
        let mut labels = self.labels.lock().unwrap_or_else(PoisonError::into_inner);
        let event = labels.event(event);
        let tenant = labels.tenant(event, tenant);
        self.deliveries.with_label_values(&[event, &tenant, status]).inc();
        self.duration.with_label_values(&[event, &tenant]).observe(took.as_secs_f64());
        if let Some(code) = status_code {
            self.http_status.with_label_values(&[labels.event_of_status(event, code), &code.to_string()]).inc();
        }
        drop(labels);
        if let Some(reason) = reason {
            self.retries.with_label_values(&[event, &tenant, reason]).inc();
        }
    }

    /// A look for work.
    pub fn woke(&self, reason: WakeReason) {
        self.wakes.with_label_values(&[reason.as_str()]).inc();
    }

    /// A result that came too late for its lease.
    pub fn fenced(&self, is_counted: bool) {
        self.fenced.with_label_values(&[if is_counted { "true" } else { "false" }]).inc();
    }

    /// A delivery taken over from a lost lease.
    pub fn rescued(&self) {
        self.rescued.with_label_values::<&str>(&[]).inc();
    }

    /// A part of a dispatcher panicked and goes on.
    pub fn panicked(&self, part: &'static str) {
        self.panics.with_label_values(&[part]).inc();
    }

    /// How many seconds this host's clock is ahead of the database's.
    pub fn set_clock_skew(&self, seconds: f64) {
        self.clock_skew.with_label_values(&[&self.database]).set(seconds);
    }

    /// A receiver's circuit `opened` or `closed`, or its subscription was `suspended`.
    pub fn circuit_changed(&self, change: &str) {
        self.circuit_changes.with_label_values(&[change]).inc();
    }

    /// Deliveries this process is sending.
    pub fn set_in_flight(&self, count: usize) {
        self.in_flight.with_label_values(&[&self.database]).set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// The queue as monitoring sees it.
    pub fn set_queue(
        &self,
        waiting: i64,
        oldest_age: Option<Duration>,
        open_fanouts: i64,
        dispatchers: i64,
        open_circuits: i64,
    ) {
        self.waiting.with_label_values(&[&self.database]).set(waiting);
        self.oldest_age.with_label_values(&[&self.database]).set(oldest_age.unwrap_or_default().as_secs_f64());
        self.open_fanouts.with_label_values(&[&self.database]).set(open_fanouts);
        self.dispatchers.with_label_values(&[&self.database]).set(dispatchers);
        self.open_circuits.with_label_values(&[&self.database]).set(open_circuits);
    }

    /// Deliveries this process may send at once, and how many subscriptions and tenants had as many in flight as they may
    /// when it last looked.
    pub fn set_slots(&self, slots: u32, capped: usize) {
        self.slots.with_label_values(&[&self.database]).set(slots.into());
        self.capped.with_label_values(&[&self.database]).set(i64::try_from(capped).unwrap_or(i64::MAX));
    }

    /// Whether the database answers.
    pub fn set_up(&self, is_up: bool) {
        self.database_up.with_label_values(&[&self.database]).set(is_up.into());
    }

    /// Whether the database is a copy, from which nothing is sent.
    pub fn set_copy(&self, is_copy: bool) {
        self.is_copy.with_label_values(&[&self.database]).set(is_copy.into());
    }

    /// How a table that is kept by days stands; in days.
    pub fn set_growth(&self, table: &str, default_rows: i64, kept: Option<i64>, ahead: Option<i64>) {
        self.default_rows.with_label_values(&[&*self.database, table]).set(default_rows);
        self.days_kept.with_label_values(&[&*self.database, table]).set(kept.unwrap_or_default());
        self.days_ahead.with_label_values(&[&*self.database, table]).set(ahead.unwrap_or_default());
    }
}

/// The label of whatever has none of its own.
const OTHER: &str = "other";

impl Labels {
    fn event<'a>(&mut self, event: &'a str) -> &'a str {
        if is_kept(&mut self.events, event.to_owned(), EVENT_LABELS_MAX) { event } else { OTHER }
    }

    fn tenant(&mut self, event: &str, tenant: Uuid) -> String {
        let is_kept = is_kept(&mut self.tenants, tenant, TENANT_LABELS_MAX)
            && is_kept(&mut self.pairs, (event.to_owned(), tenant), PAIRS_MAX);
        if is_kept { tenant.to_string() } else { OTHER.to_owned() }
    }

    fn event_of_status<'a>(&mut self, event: &'a str, status: u16) -> &'a str {
        if is_kept(&mut self.statuses, (event.to_owned(), status), STATUSES_MAX) { event } else { OTHER }
    }
}

/// Whether a value is in a set, or there is room for it.
fn is_kept<T: Eq + std::hash::Hash>(set: &mut HashSet<T>, value: T, most: usize) -> bool {
    set.contains(&value) || (set.len() < most && set.insert(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_stay_bounded() {
        let metrics = Metrics::new().unwrap();
        for n in 0..TENANT_LABELS_MAX as u128 + 50 {
            metrics.attempt("invoice.paid", Uuid::from_u128(n), "delivered", Some(204), Duration::ZERO, None);
        }
        let page = metrics.render().unwrap();
        assert_eq!(page.matches("webhook_deliveries_total{").count(), TENANT_LABELS_MAX + 1);
        assert!(page.contains("tenant_id=\"other\""));
    }

    #[test]
    fn a_page_stays_of_a_readable_size_whoever_names_the_labels() {
        let metrics = Metrics::new().unwrap();
        for n in 0..120_000_u32 {
            let (event, tenant) =
                (format!("{}.n{}", "long_segment".repeat(7), n % 701), Uuid::from_u128(u128::from(n % 301)));
            let code = u16::try_from(100 + n % 900).unwrap();
            metrics.attempt(&event, tenant, "retrying", Some(code), Duration::ZERO, Some("server_error"));
        }
        let page = metrics.render().unwrap();
        assert!(page.len() < 8_000_000, "{} bytes", page.len());
        let sum: f64 = page
            .lines()
            .filter(|line| line.starts_with("webhook_deliveries_total{"))
            .map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap())
            .sum();
        assert!((sum - 120_000.0).abs() < 0.5, "every attempt is counted somewhere: {sum}");
    }
}
