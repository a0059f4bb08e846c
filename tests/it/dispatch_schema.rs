//! Strict event types by SQL: what does not fit is stored and its deliveries fail, visibly and without a request (issue item 8).

use posthorn::store::StoreRole;
use posthorn::store::fanout;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Answer, Receiver, SOON, World};

const SCHEMA: &str = r#"{"required": ["id"], "properties": {"amount": {"type": "string"}}}"#;

/// A tenant with a subscription to everything, and invoice.paid strict.
async fn strict_world(receiver: &Receiver) -> (World, Uuid) {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    world.subscribe(tenant, &receiver.url("/in"), &["*"]).await;
    add_type(&world, tenant, "invoice.paid", SCHEMA, true).await;
    (world, tenant)
}

async fn add_type(world: &World, tenant: Uuid, name: &str, schema: &str, is_strict: bool) {
    let sql = "INSERT INTO posthorn.event_types (tenant_id, name, group_name, json_schema, is_strict)
               VALUES ($1, $2, 'Own', $3::text::json, $4)";
    world.db.execute(sql, &[&tenant, &name, &schema, &is_strict]).await.unwrap();
}

async fn last_error(world: &World, event: Uuid) -> String {
    let sql = "SELECT last_error FROM posthorn.webhook_deliveries WHERE event_id = $1";
    world.db.query_one(sql, &[&event]).await.unwrap().get(0)
}

async fn fanout_of(world: &World, tenant: Uuid, event: Uuid) -> (String, Option<String>) {
    let sql = "SELECT fanout, fanout_reason FROM posthorn.events WHERE id = $1";
    let row = world.client_of(tenant).await.query_one(sql, &[&event]).await.unwrap();
    (row.get(0), row.get(1))
}

async fn retry(world: &World, tenant: Uuid, event: Uuid) {
    let sql =
        "UPDATE posthorn.webhook_deliveries SET status = 'pending', generation = generation + 1, epoch = epoch + 1,
               attempts = 0, due_at = now(), finished_at = NULL WHERE event_id = $1";
    assert_eq!(world.client_of(tenant).await.execute(sql, &[&event]).await.unwrap(), 1);
    world.wake().await;
}

#[tokio::test]
async fn what_does_not_fit_fails_without_a_request() {
    let receiver = Receiver::start(|_, _| Answer::status(204));
    let (world, tenant) = strict_world(&receiver).await;
    let dispatcher = world.dispatch(&[]).await;
    let bad = world.publish(tenant, "invoice.paid", json!({"amount": 4711})).await;
    let good = world.publish(tenant, "invoice.paid", json!({"id": 1, "amount": "1.00"})).await;
    let free = world.publish(tenant, "invoice.created", json!({"amount": 4711})).await;
    world.until_status("delivered", 2).await;
    world.until_status("failed", 1).await;

    let delivery = world.delivery(bad).await;
    assert_eq!((delivery.attempts, delivery.last_error_kind.as_deref()), (0, Some("schema_mismatch")));
    let error = last_error(&world, bad).await;
    assert!(error.contains("invoice.paid") && error.contains("/amount") && !error.contains("4711"), "{error}");
    assert!(world.attempts(delivery.id).await.is_empty());
    let (fanout, reason) = fanout_of(&world, tenant, bad).await;
    assert_eq!((fanout.as_str(), reason), ("refused", Some(error)));
    assert_eq!(fanout_of(&world, tenant, good).await.0, "done");
    let arrived = receiver.wait_for(2, SOON).await;
    let mut ids: Vec<&str> = arrived.iter().map(|r| r.headers["webhook-id"].to_str().unwrap()).collect();
    let mut want = [good.to_string(), free.to_string()];
    ids.sort_unstable();
    want.sort_unstable();
    assert_eq!(ids, want);
    dispatcher.stop().await;
}

#[tokio::test]
async fn a_retry_is_checked_again_against_the_schema_as_it_is_then() {
    let receiver = Receiver::start(|_, _| Answer::status(204));
    let (world, tenant) = strict_world(&receiver).await;
    let dispatcher = world.dispatch(&[]).await;
    let event = world.publish(tenant, "invoice.paid", json!({"amount": 1})).await;
    world.until_status("failed", 1).await;
    retry(&world, tenant, event).await;
    world
        .until("SELECT count(*) = 1 FROM posthorn.webhook_deliveries WHERE generation = 1 AND status = 'failed'")
        .await;
    let delivery = world.delivery(event).await;
    assert_eq!(delivery.last_error_kind.as_deref(), Some("schema_mismatch"));
    assert_eq!(world.attempts(delivery.id).await.len(), 1, "this time there is an attempt, of no time");
    assert!(receiver.requests().is_empty());

    let mended = r#"UPDATE posthorn.event_types SET json_schema = '{"properties": {"amount": {"type": "number"}}}'
                    WHERE name = 'invoice.paid' AND tenant_id IS NOT NULL"#;
    world.db.batch_execute(mended).await.unwrap();
    retry(&world, tenant, event).await;
    world.until_status("delivered", 1).await;
    assert_eq!(receiver.wait_for(1, SOON).await[0].headers["webhook-id"], event.to_string());
    assert_eq!(fanout_of(&world, tenant, event).await.0, "done");
    dispatcher.stop().await;
}

