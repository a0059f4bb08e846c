//! The programs of `examples/publish`, as a reader would run them against a running Posthorn: one transaction, committed or
//! rolled back.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use posthorn::cli::dev::demo;
use secrecy::ExposeSecret;
use serde_json::Value;
use tokio::process::Command;
use tokio::sync::OnceCell;
use uuid::Uuid;

use crate::contract::{run, tools};
use crate::harness::{Answer, Receiver, SOON, Serving};

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/publish");

/// A program of the folder, before its environment is set.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Program {
    Psycopg,
    SqlAlchemy,
    Node,
    Rust,
    Psql,
}

impl Program {
    /// Runs it as a reader does, with what it needs installed.
    pub(crate) async fn command(self, database_url: &str, tenant_id: &str, rolls_back: bool) -> Command {
        let source = |name: &str| Path::new(SOURCES).join(name);
        let mut command = match self {
            Self::Psycopg | Self::SqlAlchemy => {
                let mut command = Command::new(tools("publish-python").await.join("bin/python"));
                let is_plain = matches!(self, Self::Psycopg);
                command.arg(source(if is_plain { "publish.py" } else { "publish_sqlalchemy.py" }));
                command
            }
            Self::Node => {
                let mut command = Command::new("node");
                command.arg(beside_its_packages().await);
                command
            }
            Self::Rust => {
                let mut command = Command::new(env!("CARGO"));
                command.args(["run", "--quiet", "--example", "publish"]).current_dir(env!("CARGO_MANIFEST_DIR"));
                // as this was built, so that nothing is built again
                if cfg!(feature = "failpoints") {
                    command.args(["--features", "failpoints"]);
                }
                command.args((!cfg!(debug_assertions)).then_some("--release")).arg("--");
                command
            }
            Self::Psql => {
                let mut command = Command::new(crate::harness::server().program("psql"));
                command.arg(database_url).arg("--no-psqlrc").arg("--file").arg(source("publish.sql"));
                command.arg(format!("--variable=tenant_id={tenant_id}"));
                command
            }
        };
        let switch = if matches!(self, Self::Psql) { "--variable=rollback=on" } else { "--rollback" };
        command.args(rolls_back.then_some(switch)).env("DATABASE_URL", database_url).env("TENANT_ID", tenant_id);
        command
    }
}

/// `publish.js` in a folder with its packages, where Node looks for them.
async fn beside_its_packages() -> &'static Path {
    static PROGRAM: OnceCell<PathBuf> = OnceCell::const_new();
    let make = async || {
        let packages = tools("publish-node").await.join("node_modules");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("publish-node");
        let _ = fs::remove_dir_all(&folder); // there is none the first time
        fs::create_dir_all(&folder).unwrap();
        std::os::unix::fs::symlink(packages, folder.join("node_modules")).unwrap();
        for file in ["publish.js", "package.json"] {
            fs::copy(Path::new(SOURCES).join(file), folder.join(file)).unwrap();
        }
        folder.join("publish.js")
    };
    PROGRAM.get_or_init(make).await
}

/// Posthorn on a database with the demo business, whose module logs in with the right to publish and no other right of ours.
struct Business {
    serving: Serving,
    receiver: Receiver,
    tenant: Uuid,
}

impl Business {
    async fn open() -> Self {
        let (serving, receiver) = (Serving::start().await, Receiver::start(|_, _| Answer::status(204)));
        let (tenant, api) = serving.tenant("billing").await;
        api.subscribe(&receiver.url("/hook"), "invoice.*").await;
        demo::install(&serving.world.db, tenant).await.unwrap();
        Self { serving, receiver, tenant }
    }

    /// A login of a business module; answers with its URL.
    async fn login(&self, name: &str, membership: &str) -> String {
        let database = self.serving.world.database();
        let (login, password) = (format!("{name}_of_{database}"), "not-a-secret");
        let sql = format!(
            "CREATE ROLE {login} LOGIN PASSWORD '{password}' {membership};
             GRANT USAGE ON SCHEMA demo TO {login};
             GRANT SELECT, INSERT ON demo.invoices TO {login};
             GRANT USAGE ON SEQUENCE demo.invoice_numbers TO {login}"
        );
        self.serving.world.db.batch_execute(&sql).await.unwrap();
        let url = self.serving.world.url();
        let (_, place) = url.expose_secret().rsplit_once('@').unwrap();
        format!("postgres://{login}:{password}@{place}")
    }

    async fn invoices(&self) -> i64 {
        self.serving.world.count("SELECT count(*) FROM demo.invoices").await
    }
}

