//! Blocks of the book that no other test runs: in a shell, with the program and a PostgreSQL, or in SQL.

use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;

use secrecy::ExposeSecret;
use tempfile::TempDir;
use tokio_postgres::SimpleQueryMessage;
use uuid::Uuid;

use crate::harness::{Binary, Block, SOON, World, blocks, server, sql_blocks};

/// The tenant of the pages.
const TENANT: &str = "6f1c0c9e-6f0e-7d3a-9b55-0d8f2f3c4a10";

/// Making a cluster on a busy machine.
const START: Duration = Duration::from_secs(90);

/// A folder that another user than root may look into.
fn folder() -> TempDir {
    let readable = PermissionsExt::from_mode(0o755);
    tempfile::Builder::new().prefix("posthorn-book-").permissions(readable).tempdir().unwrap()
}

/// Runs a script in a folder, where `posthorn` and `psql` are on PATH, until it ends well; answers with what it printed.
async fn shell(folder: &Path, script: &str, env: &[(&str, &str)]) -> String {
    let psql = server().program("psql");
    let program = Path::new(env!("CARGO_BIN_EXE_posthorn"));
    let folders = [program, &psql].map(|file| file.parent().unwrap().display().to_string()).join(":");
    let path = format!("{folders}:{}", std::env::var("PATH").unwrap());
    let script = format!("set -eu\ncd '{}'\n{script}", folder.display());
    let env = [env, &[("PATH", path.as_str())]].concat();
    let (status, lines) = Binary::start_program("/bin/bash", &["-c", &script], &env).run_to_end().await;
    let told = lines.join("\n");
    assert!(status.success(), "{script}\n{told}");
    told
}

/// The blocks of a page in `sh`.
fn commands(page: &str) -> Vec<Block> {
    blocks(page).into_iter().filter(|block| block.language == "sh").collect()
}

