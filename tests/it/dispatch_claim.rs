//! Who gets which delivery and when: each once, fairly, within the limits, and not before its time.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use posthorn::store::queue::{self, ClaimRequest};
use posthorn::store::{StoreRole, instance};
use serde_json::json;
use uuid::Uuid;

use crate::harness::{Answer, Binary, Receiver, SOON, World, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn four_processes_share_the_work_and_send_nothing_twice() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(200).after(Duration::from_millis(10)));
    for n in 0..5 {
        let subscription = world.subscribe(tenant, &receiver.url(&format!("/{n}")), &["*"]).await;
        if n == 0 {
            world.change(subscription, "max_in_flight = 3").await;
        }
    }
    let start = || world.dispatch_binary(&[("POSTHORN_CONCURRENCY", "8"), ("RUST_LOG", "warn")]);
    let processes: [Binary; 4] = tokio::join!(start(), start(), start(), start()).into();
    world.publish_many(tenant, "invoice.paid", 400).await;
    let all = "SELECT count(*) FROM posthorn.webhook_deliveries WHERE status = 'delivered'";
    eventually("all are delivered", 3 * SOON, async || world.count(all).await == 2000).await;

    let requests = receiver.requests();
    let different: HashSet<_> = requests.iter().map(|r| (&r.path, &r.headers["webhook-id"])).collect();
    assert_eq!((requests.len(), different.len()), (2000, 2000));
    assert_eq!(
        world.count("SELECT count(*) FROM posthorn.webhook_attempts WHERE number = 1 AND epoch = 1").await,
        2000
    );
    assert_eq!(world.count("SELECT count(*) FROM posthorn.webhook_attempts").await, 2000);
    let busy = "SELECT count(DISTINCT dispatcher_id) FROM posthorn.webhook_attempts";
    assert_eq!(world.count(busy).await, 4, "every process had its part");
    assert!(receiver.most_at_once("") <= 4 * 8, "{} at once", receiver.most_at_once(""));
    assert!(receiver.most_at_once("/0") <= 4 * 3, "{} at once", receiver.most_at_once("/0"));
    drop(processes);
}

#[tokio::test]
async fn no_more_is_in_flight_than_the_process_and_each_subscription_allow() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(200).after(Duration::from_millis(20)));
    let limited = world.subscribe(tenant, &receiver.url("/limited"), &["*"]).await;
    world.change(limited, "max_in_flight = 2").await;
    world.subscribe(tenant, &receiver.url("/unset"), &["*"]).await;
    let greedy = world.subscribe(tenant, &receiver.url("/greedy"), &["*"]).await;
    world.change(greedy, "max_in_flight = 100").await;
    world.publish_many(tenant, "invoice.paid", 40).await;
    let _dispatcher = world.dispatch(&["--concurrency=24"]).await;
    world.until_status("delivered", 120).await;
    assert_eq!(receiver.most_at_once("/limited"), 2);
    assert_eq!(receiver.most_at_once("/unset"), 3, "an eighth of all, where a subscription sets no limit");
    assert_eq!(receiver.most_at_once(""), 18, "three quarters of all, where a tenant sets no limit");
}

#[tokio::test]
async fn a_slot_that_becomes_free_during_a_claim_is_used_before_the_next_poll() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    // answers come at every moment of a claim's round trip
    let receiver = Receiver::start(|_, nth| Answer::status(200).after(Duration::from_millis(1 + nth as u64 % 6)));
    let subscription = world.subscribe(tenant, &receiver.url("/"), &["*"]).await;
    world.change(subscription, "max_in_flight = 4").await;
    world.publish_many(tenant, "invoice.paid", 300).await;
    let _dispatcher = world.dispatch(&["--poll-seconds=60"]).await;
    world.until_status("delivered", 300).await;
}

/// A claimer that comes while another claims must say so: "nothing is due" would send it to sleep over a backlog.
#[tokio::test(flavor = "multi_thread")]
async fn whose_turn_it_was_to_claim_is_asked_once() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    world.subscribe(tenant, "https://example.com/", &["*"]).await;
    world.publish_many(tenant, "invoice.paid", 4000).await;
    let claim_again_and_again = || async {
        let (store, busy) = (world.store(StoreRole::Dispatcher), HashMap::new());
        instance::settle(&store).await.unwrap();
        let request = ClaimRequest {
            room: 1,
            share: 1,
            dispatcher_id: Uuid::now_v7(),
            lease_margin: Duration::from_secs(600),
            default_timeout: Duration::from_secs(10),
            default_cap: 10,
            default_tenant_cap: 10,
            busy_subscriptions: &busy,
            busy_tenants: &busy,
        };
        for _ in 0..1500 {
            let claim = queue::claim(&store, &request).await.unwrap().expect("no copy");
            assert_eq!(claim.is_claimer, !claim.deliveries.is_empty(), "{claim:?}");
        }
    };
    tokio::join!(claim_again_and_again(), claim_again_and_again());
}

