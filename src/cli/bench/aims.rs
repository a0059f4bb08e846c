//! What the figures ought to be.

/// A figure and its bound.
pub(super) struct Aim {
    pub(super) key: &'static str,
    pub(super) bound: Bound,
}

/// On which side of what it must be.
#[derive(Clone, Copy)]
pub(super) enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

use Bound::{AtLeast, AtMost};

const AIMS: [Aim; 28] = [
    aim("drain.ratio", AtLeast(0.40)),
    aim("fanout_5.ratio", AtLeast(0.45)),
    aim("publish_deliver.ratio", AtLeast(0.60)),
    aim("publish_deliver.per_second", AtLeast(2000.0)),
    aim("latency_20.p50_ms", AtMost(2.0)),
    aim("latency_20.p99_ms", AtMost(15.0)),
    aim("latency_1000.p99_ms", AtMost(50.0)),
    aim("neighbour.ratio", AtMost(1.5)),
    aim("neighbour.max_ms", AtMost(1000.0)),
    aim("producers.ratio", AtLeast(0.95)),
    aim("cpu_us_per_delivery", AtMost(200.0)),
    aim("rss_mib", AtMost(64.0)),
    aim("rss_peak_mib", AtMost(256.0)),
    aim("hostile.worst_cpu_ms", AtMost(50.0)),
    aim("backlog.ratio", AtLeast(0.9)),
    aim("history.ratio", AtLeast(0.9)),
    aim("retention.ratio", AtLeast(0.9)),
    aim("subscriptions.ratio", AtLeast(0.7)),
    aim("dispatchers.ratio", AtLeast(0.9)),
    aim("snapshot.held_p99_ms", AtMost(1000.0)),
    aim("snapshot.recovery_seconds", AtMost(30.0)),
    aim("lists.worst_p99_ms", AtMost(20.0)),
    aim("views.worst_ms", AtMost(200.0)),
    aim("ordering.violations", AtMost(0.0)),
    aim("ordering.overlaps", AtMost(0.0)),
    aim("ordering.lost", AtMost(0.0)),
    aim("ordering.misnumbered", AtMost(0.0)),
    aim("rate_limit.deviation_percent", AtMost(5.0)),
];

const fn aim(key: &'static str, bound: Bound) -> Aim {
    Aim { key, bound }
}

/// The bound of a figure, if it has one.
pub(super) fn of(key: &str) -> Option<Bound> {
    AIMS.iter().find(|aim| aim.key == key).map(|aim| aim.bound)
}

impl Bound {
    /// Whether `value` is on the right side.
    pub(super) fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtLeast(bound) => value >= bound,
            Self::AtMost(bound) => value <= bound,
        }
    }

    /// For people.
    pub(super) fn text(self) -> String {
        match self {
            Self::AtLeast(bound) => format!(">= {bound}"),
            Self::AtMost(bound) => format!("<= {bound}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_includes_itself() {
        assert!(of("drain.ratio").unwrap().is_met(0.40) && !of("drain.ratio").unwrap().is_met(0.39));
        assert!(of("rss_mib").unwrap().is_met(64.0) && !of("rss_mib").unwrap().is_met(64.1));
        assert!(of("bare.per_second").is_none());
    }

    #[test]
    fn no_number_meets_no_aim() {
        assert!(!AtLeast(1.0).is_met(f64::NAN) && !AtMost(1.0).is_met(f64::NAN));
    }
}
