//! Clocks that jump: of the dispatcher's host, and of the database's. Leases and retries follow the database's clock alone.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use posthorn::cli::dev::cluster::{Cluster, ClusterOptions};
use posthorn::domain::secret::Secret;
use posthorn::store::migrate::migrate;
use rustix::process::Signal;
use secrecy::SecretString;
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use crate::harness::{
    Aftermath, Answer, Binary, Receiver, SOON, World, dispatch_binary, eventually, faketime, metric_of,
};

/// A clock that a process sees in place of the machine's, by libfaketime.
struct Clock {
    library: PathBuf,
    _folder: TempDir,
    file: PathBuf,
}

impl Clock {
    /// One that is right, or `None` (and a line why) on a machine without libfaketime.
    fn new() -> Option<Self> {
        let library = faketime()?;
        let folder = tempfile::tempdir().unwrap();
        // the database's account reads it too
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let clock = Self { library, file: folder.path().join("offset"), _folder: folder };
        clock.jump_to("+0");
        Some(clock)
    }

    /// Sets it so far from the machine's, such as `-1h`.
    fn jump_to(&self, offset: &str) {
        // written beside and moved, so that nobody reads half of it
        let new = self.file.with_extension("new");
        fs::write(&new, offset).unwrap();
        fs::rename(new, &self.file).unwrap();
    }

