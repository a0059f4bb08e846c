//! Clients generated from the document by other people's generators, and small programs that use them.

use std::fs;
use std::path::{Path, PathBuf};

use secrecy::ExposeSecret;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::contract::{run, tools};
use crate::harness::{Answer, Receiver, SOON, Serving};

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/clients");
const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/posthorn.yaml");

/// Runs a program that subscribes, publishes, lists, retries and rotates, and looks whether it did.
async fn does_it_all(mut program: Command) {
    let receiver = Receiver::start(|_, _| Answer::status(204));
    let serving = Serving::start().await;
    let tenant = uuid::Uuid::now_v7();
    let key = serving.key(tenant, "client").await;
    let key = key.expose().expose_secret().to_owned();
    program.env("POSTHORN_URL", serving.origin()).env("POSTHORN_API_KEY", &key);
    program.env("RECEIVER_URL", receiver.url("/hook"));

    let said = run(&mut program).await;

    let told: Value = serde_json::from_str(&said).expect(&said);
    assert_eq!(told["is_rotated"], true, "{said}");
    let received = receiver.wait_for(2, SOON).await;
    assert!(received.iter().all(|one| one.headers["x-event"] == "invoice.created"), "{received:?}");
    let api = serving.nobody().bearer(&key);
    let delivery = api.get(&format!("/deliveries/{}", told["delivery"].as_str().unwrap())).await.ok(200);
    for (field, said) in [("event_id", "event"), ("subscription_id", "subscription"), ("generation", "generation")] {
        assert_eq!(delivery[field], told[said], "{field}");
    }
    assert!(delivery["generation"].as_i64().unwrap() >= 1, "it was not sent again: {delivery}");
    let subscription = api.get(&format!("/subscriptions/{}", told["subscription"].as_str().unwrap())).await.ok(200);
    assert!(subscription["previous_secret_until"].is_string(), "its secret was not rotated: {subscription}");
}

#[tokio::test]
async fn a_generated_typescript_client_does_it_all() {
    let (tools, work) = (tools("typescript").await, Work::new());
    // Node looks for packages above the program
    std::os::unix::fs::symlink(tools.join("node_modules"), work.path("node_modules")).unwrap();
    for file in ["client.ts", "tsconfig.json", "package.json"] {
        fs::copy(Path::new(EXAMPLES).join("typescript").join(file), work.path(file)).unwrap();
    }
    let tool = |name: &str| {
        let mut command = Command::new("node");
        command.arg(tools.join("node_modules").join(name)).current_dir(work.0.path());
        command
    };
    run(tool("openapi-typescript/bin/cli.js").args([DOCUMENT, "--output", "posthorn.d.ts"])).await;
    run(tool("typescript/bin/tsc").args(["--project", "tsconfig.json"])).await;

    let mut program = Command::new("node");
    program.arg(work.path("client.js"));
    does_it_all(program).await;
}

#[tokio::test]
async fn a_generated_python_client_does_it_all() {
    let (tools, work) = (tools("python").await, Work::new());
    // the generator ends by having ruff, which is one of its packages, order the imports
    let path = format!("{}:{}", tools.join("bin").display(), std::env::var("PATH").unwrap());
    let mut generate = Command::new(tools.join("bin/openapi-python-client"));
    generate.args(["generate", "--meta", "none", "--fail-on-warning", "--path", DOCUMENT, "--output-path"]);
    run(generate.arg(work.path("posthorn_client")).env("PATH", path)).await;

    let mut program = Command::new(tools.join("bin/python"));
    program.arg(Path::new(EXAMPLES).join("python/client.py"));
    program.env("PYTHONPATH", work.0.path()).env("PYTHONDONTWRITEBYTECODE", "1");
    does_it_all(program).await;
}

/// A folder for what is generated.
struct Work(TempDir);

impl Work {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}
