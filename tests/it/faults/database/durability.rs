//! What a crash of the server may take with it: nothing, unless the server was told not to keep what it acknowledges.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use posthorn::cli::dev::cluster::ClusterOptions;
use rustix::process::{Pid, Signal, kill_process};
use uuid::Uuid;

use super::failover::{cluster, folder, options};
use super::{login, scene};
use crate::crash::{Ledger, keep_publishing};
use crate::harness::{Aftermath, Answer, Receiver, SOON, connect, dispatch_binary, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn the_kill_of_one_backend_which_ends_them_all_loses_nothing() {
    let folder = folder();
    let receiver = Receiver::start(|_, _| Answer::status(200));
    let (cluster, _, tenant) = cluster(options(&folder, "pg"), &receiver).await;
    let url = cluster.url("postgres");
    let dispatcher = dispatch_binary(&url, &[("WEBHOOK_TIMEOUT_SECONDS", "2")]).await;
    let aftermath = Aftermath::before(&[&dispatcher]);
    let stop = Arc::new(AtomicBool::new(false));
    let producers = [0, 1].map(|_| tokio::spawn(keep_publishing(url.clone(), tenant, stop.clone())));
    // a backend of the dispatcher's, one of whoever is listening, one of a producer's
    for victim in [
        "query LIKE '-- queue/%'",
        "query LIKE '-- queue/close_gate%' OR query LIKE 'LISTEN%'",
        "application_name = ''",
    ] {
        let before = receiver.requests().len();
        receiver.wait_for(before + 50, 3 * SOON).await;
        let client = connect(&url).await;
        let sql = format!(
            "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend' AND ({victim})"
        );
        if let Some(row) = client.query_opt(&format!("{sql} LIMIT 1"), &[]).await.unwrap() {
            kill_process(Pid::from_raw(row.get(0)).unwrap(), Signal::KILL).unwrap();
            eventually("the server has ended every session", SOON, async || client.is_closed()).await;
        }
        eventually("it is back", SOON, async || tokio_postgres::connect(&url, tokio_postgres::NoTls).await.is_ok())
            .await;
    }
    let before = receiver.requests().len();
    receiver.wait_for(before + 50, 3 * SOON).await;
    stop.store(true, Ordering::Relaxed);
    let mut ledger = Ledger::default();
    for producer in producers {
        ledger.add(producer.await.unwrap());
    }
    let client = connect(&url).await;
    let finished = "SELECT NOT EXISTS (SELECT FROM posthorn.webhook_deliveries_live)";
    eventually("all is delivered", 3 * SOON, async || client.query_one(finished, &[]).await.unwrap().get(0)).await;
    assert!(!dispatcher.lines().iter().any(|line| line.contains("panicked")));

    let mut received: HashMap<Uuid, i64> = HashMap::new();
    for request in receiver.requests() {
        *received.entry(request.headers["webhook-id"].to_str().unwrap().parse().unwrap()).or_default() += 1;
    }
    assert!(ledger.committed.len() > 100 && ledger.rolled_back.len() > 20, "too little happened");
    assert!(ledger.committed.iter().all(|id| received.contains_key(id)), "something is lost");
    assert!(!ledger.rolled_back.iter().any(|id| received.contains_key(id)), "something was never committed");
    let told = "SELECT count(*) FROM posthorn.webhook_attempts a WHERE a.error_kind IS DISTINCT FROM 'lease_expired'";
    let told: i64 = client.query_one(told, &[]).await.unwrap().get(0);
    assert_eq!(told, received.values().sum::<i64>(), "a result was forgotten, or an attempt invented");
    aftermath.holds_in(&client, &[]).await;
}

/// What a dispatcher says about commits that a crash would undo.
const WARNING: &str = "a crash of the database can lose committed events";

#[tokio::test]
async fn a_database_that_does_not_wait_for_its_disk_is_warned_of_at_the_start() {
    let (world, _, _) = scene().await;
    let url = login(&world, "").await;
    let durable = dispatch_binary(&url, &[]).await;
    assert!(!durable.lines().iter().any(|line| line.contains(WARNING)), "{:#?}", durable.lines());
    let off = format!("ALTER DATABASE {} SET synchronous_commit = off", world.database());
    world.db.batch_execute(&off).await.unwrap();
    dispatch_binary(&url, &[]).await.wait_for_line(WARNING, SOON).await;

    let folder = folder();
    let receiver = Receiver::start(|_, _| Answer::status(200));
    let settings = vec![("fsync".to_owned(), "off".to_owned())];
    let (cluster, _, _) = cluster(ClusterOptions { settings, ..options(&folder, "pg") }, &receiver).await;
    dispatch_binary(&cluster.url("postgres"), &[]).await.wait_for_line(WARNING, SOON).await;
}
