//! `Idempotency-Key`: sent again, a request acts once and is answered the same, whatever happens in between.

use bytes::Bytes;
use futures_util::future::join_all;
use hyper::Method;
use posthorn::store::{StoreRole, idempotency};
use rustix::process::Signal;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::harness::api::{OTHER_BASE, id_of, start};
use crate::harness::{Api, Reply, SOON, Serving, eventually};

const REPLAYED: &str = "idempotency-replayed";

async fn post(api: &Api, key: &str, path: &str, body: &Value) -> Reply {
    let headers = [("content-type", "application/json"), ("idempotency-key", key)];
    api.send(Method::POST, path, &headers, body.to_string().into()).await
}

async fn act(api: &Api, key: &str, path: &str) -> Reply {
    api.send(Method::POST, path, &[("idempotency-key", key)], Bytes::new()).await
}

fn subscription(url: &str) -> Value {
    json!({"url": url, "event": "a.b"})
}

fn event(n: i32) -> Value {
    json!({"event": "a.b", "payload": {"n": n}})
}

async fn events(serving: &Serving) -> i64 {
    serving.world.count("SELECT count(*) FROM posthorn.outbox").await
}

/// Status, headers that are a part of the answer, and body.
fn answer(reply: &Reply) -> (u16, Vec<Option<String>>, String) {
    let header = |name| reply.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    (reply.status, ["location", "content-type", "etag"].map(header).into(), reply.text.clone())
}

#[tokio::test]
async fn a_request_sent_again_acts_once_and_is_answered_the_same() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    for (path, body) in [
        ("/subscriptions", subscription("https://receiver.example/")),
        ("/events", event(1)),
        ("/deliveries", event(2)),
        ("/api-keys", json!({"name": "twice"})),
    ] {
        let (first, second) = (post(&api, "k-1", path, &body).await, post(&api, "k-1", path, &body).await);
        assert!((200..300).contains(&first.status), "{path}: {}", first.text);
        assert_eq!(answer(&first), answer(&second), "{path}");
        assert!(!first.headers.contains_key(REPLAYED), "{path}");
        assert_eq!(second.headers[REPLAYED], "true", "{path}");
        assert_ne!(post(&api, "k-2", path, &body).await.text, first.text, "{path}: another key is another request");
    }
    assert_eq!(events(&serving).await, 4);
    let of_path = "SELECT count(*) FROM posthorn.webhook_deliveries d WHERE d.generation = 1";
    let delivery = api.get("/deliveries?limit=1").await.ok(200)["data"][0]["id"].as_str().unwrap().to_owned();
    let cancel =
        "UPDATE posthorn.webhook_deliveries SET status = 'cancelled', finished_at = now() WHERE id = $1::text::uuid";
    // a delivery being sent cannot be retried
    eventually("the delivery can be taken away from its dispatcher", SOON, async || {
        serving.world.db.execute(cancel, &[&delivery]).await.is_ok_and(|rows| rows == 1)
    })
    .await;
    let path = format!("/deliveries/{delivery}/retry");
    let first = act(&api, "k-1", &path).await;
    first.ok(202);
    assert_eq!(answer(&act(&api, "k-1", &path).await), answer(&first));
    assert_eq!(serving.world.count(of_path).await, 1);
}

#[tokio::test]
async fn a_key_belongs_to_its_tenant_route_and_request() {
    let serving = Serving::start().await;
    let ((_, a), (_, b)) = (serving.tenant("a").await, serving.tenant("b").await);
    let first = post(&a, "k", "/events", &event(1)).await;
    first.ok(201);
    post(&a, "k", "/events", &event(2)).await.problem(409, "idempotency-conflict");
    // the API has one name for a route, whichever base it is under
    assert_eq!(post(&a.at(OTHER_BASE), "k", "/events", &event(1)).await.text, first.text);
    let others = post(&b, "k", "/events", &event(1)).await;
    others.ok(201);
    assert!(!others.headers.contains_key(REPLAYED) && others.text != first.text, "{}", others.text);
    assert_eq!(events(&serving).await, 2);
    // another route is another request, and so is another query
    post(&a, "k", "/deliveries?strict=false", &event(1)).await.ok(202);
    post(&a, "k", "/deliveries", &event(1)).await.problem(409, "idempotency-conflict");
    for malformed in ["", &"x".repeat(256), "a\tb"] {
        let rules = post(&a, malformed, "/events", &event(1)).await.rules();
        assert_eq!(rules, [("Idempotency-Key".to_owned(), "idempotency_key".to_owned())], "{malformed:?}");
    }
    post(&a, &"x".repeat(255), "/events", &event(1)).await.ok(201);
}

#[tokio::test]
async fn what_was_refused_may_be_mended_under_the_same_key() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    post(&api, "k", "/events", &json!({"event": "no"})).await.rules();
    post(&api, "k", "/events", &event(1)).await.ok(201);
    let made = post(&api, "s", "/subscriptions", &subscription("https://receiver.example/")).await.ok(201);
    let twice = post(&api, "t", "/subscriptions", &subscription("https://receiver.example/")).await;
    assert_eq!(twice.problem(409, "duplicate-subscription")["existing_id"], made["id"]);
    post(&api, "t", "/subscriptions", &subscription("https://receiver.example/2")).await.ok(201);
}

#[tokio::test]
async fn many_at_once_act_once() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let replies = join_all((0..12).map(|_| async { post(&api, "k", "/events", &event(1)).await })).await;
    let mut ids: Vec<String> = Vec::new();
    for reply in replies {
        if reply.status == 409 {
            reply.problem(409, "in-progress");
            assert_eq!(reply.headers["retry-after"], "1");
        } else {
            ids.push(id_of(&reply.ok(201)));
        }
    }
    ids.dedup();
    assert_eq!((ids.len(), events(&serving).await), (1, 1), "{ids:?}");
    assert_eq!(id_of(&post(&api, "k", "/events", &event(1)).await.ok(201)), ids[0]);
}

