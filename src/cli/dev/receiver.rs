//! The local receiver of `posthorn dev`: verifies what arrives, prints one line per webhook and answers.
//!
//! It answers 204, or 401 when a signature is wrong; under `/status/<code>` it answers that code, to play with retries.

use std::borrow::Cow;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::domain::secret::Secret;
use crate::domain::signature::{StandardHeaders, TOLERANCE_SECONDS, verify_body, verify_standard};

/// Largest body read, in bytes: four times the largest payload Posthorn takes.
const MAX_BODY: usize = 1024 * 1024;
/// Longest piece of a line that comes from the request, in characters.
const MAX_SHOWN: usize = 120;
/// How long a stop waits for answers that are being written.
const STOP_LIMIT: Duration = Duration::from_secs(1);

/// A running receiver; it stops when dropped.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    stop: CancellationToken,
    connections: TaskTracker,
}

impl Receiver {
    /// Listens on `bind` (port 0 takes a free one). `secret` is asked at each request, since the subscription that gets
    /// it is made after its URL is known; `out` gets one line per webhook, without a line break.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn start(
        bind: SocketAddr,
        secret: impl Fn() -> Option<Secret> + Send + Sync + 'static,
        out: UnboundedSender<String>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(bind).await?;
        let receiver =
            Self { address: listener.local_addr()?, stop: CancellationToken::new(), connections: TaskTracker::new() };
        let desk = Arc::new(Desk { secret: Box::new(secret), out });
        receiver.connections.spawn(accept(listener, desk, receiver.stop.clone(), receiver.connections.clone()));
        Ok(receiver)
    }

    /// Where to send webhooks, without a trailing slash; append `/status/500` for another answer.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops listening, finishes answers that are being written, and closes every connection.
    pub async fn stop(self) {
        self.stop.cancel();
        self.connections.close();
        // What is still open after this belongs to a client that does not read its answer.
        let _ = tokio::time::timeout(STOP_LIMIT, self.connections.wait()).await;
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// What each request needs.
struct Desk {
    secret: Box<dyn Fn() -> Option<Secret> + Send + Sync>,
    out: UnboundedSender<String>,
}

async fn accept(listener: TcpListener, desk: Arc<Desk>, stop: CancellationToken, connections: TaskTracker) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                connections.spawn(serve(stream, Arc::clone(&desk), stop.clone()));
            }
            // Out of file descriptors, or a client that gave up: others may still come.
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

async fn serve(stream: TcpStream, desk: Arc<Desk>, stop: CancellationToken) {
    // Latency is what the printed ages show; without it they would only be worse.
    let _ = stream.set_nodelay(true);
    let answer = service_fn(move |request| {
        let desk = Arc::clone(&desk);
        async move { Ok::<_, Infallible>(desk.answer(request).await) }
    });
    let mut connection = std::pin::pin!(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
    tokio::select! {
        // A client that breaks off is not ours to report.
        _ = connection.as_mut() => return,
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = tokio::time::timeout(STOP_LIMIT, connection).await;
}

impl Desk {
    async fn answer(&self, request: Request<Incoming>) -> Response<Empty<Bytes>> {
        let (head, body) = request.into_parts();
        if head.method != Method::POST {
            return respond(StatusCode::METHOD_NOT_ALLOWED);
        }
        let Ok(body) = Limited::new(body, MAX_BODY).collect().await else {
            return respond(StatusCode::PAYLOAD_TOO_LARGE);
        };
        let body = body.to_bytes();
        let now = OffsetDateTime::now_utc();
        let verified = verify((self.secret)().as_ref(), &head.headers, &body, now);
        let status = match (asked_for(head.uri.path()), &verified) {
            (Some(status), _) => status,
            (None, Ok(())) => StatusCode::NO_CONTENT,
            (None, Err(_)) => StatusCode::UNAUTHORIZED,
        };
        // Nobody listens any more while we are stopping.
        let _ = self.out.send(line(&head.headers, &body, &verified, status, now));
        respond(status)
    }
}

fn respond(status: StatusCode) -> Response<Empty<Bytes>> {
    let mut response = Response::new(Empty::new());
    *response.status_mut() = status;
    response
}

/// The code in a path that ends in `/status/<code>`. Codes below 200 are not answers.
fn asked_for(path: &str) -> Option<StatusCode> {
    let (_, code) = path.rsplit_once("/status/")?;
    code.parse().ok().filter(|code| (200..600).contains(code)).and_then(|code| StatusCode::from_u16(code).ok())
}

/// Every signature that is there must be right, and one must be there.
pub(in crate::cli) fn verify(
    secret: Option<&Secret>,
    headers: &HeaderMap,
    body: &[u8],
    now: OffsetDateTime,
) -> Result<(), String> {
    let secret = secret.ok_or("no secret is known yet")?;
    let get = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let (standard, plain) = (get("webhook-signature"), get("x-signature"));
    if let Some(signature) = standard {
        let id = get("webhook-id").unwrap_or_default();
        let timestamp = get("webhook-timestamp").unwrap_or_default();
        verify_standard(
            secret,
            &StandardHeaders { id, timestamp, signature },
            body,
            now.unix_timestamp(),
            TOLERANCE_SECONDS,
        )
        .map_err(|error| format!("webhook-signature: {error}"))?;
    }
    if let Some(signature) = plain {
        verify_body(secret, body, signature).map_err(|error| format!("x-signature: {error}"))?;
    }
    if standard.is_none() && plain.is_none() {
        return Err("no signature".to_owned());
    }
    Ok(())
}

/// The fields of the default body that a line shows.
#[derive(Default, Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    event: Option<Cow<'a, str>>,
    #[serde(borrow)]
    timestamp: Option<Cow<'a, str>>,
    #[serde(borrow)]
    resource_type: Option<Cow<'a, str>>,
    #[serde(borrow)]
    resource_id: Option<Cow<'a, str>>,
}

/// `12:03:04.123Z  payment.received  <id>  payment/PAY-1001  verified  3 ms  204`
pub(in crate::cli) fn line(
    headers: &HeaderMap,
    body: &[u8],
    verified: &Result<(), String>,
    status: StatusCode,
    now: OffsetDateTime,
) -> String {
    // Other payload formats have other bodies: the headers say what is left to say.
    let envelope: Envelope<'_> = serde_json::from_slice(body).unwrap_or_default();
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let time = now.format(format_description!("[hour]:[minute]:[second].[subsecond digits:3]Z")).unwrap_or_default();
    let event = shown(envelope.event.as_deref().or_else(|| header("x-event")));
    let id = shown(envelope.id.as_deref().or_else(|| header("webhook-id")));
    let kind = shown(envelope.resource_type.as_deref());
    let resource = shown(envelope.resource_id.as_deref());
    let verdict = match verified {
        Ok(()) => "verified".to_owned(),
        Err(why) => format!("NOT VERIFIED ({why})"),
    };
    let age = envelope
        .timestamp
        .as_deref()
        .and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok())
        .map_or_else(|| "age unknown".to_owned(), |published| format!("{} ms", (now - published).whole_milliseconds()));
    format!("{time}  {event}  {id}  {kind}/{resource}  {verdict}  {age}  {}", status.as_u16())
}

