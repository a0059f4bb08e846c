//! A receiver that costs as little as one can: answers 204 at once, counts, and stamps what it is asked to stamp.
//! Requests to `/hang` are never answered.

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
use tokio::sync::Notify;
use uuid::Uuid;

use super::error::BenchError;
use super::threads::Threads;

/// Name of its threads.
pub(super) const THREADS: &str = "bench-receiver";

/// A running receiver; its threads end when it is dropped.
pub(super) struct Receiver {
    address: SocketAddr,
    book: Arc<Book>,
    _threads: Threads,
}

#[derive(Default)]
struct Book {
    /// Requests answered.
    count: AtomicU64,
    /// Requests held without an answer, ever.
    held: AtomicU64,
    /// The count that somebody waits for.
    awaited: AtomicU64,
    reached: Notify,
    /// The first request since it was last asked for.
    first: Mutex<Option<Instant>>,
    is_first_wanted: AtomicBool,
    is_stamping: AtomicBool,
    arrivals: Mutex<HashMap<Uuid, Instant>>,
}

impl Receiver {
    pub(super) fn start() -> io::Result<Self> {
        let book = Arc::new(Book::default());
        let noting = book.clone();
        let (address, threads) = listen(THREADS, move |request| {
            let book = noting.clone();
            async move { note(&book, request).await }
        })?;
        Ok(Self { address, book, _threads: threads })
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Requests answered so far.
    pub(super) fn count(&self) -> u64 {
        self.book.count.load(Ordering::SeqCst)
    }

    /// Requests held without an answer so far.
    pub(super) fn held(&self) -> u64 {
        self.book.held.load(Ordering::Relaxed)
    }

    /// Waits until `expected` requests have come in all since it was started. For one waiter at a time.
    pub(super) async fn wait_for(&self, expected: u64, limit: Duration, what: &'static str) -> Result<(), BenchError> {
        let before = self.count();
        self.book.awaited.store(expected, Ordering::SeqCst);
        let reached = async {
            while self.count() < expected {
                self.book.reached.notified().await;
            }
        };
        if tokio::time::timeout(limit, reached).await.is_err() {
            let (arrived, expected) = (self.count() - before, expected.saturating_sub(before));
            return Err(BenchError::Missing { what, arrived, expected, seconds: limit.as_secs() });
        }
        Ok(())
    }

    /// From now on looks out for the first request.
    pub(super) fn watch_first(&self) {
        *self.book.first.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.book.is_first_wanted.store(true, Ordering::SeqCst);
    }

    /// When the first request came since [`Self::watch_first`].
    pub(super) fn first(&self) -> Option<Instant> {
        *self.book.first.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on keeps when each event first arrived.
    pub(super) fn start_stamping(&self) {
        self.book.is_stamping.store(true, Ordering::Relaxed);
    }

    /// Stops it and hands out what was kept.
    pub(super) fn take_stamps(&self) -> HashMap<Uuid, Instant> {
        self.book.is_stamping.store(false, Ordering::Relaxed);
        std::mem::take(&mut *self.book.arrivals.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The answer of a receiver.
pub(super) type Answer = Response<Empty<Bytes>>;

/// An answer without a body.
pub(super) fn answer(status: StatusCode) -> Answer {
    let mut response = Response::new(Empty::new());
    *response.status_mut() = status;
    response
}

/// The event's id that a webhook carries.
pub(super) fn event_id(request: &Request<Incoming>) -> Option<Uuid> {
    let id = request.headers().get("webhook-id").and_then(|value| value.to_str().ok());
    id.and_then(|text| Uuid::parse_str(text).ok())
}

/// Serves a free port of 127.0.0.1 on threads of its own.
pub(super) fn listen<H, A>(threads: &'static str, handler: H) -> io::Result<(SocketAddr, Threads)>
where
    H: Fn(Request<Incoming>) -> A + Clone + Send + 'static,
    A: Future<Output = Answer> + Send + 'static,
{
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let threads = Threads::start(threads)?;
    let entered = threads.handle().enter();
    let listener = TcpListener::from_std(listener)?;
    drop(entered);
    threads.handle().spawn(accept(listener, handler));
    Ok((address, threads))
}

async fn accept<H, A>(listener: TcpListener, handler: H)
where
    H: Fn(Request<Incoming>) -> A + Clone + Send + 'static,
    A: Future<Output = Answer> + Send + 'static,
{
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(serve(stream, handler.clone()));
            }
            Err(_) => tokio::task::yield_now().await, // out of file descriptors: some will be closed
        }
    }
}

async fn serve<H, A>(stream: TcpStream, handler: H)
where
    H: Fn(Request<Incoming>) -> A + Send + 'static,
    A: Future<Output = Answer> + Send + 'static,
{
    // without it an answer could wait for the kernel; not having it is no reason not to serve
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let answering = handler(request);
        async move { Ok::<_, Infallible>(answering.await) }
    });
    // an end in the middle is the sender closing its pool
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn note(book: &Book, request: Request<Incoming>) -> Answer {
    let arrived = Instant::now();
    if request.uri().path() == "/hang" {
        book.held.fetch_add(1, Ordering::Relaxed);
        std::future::pending::<()>().await;
    }
    if book.is_first_wanted.load(Ordering::Relaxed) && book.is_first_wanted.swap(false, Ordering::SeqCst) {
        *book.first.lock().unwrap_or_else(PoisonError::into_inner) = Some(arrived);
    }
    if book.is_stamping.load(Ordering::Relaxed)
        && let Some(id) = event_id(&request)
    {
        book.arrivals.lock().unwrap_or_else(PoisonError::into_inner).entry(id).or_insert(arrived);
    }
    // the body is read to its end, or the connection could not be used again
    let read = request.into_body().collect().await;
    let count = book.count.fetch_add(1, Ordering::SeqCst) + 1;
    if count == book.awaited.load(Ordering::SeqCst) {
        book.reached.notify_one();
    }
    answer(if read.is_ok() { StatusCode::NO_CONTENT } else { StatusCode::BAD_REQUEST })
}
