//! Every metric, declared once. Names and labels are an interface: dashboards and alerts hang on them, and `docs/metrics.md`
//! is made from what is declared here.

mod database;
mod declared;
mod dispatching;
mod labels;
mod queue;
mod sending;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use prometheus::{Encoder, Error, IntCounter, Registry, TextEncoder};

pub use database::{ErrorClass, PoolMetrics};
pub use declared::Declared;
pub use dispatching::{Line, WakeReason};
pub use queue::{Held, Waiting};
pub use sending::Attempted;

use crate::config::MetricsConfig;
use database::Database;
use declared::Declarer;
use dispatching::Dispatching;
use queue::Queue;
use sending::Sending;

/// Labels of a gauge that each database has its own of.
const DATABASE: &[&str] = &["database"];

/// Labels of a gauge of a table.
const TABLE: &[&str] = &["database", "table"];

/// The commit that this was built from, where the build knew it.
pub const COMMIT: &str = match option_env!("POSTHORN_COMMIT") {
    Some(commit) => commit,
    None => "unknown",
};

/// Log lines lost since the process started. The log is there before any metrics, and there is one.
static LOST_LINES: OnceLock<Box<dyn Fn() -> usize + Send + Sync>> = OnceLock::new();

/// Says who counts the log lines that were lost; once in a process.
pub fn count_lost_lines(count: impl Fn() -> usize + Send + Sync + 'static) {
    let _ = LOST_LINES.set(Box::new(count)); // a second log would be a fault of `main`, which has one
}

/// What became of spans since the process started. There is one export, which begins before any metrics are there.
static SPANS: Spans = Spans { exported: AtomicU64::new(0), lost: AtomicU64::new(0) };

struct Spans {
    exported: AtomicU64,
    lost: AtomicU64,
}

/// Counts spans that the collector took.
pub fn count_exported_spans(count: usize) {
    SPANS.exported.fetch_add(count as u64, Ordering::Relaxed);
}

/// Counts spans that it did not get.
pub fn count_lost_spans(count: usize) {
    SPANS.lost.fetch_add(count as u64, Ordering::Relaxed);
}

/// All metrics of a process. Cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    declared: Arc<[Declared]>,
    /// Label of the gauges, of which each database has its own.
    database: Arc<str>,
    sending: Arc<Sending>,
    dispatching: Arc<Dispatching>,
    queue: Arc<Queue>,
    databases: Arc<Database>,
    lost_lines: IntCounter,
    exported_spans: IntCounter,
    lost_spans: IntCounter,
    /// Series of [`Metrics::set_waiting`] that this database has now.
    told_waiting: Arc<Mutex<Vec<Vec<String>>>>,
}

impl Metrics {
    /// Declares them all, with the labels that are the default.
    ///
    /// # Errors
    /// A [`prometheus::Error`] when two would have one name: a fault of this module.
    pub fn new() -> Result<Self, Error> {
        Self::with(MetricsConfig::default())
    }

    /// The same with labels as the settings say.
    ///
    /// # Errors
    /// As [`Metrics::new`].
    pub fn with(config: MetricsConfig) -> Result<Self, Error> {
        let mut declarer = Declarer::default();
        let sending = Sending::declare(&mut declarer, config)?;
        let queue = Queue::declare(&mut declarer)?;
        let dispatching = Dispatching::declare(&mut declarer)?;
        let databases = Database::declare(&mut declarer)?;
        let lost_lines = declarer.plain_counter(
            "posthorn_lost_log_lines_total",
            "Log lines dropped because nobody read them from stderr in time",
        )?;
        let exported_spans =
            declarer.plain_counter("posthorn_exported_spans_total", "Spans of traces that the collector took")?;
        let lost_spans = declarer.plain_counter(
            "posthorn_lost_spans_total",
            "Spans of traces dropped because the collector did not take them, or not in time",
        )?;
        let info = declarer.gauge(
            "posthorn_build_info",
            "Always 1; the labels say the version and the commit, `unknown` where the build did not know it",
            &["version", "commit"],
        )?;
        info.with_label_values(&[env!("CARGO_PKG_VERSION"), COMMIT]).set(1);
        sending.begin();
        dispatching.begin();
        Ok(Self {
            registry: declarer.registry,
            declared: declarer.declared.into(),
            database: "".into(),
            sending: sending.into(),
            dispatching: dispatching.into(),
            queue: queue.into(),
            databases: databases.into(),
            lost_lines,
            exported_spans,
            lost_spans,
            told_waiting: Arc::default(),
        })
    }

    /// The same metrics, whose gauges are those of this database.
    pub fn of_database(&self, name: &str) -> Self {
        let metrics = Self { database: name.into(), told_waiting: Arc::default(), ..self.clone() };
        metrics.dispatching.begin_database(name);
        metrics
    }

    /// Every metric, in the order in which people are to read of them.
    pub fn declared(&self) -> &[Declared] {
        &self.declared
    }