/// Text of a stranger for a terminal: short, and without control characters.
fn shown(text: Option<&str>) -> String {
    let text = text.unwrap_or("-");
    text.chars().take(MAX_SHOWN).map(|c| if c.is_control() || c.is_whitespace() { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    use super::*;
    use crate::domain::signature;

    const BODY: &str = r#"{"id":"0198","event":"payment.received","timestamp":"2026-01-01T00:00:00Z","resource_type":"payment","resource_id":"PAY-1001","data":{}}"#;

    async fn receiver() -> (Receiver, Secret, UnboundedReceiver<String>) {
        let secret = Secret::generate();
        let known = secret.clone();
        let (out, lines) = unbounded_channel();
        let bind = SocketAddr::from(([127, 0, 0, 1], 0));
        (Receiver::start(bind, move || Some(known.clone()), out).await.unwrap(), secret, lines)
    }

    /// The status line of the answer.
    async fn post(receiver: &Receiver, path: &str, headers: &[(&str, String)], body: &str) -> String {
        let mut request =
            format!("POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        request += &format!("\r\n{body}");
        let mut stream = TcpStream::connect(receiver.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer.lines().next().unwrap().to_owned()
    }

    fn signed(secret: &Secret, body: &str) -> Vec<(&'static str, String)> {
        let now = OffsetDateTime::now_utc().unix_timestamp();
        vec![
            ("webhook-id", "0198".to_owned()),
            ("webhook-timestamp", now.to_string()),
            ("webhook-signature", signature::standard(secret, "0198", now, body.as_bytes())),
            ("x-signature", format!("sha256={}", signature::body_hex(secret, body.as_bytes()))),
        ]
    }

    #[tokio::test]
    async fn a_signed_webhook_is_printed_and_accepted() {
        let (receiver, secret, mut lines) = receiver().await;
        let answer = post(&receiver, "/", &signed(&secret, BODY), BODY).await;
        assert_eq!(answer, "HTTP/1.1 204 No Content");
        let line = lines.recv().await.unwrap();
        assert!(line.contains("payment.received  0198  payment/PAY-1001  verified  "), "{line}");
        assert!(line.ends_with(" ms  204"), "{line}");
    }

    #[tokio::test]
    async fn each_wrong_signature_is_refused_with_its_reason() {
        let (receiver, secret, mut lines) = receiver().await;
        for (headers, reason) in [
            (Vec::new(), "NOT VERIFIED (no signature)"),
            (signed(&Secret::generate(), BODY), "NOT VERIFIED (webhook-signature: "),
            (signed(&Secret::generate(), BODY).split_off(3), "NOT VERIFIED (x-signature: "),
            (signed(&secret, "{}"), "NOT VERIFIED (webhook-signature: "),
        ] {
            assert_eq!(post(&receiver, "/", &headers, BODY).await, "HTTP/1.1 401 Unauthorized", "{reason}");
            let line = lines.recv().await.unwrap();
            assert!(line.contains(reason), "{line}");
        }
    }

    #[tokio::test]
    async fn another_answer_can_be_asked_for() {
        let (receiver, secret, _lines) = receiver().await;
        let answer = post(&receiver, "/status/503", &signed(&secret, BODY), BODY).await;
        assert_eq!(answer, "HTTP/1.1 503 Service Unavailable");
        assert_eq!(asked_for("/status/100"), None);
        assert_eq!(asked_for("/status/x"), None);
    }

    #[tokio::test]
    async fn a_stranger_cannot_write_to_the_terminal() {
        let (receiver, _secret, mut lines) = receiver().await;
        let body = r#"{"event":"\u001b[2J\nfake"}"#;
        post(&receiver, "/", &[], body).await;
        let line = lines.recv().await.unwrap();
        assert!(line.contains("?[2J?fake"), "{line}");
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }

    #[tokio::test]
    async fn a_stop_closes_open_connections_and_the_port() {
        let (receiver, _secret, _lines) = receiver().await;
        let address = receiver.address;
        let mut idle = TcpStream::connect(address).await.unwrap();
        receiver.stop().await;
        assert_eq!(idle.read(&mut [0; 1]).await.unwrap_or(0), 0);
        assert!(TcpStream::connect(address).await.is_err());
    }
}
