//! `posthorn dev` as a newcomer meets it: one command, an event by SQL, Python and Node, a verified line at the receiver.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};

use crate::contract::run;
use crate::harness::{Api, Binary, SOON};
use crate::publish::Program;

/// Making a cluster on a busy machine.
const START: Duration = Duration::from_secs(90);

/// A folder as a newcomer's, and the program running in it.
struct Newcomer {
    folder: TempDir,
    program: Binary,
    told: Value,
}

impl Newcomer {
    async fn begin() -> Self {
        let folder = tempfile::Builder::new().prefix("posthorn-dev-").tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let (program, told) = start(folder.path()).await;
        Self { folder, program, told }
    }

    /// Ctrl-C; answers once everything has stopped.
    async fn interrupt(&self) {
        self.program.signal(Signal::INT);
        assert!(self.program.wait_exit(START).await.success(), "{:?}", self.program.lines());
    }

    async fn client(&self) -> Client {
        let (client, connection) = tokio_postgres::connect(self.word("database_url"), NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    fn word(&self, name: &str) -> &str {
        self.told[name].as_str().unwrap()
    }

    /// Waits for the receiver's line about this resource.
    async fn verified(&self, resource: &str) {
        let line = self.program.wait_for_line(resource, SOON).await;
        assert!(line.contains("verified") && !line.contains("NOT") && line.ends_with("204"), "{line}");
    }

    fn has_heard_of(&self, resource: &str) -> bool {
        self.program.lines().iter().any(|line| line.contains(&format!("{resource} ")))
    }
}

async fn start(folder: &Path) -> (Binary, Value) {
    start_with(folder, &[], &[]).await
}

async fn start_with(folder: &Path, more: &[&str], env: &[(&str, &str)]) -> (Binary, Value) {
    let arguments = [arguments(folder), more.iter().copied().map(ToOwned::to_owned).collect()].concat();
    let program = Binary::start(&arguments, env);
    let ready = program.wait_for_line("posthorn dev is ready", START).await;
    let file = PathBuf::from(ready.split_once(": ").unwrap().1);
    assert_eq!(file, folder.canonicalize().unwrap().join(".posthorn/dev.json"));
    (program, serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap())
}

fn arguments(folder: &Path) -> Vec<String> {
    let dir = folder.join(".posthorn").display().to_string();
    ["dev", "--dir", &dir, "--bind", "127.0.0.1:0"].map(ToOwned::to_owned).to_vec()
}

#[tokio::test]
async fn a_newcomer_sees_committed_events_arrive_verified_and_rolled_back_ones_never() {
    let newcomer = Newcomer::begin().await;
    let client = newcomer.client().await;
    let pay = async |end: &str| -> String {
        client.batch_execute("BEGIN").await.unwrap();
        let payment = client.query_one("SELECT demo.pay_invoice()", &[]).await.unwrap().get(0);
        client.batch_execute(end).await.unwrap();
        payment
    };
    let publish = async |program: Program, rolls_back: bool| {
        run(&mut program.command(newcomer.word("database_url"), newcomer.word("tenant_id"), rolls_back).await).await
    };

    let rolled_back =
        [pay("ROLLBACK").await, publish(Program::Psycopg, true).await, publish(Program::Node, true).await]
            .map(|resource| format!("/{resource}"));
    let committed = [pay("COMMIT").await, publish(Program::Psycopg, false).await, publish(Program::Node, false).await];

    // everything rolled back came first: once the last of the committed is here, the others would be too
    for resource in &committed {
        newcomer.verified(&format!("/{resource} ")).await;
    }
    for resource in &rolled_back {
        assert!(!newcomer.has_heard_of(resource), "{resource} was rolled back");
    }
    newcomer.interrupt().await;
}

#[tokio::test]
async fn a_second_start_goes_on_with_the_data() {
    let mut newcomer = Newcomer::begin().await;
    let payment: String = newcomer.client().await.query_one("SELECT demo.pay_invoice()", &[]).await.unwrap().get(0);
    newcomer.verified(&format!("/{payment} ")).await;
    let first = newcomer.told.clone();
    newcomer.interrupt().await;
    assert!(!newcomer.folder.path().join(".posthorn/dev.json").exists(), "dev.json says that someone is ready");
    assert!(tokio_postgres::connect(newcomer.word("database_url"), NoTls).await.is_err(), "PostgreSQL still runs");

    (newcomer.program, newcomer.told) = start(newcomer.folder.path()).await;

    for kept in ["tenant_id", "api_key", "admin_token"] {
        assert_eq!(newcomer.word(kept), first[kept].as_str().unwrap(), "{kept}");
    }
    let client = newcomer.client().await;
    let delivered = "SELECT count(*) FROM posthorn.webhook_deliveries WHERE status = 'delivered'";
    assert_eq!(client.query_one(delivered, &[]).await.unwrap().get::<_, i64>(0), 1);
    let payment: String = client.query_one("SELECT demo.pay_invoice()", &[]).await.unwrap().get(0);
    newcomer.verified(&format!("/{payment} ")).await;
    newcomer.interrupt().await;
}

#[tokio::test]
async fn the_operators_token_is_the_one_that_was_given() {
    let mut newcomer = Newcomer::begin().await;
    let own = newcomer.word("admin_token").to_owned();
    for (more, env) in [
        (["--admin-token", "given-with-a-flag"].as_slice(), [].as_slice()),
        (&[], &[("POSTHORN_ADMIN_TOKEN", "given-by-environment")]),
    ] {
        newcomer.interrupt().await;
        (newcomer.program, newcomer.told) = start_with(newcomer.folder.path(), more, env).await;
        let token = newcomer.word("admin_token");
        assert!(token.starts_with("given-"), "{token}");
        let server = Api::nobody_at(newcomer.word("api_url").trim_start_matches("http://")).at("/api/v1/admin");
        server.clone().bearer(token).get("/tenants").await.ok(200);
        server.bearer(&own).get("/tenants").await.problem(401, "unauthorised");
    }
    newcomer.interrupt().await;
    (newcomer.program, newcomer.told) = start(newcomer.folder.path()).await;
    assert_eq!(newcomer.word("admin_token"), own, "what was given is not kept");
    newcomer.interrupt().await;
}

#[tokio::test]
async fn a_port_in_use_or_a_folder_in_use_is_said_in_a_line_that_helps() {
    let newcomer = Newcomer::begin().await;
    let taken = newcomer.word("api_url").strip_prefix("http://").unwrap().to_owned();
    let elsewhere = tempfile::tempdir().unwrap();
    fs::set_permissions(elsewhere.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let mut arguments_elsewhere = arguments(elsewhere.path());
    *arguments_elsewhere.last_mut().unwrap() = taken.clone();

    let same_port = Binary::start(&arguments_elsewhere, &[]);
    assert!(!same_port.wait_exit(START).await.success());
    let line = same_port.wait_for_line("posthorn: cannot listen on", SOON).await;
    assert!(line.contains(&taken) && line.contains("POSTHORN_BIND"), "{line}");

    let same_folder = Binary::start(&arguments(newcomer.folder.path()), &[]);
    assert!(!same_folder.wait_exit(START).await.success());
    let line = same_folder.wait_for_line("posthorn: posthorn dev already runs in", SOON).await;
    let pid = format!("kill -INT {}", newcomer.program.pid());
    assert!(line.contains(&pid) && line.contains(&taken) && line.contains("--dir"), "{line}");
    // and the one that runs is not disturbed
    assert!(newcomer.folder.path().join(".posthorn/dev.json").exists());
    let payment: String = newcomer.client().await.query_one("SELECT demo.pay_invoice()", &[]).await.unwrap().get(0);
    newcomer.verified(&format!("/{payment} ")).await;
    newcomer.interrupt().await;
}
