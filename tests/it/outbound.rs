//! Sending to strangers: every way a receiver can misbehave ends in a bounded, named outcome.

use std::time::Duration;

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use posthorn::domain::client_identity::ClientIdentity;
use posthorn::domain::delivery::ErrorKind;
use posthorn::outbound::{Answer, Failure, Outbound, OutboundOptions, Outcome, Sent, SignedRequest};
use rcgen::{KeyPair, date_time_ymd};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

use crate::harness::authority::{Authority, acceptor, names};
use crate::harness::hostile::{Conversation, Hostile};

/// Enough for any answer that comes at all.
pub(crate) const PATIENT: Duration = Duration::from_secs(10);
/// Where the timeout is what is tested.
const IMPATIENT: Duration = Duration::from_millis(300);

pub(crate) fn options() -> OutboundOptions {
    OutboundOptions {
        allow_http: true,
        allow_networks: vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()],
        ca_file: None,
        pool_idle_per_host: 8,
        pool_idle_timeout: Duration::from_secs(30),
    }
}

pub(crate) fn outbound() -> Outbound {
    Outbound::new(options()).unwrap()
}

pub(crate) fn request(url: impl Into<String>) -> SignedRequest {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("webhook-id", HeaderValue::from_static("msg_1"));
    SignedRequest { url: url.into(), headers, body: Bytes::from_static(b"{\"n\":1}"), identity: None }
}

pub(crate) fn answer(sent: Sent) -> Answer {
    match sent.outcome {
        Outcome::Answered(answer) => answer,
        Outcome::NotAnswered(failure) => panic!("no answer: {failure:?}"),
    }
}

pub(crate) fn failure(sent: Sent) -> Failure {
    match sent.outcome {
        Outcome::NotAnswered(failure) => failure,
        Outcome::Answered(answer) => panic!("an answer: {answer:?}"),
    }
}

/// Sends one request to a receiver that hears it and then says `bytes`, keeping the connection open.
async fn send_to_one_that_says(bytes: impl AsRef<[u8]> + Clone + Send + 'static, timeout: Duration) -> Sent {
    let receiver = Hostile::start(move |mut conversation| {
        let bytes = bytes.clone();
        async move {
            conversation.hear().await;
            conversation.say(bytes).await;
            conversation.hold().await;
        }
    })
    .await;
    outbound().send(request(receiver.url("http", "/hook")), timeout).await
}

/// Answers every request of a connection with `response`.
pub(crate) async fn answer_all(mut conversation: Conversation<TcpStream>, response: &'static str) {
    while conversation.hear().await && conversation.say(response).await {}
}

#[tokio::test]
async fn the_request_arrives_as_it_was_signed_and_the_answer_comes_back() {
    let receiver = Hostile::start(|conversation| {
        answer_all(conversation, "HTTP/1.1 200 OK\r\nX-Trace: t1\r\nRetry-After: 5\r\nContent-Length: 2\r\n\r\nok")
    })
    .await;
    let got = answer(outbound().send(request(receiver.url("http", "/hook?a=b")), PATIENT).await);

    assert_eq!((got.status, got.body.as_slice()), (200, b"ok".as_slice()));
    assert!(got.headers.contains(&("x-trace".to_owned(), "t1".to_owned())));
    assert_eq!(got.retry_after, ["5"]);
    assert_eq!((got.body_truncated, got.body_error), (false, None));
    let heard = receiver.requests().remove(0).to_lowercase();
    assert!(heard.starts_with("post /hook?a=b http/1.1\r\n"), "{heard}");
    assert!(heard.contains(&format!("\r\nhost: {}\r\n", receiver.address)), "{heard}");
    assert!(heard.contains("\r\nwebhook-id: msg_1\r\n") && heard.ends_with("\r\n\r\n{\"n\":1}"), "{heard}");
    assert!(!heard.contains("accept-encoding"), "{heard}");
}