    /// What the process is started with. The monotonic clock is left alone, as NTP leaves it.
    fn env(&self) -> [(&str, &str); 4] {
        [
            ("LD_PRELOAD", text(&self.library)),
            ("FAKETIME_TIMESTAMP_FILE", text(&self.file)),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ]
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[tokio::test]
async fn a_jump_of_the_dispatchers_clock_moves_no_lease_and_no_retry_and_is_told() {
    let Some(clock) = Clock::new() else { return };
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = Receiver::start(|path, _| Answer::status(if path == "/fails" { 503 } else { 200 }));
    world.subscribe_signed(tenant, &receiver.url("/hook"), &["*"], &Secret::generate()).await;
    let fails = world.subscribe(tenant, &receiver.url("/fails"), &["*"]).await;
    world.change(fails, "retry_schedule = '{600}'").await;
    let dispatcher = world.dispatch_binary(&clock.env()).await;
    let aftermath = Aftermath::before(&[&dispatcher]);
    for (nth, (offset, seconds)) in [("+0", 0), ("+1h", 3600), ("-1h", -3600)].into_iter().enumerate() {
        clock.jump_to(offset);
        world.publish(tenant, "invoice.paid", json!({})).await;
        let count = i64::try_from(nth).unwrap() + 1;
        world.until_status("delivered", count).await;
        world.until_status("retrying", count).await;
        let requests = receiver.requests();
        let request = requests.iter().rfind(|request| request.path == "/hook").unwrap();
        let sent_at: i64 = request.headers["webhook-timestamp"].to_str().unwrap().parse().unwrap();
        let now = world.count("SELECT extract(epoch FROM clock_timestamp())::bigint").await;
        assert!((sent_at - now - seconds).abs() < 60, "{offset}: the receiver read {sent_at} at {now}");
        // the queue knows nothing of it
        let odd = "SELECT count(*) FROM posthorn.webhook_deliveries d JOIN posthorn.webhook_attempts a ON a.delivery_id = d.id
                   WHERE a.started_at NOT BETWEEN now() - interval '2 min' AND now() OR d.attempts <> 1
                      OR d.status = 'retrying' AND d.due_at NOT BETWEEN now() + interval '7 min' AND now() + interval '13 min'";
        assert_eq!(world.count(odd).await, 0, "{offset}");
        let is_told = async || {
            let skew = metric_of(&dispatcher, "posthorn_clock_skew_seconds").await;
            skew.is_some_and(|skew| (skew - seconds as f64).abs() < 30.0)
        };
        eventually("the skew is on the page of metrics", SOON, is_told).await;
    }
    dispatcher.wait_for_line("this host's clock differs from the database's", SOON).await;
    aftermath.holds(&world).await;
}

/// A server of its own whose clock can jump: PostgreSQL as the cluster starts it, once more with libfaketime.
async fn server_with(clock: &Clock, folder: &Path) -> (Cluster, Binary) {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    let options = ClusterOptions { data_dir: folder.join("pg"), port: None, settings: Vec::new() };
    let mut cluster = Cluster::start(options).await.unwrap();
    migrate(&SecretString::from(cluster.url("postgres"))).await.unwrap();
    cluster.stop().await.unwrap();
    let command = fs::read_to_string(cluster.data_dir().join("postmaster.opts")).unwrap();
    let words: Vec<&str> = command.split_whitespace().map(|word| word.trim_matches('"')).collect();
    let owner = fs::metadata(cluster.data_dir()).unwrap();
    let (user, group) = (format!("--reuid={}", owner.uid()), format!("--regid={}", owner.gid()));
    // without root we are that user already; env, because libfaketime shares memory between processes of one account only
    let as_owner: &[&str] = if is_root() { &["setpriv", &user, &group, "--clear-groups"] } else { &[] };
    let set: Vec<String> = clock.env().iter().map(|(name, value)| format!("{name}={value}")).collect();
    let set: Vec<&str> = set.iter().map(String::as_str).collect();
    let all = [as_owner, &["env"], &set, &words].concat();
    let server = Binary::start_program(all[0], &all[1..], &[]);
    let is_up = async || tokio_postgres::connect(&cluster.url("postgres"), NoTls).await.is_ok();
    eventually("PostgreSQL answers", 3 * SOON, is_up).await;
    (cluster, server)
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[tokio::test]
async fn the_databases_clock_jumps_back_and_no_delivery_has_two_holders_or_is_lost() {
    let Some(clock) = Clock::new() else { return };
    let folder = tempfile::Builder::new().prefix("posthorn-clock-").tempdir().unwrap();
    let (cluster, server) = server_with(&clock, folder.path()).await;
    let url = cluster.url("postgres");
    let db = client(&url).await;
    let (gate, is_open) = watch::channel(false);
    let receiver = Receiver::start(move |path, nth| match path {
        "/slow" => Answer::status(200).once(&is_open),
        "/fails" if nth < 2 => Answer::status(503),
        _ => Answer::status(200),
    });
    let tenant: Uuid = one(&db, "INSERT INTO posthorn.tenants (name) VALUES ('a') RETURNING id").await;
    for (path, event) in [("/slow", "slow.one"), ("/fails", "fails.once"), ("/hook", "fine.one")] {
        let subscribe = format!(
            "INSERT INTO posthorn.webhook_subscriptions (tenant_id, url, events, signing, retry_schedule)
             VALUES ('{tenant}', '{}', '{{{event}}}', 'none', '{{2}}') RETURNING id",
            receiver.url(path)
        );
        one::<Uuid>(&db, &subscribe).await;
    }
    let publish = async |event: &str| {
        one::<Uuid>(&db, &format!("SELECT posthorn.publish('{tenant}', '{event}', '{{}}')")).await;
    };
    let long = [("WEBHOOK_TIMEOUT_SECONDS", "60"), ("RUST_LOG", "warn")];
    let dispatchers = (dispatch_binary(&url, &long).await, dispatch_binary(&url, &long).await);
    let aftermath = Aftermath::before(&[&dispatchers.0, &dispatchers.1]);
    let until = async |query: &str| eventually(query, SOON, async || one(&db, query).await).await;
    publish("slow.one").await;
    receiver.wait_for(1, SOON).await;
    publish("fails.once").await;
    until("SELECT EXISTS (SELECT FROM posthorn.webhook_deliveries WHERE status = 'retrying')").await;

    clock.jump_to("-1h");
    until("SELECT EXISTS (SELECT FROM posthorn.webhook_deliveries WHERE lease_until > clock_timestamp() + interval '59 min')").await;
    // what is new goes out at once, what was scheduled waits as much longer, and the lease has one holder
    publish("fine.one").await;
    until("SELECT count(*) = 1 FROM posthorn.webhook_deliveries WHERE status = 'delivered'").await;
    let late = "SELECT due_at > clock_timestamp() + interval '59 min' FROM posthorn.webhook_deliveries WHERE status = 'retrying'";
    assert!(one::<bool>(&db, late).await);
    gate.send(true).unwrap();
    until("SELECT count(*) = 2 FROM posthorn.webhook_deliveries WHERE status = 'delivered'").await;

    clock.jump_to("+0");
    until("SELECT count(*) = 3 FROM posthorn.webhook_deliveries WHERE status = 'delivered'").await;
    aftermath.holds_in(&db, &[]).await;
    let count = |path: &str| receiver.requests().iter().filter(|request| request.path == path).count();
    assert_eq!((count("/slow"), count("/fails"), count("/hook")), (1, 2, 1));
    assert_eq!(
        one::<i64>(&db, "SELECT count(*) FROM posthorn.webhook_attempts WHERE error_kind = 'lease_expired'").await,
        0
    );
    drop(dispatchers);
    server.signal(Signal::INT); // PostgreSQL's fast shutdown
    server.wait_exit(SOON).await;
}

async fn client(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// The first column of the one row of a query.
async fn one<T: for<'a> tokio_postgres::types::FromSql<'a>>(db: &Client, query: &str) -> T {
    db.query_one(query, &[]).await.unwrap().get(0)
}
