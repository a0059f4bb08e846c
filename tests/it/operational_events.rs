//! Events of Posthorn about itself: who hears of what, in which transaction, and that no chain of them is endless (R53).

mod backlogs;
mod bursts;
mod names;

use hyper::Method;
use posthorn::domain::delivery::DeliveryStatus;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::api::{ADMIN_TOKEN, id_of};
use crate::harness::{Answer, Api, Receiver, SOON, Serving, World};

/// Where nobody is called.
const NOWHERE: &str = "https://receiver.example:8443/path?token=abc";

/// Operational events of a tenant, oldest first.
async fn told(world: &World, tenant: Uuid) -> Vec<(String, Value)> {
    let sql = "SELECT event, payload FROM posthorn.outbox WHERE tenant_id = $1 AND is_operational ORDER BY id";
    let rows = world.db.query(sql, &[&tenant]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// Their names alone.
async fn names(world: &World, tenant: Uuid) -> Vec<String> {
    told(world, tenant).await.into_iter().map(|(event, _)| event).collect()
}

/// Makes a tenant the operator's.
async fn make_operator(world: &World, tenant: Uuid) {
    world.db.execute("UPDATE posthorn.tenants SET is_operator = true WHERE id = $1", &[&tenant]).await.unwrap();
}

/// Publishes one event for `tenant` and gives its deliveries up.
async fn exhaust(world: &World, tenant: Uuid, event: &str) {
    world.publish(tenant, event, json!({"secret_of_the_payload": 1})).await;
    let mut hand = world.hand().await;
    let claimed = hand.claim(10).await;
    let of_it: Vec<_> = claimed.into_iter().filter(|claimed| claimed.event == event).collect();
    hand.record(&of_it, DeliveryStatus::Abandoned).await;
}

#[tokio::test]
async fn whoever_is_on_call_is_sent_what_happens_to_a_subscription() {
    let serving = Serving::start().await;
    let (tenant, api) = serving.tenant("a").await;
    let receiver = Receiver::start(|path, _| Answer::status(if path == "/gone" { 410 } else { 204 }));
    let ops = json!({"url": receiver.url("/ops"), "events": ["posthorn.*"]});
    api.post("/subscriptions", &ops).await.ok(201);
    let made = api.subscribe(&receiver.url("/gone"), "invoice.created").await;
    let (id, secret) = (id_of(&made), made["secret"].as_str().unwrap().to_owned());
    api.publish("invoice.created", json!({"invoice_id": "INV-4711"})).await;
    receiver.wait_for(3, SOON).await; // the one that is gone, and what is told of it
    api.act(&format!("/subscriptions/{id}/enable")).await.ok(200);
    receiver.wait_for(4, SOON).await;
    api.act(&format!("/subscriptions/{id}/rotate-secret")).await.ok(200);
    let requests = receiver.wait_for(5, SOON).await;

    let host = receiver.url("").replace("http://", "");
    let mut came = Vec::new();
    for request in requests.iter().filter(|request| request.path == "/ops") {
        let text = String::from_utf8(request.body.to_vec()).unwrap();
        assert!(!["/gone", "INV-4711", &secret].iter().any(|hidden| text.contains(hidden)), "{text}");
        assert!(request.headers.contains_key("webhook-signature"));
        let body: Value = serde_json::from_str(&text).unwrap();
        let data = &body["data"];
        assert_eq!((&data["subscription_id"], &data["tenant_id"]), (&json!(id), &json!(tenant)), "{text}");
        assert_eq!((&data["host"], &data["tenant_name"]), (&json!(host), &json!("a")), "{text}");
        let event = body["event"].as_str().unwrap();
        let described = api.get(&format!("/event-types/{event}")).await.ok(200);
        let schema = jsonschema::validator_for(&described["json_schema"]).unwrap();
        assert!(schema.is_valid(data), "{data} is not as {described} says");
        came.push((event.to_owned(), data.clone()));
    }
    came.sort_by(|(a, _), (b, _)| a.cmp(b));
    let [exhausted, recovered, rotated, suspended] = &came[..] else { panic!("{came:?}") };
    assert_eq!(exhausted.0, "posthorn.delivery.exhausted");
    assert_eq!((&exhausted.1["status"], &exhausted.1["status_code"]), (&json!("failed"), &json!(410)));
    assert_eq!((&exhausted.1["event"], &exhausted.1["count"]), (&json!("invoice.created"), &json!(1)));
    assert_eq!(recovered.0, "posthorn.subscription.recovered");
    assert!(recovered.1["actor"].as_str().unwrap().starts_with("api_key:"), "{}", recovered.1);
    assert_eq!(rotated.0, "posthorn.subscription.secret_rotated");
    assert!(rotated.1["previous_secret_until"].is_string(), "{}", rotated.1);
    assert_eq!(suspended.0, "posthorn.subscription.suspended");
    assert_eq!(suspended.1["reason"], "the receiver answered 410 Gone");
}

#[tokio::test]
async fn an_event_is_written_in_the_transaction_of_what_it_tells_of() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    world.subscribe(tenant, NOWHERE, &["posthorn.*"]).await;
    let subscription = world.subscribe(tenant, NOWHERE, &["invoice.*"]).await;
    world.db.batch_execute("BEGIN").await.unwrap();
    world.change(subscription, "status = 'suspended', status_reason = 'a reason'").await;
    assert_eq!(names(&world, tenant).await, ["posthorn.subscription.suspended"]);
    world.db.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(names(&world, tenant).await, [""; 0], "what did not happen is not told");

    exhaust(&world, tenant, "invoice.created").await;
    let hand = world.hand().await;
    assert_eq!(hand.note(subscription, 0, 3).await[0].change, "opened");
    assert_eq!(hand.note(subscription, 1, 0).await[0].change, "closed");
    world.change(subscription, "status = 'suspended', status_reason = 'a reason'").await;
    let want =
        ["delivery.exhausted", "subscription.circuit_opened", "subscription.circuit_closed", "subscription.suspended"];
    assert_eq!(names(&world, tenant).await, want.map(|name| format!("posthorn.{name}")));
    // a row's xmin is the transaction that wrote it
    let together = "SELECT count(*) FROM posthorn.outbox o WHERE o.is_operational AND (
            o.xmin::text IN (SELECT d.xmin::text FROM posthorn.webhook_deliveries d WHERE d.status = 'abandoned')
         OR o.xmin::text IN (SELECT s.xmin::text FROM posthorn.webhook_subscriptions s)
         OR o.xmin::text IN (SELECT c.xmin::text FROM posthorn.circuits c))";
    assert_eq!(world.count(together).await, 3, "of the two about the circuit the later one is in its row's");
    let (_, opened) = &told(&world, tenant).await[1];
    assert_eq!(opened["host"], "receiver.example:8443", "neither path nor query");
    assert_eq!(opened["reason"], "3 failures in a row, the last: the receiver answered 503");
}