#[tokio::test]
async fn the_first_steps_lead_to_a_verified_webhook() {
    let folder = folder();
    symlink(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples"), folder.path().join("examples")).unwrap();
    let dir = folder.path().join(".posthorn").display().to_string();
    let dev = Binary::start(&["dev", "--dir", &dir, "--bind", "127.0.0.1:0"], &[]);
    dev.wait_for_line("posthorn dev is ready", START).await;
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();

    let steps: String = commands("start.md").iter().skip(1).map(|block| block.code.as_str()).collect();
    let steps = format!("{}\nkill %1\n", steps.replace("4999", &port.to_string()));
    let told = shell(folder.path(), &steps, &[]).await;

    assert!(told.contains("order.shipped verified"), "{told}");
    assert!(told.contains("posthorn_build_info"), "{told}");
    for resource in ["order/O-17", "order/O-18", "order/O-19"] {
        let line = dev.wait_for_line(resource, SOON).await;
        assert!(line.contains("verified") && !line.contains("NOT"), "{line}");
    }
}

#[tokio::test]
async fn keys_are_made_listed_and_revoked() {
    let (world, folder) = (World::new().await, folder());
    let [block] = &commands("api.md")[..] else { panic!("api.md has one block of commands") };
    let url = world.url();
    let env = [("DATABASE_URL", url.expose_secret())];
    let (make, rest) = block.code.split_once('\n').unwrap();
    let key = shell(folder.path(), make, &env).await;
    let id = key.split("phk_").nth(1).and_then(|rest| rest.split('_').next()).unwrap();
    let told = shell(folder.path(), &rest.replace("YaymWwvE8v", id), &env).await;
    assert!(told.contains(id) && told.contains("billing"), "{told}");
    let revoked = "SELECT count(*) FROM posthorn.api_keys WHERE revoked_at IS NOT NULL";
    assert_eq!(world.count(revoked).await, 1);
}

#[tokio::test]
async fn an_installation_from_source_begins() {
    let (world, folder) = (World::empty().await, folder());
    let script = commands("installing.md").into_iter().find(|block| block.code.contains("posthorn migrate")).unwrap();
    let url = world.url();
    let script = format!("{}\necho \"key $KEY\"; posthorn --version", script.code);
    let told = shell(folder.path(), &script, &[("DATABASE_URL", url.expose_secret())]).await;
    assert!(told.contains("key phk_"), "{told}");
    // what the page says that it names
    assert!(told.contains(&format!("posthorn {} (", env!("CARGO_PKG_VERSION"))), "{told}");
}

#[tokio::test]
async fn what_an_operator_is_told_to_ask_is_answered() {
    let world = World::new().await;
    let tenant: Uuid = TENANT.parse().unwrap();
    world.db.execute("INSERT INTO posthorn.tenants (id, name) VALUES ($1, 'shop')", &[&tenant]).await.unwrap();
    world.subscribe(tenant, "https://receiver.example/", &["invoice.*"]).await;
    world.publish(tenant, "invoice.paid", serde_json::json!({})).await;
    let mut asked = 0;
    for name in ["troubleshooting.md", "upgrading.md", "monitoring.md"] {
        for block in blocks(name).iter().filter(|block| block.language == "sql") {
            let operator = world.client_as("posthorn_readonly").await;
            let answers = operator.simple_query(&block.code).await;
            let answers = answers.unwrap_or_else(|error| panic!("{name}: {}{error:?}", block.code));
            assert!(matches!(answers.last(), Some(SimpleQueryMessage::CommandComplete(_))), "{}", block.code);
            asked += 1;
        }
    }
    assert!(asked > 10, "{asked}");
    // a right of the whole server, which the other tests have too: given, and taken back
    let grant = blocks("monitoring.md").into_iter().find(|block| block.code.starts_with("GRANT")).unwrap().code;
    world.db.batch_execute(&format!("BEGIN; {grant}; ROLLBACK")).await.unwrap();
}

#[tokio::test]
async fn what_is_said_of_receivers_can_be_typed() {
    let world = World::new().await;
    let tenant: Uuid = TENANT.parse().unwrap();
    world.db.execute("INSERT INTO posthorn.tenants (id, name) VALUES ($1, 'shop')", &[&tenant]).await.unwrap();
    let subscription = world.subscribe(tenant, "https://receiver.example/", &["invoice.*"]).await;
    let text = crate::harness::page("delivering.md");
    let blocks = sql_blocks(&text);
    assert_eq!(blocks.len(), 4);
    for block in blocks {
        let sql = block.replace("'…'", &format!("'{subscription}'"));
        world.db.batch_execute(&sql).await.unwrap_or_else(|error| panic!("{sql}{error:?}"));
    }
    assert_eq!(world.count("SELECT count(*) FROM posthorn.webhook_subscriptions WHERE ordered").await, 1);
    assert_eq!(world.count("SELECT count(*) FROM posthorn.outbox WHERE ordering_key = 'INV-1001'").await, 1);
}

#[tokio::test]
async fn a_receiver_remembers_what_it_has_seen() {
    let world = World::empty().await;
    world.db.batch_execute("CREATE TABLE received_webhooks (webhook_id text PRIMARY KEY)").await.unwrap();
    let text = crate::harness::page("receiving.md");
    let [block] = sql_blocks(&text)[..] else { panic!("receiving.md has one block of SQL") };
    let sql = block.replace("$1", "'0199c1f0-6f5c-7d6e-9c5b-2f1d3a4b5c6d'");
    let mut stored = Vec::new();
    for _ in 0..2 {
        let answers = world.db.simple_query(&sql).await.unwrap();
        stored.extend(answers.into_iter().filter_map(|answer| match answer {
            SimpleQueryMessage::CommandComplete(rows) => Some(rows),
            _ => None,
        }));
    }
    // BEGIN, INSERT, COMMIT, twice: the second stores nothing, which is how it knows
    assert_eq!((stored[1], stored[4]), (1, 0));
}
