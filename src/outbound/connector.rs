//! Dials receivers. Every address a host stands for is vetted, exactly the vetted ones are dialled, and the one that
//! answered is vetted again. It must not hand a name to anything that would resolve it a second time (DNS rebinding).

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hyper::Uri;
use hyper_rustls::MaybeHttpsStream;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tower_service::Service;

use super::guard::{Guard, Refusal};
use super::resolver::{ResolveError, Resolver};

/// For reaching any of a host's addresses.
const CONNECT_BUDGET: Duration = Duration::from_secs(5);
/// For the TLS handshake. A connection that lost its request to another one goes on without the request's deadline,
/// so that every stage needs an end of its own.
const TLS_BUDGET: Duration = Duration::from_secs(5);
/// How long one address may take before the next is tried beside it (RFC 8305 section 5).
const HEAD_START: Duration = Duration::from_millis(250);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    #[error("the URL has no host that can be dialled")]
    Host,
    #[error("the host name could not be resolved")]
    Resolve(#[source] Arc<io::Error>),
    #[error("the host name was not resolved within 3 s")]
    ResolveTimeout,
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("no connection could be made")]
    Connect(#[source] io::Error),
    #[error("no connection within 5 s")]
    ConnectTimeout,
    #[error("the TLS handshake failed")]
    Tls(#[source] io::Error),
    #[error("the TLS handshake did not end within 5 s")]
    TlsTimeout,
}

/// Makes vetted connections, with TLS for `https`.
#[derive(Clone)]
pub(super) struct GuardedConnector {
    guard: Arc<Guard>,
    resolver: Resolver,
    tls: TlsConnector,
}

impl GuardedConnector {
    pub(super) fn new(guard: Arc<Guard>, resolver: Resolver, tls: Arc<rustls::ClientConfig>) -> Self {
        Self { guard, resolver, tls: TlsConnector::from(tls) }
    }
}

type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

impl Service<Uri> for GuardedConnector {
    type Response = Stream;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move { connector.connect(&uri).await })
    }
}

impl GuardedConnector {
    async fn connect(&self, uri: &Uri) -> Result<Stream, ConnectError> {
        let is_https = uri.scheme_str() == Some("https");
        let host = uri.host().ok_or(ConnectError::Host)?;
        let port = uri.port_u16().unwrap_or(if is_https { 443 } else { 80 });

        let addresses = self.vetted(host, port).await?;
        let tcp = timeout(CONNECT_BUDGET, dial(&addresses)).await.map_err(|_| ConnectError::ConnectTimeout)?;
        let tcp = tcp.map_err(ConnectError::Connect)?;
        self.guard.vet(tcp.peer_addr().map_err(ConnectError::Connect)?)?;
        // A request is one write; Nagle would only make it wait.
        tcp.set_nodelay(true).map_err(ConnectError::Connect)?;

        if is_https { self.handshake(host, tcp).await } else { Ok(TokioIo::new(tcp).into()) }
    }

