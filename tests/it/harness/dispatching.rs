//! Dispatchers of a test, within it or as the real program, and what they left in the database.

use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use posthorn::config::{DispatcherConfig, WebhookConfig};
use posthorn::dispatch::{Dispatcher, DispatcherParts};
use posthorn::domain::keyring::Keyring;
use posthorn::metrics::Metrics;
use posthorn::outbound::{Outbound, OutboundOptions};
use posthorn::store::StoreRole;
use rustix::process::Signal;
use secrecy::ExposeSecret;
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio_postgres::error::SqlState;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::world::KEYRING;
use super::{Binary, SOON, World, eventually};

/// What lets a dispatcher send to receivers on this machine, and lets lost leases run out soon.
const LOCAL: [&str; 3] = ["--allow-http=true", "--allow-networks=127.0.0.0/8", "--lease-margin-seconds=5"];

#[derive(Parser)]
#[command(args_override_self = true)]
struct Settings {
    #[command(flatten)]
    webhook: WebhookConfig,
    #[command(flatten)]
    dispatcher: DispatcherConfig,
}

/// A dispatcher that runs within the test.
pub(crate) struct Dispatching {
    pub(crate) metrics: Metrics,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Dispatching {
    /// Stops it in good order.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }

    /// Value of a series on the metrics page, 0 when it is not there.
    pub(crate) fn metric(&self, series: &str) -> f64 {
        let page = self.metrics.render().unwrap();
        let line = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.parse().unwrap())
    }
}

/// One attempt as it stands in the database.
#[derive(Debug)]
pub(crate) struct AttemptRow {
    pub(crate) epoch: i32,
    pub(crate) generation: i32,
    pub(crate) number: i32,
    pub(crate) dispatcher_id: Option<Uuid>,
    pub(crate) target_url: String,
    pub(crate) duration_ms: i32,
    pub(crate) status_code: Option<i32>,
    pub(crate) error_kind: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) response_headers: Option<Value>,
    pub(crate) response_body: Option<String>,
    pub(crate) response_body_truncated: bool,
}

impl AttemptRow {
    /// Why it failed.
    pub(crate) fn kind(&self) -> Option<&str> {
        self.error_kind.as_deref()
    }
}

impl World {
    /// Starts a dispatcher within the test that may send to this machine.
    pub(crate) async fn dispatch(&self, flags: &[&str]) -> Dispatching {
        self.dispatch_as_shipped(self.keyring(), &[&LOCAL, flags].concat()).await
    }

    /// Starts a dispatcher within the test with the defaults that a user has.
    pub(crate) async fn dispatch_as_shipped(&self, keyring: Keyring, flags: &[&str]) -> Dispatching {
        let Settings { webhook, dispatcher } = Settings::parse_from(["posthorn"].iter().chain(flags));
        let metrics = Metrics::new().unwrap();
        let outbound = Outbound::new(OutboundOptions {
            allow_http: webhook.allow_http,
            allow_networks: webhook.allow_networks.clone(),
            ca_file: webhook.ca_file.clone(),
            pool_idle_per_host: dispatcher.concurrency as usize,
            pool_idle_timeout: Duration::from_secs(30),
        });
        let parts = DispatcherParts {
            store: self.store(StoreRole::Dispatcher),
            database_url: self.url(),
            outbound: outbound.unwrap(),
            keyring: Arc::new(keyring),
            metrics: metrics.clone(),
            webhook: Arc::new(webhook),
        };
        let stop = CancellationToken::new();
        let task = tokio::spawn(Dispatcher::register(parts, &dispatcher).await.unwrap().run(stop.clone()));
        Dispatching { metrics, stop, task }
    }

    /// Starts the real program as a dispatcher that may send to this machine, and waits until it is ready.
    pub(crate) async fn dispatch_binary(&self, env: &[(&str, &str)]) -> Binary {
        dispatch_binary(self.url().expose_secret(), env).await
    }

    /// Waits until a query answers with true.
    pub(crate) async fn until(&self, query: &str) {
        eventually(query, SOON, async || self.db.query_one(query, &[]).await.unwrap().get(0)).await;
    }

    /// Waits until no delivery waits or is on its way, but for those that a retry or `deliver_after` puts off.
    pub(crate) async fn until_nothing_is_due(&self) {
        self.until("SELECT NOT EXISTS (SELECT FROM posthorn.webhook_deliveries_live WHERE status = 'sending' OR due_at <= now())")
            .await;
    }

