//! The dispatcher: a pipeline that moves values one way.
//!
//! ```text
//! wake -> claim -> sign -> send -> judge -> record
//! ```
//!
//! `sign` and `judge` are pure, `send` never fails (a failure is an outcome), only `record` writes. What travels back is
//! the number of free slots. No transaction is open while we talk to a stranger.

mod check;
mod claim;
mod copy;
mod fan_out;
mod jobs;
mod judge;
mod operational;
mod record;
mod rescue;
mod send;
mod sign;
mod slots;
mod subscriber;
mod tally;
mod test_sends;
mod trace;
mod troubled;
mod undying;
mod wake;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use secrecy::SecretString;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::config::{DispatcherConfig, WebhookConfig};
use crate::domain::keyring::Keyring;
use crate::domain::schema::Schemas;
use crate::metrics::Metrics;
use crate::outbound::Outbound;
use crate::store::queue::Patience;
use crate::store::{Store, StoreError, dispatchers};

use claim::{Claimer, Pass};
use copy::CopyNotice;
use record::Recorder;
use slots::Slots;
use troubled::Troubled;
use undying::keep_alive;
use wake::Sleeper;

/// How long each of the last steps of a stop may take.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// What every stage may use.
pub(crate) struct Tools {
    pub(crate) store: Store,
    pub(crate) outbound: Outbound,
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) metrics: Metrics,
    pub(crate) webhook: Arc<WebhookConfig>,
    pub(crate) lease_margin: Duration,
    pub(crate) patience: Patience,
    pub(crate) dispatcher_id: Uuid,
    pub(crate) slots: Arc<Slots>,
    /// Receivers that failed of late.
    pub(crate) troubled: Troubled,
    /// Wakes the main loop; any number of calls is one look.
    pub(crate) wake: Arc<Notify>,
    /// Tells that events wait to be fanned out.
    pub(crate) open_fanouts: Notify,
    /// Tells that someone asked for a test send.
    pub(crate) test_sends: Arc<Notify>,
    /// Tells that there is a new job.
    pub(crate) jobs: Arc<Notify>,
    /// Pace of a job.
    pub(crate) job_rows_per_second: i32,
    /// How long the oldest due delivery of a tenant waits when its backlog is told to be high, in seconds; 0: never.
    pub(crate) backlog_high_seconds: i32,
    /// Tells that results wait to be added to the statistics.
    pub(crate) tallies: Notify,
    /// Schemas of strict event types.
    pub(crate) schemas: Arc<Schemas>,
}

/// A dispatcher that has told the database about itself and not begun yet.
pub struct Dispatcher {
    tools: Arc<Tools>,
    database_url: SecretString,
    poll: Duration,
    drain: Duration,
}

/// What a dispatcher is made of.
pub struct DispatcherParts {
    /// Pool with role `posthorn_dispatcher`.
    pub store: Store,
    /// The same database, for the listening connection.
    pub database_url: SecretString,
    /// HTTP to strangers.
    pub outbound: Outbound,
    /// Opens the subscriptions' secrets.
    pub keyring: Arc<Keyring>,
    /// Counters.
    pub metrics: Metrics,
    /// Policies of the instance.
    pub webhook: Arc<WebhookConfig>,
}

impl Dispatcher {
    /// Registers a dispatcher in `posthorn.dispatchers`.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub async fn register(parts: DispatcherParts, config: &DispatcherConfig) -> Result<Self, StoreError> {
        let dispatcher_id = dispatchers::register(&parts.store, &host_name(), config.concurrency).await?;
        let wake = Arc::new(Notify::new());
        let tools = Tools {
            store: parts.store,
            outbound: parts.outbound,
            keyring: parts.keyring,
            slots: Arc::new(Slots::new(config.concurrency, parts.metrics.clone())),
            metrics: parts.metrics,
            webhook: parts.webhook,
            lease_margin: Duration::from_secs(config.lease_margin_seconds.into()),
            patience: Patience {
                failures: config.circuit_failures,
                failure_ratio: config.circuit_failure_ratio,
                circuit: Duration::from_secs(config.circuit_seconds.into()),
                suspend_after: Duration::from_secs(config.suspend_after_seconds.into()),
            },
            dispatcher_id,
            troubled: Troubled::default(),
            wake,
            open_fanouts: Notify::new(),
            test_sends: Arc::new(Notify::new()),
            jobs: Arc::new(Notify::new()),
            job_rows_per_second: i32::try_from(config.job_rows_per_second).unwrap_or(i32::MAX),
            backlog_high_seconds: i32::try_from(config.backlog_high_seconds).unwrap_or(i32::MAX),
            tallies: Notify::new(),
            schemas: Arc::default(),
        };
        Ok(Self {
            tools: Arc::new(tools),
            database_url: parts.database_url,
            poll: Duration::from_secs(config.poll_seconds.into()),
            drain: Duration::from_secs(config.drain_seconds.into()),
        })
    }

    /// Its id in `posthorn.dispatchers`.
    pub fn id(&self) -> Uuid {
        self.tools.dispatcher_id
    }

    /// Dispatches until `stop` is cancelled; then finishes what is in flight within the drain time and gives the rest back.
    pub async fn run(self, stop: CancellationToken) {
        let Self { tools, database_url, poll, drain } = self;
        let (recorder, recording) = Recorder::start(tools.clone());
        let beside = TaskTracker::new();
        run_beside(&beside, &tools, &stop);
        beside.close();
        let abort = CancellationToken::new();
        let deliveries = TaskTracker::new();
        let claimer = Claimer::new(tools.clone(), recorder.clone(), deliveries.clone(), abort.clone());

        tracing::info!(dispatcher.id = %tools.dispatcher_id, "dispatcher started");
        look_for_work(claimer, Sleeper::new(database_url, tools.clone(), recorder.retries(), poll), &stop).await;

        deliveries.close();
        let in_flight = tools.slots.in_flight();
        tracing::info!(in_flight, "dispatcher stops claiming and finishes what is in flight");
        if tokio::time::timeout(drain, deliveries.wait()).await.is_err() {
            tracing::warn!(in_flight = tools.slots.in_flight(), "drain time is over, giving the rest back");
            abort.cancel();
        }
        // at once, unless results cannot be written and those who hold them wait for room
        let _ = tokio::time::timeout(LAST_WORDS, deliveries.wait()).await;
        drop(recorder); // the last sender: the recorder ends once everything is written
        // the leases run out by themselves when the database does not come back
        if tokio::time::timeout(drain.max(LAST_WORDS), recording).await.is_err() {
            tracing::error!("results could not be recorded before the end; their deliveries will be sent again");
        }
        let _ = tokio::time::timeout(LAST_WORDS, beside.wait()).await; // they hold nothing that could be lost
        // else the next dispatcher does it
        let _ = tokio::time::timeout(LAST_WORDS, tally::fold_all(&tools)).await;
        if let Err(error) = dispatchers::seen(&tools.store, tools.dispatcher_id, true).await {
            tracing::warn!(error = %error.with_causes(), "could not sign off");
        }
        tracing::info!(dispatcher.id = %tools.dispatcher_id, "dispatcher stopped");
    }
}

