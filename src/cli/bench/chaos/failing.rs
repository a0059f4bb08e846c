//! A receiver that fails now and then, takes its time, and keeps a log of every request.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use hyper::StatusCode;
use hyper::body::Incoming;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::super::receiver::{Answer, answer, event_id, listen};
use super::super::threads::Threads;
use super::order::Request;

/// Longest time an answer takes, in milliseconds. If it took none, two requests at once would go unseen, and a dispatcher
/// that is killed would hold nothing.
const SLOWEST_MS: u64 = 40;

/// A running receiver.
pub(super) struct FailingReceiver {
    address: SocketAddr,
    log: Arc<Log>,
    _threads: Threads,
}

struct Log {
    chance: Mutex<StdRng>,
    percent: u32,
    requests: Mutex<Vec<Request>>,
}

impl FailingReceiver {
    /// Answers `percent` of all requests with 500.
    pub(super) fn start(seed: u64, percent: u32) -> io::Result<Self> {
        let chance = Mutex::new(StdRng::seed_from_u64(seed));
        let log = Arc::new(Log { chance, percent, requests: Mutex::default() });
        let noting = log.clone();
        let (address, threads) = listen("bench-failing", move |request| note(noting.clone(), request))?;
        Ok(Self { address, log, _threads: threads })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/ordered", self.address)
    }

    /// Every request so far.
    pub(super) fn requests(&self) -> Vec<Request> {
        lock(&self.log.requests).clone()
    }
}

/// A request under way; writes the log when it ends, be it because the connection did.
struct UnderWay {
    log: Arc<Log>,
    request: Request,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.request.ended = Instant::now();
        lock(&self.log.requests).push(self.request);
    }
}

async fn note(log: Arc<Log>, request: hyper::Request<Incoming>) -> Answer {
    let arrived = Instant::now();
    let Some(event) = event_id(&request) else { return answer(StatusCode::BAD_REQUEST) };
    let (fails, pause) = {
        let mut chance = lock(&log.chance);
        (chance.random_range(0..100) < log.percent, chance.random_range(0..=SLOWEST_MS))
    };
    let mut under_way = UnderWay { log, request: Request { event, arrived, ended: arrived, is_accepted: false } };
    let read = request.into_body().collect().await;
    tokio::time::sleep(Duration::from_millis(pause)).await;
    under_way.request.is_accepted = read.is_ok() && !fails;
    answer(if under_way.request.is_accepted { StatusCode::NO_CONTENT } else { StatusCode::INTERNAL_SERVER_ERROR })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