#[tokio::test]
async fn where_nobody_wants_to_hear_of_it_nothing_is_written() {
    let world = World::new().await;
    let (tenant, other) = (world.tenant("a").await, world.tenant("b").await);
    let subscription = world.subscribe(tenant, NOWHERE, &["*"]).await;
    world.subscribe(other, NOWHERE, &["posthorn.*"]).await;
    let silent = async |why: &str| {
        exhaust(&world, tenant, "invoice.created").await;
        world.change(subscription, "status = 'suspended'").await;
        world.change(subscription, "status = 'active'").await;
        let sql = "SELECT (SELECT count(*) FROM posthorn.outbox WHERE is_operational) + (SELECT count(*) FROM posthorn.exhausted_notes)";
        assert_eq!(world.count(sql).await, 0, "{why}");
    };
    silent("* does not match them, and another tenant's are another tenant's").await;
    let listener = world.subscribe(tenant, NOWHERE, &["posthorn.*"]).await;
    world.change(listener, "status = 'inactive'").await;
    silent("it is switched off").await;
    world.change(listener, "status = 'active', events = '{posthorn.backlog.*}'").await;
    silent("it wants to hear of something else").await;
    world.db.batch_execute("SET posthorn.mute = on").await.unwrap();
    world.change(listener, "events = '{posthorn.*}'").await;
    world.change(subscription, "status = 'suspended'").await;
    assert_eq!(names(&world, tenant).await, [""; 0], "what a session with posthorn.mute does");
}

