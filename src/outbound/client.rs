//! The one HTTP client of the process: HTTP/1.1 POST over vetted connections that are used again.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderName};
use hyper::{Method, Request, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use ipnet::IpNet;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};
use tower_service::Service;
use url::Url;

use super::connector::GuardedConnector;
use super::guard::Guard;
use super::resolver::Resolver;
use super::tls::{self, TlsError};
use super::{Answer, Failure, Outcome, Sent, SignedRequest};
use crate::domain::client_identity::ClientIdentity;
use crate::domain::delivery::ErrorKind;

/// Buffer for one status line with its headers; hyper takes 100 headers at most by default, and keeps them on the stack
/// only as long as that number is not set.
const RESPONSE_HEAD_MAX_BYTES: usize = 64 * 1024;
/// Longest an idle connection is kept: a host's addresses are vetted anew at least this long after traffic stops.
const POOL_IDLE_MAX: Duration = Duration::from_secs(30);
/// Most 1xx answers before the real one, of which there is rarely any: reading them as fast as they come costs a processor.
const INFORMATIONAL_MAX: usize = 64;
/// Headers that belong to the connection. A stored one would change where the request goes or where it ends.
const CONNECTION_HEADERS: [HeaderName; 8] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::UPGRADE,
    header::EXPECT,
    header::TE,
    header::TRAILER,
];

/// What the operator decides about sending.
#[derive(Clone, Debug)]
pub struct OutboundOptions {
    /// Send to `http://` too, not only to `https://` (`WEBHOOK_ALLOW_HTTP`).
    pub allow_http: bool,
    /// Networks that may be dialled on any port although private (`WEBHOOK_ALLOW_NETWORKS`).
    pub allow_networks: Vec<IpNet>,
    /// PEM file with further certificate authorities (`WEBHOOK_CA_FILE`).
    pub ca_file: Option<PathBuf>,
    /// Idle connections kept for one scheme, host and port. Below the number of requests in flight to one receiver,
    /// connections are opened and closed all the time.
    pub pool_idle_per_host: usize,
    /// How long an idle connection is kept; at most 30 s count.
    pub pool_idle_timeout: Duration,
}

/// Why there can be no client.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// TLS cannot be set up.
    #[error("cannot set up TLS for sending")]
    Tls(#[from] TlsError),
}

/// Sends requests; clones share one pool of connections.
///
/// Nothing here looks at `HTTP_PROXY` and its kin: hyper's client has no proxies, and the connector dials what it
/// vetted. Redirects are not followed because nothing here follows them.
#[derive(Clone)]
pub struct Outbound {
    client: HttpClient,
    dialling: Arc<Dialling>,
    allow_http: bool,
}

type HttpClient = Client<GuardedConnector, Full<Bytes>>;

/// What every client dials with, and those that show a certificate: a connection on which one was shown must serve only
/// subscriptions that show the same, so each chain of certificates has connections of its own.
struct Dialling {
    guard: Arc<Guard>,
    resolver: Resolver,
    tls: Arc<rustls::ClientConfig>,
    pool_idle_per_host: usize,
    pool_idle_timeout: Duration,
    of_identities: Mutex<HashMap<[u8; 32], (HttpClient, Instant)>>,
}

/// Most chains whose connections are kept; beyond it the one used longest ago goes.
const IDENTITIES_MAX: usize = 256;

impl Dialling {
    fn client(&self, tls: Arc<rustls::ClientConfig>) -> HttpClient {
        Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(self.pool_idle_timeout)
            .pool_max_idle_per_host(self.pool_idle_per_host)
            .http1_max_buf_size(RESPONSE_HEAD_MAX_BYTES)
            // A request is repeated only when the pooled connection was found closed before hyper took the request
            // out of its queue and gave it back whole, so not a byte of it was written. Otherwise a receiver that
            // closes idle connections would cost an attempt each time.
            .retry_canceled_requests(true)
            .build(GuardedConnector::new(self.guard.clone(), self.resolver.clone(), tls))
    }

