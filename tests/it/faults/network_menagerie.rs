//! Every kind of hostile receiver at once, against the real program: each attempt is bounded and named, every slot and
//! connection comes back, and a healthy receiver notices nothing.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::net::TcpStream;

use super::network::{Came, came_to};
use crate::harness::hostile::{Conversation, Hostile};
use crate::harness::{Aftermath, Answer, Receiver, SOON, World, eventually};

/// Timeout of an attempt in the settings.
const TIMEOUT: Duration = Duration::from_secs(3);
/// Events that each of them is sent.
const EVENTS: usize = 3;
/// What a busy machine may add to an attempt.
const SLACK: Duration = Duration::from_millis(1500);

type Talk = Conversation<TcpStream>;
type Behaviour = Arc<dyn Fn(Talk) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// A kind of receiver, and what an attempt at it must come to: status of the delivery, error kind, status code.
struct Beast {
    name: &'static str,
    scheme: &'static str,
    comes_to: (&'static str, Option<&'static str>, Option<i32>),
    behave: Behaviour,
}

const DELIVERED: (&str, Option<&str>, Option<i32>) = ("delivered", None, Some(200));

/// Not answered, for this reason.
const fn unanswered(kind: &'static str) -> (&'static str, Option<&'static str>, Option<i32>) {
    ("retrying", Some(kind), None)
}

fn beast<F>(
    name: &'static str,
    comes_to: (&'static str, Option<&'static str>, Option<i32>),
    behave: impl Fn(Talk) -> F + Send + Sync + 'static,
) -> Beast
where
    F: Future<Output = ()> + Send + 'static,
{
    Beast { name, scheme: "http", comes_to, behave: Arc::new(move |talk| Box::pin(behave(talk))) }
}