    /// Waits until so many deliveries have this status.
    pub(crate) async fn until_status(&self, status: &str, count: i64) {
        self.until(&format!("SELECT count(*) = {count} FROM posthorn.webhook_deliveries WHERE status = '{status}'"))
            .await;
    }

    /// A delivery's attempts in the order of their leases.
    pub(crate) async fn attempts(&self, delivery: Uuid) -> Vec<AttemptRow> {
        let sql = "SELECT * FROM posthorn.webhook_attempts WHERE delivery_id = $1 ORDER BY epoch";
        let rows = self.db.query(sql, &[&delivery]).await.unwrap();
        rows.iter()
            .map(|row| AttemptRow {
                epoch: row.get("epoch"),
                generation: row.get("generation"),
                number: row.get("number"),
                dispatcher_id: row.get("dispatcher_id"),
                target_url: row.get("target_url"),
                duration_ms: row.get("duration_ms"),
                status_code: row.get("status_code"),
                error_kind: row.get("error_kind"),
                error: row.get("error"),
                response_headers: row.get("response_headers"),
                response_body: row.get("response_body"),
                response_body_truncated: row.get("response_body_truncated"),
            })
            .collect()
    }

    /// Changes columns of a subscription: `changes` is what stands after SET.
    pub(crate) async fn change(&self, subscription: Uuid, changes: &str) {
        let sql = format!("UPDATE posthorn.webhook_subscriptions SET {changes} WHERE id = $1");
        assert_eq!(self.db.execute(&sql, &[&subscription]).await.unwrap(), 1);
    }

    /// The moved clock: what waits for a time comes so much nearer, and dispatchers look.
    pub(crate) async fn pass_time(&self, seconds: f64) {
        self.change_deliveries(&format!(
            "SET due_at = due_at - make_interval(secs => {seconds}) WHERE status IN ('pending', 'retrying')"
        ))
        .await;
        self.wake().await;
    }

    /// Lets every lease run out, and dispatchers look.
    pub(crate) async fn expire_leases(&self) {
        self.change_deliveries("SET lease_until = now() - interval '1 s' WHERE status = 'sending'").await;
        self.wake().await;
    }

    /// Changes deliveries beside dispatchers that change them too, in another order: one may have to give way. A row that just
    /// became final moved to another partition, which PostgreSQL reports as a serialization failure; the next try passes it by.
    async fn change_deliveries(&self, changes: &str) {
        let sql = format!("UPDATE posthorn.webhook_deliveries {changes}");
        while let Err(error) = self.db.batch_execute(&sql).await {
            let gives_way = [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED];
            assert!(error.code().is_some_and(|code| gives_way.contains(code)), "{error:?}");
        }
    }

    /// Wakes every dispatcher.
    pub(crate) async fn wake(&self) {
        self.db.batch_execute("SELECT pg_notify('posthorn_wake', '')").await.unwrap();
    }
}

/// What a dispatcher of the database at `url` is started with that may send to this machine.
pub(crate) fn dispatcher_env<'a>(url: &'a str, env: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let local = [
        ("DATABASE_URL", url),
        ("POSTHORN_KEYRING", KEYRING),
        ("WEBHOOK_ALLOW_HTTP", "true"),
        ("WEBHOOK_ALLOW_NETWORKS", "127.0.0.0/8"),
        ("POSTHORN_LEASE_MARGIN_SECONDS", "5"),
        ("POSTHORN_METRICS_BIND", "127.0.0.1:0"),
    ];
    [&local, env].concat()
}

/// Arguments of a dispatcher.
pub(crate) const DISPATCHER: [&str; 4] = ["serve", "--role", "dispatcher", "--no-migrate"];

/// Starts the real program as a dispatcher of the database at `url`, and waits until it is ready.
pub(crate) async fn dispatch_binary(url: &str, env: &[(&str, &str)]) -> Binary {
    let binary = Binary::start(&DISPATCHER, &dispatcher_env(url, env));
    binary.wait_for_line("posthorn is ready", SOON).await;
    binary
}

/// The same under `prlimit` with a limit such as `--nofile=40`.
pub(crate) async fn dispatch_limited(url: &str, limit: &str, env: &[(&str, &str)]) -> Binary {
    let args = [&[limit, env!("CARGO_BIN_EXE_posthorn")], &DISPATCHER[..]].concat();
    let binary = Binary::start_program("prlimit", &args, &dispatcher_env(url, env));
    binary.wait_for_line("posthorn is ready", SOON).await;
    binary
}

impl Binary {
    /// Dies at once, as in a crash.
    pub(crate) async fn kill(&self) {
        self.signal(Signal::KILL);
        self.wait_exit(SOON).await;
    }
}
