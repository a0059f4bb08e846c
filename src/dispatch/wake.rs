//! Wake: when to look for work. NOTIFY is a hint, the poll is the truth, and the gate keeps busy producers from notifying.
//!
//! One dispatcher per database, the sentinel, holds the gate's lock while it sleeps; producers that find it held notify.
//! The others listen too. The sentinel takes the lock only by trying: it succeeds when no producer that skipped its NOTIFY
//! is still open, so the look that follows sees everything that was not announced.

use std::sync::Arc;
use std::time::{Duration, Instant};

use secrecy::SecretString;
use tokio::task::JoinHandle;

use super::record::Retries;
use super::{Tools, backoff, jittered};
use crate::metrics::{self, WakeReason};
use crate::store::listen::Listener;
use crate::store::{StoreError, queue};

/// Time between heartbeats of the listening connection.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// How soon the sentinel looks again while a producer that skipped its NOTIFY is still open: most commit within a few
/// milliseconds, so the pause begins short and doubles up to the second figure for those that do not.
const LIGHT_SLEEP: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(32));

/// Least time between calls for help.
const RECRUIT: Duration = Duration::from_millis(100);

/// Knows whether to look, and sleeps when not.
pub(super) struct Sleeper {
    url: SecretString,
    tools: Arc<Tools>,
    retries: Arc<Retries>,
    poll: Duration,
    line: Line,
    is_sentinel: bool,
    is_gate_closed: bool,
    /// The next light sleep.
    light_sleep: Duration,
    recruited_at: Option<Instant>,
}

/// The listening connection, or when to try for one again.
enum Line {
    Up { listener: Arc<Listener>, heartbeat: JoinHandle<()> },
    Down { failures: u32, retry_at: Instant },
}

impl Sleeper {
    pub(super) fn new(url: SecretString, tools: Arc<Tools>, retries: Arc<Retries>, poll: Duration) -> Self {
        let line = Line::Down { failures: 0, retry_at: Instant::now() };
        Self {
            url,
            tools,
            retries,
            poll,
            line,
            is_sentinel: false,
            is_gate_closed: false,
            light_sleep: LIGHT_SLEEP.0,
            recruited_at: None,
        }
    }

    /// Opens the gate if this process holds it: it is awake.
    pub(super) async fn wake_up(&mut self) {
        if !self.is_gate_closed {
            return;
        }
        self.is_gate_closed = false;
        self.ask(|listener| async move { listener.open_gate().await }).await;
        self.tell();
    }

    /// Tries to close the gate. True: look once more, then sleep. False: sleep lightly, someone else sleeps, or deaf.
    pub(super) async fn close_gate(&mut self) -> bool {
        self.keep_line().await;
        if !self.is_sentinel {
            self.is_sentinel = self.ask(|listener| async move { listener.try_sentinel().await }).await;
        }
        if self.is_sentinel {
            self.is_gate_closed = self.ask(|listener| async move { listener.close_gate().await }).await;
        }
        self.tell();
        self.is_gate_closed
    }

    /// Shows how the line stands.
    fn tell(&self) {
        self.tools.metrics.set_line(metrics::Line {
            is_listening: matches!(self.line, Line::Up { .. }),
            is_sentinel: self.is_sentinel,
            is_gate_closed: self.is_gate_closed,
        });
    }

    /// There was work just now, so the producer that is open is likely to bring more soon: the next light sleep is short.
    pub(super) const fn expect_more(&mut self) {
        self.light_sleep = LIGHT_SLEEP.0;
    }

