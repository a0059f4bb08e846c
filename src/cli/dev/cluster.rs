//! A PostgreSQL server of our own: made, started, stopped, killed and reopened with PostgreSQL's own binaries.
//!
//! Durability stays on, so that what is shown and measured on it holds elsewhere. It is for development and tests;
//! in production Posthorn uses the PostgreSQL that is already there.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::NoTls;

mod account;
pub mod binaries;
mod error;
pub(super) mod process;
mod storage;

use account::Account;
use binaries::Binaries;
pub use error::ClusterError;
use process::Server;
use storage::Storage;

/// How long a start may take; crash recovery after a kill is part of it.
const START_LIMIT: Duration = Duration::from_secs(120);
/// How often a starting server is asked whether it is ready.
const READY_POLL: Duration = Duration::from_millis(15);
/// How many free ports are tried when another program takes ours between choosing and listening.
const PORT_TRIES: usize = 8;
/// How long backends of a postmaster that was killed by someone else may keep the shared memory.
const ORPHAN_LIMIT: Duration = Duration::from_secs(10);

/// What a cluster is to be like.
#[derive(Clone, Debug)]
pub struct ClusterOptions {
    /// Folder of the cluster; made when absent. Its log and password are beside it, as `<name>.log` and `<name>.password`.
    pub data_dir: PathBuf,
    /// TCP port on 127.0.0.1; `None` takes a free one.
    pub port: Option<u16>,
    /// Settings of `postgresql.conf`, after ours and therefore stronger.
    pub settings: Vec<(String, String)>,
}

/// A running (or stopped) server. Dropping it stops the server; so does the death of this process, however it dies.
pub struct Cluster {
    binaries: Binaries,
    account: Account,
    storage: Storage,
    settings: Vec<(String, String)>,
    password: SecretString,
    port: u16,
    server: Option<Server>,
}

impl Cluster {
    /// Opens the cluster in `options.data_dir`, making it first when there is none, and waits until it answers.
    ///
    /// # Errors
    /// Each says what to do about it: see [`ClusterError`].
    pub async fn start(options: ClusterOptions) -> Result<Self, ClusterError> {
        let wanted = options.data_dir;
        let (binaries, account, storage, password) = off_thread(move || prepare(&wanted)).await?;
        let mut cluster = Self {
            binaries,
            account,
            storage,
            settings: options.settings,
            password,
            port: options.port.unwrap_or_default(),
            server: None,
        };
        match options.port {
            Some(_) => cluster.launch().await?,
            None => cluster.launch_on_a_free_port().await?,
        }
        Ok(cluster)
    }

