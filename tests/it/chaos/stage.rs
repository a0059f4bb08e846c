//! A durable PostgreSQL of its own, two tenants with subscriptions of every kind, a receiver, dispatchers, and proxies between
//! all of them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use posthorn::cli::dev::cluster::{Cluster, ClusterOptions};
use posthorn::domain::keyring::Keyring;
use posthorn::domain::secret::Secret;
use posthorn::store::migrate::migrate;
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::database::{ask, connect, rows};
use super::fleet::Fleet;
use super::oracle::{Delivery, Fault, Request};
use super::receiver::Receiver;
use crate::harness::{Proxy, SOON, eventually};

/// Key that seals the subscriptions' secret.
pub(super) const KEYRING: &str = "chaos:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// Of an attempt; leases last five seconds more.
pub(super) const TIMEOUT_SECONDS: u32 = 2;

const SUBSCRIBE: &str = "INSERT INTO posthorn.webhook_subscriptions
        (id, tenant_id, url, events, secret, ordered, retry_schedule, max_retries, circuit_failures, circuit_seconds)
    VALUES ($1, $2, $3, '{*}', $4, $5, '{1}', 30, $6, 1)";

const DELIVERIES: &str = "SELECT d.event_id, d.subscription_id, d.tenant_id, s.ordered, d.status,
        coalesce(array_agg(a.error_kind ORDER BY a.epoch) FILTER (WHERE a.delivery_id IS NOT NULL), '{}')
    FROM posthorn.webhook_deliveries d
    JOIN posthorn.webhook_subscriptions s ON s.id = d.subscription_id
    LEFT JOIN posthorn.webhook_attempts a ON a.delivery_id = d.id
    GROUP BY d.event_id, d.subscription_id, d.tenant_id, s.ordered, d.status";

/// All that runs.
pub(super) struct Stage {
    /// Where the database is, directly.
    pub(super) url: String,
    pub(super) tenants: [Uuid; 2],
    pub(super) cluster: Mutex<Cluster>,
    pub(super) fleet: Arc<Fleet>,
    /// Between dispatchers and the receiver.
    pub(super) way_to_receiver: Proxy,
    receiver: Receiver,
    _folder: TempDir,
}

impl Stage {
    /// Starts everything.
    pub(super) async fn set() -> Arc<Self> {
        let folder = tempfile::Builder::new().prefix("posthorn-chaos-").tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let options = ClusterOptions { data_dir: folder.path().join("pg"), port: None, settings: Vec::new() };
        let cluster = Cluster::start(options).await.unwrap();
        let url = cluster.url("postgres");
        migrate(&SecretString::from(url.clone())).await.unwrap();
        let secret = Secret::generate();
        let receiver = Receiver::start(secret.standard_key().to_vec()).await;
        let way_to_receiver = Proxy::start(receiver.address).await;
        let tenants = [tenant(&url, "a").await, tenant(&url, "b").await];
        let base = format!("http://{}", way_to_receiver.address());
        // without a circuit, with order, and with a circuit that opens after a few failures
        for (tenant, is_ordered, circuit) in [(tenants[0], false, 0), (tenants[0], true, 0), (tenants[1], false, 5)] {
            subscribe(&url, &base, tenant, &secret, is_ordered, circuit).await;
        }
        let fleet = Fleet::start(&url, cluster.port(), folder.path()).await;
        let cluster = Mutex::new(cluster);
        Arc::new(Self { url, tenants, cluster, fleet, way_to_receiver, receiver, _folder: folder })
    }

    /// Every whole request so far.
    pub(super) fn requests(&self) -> Vec<Request> {
        self.receiver.requests()
    }

    /// When the receiver answered too late.
    pub(super) fn late_answers(&self) -> Vec<Fault> {
        self.receiver.late()
    }

    /// Waits until no delivery waits, is on its way or is to be made. Panics when within `patience` they did not become fewer:
    /// how many there are depends on the machine, that they end does not.
    pub(super) async fn until_all_is_final(&self, patience: Duration) {
        let open = "SELECT (SELECT count(*) FROM posthorn.webhook_deliveries_live)
                         + (SELECT count(*) FROM posthorn.event_fanouts WHERE state = 'open')";
        let (mut fewest, mut since) = (i64::MAX, Instant::now());
        while fewest > 0 {
            self.try_receivers_again().await;
            let left = ask(&self.url, open).await.unwrap_or(i64::MAX);
            if left < fewest {
                (fewest, since) = (left, Instant::now());
            }
            assert!(since.elapsed() < patience, "{fewest} deliveries and fan-outs are open and do not become fewer");
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }

    /// Cuts the pauses of circuits to a second: they double with each failed probe, to an hour in a long run.
    async fn try_receivers_again(&self) {
        let now = "UPDATE posthorn.circuits SET retry_at = now() + interval '1 s'
                   WHERE state = 'open' AND retry_at > now() + interval '2 s'";
        rows(&self.url, now, &[]).await.unwrap();
    }

    /// Every delivery with its attempts.
    pub(super) async fn deliveries(&self) -> Vec<Delivery> {
        let delivery = |row: &tokio_postgres::Row| Delivery {
            event: row.get(0),
            subscription: row.get(1),
            tenant: row.get(2),
            is_ordered: row.get(3),
            status: row.get(4),
            attempts: row.get(5),
        };
        rows(&self.url, DELIVERIES, &[]).await.unwrap().iter().map(delivery).collect()
    }

    /// Stops the dispatchers, which are at rest; they leave nothing behind in the database.
    pub(super) async fn end_in_good_order(&self) {
        self.fleet.assert_at_rest(&connect(&self.url).await.unwrap()).await;
        self.fleet.stop().await;
        let sessions = "SELECT count(*) FROM pg_stat_activity
                        WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
        eventually("no connection is left", SOON, async || ask(&self.url, sessions).await == Some(0i64)).await;
    }
}

async fn tenant(url: &str, name: &str) -> Uuid {
    let insert = "INSERT INTO posthorn.tenants (name) VALUES ($1) RETURNING id";
    rows(url, insert, &[&name]).await.unwrap()[0].get(0)
}

async fn subscribe(url: &str, base: &str, tenant: Uuid, secret: &Secret, is_ordered: bool, circuit: i32) {
    let id = Uuid::now_v7();
    let sealed = Keyring::parse(KEYRING).unwrap().seal(tenant, id, secret);
    rows(url, SUBSCRIBE, &[&id, &tenant, &format!("{base}/{id}"), &sealed, &is_ordered, &circuit]).await.unwrap();
}
