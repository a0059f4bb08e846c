//! A receiver that takes its time, refuses now and then, answers too late now and then, and keeps a short log of every request.

use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rand::RngExt;
use standardwebhooks::Webhook;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::oracle::{Fault, Request};

/// Of a thousand requests, so many are refused with 500, and so many are answered only after the dispatcher's timeout.
const REFUSED: u32 = 40;
const LATE: u32 = 3;

/// Answers take up to so many milliseconds, or these when they are late.
const SLOWEST_MS: u64 = 50;
const LATE_MS: u64 = 3_000;

/// A running receiver; each subscription has its id as path.
pub(super) struct Receiver {
    pub(super) address: SocketAddr,
    log: Arc<Log>,
    _task: JoinSet<()>,
}

struct Log {
    secret: Webhook,
    requests: Mutex<Vec<Request>>,
    late: Mutex<Vec<Fault>>,
}

impl Receiver {
    /// Starts; verifies with a secret of these bytes.
    pub(super) async fn start(secret: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let secret = Webhook::from_bytes(secret).unwrap();
        let log = Arc::new(Log { secret, requests: Mutex::default(), late: Mutex::default() });
        let mut task = JoinSet::new();
        task.spawn(serve(listener, log.clone()));
        Self { address, log, _task: task }
    }

    /// Every whole request so far.
    pub(super) fn requests(&self) -> Vec<Request> {
        self.log.requests.lock().unwrap().clone()
    }

    /// When it answered too late.
    pub(super) fn late(&self) -> Vec<Fault> {
        self.log.late.lock().unwrap().clone()
    }
}

async fn serve(listener: TcpListener, log: Arc<Log>) {
    while let Ok((stream, _)) = listener.accept().await {
        let log = log.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| note(log.clone(), request));
            // a sender that goes away in the middle is what this is about
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// A request under way. It is noted when it ends, be it because the connection did: what was read was processed.
struct UnderWay {
    log: Arc<Log>,
    request: Request,
    is_late: bool,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.request.ended = Instant::now();
        if self.is_late {
            let (began, ended) = (self.request.arrived, self.request.ended);
            self.log.late.lock().unwrap().push(Fault { name: "answer too late", began, ended });
        }
        self.log.requests.lock().unwrap().push(self.request);
    }
}

async fn note(log: Arc<Log>, request: hyper::Request<Incoming>) -> Result<hyper::Response<Empty<Bytes>>, Infallible> {
    let arrived = Instant::now();
    let answer = |status: u16| Ok(hyper::Response::builder().status(status).body(Empty::new()).unwrap());
    let (head, body) = request.into_parts();
    // one that breaks off in its body was no webhook yet
    let Ok(body) = body.collect().await else { return answer(400) };
    let body = body.to_bytes();
    let event: Uuid = head.headers["webhook-id"].to_str().unwrap().parse().unwrap();
    let subscription: Uuid = head.uri.path().trim_start_matches('/').parse().unwrap();
    let (draw, pause) = (rand::rng().random_range(0..1000), rand::rng().random_range(0..=SLOWEST_MS));
    let is_late = draw < LATE;
    let is_accepted = is_late || draw >= LATE + REFUSED;
    // but the time, because the clocks of dispatchers are moved
    let header = |name| head.headers[name].to_str().unwrap();
    let time = header("webhook-timestamp").parse().unwrap();
    let signature = log.secret.sign(header("webhook-id"), time, &body).unwrap();
    let is_verified = header("webhook-signature").split(' ').any(|one| one == signature);
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    let body = hasher.finish();
    let request = Request { event, subscription, arrived, ended: arrived, is_accepted, is_verified, body };
    let _noted = UnderWay { log, request, is_late };
    tokio::time::sleep(Duration::from_millis(if is_late { LATE_MS } else { pause })).await;
    answer(if is_accepted { 204 } else { 500 })
}
