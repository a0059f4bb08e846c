//! Names to addresses, so that names which nobody answers for take neither a sender's time nor the threads of others.
//!
//! The system's resolver blocks a thread for each look-up, for 10 s and longer when no name server answers, whether anyone
//! still waits or not; and the threads of a process are few. So there is one look-up of a name at a time, shared by all
//! who ask, and names that were slow before share a few threads.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

/// How long an asker waits.
const BUDGET: Duration = Duration::from_secs(3);
/// How long a name that took longer counts as slow.
const SLOW_FOR: Duration = Duration::from_secs(600);
/// Look-ups of slow names at once.
const SLOW_AT_ONCE: usize = 32;
/// Most names remembered as slow; beyond it all are forgotten.
const SLOW_NAMES_MAX: usize = 10_000;

/// Why a name has no addresses.
#[derive(Debug)]
pub(super) enum ResolveError {
    /// The resolver said so.
    Failed(Arc<io::Error>),
    /// It said nothing in time.
    Timeout,
}

/// The system's resolver; clones share their look-ups.
#[derive(Clone)]
pub(super) struct Resolver {
    names: Arc<Mutex<Names>>,
    slow_lane: Arc<Semaphore>,
}

type Found = Result<Vec<IpAddr>, Arc<io::Error>>;

#[derive(Default)]
struct Names {
    asked: HashMap<String, Shared<BoxFuture<'static, Found>>>,
    slow_until: HashMap<String, Instant>,
}

impl Resolver {
    pub(super) fn new() -> Self {
        Self { names: Arc::default(), slow_lane: Arc::new(Semaphore::new(SLOW_AT_ONCE)) }
    }

    /// Every address of the name, looked up anew unless a look-up is on its way, within 3 s.
    pub(super) async fn addresses(&self, name: &str, port: u16) -> Result<Vec<SocketAddr>, ResolveError> {
        let found = timeout(BUDGET, self.ask(name)).await.map_err(|_| ResolveError::Timeout)?;
        let addresses = found.map_err(ResolveError::Failed)?;
        Ok(addresses.into_iter().map(|ip| SocketAddr::new(ip, port)).collect())
    }

    fn ask(&self, name: &str) -> Shared<BoxFuture<'static, Found>> {
        let mut names = self.names();
        if let Some(asked) = names.asked.get(name) {
            return asked.clone();
        }
        let is_slow = names.slow_until.get(name).is_some_and(|until| Instant::now() < *until);
        // a task of its own: it goes on when the asker has gone, as the system's look-up does
        let task = tokio::spawn(self.clone().look_up(name.to_owned(), is_slow));
        let asked = task.map(|found| found.unwrap_or_else(|broken| Err(Arc::new(io::Error::other(broken))))).boxed();
        let asked = asked.shared();
        names.asked.insert(name.to_owned(), asked.clone());
        asked
    }

    async fn look_up(self, name: String, is_slow: bool) -> Found {
        let _turn = match is_slow {
            true => match timeout(2 * BUDGET, self.slow_lane.acquire()).await {
                Ok(turn) => turn.ok(),
                // who asks from now on stands in line anew and not behind one that was given up
                Err(_) => {
                    self.names().asked.remove(&name);
                    return Err(Arc::new(io::ErrorKind::TimedOut.into()));
                }
            },
            false => None,
        };
        let started = Instant::now();
        let found = tokio::net::lookup_host((name.as_str(), 0)).await;
        let found = found.map(|addresses| addresses.map(|address| address.ip()).collect()).map_err(Arc::new);
        let mut names = self.names();
        names.asked.remove(&name);
        if started.elapsed() < BUDGET {
            names.slow_until.remove(&name);
        } else {
            if names.slow_until.len() >= SLOW_NAMES_MAX {
                names.slow_until.clear();
            }
            names.slow_until.insert(name, Instant::now() + SLOW_FOR);
        }
        found
    }

    fn names(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn askers_at_the_same_time_share_one_look_up_and_the_next_looks_up_anew() {
        let resolver = Resolver::new();
        let (one, two) = (resolver.ask("localhost"), resolver.ask("localhost"));
        assert!(one.ptr_eq(&two));
        assert!(one.await.unwrap().iter().all(IpAddr::is_loopback));
        assert!(resolver.names().asked.is_empty(), "nothing is kept of it");
        let port = resolver.addresses("localhost", 7).await.unwrap()[0].port();
        assert_eq!(port, 7);
    }

    #[tokio::test]
    async fn slow_names_wait_for_each_other_and_for_nobody_else() {
        let resolver = Resolver::new();
        let later = Instant::now() + SLOW_FOR;
        resolver.names().slow_until.insert("localhost".to_owned(), later);
        let all = resolver.slow_lane.clone().acquire_many_owned(SLOW_AT_ONCE as u32).await.unwrap();
        assert!(matches!(resolver.addresses("localhost", 1).await, Err(ResolveError::Timeout)));
        assert!(resolver.addresses("LOCALHOST", 1).await.is_ok());
        drop(all);
        assert!(resolver.addresses("localhost", 1).await.is_ok());
        assert!(resolver.names().slow_until.is_empty(), "it was quick this time");
    }
}