    /// Sleeps until there may be work, and counts why it woke.
    pub(super) async fn sleep(&mut self) {
        let now = Instant::now();
        if self.retries.take_due(now) {
            // it fell due between the last look and now
            return self.tools.metrics.woke(WakeReason::Retry);
        }
        let is_light = self.is_sentinel && !self.is_gate_closed;
        let poll = if is_light { self.light_sleep } else { jittered(self.poll) };
        self.light_sleep = if is_light { (poll * 2).min(LIGHT_SLEEP.1) } else { LIGHT_SLEEP.0 };
        let (until, timer) = match self.retries.next() {
            // a millisecond late rather than early: the row is due by the database's clock
            Some(due) if due < now + poll => (due + Duration::from_millis(1), WakeReason::Retry),
            _ => (now + poll, if is_light { WakeReason::OpenProducer } else { WakeReason::Poll }),
        };
        // deaf: not longer than until the next try for a connection, however seldom it polls
        let until = match self.line {
            Line::Down { retry_at, .. } => until.min(retry_at),
            Line::Up { .. } => until,
        };
        let reason = tokio::select! {
            () = self.tools.wake.notified() => WakeReason::Notify,
            () = self.tools.slots.freed() => WakeReason::Slot,
            () = tokio::time::sleep_until(until.into()) => timer,
        };
        self.retries.take_due(Instant::now());
        self.tools.metrics.woke(reason);
    }

    /// Wakes other dispatchers: this one has no free slot, and producers do not notify while it is awake.
    pub(super) async fn recruit(&mut self) {
        if self.recruited_at.is_some_and(|at| at.elapsed() < RECRUIT) {
            return;
        }
        self.recruited_at = Some(Instant::now());
        if let Err(error) = queue::recruit(&self.tools.store).await {
            tracing::debug!(error = %error.with_causes(), "other dispatchers could not be called");
        }
    }

    /// Asks the listening connection; takes it down when it fails.
    async fn ask<A>(&mut self, question: impl FnOnce(Arc<Listener>) -> A) -> bool
    where
        A: Future<Output = Result<bool, StoreError>>,
    {
        let Line::Up { listener, .. } = &self.line else { return false };
        match question(listener.clone()).await {
            Ok(answer) => answer,
            Err(error) => {
                tracing::warn!(error = %error.with_causes(), "the listening connection is lost; polling until it is back");
                self.hang_up(1);
                false
            }
        }
    }

    /// Makes the connection anew when it is down and its time has come.
    async fn keep_line(&mut self) {
        if let Line::Up { heartbeat, .. } = &self.line
            && heartbeat.is_finished()
        {
            self.hang_up(0);
        }
        let Line::Down { failures, retry_at } = self.line else { return };
        if Instant::now() < retry_at {
            return;
        }
        let listener = Listener::connect(
            &self.url,
            self.tools.wake.clone(),
            self.tools.test_sends.clone(),
            self.tools.jobs.clone(),
        );
        match listener.await {
            Ok(listener) => {
                let listener = Arc::new(listener);
                let heartbeat = tokio::spawn(keep_alive(listener.clone(), self.tools.clone()));
                self.line = Line::Up { listener, heartbeat };
                // whatever was announced meanwhile went unheard: the caller looks before it sleeps
                self.tools.wake.notify_one();
                self.tools.metrics.woke(WakeReason::Reconnect);
            }
            Err(error) => {
                tracing::warn!(error = %error.with_causes(), "cannot listen for wake-ups; polling");
                self.hang_up(failures + 1);
            }
        }
    }

    fn hang_up(&mut self, failures: u32) {
        if let Line::Up { heartbeat, .. } = &self.line {
            heartbeat.abort();
        }
        let pause = if failures == 0 { Duration::ZERO } else { backoff(failures) };
        self.line = Line::Down { failures, retry_at: Instant::now() + pause };
        // both locks went with the session
        (self.is_sentinel, self.is_gate_closed) = (false, false);
        self.tell();
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.hang_up(0);
    }
}

/// Ends when the connection no longer answers or no longer listens.
async fn keep_alive(listener: Arc<Listener>, tools: Arc<Tools>) {
    loop {
        tokio::time::sleep(HEARTBEAT).await;
        match listener.is_listening().await {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!("the session no longer listens: is there a transaction pooler in between?");
                break;
            }
            Err(error) => {
                tracing::warn!(error = %error.with_causes(), "the listening connection does not answer");
                break;
            }
        }
    }
    // told at once: while the database is away nobody looks at the line
    tools.metrics.set_line(metrics::Line::default());
    tools.wake.notify_one();
}
