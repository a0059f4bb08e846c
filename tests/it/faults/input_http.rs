//! Abuse of the API's own port: who sends slowly, too much or nothing is cut off, memory stays, and others are served (I20).

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use hyper::Method;
use rustix::process::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::harness::api::BASE;
use crate::harness::{Api, SOON, Serving};

/// Time within which a connection that says too little is given up, and some more on a busy machine.
const GIVEN_UP: Duration = Duration::from_secs(25);

/// Address of a server.
fn address(serving: &Serving) -> String {
    serving.origin().trim_start_matches("http://").to_owned()
}

/// Resident memory of a process, in bytes.
fn resident(serving: &Serving) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", serving.binary.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// Connects, sends `first` at once and then a byte of `drip` every tenth of a second; answers with how long the server bore
/// it and what it said.
async fn borne(address: &str, first: String, drip: &'static [u8]) -> (Duration, String) {
    let start = Instant::now();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(first.as_bytes()).await.unwrap();
    let (mut reader, mut writer) = stream.split();
    let (mut said, mut n) = (Vec::new(), 0);
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    let conversation = async {
        let mut buffer = [0; 4096];
        loop {
            tokio::select! {
                read = reader.read(&mut buffer) => match read {
                    Ok(0) | Err(_) => return,
                    Ok(length) => said.extend_from_slice(&buffer[..length]),
                },
                _ = tick.tick(), if !drip.is_empty() => {
                    if writer.write_all(&drip[n % drip.len()..=n % drip.len()]).await.is_err() {
                        return;
                    }
                    n += 1;
                }
            }
        }
    };
    timeout(GIVEN_UP, conversation).await.unwrap_or_else(|_| panic!("still borne after {GIVEN_UP:?}: {first:?}"));
    (start.elapsed(), String::from_utf8_lossy(&said).into_owned())
}

fn post(api_key: &str, length: usize) -> String {
    format!(
        "POST {BASE}/events HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {api_key}\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n"
    )
}

#[tokio::test]
async fn who_sends_slowly_or_nothing_is_cut_off() {
    let serving = Serving::start().await;
    let tenant = uuid::Uuid::now_v7();
    let key = serving.key(tenant, "slow").await;
    let key = secrecy::ExposeSecret::expose_secret(&key.expose()).to_owned();
    let address = address(&serving);
    let half_a_head = format!("GET {BASE}/subscriptions HTTP/1.1\r\nhost: h\r\n");
    let chunked = format!(
        "POST {BASE}/events HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\n\r\n"
    );
    let (nothing, silent, head, preface, body, chunks, stopped) = tokio::join!(
        borne(&address, String::new(), b""),
        borne(&address, half_a_head.clone(), b""),
        borne(&address, half_a_head, b"x-a: b\r\n"),
        borne(&address, "PRI * HTTP/2.0\r\n".to_owned(), b""),
        borne(&address, post(&key, 100_000), b" "),
        borne(&address, chunked, b"1\r\n \r\n"),
        borne(&address, post(&key, 100_000), b""),
    );
    for (what, (_, said)) in
        [("nothing", nothing), ("half a head", silent), ("a slow head", head), ("half a preface", preface)]
    {
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 4"), "{what}: {said}");
    }
    for (what, (_, said)) in [("a slow body", body), ("slow chunks", chunks), ("half a body", stopped)] {
        assert!(said.starts_with("HTTP/1.1 408 ") && said.contains("urn:posthorn:problem:timeout"), "{what}: {said}");
    }
    serving.assert_alive().await;
}

#[tokio::test]
async fn idle_connections_give_up_their_places_to_others() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let address = address(&serving);
    // more than there are places, half of which begin a request
    let mut idle = Vec::new();
    for n in 0..560 {
        let connected = timeout(SOON, TcpStream::connect(&address)).await.expect("nobody is let in any more");
        let Ok(mut stream) = connected else { continue };
        if n % 2 == 0 {
            let _ = stream.write_all(b"GET / HTTP/1.1\r\n").await;
        }
        idle.push(stream);
    }
    let start = Instant::now();
    let fresh = Api::nobody_at(&address).authorized_as(&api);
    fresh.get("/tenant").await.ok(200);
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    let descriptors = std::fs::read_dir(format!("/proc/{}/fd", serving.binary.pid())).unwrap().count();
    assert!(descriptors < 650, "{descriptors} descriptors");
    drop(idle);
    api.get("/tenant").await.ok(200);
    serving.assert_alive().await;
}

/// Sends for as long as it is read, at most `total` bytes; answers with how many went out.
async fn flood(address: &str, head: String, total: usize) -> usize {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let chunk = vec![b' '; 1 << 20];
    let mut sent = 0;
    let _ = timeout(GIVEN_UP, async {
        stream.write_all(head.as_bytes()).await?;
        while sent < total {
            stream.write_all(&chunk).await?;
            sent += chunk.len();
        }
        Ok::<_, std::io::Error>(())
    })
    .await
    .expect("a flood is borne for ever");
    sent
}