    /// All addresses of the host. One bad address refuses the host as a whole: a name that stands for a public and a
    /// private address at once is an attack or a mistake, and picking the public one would hide either.
    async fn vetted(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, ConnectError> {
        let addresses: Vec<SocketAddr> = match literal(host)? {
            Some(ip) => vec![SocketAddr::new(ip, port)],
            None => self.resolver.addresses(host, port).await.map_err(|error| match error {
                ResolveError::Failed(source) => ConnectError::Resolve(source),
                ResolveError::Timeout => ConnectError::ResolveTimeout,
            })?,
        };
        self.vet_all(&addresses).inspect_err(|_| {
            // Operators may know what tenants may not: where the name leads inside.
            tracing::debug!(host, ?addresses, "refused to dial");
        })?;
        Ok(addresses)
    }

    fn vet_all(&self, addresses: &[SocketAddr]) -> Result<(), Refusal> {
        addresses.iter().try_for_each(|&address| self.vet(address))
    }

    /// The guard's rule, and no way round by a public address of our own: on it listens what trusts this machine.
    fn vet(&self, address: SocketAddr) -> Result<(), Refusal> {
        self.guard.vet(address)?;
        if !self.guard.is_exempt(address.ip()) && is_own(address) { Err(Refusal::Own) } else { Ok(()) }
    }

    async fn handshake(&self, host: &str, tcp: TcpStream) -> Result<Stream, ConnectError> {
        let name = ServerName::try_from(unbracketed(host)).map_err(|_| ConnectError::Host)?.to_owned();
        let handshake = self.tls.connect(name, TokioIo::new(TokioIo::new(tcp)));
        let tls = timeout(TLS_BUDGET, handshake).await.map_err(|_| ConnectError::TlsTimeout)?;
        Ok(tls.map_err(ConnectError::Tls)?.into())
    }
}

/// The address a host spells out, or `None` for a name. Hosts come normalised from `url`, so that a name is never
/// another spelling of an IPv4 address.
fn literal(host: &str) -> Result<Option<IpAddr>, ConnectError> {
    if host.starts_with('[') {
        let ip: Ipv6Addr = unbracketed(host).parse().map_err(|_| ConnectError::Host)?;
        return Ok(Some(IpAddr::V6(ip)));
    }
    Ok(host.parse::<Ipv4Addr>().ok().map(IpAddr::V4))
}

/// Whether an address is this machine's: the system would dial it from that very address. Asks the routes and sends
/// nothing, so that addresses which come and go are known without a list of them.
fn is_own(address: SocketAddr) -> bool {
    let any = match address {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let source = UdpSocket::bind(any).and_then(|socket| socket.connect(address).and_then(|()| socket.local_addr()));
    // where no route leads there is nothing to refuse
    source.is_ok_and(|source| source.ip() == address.ip())
}

fn unbracketed(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// The first of the addresses that answers. The next one joins when the ones before have failed or used up their
/// head start; none is given up before the caller's budget ends.
async fn dial(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut waiting = addresses.iter();
    let mut dialling = FuturesUnordered::new();
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    loop {
        if let Some(&address) = waiting.next() {
            dialling.push(TcpStream::connect(address));
        }
        let is_last = waiting.len() == 0;
        let answer =
            if is_last { dialling.next().await } else { timeout(HEAD_START, dialling.next()).await.ok().flatten() };
        match answer {
            Some(Ok(stream)) => return Ok(stream),
            Some(Err(error)) => failure = error,
            None if is_last => return Err(failure),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;
    use crate::outbound::tls::client_config;

    #[test]
    fn one_bad_address_refuses_the_whole_name() {
        let connector =
            GuardedConnector::new(Arc::new(Guard::default()), Resolver::new(), client_config(None).unwrap());
        let public: SocketAddr = "93.184.216.34:443".parse().unwrap();
        let metadata: SocketAddr = "169.254.169.254:443".parse().unwrap();
        assert_eq!(connector.vet_all(&[public]), Ok(()));
        assert_eq!(connector.vet_all(&[public, metadata]), Err(Refusal::Address));
        assert_eq!(connector.vet_all(&[metadata, public]), Err(Refusal::Address));
    }

    #[test]
    fn an_address_of_this_machine_is_known_as_its_own() {
        assert!(is_own("127.0.0.1:443".parse().unwrap()));
        assert!(!is_own("93.184.216.34:443".parse().unwrap()) && !is_own("[2606:4700::1111]:443".parse().unwrap()));
    }

    #[test]
    fn hosts_are_read_as_addresses_or_names() {
        assert_eq!(literal("10.0.0.1").unwrap(), Some("10.0.0.1".parse().unwrap()));
        assert_eq!(literal("[::1]").unwrap(), Some("::1".parse().unwrap()));
        assert_eq!(literal("example.com").unwrap(), None);
        assert!(matches!(literal("[fe80::1%25lo]"), Err(ConnectError::Host)));
    }

    #[tokio::test]
    async fn the_next_address_is_dialled_when_one_refuses() {
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let open = listener.local_addr().unwrap();
        assert_eq!(dial(&[closed, open]).await.unwrap().peer_addr().unwrap(), open);
        assert_eq!(dial(&[closed, closed]).await.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(dial(&[]).await.unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
