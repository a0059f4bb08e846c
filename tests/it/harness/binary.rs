//! The program as people run it: a process with arguments, environment, output and signals.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::watch;
use tokio::time::timeout;

use super::{LOOK, SOON};

/// A running process, killed when dropped.
pub(crate) struct Binary {
    child: Mutex<Child>,
    output: Arc<Output>,
    /// Its log, when nobody is to read it.
    _unread: Option<ChildStderr>,
}

/// Lines of standard output and error, in the order they came.
struct Output {
    lines: Mutex<Vec<String>>,
    count: watch::Sender<usize>,
    open: watch::Sender<usize>,
}

impl Binary {
    /// Starts `posthorn` with nothing of our environment but what a shell cannot do without, and `env`.
    pub(crate) fn start<A: AsRef<OsStr>>(args: &[A], env: &[(&str, &str)]) -> Self {
        Self::start_program(env!("CARGO_BIN_EXE_posthorn"), args, env)
    }

    /// The same, but nobody reads what it logs, and the pipe becomes full.
    pub(crate) fn start_unread<A: AsRef<OsStr>>(args: &[A], env: &[(&str, &str)]) -> Self {
        Self::spawn(env!("CARGO_BIN_EXE_posthorn"), args, env, false)
    }

    /// Starts any other program the same way.
    pub(crate) fn start_program<A: AsRef<OsStr>>(program: &str, args: &[A], env: &[(&str, &str)]) -> Self {
        Self::spawn(program, args, env, true)
    }

    fn spawn<A: AsRef<OsStr>>(program: &str, args: &[A], env: &[(&str, &str)], is_read: bool) -> Self {
        let kept = std::env::vars_os().filter(|(name, _)| ["PATH", "HOME", "TMPDIR", "LANG"].iter().any(|k| name == k));
        let mut child = Command::new(program)
            .args(args)
            .env_clear()
            .envs(kept)
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{program}: {error}"));
        let output = Arc::new(Output {
            lines: Mutex::new(Vec::new()),
            count: watch::Sender::new(0),
            open: watch::Sender::new(1 + usize::from(is_read)),
        });
        output.follow(child.stdout.take().unwrap());
        let mut unread = child.stderr.take();
        if is_read {
            output.follow(unread.take().unwrap());
        }
        Self { child: Mutex::new(child), output, _unread: unread }
    }

    /// Everything it has written so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.output.lines.lock().unwrap().clone()
    }

    /// Waits until it has written a line that contains `part` and answers with the line.
    pub(crate) async fn wait_for_line(&self, part: &str, deadline: Duration) -> String {
        let find = || self.lines().into_iter().find(|line| line.contains(part));
        let mut count = self.output.count.subscribe();
        let found = timeout(deadline, count.wait_for(|_| find().is_some())).await;
        assert!(found.is_ok(), "no line with {part:?} within {deadline:?} in:\n{}", self.lines().join("\n"));
        find().unwrap()
    }

    /// Waits until it has ended; answers with its status and everything it wrote.
    pub(crate) async fn run_to_end(&self) -> (ExitStatus, Vec<String>) {
        let status = self.wait_exit(SOON).await;
        let mut open = self.output.open.subscribe();
        timeout(SOON, open.wait_for(|open| *open == 0)).await.expect("its output does not end").unwrap();
        (status, self.lines())
    }

    /// Process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.lock().unwrap().id()
    }

    /// Sends a signal, unless it has ended.
    pub(crate) fn signal(&self, signal: Signal) {
        let mut child = self.child.lock().unwrap();
        if child.try_wait().unwrap().is_none() {
            let pid = Pid::from_raw(child.id().try_into().unwrap()).unwrap();
            kill_process(pid, signal).unwrap();
        }
    }

    /// Waits until it has ended. Panics with its output when it does not within `deadline`.
    pub(crate) async fn wait_exit(&self, deadline: Duration) -> ExitStatus {
        let ended = timeout(deadline, async {
            while self.is_running() {
                tokio::time::sleep(LOOK).await;
            }
        });
        assert!(ended.await.is_ok(), "still running after {deadline:?}; it wrote:\n{}", self.lines().join("\n"));
        self.exit_status().unwrap()
    }

    /// Whether it has not ended.
    pub(crate) fn is_running(&self) -> bool {
        self.exit_status().is_none()
    }

    fn exit_status(&self) -> Option<ExitStatus> {
        self.child.lock().unwrap().try_wait().unwrap()
    }
}

impl Drop for Binary {
    fn drop(&mut self) {
        let mut child = self.child.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl Output {
    fn follow(self: &Arc<Self>, stream: impl Read + Send + 'static) {
        let output = Arc::clone(self);
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                output.lines.lock().unwrap().push(line);
                output.count.send_modify(|count| *count += 1);
            }
            output.open.send_modify(|open| *open -= 1);
        });
    }
}
