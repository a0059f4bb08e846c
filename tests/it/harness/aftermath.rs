//! What must hold once a fault is over: nothing in flight, nothing leased, no connection lost or left in a transaction, and
//! the memory given back.

use std::fs;
use std::time::Duration;

use tokio_postgres::Client;

use super::{Binary, SOON, World, eventually, metric_of};

/// Longest time a fault may take to be over: a lease, a backoff, a timeout of a receiver.
const OVER_WITHIN: Duration = Duration::from_secs(60);

/// Connections of a dispatcher at rest: its pool at its largest, and the one that listens.
const CONNECTIONS: i64 = 6 + 1;

/// What a debug build may hold more than before: pages that the allocator keeps, and statements prepared since.
const MEMORY_KEPT_KIB: u64 = 64 * 1024;

/// How a dispatcher stood before the fault.
pub(crate) struct Aftermath<'a> {
    dispatchers: Vec<(&'a Binary, u64)>,
}

impl<'a> Aftermath<'a> {
    /// Remembers how dispatchers stand that are ready and have not met the fault yet.
    pub(crate) fn before(dispatchers: &[&'a Binary]) -> Self {
        Self { dispatchers: dispatchers.iter().map(|&binary| (binary, resident_kib(binary).unwrap_or(0))).collect() }
    }

    /// Panics unless all is as at rest soon: no row leased, and of the dispatchers that still run each has nothing in flight,
    /// no more connections than it needs, none of them in a transaction, and its memory back within
    /// [`MEMORY_KEPT_KIB`]. Those that died have no connection left.
    pub(crate) async fn holds(&self, world: &World) {
        self.holds_beside(world, &[]).await;
    }

    /// The same with dispatchers that were started later.
    pub(crate) async fn holds_beside(&self, world: &World, later: &[&Binary]) {
        self.holds_in(&world.db, later).await;
    }

    /// The same in a database of any server.
    pub(crate) async fn holds_in(&self, db: &Client, later: &[&Binary]) {
        let is = async |query: &str| db.query_one(query, &[]).await.unwrap().get::<_, bool>(0);
        let is_free = "SELECT NOT EXISTS (SELECT FROM posthorn.webhook_deliveries WHERE status = 'sending')";
        eventually("no row is leased", OVER_WITHIN, async || is(is_free).await).await;
        let running = || self.dispatchers.iter().map(|(binary, _)| *binary).chain(later.iter().copied());
        for binary in running().filter(|binary| binary.is_running()) {
            let is_idle = async || metric_of(binary, "posthorn_in_flight").await == Some(0.0);
            eventually("nothing is in flight", OVER_WITHIN, is_idle).await;
        }
        let alive = i64::try_from(running().filter(|binary| binary.is_running()).count()).unwrap();
        let lost = format!(
            "SELECT count(*) FILTER (WHERE state LIKE 'idle in transaction%') = 0 AND count(*) <= {}
             FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'posthorn'",
            alive * CONNECTIONS
        );
        eventually(&lost, SOON, async || is(&lost).await).await;
        for (binary, before) in &self.dispatchers {
            let is_back = async || resident_kib(binary).is_none_or(|now| now <= before + MEMORY_KEPT_KIB);
            eventually(&format!("memory is back near {before} KiB"), SOON, is_back).await;
        }
    }
}

/// Resident memory of a process; `None` once it has ended.
pub(crate) fn resident_kib(binary: &Binary) -> Option<u64> {
    memory_kib(binary, "VmRSS:")
}

/// A line of `/proc/PID/status` in KiB, such as `VmHWM:`, the most that was resident at any time.
pub(crate) fn memory_kib(binary: &Binary, name: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", binary.pid())).ok()?;
    status.lines().find_map(|line| line.strip_prefix(name)?.trim().trim_end_matches(" kB").parse().ok())
}
