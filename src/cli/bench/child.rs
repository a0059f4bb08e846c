//! What is under test: a process of its own, as users run it.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use secrecy::ExposeSecret;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use url::Url;

use super::error::BenchError;
use super::lab::Lab;
use super::usage;

/// How long it may take to say that it is ready.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// How long it may take to end in good order.
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// What it logs unless `RUST_LOG` says otherwise: receivers that fail are meant to here, and a line for each is no news.
const LOG: &str = "error";

/// A running `posthorn serve --role dispatcher`; killed when dropped.
pub(super) struct Dispatcher<'a> {
    lab: &'a Lab,
    child: Child,
    pid: u32,
}

/// A running `posthorn serve` with API and dispatcher; killed when dropped.
pub(super) struct Server {
    // holds the process
    _child: Child,
    pid: u32,
    /// Where it listens, such as `127.0.0.1:8080`.
    pub(super) address: String,
}

impl Server {
    /// Starts one on a free port, with no limit on how often its API is called, and waits until it says that it is ready.
    pub(super) async fn start(lab: &Lab, database_url: &Url) -> Result<Self, BenchError> {
        let unlimited = [("POSTHORN_BIND", "127.0.0.1:0"), ("POSTHORN_API_RATE_PER_SECOND", "0")];
        let (child, pid, ready) = start(lab, "all", database_url, &unlimited).await?;
        let address = ready.rsplit_once("http://").map(|(_, address)| address.to_owned());
        let address = address.ok_or_else(|| wrong(&format!("said {ready:?} and not where it listens")))?;
        Ok(Self { _child: child, pid, address })
    }

    /// CPU seconds so far.
    pub(super) fn seconds(&self) -> Option<f64> {
        usage::process_seconds(self.pid)
    }

    /// The most that it had resident, in MiB.
    pub(super) fn peak_mib(&self) -> Option<f64> {
        usage::memory_mib(self.pid).map(|(_, peak)| peak)
    }
}

impl<'a> Dispatcher<'a> {
    /// Starts one and waits until it says that it is ready.
    pub(super) async fn start(lab: &'a Lab, database_url: &Url) -> Result<Self, BenchError> {
        let (child, pid, _) = start(lab, "dispatcher", database_url, &[]).await?;
        Ok(Self { lab, child, pid })
    }

    /// CPU seconds so far.
    pub(super) fn seconds(&self) -> Option<f64> {
        usage::process_seconds(self.pid)
    }

    /// Resident memory now, in MiB.
    pub(super) fn memory_mib(&self) -> Option<f64> {
        usage::memory_mib(self.pid).map(|(now, _)| now)
    }

    /// Ends it in good order.
    pub(super) async fn stop(mut self) -> Result<(), BenchError> {
        self.note_memory();
        self.signal(Signal::TERM);
        match tokio::time::timeout(STOP_LIMIT, self.child.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(wrong(&format!("ended with {status}"))),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(wrong("did not stop in time")),
        }
    }

    /// SIGKILL, as a crash would; answers when it is gone.
    pub(super) async fn kill(mut self) -> Result<ExitStatus, BenchError> {
        self.note_memory();
        self.signal(Signal::KILL);
        Ok(self.child.wait().await?)
    }

    fn note_memory(&self) {
        if let Some((_, peak)) = usage::memory_mib(self.pid) {
            self.lab.note_memory(peak);
        }
    }

    fn signal(&self, signal: Signal) {
        // not waited for yet, so the number is still its own; it fails only when it has ended, which the wait tells
        let _ = i32::try_from(self.pid).ok().and_then(Pid::from_raw).map(|pid| kill_process(pid, signal));
    }
}

impl Drop for Dispatcher<'_> {
    fn drop(&mut self) {
        self.note_memory();
    }
}

/// Starts a process of this role; answers with its id and with what it said when it was ready.
async fn start(
    lab: &Lab,
    role: &str,
    database_url: &Url,
    settings: &[(&str, &str)],
) -> Result<(Child, u32, String), BenchError> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(["serve", "--role", role, "--no-migrate"])
        .env_clear()
        .env("DATABASE_URL", database_url.as_str())
        .env("POSTHORN_KEYRING", lab.keyring_entry.expose_secret())
        .env("RUST_LOG", std::env::var("RUST_LOG").unwrap_or_else(|_| LOG.to_owned()))
        .envs(settings.iter().copied())
        .envs(lab.environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()?;
    let pid = child.id().ok_or_else(|| wrong("ended at once"))?;
    let stdout = child.stdout.take().ok_or_else(|| wrong("has no output"))?;
    let mut lines = BufReader::new(stdout).lines();
    match tokio::time::timeout(READY_LIMIT, lines.next_line()).await {
        Ok(Ok(Some(line))) if line.contains("ready") => Ok((child, pid, line)),
        Ok(Ok(Some(line))) => Err(wrong(&format!("said {line:?} and not that it is ready"))),
        Ok(Ok(None)) => Err(wrong("ended before it was ready")),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(wrong("did not become ready in time")),
    }
}

fn wrong(what: &str) -> BenchError {
    BenchError::Dispatcher { what: what.to_owned() }
}
