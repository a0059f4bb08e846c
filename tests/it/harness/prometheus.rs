//! A real Prometheus with an Alertmanager, configured by the examples of `ops/`, that scrapes a running Posthorn every second.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;
use url::form_urlencoded;

use super::{Api, Binary, SOON};

/// A file of `ops/`.
pub(crate) fn ops(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("ops").join(path)
}

/// Whether a program is there; says so when it is not.
pub(crate) fn has(program: &str) -> bool {
    let is_there = Command::new(program).arg("--version").output().is_ok();
    if !is_there {
        eprintln!("not tested: there is no {program} here (.ci/setup --tests installs it where there is apt-get)");
    }
    is_there
}

/// A running Prometheus and its Alertmanager; both end when dropped.
pub(crate) struct Prometheus {
    api: Api,
    alertmanager: Api,
    _processes: [Binary; 2],
    _folder: TempDir,
}

impl Prometheus {
    /// Starts both. What the examples measure in minutes is measured in seconds: scraped and evaluated every second, and in rules a
    /// range of `[5m]` is six seconds long and `for: 5m` two. `None`, said on stderr, where they are not installed.
    pub(crate) async fn watching(target: &str) -> Option<Self> {
        if !(has("prometheus") && has("prometheus-alertmanager")) {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let [address, alertmanager] = [(); 2].map(|()| free_address());
        let read = |path| fs::read_to_string(ops(path)).unwrap();
        let target = target.trim_start_matches("http://");
        let config = read("prometheus/prometheus.yml")
            .replace("127.0.0.1:9093", &alertmanager)
            .replace("127.0.0.1:8080", target)
            .replace("_interval: 15s", "_interval: 1s");
        assert!(config.contains(target) && config.contains(&alertmanager), "the example has other addresses");
        let rules = read("prometheus/rules.yml").replace("[5m]", "[6s]").replace("for: 5m", "for: 2s");
        fs::write(folder.path().join("prometheus.yml"), config).unwrap();
        fs::write(folder.path().join("rules.yml"), rules).unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let alerting = [
            format!("--config.file={}", ops("alertmanager/alertmanager.yml").display()),
            format!("--storage.path={}", at("alertmanager")),
            format!("--web.listen-address={alertmanager}"),
            "--cluster.listen-address=".to_owned(),
        ];
        let watching = [
            format!("--config.file={}", at("prometheus.yml")),
            format!("--storage.tsdb.path={}", at("data")),
            format!("--web.listen-address={address}"),
        ];
        let processes = [
            Binary::start_program("prometheus-alertmanager", &alerting, &[]),
            Binary::start_program("prometheus", &watching, &[]),
        ];
        processes[0].wait_for_line("Listening on", SOON).await;
        processes[1].wait_for_line("Server is ready to receive web requests", SOON).await;
        let [api, alertmanager] = [&address, &alertmanager].map(|address| Api::nobody_at(address).at(""));
        Some(Self { api, alertmanager, _processes: processes, _folder: folder })
    }

    /// Series that an expression answers with now.
    pub(crate) async fn ask(&self, expression: &str) -> Vec<Value> {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("query", expression).finish();
        let reply = self.api.get(&format!("/api/v1/query?{query}")).await;
        assert_eq!(reply.status, 200, "{expression}: {}", reply.text);
        reply.ok(200)["data"]["result"].as_array().unwrap().clone()
    }

    /// Names of the alerts that fire, as the Alertmanager has been told.
    pub(crate) async fn alerts(&self) -> Vec<String> {
        let alerts = self.alertmanager.get("/api/v2/alerts?active=true").await.ok(200);
        let name = |alert: &Value| alert["labels"]["alertname"].as_str().unwrap().to_owned();
        alerts.as_array().unwrap().iter().map(name).collect()
    }
}

/// An address that nobody listens at; that of a moment later is another's to take, which neither program can be told to avoid.
fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}
