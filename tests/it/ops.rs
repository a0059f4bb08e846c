//! `ops/`: rules, their tests and dashboards name what there is, and a real Prometheus and Alertmanager do with them what they
//! promise (R64, R65).

mod expressions;

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::prometheus::{Prometheus, has, ops};
use crate::harness::{Answer, Api, Receiver, Serving, eventually, page};
use expressions::Named;

/// Time in which Prometheus has scraped, evaluated and told several times, on a busy machine.
const IN_TIME: Duration = Duration::from_secs(45);

/// A rule as its file has it: its name, whether it is an alert, and its lines.
struct Rule {
    name: String,
    is_alert: bool,
    lines: Vec<String>,
}

impl Rule {
    fn all() -> Vec<Self> {
        let text = fs::read_to_string(ops("prometheus/rules.yml")).unwrap();
        let mut rules = Vec::new();
        for line in text.lines() {
            let begin = |kind: &str| line.trim_start().strip_prefix(kind).map(str::to_owned);
            if let Some(name) = begin("- alert: ").or_else(|| begin("- record: ")) {
                rules.push(Self { name, is_alert: line.contains("alert"), lines: Vec::new() });
            } else if let Some(rule) = rules.last_mut() {
                rule.lines.push(line.to_owned());
            }
        }
        assert!(rules.iter().filter(|rule| rule.is_alert).count() > 20, "the rules are not read as they are written");
        rules
    }

    fn expression(&self) -> String {
        let after = self.lines.iter().skip_while(|line| !line.trim_start().starts_with("expr:"));
        let first = after.clone().next().unwrap().trim_start().trim_start_matches("expr:").trim();
        let indented = |line: &&String| line.starts_with("          ");
        if first == "|" {
            after.skip(1).take_while(indented).fold(String::new(), |all, line| all + line.trim() + "\n")
        } else {
            first.to_owned()
        }
    }

    fn value(&self, key: &str) -> Option<&str> {
        let key = format!("{key}: ");
        self.lines
            .iter()
            .find_map(|line| line.trim_start().strip_prefix(key.as_str()))
            .map(|text| text.trim_matches('"'))
    }
}

/// Every panel that asks something: dashboard and title, the panel, its expressions with Grafana's variables filled in.
fn panels() -> Vec<(String, Value, Vec<String>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(ops("grafana")).unwrap() {
        let dashboard: Value = serde_json::from_str(&fs::read_to_string(entry.unwrap().path()).unwrap()).unwrap();
        for panel in dashboard["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] != "row") {
            let name = format!("{} / {}", dashboard["title"], panel["title"]);
            let expressions: Vec<String> = panel["targets"]
                .as_array()
                .unwrap()
                .iter()
                .map(|target| filled(target["expr"].as_str().unwrap()))
                .collect();
            assert!(!expressions.is_empty(), "{name} asks nothing");
            all.push((name, panel.clone(), expressions));
        }
    }
    assert!(all.len() > 40, "{} panels", all.len());
    all
}

/// An expression as Grafana sends it when everything is chosen.
fn filled(expression: &str) -> String {
    let mut text = expression.replace("$__rate_interval", "30s").replace("$__range", "30s");
    for variable in ["job", "database", "tenant", "event", "subscription"] {
        text = text.replace(&format!("\"${variable}\""), "\".*\"");
    }
    assert!(!text.contains('$'), "a variable that no dashboard has: {text}");
    text
}

