//! Connections that die, say nothing any more, or lead to a server that only reads.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use posthorn::store::{Store, StoreRole, dispatchers};
use secrecy::ExposeSecret;
use serde_json::json;

use super::{end_sessions, login, scene};
use crate::harness::{Aftermath, Proxy, SOON, Serving, Weather, World, dispatch_binary, eventually, server};

/// The world's database by way of a proxy.
async fn by_proxy(world: &World) -> (Proxy, String) {
    let proxy = Proxy::start(SocketAddr::from(([127, 0, 0, 1], server().port()))).await;
    let url = proxy.by_way_of(world.url().expose_secret(), server().port());
    (proxy, url)
}

#[tokio::test]
async fn the_next_calls_after_all_backends_were_ended_succeed() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    for _ in 0..3 {
        let warm = (0..8).map(|_| api.get("/subscriptions"));
        futures_util::future::join_all(warm).await.iter().for_each(|reply| drop(reply.ok(200)));
        end_sessions(&serving.world).await;
        for _ in 0..20 {
            api.get("/subscriptions").await.ok(200);
        }
    }
}

#[tokio::test]
async fn an_answer_that_never_comes_is_not_waited_for_and_the_connection_is_not_used_again() {
    let world = World::new().await;
    let (proxy, url) = by_proxy(&world).await;
    for (role, within) in [(StoreRole::Dispatcher, 8), (StoreRole::Api, 15)] {
        let store =
            Store::new(&url.clone().into(), role, 1, 262_144).unwrap().with_patience(Duration::from_millis(300));
        let ask = async || match role {
            StoreRole::Dispatcher => dispatchers::any_of(&store, &[]).await.map(drop),
            _ => posthorn::store::session::privileges(&store).await.map(drop),
        };
        ask().await.unwrap();
        let before = proxy.open();
        proxy.set(Weather::BlackHole);
        let asked = Instant::now();
        let refused = ask().await.unwrap_err();
        assert!(refused.is_unavailable(), "{refused:?}");
        assert!(asked.elapsed() < Duration::from_secs(within), "{:?}", asked.elapsed());
        proxy.set(Weather::Fair);
        ask().await.unwrap();
        eventually("the dead connection is closed", SOON, async || proxy.open() <= before).await;
        store.close();
    }
}

#[tokio::test]
async fn cut_in_the_middle_of_answers_a_dispatcher_delivers_everything() {
    let (world, tenant, receiver) = scene().await;
    let (proxy, url) = by_proxy(&world).await;
    let dispatcher = dispatch_binary(&url, &[("WEBHOOK_TIMEOUT_SECONDS", "2")]).await;
    let aftermath = Aftermath::before(&[&dispatcher]);
    for (n, strike) in [Proxy::reset, Proxy::close, Proxy::half_close].into_iter().enumerate() {
        world.publish_many(tenant, "invoice.paid", 100).await;
        receiver.wait_for(100 * n + 20, SOON).await;
        strike(&proxy);
    }
    proxy.set(Weather::CutAfter(20_000));
    world.publish_many(tenant, "invoice.paid", 100).await;
    dispatcher.wait_for_line("trying again", SOON).await;
    proxy.set(Weather::Fair);
    // what was leased by an answer that did not arrive
    eventually("all is delivered", 3 * SOON, async || {
        world.expire_leases().await;
        world.count("SELECT count(*) FROM posthorn.webhook_deliveries WHERE status = 'delivered'").await == 400
    })
    .await;
    assert!(!dispatcher.lines().iter().any(|line| line.contains("panicked")));
    aftermath.holds(&world).await;
}

#[tokio::test]
async fn a_server_that_only_reads_is_left_for_one_that_writes() {
    let (world, tenant, receiver) = scene().await;
    let url = login(&world, "").await;
    let serving = Serving::against(world, &url, &[]).await;
    let world = &serving.world;
    let (_, api) = serving.tenant("b").await;
    let read_only = async |value: &str| {
        let sql = format!("ALTER DATABASE {} SET default_transaction_read_only = {value}", world.database());
        world.db.batch_execute(&sql).await.unwrap();
    };
    read_only("on").await;
    end_sessions(world).await;
    let refused = api.post("/event-types", &json!({"name": "a.b"})).await;
    refused.problem(503, "unavailable");
    assert!(refused.headers.contains_key("retry-after"));
    serving.binary.wait_for_line("read-only transaction", SOON).await;
    // it is another server from now on, as behind a name that moved: connections of before are still to the old one
    read_only("off").await;
    world.publish(tenant, "invoice.paid", json!({})).await;
    receiver.wait_for(1, SOON).await;
    eventually("it is written", SOON, async || api.post("/event-types", &json!({"name": "a.b"})).await.status == 201)
        .await;
}