#[tokio::test]
async fn connections_are_used_again() {
    let receiver =
        Hostile::start(|conversation| answer_all(conversation, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")).await;
    let outbound = outbound();
    for _ in 0..20 {
        assert_eq!(answer(outbound.send(request(receiver.url("http", "/")), PATIENT).await).status, 200);
    }
    assert_eq!((receiver.accepted(), receiver.requests().len()), (1, 20));
}

#[tokio::test]
async fn a_receiver_that_closes_idle_connections_costs_no_attempt() {
    let (closed, mut was_closed) = mpsc::unbounded_channel();
    let receiver = Hostile::start(move |mut conversation| {
        let closed = closed.clone();
        async move {
            conversation.hear().await;
            conversation.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
            drop(conversation);
            closed.send(()).unwrap();
        }
    })
    .await;
    let outbound = outbound();
    for _ in 0..10 {
        assert_eq!(answer(outbound.send(request(receiver.url("http", "/")), PATIENT).await).status, 200);
        was_closed.recv().await.unwrap();
    }
    assert_eq!(receiver.requests().len(), 10, "each request arrived once");
}

#[tokio::test]
async fn redirects_are_answers_and_not_followed() {
    let receiver = Hostile::start(|conversation| {
        answer_all(conversation, "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")
    })
    .await;
    let got = answer(outbound().send(request(receiver.url("http", "/")), PATIENT).await);
    assert_eq!(got.status, 302);
    assert!(got.headers.contains(&("location".to_owned(), "/elsewhere".to_owned())));
    assert_eq!(receiver.requests().len(), 1);
}

#[tokio::test]
async fn an_endless_body_is_cut_and_its_connection_closed() {
    let (closed, mut was_closed) = mpsc::unbounded_channel();
    let receiver = Hostile::start(move |mut conversation| {
        let closed = closed.clone();
        async move {
            conversation.hear().await;
            conversation.say("HTTP/1.1 200 OK\r\n\r\n").await;
            while conversation.say([b'x'; 8192]).await {}
            closed.send(()).unwrap();
        }
    })
    .await;
    let outbound = outbound();
    let got = answer(outbound.send(request(receiver.url("http", "/")), PATIENT).await);
    assert_eq!((got.status, got.body.len(), got.body_truncated), (200, 4096, true));
    assert_eq!(got.body_error, None, "our own limit is no error of the receiver");
    was_closed.recv().await.unwrap();
    assert_eq!(answer(outbound.send(request(receiver.url("http", "/")), PATIENT).await).status, 200);
    assert_eq!(receiver.accepted(), 2);
}

#[tokio::test]
async fn a_body_read_to_its_end_beyond_what_is_kept_leaves_the_connection_usable() {
    let receiver = Hostile::start(|mut conversation| async move {
        while conversation.hear().await {
            conversation.say(format!("HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n{}", "y".repeat(9000))).await;
        }
    })
    .await;
    let outbound = outbound();
    for _ in 0..3 {
        let got = answer(outbound.send(request(receiver.url("http", "/")), PATIENT).await);
        assert_eq!((got.body.len(), got.body_truncated, got.body_error), (4096, true, None));
    }
    assert_eq!(receiver.accepted(), 1);
}

#[tokio::test]
async fn a_dripping_body_does_not_hide_the_status_for_more_than_two_seconds() {
    let receiver = Hostile::start(|mut conversation| async move {
        conversation.hear().await;
        conversation.say("HTTP/1.1 202 Accepted\r\nContent-Length: 100000\r\n\r\n").await;
        let mut drip = tokio::time::interval(Duration::from_millis(50));
        while conversation.say("z").await {
            drip.tick().await;
        }
    })
    .await;
    let sent = outbound().send(request(receiver.url("http", "/")), PATIENT).await;
    assert!((Duration::from_secs(2)..Duration::from_secs(4)).contains(&sent.duration), "{:?}", sent.duration);
    let got = answer(sent);
    assert_eq!((got.status, got.body_truncated), (202, true));
    assert_eq!(got.body_error.as_deref(), Some("the body did not end in time"));
    assert!(got.body.starts_with(b"zz"));
}

#[tokio::test]
async fn the_total_timeout_ends_a_stalled_body_too() {
    let sent = send_to_one_that_says("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", IMPATIENT).await;
    assert!(sent.duration < Duration::from_millis(1500), "{:?}", sent.duration);
    let got = answer(sent);
    assert_eq!((got.status, got.body.as_slice(), got.body_truncated), (200, b"ab".as_slice(), true));
    assert!(got.body_error.is_some());
}

#[tokio::test]
async fn a_body_that_breaks_off_leaves_the_status() {
    let receiver = Hostile::start(|mut conversation| async move {
        conversation.hear().await;
        conversation.say("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nabc").await;
    })
    .await;
    let got = answer(outbound().send(request(receiver.url("http", "/")), PATIENT).await);
    assert_eq!((got.status, got.body.as_slice(), got.body_truncated), (200, b"abc".as_slice(), true));
    assert_eq!(got.body_error.as_deref(), Some("the body broke off"));
}

#[tokio::test]
async fn bytes_after_an_answer_are_not_the_next_answer() {
    let receiver = Hostile::start(|conversation| {
        answer_all(
            conversation,
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 500 Smuggled\r\nContent-Length: 0\r\n\r\n",
        )
    })
    .await;
    let outbound = outbound();
    for _ in 0..5 {
        assert_eq!(answer(outbound.send(request(receiver.url("http", "/")), PATIENT).await).status, 200);
    }
}

#[tokio::test]
async fn an_answer_before_the_body_was_read_counts() {
    let receiver = Hostile::start(|mut conversation| async move {
        conversation.hear_something().await;
        conversation.say("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n").await;
        conversation.hold().await;
    })
    .await;
    let mut request = request(receiver.url("http", "/"));
    request.body = Bytes::from(vec![b'b'; 8 << 20]);
    assert_eq!(answer(outbound().send(request, PATIENT).await).status, 413);
}

#[tokio::test]
async fn answers_without_body_or_length_are_answers() {
    assert_eq!(answer(send_to_one_that_says("HTTP/1.1 204 No Content\r\n\r\n", PATIENT).await).status, 204);
    let receiver = Hostile::start(|mut conversation| async move {
        conversation.hear().await;
        conversation.say("HTTP/1.0 200 OK\r\n\r\nuntil the end").await;
    })
    .await;
    let got = answer(outbound().send(request(receiver.url("http", "/")), PATIENT).await);
    assert_eq!((got.body.as_slice(), got.body_error), (b"until the end".as_slice(), None));
}

#[tokio::test]
async fn slow_headers_and_silence_end_with_the_total_timeout() {
    let dripping = Hostile::start(|mut conversation| async move {
        conversation.hear().await;
        let mut drip = tokio::time::interval(Duration::from_millis(20));
        conversation.say("HTTP/1.1 200 OK\r\nX-Slow: ").await;
        while conversation.say("h").await {
            drip.tick().await;
        }
    })
    .await;
    let silent = Hostile::start(|mut conversation| async move { conversation.hold().await }).await;
    for url in [dripping.url("http", "/"), silent.url("http", "/"), silent.url("https", "/")] {
        let sent = outbound().send(request(&url), IMPATIENT).await;
        assert!((IMPATIENT..Duration::from_secs(2)).contains(&sent.duration), "{url}: {:?}", sent.duration);
        let failed = failure(sent);
        assert_eq!((failed.kind, failed.message.as_str()), (ErrorKind::Timeout, "no answer within 300ms"), "{url}");
    }
}

#[tokio::test]
async fn endless_informational_answers_are_not_read_for_long() {
    let receiver = Hostile::start(|mut conversation| async move {
        conversation.hear().await;
        while conversation.say("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n").await {}
    })
    .await;
    let failed = failure(outbound().send(request(receiver.url("http", "/")), PATIENT).await);
    assert_eq!(failed.kind, ErrorKind::Protocol);
    assert_eq!(failed.message, "more than 64 informational (1xx) answers");
    let few = format!("{}HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nX: 1\r\n\r\n".repeat(64));
    assert_eq!(answer(send_to_one_that_says(few, PATIENT).await).status, 204);
}

#[tokio::test]
async fn a_head_beyond_the_limits_is_too_large() {
    let one_huge = format!("HTTP/1.1 200 OK\r\nX-Huge: {}\r\nContent-Length: 0\r\n\r\n", "h".repeat(200_000));
    let very_many = format!("HTTP/1.1 200 OK\r\n{}Content-Length: 0\r\n\r\n", "X-Many: 1\r\n".repeat(5_000));
    let many_small = format!("HTTP/1.1 200 OK\r\n{}Content-Length: 0\r\n\r\n", "X-Many: 1\r\n".repeat(150));
    for head in [one_huge, very_many, many_small] {
        assert_eq!(failure(send_to_one_that_says(head, PATIENT).await).kind, ErrorKind::ResponseTooLarge);
    }
}

#[tokio::test]
async fn what_is_not_http_is_a_protocol_failure() {
    for bytes in
        ["\0\x01\x02 garbage\r\n\r\n", "SSH-2.0-OpenSSH_9.9\r\n", "HTTP/9.9 200 OK\r\n\r\n", "HTTP/1.1 2x0 \r\n\r\n"]
    {
        assert_eq!(failure(send_to_one_that_says(bytes, PATIENT).await).kind, ErrorKind::Protocol, "{bytes:?}");
    }
}

#[tokio::test]
async fn a_connection_that_ends_before_the_answer_is_a_protocol_failure() {
    let resetting = Hostile::start(Conversation::reset).await;
    let closing = Hostile::start(|mut conversation| async move {
        conversation.hear().await;
        conversation.say("HTTP/1.1 200").await;
    })
    .await;
    for receiver in [&resetting, &closing] {
        let failed = failure(outbound().send(request(receiver.url("http", "/")), PATIENT).await);
        assert_eq!(failed.kind, ErrorKind::Protocol, "{}", failed.message);
        assert_eq!(receiver.accepted(), 1, "not sent a second time");
    }
}

#[tokio::test]
async fn a_closed_port_is_a_connect_failure() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let failed = failure(outbound().send(request(format!("http://{address}/")), PATIENT).await);
    assert_eq!((failed.kind, failed.message.as_str()), (ErrorKind::Connect, "connection refused"));
}

#[tokio::test]
async fn an_unknown_host_is_a_dns_failure() {
    let failed = failure(outbound().send(request("http://nx.invalid/"), PATIENT).await);
    assert_eq!(failed.kind, ErrorKind::Dns);
    assert!(failed.message.starts_with("the host name "), "{}", failed.message);
}

#[tokio::test]
async fn loopback_is_not_dialled_unless_allowed_however_it_is_spelt() {
    let receiver =
        Hostile::start(|conversation| answer_all(conversation, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")).await;
    let port = receiver.address.port();
    let closed = Outbound::new(OutboundOptions { allow_networks: Vec::new(), ..options() }).unwrap();
    for host in ["127.0.0.1", "localhost", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]", "[::1]", "0"] {
        for scheme in ["http", "https"] {
            let failed = failure(closed.send(request(format!("{scheme}://{host}:{port}/")), PATIENT).await);
            assert_eq!(failed.kind, ErrorKind::Blocked, "{scheme} {host}");
            assert_eq!(
                failed.message, "the host's address is not a public one (WEBHOOK_ALLOW_NETWORKS can allow it)",
                "{scheme} {host}"
            );
        }
    }
    assert_eq!(receiver.accepted(), 0);
    assert_eq!(answer(outbound().send(request(receiver.url("http", "/")), PATIENT).await).status, 200);
}

#[tokio::test]
async fn plain_http_is_refused_unless_allowed() {
    let receiver = Hostile::start(|mut conversation| async move { conversation.hold().await }).await;
    let strict = Outbound::new(OutboundOptions { allow_http: false, ..options() }).unwrap();
    let failed = failure(strict.send(request(receiver.url("http", "/")), PATIENT).await);
    assert_eq!((failed.kind, receiver.accepted()), (ErrorKind::Blocked, 0));
}

#[tokio::test]
async fn compressed_bodies_are_kept_as_they_came() {
    let compressed = *b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\xcf\x06\x00\x47\xdd\xdc\x79\x02\x00\x00\x00";
    let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", compressed.len());
    let got = answer(send_to_one_that_says([head.as_bytes(), &compressed].concat(), PATIENT).await);
    assert_eq!(got.body, compressed);
}

#[tokio::test]
async fn what_is_stored_of_an_answer_is_printable() {
    let response = b"HTTP/1.1 200 OK\r\nX-Odd: \xff\tname\r\nContent-Length: 4\r\n\r\na\0\xffb";
    let got = answer(send_to_one_that_says(*response, PATIENT).await);
    assert!(got.headers.contains(&("x-odd".to_owned(), "\u{fffd} name".to_owned())), "{:?}", got.headers);
    assert_eq!((got.body.as_slice(), got.body_text().as_str()), (b"a\0\xffb".as_slice(), "a \u{fffd}b"));
}

/// A sender that trusts the authority.
pub(crate) fn trusting(authority: &Authority) -> Outbound {
    let ca_file = Some(authority.file.path().to_owned());
    Outbound::new(OutboundOptions { ca_file, allow_http: false, ..options() }).unwrap()
}

pub(crate) async fn https_receiver(acceptor: TlsAcceptor) -> Hostile {
    Hostile::start_tls(acceptor, |mut conversation| async move {
        while conversation.hear().await {
            conversation.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
        }
    })
    .await
}

#[tokio::test]
async fn a_client_certificate_is_shown_and_its_connections_serve_nobody_else() {
    let authority = Authority::new();
    let receiver = https_receiver(authority.acceptor_for_known_callers()).await;
    let outbound = Outbound::new(OutboundOptions { ca_file: Some(authority.file.path().into()), ..options() }).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = names(&["caller"]).signed_by(&key, &authority.issuer).unwrap();
    let identity = ClientIdentity::parse(&certificate.pem(), &key.serialize_pem()).unwrap();
    let url = receiver.url("https", "/hook");
    for _ in 0..2 {
        let with = SignedRequest { identity: Some(identity.clone()), ..request(url.clone()) };
        assert_eq!(answer(outbound.send(with, PATIENT).await).status, 200);
    }
    let kind = failure(outbound.send(request(url), PATIENT).await).kind;
    assert!(matches!(kind, ErrorKind::Tls | ErrorKind::Protocol | ErrorKind::Connect), "{kind}");
    assert_eq!(receiver.requests().len(), 2);
}

#[tokio::test]
async fn a_private_authority_is_trusted_by_name_and_by_address() {
    let authority = Authority::new();
    let receiver = https_receiver(authority.acceptor(&names(&["localhost", "127.0.0.1"]))).await;
    let outbound = trusting(&authority);
    let by_name = format!("https://localhost:{}/", receiver.address.port());
    for url in [&by_name, &receiver.url("https", "/"), &by_name] {
        assert_eq!(answer(outbound.send(request(url), PATIENT).await).status, 200, "{url}");
    }
    assert_eq!(receiver.accepted(), 2, "one connection for each name, used again");
}

#[tokio::test]
async fn certificates_that_prove_nothing_are_tls_failures() {
    let authority = Authority::new();
    let mut expired = names(&["127.0.0.1"]);
    (expired.not_before, expired.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
    let key = KeyPair::generate().unwrap();
    let self_signed = names(&["127.0.0.1"]).self_signed(&key).unwrap().der().clone();
    for (acceptor, message) in [
        (acceptor(self_signed, key), "certificate from an unknown issuer"),
        (authority.acceptor(&names(&["example.org"])), "certificate not valid for name"),
        (authority.acceptor(&expired), "certificate expired"),
    ] {
        let receiver = https_receiver(acceptor).await;
        let failed = failure(trusting(&authority).send(request(receiver.url("https", "/")), PATIENT).await);
        assert_eq!((failed.kind, failed.message.as_str()), (ErrorKind::Tls, message));
        assert_eq!(receiver.requests(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_receiver_that_does_not_speak_tls_is_a_tls_failure() {
    let plain = Hostile::start(|mut conversation| async move {
        conversation.say("HTTP/1.1 400 Bad Request\r\n\r\n").await;
        conversation.hold().await;
    })
    .await;
    let closing = Hostile::start(|conversation| async move { drop(conversation) }).await;
    for (receiver, message) in
        [(&plain, "the receiver does not speak TLS"), (&closing, "connection closed during the TLS handshake")]
    {
        let failed = failure(outbound().send(request(receiver.url("https", "/")), PATIENT).await);
        assert_eq!((failed.kind, failed.message.as_str()), (ErrorKind::Tls, message));
    }
}
