//! A receiver that costs as little as one can: answers 204 at once, counts, and stamps what it is asked to stamp.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::BenchError;

/// How often the count is looked at; it bounds the error of a measurement that lasts seconds.
const LOOK: Duration = Duration::from_millis(1);

/// A running receiver; stops accepting when dropped.
pub(super) struct Receiver {
    address: SocketAddr,
    book: Arc<Book>,
    accepting: JoinHandle<()>,
}

#[derive(Default)]
struct Book {
    count: AtomicU64,
    stamps: AtomicBool,
    arrivals: Mutex<HashMap<Uuid, Instant>>,
}

impl Receiver {
    pub(super) async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let book = Arc::new(Book::default());
        let accepting = tokio::spawn(accept(listener, book.clone()));
        Ok(Self { address, book, accepting })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Requests so far.
    pub(super) fn count(&self) -> u64 {
        self.book.count.load(Ordering::Relaxed)
    }

    /// Waits until `expected` requests have come in all.
    pub(super) async fn wait_for(&self, expected: u64, limit: Duration, what: &'static str) -> Result<(), BenchError> {
        let (before, started) = (self.count(), Instant::now());
        while self.count() < expected {
            if started.elapsed() > limit {
                let (arrived, expected) = (self.count() - before, expected - before);
                return Err(BenchError::Missing { what, arrived, expected, seconds: limit.as_secs() });
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// From now on keeps when each event first arrived.
    pub(super) fn start_stamping(&self) {
        self.book.stamps.store(true, Ordering::Relaxed);
    }

    /// Stops it and hands out what was kept.
    pub(super) fn take_stamps(&self) -> HashMap<Uuid, Instant> {
        self.book.stamps.store(false, Ordering::Relaxed);
        std::mem::take(&mut *self.book.arrivals.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, book: Arc<Book>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(serve(stream, book.clone()));
            }
            Err(_) => tokio::task::yield_now().await, // out of file descriptors: some will be closed
        }
    }
}

async fn serve(stream: TcpStream, book: Arc<Book>) {
    // without it an answer could wait for the kernel; not having it is no reason not to serve
    let _ = stream.set_nodelay(true);
    let answer = service_fn(move |request| {
        let book = book.clone();
        async move { Ok::<_, Infallible>(note(&book, request).await) }
    });
    // an end in the middle is the sender closing its pool
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
}

async fn note(book: &Book, request: Request<Incoming>) -> Response<Empty<Bytes>> {
    let arrived = Instant::now();
    if book.stamps.load(Ordering::Relaxed) {
        let id = request.headers().get("webhook-id").and_then(|value| value.to_str().ok());
        if let Some(id) = id.and_then(|text| Uuid::parse_str(text).ok()) {
            book.arrivals.lock().unwrap_or_else(PoisonError::into_inner).entry(id).or_insert(arrived);
        }
    }
    // the body is read to its end, or the connection could not be used again
    let read = request.into_body().collect().await;
    book.count.fetch_add(1, Ordering::Relaxed);
    let mut response = Response::new(Empty::new());
    *response.status_mut() = if read.is_ok() { StatusCode::NO_CONTENT } else { StatusCode::BAD_REQUEST };
    response
}