fn over_tls<F>(name: &'static str, kind: &'static str, behave: impl Fn(Talk) -> F + Send + Sync + 'static) -> Beast
where
    F: Future<Output = ()> + Send + 'static,
{
    Beast { scheme: "https", ..beast(name, unanswered(kind), behave) }
}

/// Says this to each request, and keeps the connection.
fn says(
    name: &'static str,
    comes_to: (&'static str, Option<&'static str>, Option<i32>),
    bytes: impl Into<Vec<u8>>,
) -> Beast {
    let bytes: Arc<[u8]> = bytes.into().into();
    beast(name, comes_to, move |mut talk| {
        let bytes = bytes.clone();
        async move { while talk.hear().await && talk.say(&bytes).await {} }
    })
}

/// Hears the request, says `first` and then `again` without end, every so many milliseconds.
fn repeats(
    name: &'static str,
    comes_to: (&'static str, Option<&'static str>, Option<i32>),
    first: &'static str,
    again: impl Into<Vec<u8>>,
    every_ms: u64,
) -> Beast {
    let again: Arc<[u8]> = again.into().into();
    beast(name, comes_to, move |mut talk| {
        let again = again.clone();
        async move {
            talk.hear().await;
            talk.say(first).await;
            let mut drip = tokio::time::interval(Duration::from_millis(every_ms));
            while talk.say(&again).await {
                drip.tick().await;
            }
        }
    })
}

/// Hears the request, says this and closes with RST.
fn resets_after(
    name: &'static str,
    comes_to: (&'static str, Option<&'static str>, Option<i32>),
    bytes: &'static str,
) -> Beast {
    beast(name, comes_to, move |mut talk| async move {
        talk.hear().await;
        talk.say(bytes).await;
        talk.reset_now();
    })
}

fn bodies() -> Vec<Beast> {
    let gzip_bomb = [b"\x1f\x8b\x08\0\0\0\0\0\0\x03".as_slice(), &[0; 8192]].concat();
    let endless = "HTTP/1.1 200 OK\r\n\r\n";
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    vec![
        repeats("endless body", DELIVERED, endless, [b'x'; 8192], 1),
        repeats("endless small chunks", DELIVERED, chunked, "1\r\nx\r\n", 1),
        repeats("endless chunk extension", DELIVERED, chunked, "1;a=b", 1),
        repeats("dripping body", DELIVERED, "HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", "z", 50),
        repeats("gzip bomb", DELIVERED, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", gzip_bomb, 1),
        repeats(
            "endless trailers",
            DELIVERED,
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
            "X-T: 1\r\n",
            1,
        ),
        says("body that never comes", DELIVERED, "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\n"),
        says("chunk that is no number", DELIVERED, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        says(
            "chunk beyond any number",
            DELIVERED,
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
        ),
        says("204 with a body", ("delivered", None, Some(204)), "HTTP/1.1 204 No Content\r\n\r\nsurprise"),
        says("205", ("delivered", None, Some(205)), "HTTP/1.1 205 Reset Content\r\n\r\n"),
        says(
            "NUL and bad UTF-8",
            DELIVERED,
            *b"HTTP/1.1 200 OK\r\nX-Odd: \xff\xfe\r\nContent-Length: 6\r\n\r\na\0\xff\xc3(b",
        ),
        resets_after("reset within the body", DELIVERED, "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nabc"),
    ]
}

fn heads() -> Vec<Beast> {
    let huge = format!("HTTP/1.1 200 OK\r\nX-Huge: {}\r\nContent-Length: 0\r\n\r\n", "h".repeat(2 << 20));
    let many = format!("HTTP/1.1 200 OK\r\n{}Content-Length: 0\r\n\r\n", "X-Many: 1\r\n".repeat(5000));
    let ok = "HTTP/1.1 200 OK\r\n";
    vec![
        says("a header of 2 MB", unanswered("response_too_large"), huge),
        says("5000 headers", unanswered("response_too_large"), many),
        repeats("endless header", unanswered("response_too_large"), "HTTP/1.1 200 OK\r\nX-Endless: ", [b'h'; 4096], 1),
        repeats("endless headers", unanswered("response_too_large"), ok, "X-Many: 1\r\n".repeat(100), 1),
        repeats("dripping headers", unanswered("timeout"), ok, "X-Slow: 1\r\n", 200),
        repeats("endless 1xx", unanswered("protocol"), "", "HTTP/1.1 103 Early Hints\r\nX: 1\r\n\r\n", 1),
        repeats("dripping 1xx", unanswered("timeout"), "", "HTTP/1.1 100 Continue\r\n\r\n", 100),
        says("silence", unanswered("timeout"), ""),
        says("half a status line", unanswered("timeout"), "HTTP/1.1 2"),
        says("garbage", unanswered("protocol"), *b"\0\x01\x02 garbage\r\n\r\n"),
        says("another protocol", unanswered("protocol"), "SSH-2.0-OpenSSH_9.9\r\n"),
        says("HTTP/2", unanswered("protocol"), *b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x64\0\x04\0\x10\0\0"),
        says("HTTP/9.9", unanswered("protocol"), "HTTP/9.9 200 OK\r\n\r\n"),
        says("no status", unanswered("protocol"), "HTTP/1.1 2x0 OK\r\n\r\n"),
        says(
            "NUL in a header",
            unanswered("protocol"),
            *b"HTTP/1.1 200 OK\r\nX-Nul: a\0b\r\nContent-Length: 0\r\n\r\n",
        ),
        says(
            "101",
            ("retrying", Some("unexpected_status"), Some(101)),
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        ),
        says(
            "999",
            ("retrying", Some("unexpected_status"), Some(999)),
            "HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
        ),
        says(
            "absurd Retry-After",
            ("retrying", Some("throttled"), Some(429)),
            "HTTP/1.1 429 X\r\nRetry-After: 1e300\r\nRetry-After: 99999999999999999999\r\nContent-Length: 0\r\n\r\n",
        ),
        says(
            "two lengths",
            unanswered("protocol"),
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\nabcde",
        ),
        says(
            "length beyond any number",
            unanswered("protocol"),
            "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n",
        ),
        says("negative length", unanswered("protocol"), "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"),
        says(
            "length and chunks",
            DELIVERED,
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nHTTP/1.1 500 Smuggled\r\n\r\n",
        ),
        says(
            "an answer too many",
            DELIVERED,
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 500 Smuggled\r\nContent-Length: 0\r\n\r\n",
        ),
        resets_after("reset before the answer", unanswered("protocol"), ""),
        resets_after("reset within the head", unanswered("protocol"), "HTTP/1.1 200 OK\r\nX-Half"),
    ]
}

fn connections() -> Vec<Beast> {
    vec![
        beast("reset at once", unanswered("protocol or connect"), |talk| async move { talk.reset_now() }),
        beast("reset while it is sent to", unanswered("protocol"), |mut talk| async move {
            talk.hear_something().await;
            talk.reset_now();
        }),
        beast("close at once", unanswered("protocol"), |talk| async move { drop(talk) }),
        beast("half-close instead of an answer", unanswered("protocol"), |mut talk| async move {
            talk.hear().await;
            talk.half_close().await;
            talk.hold().await;
        }),
        beast("half-close at once", unanswered("protocol"), |mut talk| async move {
            talk.half_close().await;
            talk.hold().await;
        }),
        beast("half-close as the body's end", DELIVERED, |mut talk| async move {
            talk.hear().await;
            talk.say("HTTP/1.1 200 OK\r\n\r\nthat was all").await;
            talk.half_close().await;
            talk.hold().await;
        }),
        beast("answer before the body was read", ("failed", Some("client_error"), Some(413)), |mut talk| async move {
            talk.hear_something().await;
            talk.say("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").await;
            talk.hold().await;
        }),
        beast("answer before the question", DELIVERED, |mut talk| async move {
            talk.hear_something().await;
            talk.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
        }),
        beast("never reads", unanswered("timeout"), |talk| async move {
            let _kept = talk;
            std::future::pending::<()>().await;
        }),
        over_tls("handshake that stalls", "timeout", |mut talk| async move { talk.hold().await }),
        over_tls("handshake that stalls in the middle", "timeout", |mut talk| async move {
            talk.hear_something().await;
            talk.say(b"\x16\x03\x03\x40\x00\x02").await;
            talk.hold().await;
        }),
        over_tls("no TLS", "tls", |mut talk| async move {
            talk.say("HTTP/1.1 400 Bad Request\r\n\r\n").await;
            talk.hold().await;
        }),
        over_tls("handshake that breaks off", "tls", |talk| async move { drop(talk) }),
        over_tls("handshake that is reset", "tls", |mut talk| async move {
            talk.hear_something().await;
            talk.reset_now();
        }),
    ]
}

/// Redirects to what must not be reached; to itself in a loop.
fn redirects(forbidden: &Hostile) -> Vec<Beast> {
    let redirected = ("retrying", Some("redirect"), Some(302));
    let to = |location: &str| format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
    vec![
        says("redirect to a private host", redirected, to(&forbidden.url("http", "/private"))),
        says("redirect in a loop", redirected, to("/")),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_attempt_is_bounded_and_named_and_a_healthy_receiver_is_served_all_the_time() {
    let world = World::new().await;
    let (hostile, healthy) = (world.tenant("hostile").await, world.tenant("healthy").await);
    let forbidden = Hostile::start(|mut talk| async move { talk.hold().await }).await;
    let mut beasts = Vec::new();
    for beast in [bodies(), heads(), connections(), redirects(&forbidden)].into_iter().flatten() {
        let behave = beast.behave.clone();
        let receiver = Hostile::start(move |talk| behave(talk)).await;
        let url = receiver.url(beast.scheme, "/");
        // none is spared by its circuit
        let subscription = world.subscribe(hostile, &url, &["*"]).await;
        world.change(subscription, "circuit_failures = 0").await;
        beasts.push((beast, receiver, url));
    }
    let well = Receiver::start(|_, _| Answer::status(200));
    world.subscribe(healthy, &well.url("/"), &["*"]).await;
    // fewer slots than hostile deliveries, so that one which does not come back is missed
    let env = [
        ("WEBHOOK_TIMEOUT_SECONDS", "3"),
        ("WEBHOOK_RETRY_SCHEDULE", "1h"),
        ("POSTHORN_CONCURRENCY", "64"),
        ("POSTHORN_METRICS_BIND", "127.0.0.1:0"),
    ];
    let binary = world.dispatch_binary(&env).await;
    let aftermath = Aftermath::before(&[&binary]);

    for _ in 0..EVENTS {
        world.publish(hostile, "invoice.paid", json!({"much": "b".repeat(200_000)})).await;
    }
    let (mut served, mut worst) = (0, Duration::ZERO);
    let all = i64::try_from(beasts.len() * EVENTS).unwrap();
    let tried = format!("SELECT count(*) FROM posthorn.webhook_attempts WHERE tenant_id = '{hostile}'");
    let began = Instant::now();
    while world.count(&tried).await < all {
        assert!(began.elapsed() < 3 * SOON, "{} of {all} attempts", world.count(&tried).await);
        let published = Instant::now();
        world.publish(healthy, "invoice.paid", json!({})).await;
        served += 1;
        well.wait_for(served, SOON).await;
        worst = worst.max(published.elapsed());
    }
    // hostile receivers hold their slots until the timeout, several rounds of them: had the healthy one waited, it would show
    assert!(served >= 5 && worst < 2 * TIMEOUT, "{served} served, one only after {worst:?}");

    let mut wrong = Vec::new();
    for (beast, _, url) in &beasts {
        let came = came_to(&world, url).await;
        wrong.extend(
            came.iter().filter(|came| !is_as_expected(beast, came)).map(|came| format!("{}: {came:?}", beast.name)),
        );
        assert_eq!(came.len(), EVENTS, "{}: {came:?}", beast.name);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(forbidden.accepted(), 0, "a redirect was followed");
    assert_connections_closed(&beasts).await;
    aftermath.holds(&world).await;
}

fn is_as_expected(beast: &Beast, came: &Came) -> bool {
    let (status, kind, status_code) = beast.comes_to;
    // whether a reset comes before or after the connection stands is a race
    let is_kind =
        kind.map_or(came.kind.is_none(), |kinds| kinds.split(" or ").any(|kind| came.kind.as_deref() == Some(kind)));
    (came.status.as_str(), came.status_code) == (status, status_code)
        && is_kind
        && came.duration_ms <= i32::try_from((TIMEOUT + SLACK).as_millis()).unwrap()
}

/// No connection to a receiver is left, but those that are kept for the next request.
async fn assert_connections_closed(beasts: &[(Beast, Hostile, String)]) {
    for (beast, receiver, _) in beasts.iter().filter(|(beast, ..)| beast.name != "never reads") {
        let name = format!("connections of {:?} closed", beast.name);
        eventually(&name, SOON, async || receiver.talking() <= keeps(beast)).await;
    }
}

/// Connections that may be kept for the next request: those whose answer was read to its end, and nothing behind it.
fn keeps(beast: &Beast) -> usize {
    let without_end = ["endless", "dripping", "gzip", "chunk", "body", "reset", "length and", "an answer too many"];
    let is_whole = beast.comes_to.2.is_some() && !without_end.iter().any(|begin| beast.name.starts_with(begin));
    if is_whole { EVENTS } else { 0 }
}

#[tokio::test]
async fn what_a_receiver_says_is_stored_as_text_that_can_be_read() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = Hostile::start(|mut talk| async move {
        talk.hear().await;
        let odd = *b"HTTP/1.1 500 \xff\xfe\r\nX-Odd: \xff\ttab\r\nX-Long: ";
        talk.say(odd).await;
        talk.say("l".repeat(20_000)).await;
        talk.say(*b"\r\nContent-Length: 12\r\n\r\na\0\xffb\x1b[2J\xed\xa0\x80").await;
    })
    .await;
    let url = receiver.url("http", "/");
    world.subscribe(tenant, &url, &["*"]).await;
    let _binary = world.dispatch_binary(&[("WEBHOOK_RETRY_SCHEDULE", "1h")]).await;
    world.publish(tenant, "invoice.paid", json!({})).await;
    world.until_status("retrying", 1).await;
    let came = came_to(&world, &url).await.remove(0);
    assert_eq!((came.kind.as_deref(), came.status_code), (Some("server_error"), Some(500)));
    let headers = came.headers.unwrap();
    assert!(
        headers.as_array().unwrap().contains(&json!(["x-odd", "\u{fffd} tab"])) && headers.to_string().len() < 9000
    );
    assert_eq!(came.body.unwrap(), "a \u{fffd}b [2J\u{fffd}\u{fffd}\u{fffd}");
}
