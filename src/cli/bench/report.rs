//! What is told: each quantity over the rounds, as a table or as one JSON object, with what it ought to be.

use serde_json::{Map, Value, json};

use super::aims;
use super::figures::{Figure, Quantities, Series};
use super::lab::Lab;
use super::scenario::Scenario;
use super::{Bench, Setting};

/// Everything that was measured, and what could not be.
pub(super) struct Report {
    postgres: String,
    rounds: u32,
    settings: Vec<Setting>,
    quantities: Quantities,
    /// Scenario, round, reason.
    pub(super) failed: Vec<(Scenario, u32, String)>,
    /// How long it all took.
    pub(super) seconds: u64,
}

impl Report {
    pub(super) fn new(lab: &Lab, command: &Bench) -> Self {
        Self {
            postgres: lab.postgres_version.clone(),
            rounds: command.rounds,
            settings: command.settings.clone(),
            quantities: Quantities::default(),
            failed: Vec::new(),
            seconds: 0,
        }
    }

    pub(super) fn add(&mut self, figures: Vec<Figure>) {
        for figure in figures {
            self.quantities.add(figure);
        }
    }

    /// Keys of the figures that are not what they ought to be.
    pub(super) fn missed(&self) -> Vec<String> {
        let is_missed = |s: &&Series| aims::of(&s.figure.key).is_some_and(|bound| !bound.is_met(s.told()));
        self.quantities.0.iter().filter(is_missed).map(|series| series.figure.key.clone()).collect()
    }

    /// One JSON object: what counts of each quantity under its key, and under `rounds` the values of every round.
    pub(super) fn json(&self) -> String {
        let mut told = Map::new();
        let about = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "postgres": self.postgres,
            "cores": cores(),
            "seconds": self.seconds,
            "settings": self.settings.iter().map(|s| format!("{}={}", s.name, s.value)).collect::<Vec<_>>(),
        });
        told.insert("about".to_owned(), about);
        let (mut rounds, mut aims) = (Map::new(), Map::new());
        for series in &self.quantities.0 {
            let key = &series.figure.key;
            put(&mut told, key, json!(series.told()));
            rounds.insert(key.clone(), json!(series.values));
            if let Some(bound) = aims::of(key) {
                aims.insert(key.clone(), json!({ "aim": bound.text(), "is_met": bound.is_met(series.told()) }));
            }
        }
        told.insert("aims".to_owned(), aims.into());
        told.insert("rounds".to_owned(), rounds.into());
        let failure = |(scenario, round, reason): &(Scenario, u32, String)| json!({ "scenario": scenario.name(), "round": round, "reason": reason });
        told.insert("failed".to_owned(), self.failed.iter().map(failure).collect());
        Value::Object(told).to_string()
    }

    /// The same for people.
    pub(super) fn table(&self) -> String {
        let version = env!("CARGO_PKG_VERSION");
        let mut lines = vec![format!("posthorn {version}, PostgreSQL {}, {} cores", self.postgres, cores())];
        for setting in &self.settings {
            lines.push(format!("with {}={}", setting.name, setting.value));
        }
        let took = format!("{} rounds in {} s", self.rounds, self.seconds);
        lines.push(format!("{took:<58}{:>12}   {:<26}aim", "median", "range"));
        lines.extend(self.quantities.0.iter().map(line));
        for (scenario, round, reason) in &self.failed {
            lines.push(format!("FAILED {} in round {round}: {reason}", scenario.name()));
        }
        lines.join("\n")
    }
}

fn line(series: &Series) -> String {
    let Figure { label, digits, key, .. } = &series.figure;
    let (spread, told, digits) = (series.spread(), series.told(), *digits);
    let range = format!("({:.digits$} to {:.digits$})", spread.min, spread.max);
    let aim = aims::of(key).map_or_else(String::new, |bound| {
        format!("{} {}", bound.text(), if bound.is_met(told) { "met" } else { "NOT MET" })
    });
    format!("{label:<58}{told:>12.digits$}   {range:<26}{aim}").trim_end().to_owned()
}

/// Puts a value where the dots of its key lead.
fn put(object: &mut Map<String, Value>, key: &str, value: Value) {
    match key.split_once('.') {
        None => {
            object.insert(key.to_owned(), value);
        }
        Some((first, rest)) => {
            let inner = object.entry(first).or_insert_with(|| json!({}));
            if let Value::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(0, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let mut report = Report {
            postgres: "15".to_owned(),
            rounds: 3,
            settings: vec![Setting { name: "A".to_owned(), value: "1".to_owned() }],
            quantities: Quantities::default(),
            failed: vec![(Scenario::Latency, 2, "it rained".to_owned())],
            seconds: 7,
        };
        for (ratio, max, rss) in [(0.3, 5.0, 20.0), (0.5, 9.0, 21.0), (0.4, 7.0, 22.0)] {
            report.add(vec![
                Figure::new("drain.ratio", "drain : bare", 2, ratio),
                Figure::highest("neighbour.max_ms", "longest, ms", 1, max),
                Figure::new("rss_mib", "resident, MiB", 1, rss),
            ]);
        }
        report
    }

    #[test]
    fn the_json_has_the_keys_that_scripts_read() {
        let read: Value = serde_json::from_str(&report().json()).unwrap();
        assert_eq!((&read["drain"]["ratio"], &read["rss_mib"]), (&json!(0.4), &json!(21.0)));
        assert_eq!(read["neighbour"]["max_ms"], json!(9.0));
        assert_eq!(read["rounds"]["drain.ratio"], json!([0.3, 0.5, 0.4]));
        assert_eq!(read["aims"]["drain.ratio"]["is_met"], json!(true));
        assert_eq!(report().missed(), Vec::<String>::new());
        assert_eq!(read["failed"][0]["scenario"], json!("latency"));
        assert_eq!(read["about"]["settings"], json!(["A=1"]));
    }

    #[test]
    fn the_table_tells_ranges_aims_and_failures() {
        let table = report().table();
        let drain = table.lines().find(|line| line.starts_with("drain")).unwrap();
        assert!(drain.contains("0.40   (0.30 to 0.50)") && drain.ends_with(">= 0.4 met"), "{drain}");
        assert!(table.ends_with("FAILED latency in round 2: it rained"), "{table}");
    }
}