#[tokio::test]
async fn a_strict_tenants_unknown_event_fails_too() {
    let receiver = Receiver::start(|_, _| Answer::status(204));
    let world = World::new().await;
    let (tenant, other) = (world.tenant("a").await, world.tenant("b").await);
    for each in [tenant, other] {
        world.subscribe(each, &receiver.url("/in"), &["*", "posthorn.*"]).await;
    }
    world.db.execute("UPDATE posthorn.tenants SET strict_event_types = true WHERE id = $1", &[&tenant]).await.unwrap();
    add_type(&world, other, "theirs.only", SCHEMA, false).await;
    add_type(&world, tenant, "ours.lax", SCHEMA, false).await;
    let dispatcher = world.dispatch(&[]).await;
    let unknown = world.publish(tenant, "theirs.only", json!({"id": 1})).await;
    let misfit = world.publish(tenant, "ours.lax", json!({})).await;
    world.publish(tenant, "invoice.paid", json!({})).await;
    world.publish(other, "theirs.only", json!({})).await;
    world.until_status("failed", 2).await;
    // those two, and what Posthorn tells of each: that is held up by nobody
    world.until_status("delivered", 4).await;
    let kind = async |event: Uuid| world.delivery(event).await.last_error_kind.unwrap();
    assert_eq!((kind(unknown).await.as_str(), kind(misfit).await.as_str()), ("unknown_event_type", "schema_mismatch"));
    // lax again: what comes now is not held up
    world.db.execute("UPDATE posthorn.tenants SET strict_event_types = false WHERE id = $1", &[&tenant]).await.unwrap();
    let free = world.publish(tenant, "anything.else", json!({})).await;
    assert_eq!(
        world.deliveries(tenant).await.iter().filter(|d| d.event_id == free).count(),
        1,
        "in its own transaction"
    );
    dispatcher.stop().await;
}

#[tokio::test]
async fn who_is_not_strict_is_fanned_out_in_the_same_transaction() {
    let receiver = Receiver::start(|_, _| Answer::status(204));
    let (world, strict) = strict_world(&receiver).await;
    let lax = world.tenant("lax").await;
    world.subscribe(lax, &receiver.url("/lax"), &["*"]).await;
    let marked = "SELECT count(*) FROM posthorn.subscription_patterns WHERE is_checked";
    assert_eq!(world.count(marked).await, 1, "the strict tenant's alone");
    world.publish(lax, "invoice.paid", json!({})).await;
    world.publish(strict, "invoice.created", json!({})).await;
    assert_eq!(world.count("SELECT count(*) FROM posthorn.event_fanouts").await, 0);
    assert_eq!(world.count("SELECT count(*) FROM posthorn.webhook_deliveries_live").await, 2);
    // also for a subscription that came later, and no more when nothing is strict
    world.subscribe(strict, &receiver.url("/late"), &["a.b", "c.*"]).await;
    assert_eq!(world.count(marked).await, 3);
    world.db.batch_execute("DELETE FROM posthorn.event_types WHERE tenant_id IS NOT NULL").await.unwrap();
    assert_eq!(world.count(marked).await, 0);
}

#[tokio::test]
async fn a_subscription_made_while_its_tenant_becomes_strict_knows_of_it() {
    let receiver = Receiver::start(|_, _| Answer::status(204));
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let mut one = world.client().await;
    let transaction = one.transaction().await.unwrap();
    let strict = "UPDATE posthorn.tenants SET strict_event_types = true WHERE id = $1";
    transaction.execute(strict, &[&tenant]).await.unwrap();
    let url = receiver.url("/in");
    let subscribing = world.subscribe(tenant, &url, &["*"]);
    let committing = async {
        let waits = "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted";
        let other = world.client().await;
        crate::harness::eventually("the subscription waits", SOON, async || {
            other.query_one(waits, &[]).await.unwrap().get(0)
        })
        .await;
        transaction.commit().await.unwrap();
    };
    tokio::join!(subscribing, committing);
    assert_eq!(world.count("SELECT count(*) FROM posthorn.subscription_patterns WHERE is_checked").await, 1);
}

