//! Three dispatchers, failing answers, cancellations and replays at once: order holds, and no line stands still.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

use super::{cancel, ordered_subscription, publish, replay};
use crate::harness::{Answer, Binary, Receiver, SOON, World, eventually};

const KEYS: u64 = 10;

/// The n-th of a sequence that is the same in every run (splitmix64).
fn chance(n: u64) -> u64 {
    let mut z = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn answer(nth: usize) -> Answer {
    let draw = chance(nth as u64) % 100;
    let status = match draw {
        0..15 => 503,
        15..18 => 400,
        _ => 200,
    };
    Answer::status(status).after(Duration::from_millis(draw % 7))
}

/// Cancels and replays at random; answers with what it replayed. About half of the events it never touches: those whose id
/// ends in 8 to f, so that there is an order to look at however slow the dispatchers are.
async fn meddle(world: &World, tenant: Uuid, seed: u64) -> HashSet<Uuid> {
    let client = world.client_of(tenant).await;
    let mut replayed = HashSet::new();
    for n in 0..150 {
        let is_replay = chance(seed + n).is_multiple_of(3);
        let wanted = if is_replay { "('delivered', 'failed', 'cancelled')" } else { "('pending', 'retrying')" };
        let sql = format!(
            "SELECT event_id FROM posthorn.webhook_deliveries
             WHERE status IN {wanted} AND event_id::text ~ '[0-7]$' ORDER BY id"
        );
        let events = client.query(&sql, &[]).await.unwrap();
        if events.is_empty() {
            tokio::task::yield_now().await;
            continue;
        }
        let event: Uuid = events[(chance(seed + n) / 3) as usize % events.len()].get(0);
        // a dispatcher may be moving it at this moment: then it is left alone
        if is_replay {
            if replay(&client, event).await.is_ok_and(|rows| rows > 0) {
                replayed.insert(event);
            }
        } else {
            let _ = cancel(&client, event).await;
        }
    }
    replayed
}

#[tokio::test(flavor = "multi_thread")]
async fn order_holds_through_failures_cancellations_and_replays_and_no_line_stands_still() {
    let receiver = Receiver::start(|_, nth| answer(nth));
    let (world, tenant, subscription) = ordered_subscription(&receiver.url("/hook")).await;
    world.change(subscription, "retry_schedule = '{0, 0, 0, 0, 0, 0, 0, 0}', circuit_failures = 0").await;
    let env = [("POSTHORN_CONCURRENCY", "8"), ("POSTHORN_POLL_SECONDS", "60"), ("RUST_LOG", "warn")];
    let start = || world.dispatch_binary(&env);
    let processes: [Binary; 3] = tokio::join!(start(), start(), start()).into();
    let publish_some = async |seed: u64| {
        let client = world.client().await;
        for n in 0..150 {
            publish(&client, tenant, &format!("k{}", chance(seed + n) % KEYS), 0).await;
        }
    };
    let meddling = async { meddle(&world, tenant, 1_000_000).await };
    let ((), (), replayed, more) =
        tokio::join!(publish_some(2_000_000), publish_some(3_000_000), meddling, meddle(&world, tenant, 4_000_000));
    let replayed: HashSet<Uuid> = replayed.into_iter().chain(more).collect();
    let waiting = "SELECT count(*) FROM posthorn.webhook_deliveries_live";
    eventually("every line comes to its end without a poll", 2 * SOON, async || world.count(waiting).await == 0).await;

    for key in 0..KEYS {
        assert_eq!(receiver.most_at_once(&format!("order.k{key}")), 1, "key {key}");
    }
    let sql = "SELECT event_id, ordering_number FROM posthorn.webhook_deliveries";
    let rows = world.db.query(sql, &[]).await.unwrap();
    let places: HashMap<Uuid, i64> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(places.len(), 300);
    let mut last: HashMap<String, i64> = HashMap::new();
    let mut checked = 0;
    for request in receiver.requests() {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let event: Uuid = body["id"].as_str().unwrap().parse().unwrap();
        if replayed.contains(&event) {
            continue; // it goes before those that wait, whoever went before
        }
        let last = last.entry(body["event"].as_str().unwrap().to_owned()).or_default();
        assert!(places[&event] >= *last, "{event} came after one behind it");
        *last = places[&event];
        checked += 1;
    }
    assert!(checked > 100, "only {checked} requests of events that were not replayed");
    drop(processes);
}
