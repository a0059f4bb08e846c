//! Tenants kept apart on every operation of the committed document: what is another's answers like what does not exist.

use bytes::Bytes;
use hyper::Method;
use posthorn::store::api_keys::ApiKey;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::api::id_of;
use crate::harness::{Answer, Api, Receiver, Reply, SOON, Serving, eventually};

const DOCUMENT: &str = include_str!("../../openapi/posthorn.yaml");

/// An event type of one tenant alone.
const OWN_TYPE: &str = "theirs.own_type";

/// A method, a path and the operation's id, as the document has them.
pub(crate) fn operations() -> Vec<(Method, String, String)> {
    let (mut path, mut method, mut found) = (String::new(), Method::GET, Vec::new());
    for line in DOCUMENT.lines() {
        let name = line.trim().trim_end_matches(':');
        if line.starts_with("  /") {
            name.clone_into(&mut path);
        } else if line.starts_with("    ") && ["get", "put", "post", "patch", "delete"].contains(&name) {
            method = name.to_uppercase().parse().unwrap();
        } else if let Some(id) = name.strip_prefix("operationId: ") {
            found.push((method.clone(), path.clone(), id.to_owned()));
        }
    }
    found
}

/// A tenant with one of everything.
struct Tenant {
    id: Uuid,
    api: Api,
    subscription: String,
    event: String,
    delivery: String,
    key: String,
    job: String,
}

impl Tenant {
    async fn new(serving: &Serving, name: &str, receiver: &Receiver) -> Self {
        let (id, api) = serving.tenant(name).await;
        let subscription = id_of(&api.subscribe(&receiver.url(&format!("/{name}")), "a.b").await);
        let event = api.publish("a.b", json!({"of": name})).await;
        let delivery = api.delivery_of(&event).await;
        api.wait_for_status(&delivery, "delivered").await;
        let job = id_of(&api.post("/deliveries/retry", &json!({"event": "no.such"})).await.ok(202));
        eventually("the job is done", SOON, async || api.get(&format!("/jobs/{job}")).await.ok(200)["state"] == "done")
            .await;
        let key = serving.key(id, "another").await.id().to_owned();
        Self { id, api, subscription, event, delivery, key, job }
    }

    /// Everything that the API shows of it.
    async fn everything(&self) -> Vec<String> {
        let mut shown = Vec::new();
        for path in [
            "/subscriptions?active=all".to_owned(),
            "/deliveries".to_owned(),
            "/tenant".to_owned(),
            format!("/subscriptions/{}", self.subscription),
            format!("/deliveries/{}", self.delivery),
            format!("/events/{}", self.event),
            "/events".to_owned(),
            "/jobs".to_owned(),
            format!("/jobs/{}", self.job),
            format!("/deliveries/{}/attempts", self.delivery),
            "/event-types?own=true".to_owned(),
        ] {
            let reply = self.api.get(&path).await;
            reply.ok(200);
            shown.push(reply.text);
        }
        shown
    }

    fn ids(&self) -> [String; 6] {
        let Self { subscription, event, delivery, key, job, .. } = self;
        [&self.id.to_string(), subscription, event, delivery, key, job].map(Clone::clone)
    }
}

/// An answer with the id that was asked for taken out of it.
fn shape(reply: &Reply, asked: &str) -> (u16, Vec<String>, String) {
    let mut headers: Vec<String> = reply
        .headers
        .iter()
        // how much of its rate a caller has left says nothing of others
        .filter(|(n, _)| *n != "date" && !n.as_str().starts_with("ratelimit-"))
        .map(|(n, v)| format!("{n}: {}", v.to_str().unwrap()))
        .collect();
    headers.sort();
    (reply.status, headers, reply.text.replace(asked, "<id>"))
}

