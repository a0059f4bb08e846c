//! What tests stand on: one PostgreSQL per run, a database per test, a receiver of webhooks, the program itself.

mod aftermath;
pub(crate) mod api;
pub(crate) mod authority;
mod binary;
pub(crate) mod bouncer;
mod claiming;
mod cluster;
mod dispatching;
#[cfg(feature = "failpoints")]
mod failing;
pub(crate) mod hostile;
mod metrics;
pub(crate) mod name_server;
pub(crate) mod netns;
mod own_cluster;
mod pages;
pub(crate) mod prometheus;
mod proxy;
mod receiver;
mod tests;
mod world;

use std::path::PathBuf;
use std::time::{Duration, Instant};

pub(crate) use aftermath::{Aftermath, memory_kib, resident_kib};
pub(crate) use api::{Api, Reply, Serving};
pub(crate) use binary::Binary;
pub(crate) use claiming::Hand;
pub(crate) use cluster::server;
pub(crate) use dispatching::{AttemptRow, DISPATCHER, dispatch_binary, dispatch_limited, dispatcher_env};
#[cfg(feature = "failpoints")]
pub(crate) use failing::Latch;
pub(crate) use metrics::metric_of;
pub(crate) use own_cluster::OwnCluster;
pub(crate) use pages::{Block, all_blocks, blocks, page, pages, section, sql_blocks};
pub(crate) use proxy::{Proxy, Weather};
pub(crate) use receiver::{Answer, Receiver};
pub(crate) use world::{KEYRING, World, connect};

/// Time within which something that needs no waiting must have happened, on a slow and busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// Time within which a key that was revoked, or has expired, is refused.
pub(crate) const REVOKED_WITHIN: Duration = Duration::from_secs(5);

/// How often [`eventually`] looks.
const LOOK: Duration = Duration::from_millis(5);

/// libfaketime for programs with threads; `None`, with a line that says so, where it is not installed.
pub(crate) fn faketime() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|entry| entry.path());
    let mut places = folders.chain(["/usr/lib".into()]).map(|folder| folder.join("faketime/libfaketimeMT.so.1"));
    let found = places.find(|library| library.exists());
    if found.is_none() {
        eprintln!("not run: libfaketime is not installed (Debian package faketime, see .ci/setup)");
    }
    found
}

/// Looks every few milliseconds until `condition` holds. Panics with `what` when it does not within `deadline`.
pub(crate) async fn eventually(what: &str, deadline: Duration, condition: impl AsyncFn() -> bool) {
    let start = Instant::now();
    while !condition().await {
        assert!(start.elapsed() < deadline, "not within {deadline:?}: {what}");
        tokio::time::sleep(LOOK).await;
    }
}
