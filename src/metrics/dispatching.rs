//! The work of a dispatcher: looking, claiming, recording, waking up, and what went wrong on the way.

use std::time::Duration;

use prometheus::{Error, HistogramVec, IntCounterVec, IntGaugeVec};

use super::declared::Declarer;
use super::{DATABASE, Metrics, int};

/// A round trip to the database, in seconds.
const ROUND_TRIP_BUCKETS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Rows of one statement.
const SIZE_BUCKETS: &[f64] = &[0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0];

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

/// How the listening connection stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Whether it is up.
    pub is_listening: bool,
    /// Whether this dispatcher is the one that may close the gate.
    pub is_sentinel: bool,
    /// Whether it holds the gate closed.
    pub is_gate_closed: bool,
}

pub(super) struct Dispatching {
    wakes: IntCounterVec,
    claim_seconds: HistogramVec,
    claim_size: HistogramVec,
    record_seconds: HistogramVec,
    record_size: HistogramVec,
    in_flight: IntGaugeVec,
    slots: IntGaugeVec,
    capped: IntGaugeVec,
    listening: IntGaugeVec,
    sentinel: IntGaugeVec,
    gate_closed: IntGaugeVec,
    rescued: IntCounterVec,
    fenced: IntCounterVec,
    circuit_changes: IntCounterVec,
    job_rows: IntCounterVec,
    panics: IntCounterVec,
}

impl Dispatching {
    pub(super) fn declare(declarer: &mut Declarer) -> Result<Self, Error> {
        Ok(Self {
            wakes: declarer.counter("posthorn_wakes_total", "Looks for work, by what caused them", &["reason"])?,
            claim_seconds: declarer.histogram(
                "posthorn_claim_duration_seconds",
                "Time of one look for work, to the answer of the database",
                DATABASE,
                ROUND_TRIP_BUCKETS,
            )?,
            claim_size: declarer.histogram(
                "posthorn_claim_size",
                "Deliveries that one look for work leased",
                DATABASE,
                SIZE_BUCKETS,
            )?,
            record_seconds: declarer.histogram(
                "posthorn_record_duration_seconds",
                "Time of writing one batch of results, pauses while the database is away included",
                DATABASE,
                ROUND_TRIP_BUCKETS,
            )?,
            record_size: declarer.histogram("posthorn_record_size", "Results of one batch", DATABASE, SIZE_BUCKETS)?,
            in_flight: declarer.gauge("posthorn_in_flight", "Deliveries this process is sending", DATABASE)?,
            slots: declarer.gauge("posthorn_slots", "Deliveries this process may be sending at once", DATABASE)?,
            capped: declarer.gauge(
                "posthorn_capped",
                "Subscriptions and tenants that had as many in flight as they may when this process last looked for work",
                DATABASE,
            )?,
            listening: declarer.gauge(
                "posthorn_listening",
                "Whether this dispatcher hears NOTIFY; at 0 it polls, which is slower",
                DATABASE,
            )?,
            sentinel: declarer.gauge(
                "posthorn_sentinel",
                "Whether this dispatcher is the one of its database that may close the NOTIFY gate",
                DATABASE,
            )?,
            gate_closed: declarer.gauge(
                "posthorn_notify_gate_closed",
                "Whether this dispatcher sleeps behind the closed gate, so that producers notify; at 0 they need not",
                DATABASE,
            )?,
            rescued: declarer.counter(
                "posthorn_rescued_leases_total",
                "Deliveries taken over after their lease ran out",
                &[],
            )?,
            fenced: declarer.counter(
                "posthorn_fenced_results_total",
                "Results that came after their lease had passed to someone else, by whether they still counted",
                &["counted"],
            )?,
            circuit_changes: declarer.counter(
                "posthorn_circuit_changes_total",
                "Circuits of receivers that opened or closed, and subscriptions suspended after nothing but failures",
                &["change"],
            )?,
            job_rows: declarer.counter(
                "posthorn_job_rows_total",
                "Deliveries that bulk retries, replays, backfills and cancellations changed here",
                DATABASE,
            )?,
            panics: declarer.counter(
                "posthorn_panics_total",
                "Faults of Posthorn itself that a part of a dispatcher survived, by the part",
                &["part"],
            )?,
        })
    }

