//! Servers that take the place of another: a standby that is promoted, and a base backup that takes everything back in time.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use posthorn::cli::dev::cluster::{Cluster, ClusterOptions};
use posthorn::store::migrate::migrate;
use tempfile::TempDir;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::harness::{Answer, Receiver, SOON, connect, dispatch_binary, eventually, server};

/// A folder that the account running the server may enter too.
pub(super) fn folder() -> TempDir {
    let folder = tempfile::Builder::new().prefix("posthorn-faults-").tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

pub(super) fn options(folder: &TempDir, name: &str) -> ClusterOptions {
    ClusterOptions { data_dir: folder.path().join(name), port: None, settings: Vec::new() }
}

/// A server with the schema, a tenant and its subscription to everything.
pub(super) async fn cluster(options: ClusterOptions, receiver: &Receiver) -> (Cluster, Client, Uuid) {
    let cluster = Cluster::start(options).await.unwrap();
    migrate(&cluster.url("postgres").into()).await.unwrap();
    let client = connect(&cluster.url("postgres")).await;
    let tenant = subscribed(&client, receiver).await;
    (cluster, client, tenant)
}

/// Adds a tenant and its subscription to everything.
pub(super) async fn subscribed(client: &Client, receiver: &Receiver) -> Uuid {
    let tenant = "INSERT INTO posthorn.tenants (name) VALUES ('a') RETURNING id";
    let tenant: Uuid = client.query_one(tenant, &[]).await.unwrap().get(0);
    let subscribe =
        "INSERT INTO posthorn.webhook_subscriptions (tenant_id, url, events, signing) VALUES ($1, $2, '{*}', 'none')";
    client.execute(subscribe, &[&tenant, &receiver.url("/hook")]).await.unwrap();
    tenant
}

async fn publish(client: &Client, tenant: Uuid) -> Uuid {
    client.query_one("SELECT posthorn.publish($1, 'invoice.paid', '{}')", &[&tenant]).await.unwrap().get(0)
}

/// How often an event was received.
fn times(receiver: &Receiver, event: Uuid) -> usize {
    receiver.requests().iter().filter(|request| request.headers["webhook-id"] == event.to_string()).count()
}

/// Copies the files of a running server into a folder beside its own, for a standby.
fn base_backup(cluster: &Cluster, name: &str) {
    let (from, to) = (cluster.data_dir(), cluster.data_dir().with_file_name(name));
    let output = Command::new(server().program("pg_basebackup"))
        .args(["--write-recovery-conf", "--checkpoint=fast", "--no-sync", "-D"])
        .arg(&to)
        .args(["--dbname", &cluster.url("postgres")])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    own_as(&to, from);
    fs::copy(from.with_extension("password"), to.with_extension("password")).unwrap();
}

/// Gives a folder to the owner of another, and copies of files too.
pub(super) fn own_as(folder: &Path, like: &Path) {
    let done = Command::new("chown").arg("-R").arg(format!("--reference={}", like.display())).arg(folder).status();
    assert!(done.unwrap().success());
}

#[tokio::test]
async fn a_promoted_standby_is_sent_from_at_once_and_a_backup_sends_again_what_it_knows_nothing_of() {
    if !server().has_program("pg_basebackup") {
        return;
    }
    let folder = folder();
    let receiver = Receiver::start(|_, _| Answer::status(200));
    let (mut primary, client, tenant) = cluster(options(&folder, "primary"), &receiver).await;
    let delivered = "SELECT count(*) FROM posthorn.webhook_deliveries WHERE status = 'delivered'";
    let dispatcher = dispatch_binary(&primary.url("postgres"), &[]).await;
    publish(&client, tenant).await;
    receiver.wait_for(1, SOON).await;
    eventually("it is recorded", SOON, async || client.query_one(delivered, &[]).await.unwrap().get::<_, i64>(0) == 1)
        .await;
    dispatcher.kill().await;
    let before_backup = publish(&client, tenant).await;
    base_backup(&primary, "standby");
    let copied =
        Command::new("cp").arg("-a").arg(folder.path().join("standby")).arg(folder.path().join("past")).status();
    assert!(copied.unwrap().success());
    fs::copy(folder.path().join("standby.password"), folder.path().join("past.password")).unwrap();

    // two servers, of which the dispatcher takes the one that can be written to
    let standby = Cluster::start(options(&folder, "standby")).await.unwrap();
    let host = |cluster: &Cluster| format!("127.0.0.1:{}", cluster.port());
    let both = primary.url("postgres").replace(&host(&primary), &format!("{},{}", host(&standby), host(&primary)));
    let dispatcher = dispatch_binary(&format!("{both}?target_session_attrs=read-write"), &[]).await;
    receiver.wait_for(2, SOON).await;
    eventually("it is recorded", SOON, async || client.query_one(delivered, &[]).await.unwrap().get::<_, i64>(0) == 2)
        .await;
    let at: String = client.query_one("SELECT pg_current_wal_insert_lsn()::text", &[]).await.unwrap().get(0);
    let beside = connect(&standby.url("postgres")).await;
    let is_there = format!("SELECT pg_last_wal_replay_lsn() >= '{at}'::pg_lsn");
    eventually("the standby has it", SOON, async || beside.query_one(&is_there, &[]).await.unwrap().get(0)).await;
    primary.kill().await;
    beside.query("SELECT pg_promote(true, 20)", &[]).await.unwrap();
    let after_failover = publish(&beside, tenant).await;
    receiver.wait_for(3, SOON).await;
    assert_eq!(times(&receiver, after_failover), 1);
    assert_eq!(times(&receiver, before_backup), 1);
    assert!(!dispatcher.lines().iter().any(|line| line.contains("is a copy")), "{:#?}", dispatcher.lines());
    dispatcher.kill().await;

    // back in time: what was sent since the backup is sent again, as the same message
    fs::remove_file(folder.path().join("past/standby.signal")).unwrap();
    let past = Cluster::start(options(&folder, "past")).await.unwrap();
    let dispatcher = dispatch_binary(&past.url("postgres"), &[]).await;
    receiver.wait_for(4, SOON).await;
    assert_eq!(times(&receiver, before_backup), 2);
    let bodies: Vec<_> = receiver
        .requests()
        .into_iter()
        .filter(|request| request.headers["webhook-id"] == before_backup.to_string())
        .map(|request| request.body)
        .collect();
    assert_eq!(bodies[0], bodies[1]);
    assert!(!dispatcher.lines().iter().any(|line| line.contains("is a copy")), "{:#?}", dispatcher.lines());
}