    fn client_of(&self, identity: &ClientIdentity) -> HttpClient {
        let mut clients = self.of_identities.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if let Some((client, used_at)) = clients.get_mut(&identity.fingerprint()) {
            *used_at = now;
            return client.clone();
        }
        if clients.len() >= IDENTITIES_MAX {
            let oldest = clients.iter().min_by_key(|(_, (_, used_at))| *used_at).map(|(fingerprint, _)| *fingerprint);
            oldest.map(|fingerprint| clients.remove(&fingerprint));
        }
        let client = self.client(tls::with_identity(&self.tls, identity));
        clients.insert(identity.fingerprint(), (client.clone(), now));
        client
    }
}

impl Outbound {
    /// Sets up the client; opens no connection.
    ///
    /// # Errors
    /// When the file of certificate authorities cannot be used.
    pub fn new(options: OutboundOptions) -> Result<Self, OutboundError> {
        let tls = tls::client_config(options.ca_file.as_deref())?;
        let dialling = Dialling {
            guard: Arc::new(Guard::new(options.allow_networks)),
            resolver: Resolver::new(),
            tls: tls.clone(),
            pool_idle_per_host: options.pool_idle_per_host,
            pool_idle_timeout: options.pool_idle_timeout.min(POOL_IDLE_MAX),
            of_identities: Mutex::default(),
        };
        Ok(Self { client: dialling.client(tls), dialling: Arc::new(dialling), allow_http: options.allow_http })
    }

    /// POSTs the request and waits for the answer, for `timeout` at most from the DNS look-up to the last byte read.
    pub async fn send(&self, request: SignedRequest, timeout: Duration) -> Sent {
        let started = Instant::now();
        let outcome = match self.exchange(request, timeout, started + timeout).await {
            Ok(answer) => Outcome::Answered(answer),
            Err(failure) => Outcome::NotAnswered(failure),
        };
        Sent { outcome, duration: started.elapsed() }
    }

    /// Connects as a delivery would, by the same rules, and closes again: nothing is sent beyond the handshake of TLS.
    ///
    /// # Errors
    /// What a delivery would fail with, within 13 seconds.
    pub async fn reach(&self, url: &str) -> Result<(), Failure> {
        let uri = self.target(url)?;
        let Dialling { guard, resolver, tls, .. } = &*self.dialling;
        let mut connector = GuardedConnector::new(guard.clone(), resolver.clone(), tls.clone());
        connector.call(uri).await.map(drop).map_err(|error| Failure::of_connecting(&error))
    }

    async fn exchange(&self, request: SignedRequest, timeout: Duration, deadline: Instant) -> Result<Answer, Failure> {
        let client = request.identity.as_ref().map(|identity| self.dialling.client_of(identity));
        let mut request = self.http_request(request)?;
        let too_much = notify_of_too_many_informational(&mut request);
        let answered = timeout_at(deadline, client.as_ref().unwrap_or(&self.client).request(request));
        let response = tokio::select! {
            biased;
            answered = answered => answered.map_err(|_| Failure::timeout(timeout))?.map_err(|error| Failure::of(&error))?,
            () = too_much.notified() => {
                let message = format!("more than {INFORMATIONAL_MAX} informational (1xx) answers");
                return Err(Failure::new(ErrorKind::Protocol, message));
            }
        };
        fail_point!("after_headers");
        Ok(Answer::read(response, deadline).await)
    }

    fn http_request(&self, request: SignedRequest) -> Result<Request<Full<Bytes>>, Failure> {
        let uri = self.target(&request.url)?;
        if let Some(name) = CONNECTION_HEADERS.iter().find(|name| request.headers.contains_key(*name)) {
            return Err(Failure::new(ErrorKind::InvalidRequest, format!("header {name} cannot be set")));
        }
        let mut http_request = Request::new(Full::new(request.body));
        *http_request.method_mut() = Method::POST;
        *http_request.uri_mut() = uri;
        *http_request.headers_mut() = request.headers;
        Ok(http_request)
    }

