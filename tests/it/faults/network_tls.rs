//! TLS with strangers: what is offered, what is refused, and that a failure is called one of TLS.

use std::sync::{Arc, Mutex};

use posthorn::domain::delivery::ErrorKind;
use rcgen::{KeyPair, date_time_ymd};
use rustls::server::Acceptor;
use tokio_rustls::{LazyConfigAcceptor, TlsAcceptor};

use crate::harness::authority::{Authority, names, server_config};
use crate::harness::hostile::Hostile;
use crate::outbound::{PATIENT, answer, failure, https_receiver, outbound, request, trusting};

/// A receiver's TLS with these application protocols.
fn acceptor_of(authority: &Authority, protocols: &[&[u8]]) -> TlsAcceptor {
    let key = KeyPair::generate().unwrap();
    let certificate = names(&["127.0.0.1"]).signed_by(&key, &authority.issuer).unwrap();
    let mut config = server_config(certificate.der().clone(), key);
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    TlsAcceptor::from(Arc::new(config))
}

#[tokio::test]
async fn http_1_1_is_all_that_is_offered() {
    let offered = Arc::new(Mutex::new(Vec::new()));
    let noted = offered.clone();
    let receiver = Hostile::start(move |talk| {
        let noted = noted.clone();
        async move {
            let start = LazyConfigAcceptor::new(Acceptor::default(), talk.into_stream()).await.unwrap();
            let hello = start.client_hello();
            let protocols: Vec<Vec<u8>> = hello.alpn().into_iter().flatten().map(<[u8]>::to_vec).collect();
            noted.lock().unwrap().push(protocols);
        }
    })
    .await;
    failure(outbound().send(request(receiver.url("https", "/")), PATIENT).await);
    assert_eq!(*offered.lock().unwrap(), [[b"http/1.1".to_vec()]]);
}

#[tokio::test]
async fn a_receiver_needs_no_alpn_and_one_that_wants_http_2_alone_is_a_tls_failure() {
    let authority = Authority::new();
    let (h1, h2): (&[u8], &[u8]) = (b"http/1.1", b"h2");
    for protocols in [&[][..], &[h1], &[h2, h1]] {
        let receiver = https_receiver(acceptor_of(&authority, protocols)).await;
        let sent = trusting(&authority).send(request(receiver.url("https", "/")), PATIENT).await;
        assert_eq!(answer(sent).status, 200, "{protocols:?}");
    }
    let receiver = https_receiver(acceptor_of(&authority, &[h2])).await;
    let failed = failure(trusting(&authority).send(request(receiver.url("https", "/")), PATIENT).await);
    assert_eq!(failed.kind, ErrorKind::Tls, "{}", failed.message);
    assert_eq!(receiver.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn old_versions_of_tls_are_refused() {
    // what a server of TLS 1.1 says to an offer of 1.2 and 1.3: its own version, or an alert "protocol_version"
    let hello_of = |minor: u8| {
        let head = [0x16, 3, minor, 0, 42, 2, 0, 0, 38, 3, minor];
        [&head[..], &[7; 32], &[0, 0, 0x2f, 0]].concat()
    };
    let alert = vec![0x15, 3, 1, 0, 2, 2, 70];
    for bytes in [hello_of(2), hello_of(1), hello_of(0), alert] {
        let receiver = Hostile::start(move |mut talk| {
            let bytes = bytes.clone();
            async move {
                talk.hear_something().await;
                talk.say(bytes).await;
                talk.hold().await;
            }
        })
        .await;
        let failed = failure(outbound().send(request(receiver.url("https", "/")), PATIENT).await);
        assert_eq!(failed.kind, ErrorKind::Tls, "{}", failed.message);
    }
}

#[tokio::test]
async fn certificates_out_of_their_time_or_of_strangers_get_no_byte_of_a_request() {
    let authority = Authority::new();
    let mut early = names(&["127.0.0.1"]);
    (early.not_before, early.not_after) = (date_time_ymd(2400, 1, 1), date_time_ymd(2401, 1, 1));
    let stranger = Authority::new();
    for (acceptor, message) in [
        (authority.acceptor(&early), "certificate not valid yet"),
        // its authority has the name of ours, but not the key
        (stranger.acceptor(&names(&["127.0.0.1"])), "certificate not valid"),
        (authority.acceptor(&names(&["127.0.0.2"])), "certificate not valid for name"),
        (authority.acceptor(&names(&["localhost"])), "certificate not valid for name"),
    ] {
        let receiver = https_receiver(acceptor).await;
        let failed = failure(trusting(&authority).send(request(receiver.url("https", "/")), PATIENT).await);
        assert_eq!((failed.kind, failed.message.as_str()), (ErrorKind::Tls, message));
        assert_eq!(receiver.requests(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_receiver_that_wants_a_client_certificate_refuses_who_shows_none() {
    let authority = Authority::new();
    let receiver = https_receiver(authority.acceptor_for_known_callers()).await;
    let outbound = trusting(&authority);
    for _ in 0..10 {
        let failed = failure(outbound.send(request(receiver.url("https", "/")), PATIENT).await);
        // its alert comes after our request has begun (TLS 1.3), and a reset may overtake it
        assert!(matches!(failed.kind, ErrorKind::Tls | ErrorKind::Protocol), "{failed:?}");
    }
    assert_eq!(receiver.requests(), Vec::<String>::new());
}
