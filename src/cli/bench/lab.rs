//! What outlives a scenario: the server with a migrated template, the receiver, the threads, and the settings under test.

use std::sync::atomic::{AtomicU64, Ordering};

use secrecy::SecretString;
use tokio_postgres::{Client, NoTls};
use url::Url;

use super::error::BenchError;
use super::figures::Figure;
use super::receiver::Receiver;
use super::settings::{self, Setting};
use super::stage::Stage;
use super::threads::Threads;
use super::usage;
use crate::config::Config;
use crate::domain::keyring::Keyring;
use crate::store::days::DAYS_AHEAD;
use crate::store::migrate;

/// Makes the partitions that `posthorn serve` would make.
const MAKE_DAYS: &str = "SELECT posthorn.make_day(d.parent, d.day) FROM posthorn.missing_days($1::int) d";

/// The laboratory.
pub(super) struct Lab {
    admin: Client,
    admin_url: Url,
    /// Prefix of the names of our databases.
    prefix: String,
    /// Process id of the postmaster, when it runs on this machine.
    postmaster: Option<u32>,
    pub(super) postgres_version: String,
    pub(super) keyring: Keyring,
    pub(super) keyring_entry: SecretString,
    /// Environment of a dispatcher under test, without database and keyring.
    pub(super) environment: Vec<(String, String)>,
    /// The same, read.
    pub(super) config: Config,
    pub(super) receiver: Receiver,
    /// Producers and the bare sender.
    pub(super) load: Threads,
    /// KiB: the most that any dispatcher under test had resident since it was last asked for.
    peak_kib: AtomicU64,
}

impl Lab {
    /// Connects, migrates a template, starts the receiver.
    pub(super) async fn open(admin_url: &str, set: &[Setting]) -> Result<Self, BenchError> {
        let environment = settings::environment(set);
        let config = settings::configuration(&environment)?;
        let admin_url = Url::parse(admin_url).map_err(|e| BenchError::Setting { reason: e.to_string() })?;
        let admin = connect(admin_url.as_str()).await?;
        let failed = BenchError::database;
        let row = admin.query_one("SELECT pg_backend_pid(), current_setting('server_version')", &[]).await;
        let row = row.map_err(failed("asking for the version"))?;
        let keyring_entry = Keyring::generate_entry("bench");
        let lab = Self {
            postmaster: row.get::<_, i32>(0).try_into().ok().and_then(postmaster_of),
            postgres_version: row.get(1),
            prefix: format!("posthorn_bench_{}", std::process::id()),
            admin,
            admin_url,
            keyring: Keyring::parse(&keyring_entry)?,
            keyring_entry: keyring_entry.into(),
            environment,
            config,
            receiver: Receiver::start()?,
            load: Threads::start("bench-load")?,
            peak_kib: AtomicU64::new(0),
        };
        lab.make_template().await?;
        Ok(lab)
    }

    /// Drops our databases.
    pub(super) async fn close(&self) {
        for kind in ["stage", "history", "lists", "template"] {
            // on an embedded server it does not matter, and elsewhere the figures matter more
            let _ = self.drop_database(kind).await;
        }
    }

    /// A fresh database, and no memory of it being anything else before.
    pub(super) async fn stage(&self) -> Result<Stage, BenchError> {
        self.drop_database("stage").await?;
        self.create_database("stage", "template").await?;
        Stage::open(self.url_of("stage"), self.receiver.url()).await
    }

    /// A database that takes long to fill and is kept from round to round; true when it was made just now.
    pub(super) async fn kept_stage(&self, kind: &str) -> Result<(Stage, bool), BenchError> {
        let name = self.name_of(kind);
        let found = self.admin.query_opt("SELECT FROM pg_database WHERE datname = $1", &[&name]).await;
        let is_new = found.map_err(BenchError::database("looking for what was kept"))?.is_none();
        if is_new {
            self.create_database(kind, "template").await?;
        }
        Ok((Stage::open(self.url_of(kind), self.receiver.url()).await?, is_new))
    }

    /// Forgets it, so that the next round makes it anew.
    pub(super) async fn drop_kept(&self, kind: &str) -> Result<(), BenchError> {
        self.drop_database(kind).await
    }

    /// CPU seconds of PostgreSQL so far, all its processes.
    pub(super) fn postgres_seconds(&self) -> Option<f64> {
        self.postmaster.and_then(usage::tree_seconds)
    }

    /// Deliveries in flight of one dispatcher under test.
    pub(super) const fn concurrency(&self) -> u32 {
        self.config.dispatcher.concurrency
    }

    /// Notes what a dispatcher under test had resident at most.
    pub(super) fn note_memory(&self, mib: f64) {
        // exact far beyond any machine's memory
        self.peak_kib.fetch_max((mib * 1024.0) as u64, Ordering::Relaxed);
    }

    /// The most that a dispatcher had resident since the last call; nothing when none ran.
    pub(super) fn peak_memory(&self) -> Vec<Figure> {
        match self.peak_kib.swap(0, Ordering::Relaxed) {
            0 => Vec::new(),
            kib => vec![Figure::highest(
                "rss_peak_mib",
                "dispatcher resident, peak of all runs, MiB",
                1,
                kib as f64 / 1024.0,
            )],
        }
    }

    async fn make_template(&self) -> Result<(), BenchError> {
        self.drop_database("template").await?;
        self.create_database("template", "template0").await?;
        let url = self.url_of("template");
        migrate::migrate(&url.to_string().into()).await?;
        let template = connect(url.as_str()).await?;
        template.query(MAKE_DAYS, &[&DAYS_AHEAD]).await.map_err(BenchError::database("making days"))?;
        drop(template);
        // copying a database asks that nobody is connected to it
        let name = self.name_of("template");
        self.run(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"), "closing the template").await?;
        let leave = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1";
        self.admin.query(leave, &[&name]).await.map_err(BenchError::database("closing the template"))?;
        Ok(())
    }

    async fn create_database(&self, kind: &str, template: &str) -> Result<(), BenchError> {
        let template = if template == "template0" { template.to_owned() } else { self.name_of(template) };
        let create = format!("CREATE DATABASE {} TEMPLATE {template}", self.name_of(kind));
        self.run(&create, "creating a database").await
    }

    async fn drop_database(&self, kind: &str) -> Result<(), BenchError> {
        self.run(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name_of(kind)), "dropping a database").await
    }

    async fn run(&self, statement: &str, what: &'static str) -> Result<(), BenchError> {
        self.admin.batch_execute(statement).await.map_err(BenchError::database(what))
    }

    fn name_of(&self, kind: &str) -> String {
        format!("{}_{kind}", self.prefix)
    }

    fn url_of(&self, kind: &str) -> Url {
        let mut url = self.admin_url.clone();
        url.set_path(&self.name_of(kind));
        url
    }
}

/// A connection that ends with its client.
pub(super) async fn connect(url: &str) -> Result<Client, BenchError> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.map_err(BenchError::database("connecting"))?;
    tokio::spawn(connection);
    Ok(client)
}

/// The postmaster of a backend, unless that number is another program's: the server may be on another machine.
fn postmaster_of(backend: u32) -> Option<u32> {
    let (parent, name) = usage::parent_of(backend)?;
    name.starts_with("postgres").then_some(parent)
}