    /// The URL in the one spelling that is dialled. `Uri` alone would keep `0x7f.1` as a name, for the resolver to
    /// read as an address.
    fn target(&self, url: &str) -> Result<Uri, Failure> {
        let url = Url::parse(url)
            .map_err(|error| Failure::new(ErrorKind::InvalidRequest, format!("the URL is not valid: {error}")))?;
        match url.scheme() {
            "https" => {}
            "http" if self.allow_http => {}
            "http" => return Err(Failure::new(ErrorKind::Blocked, "http is not allowed, only https")),
            _ => return Err(Failure::new(ErrorKind::Blocked, "the URL's scheme is not https")),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Failure::new(ErrorKind::InvalidRequest, "the URL must not hold a user name or password"));
        }
        Uri::try_from(String::from(url))
            .map_err(|error| Failure::new(ErrorKind::InvalidRequest, format!("the URL is not valid: {error}")))
    }
}

/// Notifies once the receiver has said 1xx too often.
fn notify_of_too_many_informational(request: &mut Request<Full<Bytes>>) -> Arc<Notify> {
    let too_much = Arc::new(Notify::new());
    let (count, notified) = (AtomicUsize::new(0), too_much.clone());
    hyper::ext::on_informational(request, move |_| {
        if count.fetch_add(1, Ordering::Relaxed) == INFORMATIONAL_MAX {
            notified.notify_one();
        }
    });
    too_much
}

#[cfg(test)]
mod tests {
    use hyper::HeaderMap;

    use super::*;

    fn outbound() -> Outbound {
        Outbound::new(OutboundOptions {
            allow_http: false,
            allow_networks: Vec::new(),
            ca_file: None,
            pool_idle_per_host: 1,
            pool_idle_timeout: Duration::from_secs(1),
        })
        .unwrap()
    }

    #[test]
    fn only_the_normalised_url_is_dialled() {
        for (spelling, normalised) in [
            ("https://0x7f.1/a", "https://127.0.0.1/a"),
            ("HTTPS://EXAMPLE.com:443/a b?c=d|e", "https://example.com/a%20b?c=d|e"),
            ("https://①②⑦.⓪.⓪.①:8443", "https://127.0.0.1:8443/"),
            ("https://bücher.example/#top", "https://xn--bcher-kva.example/"),
        ] {
            assert_eq!(outbound().target(spelling).unwrap().to_string(), normalised);
        }
    }

    #[test]
    fn urls_that_cannot_be_sent_to_are_named() {
        for (url, kind) in [
            ("http://example.com/", ErrorKind::Blocked),
            ("ftp://example.com/", ErrorKind::Blocked),
            ("file:///etc/passwd", ErrorKind::Blocked),
            ("https://user@example.com/", ErrorKind::InvalidRequest),
            ("https://:secret@example.com/", ErrorKind::InvalidRequest),
            ("https://", ErrorKind::InvalidRequest),
            ("/relative", ErrorKind::InvalidRequest),
            ("", ErrorKind::InvalidRequest),
            ("https://[fe80::1%25lo]/", ErrorKind::InvalidRequest),
        ] {
            let failure = outbound().target(url).expect_err(url);
            assert_eq!(failure.kind, kind, "{url}");
            assert!(!failure.message.contains("secret"), "{url}");
        }
    }

    #[test]
    fn headers_of_the_connection_are_refused() {
        for name in ["host", "content-length", "transfer-encoding", "connection", "upgrade", "expect"] {
            let mut headers = HeaderMap::new();
            headers.insert(HeaderName::from_static(name), header::HeaderValue::from_static("1"));
            let request =
                SignedRequest { url: "https://example.com/".into(), headers, body: Bytes::new(), identity: None };
            let failure = outbound().http_request(request).map(|_| ()).expect_err(name);
            assert_eq!(failure.kind, ErrorKind::InvalidRequest, "{name}");
        }
    }
}
