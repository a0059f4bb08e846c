//! A TCP proxy that does to connections what networks do: it delays, cuts, resets, half-closes and swallows.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// A listening proxy; it and its connections end when dropped.
pub(crate) struct Proxy {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    strikes: watch::Sender<Strikes>,
    open: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

/// What becomes of bytes on their way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Weather {
    /// They pass.
    #[default]
    Fair,
    /// Every piece is this much later.
    Slow(Duration),
    /// Nothing passes and nobody is told, as with a cable pulled: connections stay open on both sides, also new ones.
    BlackHole,
    /// After so many bytes from the server, a connection is reset in the middle of what it was saying.
    CutAfter(usize),
}

/// How often each was done to all connections there were.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Strikes {
    closed: usize,
    reset: usize,
    half_closed: usize,
}

/// How a connection ended.
enum End {
    Closed,
    Reset,
}

impl Proxy {
    /// Listens on 127.0.0.1 and carries every connection to `target`.
    pub(crate) async fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (weather, strikes) = (watch::Sender::default(), watch::Sender::default());
        let open = Arc::new(AtomicUsize::new(0));
        let carrying = accept(listener, target, weather.subscribe(), strikes.subscribe(), open.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(carrying);
        Self { address, weather, strikes, open, _tasks: tasks }
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// A URL whose port is `port`, by way of the proxy instead.
    pub(crate) fn by_way_of(&self, url: &str, port: u16) -> String {
        let (direct, carried) = (format!("127.0.0.1:{port}"), self.address.to_string());
        assert!(url.contains(&direct), "no {direct} in the URL");
        url.replacen(&direct, &carried, 1)
    }

    /// Connections that are open on both sides.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    /// Changes what becomes of bytes from now on, of connections that there are and of new ones.
    pub(crate) fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }

    /// Closes all connections on both sides, in good order (FIN).
    pub(crate) fn close(&self) {
        self.strikes.send_modify(|strikes| strikes.closed += 1);
    }

    /// Resets all connections on both sides (RST).
    pub(crate) fn reset(&self) {
        self.strikes.send_modify(|strikes| strikes.reset += 1);
    }

    /// Tells the clients of all connections that nothing more will come, while the server hears them still.
    pub(crate) fn half_close(&self) {
        self.strikes.send_modify(|strikes| strikes.half_closed += 1);
    }
}

async fn accept(
    listener: TcpListener,
    target: SocketAddr,
    weather: watch::Receiver<Weather>,
    strikes: watch::Receiver<Strikes>,
    open: Arc<AtomicUsize>,
) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        let (weather, strikes, open) = (weather.clone(), strikes.clone(), open.clone());
        connections.spawn(async move {
            // a server that is away refuses, and so does the proxy: by closing
            let Ok(server) = TcpStream::connect(target).await else { return };
            open.fetch_add(1, Ordering::SeqCst);
            carry(client, server, weather, strikes).await;
            open.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

/// Carries one connection until an end closes it or a strike does.
async fn carry(
    mut client: TcpStream,
    mut server: TcpStream,
    weather: watch::Receiver<Weather>,
    mut strikes: watch::Receiver<Strikes>,
) {
    let before = *strikes.borrow_and_update();
    let mut from_start = strikes.clone();
    let end = {
        let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
        let up = pump(from_client, to_server, weather.clone(), false);
        let half_closed = async move { from_start.wait_for(|now| now.half_closed > before.half_closed).await.is_ok() };
        let down = async {
            let mut to_client = to_client;
            let end = tokio::select! {
                end = pump_to(from_server, &mut to_client, weather, true) => end,
                _ = half_closed => End::Closed,
            };
            // the other direction goes on
            let _ = to_client.shutdown().await;
            end
        };
        let both = async {
            tokio::pin!(up, down);
            // a direction that ended well leaves the other one going; a reset ends both
            tokio::select! {
                end = &mut up => if matches!(end, End::Reset) { end } else { down.await },
                end = &mut down => if matches!(end, End::Reset) { end } else { up.await },
            }
        };
        tokio::select! {
            end = both => end,
            struck = strikes.wait_for(|now| now.closed > before.closed || now.reset > before.reset) => match struck {
                Ok(now) if now.reset > before.reset => End::Reset,
                _ => End::Closed,
            },
        }
    };
    if matches!(end, End::Reset) {
        for stream in [&client, &server] {
            // one that has ended already cannot be reset
            let _ = stream.set_zero_linger();
        }
    }
}

async fn pump(from: ReadHalf<'_>, mut to: WriteHalf<'_>, weather: watch::Receiver<Weather>, counts: bool) -> End {
    let end = pump_to(from, &mut to, weather, counts).await;
    // the other side may have gone
    let _ = to.shutdown().await;
    end
}

/// Carries one direction; `counts` when [`Weather::CutAfter`] is about it.
async fn pump_to(
    mut from: ReadHalf<'_>,
    to: &mut WriteHalf<'_>,
    mut weather: watch::Receiver<Weather>,
    counts: bool,
) -> End {
    let mut buffer = [0; 16 * 1024];
    let mut passed = 0;
    loop {
        let length = match from.read(&mut buffer).await {
            Ok(0) => return End::Closed,
            Ok(length) => length,
            Err(_) => return End::Reset,
        };
        let Ok(now) = weather.wait_for(|weather| *weather != Weather::BlackHole).await.map(|now| *now) else {
            return End::Closed;
        };
        if let Weather::Slow(pause) = now {
            tokio::time::sleep(pause).await;
        }
        let allowed = match now {
            Weather::CutAfter(limit) if counts => limit.saturating_sub(passed).min(length),
            _ => length,
        };
        if to.write_all(&buffer[..allowed]).await.is_err() || allowed < length {
            return End::Reset;
        }
        passed += allowed;
    }
}
