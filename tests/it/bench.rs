//! `posthorn bench` as people run it, with sizes that are over in a moment.

use std::time::Duration;

use secrecy::ExposeSecret;
use serde_json::Value;

use crate::harness::{Binary, server};

/// Making databases takes its time where others use the disk too.
const LIMIT: Duration = Duration::from_secs(120);

/// Runs it on the tests' server; answers with whether it succeeded and with everything it wrote.
async fn bench(arguments: &[&str]) -> (bool, Vec<String>) {
    let url = server().url("postgres");
    let arguments = [&["bench", "--database-url", url.expose_secret(), "--rounds", "1"], arguments].concat();
    let command = Binary::start(&arguments, &[]);
    command.wait_exit(LIMIT).await;
    let (status, lines) = command.run_to_end().await;
    (status.success(), lines)
}

#[tokio::test]
async fn scripts_read_the_figures_from_one_json_object() {
    let tiny = ["--bare-requests", "200", "--deliveries", "300", "--latency-rates", "20", "--latency-seconds", "1"];
    let (is_good, lines) = bench(&[&["--json", "--only", "drain,latency"], &tiny[..]].concat()).await;
    assert!(is_good, "{}", lines.join("\n"));
    let json = lines.iter().find(|line| line.starts_with('{')).unwrap();
    let read: Value = serde_json::from_str(json).unwrap();
    let number = |path: &str| read.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("{path} in {json}"));
    for path in ["/drain/ratio", "/drain/per_second", "/drain/wal_bytes", "/latency_20/p99_ms", "/rss_peak_mib"] {
        assert!(number(path) > 0.0, "{path} in {json}");
    }
    // the server runs on this machine, so PostgreSQL's share is known
    assert!(number("/cpu_us_per_delivery") >= number("/drain/cpu_dispatcher_us"), "{json}");
    assert!(number("/latency_20/max_ms") >= number("/latency_20/p50_ms"), "{json}");
    assert_eq!(read["failed"], Value::Array(Vec::new()));
    assert!(lines.iter().any(|line| line.contains("round 1 of 1: latency")), "{lines:?}");
}

#[tokio::test]
async fn an_event_of_a_large_statement_has_its_price() {
    let (is_good, lines) = bench(&["--json", "--only", "bulk", "--bulk-events", "200", "--bulk-turns", "1"]).await;
    assert!(is_good, "{}", lines.join("\n"));
    let read: Value = serde_json::from_str(lines.iter().find(|line| line.starts_with('{')).unwrap()).unwrap();
    for key in ["insert_us", "insert_untriggered_us", "copy_us", "copy_untriggered_us"] {
        assert!(read.pointer(&format!("/bulk/{key}")).and_then(Value::as_f64).unwrap() > 0.0, "{key} in {read}");
    }
}

#[tokio::test]
async fn days_go_beside_a_dispatcher_that_sends() {
    let sizes = ["--history-rows", "2000", "--retention-backlog", "60000", "--retention-slice-ms", "20"];
    let (is_good, lines) = bench(&[&["--json", "--only", "retention"], &sizes[..]].concat()).await;
    assert!(is_good, "{}", lines.join("\n"));
    let read: Value = serde_json::from_str(lines.iter().find(|line| line.starts_with('{')).unwrap()).unwrap();
    let figure = |key: &str| read.pointer(&format!("/retention/{key}")).and_then(Value::as_f64).unwrap();
    assert!(figure("ratio") > 0.0 && figure("day_seconds") > 0.0, "{read}");
    // of nine days and a part of one, the three tables that are kept by days
    assert!(figure("partitions") >= 27.0, "{read}");
}

#[tokio::test]
async fn every_operator_view_is_timed_where_it_shows_something() {
    // so many that the last hours, of which the views tell, have failures
    let (is_good, lines) = bench(&["--json", "--only", "views", "--history-rows", "5000"]).await;
    assert!(is_good, "{}", lines.join("\n"));
    let json = lines.iter().find(|line| line.starts_with('{')).unwrap();
    let read: Value = serde_json::from_str(json).unwrap();
    let times = read["views"].as_object().unwrap_or_else(|| panic!("{json}"));
    let milliseconds = |name: &str| times[name].as_f64().unwrap_or_else(|| panic!("{name} in {json}"));
    let others: Vec<f64> = times.keys().filter(|name| *name != "worst_ms").map(|name| milliseconds(name)).collect();
    assert!(others.len() >= 15 && others.iter().all(|time| *time > 0.0), "{json}");
    assert!(others.contains(&milliseconds("worst_ms")), "{json}");
}

#[tokio::test]
async fn every_hostile_request_is_answered_as_it_must_be_and_its_cpu_is_told() {
    let (is_good, lines) = bench(&["--json", "--only", "hostile", "--hostile-requests", "1"]).await;
    assert!(is_good, "{}", lines.join("\n"));
    let json = lines.iter().find(|line| line.starts_with('{')).unwrap();
    let read: Value = serde_json::from_str(json).unwrap();
    assert_eq!(read["failed"], Value::Array(Vec::new()), "{json}");
    for group in ["payload", "headers", "query", "filter", "template", "url", "schema"] {
        let told = read["hostile"][group].as_object().unwrap_or_else(|| panic!("{group} in {json}"));
        assert!(told.len() >= 7 && told.values().all(|cpu| cpu.as_f64().is_some_and(|cpu| cpu >= 0.0)), "{told:?}");
    }
    for figure in ["worst_cpu_ms", "dear_filter_cpu_ms", "rss_peak_mib"] {
        assert!(read["hostile"][figure].as_f64().is_some_and(|value| value > 0.0), "{figure} in {json}");
    }
    assert_eq!(read["aims"]["hostile.worst_cpu_ms"]["aim"], "<= 50");
}

#[tokio::test]
async fn what_fails_is_told_and_the_others_go_on() {
    // a dispatcher that may not dial this machine: no webhook arrives
    let (is_good, lines) =
        bench(&["--only", "bare,memory", "--bare-requests", "50", "--set", "WEBHOOK_ALLOW_NETWORKS=192.0.2.0/24"])
            .await;
    assert!(!is_good);
    let line = |start: &str| lines.iter().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{lines:?}"));
    let failed = line("FAILED bare in round 1");
    assert!(failed.contains("only 0 of 50 webhooks arrived"), "{failed}");
    assert!(line("dispatcher resident, idle").contains("<= 64"), "{lines:?}");
    line("posthorn: 1 scenario runs failed");
}

#[tokio::test]
async fn a_setting_that_does_not_exist_is_refused() {
    let (is_good, lines) = bench(&["--only", "memory", "--set", "POSTHORN_NO_SUCH=1"]).await;
    assert!(!is_good && lines.concat().contains("there is no setting POSTHORN_NO_SUCH"), "{lines:?}");
}