#[test]
fn every_metric_and_label_that_rules_and_dashboards_name_exists() {
    let mut faults = Vec::new();
    for rule in Rule::all() {
        let expression = rule.expression();
        faults.extend(Named::of(&expression).faults().into_iter().map(|fault| format!("{}: {fault}", rule.name)));
    }
    for (panel, _, expressions) in panels() {
        for expression in expressions {
            faults.extend(Named::of(&expression).faults().into_iter().map(|fault| format!("{panel}: {fault}")));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_alert_says_what_it_means_and_what_to_do_and_has_a_test() {
    let runbook = page("monitoring.md");
    let tests = ["rules_test.yml", "rules_day_test.yml"]
        .map(|name| fs::read_to_string(ops(&format!("prometheus/{name}"))).unwrap())
        .concat();
    for alert in Rule::all().iter().filter(|rule| rule.is_alert) {
        let name = &alert.name;
        for key in ["summary", "description"] {
            assert!(alert.value(key).is_some_and(|text| text.len() > 20), "{name} has no {key}");
        }
        assert!(["critical", "warning", "info"].contains(&alert.value("severity").unwrap()), "{name}");
        let anchor = format!("docs/monitoring.md#{}", name.to_lowercase());
        assert_eq!(alert.value("runbook"), Some(anchor.as_str()));
        let below = runbook.split_once(&format!("\n### {name}\n")).map(|(_, below)| below);
        let section =
            below.unwrap_or_else(|| panic!("docs/monitoring.md has no heading {name}")).split("\n### ").next();
        for part in ["**Look**", "**Do**"] {
            assert!(section.unwrap().contains(part), "docs/monitoring.md, {name}: no {part}");
        }
        assert!(tests.contains(&format!("alertname=\"{name}\"")), "no test has {name} fire");
    }
}

#[test]
fn every_panel_has_a_unit_and_says_what_it_shows() {
    for (name, panel, _) in panels() {
        assert!(panel["description"].as_str().is_some_and(|text| text.len() > 10), "{name} has no description");
        assert!(panel["fieldConfig"]["defaults"]["unit"].is_string(), "{name} has no unit");
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{name} has a data source of its own");
    }
}

#[test]
fn promtool_and_amtool_take_the_rules_their_tests_and_the_examples() {
    for (program, arguments, files) in [
        ("promtool", ["check", "rules"].as_slice(), ["prometheus/rules.yml", "prometheus/naive_rules.yml"].as_slice()),
        ("promtool", &["check", "config"], &["prometheus/prometheus.yml"]),
        ("promtool", &["test", "rules"], &["prometheus/rules_test.yml", "prometheus/rules_day_test.yml"]),
        ("amtool", &["check-config"], &["alertmanager/alertmanager.yml"]),
    ] {
        if !has(program) {
            return;
        }
        let output = Command::new(program).args(arguments).args(files.iter().map(|file| ops(file))).output().unwrap();
        let told = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
        assert!(output.status.success(), "{program} {arguments:?} {files:?}:\n{told}");
    }
}

/// A server whose receiver answers what `status` says, and a tenant subscribed to it and to one that always fails.
async fn in_trouble(status: &Arc<AtomicU16>) -> (Serving, Api, Receiver) {
    let settings = [("POSTHORN_METRICS_QUEUES", "true"), ("WEBHOOK_RETRY_SCHEDULE", "1s,1s,1s,1h")];
    let serving = Serving::with(&settings).await;
    let (_, api) = serving.tenant("a").await;
    let status = Arc::clone(status);
    let receiver = Receiver::start(move |path, _| match path {
        "/in" => Answer::status(status.load(Ordering::Relaxed)),
        _ => Answer::status(503),
    });
    api.subscribe(&receiver.url("/in"), "invoice.created").await;
    api.subscribe(&receiver.url("/broken"), "payment.failed").await;
    (serving, api, receiver)
}

#[tokio::test]
async fn every_panel_and_every_rule_finds_its_series_in_a_real_prometheus() {
    let status = Arc::new(AtomicU16::new(204));
    let (serving, api, _receiver) = in_trouble(&status).await;
    let Some(prometheus) = Prometheus::watching(&serving.origin()).await else { return };
    let mut asked: Vec<(String, String)> = Vec::new();
    for (name, _, expressions) in panels() {
        asked.extend(expressions.into_iter().map(|expression| (name.clone(), expression)));
    }
    for rule in Rule::all() {
        let expression = rule.expression();
        prometheus.ask(&expression).await; // an alert that is silent answers with nothing
        // before anything went down there is nothing to see of it
        let selectors = Named::of(&expression).selectors.iter().map(|selector| selector.query()).collect::<Vec<_>>();
        asked.extend(selectors.into_iter().map(|selector| (rule.name.clone(), selector)));
    }
    let missing = tokio::sync::Mutex::new(asked);
    eventually("every query has data", IN_TIME, async || {
        api.publish("invoice.created", json!({})).await;
        api.publish("payment.failed", json!({})).await;
        let mut missing = missing.lock().await;
        let mut still = Vec::new();
        for (name, expression) in missing.drain(..) {
            if prometheus.ask(&expression).await.is_empty() {
                still.push((name, expression));
            }
        }
        *missing = still;
        if !missing.is_empty() {
            eprintln!("{} queries wait, the first is {:?}", missing.len(), missing[0]);
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        missing.is_empty()
    })
    .await;
}

#[tokio::test]
async fn a_broken_receiver_raises_the_alarm_and_a_mended_one_ends_it() {
    const ALERT: &str = "WebhookDeliveryFailureRate";
    let status = Arc::new(AtomicU16::new(204));
    let (serving, api, _receiver) = in_trouble(&status).await;
    let Some(prometheus) = Prometheus::watching(&serving.origin()).await else { return };
    let fires = async |expected: bool| {
        api.publish("invoice.created", json!({})).await;
        let alerts = prometheus.alerts().await;
        assert!(!alerts.iter().any(|name| name == "PosthornGone"), "{alerts:?}");
        alerts.iter().any(|name| name == ALERT) == expected
    };
    eventually("Prometheus has scraped it", IN_TIME, async || {
        fires(false).await && prometheus.ask("webhook_deliveries_total{status=\"delivered\"} > 3").await.len() == 1
    })
    .await;
    status.store(500, Ordering::Relaxed);
    eventually("the alarm is raised", IN_TIME, async || fires(true).await).await;
    status.store(204, Ordering::Relaxed);
    eventually("the alarm ends", IN_TIME, async || fires(false).await).await;
}
