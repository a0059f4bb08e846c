//! The faults: which there are, how often each is chosen, and what each does.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::RngExt;
use rand::rngs::StdRng;
use rustix::process::{Pid, Signal, kill_process};
use tokio::task::JoinSet;

use super::database::ask;
use super::fleet;
use super::oracle::Fault;
use super::stage::Stage;
use crate::harness::{Proxy, Weather};

/// Faults of this run.
pub(super) struct Faults {
    stage: Arc<Stage>,
    at_work: JoinSet<Option<Fault>>,
}

#[derive(Clone, Copy)]
enum Kind {
    KillDispatcher,
    StopDispatcher,
    FreezeDispatcher,
    MoveClock,
    RestartDatabase,
    KillDatabase,
    KillBackend,
    StrikeDatabaseConnections,
    StrikeReceiverConnections,
    DatabaseWeather,
    ReceiverWeather,
}

use Kind::{
    DatabaseWeather, FreezeDispatcher, KillBackend, KillDatabase, KillDispatcher, MoveClock, ReceiverWeather,
    RestartDatabase, StopDispatcher, StrikeDatabaseConnections, StrikeReceiverConnections,
};

/// Each as often as it stands here. The server goes down less often, or nothing else would be seen.
const KINDS: [Kind; 18] = [
    KillDispatcher,
    KillDispatcher,
    KillDispatcher,
    StopDispatcher,
    StopDispatcher,
    FreezeDispatcher,
    FreezeDispatcher,
    MoveClock,
    MoveClock,
    RestartDatabase,
    KillDatabase,
    KillBackend,
    StrikeDatabaseConnections,
    StrikeDatabaseConnections,
    StrikeReceiverConnections,
    StrikeReceiverConnections,
    DatabaseWeather,
    ReceiverWeather,
];

/// Two hours to an hour: what an administrator's hand or a broken NTP server does.
const CLOCK_JUMPS: [i32; 4] = [-7_200, -3_600, 3_600, 40];

/// How long a strike may take to reach every connection: the tasks that end them wait for their turn on a busy machine, and what
/// comes through one meanwhile gets no answer.
const STRIKE: Duration = Duration::from_secs(1);

/// Where one falls, how hard and for how long; drawn at once, so that the seed alone decides.
#[derive(Clone, Copy)]
struct Draw {
    member: usize,
    choice: usize,
    short: Duration,
    /// Up to beyond the end of a lease.
    long: Duration,
}

impl Faults {
    pub(super) fn new(stage: Arc<Stage>) -> Self {
        Self { stage, at_work: JoinSet::new() }
    }

    /// Begins one.
    pub(super) async fn strike(&mut self, chance: &mut StdRng) {
        let kind = KINDS[chance.random_range(0..KINDS.len())];
        let draw = Draw {
            member: chance.random_range(0..fleet::SIZE),
            choice: chance.random_range(0..4),
            short: Duration::from_millis(chance.random_range(0..2_000)),
            long: Duration::from_millis(chance.random_range(500..12_000)),
        };
        let stage = self.stage.clone();
        self.at_work.spawn(async move {
            let began = Instant::now();
            let name = kind.befall(&stage, draw).await?;
            Some(Fault { name, began, ended: Instant::now() })
        });
    }

    /// Waits until all are over; answers with what there was.
    pub(super) async fn heal(self) -> Vec<Fault> {
        self.at_work.join_all().await.into_iter().flatten().collect()
    }
}

impl Kind {
    /// Does it; ends when it is over. Answers with its name, or `None` where there are no means to.
    async fn befall(self, stage: &Stage, draw: Draw) -> Option<&'static str> {
        let member = stage.fleet.member(draw.member);
        match self {
            KillDispatcher => {
                member.end(Signal::KILL, draw.short).await;
                Some("dispatcher killed (SIGKILL)")
            }
            StopDispatcher => {
                member.end(Signal::TERM, draw.short).await;
                Some("dispatcher stopped (SIGTERM)")
            }
            FreezeDispatcher => {
                member.signal(Signal::STOP).await;
                tokio::time::sleep(draw.long).await;
                member.signal(Signal::CONT).await;
                Some("dispatcher frozen (SIGSTOP, SIGCONT)")
            }
            MoveClock => {
                let is_moved = member.move_clock(CLOCK_JUMPS[draw.choice]);
                tokio::time::sleep(draw.long).await;
                member.move_clock(0);
                is_moved.then_some("dispatcher's clock moved and back")
            }
            RestartDatabase => {
                let mut cluster = stage.cluster.lock().await;
                // one that did not stop within a minute was killed then, and recovers at the next start
                if cluster.restart().await.is_err() {
                    cluster.restart().await.unwrap();
                }
                Some("PostgreSQL restarted")
            }
            KillDatabase => {
                let mut cluster = stage.cluster.lock().await;
                cluster.kill().await;
                cluster.restart().await.unwrap();
                Some("PostgreSQL killed (every process, SIGKILL)")
            }
            KillBackend => kill_a_backend(stage).await,
            StrikeDatabaseConnections => strike(&member.database, draw.choice).await,
            StrikeReceiverConnections => strike(&stage.way_to_receiver, draw.choice).await,
            DatabaseWeather => change_weather(&member.database, draw).await,
            ReceiverWeather => change_weather(&stage.way_to_receiver, draw).await,
        }
    }
}

/// PostgreSQL ends every session when one dies so, and recovers.
async fn kill_a_backend(stage: &Stage) -> Option<&'static str> {
    let any = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
               ORDER BY random() LIMIT 1";
    let pid: i32 = ask(&stage.url, any).await?;
    // it may have ended by now
    kill_process(Pid::from_raw(pid)?, Signal::KILL).ok()?;
    Some("backend of PostgreSQL killed (SIGKILL)")
}

async fn strike(proxy: &Proxy, choice: usize) -> Option<&'static str> {
    match choice {
        0 => proxy.close(),
        1 => proxy.half_close(),
        _ => proxy.reset(),
    }
    tokio::time::sleep(STRIKE).await;
    Some(match choice {
        0 => "connections closed",
        1 => "connections half-closed",
        _ => "connections reset",
    })
}

async fn change_weather(proxy: &Proxy, draw: Draw) -> Option<&'static str> {
    let (weather, name) = match draw.choice {
        0 => (Weather::Slow(draw.short / 10), "connections slowed"),
        1 => (Weather::CutAfter(2_000), "connections cut in the middle of an answer"),
        _ => (Weather::BlackHole, "connections swallowed"),
    };
    proxy.set(weather);
    tokio::time::sleep(draw.long).await;
    proxy.set(Weather::Fair);
    Some(name)
}
