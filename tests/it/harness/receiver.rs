//! A receiver of webhooks: a real HTTP server that answers by a script and keeps what it got.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

/// Says what to answer to a path, and how many requests came before.
type Script = dyn Fn(&str, usize) -> Answer + Send + Sync;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// Path with query.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// When its body was complete.
    pub(crate) at: Instant,
}

/// What the receiver says to a request.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Bytes,
    delay: Duration,
    gate: Option<watch::Receiver<bool>>,
}

/// A running receiver; stops when dropped.
pub(crate) struct Receiver {
    address: SocketAddr,
    log: Arc<Log>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

struct Log {
    requests: Mutex<Vec<Received>>,
    count: watch::Sender<usize>,
    busy: Mutex<HashMap<String, Busy>>,
    script: Box<Script>,
}

/// Requests of one path that are being answered.
#[derive(Clone, Copy, Default)]
struct Busy {
    now: isize,
    most: isize,
}

impl Log {
    /// Counts a request that comes (1) or goes (-1), of its path, its event and of all.
    fn note_busy(&self, path: &str, event: &str, change: isize) {
        let mut all = self.busy.lock().unwrap();
        for key in [path, event, ""] {
            let busy = all.entry(key.to_owned()).or_default();
            busy.now += change;
            busy.most = busy.most.max(busy.now);
        }
    }
}

impl Answer {
    /// An empty answer with a status.
    pub(crate) fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new(), delay: Duration::ZERO, gate: None }
    }

    /// Adds a header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the body.
    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Answers only once the gate is open.
    pub(crate) fn once(mut self, gate: &watch::Receiver<bool>) -> Self {
        self.gate = Some(gate.clone());
        self
    }

    /// Answers only after a time.
    pub(crate) fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }
}

impl Receiver {
    /// Starts on a free port of 127.0.0.1. `script` is asked with the path and how many requests came before (from 0).
    ///
    /// It has a thread and runtime of its own, so that a test that blocks does not keep it from answering.
    pub(crate) fn start(script: impl Fn(&str, usize) -> Answer + Send + Sync + 'static) -> Self {
        let log = Arc::new(Log {
            requests: Mutex::new(Vec::new()),
            count: watch::Sender::new(0),
            busy: Mutex::default(),
            script: Box::new(script),
        });
        let socket = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.set_nonblocking(true).unwrap();
        let address = socket.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let served = Arc::clone(&log);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                tokio::select! {
                    () = serve(TcpListener::from_std(socket).unwrap(), served) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { address, log, stop: Some(stop), thread: Some(thread) }
    }

    /// URL of a path (which begins with a slash).
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Everything that came so far.
    pub(crate) fn requests(&self) -> Vec<Received> {
        self.log.requests.lock().unwrap().clone()
    }

    /// Most requests to a path, or of an event type, or of all with "", that were being answered at one time.
    pub(crate) fn most_at_once(&self, path: &str) -> usize {
        self.log.busy.lock().unwrap().get(path).map_or(0, |busy| busy.most.unsigned_abs())
    }

    /// Waits until at least `n` requests came and answers with all that did. Panics when they do not within `deadline`.
    pub(crate) async fn wait_for(&self, n: usize, deadline: Duration) -> Vec<Received> {
        let mut count = self.log.count.subscribe();
        if timeout(deadline, count.wait_for(|count| *count >= n)).await.is_err() {
            let paths: Vec<String> = self.requests().into_iter().map(|request| request.path).collect();
            panic!("{} of {n} requests within {deadline:?}: {paths:?}", paths.len());
        }
        self.requests()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(listener: TcpListener, log: Arc<Log>) {
    while let Ok((stream, _)) = listener.accept().await {
        let log = Arc::clone(&log);
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(Arc::clone(&log), request));
            // a sender that goes away in the middle is not the receiver's trouble
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(
    log: Arc<Log>,
    request: hyper::Request<Incoming>,
) -> Result<hyper::Response<Full<Bytes>>, hyper::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let path = head.uri.to_string();
    let event = head.headers.get("x-event").map_or("none", |event| event.to_str().unwrap()).to_owned();
    log.note_busy(&path, &event, 1);
    let nth = {
        let mut requests = log.requests.lock().unwrap();
        requests.push(Received { path: path.clone(), headers: head.headers, body, at: Instant::now() });
        requests.len() - 1
    };
    let answer = (log.script)(&path, nth);
    log.count.send_modify(|count| *count += 1);
    tokio::time::sleep(answer.delay).await;
    if let Some(mut gate) = answer.gate {
        // a test that is over opens every gate
        let _ = gate.wait_for(|is_open| *is_open).await;
    }
    log.note_busy(&path, &event, -1);
    let mut response = hyper::Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    Ok(response.body(Full::new(answer.body)).unwrap())
}