/// The kinds of thing whose id an operation's path takes.
fn foreign_id<'a>(operation: &str, owner: &'a Tenant) -> Option<&'a str> {
    match operation {
        "getSubscription"
        | "getSubscriptionStats"
        | "deleteSubscription"
        | "updateSubscription"
        | "enableSubscription"
        | "disableSubscription"
        | "rotateSecret"
        | "testSubscription"
        | "previewSubscription"
        | "listDeliveriesOfSubscription"
        | "replaySubscription"
        | "backfillSubscription" => Some(&owner.subscription),
        "getDelivery" | "retryDelivery" | "listAttempts" | "cancelDelivery" => Some(&owner.delivery),
        "getEvent" | "listDeliveriesOfEvent" | "cancelEvent" => Some(&owner.event),
        "getJob" | "cancelJob" => Some(&owner.job),
        "getEventType" | "updateEventType" | "deleteEventType" => Some(OWN_TYPE),
        "revokeApiKey" => Some(&owner.key),
        "createSubscription"
        | "listSubscriptions"
        | "enqueueDeliveries"
        | "listDeliveries"
        | "publishEvent"
        | "publishEvents"
        | "listEvents"
        | "listJobs"
        | "retryDeliveries"
        | "cancelDeliveries"
        | "listEventTypes"
        | "createEventType"
        | "getStatistics"
        | "getStatisticsSeries"
        | "listHealth"
        | "listSubscriptionStatistics"
        | "getBacklog"
        | "getCaller"
        | "getTenant"
        | "updateTenant"
        | "createApiKey"
        | "listApiKeys"
        | "listAuditLog" => None,
        other => panic!("operation {other} is not covered: say here which id it takes, and below what else could leak"),
    }
}

/// A body: where there is an id every field may be absent, but for a range of time.
fn body_of(operation: &str) -> Value {
    match operation {
        "replaySubscription" | "backfillSubscription" => json!({"since": "2020-01-01T00:00:00Z"}),
        _ => json!({}),
    }
}

#[tokio::test]
async fn ids_of_another_tenant_answer_like_ids_of_nobody() {
    let serving = Serving::start().await;
    let receiver = Receiver::start(|_, _| Answer::status(204));
    let (a, b) = (Tenant::new(&serving, "a", &receiver).await, Tenant::new(&serving, "b", &receiver).await);
    b.api.post("/event-types", &json!({"name": OWN_TYPE})).await.ok(201);
    let before = b.everything().await;
    let operations = operations();
    assert!(operations.len() >= 11, "{operations:?}");
    assert_eq!(DOCUMENT.matches("operationId: ").count(), operations.len());
    let mut swept = 0;
    for (method, path, operation) in &operations {
        let Some(foreign) = foreign_id(operation, &b) else {
            assert!(!path.contains('{'), "{operation} takes an id");
            continue;
        };
        let call = async |caller: &Api, id: &str| {
            let path = path.replace("{id}", id).replace("{name}", id);
            match *method {
                Method::POST | Method::PATCH => {
                    let json = [("content-type", "application/json")];
                    caller.send(method.clone(), &path, &json, body_of(operation).to_string().into()).await
                }
                _ => caller.send(method.clone(), &path, &[], Bytes::new()).await,
            }
        };
        let random = match operation.as_str() {
            "revokeApiKey" => ApiKey::generate().id().to_owned(),
            _ if foreign == OWN_TYPE => "nobody.own_type".to_owned(),
            _ => Uuid::now_v7().to_string(),
        };
        let (theirs, nobodys) = (call(&a.api, foreign).await, call(&a.api, &random).await);
        theirs.problem(404, "not-found");
        assert_eq!(shape(&theirs, foreign), shape(&nobodys, &random), "{operation}");
        for id in b.ids().iter().filter(|id| *id != foreign) {
            assert!(!theirs.text.contains(id), "{operation}: {}", theirs.text);
        }
        swept += 1;
    }
    assert_eq!(swept, operations.iter().filter(|(_, path, _)| path.contains('{')).count());
    assert_eq!(b.everything().await, before, "something of the other tenant has changed");
}

