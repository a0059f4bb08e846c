//! How a metric is declared: registered for the page, and remembered for `docs/metrics.md`.

use prometheus::core::Collector;
use prometheus::{
    CounterVec, Error, GaugeVec, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry,
};

/// A metric as people know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Declared {
    /// Name on the page.
    pub name: &'static str,
    /// `counter`, `gauge` or `histogram`.
    pub kind: &'static str,
    /// Names of its labels.
    pub labels: &'static [&'static str],
    /// What it tells.
    pub help: &'static str,
}

/// Collects metrics while they are declared.
#[derive(Default)]
pub(super) struct Declarer {
    pub(super) registry: Registry,
    pub(super) declared: Vec<Declared>,
}

impl Declarer {
    pub(super) fn counter(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: &'static [&'static str],
    ) -> Result<IntCounterVec, Error> {
        self.add(Declared { name, kind: "counter", labels, help }, IntCounterVec::new(Opts::new(name, help), labels)?)
    }

    /// A counter of fractions, such as seconds.
    pub(super) fn fine_counter(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: &'static [&'static str],
    ) -> Result<CounterVec, Error> {
        self.add(Declared { name, kind: "counter", labels, help }, CounterVec::new(Opts::new(name, help), labels)?)
    }

    /// A counter without labels.
    pub(super) fn plain_counter(&mut self, name: &'static str, help: &'static str) -> Result<IntCounter, Error> {
        self.add(Declared { name, kind: "counter", labels: &[], help }, IntCounter::new(name, help)?)
    }

    pub(super) fn gauge(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: &'static [&'static str],
    ) -> Result<IntGaugeVec, Error> {
        self.add(Declared { name, kind: "gauge", labels, help }, IntGaugeVec::new(Opts::new(name, help), labels)?)
    }

    /// A gauge of fractions, such as seconds.
    pub(super) fn fine_gauge(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: &'static [&'static str],
    ) -> Result<GaugeVec, Error> {
        self.add(Declared { name, kind: "gauge", labels, help }, GaugeVec::new(Opts::new(name, help), labels)?)
    }

    pub(super) fn histogram(
        &mut self,
        name: &'static str,
        help: &'static str,
        labels: &'static [&'static str],
        buckets: &[f64],
    ) -> Result<HistogramVec, Error> {
        let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
        self.add(Declared { name, kind: "histogram", labels, help }, HistogramVec::new(options, labels)?)
    }

    fn add<M: Collector + Clone + 'static>(&mut self, declared: Declared, metric: M) -> Result<M, Error> {
        self.registry.register(Box::new(metric.clone()))?;
        self.declared.push(declared);
        Ok(metric)
    }
}