#[tokio::test]
async fn a_receiver_that_hangs_holds_up_nobody_else() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = Receiver::start(|path, _| {
        Answer::status(200).after(Duration::from_secs(if path == "/hung" { 3600 } else { 0 }))
    });
    world.subscribe(tenant, &receiver.url("/hung"), &["order.*"]).await;
    world.subscribe(tenant, &receiver.url("/well"), &["invoice.*"]).await;
    world.publish_many(tenant, "order.paid", 100).await;
    let _dispatcher = world.dispatch(&["--concurrency=16", "--timeout-seconds=300"]).await;
    receiver.wait_for(2, SOON).await;
    // whatever is in flight to the one that hangs stays there until long after the test
    world.publish_many(tenant, "invoice.paid", 100).await;
    world.until_status("delivered", 100).await;
    assert_eq!(receiver.most_at_once("/hung"), 2);
}

#[tokio::test]
async fn what_waits_for_an_inactive_subscription_goes_out_when_it_is_activated() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(200));
    let paused = world.subscribe(tenant, &receiver.url("/paused"), &["invoice.*"]).await;
    world.subscribe(tenant, &receiver.url("/other"), &["order.*"]).await;
    world.publish_many(tenant, "invoice.paid", 3).await;
    world.change(paused, "status = 'inactive'").await;
    let _dispatcher = world.dispatch(&[]).await;
    world.publish_many(tenant, "order.paid", 1).await;
    world.until_status("delivered", 1).await;
    assert!(receiver.requests().iter().all(|request| request.path == "/other"));
    assert_eq!(world.count("SELECT count(*) FROM posthorn.webhook_deliveries WHERE status = 'pending'").await, 3);
    world.change(paused, "status = 'active'").await;
    world.until_status("delivered", 4).await;
}

#[tokio::test]
async fn nothing_is_sent_before_its_time() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(200));
    world.subscribe(tenant, &receiver.url("/hook"), &["*"]).await;
    let _dispatcher = world.dispatch(&[]).await;
    let sql = "SELECT posthorn.publish($1, 'invoice.due', '{}', deliver_after => now() + make_interval(secs => $2))";
    for seconds in [3600.0_f64, 1.0] {
        world.db.query(sql, &[&tenant, &seconds]).await.unwrap();
    }
    world.publish(tenant, "invoice.paid", json!({})).await;
    world.until_status("delivered", 2).await;
    let in_time = "SELECT count(*) FROM posthorn.webhook_attempts a JOIN posthorn.webhook_deliveries d ON d.id = a.delivery_id
                   JOIN posthorn.outbox o ON o.id = d.event_id WHERE a.started_at >= coalesce(o.deliver_after, o.created_at)";
    assert_eq!(world.count(in_time).await, 2);
    assert_eq!(receiver.requests().len(), 2);
    world.pass_time(7200.0).await;
    world.until_status("delivered", 3).await;
}

#[tokio::test]
async fn what_was_leased_is_given_back_when_its_subscription_cannot_be_read() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(200));
    world.subscribe(tenant, &receiver.url("/hook"), &["*"]).await;
    // a claim needs no secrets, sending does
    let without_secrets = "DO $$ BEGIN
        EXECUTE 'REVOKE SELECT ON posthorn.webhook_subscriptions FROM posthorn_dispatcher';
        EXECUTE (SELECT format('GRANT SELECT (%s) ON posthorn.webhook_subscriptions TO posthorn_dispatcher', string_agg(attname, ', '))
            FROM pg_attribute WHERE attrelid = 'posthorn.webhook_subscriptions'::regclass AND attnum > 0 AND NOT attisdropped
                AND attname <> 'sealed_client_key');
    END $$";
    world.db.batch_execute(without_secrets).await.unwrap();
    world.publish_many(tenant, "invoice.paid", 3).await;
    let _dispatcher = world.dispatch(&[]).await;
    // a lease lasts 15 s: four of them in this time are there only if each was given back at once
    world.until("SELECT min(epoch) >= 4 FROM posthorn.webhook_deliveries WHERE status IN ('pending', 'sending')").await;
    let counted = "SELECT count(*) FROM posthorn.webhook_deliveries WHERE attempts > 1";
    assert_eq!((world.count(counted).await, receiver.requests().len()), (0, 0));
    world.db.batch_execute("GRANT SELECT ON posthorn.webhook_subscriptions TO posthorn_dispatcher").await.unwrap();
    world.until_status("delivered", 3).await;
    assert_eq!(world.count("SELECT count(*) FROM posthorn.webhook_attempts WHERE number = 1").await, 3);
    assert_eq!(receiver.requests().len(), 3);
}
