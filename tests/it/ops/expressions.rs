//! What an expression of PromQL names: metrics with their matchers, and labels to group by.

use std::collections::BTreeSet;

use posthorn::metrics::{Declared, Metrics};

/// Words of PromQL that ours use.
const WORDS: [&str; 24] = [
    "abs",
    "absent",
    "and",
    "by",
    "count",
    "group_left",
    "histogram_quantile",
    "increase",
    "ignoring",
    "max",
    "max_over_time",
    "min",
    "min_over_time",
    "offset",
    "on",
    "or",
    "predict_linear",
    "rate",
    "sum",
    "time",
    "topk",
    "unless",
    "vector",
    "without",
];

/// Labels that Prometheus adds.
const ADDED: [&str; 2] = ["job", "instance"];

/// A metric as it is named, with its matchers.
#[derive(Debug)]
pub(crate) struct Selector<'e> {
    name: &'e str,
    /// Without braces.
    matchers: &'e str,
}

impl Selector<'_> {
    /// What asks for its series alone.
    pub(crate) fn query(&self) -> String {
        format!("{}{{{}}}", self.name, self.matchers)
    }

    fn labels(&self) -> impl Iterator<Item = &str> {
        // no value of ours has a comma
        let matchers = self.matchers.split(',').filter(|matcher| !matcher.trim().is_empty());
        matchers.map(|matcher| matcher.split(['=', '!']).next().unwrap_or_default().trim())
    }
}

/// What an expression names.
#[derive(Debug, Default)]
pub(crate) struct Named<'e> {
    pub(crate) selectors: Vec<Selector<'e>>,
    grouped: BTreeSet<&'e str>,
    unknown: Vec<&'e str>,
}

impl<'e> Named<'e> {
    /// Reads an expression.
    pub(crate) fn of(expression: &'e str) -> Self {
        let mut named = Self::default();
        let mut rest = expression;
        while let Some(begin) = rest.find(|c: char| c.is_ascii_alphanumeric() || "_:\"[$".contains(c)) {
            rest = &rest[begin..];
            let first = rest.chars().next().unwrap();
            let end = match first {
                '"' => 2 + rest[1..].find('"').unwrap(),
                '[' => 1 + rest.find(']').unwrap(),
                _ => rest.find(|c: char| !(c.is_ascii_alphanumeric() || "_:$.".contains(c))).unwrap_or(rest.len()),
            };
            let (word, after) = rest.split_at(end);
            rest = after;
            if !(first.is_ascii_alphabetic() || first == '_') {
                continue; // a number, a duration, a text or a range
            }
            if let (true, Some(list)) = (["by", "on", "without", "ignoring", "group_left"].contains(&word), list(rest))
            {
                named.grouped.extend(list.split(',').map(str::trim).filter(|label| !label.is_empty()));
                rest = rest.split_once(')').unwrap().1;
            } else if word == "up" || word.starts_with("webhook_") || word.starts_with("posthorn") {
                let matchers = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')).map_or("", |(m, _)| m);
                named.selectors.push(Selector { name: word, matchers });
                rest = rest.strip_prefix('{').map_or(rest, |rest| rest.split_once('}').unwrap().1);
            } else if !WORDS.contains(&word) {
                named.unknown.push(word);
            }
        }
        named
    }

    /// What is not declared, in words; nothing when all is well.
    pub(crate) fn faults(&self) -> Vec<String> {
        let metrics = Metrics::new().unwrap();
        let mut faults: Vec<String> = self.unknown.iter().map(|word| format!("what is {word}?")).collect();
        let mut known: BTreeSet<&str> = ADDED.into();
        for selector in &self.selectors {
            let Some(labels) = labels(metrics.declared(), selector.name) else {
                faults.push(format!("there is no metric {}", selector.name));
                continue;
            };
            let missing = selector.labels().filter(|label| !labels.contains(label) && !ADDED.contains(label));
            faults.extend(missing.map(|label| format!("{} has no label {label}", selector.name)));
            known.extend(labels);
        }
        let missing = self.grouped.iter().filter(|label| !known.contains(*label));
        faults.extend(missing.map(|label| format!("nothing here has a label {label}")));
        faults
    }
}

/// What stands in the brackets that come next.
fn list(rest: &str) -> Option<&str> {
    rest.trim_start().strip_prefix('(')?.split_once(')').map(|(list, _)| list)
}

/// Labels of a series; `None`: there is none of that name.
fn labels(declared: &[Declared], series: &str) -> Option<Vec<&'static str>> {
    if ["up", "posthorn:disk_budget_bytes"].contains(&series) {
        return Some(Vec::new());
    }
    if let Some(of) = declared.iter().find(|of| of.name == series && of.kind != "histogram") {
        return Some(of.labels.to_vec());
    }
    let of = |part: &str| declared.iter().find(|of| of.kind == "histogram" && series == format!("{}{part}", of.name));
    if let Some(of) = of("_bucket") {
        return Some([of.labels, &["le"]].concat());
    }
    of("_sum").or_else(|| of("_count")).map(|of| of.labels.to_vec())
}

#[test]
fn what_is_not_there_is_noticed() {
    let faults = |expression| Named::of(expression).faults();
    let good =
        r#"sum by (job, le) (rate(webhook_delivery_duration_seconds_bucket{job=~"a", event="b"}[5m] offset 1h)) > 0.5"#;
    assert_eq!(faults(good), Vec::<String>::new());
    assert_eq!(faults("webhook_deliveries_totals > 1"), ["there is no metric webhook_deliveries_totals"]);
    assert_eq!(faults("webhook_delivery_duration_seconds"), ["there is no metric webhook_delivery_duration_seconds"]);
    assert_eq!(faults("posthorn_queue_depth_bucket"), ["there is no metric posthorn_queue_depth_bucket"]);
    assert_eq!(faults(r#"webhook_retries_total{status="a"}"#), ["webhook_retries_total has no label status"]);
    assert_eq!(faults("sum by (reasons) (webhook_retries_total)"), ["nothing here has a label reasons"]);
    assert_eq!(faults("some(posthorn_queue_depth)"), ["what is some?"]);
}
