//! What is told: the median of the rounds with their range, as a table or as one JSON object.

use serde_json::{Value, json};

use super::latency::{Latency, Percentiles};

/// The figures of one round.
#[derive(Clone, Copy, Debug)]
pub(super) struct Round {
    pub(super) bare_per_second: f64,
    pub(super) drain_per_second: f64,
    pub(super) latency: Latency,
}

/// All rounds and what they were made with.
pub(super) struct Report {
    pub(super) postgres: String,
    pub(super) rate: u32,
    pub(super) deliveries: u32,
    pub(super) rounds: Vec<Round>,
}

/// A quantity over all rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Spread {
    median: f64,
    min: f64,
    max: f64,
}

/// Which of a round's two latencies.
type Of = fn(&Round) -> Percentiles;

const fn from_commit(round: &Round) -> Percentiles {
    round.latency.from_commit
}

const fn from_publish(round: &Round) -> Percentiles {
    round.latency.from_publish
}

impl Report {
    /// One JSON object; times in milliseconds, rates per second.
    pub(super) fn json(&self) -> String {
        let rate = |spread: Spread| json!({ "per_second": spread.median, "min": spread.min, "max": spread.max });
        let mut drain = rate(self.spread(|r| r.drain_per_second));
        drain["ratio"] = json!(self.ratio().median);
        drain["deliveries"] = json!(self.deliveries);
        let latency = |of: Of| -> Value {
            json!({
                "p50_ms": self.spread(|r| of(r).p50).median,
                "p99_ms": self.spread(|r| of(r).p99).median,
                "max_ms": self.spread(|r| of(r).max).max,
            })
        };
        let mut at_rate = latency(from_commit);
        at_rate["from_publish"] = latency(from_publish);
        let mut report = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "postgres": self.postgres,
            "cores": cores(),
            "rounds": self.rounds.len(),
            "bare": rate(self.spread(|r| r.bare_per_second)),
            "drain": drain,
        });
        report[format!("latency_{}", self.rate)] = at_rate;
        report.to_string()
    }

    /// The same for people.
    pub(super) fn table(&self) -> String {
        let line = |name: &str, spread: Spread, digits: usize| {
            let Spread { median, min, max } = spread;
            format!("{name:<46}{median:>12.digits$}   ({min:.digits$} to {max:.digits$})")
        };
        let (cores, rounds) = (cores(), self.rounds.len());
        let mut lines = vec![
            format!("posthorn {}, PostgreSQL {}, {cores} cores", env!("CARGO_PKG_VERSION"), self.postgres),
            format!("{:<46}{:>12}   (range)", format!("{rounds} rounds"), "median"),
            line("bare sender, requests/s", self.spread(|r| r.bare_per_second), 0),
            line(&format!("drain of {}, deliveries/s", self.deliveries), self.spread(|r| r.drain_per_second), 0),
            line("drain : bare", self.ratio(), 3),
        ];
        for (from, of) in [("commit", from_commit as Of), ("publish", from_publish)] {
            let name = |which: &str| format!("{from} to receive at {}/s, {which}, ms", self.rate);
            lines.push(line(&name("p50"), self.spread(|r| of(r).p50), 2));
            lines.push(line(&name("p99"), self.spread(|r| of(r).p99), 2));
            lines.push(line(&name("max"), self.spread(|r| of(r).max), 2));
        }
        lines.join("\n")
    }

    /// Of drain and bare of the same round.
    fn ratio(&self) -> Spread {
        self.spread(|round| round.drain_per_second / round.bare_per_second)
    }

    fn spread(&self, value: impl Fn(&Round) -> f64) -> Spread {
        Spread::of(self.rounds.iter().map(value).collect())
    }
}

impl Spread {
    /// Median (the lower of two in the middle) and range; zeros of an empty list.
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(0.0);
        let last = values.len().saturating_sub(1);
        Self { median: at(last / 2), min: at(0), max: at(last) }
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(0, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_has_the_keys_that_scripts_read() {
        let percentiles = Percentiles { p50: 1.0, p99: 2.0, max: 3.0 };
        let latency = Latency { from_commit: percentiles, from_publish: percentiles };
        let round = |bare_per_second, drain_per_second| Round { bare_per_second, drain_per_second, latency };
        let rounds = vec![round(100.0, 50.0), round(300.0, 60.0), round(200.0, 80.0)];
        let report = Report { postgres: "15".to_owned(), rate: 20, deliveries: 1, rounds };
        let read: Value = serde_json::from_str(&report.json()).unwrap();
        assert_eq!((&read["bare"]["per_second"], &read["drain"]["per_second"]), (&json!(200.0), &json!(60.0)));
        assert_eq!(read["drain"]["ratio"], json!(0.4));
        assert_eq!((&read["latency_20"]["p50_ms"], &read["latency_20"]["p99_ms"]), (&json!(1.0), &json!(2.0)));
    }
}