    /// The page for Prometheus.
    ///
    /// # Errors
    /// A [`prometheus::Error`] when a metric cannot be written as text.
    pub fn render(&self) -> Result<String, Error> {
        if let Some(lost) = LOST_LINES.get() {
            raise(&self.lost_lines, u64::try_from(lost()).unwrap_or(u64::MAX));
        }
        raise(&self.exported_spans, SPANS.exported.load(Ordering::Relaxed));
        raise(&self.lost_spans, SPANS.lost.load(Ordering::Relaxed));
        let mut page = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut page)?;
        String::from_utf8(page).map_err(|e| Error::Msg(e.to_string()))
    }

    fn database(&self) -> &str {
        &self.database
    }
}

/// Brings a counter to what was counted elsewhere.
fn raise(counter: &IntCounter, to: u64) {
    counter.inc_by(to.saturating_sub(counter.get()));
}

/// A count as a gauge takes it.
fn int(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::labels::{SUBSCRIPTION_LABELS_MAX, TENANT_LABELS_MAX};
    use super::*;
    use crate::config::LabelMode;

    fn attempted(event: &str, number: u128) -> Attempted<'_> {
        Attempted {
            event,
            tenant: Uuid::from_u128(number),
            subscription: Uuid::from_u128(number),
            status: "delivered",
            status_code: Some(204),
            took: Duration::ZERO,
            retry_reason: None,
            number: 1,
            happened_at: None,
        }
    }

    /// Different values of a label among the series of a metric.
    fn values(page: &str, metric: &str, label: &str) -> std::collections::BTreeSet<String> {
        let lines = page.lines().filter(|line| line.starts_with(&format!("{metric}{{")));
        let value = |line: &str| {
            let (_, rest) = line.split_once(&format!("{label}=\""))?;
            Some(rest.split_once('"')?.0.to_owned())
        };
        lines.filter_map(value).collect()
    }

    fn page_of(config: MetricsConfig, tenants: usize) -> String {
        let metrics = Metrics::with(config).unwrap();
        for n in 0..tenants {
            metrics.attempt(&attempted("invoice.paid", n as u128));
        }
        metrics.render().unwrap()
    }

    #[test]
    fn labels_stay_bounded() {
        let page = page_of(MetricsConfig::default(), TENANT_LABELS_MAX + 50);
        let tenants = values(&page, "webhook_deliveries_total", "tenant_id");
        assert_eq!(tenants.len(), TENANT_LABELS_MAX + 1);
        assert!(tenants.contains("other"));
        let subscriptions = values(&page, "posthorn_subscription_attempts_total", "subscription_id");
        assert_eq!(subscriptions.len(), SUBSCRIPTION_LABELS_MAX + 1);
    }

    #[test]
    fn settings_give_every_tenant_a_label_or_none() {
        let full = MetricsConfig { tenants: LabelMode::Full, subscriptions: LabelMode::Full, queues: false };
        let page = page_of(full, TENANT_LABELS_MAX + 50);
        for (metric, label) in
            [("webhook_deliveries_total", "tenant_id"), ("posthorn_subscription_attempts_total", "subscription_id")]
        {
            assert_eq!(values(&page, metric, label).len(), TENANT_LABELS_MAX + 50, "{metric}");
        }
        let off = MetricsConfig { tenants: LabelMode::Off, subscriptions: LabelMode::Off, queues: false };
        let page = page_of(off, 3);
        assert!(
            page.contains("webhook_deliveries_total{event=\"invoice.paid\",status=\"delivered\",tenant_id=\"all\"} 3")
        );
        assert!(!page.contains("posthorn_subscription_attempts_total{"), "{page}");
    }

    #[test]
    fn a_page_stays_of_a_readable_size_whoever_names_the_labels() {
        let metrics = Metrics::new().unwrap();
        for n in 0..120_000_u32 {
            let event = format!("{}.n{}", "long_segment".repeat(7), n % 701);
            let one = attempted(&event, u128::from(n % 301));
            let code = u16::try_from(100 + n % 900).unwrap();
            let reason = Some("server_error");
            metrics.attempt(&Attempted { status: "retrying", status_code: Some(code), retry_reason: reason, ..one });
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

    #[test]
    fn what_no_longer_waits_is_no_longer_told() {
        let metrics = Metrics::new().unwrap();
        let (one, other) = (metrics.of_database("one"), metrics.of_database("other"));
        let tenant = Uuid::from_u128(1);
        let of = |subscription| Waiting { tenant, subscription, count: 7, oldest_seconds: 0.5 };
        for database in [&one, &other] {
            database.set_waiting(&[of(None), of(Some(Uuid::from_u128(2)))]);
        }
        one.set_waiting(&[of(None)]);
        let page = metrics.render().unwrap();
        let has = |part: &str| page.lines().any(|line| line.starts_with(part));
        assert!(has("posthorn_tenant_queue_depth{database=\"one\""), "{page}");
        assert!(!has("posthorn_subscription_queue_depth{database=\"one\""), "{page}");
        assert!(!has("posthorn_subscription_oldest_waiting_seconds{database=\"one\""), "{page}");
        assert!(has("posthorn_subscription_queue_depth{database=\"other\""), "another database's was taken away");
    }
}
