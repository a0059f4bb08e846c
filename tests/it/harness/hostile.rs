//! A receiver that behaves as badly as a test tells it to, byte by byte, over TCP or TLS.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// A listening receiver; it stops when dropped.
pub(crate) struct Hostile {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    log: Log,
    _tasks: JoinSet<()>,
}

#[derive(Clone, Default)]
struct Log {
    accepted: Arc<AtomicUsize>,
    talking: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<String>>>,
}

/// One connection, from the receiver's side.
pub(crate) struct Conversation<S> {
    stream: S,
    log: Log,
}

impl Hostile {
    /// Receives plain HTTP and leaves every connection to `behave`.
    pub(crate) async fn start<B, F>(behave: B) -> Self
    where
        B: Fn(Conversation<TcpStream>) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        Self::start_at("127.0.0.1:0", behave).await
    }

    /// The same at an address of this machine.
    pub(crate) async fn start_at<B, F>(address: &str, behave: B) -> Self
    where
        B: Fn(Conversation<TcpStream>) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind(address).await.unwrap_or_else(|error| panic!("{address}: {error}"));
        Self::listen(listener, behave)
    }

    /// Receives HTTPS; a failed handshake ends the connection before `behave` sees it.
    pub(crate) async fn start_tls<B, F>(acceptor: TlsAcceptor, behave: B) -> Self
    where
        B: Fn(Conversation<TlsStream<TcpStream>>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        Self::start_tls_at("127.0.0.1:0", acceptor, behave).await
    }

    /// The same at an address of this machine.
    pub(crate) async fn start_tls_at<B, F>(address: &str, acceptor: TlsAcceptor, behave: B) -> Self
    where
        B: Fn(Conversation<TlsStream<TcpStream>>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        Self::start_at(address, move |Conversation { stream, log }| {
            let (acceptor, behave) = (acceptor.clone(), behave.clone());
            async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    behave(Conversation { stream, log }).await;
                }
            }
        })
        .await
    }

    fn listen<B, F>(listener: TcpListener, behave: B) -> Self
    where
        B: Fn(Conversation<TcpStream>) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let address = listener.local_addr().expect("a bound address");
        let log = Log::default();
        let mut tasks = JoinSet::new();
        tasks.spawn({
            let log = log.clone();
            async move {
                let mut conversations = JoinSet::new();
                while let Ok((stream, _)) = listener.accept().await {
                    log.accepted.fetch_add(1, Ordering::SeqCst);
                    log.talking.fetch_add(1, Ordering::SeqCst);
                    let talk = behave(Conversation { stream, log: log.clone() });
                    let talking = log.talking.clone();
                    conversations.spawn(async move {
                        talk.await;
                        talking.fetch_sub(1, Ordering::SeqCst);
                    });
                }
            }
        });
        Self { address, log, _tasks: tasks }
    }

    /// Its URL by address.
    pub(crate) fn url(&self, scheme: &str, path: &str) -> String {
        format!("{scheme}://{}{path}", self.address)
    }

    /// Connections accepted until now.
    pub(crate) fn accepted(&self) -> usize {
        self.log.accepted.load(Ordering::SeqCst)
    }

    /// Conversations that neither side has ended yet.
    pub(crate) fn talking(&self) -> usize {
        self.log.talking.load(Ordering::SeqCst)
    }

    /// Whole requests read until now, head and body.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.log.requests.lock().expect("no test panics while it holds the log").clone()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Conversation<S> {
    /// Reads one request to its end; `false` when the sender has gone.
    pub(crate) async fn hear(&mut self) -> bool {
        let mut request = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            if is_whole(&request) {
                let request = String::from_utf8_lossy(&request).into_owned();
                self.log.requests.lock().expect("no test panics while it holds the log").push(request);
                return true;
            }
            match self.stream.read(&mut buffer).await {
                Ok(0) | Err(_) => return false,
                Ok(length) => request.extend_from_slice(&buffer[..length]),
            }
        }
    }

    /// Reads the first byte of a request and leaves the rest.
    pub(crate) async fn hear_something(&mut self) {
        self.stream.read_u8().await.expect("a request");
    }

    /// Writes bytes as they are; `false` when the sender has gone.
    pub(crate) async fn say(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).await.is_ok() && self.stream.flush().await.is_ok()
    }

    /// Says nothing more, until the sender closes the connection.
    pub(crate) async fn hold(&mut self) {
        let mut buffer = [0; 4096];
        while matches!(self.stream.read(&mut buffer).await, Ok(1..)) {}
    }
}

impl<S> Conversation<S> {
    /// Leaves the connection to the caller.
    pub(crate) fn into_stream(self) -> S {
        self.stream
    }
}

impl<S: AsyncWrite + Unpin> Conversation<S> {
    /// Closes the direction to the sender and leaves the other open.
    pub(crate) async fn half_close(&mut self) {
        // who has gone already need not be told
        let _ = self.stream.shutdown().await;
    }
}

impl Conversation<TcpStream> {
    /// Closes with RST as soon as a request begins to arrive.
    pub(crate) async fn reset(self) {
        self.stream.readable().await.expect("a request");
        self.reset_now();
    }

    /// Closes with RST.
    pub(crate) fn reset_now(self) {
        self.stream.set_zero_linger().expect("an open socket");
    }
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, _)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length = length.map_or(0, |length| length.parse().expect("a number"));
    request.len() >= head.len() + 4 + length
}
