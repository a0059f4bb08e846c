//! The server's processes: started apart from our terminal, ended with us, killed all together for crash tests.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::account::Account;
use super::binaries::Binaries;
use super::error::ClusterError;
use super::storage::Storage;

/// How often a process that must end is looked at.
const POLL: Duration = Duration::from_millis(10);
/// How long a fast shutdown may take; its checkpoint writes everything that is in memory.
const STOP_LIMIT: Duration = Duration::from_secs(60);
/// How long a drop waits for the same, since it blocks its thread.
const DROP_LIMIT: Duration = Duration::from_secs(5);

/// Stops the postmaster when our end of its standard input closes, which happens even if we are killed. The number is
/// compared with the lock file, so that a process which came later under the same number is left alone.
const WATCH: &str = "read -r line; read -r pid < postmaster.pid && [ \"$pid\" = \"$1\" ] && kill -INT \"$1\"";

/// A postmaster and the process that watches us on its behalf.
pub(super) struct Server {
    postmaster: Child,
    watch: Option<Child>,
    running: bool,
}

impl Server {
    /// Starts the postmaster, in its own process group: Ctrl-C in the terminal is ours to handle.
    pub(super) fn spawn(
        binaries: &Binaries,
        account: &Account,
        storage: &Storage,
        arguments: &[String],
    ) -> Result<Self, ClusterError> {
        let program = binaries.postgres();
        let log = storage.open_log()?;
        let postmaster = account
            .command(&program)
            .arg("-D")
            .arg(storage.data_dir())
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(log)
            .process_group(0)
            .spawn()
            .map_err(|source| ClusterError::io("run", &program, source))?;
        let mut server = Self { postmaster, watch: None, running: true };
        server.watch = Some(server.watch_us(account, storage.data_dir())?);
        Ok(server)
    }

    fn watch_us(&self, account: &Account, data_dir: &Path) -> Result<Child, ClusterError> {
        let shell = Path::new("/bin/sh");
        account
            .command(shell)
            .args(["-c", WATCH, "posthorn-watch", &self.pid().to_string()])
            .current_dir(data_dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|source| ClusterError::io("run", shell, source))
    }

    pub(super) fn pid(&self) -> u32 {
        self.postmaster.id()
    }

    /// Whether the postmaster has ended.
    pub(super) fn has_exited(&mut self) -> bool {
        if self.running && !matches!(self.postmaster.try_wait(), Ok(None)) {
            self.running = false;
        }
        !self.running
    }

    /// Returns when the postmaster has ended.
    pub(super) async fn exited(&mut self) {
        while !self.has_exited() {
            tokio::time::sleep(POLL).await;
        }
    }

    /// Fast shutdown; false when it takes too long.
    pub(super) async fn stop(&mut self) -> bool {
        self.signal(Signal::INT);
        tokio::time::timeout(STOP_LIMIT, self.exited()).await.is_ok()
    }

    /// SIGKILL for the postmaster and all its children; returns when none is left.
    pub(super) async fn kill(&mut self) {
        // Stopped first, so that it starts no child between the listing and its end.
        self.signal(Signal::STOP);
        let children = children_of(self.pid());
        self.signal(Signal::KILL);
        for child in children.iter().filter_map(|pid| raw(*pid)) {
            // One that has ended meanwhile is what we want.
            let _ = kill_process(child, Signal::KILL);
        }
        while !self.has_exited() || children.iter().any(|pid| is_alive(*pid)) {
            tokio::time::sleep(POLL).await;
        }
    }

    /// Signals the postmaster unless it has been waited for: its number may be somebody else's then.
    fn signal(&mut self, signal: Signal) {
        if !self.has_exited()
            && let Some(pid) = raw(self.pid())
        {
            // It can only fail when the process has ended, which the callers look at next.
            let _ = kill_process(pid, signal);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.signal(Signal::INT);
        let deadline = Instant::now() + DROP_LIMIT;
        while !self.has_exited() && Instant::now() < deadline {
            thread::sleep(POLL);
        }
        self.signal(Signal::KILL);
        let _ = self.postmaster.wait();
        if let Some(mut watch) = self.watch.take() {
            let _ = watch.kill();
            let _ = watch.wait();
        }
    }
}

/// Who has the process id that a lock file names.
pub(super) enum Holder {
    /// A server on this folder.
    Postmaster,
    /// No process.
    Nobody,
    /// A process that has nothing to do with the folder.
    Stranger,
}

/// Finds out by the process's current folder, which for a postmaster is its cluster; by its name where that is hidden.
pub(super) fn who_is(pid: u32, data_dir: &Path) -> Holder {
    if !is_alive(pid) {
        return Holder::Nobody;
    }
    let same_folder = match (fs::read_link(format!("/proc/{pid}/cwd")), data_dir.canonicalize()) {
        (Ok(current), Ok(ours)) => current == ours,
        _ => true,
    };
    if same_folder && program_name(pid).is_none_or(|name| name.contains("postgres")) {
        Holder::Postmaster
    } else {
        Holder::Stranger
    }
}

fn program_name(pid: u32) -> Option<String> {
    fs::read_to_string(format!("/proc/{pid}/comm")).ok().or_else(|| {
        let output = Command::new("ps").args(["-o", "comm=", "-p", &pid.to_string()]).output().ok()?;
        String::from_utf8(output.stdout).ok()
    })
}

fn raw(pid: u32) -> Option<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw)
}

/// Whether the process runs; one that has ended and only waits to be collected does not.
pub(in crate::cli::dev) fn is_alive(pid: u32) -> bool {
    if let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) {
        return !matches!(state_and_parent(&stat), Some(('Z' | 'X', _)));
    }
    match raw(pid).map(test_kill_process) {
        Some(Ok(())) => true,
        Some(Err(error)) => error == rustix::io::Errno::PERM,
        None => false,
    }
}

fn children_of(parent: u32) -> Vec<u32> {
    let Ok(processes) = fs::read_dir("/proc") else { return children_by_ps(parent) };
    let children: Vec<u32> = processes
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| {
            fs::read_to_string(format!("/proc/{pid}/stat"))
                .is_ok_and(|stat| matches!(state_and_parent(&stat), Some((_, of)) if of == parent))
        })
        .collect();
    children
}

/// For systems without /proc.
fn children_by_ps(parent: u32) -> Vec<u32> {
    let Ok(output) = Command::new("ps").args(["-A", "-o", "pid=,ppid="]).output() else { return Vec::new() };
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    lines
        .lines()
        .filter_map(|line| {
            let mut numbers = line.split_whitespace().map(str::parse::<u32>);
            let (pid, of) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
            (of == parent).then_some(pid)
        })
        .collect()
}

/// The state and parent in `/proc/<pid>/stat`, which follow the program's name in brackets; that may hold anything.
fn state_and_parent(stat: &str) -> Option<(char, u32)> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}