    /// Where a database of this cluster is, as its superuser. The text holds the password.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres:{}@127.0.0.1:{}/{database}", self.password.expose_secret(), self.port)
    }

    /// The TCP port on 127.0.0.1; it stays the same over [`Cluster::restart`].
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Where the cluster really is: not the folder asked for when root asked and user `postgres` cannot enter that one.
    pub fn data_dir(&self) -> &Path {
        self.storage.data_dir()
    }

    /// Where the server writes its log.
    pub fn log_file(&self) -> &Path {
        self.storage.log_file()
    }

    /// Process id of the postmaster, or `None` when it is stopped.
    pub fn pid(&self) -> Option<u32> {
        self.server.as_ref().map(Server::pid)
    }

    /// Stops the server in order: sessions are ended, open transactions rolled back, everything written (fast shutdown).
    ///
    /// # Errors
    /// When it does not stop within a minute; it is killed then, and recovers at the next start.
    pub async fn stop(&mut self) -> Result<(), ClusterError> {
        let Some(mut server) = self.server.take() else { return Ok(()) };
        if server.stop().await {
            return Ok(());
        }
        server.kill().await;
        Err(ClusterError::StopTooSlow { log: self.log_file().to_owned(), tail: self.storage.log_tail() })
    }

    /// Kills the postmaster and every process under it with SIGKILL, as a crash would, and waits until all are gone.
    pub async fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill().await;
        }
    }

    /// Stops the server if it runs and starts it again on the same port.
    ///
    /// # Errors
    /// As [`Cluster::start`] and [`Cluster::stop`].
    pub async fn restart(&mut self) -> Result<(), ClusterError> {
        self.stop().await?;
        self.launch().await
    }

    async fn launch_on_a_free_port(&mut self) -> Result<(), ClusterError> {
        for _ in 1..PORT_TRIES {
            self.port = free_port()?;
            match self.launch().await {
                Err(ClusterError::PortTaken { .. }) => {}
                other => return other,
            }
        }
        self.port = free_port()?;
        self.launch().await
    }

    /// One start, again while orphans of a dead postmaster still hold its shared memory.
    async fn launch(&mut self) -> Result<(), ClusterError> {
        let patience = Instant::now() + ORPHAN_LIMIT;
        loop {
            match self.launch_once().await {
                Err(ClusterError::Orphans { .. }) if Instant::now() < patience => tokio::time::sleep(READY_POLL).await,
                other => return other,
            }
        }
    }

    async fn launch_once(&mut self) -> Result<(), ClusterError> {
        self.storage.refuse_running_postmaster()?;
        let log_start = self.storage.log_length();
        let mut server = Server::spawn(&self.binaries, &self.account, &self.storage, &self.arguments())?;
        let deadline = Instant::now() + START_LIMIT;
        loop {
            // Once a try, so that a server that died is not waited for, nor another one on its port taken for it.
            if server.has_exited() {
                return Err(self.storage.why_it_died(log_start, self.port));
            }
            // Another program on the port may accept and say nothing, for ever.
            let answered = tokio::select! {
                answered = self.answers() => answered,
                () = server.exited() => false,
            };
            if answered && !server.has_exited() {
                self.server = Some(server);
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(ClusterError::StartTooSlow {
                    log: self.log_file().to_owned(),
                    tail: self.storage.log_tail(),
                });
            }
            tokio::time::sleep(READY_POLL).await;
        }
    }

    async fn answers(&self) -> bool {
        let Ok((client, connection)) = tokio_postgres::connect(&self.url("postgres"), NoTls).await else {
            return false;
        };
        // The connection ends by itself when its client is dropped at the end of this function.
        tokio::spawn(connection);
        client.simple_query("SELECT 1").await.is_ok()
    }

    fn arguments(&self) -> Vec<String> {
        let port = self.port.to_string();
        let ours = [
            ("listen_addresses", "127.0.0.1"),
            ("port", port.as_str()),
            ("unix_socket_directories", ""),
            ("max_connections", "200"),
            ("fsync", "on"),
            ("synchronous_commit", "on"),
            ("full_page_writes", "on"),
            ("log_destination", "stderr"),
            ("logging_collector", "off"),
            ("lc_messages", "C"),
        ];
        let theirs = self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        ours.into_iter().chain(theirs).flat_map(|(name, value)| ["-c".to_owned(), format!("{name}={value}")]).collect()
    }
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster")
            .field("data_dir", &self.data_dir())
            .field("port", &self.port)
            .field("pid", &self.pid())
            .finish_non_exhaustive()
    }
}

/// Everything before the server's start: binaries, account, folder, initdb. Blocks.
fn prepare(wanted: &Path) -> Result<(Binaries, Account, Storage, SecretString), ClusterError> {
    let wanted = std::path::absolute(wanted)
        .map_err(|source| ClusterError::io("find the current folder for", wanted, source))?;
    let installed = Binaries::installed()?;
    let account = Account::for_cluster(&wanted)?;
    let storage = Storage::open(&wanted, &account)?;
    let binaries = match storage.version()? {
        Some(version) => Binaries::choose(installed, version, storage.data_dir())?,
        None => Binaries::newest(installed)?,
    };
    let password = storage.password_or_init(&binaries, &account)?;
    Ok((binaries, account, storage, password))
}

async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ClusterError> + Send + 'static,
) -> Result<T, ClusterError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(stopped) => match stopped.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(ClusterError::Cancelled),
        },
    }
}

fn free_port() -> Result<u16, ClusterError> {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    TcpListener::bind(any)
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|source| ClusterError::NoFreePort { source })
}
