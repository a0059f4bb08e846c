//! Half-open connections: nothing passes and nobody is told. With a proxy, and with a network of our own whose cable is pulled.

use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

use secrecy::ExposeSecret;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};

use super::{ASLEEP, scene};
use crate::harness::{Aftermath, Binary, Proxy, SOON, Weather, dispatch_binary, eventually, server};

/// So seldom that nothing is found by chance.
const HARDLY_POLLS: (&str, &str) = ("POSTHORN_POLL_SECONDS", "60");

#[tokio::test]
async fn a_listening_connection_that_went_silent_is_replaced_and_what_it_missed_is_found() {
    let (world, tenant, receiver) = scene().await;
    let proxy = Proxy::start(SocketAddr::from(([127, 0, 0, 1], server().port()))).await;
    let url = proxy.by_way_of(world.url().expose_secret(), server().port());
    let dispatcher = dispatch_binary(&url, &[HARDLY_POLLS]).await;
    world.until(ASLEEP).await;
    let aftermath = Aftermath::before(&[&dispatcher]);
    proxy.set(Weather::BlackHole);
    let cut = Instant::now();
    world.publish(tenant, "invoice.paid", json!({})).await;
    dispatcher.wait_for_line("the listening connection", SOON).await;
    assert!(cut.elapsed() < Duration::from_secs(12), "{:?}", cut.elapsed());
    proxy.set(Weather::Fair);
    receiver.wait_for(1, SOON).await;
    // and it hears again
    world.until(ASLEEP).await;
    world.publish(tenant, "invoice.paid", json!({})).await;
    receiver.wait_for(2, SOON).await;
    aftermath.holds(&world).await;
}

/// A network namespace with one cable to us; gone when dropped.
struct Island {
    name: String,
    cable: String,
    /// Our end's address.
    shore: String,
}

impl Island {
    /// `None` where it cannot be had: that takes root and a kernel that lets us.
    fn new() -> Option<Self> {
        let number = std::process::id() % 200 + 20;
        let name = format!("posthorn-{}", std::process::id());
        let (cable, far) = (format!("ph{number}a"), format!("ph{number}b"));
        let island = Self { name: name.clone(), cable: cable.clone(), shore: format!("10.213.{number}.1") };
        let there = format!("10.213.{number}.2/24");
        let here = format!("{}/24", island.shore);
        let steps: [&[&str]; 7] = [
            &["netns", "add", &name],
            &["link", "add", &cable, "type", "veth", "peer", "name", &far, "netns", &name],
            &["addr", "add", &here, "dev", &cable],
            &["link", "set", &cable, "up"],
            &["-n", &name, "addr", "add", &there, "dev", &far],
            &["-n", &name, "link", "set", &far, "up"],
            &["-n", &name, "link", "set", "lo", "up"],
        ];
        steps.iter().all(|step| ip(step)).then_some(island)
    }

    /// Puts the cable in or pulls it: packets are lost then, and the far end is not told.
    fn plug(&self, is_in: bool) {
        assert!(ip(&["link", "set", &self.cable, if is_in { "up" } else { "down" }]));
    }
}

impl Drop for Island {
    fn drop(&mut self) {
        ip(&["link", "del", &self.cable]);
        ip(&["netns", "del", &self.name]);
    }
}

fn ip(arguments: &[&str]) -> bool {
    Command::new("ip").args(arguments).output().is_ok_and(|output| output.status.success())
}

/// Carries connections to the server from where the island can reach us.
async fn ferry(shore: &str) -> u16 {
    let listener = TcpListener::bind((shore, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut server = TcpStream::connect(("127.0.0.1", server().port())).await?;
                tokio::io::copy_bidirectional(&mut client, &mut server).await
            });
        }
    });
    port
}

#[tokio::test]
async fn a_pulled_cable_is_noticed_in_seconds_with_a_statement_in_flight_and_without() {
    let Some(island) = Island::new() else {
        eprintln!("skipped: no network namespace can be made here");
        return;
    };
    let (world, tenant, receiver) = scene().await;
    let port = ferry(&island.shore).await;
    let url = world.url();
    let url =
        url.expose_secret().replace(&format!("127.0.0.1:{}", server().port()), &format!("{}:{port}", island.shore));
    let local = [
        ("DATABASE_URL", url.as_str()),
        ("POSTHORN_KEYRING", "test:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
        ("WEBHOOK_ALLOW_HTTP", "true"),
        ("WEBHOOK_ALLOW_NETWORKS", "127.0.0.0/8"),
        HARDLY_POLLS,
    ];
    let program = env!("CARGO_BIN_EXE_posthorn");
    let dispatcher = Binary::start_program(
        "ip",
        &["netns", "exec", &island.name, program, "serve", "--role=dispatcher", "--no-migrate"],
        &local,
    );
    dispatcher.wait_for_line("posthorn is ready", SOON).await;
    world.until(ASLEEP).await;
    // a statement in flight: it waits for a lock when the cable is pulled
    let blocker = world.client().await;
    blocker.batch_execute("BEGIN; LOCK TABLE posthorn.dispatchers IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let waits =
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
                 AND query LIKE '-- dispatchers/seen:%')";
    world.until(waits).await;
    island.plug(false);
    let cut = Instant::now();
    for (what, line) in [
        ("the statement in flight", "a sign of life could not be given"),
        ("the idle session that listens", "the listening connection"),
    ] {
        dispatcher.wait_for_line(line, SOON).await;
        assert!(cut.elapsed() < Duration::from_secs(15), "{what}: {:?}", cut.elapsed());
    }
    blocker.batch_execute("ROLLBACK").await.unwrap();
    world.publish(tenant, "invoice.paid", json!({})).await;
    island.plug(true);
    // the receiver is not on the island: that it was tried to be reached says enough
    eventually("it dispatches again", SOON, async || {
        world.count("SELECT count(*) FROM posthorn.webhook_attempts").await > 0
    })
    .await;
    assert_eq!(receiver.requests().len(), 0);
}
