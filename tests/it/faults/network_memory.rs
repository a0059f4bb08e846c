//! Memory of the real program while five hundred hostile receivers hold it at once.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::harness::hostile::{Conversation, Hostile};
use crate::harness::{Aftermath, SOON, World, eventually, memory_kib};

/// Deliveries in flight at once.
const AT_ONCE: usize = 500;
/// What the program may hold at its most, in KiB.
const MOST_KIB: u64 = 128 * 1024;

/// Holds each request until all are there, then misbehaves in one of the ways that cost the sender memory.
async fn misbehave(mut talk: Conversation<TcpStream>, nth: usize, mut all_there: watch::Receiver<bool>) {
    talk.hear().await;
    let _ = all_there.wait_for(|yes| *yes).await;
    match nth % 6 {
        // as much as is taken of a head and of a body, and then nothing more
        0 => {
            talk.say("HTTP/1.1 200 OK\r\nX-Big: ").await;
            talk.say(vec![b'h'; 60_000]).await;
        }
        1 => {
            talk.say("HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n").await;
            talk.say(vec![b'b'; 15_000]).await;
        }
        2 => {
            talk.say("HTTP/1.1 200 OK\r\n\r\n").await;
            while talk.say([b'x'; 65_536]).await {}
        }
        3 => {
            talk.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
            while talk.say("1\r\nx\r\n".repeat(1000)).await {}
        }
        4 => {
            talk.say("HTTP/1.1 103 Early Hints\r\nX-Hint: 1\r\n\r\n".repeat(60)).await;
        }
        _ => {
            talk.say("HTTP/1.1 200 OK\r\n").await;
            talk.say("X-Many: 1\r\n".repeat(99)).await;
        }
    }
    talk.hold().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_hostile_answers_at_once_fit_into_128_mib() {
    let world = World::new().await;
    let (go, all_there) = watch::channel(false);
    let nth = AtomicUsize::new(0);
    let receiver = Hostile::start(move |talk| {
        let nth = nth.fetch_add(1, Ordering::Relaxed);
        misbehave(talk, nth, all_there.clone())
    })
    .await;
    let receiver = Arc::new(receiver);
    let url = receiver.url("http", "/");
    let env = [
        ("POSTHORN_CONCURRENCY", "500"),
        ("WEBHOOK_TIMEOUT_SECONDS", "12"),
        ("WEBHOOK_RETRY_SCHEDULE", "1h"),
        ("POSTHORN_METRICS_BIND", "127.0.0.1:0"),
    ];
    for name in ["a", "b"] {
        let tenant = world.tenant(name).await;
        let sql = "INSERT INTO posthorn.webhook_subscriptions (tenant_id, url, events, signing, circuit_failures)
                   SELECT $1, $2 || n, '{*}', 'none', 0 FROM generate_series(1, 250) n";
        world.db.execute(sql, &[&tenant, &url]).await.unwrap();
        world.publish(tenant, "invoice.paid", json!({"much": "p".repeat(20_000)})).await;
    }
    let binary = world.dispatch_binary(&env).await;
    let aftermath = Aftermath::before(&[&binary]);
    let at_once = format!("{AT_ONCE} requests at once");
    eventually(&at_once, SOON, async || receiver.requests().len() == AT_ONCE && receiver.talking() == AT_ONCE).await;
    go.send(true).unwrap();
    let over = "SELECT count(*) FROM posthorn.webhook_attempts";
    eventually("every attempt is over", 3 * SOON, async || world.count(over).await == AT_ONCE as i64).await;
    let most = memory_kib(&binary, "VmHWM:").unwrap();
    assert!(most < MOST_KIB, "{most} KiB were resident");

    let tried = "SELECT count(*) FILTER (WHERE error_kind IS NULL) || ' ' || count(*) FILTER (WHERE error_kind = 'timeout') || ' '
                     || count(*) FILTER (WHERE duration_ms > 14000) FROM posthorn.webhook_attempts";
    let tried: String = world.db.query_one(tried, &[]).await.unwrap().get(0);
    // a sixth each is a head that stops, endless 1xx, and headers that stop
    assert_eq!(tried, "250 250 0");
    eventually("connections closed", SOON, async || receiver.talking() == 0).await;
    let sockets = || open_sockets(binary.pid());
    eventually("the program has closed them too", SOON + Duration::from_secs(1), async || sockets() < 24).await;
    aftermath.holds(&world).await;
}

fn open_sockets(pid: u32) -> usize {
    let files = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
    files.filter(|file| fs::read_link(file.path()).is_ok_and(|to| to.to_string_lossy().starts_with("socket:"))).count()
}