#[tokio::test]
async fn events_of_a_key_keep_their_order_around_one_that_is_checked() {
    let receiver = Receiver::start(|_, _| Answer::status(204));
    let (world, tenant) = strict_world(&receiver).await;
    world.db.batch_execute("UPDATE posthorn.webhook_subscriptions SET ordered = true").await.unwrap();
    let sql = "INSERT INTO posthorn.outbox (tenant_id, event, payload, ordering_key) VALUES ($1, $2, $3, 'k')";
    let publish =
        async |event: &str, payload: Value| world.db.execute(sql, &[&tenant, &event, &payload]).await.unwrap();
    publish("first.one", json!({"n": 1})).await;
    publish("invoice.paid", json!({"n": 2, "id": 1})).await;
    publish("last.one", json!({"n": 3})).await;
    publish("invoice.paid", json!({"n": 4})).await;
    publish("last.one", json!({"n": 5})).await;
    let dispatcher = world.dispatch(&[]).await;
    world.until_status("delivered", 4).await;
    world.until_status("failed", 1).await;
    let order: Vec<i64> = receiver
        .wait_for(4, SOON)
        .await
        .iter()
        .map(|request| serde_json::from_slice::<Value>(&request.body).unwrap()["data"]["n"].as_i64().unwrap())
        .collect();
    assert_eq!(order, [1, 2, 3, 5]);
    dispatcher.stop().await;
}

#[tokio::test]
async fn a_schema_that_cannot_be_used_or_takes_too_long_fails_its_events_and_no_others() {
    let receiver = Receiver::start(|_, _| Answer::status(204));
    let (world, tenant) = strict_world(&receiver).await;
    // by SQL anything can be stored
    add_type(&world, tenant, "broken.schema", r#"{"type": "strin"}"#, true).await;
    let doubling = r##"{"properties": {"p": {"allOf": [{"$ref": "#"}, {"$ref": "#"}, {"properties": {"p": {"type": ["object", "string"]}}}]}}}"##;
    add_type(&world, tenant, "slow.schema", doubling, true).await;
    let dispatcher = world.dispatch(&[]).await;
    let deep: Value = serde_json::from_str(&format!("{}1{}", r#"{"p":"#.repeat(100), "}".repeat(100))).unwrap();
    let too_deep = format!("{}1{}", r#"{"p":"#.repeat(400), "}".repeat(400));
    let sql = "INSERT INTO posthorn.outbox (tenant_id, event, payload) VALUES ($1, 'slow.schema', $2::text::jsonb)";
    world.db.execute(sql, &[&tenant, &too_deep]).await.unwrap();
    let broken = world.publish(tenant, "broken.schema", json!({})).await;
    world.publish(tenant, "slow.schema", deep).await;
    world.publish(tenant, "invoice.paid", json!({"id": 1})).await;
    world.until_status("failed", 3).await;
    world.until_status("delivered", 1).await;
    let kinds = "SELECT count(DISTINCT last_error_kind) FROM posthorn.webhook_deliveries WHERE last_error_kind = 'schema_mismatch'";
    assert_eq!(world.count(kinds).await, 1);
    assert!(last_error(&world, broken).await.contains("cannot be checked against the schema"));
    dispatcher.stop().await;
}

#[tokio::test]
async fn very_many_subscriptions_get_their_failure_in_chunks_and_once() {
    let receiver = Receiver::start(|_, _| Answer::status(204));
    let (world, tenant) = strict_world(&receiver).await;
    let more = "INSERT INTO posthorn.webhook_subscriptions (tenant_id, url, events, signing)
                SELECT $1, 'https://receiver.example/' || n, '{*}', 'none' FROM generate_series(1, 600) n";
    world.db.execute(more, &[&tenant]).await.unwrap();
    world.publish(tenant, "invoice.paid", json!({})).await;
    let dispatcher = world.dispatch(&[]).await;
    world.until_status("failed", 601).await;
    world.until("SELECT count(*) = 1 FROM posthorn.event_fanouts WHERE state = 'refused'").await;
    world
        .until("SELECT coalesce(sum(failed), 0) = 601 FROM posthorn.delivery_statistics WHERE resolution = 'day' AND event = '*' AND subscription_id = '00000000-0000-0000-0000-000000000000'")
        .await;
    assert!(receiver.requests().is_empty());
    dispatcher.stop().await;
}

#[tokio::test]
async fn a_dispatcher_that_knows_no_schemas_leaves_the_event_to_one_that_does() {
    let receiver = Receiver::start(|_, _| Answer::status(204));
    let (world, tenant) = strict_world(&receiver).await;
    let event = world.publish(tenant, "invoice.paid", json!({})).await;
    let store = world.store(StoreRole::Dispatcher);
    let taken = fanout::take(&store).await.unwrap().unwrap();
    assert_eq!((taken.event_id, taken.needs_check), (event, true));
    assert_eq!(fanout::fan_out(&store, event, 500, false, "5s").await.unwrap(), 0);
    assert_eq!((world.deliveries(tenant).await.len(), fanout_of(&world, tenant, event).await.0.as_str()), (0, "open"));
}
