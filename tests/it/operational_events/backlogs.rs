//! Backlogs: one event when one gets high, one when it is cleared, whoever looks and however often.

use serde_json::json;
use tokio::time::timeout;
use tokio_postgres::Client;
use uuid::Uuid;

use super::{NOWHERE, make_operator, names, told};
use crate::harness::{Answer, Receiver, SOON, World};

/// A tenant with a delivery that waits, due for so many seconds.
async fn waiting(world: &World, seconds: u32) -> Uuid {
    let tenant = world.tenant("a").await;
    world.subscribe(tenant, NOWHERE, &["*"]).await;
    world.publish(tenant, "invoice.created", json!({})).await;
    due_for(world, tenant, seconds).await;
    tenant
}

async fn due_for(world: &World, tenant: Uuid, seconds: u32) {
    let sql = "UPDATE posthorn.webhook_deliveries SET due_at = now() - make_interval(secs => $2) WHERE tenant_id = $1 AND status = 'pending'";
    world.db.execute(sql, &[&tenant, &f64::from(seconds)]).await.unwrap();
}

/// Looks as a dispatcher does for which a minute is too long.
async fn look(client: &Client) -> i32 {
    client.query_one("SELECT posthorn.tell_of_backlogs(60)", &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn each_crossing_is_one_event_however_many_dispatchers_look() {
    let world = World::new().await;
    let tenant = waiting(&world, 59).await;
    world.subscribe(tenant, NOWHERE, &["posthorn.backlog.*"]).await;
    let (one, two) = (world.client_as("posthorn_dispatcher").await, world.client_as("posthorn_dispatcher").await);
    assert_eq!(look(&one).await, 0);
    due_for(&world, tenant, 61).await;
    one.batch_execute("BEGIN").await.unwrap();
    assert_eq!(look(&one).await, 1);
    assert_eq!(timeout(SOON, look(&two)).await.unwrap(), 0, "it does not wait for who is about to tell of it");
    one.batch_execute("COMMIT").await.unwrap();
    for client in [&one, &two] {
        assert_eq!(look(client).await, 0, "it is high still");
    }
    let (event, payload) = told(&world, tenant).await.pop().unwrap();
    assert_eq!((event.as_str(), &payload["threshold_seconds"]), ("posthorn.backlog.high", &json!(60)));
    assert!((61..70).contains(&payload["oldest_seconds"].as_i64().unwrap()), "{payload}");
    assert_eq!((&payload["host"], &payload["tenant_id"]), (&json!("receiver.example:8443"), &json!(tenant)));

    due_for(&world, tenant, 40).await;
    assert_eq!(look(&one).await, 0, "about the threshold it does not go to and fro");
    due_for(&world, tenant, 10).await;
    assert_eq!((look(&one).await, look(&two).await), (1, 0));
    due_for(&world, tenant, 100).await;
    assert_eq!(look(&two).await, 1);
    assert_eq!(names(&world, tenant).await, ["high", "cleared", "high"].map(|name| format!("posthorn.backlog.{name}")));
}

#[tokio::test]
async fn what_waits_of_operational_events_is_no_backlog() {
    let world = World::new().await;
    let tenant = waiting(&world, 61).await;
    world.subscribe(tenant, NOWHERE, &["posthorn.*"]).await;
    assert_eq!(look(&world.db).await, 1);
    let sent = "UPDATE posthorn.webhook_deliveries SET status = 'delivered', finished_at = now() WHERE event = 'invoice.created'";
    assert_eq!(world.db.execute(sent, &[]).await.unwrap(), 1);
    due_for(&world, tenant, 1000).await;
    assert_eq!(look(&world.db).await, 1, "the event of the high backlog waits, and it is cleared");
    assert_eq!(look(&world.db).await, 0, "and so for ever it would go on");
}

#[tokio::test]
async fn only_backlogs_that_someone_hears_of_are_looked_for() {
    let world = World::new().await;
    let (tenant, other) = (waiting(&world, 61).await, waiting(&world, 61).await);
    assert_eq!(look(&world.db).await, 0);
    world.subscribe(other, NOWHERE, &["posthorn.backlog.high"]).await;
    assert_eq!(look(&world.db).await, 1);
    let operator = world.tenant("operator").await;
    world.subscribe(operator, NOWHERE, &["posthorn.backlog.high"]).await;
    assert_eq!(look(&world.db).await, 0);
    make_operator(&world, operator).await;
    assert_eq!(look(&world.db).await, 1, "the one that nobody heard of before");
    assert_eq!((names(&world, tenant).await.len(), names(&world, other).await.len()), (0, 1));
    let (_, payload) = told(&world, operator).await.pop().unwrap();
    assert_eq!(payload["tenant_id"], json!(tenant));
    assert_eq!(world.count("SELECT posthorn.tell_of_backlogs(0)::bigint").await, 0, "0 is never");
}

#[tokio::test]
async fn two_dispatchers_send_one_webhook_of_it() {
    let world = World::new().await;
    let receiver = Receiver::start(|_, _| Answer::status(204));
    let tenant = waiting(&world, 3600).await;
    // its receiver is down
    let open = "INSERT INTO posthorn.circuits (subscription_id, tenant_id, state, retry_at)
                SELECT id, tenant_id, 'open', now() + interval '1 hour' FROM posthorn.webhook_subscriptions";
    world.db.execute(open, &[]).await.unwrap();
    world.subscribe(tenant, &receiver.url("/ops"), &["posthorn.backlog.*"]).await;
    let flags = ["--backlog-high-seconds=60"];
    let (one, two) = (world.dispatch(&flags).await, world.dispatch(&flags).await);
    let came = receiver.wait_for(1, SOON).await;
    assert_eq!(came[0].headers["x-event"], "posthorn.backlog.high");
    world.until("SELECT count(*) = 2 FROM posthorn.dispatchers WHERE stopped_at IS NULL").await;
    one.stop().await;
    two.stop().await;
    assert_eq!((names(&world, tenant).await.len(), receiver.requests().len()), (1, 1));
}
