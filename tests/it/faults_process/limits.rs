//! Too little of something: memory, file descriptors, a reader of the log.

use std::fs;
use std::time::Duration;

use rustix::process::Signal;
use secrecy::ExposeSecret;
use serde_json::json;
use tokio::net::TcpStream;

use crate::harness::hostile::Hostile;
use crate::harness::{
    Aftermath, Answer, Binary, DISPATCHER, Receiver, SOON, World, dispatch_limited, dispatcher_env, eventually,
    memory_kib, metric_of, resident_kib,
};

/// Deliveries in flight at once, and what they may hold together beyond the process at rest.
const IN_FLIGHT: i64 = 500;
const HELD_MAX_KIB: u64 = 96 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn endless_answers_by_the_hundred_are_held_in_little_memory() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let endless = Hostile::start(|mut conversation| async move {
        conversation.hear().await;
        let mut is_heard = conversation.say("HTTP/1.1 500 No\r\n\r\n").await;
        while is_heard {
            is_heard = conversation.say([b'x'; 16 * 1024]).await;
        }
    })
    .await;
    let subscription = world.subscribe(tenant, &endless.url("http", "/hook"), &["*"]).await;
    world.change(subscription, "max_in_flight = 500, retry_schedule = '{}'").await;
    world.db.execute("UPDATE posthorn.tenants SET max_in_flight = 500", &[]).await.unwrap();
    let env = [("POSTHORN_CONCURRENCY", "500"), ("POSTHORN_CIRCUIT_FAILURES", "0"), ("RUST_LOG", "warn")];
    let url = world.url();
    // what it may have of its own is limited by the kernel too: it would die rather than take more
    let dispatcher = dispatch_limited(url.expose_secret(), "--data=402653184", &env).await;
    let aftermath = Aftermath::before(&[&dispatcher]);
    let before = resident_kib(&dispatcher).unwrap();
    world.publish_many(tenant, "invoice.paid", 500).await;
    eventually("each was tried", 3 * SOON, async || {
        world.count("SELECT count(*) FROM posthorn.webhook_attempts").await == IN_FLIGHT
    })
    .await;
    let most = memory_kib(&dispatcher, "VmHWM:").unwrap();
    assert!(most < before + HELD_MAX_KIB, "{before} KiB before, {most} KiB at most");
    let kept = world.count("SELECT max(length(response_body))::bigint FROM posthorn.webhook_attempts").await;
    assert!(kept > 0 && kept <= 4 * 1024, "{kept} characters of a body without end");
    aftermath.holds(&world).await;
    assert!(dispatcher.is_running());
}

#[tokio::test]
async fn out_of_file_descriptors_it_waits_and_delivers_everything_later() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let (gate, is_open) = tokio::sync::watch::channel(false);
    // no idle connection is to hold a descriptor at the end
    let receiver = Receiver::start(move |_, _| Answer::status(200).header("connection", "close").once(&is_open));
    let subscription = world.subscribe(tenant, &receiver.url("/hook"), &["*"]).await;
    world.change(subscription, "max_in_flight = 60, retry_schedule = '{0,1,1,1,1,1,1,1,1,1,1,1,1,1,1}'").await;
    let url = world.url();
    let long = [("WEBHOOK_TIMEOUT_SECONDS", "60"), ("POSTHORN_CIRCUIT_FAILURES", "5")];
    let dispatcher = dispatch_limited(url.expose_secret(), "--nofile=36", &long).await;
    let aftermath = Aftermath::before(&[&dispatcher]);
    world.publish_many(tenant, "invoice.paid", 60).await;
    world.until("SELECT EXISTS (SELECT FROM posthorn.webhook_attempts WHERE error_kind = 'internal_error')").await;
    gate.send(true).unwrap();
    world.until_status("delivered", 60).await;
    aftermath.holds(&world).await;
    assert_eq!(receiver.requests().len(), 60);
    // it was our want and not the receiver's fault
    let kinds = "SELECT count(*) FROM posthorn.webhook_attempts WHERE error_kind NOT IN ('internal_error')";
    assert_eq!(world.count(kinds).await, 0);
    assert_eq!(metric_of(&dispatcher, "posthorn_circuit_changes_total").await, Some(0.0));
}

#[tokio::test]
async fn without_a_file_descriptor_for_callers_it_waits_without_burning_the_cpu() {
    let world = World::new().await;
    let url = world.url();
    let dispatcher = dispatch_limited(url.expose_secret(), "--nofile=40", &[]).await;
    let aftermath = Aftermath::before(&[&dispatcher]);
    let ready = dispatcher.wait_for_line("posthorn is ready on http://", SOON).await;
    let address = ready.rsplit_once("http://").unwrap().1;
    let mut callers = Vec::new();
    for _ in 0..60 {
        callers.push(TcpStream::connect(address).await.unwrap());
    }
    dispatcher.wait_for_line("connections cannot be taken", SOON).await;
    let (cpu, started) = (cpu_time(&dispatcher), std::time::Instant::now());
    let two_seconds = "SELECT clock_timestamp() > (SELECT backend_start + interval '2 s' FROM pg_stat_activity
                       WHERE pid = pg_backend_pid())";
    let clock = world.client().await;
    eventually("two seconds", SOON, async || clock.query_one(two_seconds, &[]).await.unwrap().get(0)).await;
    let used = cpu_time(&dispatcher) - cpu;
    assert!(used < started.elapsed() / 4, "{used:?} of CPU in {:?} of doing nothing", started.elapsed());
    drop(callers);
    aftermath.holds(&world).await; // the page of metrics answers again
}

/// CPU time that a process has used, of all its threads.
fn cpu_time(binary: &Binary) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{}/stat", binary.pid())).unwrap();
    let after_name = stat.rsplit_once(") ").unwrap().1;
    let ticks: u64 = after_name.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10) // Linux tells it in hundredths of a second on every machine
}

#[tokio::test]
async fn a_log_that_nobody_reads_holds_up_no_delivery() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(200));
    world.subscribe(tenant, &receiver.url("/hook"), &["*"]).await;
    let url = world.url();
    // a few hundred lines fill the pipe
    let loud = [("RUST_LOG", "debug")];
    let dispatcher = Binary::start_unread(&DISPATCHER, &dispatcher_env(url.expose_secret(), &loud));
    dispatcher.wait_for_line("posthorn is ready", SOON).await;
    let aftermath = Aftermath::before(&[&dispatcher]);
    world.publish_many(tenant, "invoice.paid", 3000).await;
    world.until_status("delivered", 3000).await;
    for n in 0..2000 {
        world.publish(tenant, "invoice.paid", json!({"n": n})).await;
    }
    world.until_status("delivered", 5000).await;
    aftermath.holds(&world).await;
    // lost lines are counted, not kept
    assert!(metric_of(&dispatcher, "posthorn_lost_log_lines_total").await > Some(0.0));
    dispatcher.signal(Signal::TERM);
    assert_eq!(dispatcher.wait_exit(SOON).await.code(), Some(0));
}
