//! Answers and connections that must not become those of another request, and stages that end by a time of their own.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use posthorn::domain::delivery::ErrorKind;
use posthorn::outbound::Outcome;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::harness::SOON;
use crate::harness::hostile::Hostile;
use crate::outbound::{PATIENT, answer, failure, outbound, request};

#[tokio::test]
async fn a_connection_whose_answer_can_be_read_two_ways_is_not_used_again() {
    let smuggled = "HTTP/1.1 500 Smuggled\r\nContent-Length: 0\r\n\r\n";
    for head in [
        "Content-Length: 0\r\n\r\n",
        "Content-Length: 0\r\nContent-Length: 44\r\n\r\n",
        "Content-Length: 0, 44\r\n\r\n",
        "Content-Length: +0\r\n\r\n",
        "Content-Length: -1\r\n\r\n",
        "Content-Length: 0x0\r\n\r\n",
        "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 44\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: identity\r\nContent-Length: 0\r\n\r\n",
        "Transfer-Encoding: xchunked\r\nContent-Length: 0\r\n\r\n",
        "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 44\r\n\r\n",
        "Content-Length: 0\r\nConnection: close\r\n\r\n",
        "Content-Length: 0\n\n",
    ] {
        let receiver = Hostile::start(move |mut talk| async move {
            talk.hear().await;
            talk.say(format!("HTTP/1.1 200 OK\r\n{head}{smuggled}")).await;
            if talk.hear().await {
                talk.say("HTTP/1.1 418 Used Again\r\nContent-Length: 0\r\n\r\n").await;
            }
        })
        .await;
        let outbound = outbound();
        for nth in 1..=3 {
            let short = Duration::from_millis(500);
            let sent = outbound.send(request(receiver.url("http", "/")), short).await;
            match sent.outcome {
                Outcome::Answered(answer) => assert_eq!(answer.status, 200, "{head:?}"),
                Outcome::NotAnswered(failure) => assert_eq!(failure.kind, ErrorKind::Protocol, "{head:?}"),
            }
            assert_eq!(receiver.accepted(), nth, "{head:?}: each request has a connection of its own");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_requests_to_one_that_closes_after_each_arrive_once() {
    const REQUESTS: usize = 3000;
    let receiver = Arc::new(
        Hostile::start(|mut talk| async move {
            talk.hear().await;
            talk.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
        })
        .await,
    );
    let outbound = outbound();
    let outcomes: Vec<(usize, Outcome)> = stream::iter(0..REQUESTS)
        .map(|n| {
            let (outbound, url) = (outbound.clone(), receiver.url("http", &format!("/{n}")));
            async move { (n, outbound.send(request(url), SOON).await.outcome) }
        })
        .buffer_unordered(16)
        .collect()
        .await;
    let mut heard = HashMap::<usize, usize>::new();
    for text in receiver.requests() {
        let path = text.split(' ').nth(1).unwrap();
        *heard.entry(path[1..].parse().unwrap()).or_default() += 1;
    }
    assert!(heard.values().all(|&times| times == 1), "something arrived twice");
    let mut broke = 0;
    for (n, outcome) in outcomes {
        match outcome {
            Outcome::Answered(answer) => assert_eq!((answer.status, heard.get(&n)), (200, Some(&1)), "{n}"),
            // written to a connection that was being closed at that moment: whether it was read nobody can know
            Outcome::NotAnswered(failure) => {
                assert_eq!(failure.kind, ErrorKind::Protocol, "{n}: {failure:?}");
                broke += 1;
            }
        }
    }
    assert!(broke < REQUESTS / 20, "{broke} of {REQUESTS} attempts were lost to closed connections");
}

/// A listener that accepts nobody and whose queue is full: further SYNs vanish.
async fn black_hole() -> (String, Vec<TcpStream>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    std::mem::forget(listener);
    let mut queued = Vec::new();
    while let Ok(stream) = timeout(Duration::from_millis(300), TcpStream::connect(address)).await {
        queued.push(stream.unwrap());
    }
    (format!("http://{address}/"), queued)
}

#[tokio::test]
async fn connecting_and_the_handshake_end_within_five_seconds_each() {
    let (hole, _queued) = black_hole().await;
    let stalled = Hostile::start(|mut talk| async move { talk.hold().await }).await;
    let outbound = outbound();
    let (never_connected, never_spoken) = tokio::join!(
        outbound.send(request(hole), PATIENT),
        outbound.send(request(stalled.url("https", "/")), PATIENT),
    );
    for (sent, kind, message) in [
        (never_connected, ErrorKind::Connect, "no connection within 5 s"),
        (never_spoken, ErrorKind::Timeout, "the TLS handshake did not end within 5 s"),
    ] {
        assert!((Duration::from_secs(5)..Duration::from_secs(7)).contains(&sent.duration), "{:?}", sent.duration);
        let failed = failure(sent);
        assert_eq!((failed.kind, failed.message.as_str()), (kind, message));
    }
}

#[tokio::test]
async fn an_answer_without_a_body_ends_where_its_status_says() {
    for status in [204, 205, 304] {
        let receiver = Hostile::start(move |mut talk| async move {
            while talk.hear().await && talk.say(format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n")).await {}
        })
        .await;
        let outbound = outbound();
        for _ in 0..2 {
            let got = answer(outbound.send(request(receiver.url("http", "/")), PATIENT).await);
            assert_eq!((got.status, got.body_error), (status, None));
        }
        assert_eq!(receiver.accepted(), 1, "{status}");
    }
}
