//! Serves HTTP so that nobody holds a connection by saying little or nothing: places are few and given up by who asks nothing.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use poem::http::uri::Scheme;
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Addr, Endpoint, Response};
use rustix::net::sockopt::set_socket_send_buffer_size;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Most connections at once, so that they leave descriptors for the database and for receivers.
const CONNECTIONS_MAX: usize = 512;

/// Longest time from a connection's start to the end of its first request's head.
const FIRST_HEAD: Duration = Duration::from_secs(10);

/// Longest time from an answer to the end of the next request's head: longer than the 60 s for which proxies usually keep a
/// connection, so that it is they who give it up and no request meets its end.
const BETWEEN_REQUESTS: Duration = Duration::from_secs(90);

/// The same when all places are taken, or the process stops.
const WHEN_CROWDED: Duration = Duration::from_secs(1);

/// Longest head of a request, and most that is read ahead of a body, in bytes.
const BUFFER_BYTES: usize = 64 * 1024;

/// Most of an answer that the kernel holds for a caller, in bytes; of itself it would hold megabytes, and take more only once a
/// third of them is gone, so that a slow caller would look like a silent one.
const SEND_BUFFER_BYTES: usize = 128 * 1024;

/// Longest head of an HTTP/2 request, in bytes, and most requests at once on such a connection.
const HTTP2: (u32, u32) = (16 * 1024, 100);

/// Pause after a connection could not be taken, which is when descriptors have run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Answers requests until `stop`; then those that were begun have `grace` to end.
pub(super) async fn serve<E>(listener: TcpListener, endpoint: E, stop: CancellationToken, grace: Duration)
where
    E: Endpoint<Output = Response> + 'static,
{
    let endpoint = Arc::new(endpoint);
    let (places, connections) = (Arc::new(Semaphore::new(CONNECTIONS_MAX)), TaskTracker::new());
    let (crowded, over) = (watch::Sender::new(false), CancellationToken::new());
    let mut is_failing = false;
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            accepted = accept(&listener, &places, &crowded) => accepted,
        };
        match accepted {
            Ok((stream, remote, place)) => {
                is_failing = false;
                let connection = Connection { remote, crowded: crowded.subscribe(), stop: stop.clone() };
                let (endpoint, over) = (Arc::clone(&endpoint), over.clone());
                connections.spawn(async move {
                    tokio::select! { () = connection.serve(stream, endpoint) => {}, () = over.cancelled() => {} }
                    drop(place);
                });
            }
            // of the one connection alone
            Err(error) if is_of_the_caller(&error) => {}
            Err(error) => {
                if !is_failing {
                    tracing::warn!(error = %error, "connections cannot be taken; trying on");
                }
                is_failing = true;
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    connections.close();
    crowded.send_replace(true);
    if tokio::time::timeout(grace, connections.wait()).await.is_err() {
        over.cancel();
        connections.wait().await;
    }
}

/// The next connection, when there is a place for it.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
    crowded: &watch::Sender<bool>,
) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = match Arc::clone(places).try_acquire_owned() {
        Ok(place) => place,
        Err(_) => {
            crowded.send_replace(true);
            let place = Arc::clone(places).acquire_owned().await.expect("the semaphore is never closed");
            crowded.send_replace(false);
            place
        }
    };
    let (stream, remote) = listener.accept().await?;
    // an answer is written at once; a fault here shows when it is
    let _ = stream.set_nodelay(true);
    let _ = set_socket_send_buffer_size(&stream, SEND_BUFFER_BYTES);
    Ok((stream, remote, place))
}

fn is_of_the_caller(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// What a connection goes by.
struct Connection {
    remote: SocketAddr,
    crowded: watch::Receiver<bool>,
    stop: CancellationToken,
}

impl Connection {
    async fn serve<E>(self, stream: TcpStream, endpoint: Arc<E>)
    where
        E: Endpoint<Output = Response> + 'static,
    {
        let Self { remote, mut crowded, stop } = self;
        let Ok(local) = stream.local_addr() else { return };
        let (local, remote) = (LocalAddr(Addr::SocketAddr(local)), RemoteAddr(Addr::SocketAddr(remote)));
        let quiet = watch::Sender::new(Quiet { requests: 0, since: Instant::now(), patience: FIRST_HEAD });
        let mut seen = quiet.subscribe();
        let quiet = Arc::new(quiet);
        let written = Arc::clone(&quiet);
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let asked = Asked::begin(&quiet);
            let request = (request, local.clone(), remote.clone(), Scheme::HTTP).into();
            let endpoint = Arc::clone(&endpoint);
            async move {
                let response = endpoint.get_response(request).await;
                drop(asked);
                Ok::<_, Infallible>(hyper::Response::from(response))
            }
        });
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder.http1().max_buf_size(BUFFER_BYTES);
        builder.http2().max_header_list_size(HTTP2.0).max_concurrent_streams(HTTP2.1);
        let connection = builder.serve_connection(TokioIo::new(Written { stream, quiet: written }), service);
        tokio::pin!(connection);
        tokio::select! {
            biased;
            // whatever ended it, whoever called knows
            _ = connection.as_mut() => return,
            () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
            () = silence(&mut seen, &mut crowded) => return,
        }
        tokio::select! { _ = connection => {}, () = silence(&mut seen, &mut crowded) => {} }
    }
}

/// Since when nothing is asked, and for how long that may be so.
struct Quiet {
    requests: usize,
    since: Instant,
    patience: Duration,
}

/// A stream on which an answer on its way to a slow caller is no silence.
struct Written {
    stream: TcpStream,
    quiet: Arc<watch::Sender<Quiet>>,
}

impl Written {
    fn note(&self, written: &Poll<io::Result<usize>>) {
        if matches!(written, Poll::Ready(Ok(1..))) {
            // nobody need hear of it: whoever waits looks again when its time is over
            self.quiet.send_if_modified(|quiet| {
                quiet.since = Instant::now();
                false
            });
        }
    }
}

impl AsyncRead for Written {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Written {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.note(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.note(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// A request that is being answered.
struct Asked(Arc<watch::Sender<Quiet>>);

impl Asked {
    fn begin(quiet: &Arc<watch::Sender<Quiet>>) -> Self {
        quiet.send_modify(|quiet| quiet.requests += 1);
        Self(Arc::clone(quiet))
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.0.send_modify(|quiet| {
            *quiet = Quiet { requests: quiet.requests - 1, since: Instant::now(), patience: BETWEEN_REQUESTS };
        });
    }
}

/// Waits until nothing was asked for longer than it may be so.
async fn silence(quiet: &mut watch::Receiver<Quiet>, crowded: &mut watch::Receiver<bool>) {
    loop {
        let is_crowded = *crowded.borrow_and_update();
        let end = {
            let quiet = quiet.borrow_and_update();
            let patience = if is_crowded { quiet.patience.min(WHEN_CROWDED) } else { quiet.patience };
            (quiet.requests == 0).then(|| quiet.since + patience)
        };
        if end.is_some_and(|end| end <= Instant::now()) {
            return;
        }
        let ended = async {
            match end {
                Some(end) => tokio::time::sleep_until(end).await,
                None => std::future::pending().await,
            }
        };
        // all the same which: it is looked at again
        tokio::select! { () = ended => {}, Ok(()) = quiet.changed() => {}, Ok(()) = crowded.changed() => {} }
    }
}