#[tokio::test]
async fn failures_of_operational_events_are_not_told() {
    let world = World::new().await;
    let tenant = world.tenant("a").await;
    let [first, second] = [
        world.subscribe(tenant, NOWHERE, &["posthorn.*"]).await,
        world.subscribe(tenant, NOWHERE, &["posthorn.*"]).await,
    ];
    world.change(first, "status = 'suspended'").await;
    assert_eq!(names(&world, tenant).await, ["posthorn.subscription.suspended"], "the others hear of it");
    let deliveries = world.deliveries(tenant).await;
    assert_eq!(deliveries.iter().map(|d| d.subscription_id).collect::<Vec<_>>(), [second], "who is suspended does not");

    // all of its deliveries fail for good, and its circuit opens and closes: an event each would be one more to fail
    let mut hand = world.hand().await;
    let claimed = hand.claim(10).await;
    assert_eq!(claimed.len(), 1);
    hand.record(&claimed, DeliveryStatus::Abandoned).await;
    assert_eq!(hand.note(second, 0, 3).await[0].change, "opened");
    assert_eq!(hand.note(second, 1, 0).await[0].change, "closed");
    world.change(second, "status = 'suspended'").await;
    assert_eq!(names(&world, tenant).await.len(), 1, "the last one is suspended: nobody is left to hear of it");
}

#[tokio::test]
async fn the_operators_tenant_hears_of_every_tenant_and_only_the_operator_says_which_it_is() {
    let serving = Serving::start().await;
    let world = &serving.world;
    let (ours, _) = serving.tenant("ours").await;
    let (theirs, api) = serving.tenant("theirs").await;
    let (other, _) = serving.tenant("other").await;
    world.subscribe(ours, NOWHERE, &["posthorn.subscription.*"]).await;
    world.subscribe(other, NOWHERE, &["posthorn.*"]).await;
    let operator = serving.nobody().at("/api/v1/admin").bearer(ADMIN_TOKEN);
    let set = async |api: &Api, path: String, value: bool| {
        let body = json!({"is_operator": value}).to_string();
        api.send(Method::PATCH, &path, &[("content-type", "application/json")], body.into()).await
    };

    assert_eq!(set(&api, "/tenant".to_owned(), true).await.status, 400);
    let session = world.client_of(theirs).await;
    let refused = session.execute("UPDATE posthorn.tenants SET is_operator = true", &[]).await.unwrap_err();
    assert_eq!(refused.code().unwrap().code(), "42501");
    assert_eq!(set(&operator, format!("/tenants/{ours}"), true).await.ok(200)["is_operator"], true);
    set(&operator, format!("/tenants/{theirs}"), true).await.problem(409, "conflict");

    let subscription = world.subscribe(theirs, NOWHERE, &["*"]).await;
    world.change(subscription, "status = 'suspended', status_reason = 'a reason'").await;
    for tenant in [theirs, other] {
        assert_eq!(names(world, tenant).await, [""; 0], "nobody but the operator");
    }
    let came = told(world, ours).await;
    assert_eq!(came.len(), 1);
    assert_eq!((&came[0].1["tenant_id"], &came[0].1["tenant_name"]), (&json!(theirs), &json!("theirs")));

    world.subscribe(theirs, NOWHERE, &["posthorn.*"]).await;
    world.change(subscription, "status = 'active'").await;
    assert_eq!((names(world, ours).await.len(), names(world, theirs).await.len()), (2, 1), "each its own");
    assert_eq!(set(&operator, format!("/tenants/{ours}"), false).await.ok(200)["is_operator"], false);
    world.change(subscription, "status = 'suspended'").await;
    assert_eq!((names(world, ours).await.len(), names(world, theirs).await.len()), (2, 2));
}