#[tokio::test]
async fn a_flood_is_cut_off_memory_stays_and_others_are_served() {
    let serving = Serving::start().await;
    let (tenant, api) = serving.tenant("a").await;
    let key = serving.key(tenant, "flood").await;
    let key = secrecy::ExposeSecret::expose_secret(&key.expose()).to_owned();
    api.get("/tenant").await.ok(200);
    let (address, before) = (address(&serving), resident(&serving));
    let gigabyte = 1 << 30;
    let floods = (0..6).map(|n| {
        let key = if n % 2 == 0 { key.as_str() } else { "nobody" };
        let path = if n < 4 { "/events" } else { "/events/batch" };
        let head = post(key, gigabyte).replace("/events", path);
        flood(&address, head, gigabyte)
    });
    let headers = (0..4).map(|_| {
        let many: String = (0..10_000).map(|n| format!("x-{n}: {}\r\n", "y".repeat(100))).collect();
        let head = format!("GET {BASE}/tenant HTTP/1.1\r\nhost: h\r\n{many}\r\n");
        let api = api.clone();
        async move { api.raw(head.as_bytes()).await }
    });
    let others = async {
        let mut slowest = Duration::ZERO;
        for _ in 0..50 {
            let start = Instant::now();
            api.get("/tenant").await.ok(200);
            slowest = slowest.max(start.elapsed());
        }
        slowest
    };
    let (sent, refused, slowest) =
        tokio::join!(futures_util::future::join_all(floods), futures_util::future::join_all(headers), others);
    assert!(sent.iter().all(|sent| *sent < 64 << 20), "{sent:?} bytes were read");
    assert!(refused.iter().all(|said| said.is_empty() || said.starts_with("HTTP/1.1 431 ")), "{refused:?}");
    assert!(slowest < SOON, "{slowest:?}");
    let grown = resident(&serving).saturating_sub(before);
    assert!(grown < 64 << 20, "{grown} bytes more are resident");
    serving.assert_alive().await;
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_their_order() {
    let serving = Serving::start().await;
    let ask = |path: &str, end: &str| format!("GET {path} HTTP/1.1\r\nhost: h\r\n{end}\r\n");
    let mut requests: String = (0..200).map(|n| ask(["/health/live", "/nowhere"][n % 2], "")).collect();
    requests += &ask("/health/live", "connection: close\r\n");
    let mut stream = TcpStream::connect(address(&serving)).await.unwrap();
    let (mut reader, mut writer) = stream.split();
    let mut said = String::new();
    let (written, read) = tokio::join!(writer.write_all(requests.as_bytes()), reader.read_to_string(&mut said));
    written.and(read.map(drop)).unwrap();
    let statuses: Vec<&str> = said.match_indices("HTTP/1.1 ").map(|(at, _)| &said[at + 9..at + 12]).collect();
    assert_eq!(statuses.len(), 201, "{}", &said[said.len().saturating_sub(300)..]);
    assert!(statuses.iter().enumerate().all(|(n, status)| *status == ["200", "404"][n % 2]), "{statuses:?}");
    serving.assert_alive().await;
}

#[tokio::test]
async fn no_way_of_writing_a_path_leads_elsewhere() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let origin = api.at("");
    for path in [
        format!("{BASE}/../admin/tenants"),
        format!("{BASE}/%2e%2e/admin/tenants"),
        format!("{BASE}/..%2fadmin%2ftenants"),
        format!("/{BASE}/subscriptions"),
        format!("{BASE}//subscriptions"),
        format!("{BASE}/subscriptions/"),
        format!("{BASE}/./subscriptions"),
        format!("{BASE}/SUBSCRIPTIONS"),
        format!("{BASE}/subscriptions%00"),
        format!("{BASE}/subscriptions;a=b"),
        "/docs/../../etc/passwd".to_owned(),
        "/docs/%2e%2e/%2e%2e/etc/passwd".to_owned(),
        "/docs/....//etc/passwd".to_owned(),
        "/api/v1/admin/%2e/tenants".to_owned(),
    ] {
        let reply = origin.send(Method::GET, &path, &[], bytes::Bytes::new()).await;
        let is_nothing =
            [400, 401, 404, 405].contains(&reply.status) || path.starts_with("/docs") && reply.status == 200;
        assert!(is_nothing && !reply.text.contains("root:"), "{path}: {} {}", reply.status, reply.text);
    }
    for method in ["HEAD", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "FOO\u{1}"] {
        let said = api
            .raw(
                format!("{method} {BASE}/tenant HTTP/1.1\r\nhost: h\r\nx-canary: seen\r\nconnection: close\r\n\r\n")
                    .as_bytes(),
            )
            .await;
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 4"), "{method}: {said}");
        assert!(!said.contains("seen"), "{method} echoes: {said}");
    }
    // a caller that goes away in the middle is nobody's fault
    for n in 0..20 {
        let mut stream = TcpStream::connect(address(&serving)).await.unwrap();
        let part = post("x", 50).into_bytes();
        if let Err(error) = stream.write_all(&part[..part.len() * n / 20]).await {
            assert_ne!(error.kind(), ErrorKind::TimedOut);
        }
    }
    serving.assert_alive().await;
}

#[tokio::test]
async fn an_answer_on_its_way_to_a_slow_caller_arrives_whole_though_the_process_stops() {
    let serving = Serving::start().await;
    let socket = TcpSocket::new_v4().unwrap();
    // so small that most of the answer waits at the server
    socket.set_recv_buffer_size(8 * 1024).unwrap();
    let mut stream = socket.connect(address(&serving).parse().unwrap()).await.unwrap();
    stream.write_all(b"GET /openapi.json HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    let mut said = vec![0; 1];
    stream.read_exact(&mut said).await.unwrap();
    serving.binary.signal(Signal::TERM);
    // three seconds long: connections on which nothing happens have one
    let (mut part, mut pace) = (vec![0; 16 * 1024], tokio::time::interval(Duration::from_millis(100)));
    while let Ok(length @ 1..) = stream.read(&mut part).await {
        said.extend_from_slice(&part[..length]);
        pace.tick().await;
    }
    let said = String::from_utf8(said).unwrap();
    let (head, body) = said.split_once("\r\n\r\n").unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    assert_eq!(body.len().to_string(), length);
    assert!(serving.binary.wait_exit(SOON).await.success());
}
