//! A process whose threads do nothing for a while: every worker of its runtime is blocked.

use serde_json::json;

use crate::harness::{Aftermath, Answer, Receiver, World};

#[tokio::test]
async fn starved_past_its_leases_a_dispatcher_sends_nothing_twice() {
    const WORKERS: i64 = 2;
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(200));
    world.subscribe(tenant, &receiver.url("/hook"), &["*"]).await;
    // a call that blocks the thread it is made on, on every thread, until the leases of 1 s and 5 s more have run out and the
    // other has long taken over
    let blocked = [
        ("FAILPOINTS", "before_connect@work.blocks=sleep(12000)"),
        ("WEBHOOK_TIMEOUT_SECONDS", "1"),
        ("TOKIO_WORKER_THREADS", "2"),
    ];
    let starved = world.dispatch_binary(&blocked).await;
    let aftermath = Aftermath::before(&[&starved]);
    for _ in 0..WORKERS {
        world.publish(tenant, "work.blocks", json!({})).await;
    }
    world.until_status("sending", WORKERS).await;
    // its leases are not kept up by anyone: they run out, and another dispatcher takes over
    let other = world.dispatch_binary(&[]).await;
    world.until_status("delivered", WORKERS).await;
    aftermath.holds_beside(&world, &[&other]).await;
    assert_eq!(receiver.requests().len(), 2);
    let taken_over = "SELECT count(*) FROM posthorn.webhook_attempts WHERE error_kind = 'lease_expired'";
    assert_eq!(world.count(taken_over).await, WORKERS, "it woke before the other had taken over, which proves nothing");
    assert_eq!(world.count("SELECT count(*) FROM posthorn.webhook_attempts WHERE status_code = 200").await, WORKERS);
    // and it is well again
    other.kill().await;
    world.publish(tenant, "invoice.paid", json!({})).await;
    world.until_status("delivered", WORKERS + 1).await;
    assert!(starved.is_running());
}