#[tokio::test]
async fn lists_filters_and_cursors_show_nothing_of_another_tenant() {
    let serving = Serving::start().await;
    let receiver = Receiver::start(|_, _| Answer::status(204));
    let (a, b) = (Tenant::new(&serving, "a", &receiver).await, Tenant::new(&serving, "b", &receiver).await);
    b.api.subscribe(&receiver.url("/b2"), "a.c").await;
    b.api.publish("a.b", json!({"of": "b"})).await;
    let cursor_of = async |list: &str| {
        b.api.get(&format!("{list}?limit=1")).await.ok(200)["next_cursor"].as_str().unwrap().to_owned()
    };
    let subscriptions_cursor = cursor_of("/subscriptions").await;
    let deliveries_cursor = cursor_of("/deliveries").await;
    let (keys_cursor, audit_cursor) = (cursor_of("/api-keys").await, cursor_of("/audit-log").await);
    let rows = |page: &Value| page["data"].as_array().unwrap().len();
    for (path, want) in [
        ("/subscriptions".to_owned(), 1),
        ("/subscriptions?active=all&limit=500".to_owned(), 1),
        ("/subscriptions?event=a.b".to_owned(), 1),
        ("/subscriptions?event=a.c".to_owned(), 0),
        // newer than everything of a, so its whole list follows
        (format!("/subscriptions?cursor={subscriptions_cursor}"), 1),
        ("/deliveries".to_owned(), 1),
        ("/deliveries?event=a.b&status=delivered".to_owned(), 1),
        (format!("/deliveries?cursor={deliveries_cursor}"), 1),
        ("/api-keys".to_owned(), 2),
        (format!("/api-keys?cursor={keys_cursor}"), 0),
        ("/audit-log".to_owned(), 5),
        (format!("/audit-log?cursor={audit_cursor}"), 5),
        (format!("/audit-log?target_id={}", b.subscription), 0),
        ("/events".to_owned(), 1),
        ("/jobs".to_owned(), 1),
        (format!("/deliveries?subscription_id={}", b.subscription), 0),
        (format!("/statistics/subscriptions?subscription_ids={},{}", a.subscription, b.subscription), 1),
        (format!("/deliveries?event_id={}", b.event), 0),
        (format!("/deliveries?event_id={}&subscription_id={}", b.event, b.subscription), 0),
        (format!("/deliveries?event_id={}&subscription_id={}", a.event, b.subscription), 0),
    ] {
        let reply = a.api.get(&path).await;
        assert_eq!(rows(&reply.ok(200)), want, "{path}: {}", reply.text);
        for id in b.ids() {
            assert!(!reply.text.contains(&id), "{path} shows {id}: {}", reply.text);
        }
    }
    let types = a.api.get("/event-types").await;
    assert_eq!(types.text, b.api.get("/event-types").await.text);
}

#[tokio::test]
async fn own_event_types_are_shown_to_their_tenant_alone() {
    let serving = Serving::start().await;
    let ((tenant, a), (_, b)) = (serving.tenant("a").await, serving.tenant("b").await);
    let sql = "INSERT INTO posthorn.event_types (tenant_id, name, group_name, description)
               VALUES ($1, 'our.secret_plan', 'Ours', 'Nobody else is to know')";
    serving.world.db.execute(sql, &[&tenant]).await.unwrap();
    let own = a.get("/event-types").await;
    assert!(own.text.contains("our.secret_plan") && own.text.contains("\"is_own\":true"), "{}", own.text);
    assert!(!b.get("/event-types").await.text.contains("our.secret_plan"));
}

#[tokio::test]
async fn what_a_tenant_writes_is_its_own() {
    let serving = Serving::start().await;
    let receiver = Receiver::start(|_, _| Answer::status(204));
    let (a, b) = (Tenant::new(&serving, "a", &receiver).await, Tenant::new(&serving, "b", &receiver).await);
    let before = b.everything().await;
    // naming another tenant, or a row of it, is refused and never obeyed
    for (path, body) in [
        ("/subscriptions", json!({"url": "https://receiver.example/", "event": "a.b", "tenant_id": b.id})),
        ("/subscriptions", json!({"url": "https://receiver.example/", "event": "a.b", "id": b.subscription})),
        ("/events", json!({"event": "a.b", "payload": {}, "tenant_id": b.id})),
        ("/events", json!({"event": "a.b", "payload": {}, "id": b.event})),
        ("/deliveries", json!({"event": "a.b", "payload": {}, "subscription_id": b.subscription})),
    ] {
        let rules = a.api.post(path, &body).await.rules();
        assert!(rules.iter().all(|(_, rule)| rule == "unknown_field") && rules.len() == 1, "{path}: {rules:?}");
    }
    // another tenant's URL is no duplicate, and its subscription hears nothing
    a.api.subscribe(&receiver.url("/b"), "a.c").await;
    let accepted = a.api.post("/deliveries", &json!({"event": "a.b", "payload": {"of": "a"}})).await.ok(202);
    assert_eq!(accepted["count"], 1);
    let delivery = a.api.delivery_of(accepted["event_id"].as_str().unwrap()).await;
    a.api.wait_for_status(&delivery, "delivered").await;
    a.api.act(&format!("/deliveries/{delivery}/retry")).await.ok(202);
    a.api.wait_for_status(&delivery, "delivered").await;
    assert_eq!(receiver.requests().iter().filter(|request| request.path == "/b").count(), 1);
    a.api.delete(&format!("/subscriptions/{}", a.subscription)).await.ok(204);
    assert_eq!(b.everything().await, before, "something of the other tenant has changed");
}
