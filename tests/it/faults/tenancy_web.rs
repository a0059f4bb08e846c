//! Browsers and bodies: no cookie and no foreign page gets in, and no body changes what is not its caller's (A2, A19).

use std::collections::BTreeSet;

use bytes::Bytes;
use hyper::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::api_isolation::operations;
use crate::harness::api::{ADMIN_TOKEN, id_of};
use crate::harness::{Answer, Api, Receiver, Serving};

const PAGES: [&str; 6] = ["/docs", "/openapi.json", "/metrics", "/health/live", "/health/ready", "/nowhere"];

#[tokio::test]
async fn a_foreign_page_is_told_nothing_and_a_cookie_opens_nothing() {
    let serving = Serving::start().await;
    let (tenant, api) = serving.tenant("a").await;
    let key = serving.key(tenant, "in a cookie").await;
    let cookie = format!("authorization=Bearer {0}; token={0}; session={1}", key.id(), ADMIN_TOKEN);
    let foreign = |api: &Api| api.clone().with("origin", "https://evil.example").with("sec-fetch-site", "cross-site");
    let preflight = [("access-control-request-method", "POST"), ("access-control-request-headers", "authorization")];
    let mut replies = Vec::new();
    for (method, path, _) in operations() {
        let path = path.replace("{id}", &Uuid::now_v7().to_string()).replace("{name}", "a.b");
        replies.push(foreign(&api).send(method.clone(), &path, &[], Bytes::new()).await);
        let asked = foreign(&serving.nobody()).send(Method::OPTIONS, &path, &preflight, Bytes::new()).await;
        asked.problem(405, "method");
        let by_cookie = foreign(&serving.nobody()).with("cookie", &cookie);
        let by_cookie = by_cookie.send(method, &path, &[], Bytes::new()).await;
        by_cookie.problem(401, "unauthorised");
        replies.extend([asked, by_cookie]);
    }
    for path in PAGES {
        replies.push(foreign(&api.at("")).get(path).await);
    }
    let admin = foreign(&serving.nobody()).at("/api/v1/admin");
    replies.push(admin.clone().bearer(ADMIN_TOKEN).get("/tenants").await);
    replies.push(admin.with("cookie", &cookie).get("/tenants").await);
    for reply in replies {
        for (name, value) in &reply.headers {
            let is_told = name.as_str().starts_with("access-control-") || name == "set-cookie";
            assert!(!is_told, "{name}: {value:?}");
        }
    }
}

/// What a tenant's API shows of itself, without what moves by itself.
async fn shown(api: &Api) -> Vec<Value> {
    let mut all = Vec::new();
    for path in [
        "/subscriptions?active=all",
        "/deliveries",
        "/events",
        "/event-types?own=true",
        "/api-keys",
        "/jobs",
        "/tenant",
    ] {
        let mut page = api.get(path).await.ok(200);
        for row in page["data"].as_array_mut().into_iter().flatten() {
            row["last_used_at"] = Value::Null;
        }
        all.push(page);
    }
    all
}

/// A body that each operation takes, where it takes one.
fn body_of(operation: &str) -> Option<Value> {
    Some(match operation {
        "createSubscription" => json!({"url": "https://receiver.example/new", "event": "x.y"}),
        "updateSubscription" => json!({"description": "other"}),
        "publishEvent" | "enqueueDeliveries" => json!({"event": "a.b", "payload": {}}),
        "publishEvents" => json!({"events": [{"event": "a.b", "payload": {}}]}),
        "createEventType" => json!({"name": "our.new_type"}),
        "updateEventType" => json!({"description": "other"}),
        "retryDeliveries" | "cancelDeliveries" => json!({"event": "no.such"}),
        "replaySubscription" | "backfillSubscription" => json!({"since": "2020-01-01T00:00:00Z"}),
        "testSubscription" | "previewSubscription" => json!({"event": "a.b", "payload": {}}),
        "rotateSecret" => json!({}),
        "updateTenant" => json!({"name": "other"}),
        "createApiKey" => json!({"name": "new"}),
        "cancelEvent"
        | "cancelDelivery"
        | "cancelJob"
        | "retryDelivery"
        | "enableSubscription"
        | "disableSubscription" => return None,
        other => panic!("operation {other} is not covered: say here what body it takes, if any"),
    })
}

#[tokio::test]
async fn no_body_sets_what_is_not_its_callers_to_set() {
    let serving = Serving::start().await;
    let receiver = Receiver::start(|_, _| Answer::status(204));
    let ((_, api), (other, _)) = (serving.tenant("a").await, serving.tenant("b").await);
    let subscription = id_of(&api.subscribe(&receiver.url("/a"), "a.b").await);
    api.post("/event-types", &json!({"name": "our.type"})).await.ok(201);
    let before = shown(&api).await;
    // columns of tables and words of answers that none of the operations takes
    let foreign = [
        ("tenant_id", json!(other)),
        ("tenant", json!(other)),
        ("state", json!("done")),
        ("attempts", json!(0)),
        ("generation", json!(7)),
        ("epoch", json!(7)),
        ("created_at", json!("2001-01-01T00:00:00Z")),
        ("updated_at", json!("2001-01-01T00:00:00Z")),
        ("lease_until", json!("2001-01-01T00:00:00Z")),
        ("is_own", json!(false)),
        ("created_by", json!("operator")),
        ("disabled_at", Value::Null),
        ("max_in_flight_of_tenant", json!(1)),
        ("revoked_at", Value::Null),
        ("secret_sha256", json!("00")),
        ("__proto__", json!({"tenant_id": other})),
        ("constructor", json!({})),
    ];
    let mut taken = BTreeSet::new();
    for (method, path, operation) in operations() {
        let takes_body = [Method::POST, Method::PATCH, Method::PUT].contains(&method);
        let Some(body) = takes_body.then(|| body_of(&operation)).flatten() else { continue };
        let path = path.replace("{id}", &subscription).replace("{name}", "our.type");
        for (field, value) in &foreign {
            let mut with = body.clone();
            with[field] = value.clone();
            let json = [("content-type", "application/json")];
            let reply = api.send(method.clone(), &path, &json, with.to_string().into()).await;
            let rules = reply.rules();
            assert_eq!(rules, [((*field).to_owned(), "unknown_field".to_owned())], "{operation}: {}", reply.text);
        }
        taken.insert(operation);
    }
    assert!(taken.len() >= 15, "{taken:?}");
    assert_eq!(shown(&api).await, before, "something was changed all the same");
    let nothing = format!("SELECT count(*) FROM posthorn.outbox WHERE tenant_id = '{other}'");
    assert_eq!(serving.world.count(&nothing).await, 0);
}