async fn publishes_in_its_own_transaction(program: Program, events: &[&str]) {
    let business = Business::open().await;
    let tenant = business.tenant.to_string();
    let url = business.login("billing", "IN ROLE posthorn_publisher").await;
    let before = business.invoices().await;

    let rolled_back = run(&mut program.command(&url, &tenant, true).await).await;
    assert!(rolled_back.starts_with("INV-"), "{program:?} printed {rolled_back:?}");
    assert_eq!(business.invoices().await, before, "the rolled-back invoice is there");
    let invoice = run(&mut program.command(&url, &tenant, false).await).await;

    let received = business.receiver.wait_for(events.len(), SOON).await;
    let bodies: Vec<Value> = received.iter().map(|one| serde_json::from_slice(&one.body).unwrap()).collect();
    let names: BTreeSet<&str> = bodies.iter().map(|body| body["event"].as_str().unwrap()).collect();
    assert_eq!(names, events.iter().copied().collect());
    for body in &bodies {
        assert_eq!((&body["resource_type"], &body["resource_id"]), (&"invoice".into(), &invoice.as_str().into()));
        assert_eq!(body["data"]["invoice_id"], invoice.as_str());
    }
    let created = bodies.iter().find(|body| body["event"] == "invoice.created").unwrap();
    assert_eq!(created["data"]["amount"], "1500.00");
    let published = business.serving.world.count("SELECT count(*) FROM posthorn.outbox").await;
    assert_eq!(usize::try_from(published).unwrap(), events.len(), "the rolled-back event is there");
    assert_eq!(business.invoices().await, before + 1);
}

/// The business row and its event share their fate: where one is refused, the other is not written.
async fn writes_nothing_when_publishing_is_refused(program: Program) {
    let business = Business::open().await;
    let url = business.login("outsider", "").await;
    let before = business.invoices().await;

    let output = program.command(&url, &business.tenant.to_string(), false).await.output().await.unwrap();

    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && output.stdout.is_empty(), "{complaint}");
    assert!(complaint.contains("permission denied for schema posthorn"), "{complaint}");
    assert_eq!(business.invoices().await, before, "there is an invoice without its event");
}

#[tokio::test]
async fn psycopg_publishes_in_its_own_transaction() {
    publishes_in_its_own_transaction(Program::Psycopg, &["invoice.created"]).await;
}

#[tokio::test]
async fn sqlalchemy_publishes_in_the_transaction_of_its_session() {
    publishes_in_its_own_transaction(Program::SqlAlchemy, &["invoice.created", "invoice.sent"]).await;
}

#[tokio::test]
async fn node_publishes_in_its_own_transaction() {
    publishes_in_its_own_transaction(Program::Node, &["invoice.created"]).await;
}

#[tokio::test]
async fn rust_publishes_in_its_own_transaction() {
    publishes_in_its_own_transaction(Program::Rust, &["invoice.created"]).await;
}

#[tokio::test]
async fn psql_publishes_in_its_own_transaction() {
    publishes_in_its_own_transaction(Program::Psql, &["invoice.created"]).await;
}

#[tokio::test]
async fn every_program_writes_nothing_when_publishing_is_refused() {
    for program in [Program::Psycopg, Program::SqlAlchemy, Program::Node, Program::Rust, Program::Psql] {
        writes_nothing_when_publishing_is_refused(program).await;
    }
}

/// The test of `docs/testing.md`: it sees the webhook and leaves nothing.
#[tokio::test]
async fn a_program_is_tested_in_a_transaction() {
    let business = Business::open().await;
    let before = business.invoices().await;
    // pytest is one of the tools that look at the API, psycopg one of the programs' drivers
    let (pytest, drivers) = (tools("contract").await, tools("publish-python").await);
    let folder = "import sysconfig; print(sysconfig.get_path('purelib'))";
    let drivers = run(Command::new(drivers.join("bin/python")).args(["-c", folder])).await;
    let mut tests = Command::new(pytest.join("bin/python"));
    tests.args(["-m", "pytest", "-p", "no:cacheprovider", "--quiet", "test_publish.py"]).current_dir(SOURCES);
    tests.env("PYTHONPATH", drivers).env("PYTHONDONTWRITEBYTECODE", "1");
    tests.env("DATABASE_URL", business.serving.world.url().expose_secret());

    let told = run(&mut tests).await;

    assert!(told.contains("2 passed"), "{told}");
    assert_eq!(business.invoices().await, before);
    assert_eq!(business.serving.world.count("SELECT count(*) FROM posthorn.outbox").await, 0);
}

#[test]
fn the_page_on_testing_shows_the_test_that_is_run() {
    let page = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/testing.md"));
    let program = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/publish/test_publish.py"));
    let shown: Vec<&str> = page.split("```python\n").skip(1).map(|rest| rest.split_once("```").unwrap().0).collect();
    assert_eq!(shown.len(), 2);
    for excerpt in shown {
        assert!(program.contains(excerpt), "test_publish.py has no such lines:\n{excerpt}");
    }
}
