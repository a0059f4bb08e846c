//! Schemathesis asks everything that the document promises, and much that it forbids, of a running server.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::timeout;

use crate::harness::api::BASE;
use crate::harness::{Answer, Receiver, Serving};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Installing tools, or a whole run, on a slow and busy machine.
const LONG: Duration = Duration::from_secs(900);

/// Folder of the pinned tools `name`, which `.ci/tools` installs where they are missing.
pub(crate) async fn tools(name: &str) -> PathBuf {
    let script = Path::new(ROOT).join(".ci/tools");
    PathBuf::from(run(Command::new(script).arg(name)).await)
}

/// Runs a program that must succeed; answers with what it printed.
pub(crate) async fn run(command: &mut Command) -> String {
    let output = timeout(LONG, command.stdin(Stdio::null()).kill_on_drop(true).output());
    let output = output.await.unwrap_or_else(|_| panic!("{command:?} does not end")).unwrap();
    let [printed, complained] =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(output.status.success(), "{command:?}\n{printed}\n{complained}");
    printed.trim().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_keeps_what_the_document_promises() {
    let tools = tools("contract").await;
    let receiver = Receiver::start(|_, _| Answer::status(204));
    // no limit gets in the way, and nobody's failures make a receiver be left alone
    let settings = [
        ("POSTHORN_API_RATE_PER_SECOND", "100000"),
        ("POSTHORN_API_RATE_BURST", "1000000"),
        ("POSTHORN_CIRCUIT_FAILURES", "0"),
    ];
    let serving = Serving::with(&settings).await;
    let tenant = uuid::Uuid::now_v7();
    let key = serving.key(tenant, "contract").await;
    let key = key.expose().expose_secret().to_owned();
    let api = serving.nobody().bearer(&key);
    api.subscribe(&receiver.url("/seed"), "seed.sown").await;
    let event = api.publish("seed.sown", json!({"kind": "oak"})).await;
    let delivery = api.delivery_of(&event).await;

    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.json");
    let base = format!("{}{BASE}", serving.origin());
    let sources = Path::new(ROOT).join("tests/contract");
    let output = Command::new(tools.join("bin/schemathesis"))
        .arg("--config-file")
        .arg(sources.join("schemathesis.toml"))
        .arg("run")
        .arg(Path::new(ROOT).join("openapi/posthorn.yaml"))
        .args(["--url", &base, "--report", "json", "--report-json-path"])
        .arg(&report)
        .envs([("SCHEMATHESIS_HOOKS", "hooks"), ("PYTHONDONTWRITEBYTECODE", "1")])
        .env("PYTHONPATH", &sources)
        .env("CONTRACT_API_KEY", &key)
        .env("CONTRACT_TENANT", tenant.to_string())
        .env("CONTRACT_EVENT_ID", &event)
        .env("CONTRACT_DELIVERY_ID", &delivery)
        .env("CONTRACT_RECEIVER", receiver.url("").trim_end_matches('/'))
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(LONG, output).await.expect("schemathesis does not end").unwrap();

    let said = String::from_utf8_lossy(&output.stdout).replace(&key, "phk_…");
    let complained = String::from_utf8_lossy(&output.stderr).replace(&key, "phk_…");
    assert!(output.status.success(), "{said}\n{complained}");
    let summary = said.rsplit_once("SUMMARY").map_or(said.as_str(), |(_, summary)| summary);
    // not println!, which is shown of failed tests alone
    writeln!(std::io::stderr(), "schemathesis: {}", summary.trim_matches(['=', '\n', ' '])).unwrap();
    let report: Value = serde_json::from_str(&fs::read_to_string(&report).unwrap()).unwrap();
    assert_eq!(report["operations"]["tested"], report["operations"]["total"], "{said}");
    assert!(report["test_cases"]["generated"].as_u64().unwrap() > 1000, "{said}");
    // the whole run was that of the tenant, and the server is well
    api.get("/tenant").await.ok(200);
    assert!(!receiver.requests().is_empty(), "nothing was sent while the dispatcher ran");
    serving.assert_alive().await;
}