/// Starts what goes on beside the pipeline, each part on its own.
fn run_beside(beside: &TaskTracker, tools: &Arc<Tools>, stop: &CancellationToken) {
    macro_rules! part {
        ($name:literal, $run:path) => {
            let (tools, stop) = (tools.clone(), stop.clone());
            beside.spawn(async move { keep_alive(&tools, $name, || $run(tools.clone(), stop.clone())).await });
        };
    }
    part!("signs_of_life", rescue::keep_beating);
    part!("sweep", rescue::keep_sweeping);
    part!("fan_out", fan_out::keep_fanning_out);
    part!("statistics", tally::keep_folding);
    part!("test_sends", test_sends::keep_testing);
    part!("jobs", jobs::keep_running_jobs);
    part!("operational_events", operational::keep_telling);
}

/// Claims while there is work, sleeps while there is none, backs off while the database is away.
async fn look_for_work(mut claimer: Claimer, mut sleeper: Sleeper, stop: &CancellationToken) {
    let (mut failures, mut copy) = (0, CopyNotice::default());
    while !stop.is_cancelled() {
        match AssertUnwindSafe(look_once(&mut claimer, &mut sleeper, &mut copy, stop)).catch_unwind().await {
            Ok(Ok(())) => {
                failures = 0;
                continue;
            }
            Ok(Err(error)) => {
                tracing::warn!(error = %error.with_causes(), "the database failed, trying again");
            }
            // what it leased and had not started is taken again when the leases have run out
            Err(_) => {
                claimer.note_panic();
                tracing::error!("looking for work panicked, trying again");
            }
        }
        failures += 1;
        tokio::select! { () = tokio::time::sleep(backoff(failures)) => {}, () = stop.cancelled() => {} }
    }
}

/// One look for work, with what is to be waited for until the next.
async fn look_once(
    claimer: &mut Claimer,
    sleeper: &mut Sleeper,
    copy: &mut CopyNotice,
    stop: &CancellationToken,
) -> Result<(), StoreError> {
    // gate and claim go out together: waking costs one round trip
    let (pass, ()) = tokio::join!(claimer.pass(), sleeper.wake_up());
    match pass? {
        Pass::MoreWaiting => claimer.gather_room().await,
        Pass::NoRoom => {
            sleeper.recruit().await;
            tokio::select! { () = claimer.wait_for_room() => {}, () = stop.cancelled() => {} }
            claimer.gather_room().await;
        }
        Pass::Contended => tokio::time::sleep(jittered(Duration::from_millis(3))).await,
        Pass::Copy => {
            copy.tell();
            tokio::select! { () = tokio::time::sleep(jittered(copy::LOOK)) => {}, () = stop.cancelled() => {} }
        }
        Pass::Drained => return sleep_unless_work_came(claimer, sleeper, stop).await,
    }
    Ok(())
}

/// Closes the gate, looks once more (whoever skipped a NOTIFY has committed by then), and only then sleeps.
async fn sleep_unless_work_came(
    claimer: &mut Claimer,
    sleeper: &mut Sleeper,
    stop: &CancellationToken,
) -> Result<(), StoreError> {
    if claimer.found_work() {
        sleeper.expect_more();
    }
    if sleeper.close_gate().await && claimer.pass().await? != Pass::Drained {
        return Ok(());
    }
    tokio::select! { () = sleeper.sleep() => {}, () = stop.cancelled() => {} }
    Ok(())
}

/// Pause after the n-th failure in a row: 100 ms doubling to 5 s, jittered so that many processes do not return at once.
fn backoff(failures: u32) -> Duration {
    jittered(Duration::from_millis(100 * 2u64.pow(failures.min(7) - 1)).min(Duration::from_secs(5)))
}

/// Between 0.8 and 1.2 times as long.
fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(rand::random_range(0.8..1.2))
}

fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .or_else(|| std::env::var("HOSTNAME").ok())
        .map_or_else(|| "unknown".to_owned(), |name| name.trim().to_owned())
}
