//! The harness itself, so that a test that stands on it stands on something.

use std::time::Duration;

use posthorn::domain::secret::Secret;
use posthorn::store::{StoreRole, days};
use rustix::process::Signal;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{Answer, Binary, Proxy, Receiver, SOON, Weather, World, eventually};

#[tokio::test]
async fn every_world_has_a_database_of_its_own() {
    let (one, other) = (World::new().await, World::new().await);
    one.tenant("only here").await;
    assert_ne!(one.database(), other.database());
    assert_eq!(other.count("SELECT count(*) FROM posthorn.tenants").await, 0);
    assert!(days::missing(&one.store(StoreRole::Dispatcher), 0).await.is_ok());
}

#[tokio::test]
async fn the_server_is_as_durable_as_a_user_has_it() {
    let world = World::new().await;
    for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
        let row = world.db.query_one("SELECT current_setting($1)", &[&setting]).await.unwrap();
        assert_eq!(row.get::<_, String>(0), "on", "{setting}");
    }
}

#[tokio::test]
async fn a_published_event_becomes_a_delivery_to_a_signed_subscription() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let secret = Secret::generate();
    let id = world.subscribe_signed(tenant, "https://receiver.example/", &["invoice.*"], &secret).await;
    let sealed = world.db.query_one("SELECT secret FROM posthorn.webhook_subscriptions WHERE id = $1", &[&id]).await;
    let opened = world.keyring().open(tenant, id, sealed.unwrap().get(0)).unwrap();
    assert_eq!(opened, secret);
    let event = world.publish(tenant, "invoice.paid", json!({"n": 1})).await;
    let deliveries = world.deliveries(tenant).await;
    assert_eq!(deliveries.len(), 1);
    assert_eq!((deliveries[0].subscription_id, deliveries[0].event_id), (id, event));
    assert_eq!((deliveries[0].event.as_str(), deliveries[0].status.as_str()), ("invoice.paid", "pending"));
    assert_eq!(deliveries[0].attempts, 0);
}

#[tokio::test]
async fn a_receiver_answers_by_its_script_and_keeps_what_came() {
    let receiver = Receiver::start(|path, nth| match (path, nth) {
        ("/busy", 0) => Answer::status(503).header("retry-after", "7").body("later"),
        _ => Answer::status(200).after(Duration::from_millis(1)),
    });
    let address = receiver.url("").replace("http://", "");
    for expected in ["HTTP/1.1 503", "HTTP/1.1 200"] {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        let request = "POST /busy HTTP/1.1\r\nhost: h\r\nx-a: b\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with(expected), "{answer}");
        assert_eq!(
            answer.contains("retry-after: 7") && answer.ends_with("later"),
            expected.contains("503"),
            "{answer}"
        );
    }
    let requests = receiver.wait_for(2, SOON).await;
    assert_eq!((requests[0].path.as_str(), requests[0].body.as_ref()), ("/busy", b"hi".as_slice()));
    assert_eq!(requests[0].headers["x-a"], "b");
    assert!(requests[0].at <= requests[1].at);
}

#[tokio::test]
async fn a_process_is_followed_and_signalled() {
    let script = "trap 'echo stopped >&2; exit 3' TERM; echo ready $WORD; while :; do sleep 0.01; done";
    let process = Binary::start_program("/bin/sh", &["-c", script], &[("WORD", "steady")]);
    assert_eq!(process.wait_for_line("ready", SOON).await, "ready steady");
    assert!(process.pid() > 0);
    process.signal(Signal::TERM);
    assert_eq!(process.wait_exit(SOON).await.code(), Some(3));
    process.wait_for_line("stopped", SOON).await;
}

#[tokio::test]
async fn the_program_starts_and_ends() {
    let posthorn = Binary::start(&["--version"], &[]);
    assert!(posthorn.wait_exit(SOON).await.success(), "{:?}", posthorn.lines());
}

#[tokio::test]
#[should_panic(expected = "not within 1ms: the impossible")]
async fn a_condition_that_never_holds_says_so() {
    eventually("the impossible", Duration::from_millis(1), async || false).await;
}

/// A line-by-line echo behind a proxy, and a client of it.
async fn echo_behind_a_proxy() -> (Proxy, TcpStream, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::start(listener.local_addr().unwrap()).await;
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (mut from, mut to) = stream.split();
            let _ = tokio::io::copy(&mut from, &mut to).await;
        }
    });
    let client = TcpStream::connect(proxy.address()).await.unwrap();
    (proxy, client, tasks)
}

async fn ask(client: &mut TcpStream, words: &str) -> std::io::Result<String> {
    client.write_all(words.as_bytes()).await?;
    let mut answer = vec![0; words.len()];
    client.read_exact(&mut answer).await?;
    Ok(String::from_utf8(answer).unwrap())
}

#[tokio::test]
async fn a_proxy_carries_and_holds_back_what_it_swallows() {
    let (proxy, mut client, _echo) = echo_behind_a_proxy().await;
    assert_eq!(ask(&mut client, "fair").await.unwrap(), "fair");
    proxy.set(Weather::BlackHole);
    assert_eq!(proxy.open(), 1);
    let mut asking = Box::pin(ask(&mut client, "held"));
    let unanswered = timeout(Duration::from_millis(100), &mut asking).await;
    assert!(unanswered.is_err());
    proxy.set(Weather::Slow(Duration::from_millis(1)));
    assert_eq!(asking.await.unwrap(), "held");
}

#[tokio::test]
async fn a_proxy_cuts_in_the_middle_of_an_answer_and_resets() {
    let (proxy, mut client, _echo) = echo_behind_a_proxy().await;
    proxy.set(Weather::CutAfter(2));
    assert!(ask(&mut client, "four").await.is_err());
    proxy.set(Weather::Fair);
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(ask(&mut client, "fair").await.unwrap(), "fair");
    proxy.reset();
    let error = client.read_u8().await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    eventually("it is gone", SOON, async || proxy.open() == 0).await;
}

#[tokio::test]
async fn a_proxy_closes_for_the_client_alone_or_for_both() {
    let (proxy, mut client, _echo) = echo_behind_a_proxy().await;
    assert_eq!(ask(&mut client, "fair").await.unwrap(), "fair");
    proxy.half_close();
    assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(proxy.open(), 1);
    proxy.close();
    eventually("it is gone", SOON, async || proxy.open() == 0).await;
}
