//! The programs of `examples/publish`, as a reader would run them: one transaction, committed or rolled back.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::demo::Business;

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/publish");

/// Runs `install` in a folder of its own under the target folder, unless it has been done for these pinned versions.
fn installed(name: &str, pins: &[&str], install: impl FnOnce(&Path)) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let wanted: String = pins.iter().map(|pin| fs::read_to_string(Path::new(SOURCES).join(pin)).unwrap()).collect();
    let done = folder.join("installed");
    if fs::read_to_string(&done).is_ok_and(|text| text == wanted) {
        return folder;
    }
    fs::create_dir_all(&folder).unwrap();
    install(&folder);
    fs::write(done, wanted).unwrap();
    folder
}

pub(crate) fn run(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    assert!(status.success(), "{command:?}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap().trim().to_owned()
}

/// `publish.py` with the packages it pins.
pub(crate) fn python() -> Command {
    let folder = installed("publish-python", &["requirements.txt"], |folder| {
        run(Command::new("python3").args(["-m", "venv"]).arg(folder));
        let pins = Path::new(SOURCES).join("requirements.txt");
        run(Command::new(folder.join("bin/pip")).args(["install", "--quiet", "--requirement"]).arg(pins));
    });
    let mut command = Command::new(folder.join("bin/python"));
    command.arg(Path::new(SOURCES).join("publish.py"));
    command
}

/// `publish.js` with the packages it pins.
pub(crate) fn node() -> Command {
    let folder = installed("publish-node", &["package.json", "package-lock.json"], |folder| {
        for file in ["package.json", "package-lock.json"] {
            fs::copy(Path::new(SOURCES).join(file), folder.join(file)).unwrap();
        }
        run(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(folder));
    });
    // Node looks for packages beside the program.
    fs::copy(Path::new(SOURCES).join("publish.js"), folder.join("publish.js")).unwrap();
    let mut command = Command::new("node");
    command.arg(folder.join("publish.js"));
    command
}

async fn publishes_in_its_own_transaction(program: fn() -> Command) {
    let business = Business::open().await;
    let command = || {
        let mut command = program();
        command.env("DATABASE_URL", business.url()).env("TENANT_ID", business.tenant_id.to_string());
        command
    };

    let invoice = run(&mut command());
    let rolled_back = run(command().arg("--rollback"));

    let (resource, payload) = business.newest("invoice.created").await;
    assert_eq!(resource, format!("invoice/{invoice}"));
    assert_eq!(payload["amount"], "1500.00");
    assert_eq!(business.events().await, 1, "the rolled-back event is there");
    for (id, rows) in [(invoice, "1"), (rolled_back, "0")] {
        assert_eq!(business.call(&format!("SELECT count(*) FROM demo.invoices WHERE id = '{id}'")).await, rows, "{id}");
    }
}

#[tokio::test]
async fn python_publishes_in_its_own_transaction() {
    publishes_in_its_own_transaction(python).await;
}

#[tokio::test]
async fn node_publishes_in_its_own_transaction() {
    publishes_in_its_own_transaction(node).await;
}
