//! A server that has no room left: on its disk, or for another connection.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use posthorn::cli::dev::cluster::Cluster;
use posthorn::store::migrate::migrate;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tempfile::TempDir;
use tokio_postgres::error::SqlState;

use super::failover::{folder, options, own_as, subscribed};
use super::{end_sessions, login, login_name};
use crate::harness::{Aftermath, Answer, Receiver, SOON, Serving, World, connect, dispatch_binary, eventually, server};

/// A small disk of its own; unmounted when dropped.
struct Disk {
    folder: TempDir,
}

impl Disk {
    /// `None` where it cannot be had: that takes root, and the right to mount.
    fn new(megabytes: u32) -> Option<Self> {
        let folder = super::failover::folder();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={megabytes}m,mode=0777"), "none"])
            .arg(folder.path())
            .output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self { folder })
    }

    fn balloon(&self) -> PathBuf {
        self.folder.path().join("balloon")
    }

    /// Takes all the room there is.
    fn fill(&self) {
        let filled = fs::File::create(self.balloon()).and_then(|mut file| {
            loop {
                std::io::Write::write_all(&mut file, &[1; 4096])?;
            }
        });
        let error: std::io::Error = match filled {
            Err(error) => error,
            Ok(()) => unreachable!("a loop without end"),
        };
        assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    }

    fn give_room(&self) {
        fs::remove_file(self.balloon()).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.folder.path()).status();
    }
}

/// A server whose database `small` is on that disk, and its WAL is not; with the schema.
async fn small_server(folder: &TempDir, disk: &Disk) -> (Cluster, SecretString) {
    let cluster = Cluster::start(options(folder, "pg")).await.unwrap();
    let place = disk.folder.path().join("tables");
    fs::create_dir(&place).unwrap();
    own_as(&place, cluster.data_dir());
    let client = connect(&cluster.url("postgres")).await;
    client.batch_execute(&format!("CREATE TABLESPACE small LOCATION '{}'", place.display())).await.unwrap();
    client.batch_execute("CREATE DATABASE small TABLESPACE small").await.unwrap();
    let url = cluster.url("small").into();
    migrate(&url).await.unwrap();
    (cluster, url)
}

#[tokio::test]
async fn on_a_full_disk_publishers_are_told_and_all_goes_on_once_there_is_room() {
    let Some(disk) = Disk::new(100) else {
        eprintln!("skipped: no disk can be mounted here");
        return;
    };
    let folder = folder();
    let (cluster, url) = small_server(&folder, &disk).await;
    let client = connect(url.expose_secret()).await;
    let receiver = Receiver::start(|_, _| Answer::status(200).body("x".repeat(8000)));
    let tenant = subscribed(&client, &receiver).await;
    let publish =
        "SELECT posthorn.publish($1, 'invoice.paid', jsonb_build_object('n', n, 'x', repeat(md5(n::text), 100)))
                   FROM generate_series(1, 50) AS n";
    let dispatcher = dispatch_binary(url.expose_secret(), &[("WEBHOOK_TIMEOUT_SECONDS", "2")]).await;
    let aftermath = Aftermath::before(&[&dispatcher]);
    client.query(publish, &[&tenant]).await.unwrap();
    disk.fill();
    let mut refused = None;
    while refused.is_none() {
        refused = client.query(publish, &[&tenant]).await.err();
    }
    let refused = refused.unwrap();
    assert_eq!(refused.code().map(SqlState::code), Some("53100"), "{refused:?}");
    let events: i64 = client.query_one("SELECT count(*) FROM posthorn.outbox", &[]).await.unwrap().get(0);
    dispatcher.wait_for_line("No space left on device", SOON).await;

    disk.give_room();
    let delivered = "SELECT count(DISTINCT event_id) FROM posthorn.webhook_deliveries WHERE status = 'delivered'";
    eventually("all is delivered", 3 * SOON, async || {
        client.query_one(delivered, &[]).await.unwrap().get::<_, i64>(0) == events
    })
    .await;
    client.query(publish, &[&tenant]).await.unwrap();
    assert!(!dispatcher.lines().iter().any(|line| line.contains("panicked")), "{:#?}", dispatcher.lines());
    // backing off, not turning in circles
    let complaints = dispatcher.lines().iter().filter(|line| line.contains("No space left")).count();
    assert!(complaints < 200, "{complaints} complaints");
    aftermath.holds_in(&client, &[]).await;
    drop((client, cluster, disk));
}

#[tokio::test]
async fn without_a_connection_left_calls_are_told_when_to_come_back_and_dispatching_goes_on_later() {
    let world = World::new().await;
    let tenant = world.tenant("b").await;
    let receiver = Receiver::start(|_, _| Answer::status(200));
    world.subscribe(tenant, &receiver.url("/hook"), &["*"]).await;
    let url = login(&world, "CONNECTION LIMIT 30").await;
    let serving = Serving::against(world, &url, &[]).await;
    let (_, api) = serving.tenant("a").await;
    api.get("/subscriptions").await.ok(200);
    // somebody else takes every connection there is
    let limit = |n| format!("ALTER ROLE {} CONNECTION LIMIT {n}", login_name(&serving.world));
    server().admin(&limit(0)).await.unwrap();
    end_sessions(&serving.world).await;
    for _ in 0..3 {
        let refused = api.get("/subscriptions").await;
        refused.problem(503, "unavailable");
        assert!(refused.headers["retry-after"].to_str().unwrap().parse::<u32>().unwrap() >= 1);
    }
    serving.binary.wait_for_line("too many connections", SOON).await;
    serving.world.publish(tenant, "invoice.paid", json!({})).await;
    server().admin(&limit(30)).await.unwrap();
    receiver.wait_for(1, SOON).await;
    eventually("calls succeed", SOON, async || api.get("/subscriptions").await.status == 200).await;
    serving.assert_alive().await;
}
