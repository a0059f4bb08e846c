//! The server: one request in, verified, shown, and answered as asked or by whoever it is handed on to.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderMap};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use time::OffsetDateTime;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;

use super::http;
use super::show::{Screen, Shown};
use crate::cli::dev::receiver::verify;
use crate::domain::secret::Secret;

/// Largest body that is read, in bytes: four times the largest payload that Posthorn takes.
const MAX_BODY: usize = 1024 * 1024;

/// Connections at once.
const MAX_CONNECTIONS: usize = 256;

/// Longest time that a request may take to come in.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a stop waits for answers that are being written.
const STOP_LIMIT: Duration = Duration::from_secs(1);

/// Headers of a connection, which are not handed on.
const HOP_BY_HOP: [&str; 11] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What is answered to what is not refused.
pub(super) struct Answers {
    statuses: Vec<u16>,
    given: AtomicUsize,
    delay: Duration,
    forward: Option<Url>,
}

impl Answers {
    pub(super) const fn new(statuses: Vec<u16>, delay: Duration, forward: Option<Url>) -> Self {
        Self { statuses, given: AtomicUsize::new(0), delay, forward }
    }

    /// The next status; the last one stays.
    fn next(&self) -> StatusCode {
        let n = self.given.fetch_add(1, Ordering::Relaxed);
        let status = self.statuses.get(n).or(self.statuses.last()).copied();
        status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::NO_CONTENT)
    }
}

/// What each request needs.
pub(super) struct Desk {
    secret: Arc<OnceLock<Secret>>,
    answers: Answers,
    screen: Screen,
    /// A secret will come: until then nothing is accepted.
    awaits_secret: bool,
}

impl Desk {
    pub(super) const fn new(
        secret: Arc<OnceLock<Secret>>,
        answers: Answers,
        screen: Screen,
        awaits_secret: bool,
    ) -> Self {
        Self { secret, answers, screen, awaits_secret }
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        if head.method != Method::POST {
            return respond(StatusCode::METHOD_NOT_ALLOWED);
        }
        let body = match tokio::time::timeout(PATIENCE, Limited::new(body, MAX_BODY).collect()).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(_)) => return respond(StatusCode::PAYLOAD_TOO_LARGE),
            Err(_) => return respond(StatusCode::REQUEST_TIMEOUT),
        };
        let (now, secret) = (OffsetDateTime::now_utc(), self.secret.get());
        let is_checked = secret.is_some() || self.awaits_secret;
        let verified =
            if is_checked { verify(secret, &head.headers, &body, now) } else { Err("no --secret".to_owned()) };
        let shown = Shown { headers: &head.headers, body: &body, verified: &verified, now };
        if is_checked && verified.is_err() {
            self.screen.show(&shown, StatusCode::UNAUTHORIZED, None);
            return respond(StatusCode::UNAUTHORIZED);
        }
        let Some(forward) = &self.answers.forward else {
            let status = self.answers.next();
            self.screen.show(&shown, status, None);
            tokio::time::sleep(self.answers.delay).await;
            return respond(status);
        };
        tokio::time::sleep(self.answers.delay).await;
        match http::send(Method::POST, forward, handed_on(&head.headers), body.clone()).await {
            Ok((status, headers, answer)) => {
                self.screen.show(&shown, status, None);
                let mut response = Response::new(Full::new(answer));
                *response.status_mut() = status;
                let kind = headers.get(CONTENT_TYPE).cloned();
                response.headers_mut().extend(kind.map(|kind| (CONTENT_TYPE, kind)));
                response
            }
            Err(error) => {
                self.screen.show(&shown, StatusCode::BAD_GATEWAY, Some(&error.to_string()));
                respond(StatusCode::BAD_GATEWAY)
            }
        }
    }
}

fn handed_on(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    HOP_BY_HOP.iter().for_each(|name| drop(headers.remove(*name)));
    headers
}

fn respond(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

/// A server that listens until it is stopped.
pub(super) struct Server {
    address: SocketAddr,
    stop: CancellationToken,
    connections: TaskTracker,
}

impl Server {
    pub(super) async fn start(bind: SocketAddr, desk: Desk) -> io::Result<Self> {
        let listener = TcpListener::bind(bind).await?;
        let server =
            Self { address: listener.local_addr()?, stop: CancellationToken::new(), connections: TaskTracker::new() };
        server.connections.spawn(accept(listener, Arc::new(desk), server.stop.clone(), server.connections.clone()));
        Ok(server)
    }

    /// Where to send webhooks.
    pub(super) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Stops listening, and finishes answers that are being written.
    pub(super) async fn stop(self) {
        self.stop.cancel();
        self.connections.close();
        // what is still open after this belongs to a client that does not read its answer
        let _ = tokio::time::timeout(STOP_LIMIT, self.connections.wait()).await;
    }
}

async fn accept(listener: TcpListener, desk: Arc<Desk>, stop: CancellationToken, connections: TaskTracker) {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = async {
                let permit = Arc::clone(&room).acquire_owned().await;
                (permit, listener.accept().await)
            } => accepted,
        };
        match accepted {
            (permit, Ok((stream, _))) => {
                let (desk, stop) = (Arc::clone(&desk), stop.clone());
                connections.spawn(async move {
                    serve(stream, desk, stop).await;
                    drop(permit);
                });
            }
            // out of file descriptors, or a client that gave up: others may still come
            (_, Err(_)) => tokio::task::yield_now().await,
        }
    }
}

async fn serve(stream: TcpStream, desk: Arc<Desk>, stop: CancellationToken) {
    let answer = service_fn(move |request| {
        let desk = Arc::clone(&desk);
        async move { Ok::<_, Infallible>(desk.answer(request).await) }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    let mut connection = std::pin::pin!(server.serve_connection(TokioIo::new(stream), answer));
    tokio::select! {
        // a client that breaks off is not ours to report
        _ = connection.as_mut() => return,
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = tokio::time::timeout(STOP_LIMIT, connection).await;
}
