//! Three dispatchers as real processes, each with a way to the database and a clock of its own, started again when they end.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use rustix::process::Signal;
use tokio::sync::Mutex;
use tokio_postgres::Client;
use uuid::Uuid;

use super::stage::{KEYRING, TIMEOUT_SECONDS};
use crate::harness::{Aftermath, Binary, Proxy, SOON, resident_kib};

/// How often it is looked whether one has ended by itself, as it does when the database is away at its start.
const LOOK: Duration = Duration::from_millis(200);

/// Processes.
pub(super) const SIZE: usize = 3;

/// More than this is not to be resident in one of them after all of it, in a debug build.
const RESIDENT_KIB: u64 = 128 * 1024;

/// All of them.
pub(super) struct Fleet {
    members: Vec<Member>,
    ended_by_themselves: AtomicUsize,
    is_over: AtomicBool,
}

/// One dispatcher.
pub(super) struct Member {
    /// Between it and the database.
    pub(super) database: Proxy,
    environment: Vec<(String, String)>,
    /// What libfaketime adds to its clock, such as `+3600`, where that library is installed.
    clock: Option<PathBuf>,
    /// `None` while it is down on purpose.
    process: Mutex<Option<Binary>>,
}

impl Fleet {
    /// Starts all of them on the database at `url`, which listens on `port`; `folder` is for their clocks.
    pub(super) async fn start(url: &str, port: u16, folder: &Path) -> Arc<Self> {
        let mut members = Vec::new();
        for n in 0..SIZE {
            members.push(Member::start(url, port, folder.join(format!("clock-{n}"))).await);
        }
        let fleet =
            Arc::new(Self { members, ended_by_themselves: AtomicUsize::new(0), is_over: AtomicBool::new(false) });
        tokio::spawn(start_again(fleet.clone()));
        fleet
    }

    /// How often one ended that nobody had ended, as it does when the database is away at its start.
    pub(super) fn ended_by_themselves(&self) -> usize {
        self.ended_by_themselves.load(Ordering::SeqCst)
    }

    pub(super) fn member(&self, n: usize) -> &Member {
        &self.members[n]
    }

    /// Panics unless all of them are soon as at rest: nothing leased or in flight, no connection lost, little memory.
    pub(super) async fn assert_at_rest(&self, db: &Client) {
        let processes = join_all(self.members.iter().map(|member| member.process.lock())).await;
        let running: Vec<&Binary> = processes.iter().filter_map(|process| process.as_ref()).collect();
        assert_eq!(running.len(), SIZE);
        Aftermath::before(&[]).holds_in(db, &running).await;
        for process in running {
            let resident = resident_kib(process);
            assert!(resident.is_some_and(|kib| kib < RESIDENT_KIB), "{resident:?} KiB are resident");
        }
    }

    /// Stops all of them as an operator does. Panics when one does not end well.
    pub(super) async fn stop(&self) {
        self.is_over.store(true, Ordering::SeqCst);
        for member in &self.members {
            let process = member.process.lock().await.take().expect("nobody keeps it down any more");
            process.signal(Signal::TERM);
            let status = process.wait_exit(2 * SOON).await;
            assert!(status.success(), "{status}; it wrote:\n{}", process.lines().join("\n"));
        }
    }
}

/// What systemd or an orchestrator does.
async fn start_again(fleet: Arc<Fleet>) {
    while !fleet.is_over.load(Ordering::SeqCst) {
        tokio::time::sleep(LOOK).await;
        for member in &fleet.members {
            let mut process = member.process.lock().await;
            if process.as_ref().is_some_and(|process| !process.is_running()) && !fleet.is_over.load(Ordering::SeqCst) {
                fleet.ended_by_themselves.fetch_add(1, Ordering::SeqCst);
                *process = Some(member.launch());
            }
        }
    }
}

impl Member {
    async fn start(url: &str, port: u16, clock: PathBuf) -> Self {
        let database = Proxy::start(([127, 0, 0, 1], port).into()).await;
        let timeout = TIMEOUT_SECONDS.to_string();
        let url = database.by_way_of(url, port);
        let mut environment: Vec<(String, String)> = [
            ("DATABASE_URL", url.as_str()),
            ("POSTHORN_KEYRING", KEYRING),
            ("WEBHOOK_ALLOW_HTTP", "true"),
            ("WEBHOOK_ALLOW_NETWORKS", "127.0.0.0/8"),
            ("WEBHOOK_TIMEOUT_SECONDS", &timeout),
            ("POSTHORN_LEASE_MARGIN_SECONDS", "5"),
            ("POSTHORN_DRAIN_SECONDS", "3"),
            ("POSTHORN_METRICS_BIND", "127.0.0.1:0"),
            ("RUST_LOG", "error"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let library = clock_library();
        if let Some(library) = &library {
            fs::write(&clock, "+0").unwrap();
            let file = clock.to_str().unwrap();
            // leases and time-outs are counted by the monotonic clock, which no administrator can move either
            for (name, value) in [
                ("LD_PRELOAD", library.as_str()),
                ("FAKETIME_TIMESTAMP_FILE", file),
                ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
                ("FAKETIME_CACHE_DURATION", "1"),
            ] {
                environment.push((name.to_owned(), value.to_owned()));
            }
        }
        let member = Self { database, environment, clock: library.map(|_| clock), process: Mutex::new(None) };
        *member.process.lock().await = Some(member.launch());
        member
    }

    fn launch(&self) -> Binary {
        let environment: Vec<(&str, &str)> = self.environment.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        Binary::start(&["serve", "--role", "dispatcher", "--no-migrate"], &environment)
    }

    /// Sends a signal to its process.
    pub(super) async fn signal(&self, signal: Signal) {
        if let Some(process) = &*self.process.lock().await {
            process.signal(signal);
        }
    }

    /// Ends it with a signal, and starts it again after a time.
    pub(super) async fn end(&self, signal: Signal, down: Duration) {
        let Some(process) = self.process.lock().await.take() else { return };
        process.signal(signal);
        // one that is frozen hears of nothing but SIGKILL
        process.signal(Signal::CONT);
        process.wait_exit(2 * SOON).await;
        drop(process);
        tokio::time::sleep(down).await;
        *self.process.lock().await = Some(self.launch());
    }

    /// Moves its clock by so many seconds from the true time; `false` where there are no means to.
    pub(super) fn move_clock(&self, seconds: i32) -> bool {
        let Some(clock) = &self.clock else { return false };
        // in one step, because it is read at any time, also by another fault's hand
        let new = clock.with_extension(Uuid::now_v7().to_string());
        fs::write(&new, format!("{seconds:+}")).unwrap();
        fs::rename(&new, clock).unwrap();
        true
    }
}

/// libfaketime for programs with threads, where Debian's package `faketime` has it.
fn clock_library() -> Option<String> {
    let folders = fs::read_dir("/usr/lib").ok()?.flatten().map(|entry| entry.path());
    let library = folders.map(|folder| folder.join("faketime/libfaketimeMT.so.1")).find(|library| library.exists())?;
    Some(library.to_str()?.to_owned())
}