#[tokio::test]
async fn a_killed_server_neither_doubles_nor_blocks_a_request() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let kept = post(&api, "kept", "/events", &event(1)).await;
    kept.ok(201);
    // the event is made, its answer cannot be stored yet: the transaction hangs between the two
    let mut client = serving.world.client().await;
    let lock = client.transaction().await.unwrap();
    lock.batch_execute("LOCK TABLE posthorn.idempotency_keys IN EXCLUSIVE MODE").await.unwrap();
    let cut_short = tokio::spawn({
        let api = api.clone();
        async move { post(&api, "cut", "/events", &event(2)).await }
    });
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
                   AND query LIKE '-- idempotency/keep%'";
    eventually("the request hangs", SOON, async || serving.world.count(waiting).await == 1).await;
    serving.binary.signal(Signal::KILL);
    serving.binary.wait_exit(SOON).await;
    assert!(cut_short.await.is_err(), "nobody can have answered");
    let second = start(serving.world.url().expose_secret(), &[]);
    let ready = second.wait_for_line("posthorn is ready on http://", SOON).await;
    let again = Api::nobody_at(ready.rsplit("http://").next().unwrap()).authorized_as(&api);
    // it is still in hand as far as Postgres knows
    let busy = post(&again, "cut", "/events", &event(2)).await;
    busy.problem(409, "in-progress");
    lock.rollback().await.unwrap();
    eventually("the dead request lets go", SOON, async || {
        post(&again, "cut", "/events", &event(2)).await.status == 201
    })
    .await;
    let replayed = post(&again, "kept", "/events", &event(1)).await;
    assert_eq!(answer(&replayed), answer(&kept));
    assert_eq!(events(&serving).await, 2);
}

#[tokio::test]
async fn a_stored_answer_shows_no_secret() {
    let serving = Serving::start().await;
    let (tenant, api) = serving.tenant("a").await;
    let mut body = subscription("https://receiver.example/");
    body["secret"] = "CANARY-secret-that-nobody-reads".into();
    let made = post(&api, "k", "/subscriptions", &body).await;
    assert_eq!(made.ok(201)["secret"], body["secret"]);
    let key = post(&api, "k", "/api-keys", &json!({})).await.ok(201)["key"].as_str().unwrap().to_owned();
    let dump = "SELECT string_agg(k::text || encode(k.answer, 'escape') || encode(k.answer, 'base64'), ' ') FROM posthorn.idempotency_keys k";
    let stored: String = serving.world.db.query_one(dump, &[]).await.unwrap().get(0);
    assert!(stored.contains("POST /subscriptions"), "{stored}");
    for secret in ["CANARY", key.rsplit('_').next().unwrap(), "receiver.example"] {
        assert!(!stored.contains(secret), "{secret}: {stored}");
    }
    // an answer opens in its own row alone
    let swap = "UPDATE posthorn.idempotency_keys k SET answer = o.answer FROM posthorn.idempotency_keys o
                WHERE k.route = 'POST /api-keys' AND o.route = 'POST /subscriptions' AND k.tenant_id = $1";
    assert_eq!(serving.world.db.execute(swap, &[&tenant]).await.unwrap(), 1);
    let refused = post(&api, "k", "/api-keys", &json!({})).await;
    refused.problem(500, "internal");
    assert!(!refused.text.contains("CANARY"), "{}", refused.text);
}

#[tokio::test]
async fn keys_are_forgotten_after_a_day() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let age = async |key: &str, hours: i32| {
        let sql = "UPDATE posthorn.idempotency_keys SET created_at = now() - make_interval(hours => $2) WHERE key = $1";
        assert_eq!(serving.world.db.execute(sql, &[&key, &hours]).await.unwrap(), 1);
    };
    let first = post(&api, "k", "/events", &event(1)).await;
    age("k", 23).await;
    assert_eq!(post(&api, "k", "/events", &event(1)).await.text, first.text);
    age("k", 25).await;
    // another request may have the name now
    assert_ne!(post(&api, "k", "/events", &event(2)).await.ok(201)["id"], first.ok(201)["id"]);
    post(&api, "young", "/events", &event(3)).await.ok(201);
    let left = "SELECT count(*) FROM posthorn.idempotency_keys";
    for role in [StoreRole::Api, StoreRole::Dispatcher] {
        age("k", 25).await;
        assert_eq!(idempotency::forget_old(&serving.world.store(role)).await.unwrap(), 1, "{role:?}");
        assert_eq!(serving.world.count(left).await, 1);
        post(&api, "k", "/events", &event(4)).await.ok(201);
    }
}

/// A POST that does not act twice needs no key; say here which those are.
const WITHOUT_KEY: [&str; 2] = ["testSubscription", "previewSubscription"];

#[test]
fn every_operation_that_acts_takes_a_key() {
    let document = include_str!("../../openapi/posthorn.yaml");
    let mut posts = 0;
    for part in document.split("\n    post:\n").skip(1) {
        let end = ["\n    get:\n", "\n    patch:\n", "\n    delete:\n", "\n  /", "\ncomponents:\n"];
        let operation = end.iter().filter_map(|end| part.find(end)).min().map_or(part, |at| &part[..at]);
        let id = operation.split("operationId: ").nth(1).unwrap().lines().next().unwrap();
        assert_eq!(operation.contains("name: Idempotency-Key"), !WITHOUT_KEY.contains(&id), "{id}");
        posts += 1;
    }
    assert!(posts >= 5, "{posts}");
}