    /// A series that first appears with its first event has no rate: begin at 0.
    pub(super) fn begin(&self) {
        for reason in WakeReason::ALL {
            self.wakes.with_label_values(&[reason.as_str()]);
        }
        for counted in ["true", "false"] {
            self.fenced.with_label_values(&[counted]);
        }
        for change in ["opened", "closed", "suspended"] {
            self.circuit_changes.with_label_values(&[change]);
        }
        for part in PARTS {
            self.panics.with_label_values(&[part]);
        }
        self.rescued.with_label_values::<&str>(&[]);
    }

    /// The same of a database.
    pub(super) fn begin_database(&self, database: &str) {
        self.in_flight.with_label_values(&[database]).set(0);
        self.job_rows.with_label_values(&[database]);
    }
}

impl Metrics {
    /// A look for work.
    pub fn woke(&self, reason: WakeReason) {
        self.dispatching.wakes.with_label_values(&[reason.as_str()]).inc();
    }

    /// A look at the queue, and how many deliveries it leased.
    pub fn claimed(&self, count: usize, took: Duration) {
        self.dispatching.claim_seconds.with_label_values(&[self.database()]).observe(took.as_secs_f64());
        self.dispatching.claim_size.with_label_values(&[self.database()]).observe(size(count));
    }

    /// A batch of results was written.
    pub fn recorded(&self, count: usize, took: Duration) {
        self.dispatching.record_seconds.with_label_values(&[self.database()]).observe(took.as_secs_f64());
        self.dispatching.record_size.with_label_values(&[self.database()]).observe(size(count));
    }

    /// Deliveries this process is sending.
    pub fn set_in_flight(&self, count: usize) {
        self.dispatching.in_flight.with_label_values(&[self.database()]).set(int(count));
    }

    /// Deliveries this process may send at once, and how many subscriptions and tenants had as many in flight as they may
    /// when it last looked.
    pub fn set_slots(&self, slots: u32, capped: usize) {
        self.dispatching.slots.with_label_values(&[self.database()]).set(slots.into());
        self.dispatching.capped.with_label_values(&[self.database()]).set(int(capped));
    }

    /// How the listening connection stands.
    pub fn set_line(&self, line: Line) {
        let of = [self.database()];
        self.dispatching.listening.with_label_values(&of).set(line.is_listening.into());
        self.dispatching.sentinel.with_label_values(&of).set(line.is_sentinel.into());
        self.dispatching.gate_closed.with_label_values(&of).set(line.is_gate_closed.into());
    }

    /// A delivery taken over from a lost lease.
    pub fn rescued(&self) {
        self.dispatching.rescued.with_label_values::<&str>(&[]).inc();
    }

    /// A result that came too late for its lease.
    pub fn fenced(&self, is_counted: bool) {
        self.dispatching.fenced.with_label_values(&[if is_counted { "true" } else { "false" }]).inc();
    }

    /// A receiver's circuit `opened` or `closed`, or its subscription was `suspended`.
    pub fn circuit_changed(&self, change: &str) {
        self.dispatching.circuit_changes.with_label_values(&[change]).inc();
    }

    /// Deliveries that a chunk of a job changed.
    pub fn job_changed(&self, rows: u64) {
        self.dispatching.job_rows.with_label_values(&[self.database()]).inc_by(rows);
    }

    /// A part of a dispatcher panicked and goes on.
    pub fn panicked(&self, part: &'static str) {
        self.dispatching.panics.with_label_values(&[part]).inc();
    }
}

/// A count as a histogram takes it.
fn size(count: usize) -> f64 {
    u32::try_from(count).unwrap_or(u32::MAX).into()
}
