//! What a subscription says of its requests arrives at the receiver: headers, credentials, ed25519, templates, codes; and
//! test sends and previews show it (R14, F2, F4, F6).

use posthorn::domain::signature::{self, StandardHeaders};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::harness::api::id_of;
use crate::harness::{Answer, Api, Receiver, SOON, Serving};

async fn made(api: &Api, body: Value) -> (String, Value) {
    let made = api.post("/subscriptions", &body).await.ok(201);
    (format!("/subscriptions/{}", id_of(&made)), made)
}

fn well(_: &str, _: usize) -> Answer {
    Answer::status(200).header("x-trace", "t1").body("thanks")
}

#[tokio::test]
async fn own_headers_and_credentials_arrive_and_are_never_shown() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let receiver = Receiver::start(well);
    let body = json!({"url": receiver.url("/in"), "event": "a.b", "headers": {"X-Api-Key": "CANARY-1", "x-Team": "billing"},
        "credentials": {"type": "basic", "username": "aladdin", "password": "CANARY-2"}});
    let reply = api.post("/subscriptions", &body).await;
    let made = reply.ok(201);
    assert!(!reply.text.contains("CANARY"));
    assert_eq!(made["headers"], json!({"x-api-key": "****", "x-team": "****"}));
    assert_eq!(made["credentials_type"], "basic");
    api.publish("a.b", json!({})).await;
    let got = receiver.wait_for(1, SOON).await.remove(0);
    assert_eq!(
        (&got.headers["x-api-key"], &got.headers["x-team"]),
        (&"CANARY-1".parse().unwrap(), &"billing".parse().unwrap())
    );
    assert_eq!(got.headers["authorization"], "Basic YWxhZGRpbjpDQU5BUlktMg==");

    let path = format!("/subscriptions/{}", id_of(&made));
    let change = json!({"headers": null, "credentials": {"type": "bearer", "token": "CANARY-3"}});
    let changed = api.patch(&path, &change).await;
    assert_eq!((&changed.ok(200)["headers"], &changed.ok(200)["credentials_type"]), (&json!({}), &json!("bearer")));
    let test = api.act(&format!("{path}/test")).await;
    assert!(test.ok(200)["delivered"].as_bool().unwrap() && !test.text.contains("CANARY"), "{}", test.text);
    let got = receiver.wait_for(2, SOON).await.remove(1);
    assert_eq!(got.headers["authorization"], "Bearer CANARY-3");
    assert!(!got.headers.contains_key("x-api-key"));
    let sql = "SELECT count(*) FROM posthorn.webhook_subscriptions s WHERE s::text LIKE '%CANARY%'
               OR encode(s.sealed_headers, 'escape') LIKE '%CANARY%' OR encode(s.sealed_credentials, 'escape') LIKE '%CANARY%'";
    assert_eq!(serving.world.count(sql).await, 0, "nothing rests in clear");
}

#[tokio::test]
async fn ed25519_signatures_are_checked_with_the_public_key() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let receiver = Receiver::start(well);
    let (path, made) = made(&api, json!({"url": receiver.url("/in"), "event": "a.b", "signature": "ed25519"})).await;
    let key = made["public_key"].as_str().unwrap().to_owned();
    api.publish("a.b", json!({"n": 1})).await;
    let rotated = api.act(&format!("{path}/rotate-secret")).await.ok(200);
    receiver.wait_for(1, SOON).await;
    api.publish("a.b", json!({"n": 2})).await;
    let requests = receiver.wait_for(2, SOON).await;
    let verify = |key: &str, n: usize| {
        let header = |name: &str| requests[n].headers[name].to_str().unwrap();
        let received = StandardHeaders {
            id: header("webhook-id"),
            timestamp: header("webhook-timestamp"),
            signature: header("webhook-signature"),
        };
        signature::verify_ed25519(key, &received, &requests[n].body, OffsetDateTime::now_utc().unix_timestamp(), 300)
    };
    verify(&key, 0).unwrap();
    verify(&key, 1).unwrap();
    verify(rotated["public_key"].as_str().unwrap(), 1).unwrap();
    assert!(!requests[0].headers.contains_key("x-signature"), "an HMAC header without a shared secret");
    let given = json!({"url": receiver.url("/b"), "event": "b.c", "signature": "ed25519", "secret": "not-a-private-key",
        "header_families": ["gestiq"]});
    let rules = api.post("/subscriptions", &given).await.rules();
    assert_eq!(
        rules.iter().map(|(_, rule)| rule.as_str()).collect::<Vec<_>>(),
        ["header_families_ed25519", "secret_ed25519"]
    );
}

#[tokio::test]
async fn a_template_makes_the_body_and_a_failing_one_fails_its_delivery_for_good() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let receiver = Receiver::start(well);
    let template = r#"{"text": "{{ event|escaped }}: {{ data.who|escaped }}", "n": {{ data.n }}}"#;
    let (path, made) = made(&api, json!({"url": receiver.url("/in"), "event": "a.b", "template": template})).await;
    assert_eq!(made["payload_format"], "template");
    api.publish("a.b", json!({"who": "a \"b\"", "n": 3})).await;
    let got = receiver.wait_for(1, SOON).await.remove(0);
    assert_eq!(serde_json::from_slice::<Value>(&got.body).unwrap(), json!({"text": "a.b: a \"b\"", "n": 3}));
    assert_eq!(got.headers["content-type"], "application/json");

    let tried =
        json!({"template": "{{ data.n }} for {{ type }}", "template_content_type": "text/plain", "payload": {"n": 1}});
    let preview = api.post(&format!("{path}/preview"), &tried).await.ok(200);
    assert_eq!(preview["body"], "1 for a.b");
    assert!(preview["headers"].as_array().unwrap().contains(&json!({"name": "content-type", "value": "text/plain"})));
    let rules = api.post(&format!("{path}/preview"), &json!({"template": "{{ a ~ b }}"})).await.rules();
    assert_eq!(rules, [("template".to_owned(), "template_syntax".to_owned())]);

    api.patch(&path, &json!({"template": "{\"n\": {{ data.n }}"})).await.ok(200);
    let event = api.publish("a.b", json!({"n": 1})).await;
    let failed = api.wait_for_status(&api.delivery_of(&event).await, "failed").await;
    assert_eq!(failed["last_error_kind"], "template_error");
    assert_eq!(receiver.requests().len(), 1);
    api.patch(&path, &json!({"payload_format": "raw"})).await.ok(200);
    api.publish("a.b", json!({"n": 5})).await;
    assert_eq!(receiver.wait_for(2, SOON).await[1].body, r#"{"n": 5}"#);
}

#[tokio::test]
async fn own_codes_say_what_counts_as_delivered() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(302));
    let body = json!({"url": receiver.url("/in"), "event": "a.b", "success_codes": [302], "max_retries": 0});
    let (path, _) = made(&api, body).await;
    let event = api.publish("a.b", json!({})).await;
    api.wait_for_status(&api.delivery_of(&event).await, "delivered").await;
    api.patch(&path, &json!({"success_codes": [200]})).await.ok(200);
    let event = api.publish("a.b", json!({})).await;
    api.wait_for_status(&api.delivery_of(&event).await, "abandoned").await;
}

#[tokio::test]
async fn a_test_send_is_one_real_request_and_shows_the_answer() {
    let serving = Serving::start().await;
    let (tenant, api) = serving.tenant("a").await;
    let receiver = Receiver::start(|path, _| if path == "/bad" { Answer::status(500).body("no") } else { well("", 0) });
    let (path, made) = made(&api, json!({"url": receiver.url("/in"), "events": ["invoice.*"], "active": false})).await;
    let test = api.act(&format!("{path}/test")).await.ok(200);
    assert_eq!(
        (&test["delivered"], &test["status_code"], &test["response_body"]),
        (&json!(true), &json!(200), &json!("thanks"))
    );
    assert!(test["response_headers"].as_array().unwrap().contains(&json!({"name": "x-trace", "value": "t1"})));
    let got = receiver.wait_for(1, SOON).await.remove(0);
    standardwebhooks::Webhook::new(made["secret"].as_str().unwrap()).unwrap().verify(&got.body, &got.headers).unwrap();
    let sent: Value = serde_json::from_slice(&got.body).unwrap();
    assert_eq!((sent["event"].as_str().unwrap().starts_with("invoice."), &sent["tenant_id"]), (true, &json!(tenant)));
    assert_eq!(test["request_body"].as_str().unwrap().as_bytes(), &got.body[..]);
    assert_eq!(test["id"], sent["id"]);

    let given = json!({"event": "invoice.paid", "payload": {"n": 1}, "resource_type": "invoice", "resource_id": "7"});
    let test = api.post(&format!("{path}/test"), &given).await.ok(200);
    assert!(test["request_body"].as_str().unwrap().contains(r#""resource_id":"7","data":{"n": 1}"#), "{test}");
    let stored = api.publish("invoice.sent", json!({"stored": true})).await;
    let test = api.post(&format!("{path}/test"), &json!({"event_id": stored})).await.ok(200);
    assert!(test["request_body"].as_str().unwrap().contains(r#"{"stored": true}"#), "{test}");

    api.patch(&path, &json!({"url": receiver.url("/bad")})).await.ok(200);
    let test = api.act(&format!("{path}/test")).await.ok(200);
    assert_eq!(
        (&test["delivered"], &test["error_kind"], &test["response_body"]),
        (&json!(false), &json!("server_error"), &json!("no"))
    );
    api.patch(&path, &json!({"url": "http://127.0.0.1:1/closed"})).await.ok(200);
    let test = api.act(&format!("{path}/test")).await.ok(200);
    assert_eq!((&test["status_code"], &test["error_kind"]), (&json!(null), &json!("connect")));
    assert_eq!(serving.world.count("SELECT count(*) FROM posthorn.webhook_deliveries").await, 0);
    let rules = api.post(&format!("{path}/test"), &json!({"event_id": stored, "event": "a.b", "x": 1})).await.rules();
    assert_eq!(rules.len(), 2, "{rules:?}");
}

/// Forms that requests have, as fields of a subscription.
fn forms() -> Vec<Value> {
    vec![
        json!({}),
        json!({"payload_format": "gestiq", "header_families": ["gestiq"]}),
        json!({"payload_format": "dotmac", "header_families": ["dotmac"]}),
        json!({"payload_format": "cloudevents"}),
        json!({"payload_format": "cloudevents_binary"}),
        json!({"payload_format": "raw"}),
        json!({"template": "[{{ id }}, {{ timestamp }}]"}),
        json!({"batch_max": 1}),
        json!({"signing": "none"}),
    ]
}

#[tokio::test]
async fn a_preview_of_a_stored_event_is_what_was_sent_of_it() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let (_, other) = serving.tenant("b").await;
    let receiver = Receiver::start(well);
    let mut paths = Vec::new();
    for (n, form) in forms().into_iter().enumerate() {
        let mut body = json!({"url": receiver.url(&format!("/{n}")), "event": "a.b"});
        body.as_object_mut().unwrap().extend(form.as_object().unwrap().clone());
        paths.push(made(&api, body).await.0);
    }
    let event = json!({"event": "a.b", "payload": {"n": 1e3}, "resource_type": "invoice", "resource_id": "7", "metadata": {"a": "b"}});
    let event = id_of(&api.post("/events", &event).await.ok(201));
    let sent = receiver.wait_for(paths.len(), SOON).await;
    let tried = json!({"event_id": event});
    for (n, path) in paths.iter().enumerate() {
        let sent = sent.iter().find(|request| request.path == format!("/{n}")).unwrap();
        let before = OffsetDateTime::now_utc().unix_timestamp();
        let preview = api.post(&format!("{path}/preview"), &tried).await.ok(200);
        assert_eq!(preview["body"].as_str().unwrap().as_bytes(), &sent.body[..], "{n}");
        let shown = preview["headers"].as_array().unwrap();
        assert_eq!(
            shown.len(),
            sent.headers.len() - 2,
            "all but host and content-length: {preview} {:?}",
            sent.headers
        );
        for header in shown {
            let (name, value) = (header["name"].as_str().unwrap(), header["value"].as_str().unwrap());
            let was = sent.headers[name].to_str().unwrap();
            match name {
                "webhook-timestamp" => assert!(value.parse::<i64>().unwrap() >= before, "{value}, {before}"),
                _ if value.contains("<hidden>") => {}
                _ => assert_eq!(value, was, "{n}: {name}"),
            }
        }
        other.post(&format!("{path}/preview"), &tried).await.problem(404, "not-found");
    }
    // its time is its own, and the signature's is now
    let aged = "UPDATE posthorn.outbox SET created_at = '2026-01-02T03:04:05.678Z' WHERE id = $1";
    serving.world.db.execute(aged, &[&event.parse::<uuid::Uuid>().unwrap()]).await.unwrap();
    let (foreign, _) = made(&other, json!({"url": receiver.url("/other"), "event": "a.b"})).await;
    other.post(&format!("{foreign}/preview"), &tried).await.problem(404, "not-found");
    let before = OffsetDateTime::now_utc().unix_timestamp();
    let preview = api.post(&format!("{}/preview", paths[0]), &tried).await.ok(200);
    let body: Value = serde_json::from_str(preview["body"].as_str().unwrap()).unwrap();
    assert_eq!(body["timestamp"], "2026-01-02T03:04:05.678000Z");
    let headers = preview["headers"].as_array().unwrap();
    let stamp = headers.iter().find(|header| header["name"] == "webhook-timestamp").unwrap();
    assert!(stamp["value"].as_str().unwrap().parse::<i64>().unwrap() >= before, "{preview}");
    for (wrong, rule) in
        [(json!({"event_id": "x"}), "type"), (json!({"event_id": event, "event": "a.b"}), "event_or_id")]
    {
        let rules = api.post(&format!("{}/preview", paths[0]), &wrong).await.rules();
        assert_eq!(rules, [("event_id".to_owned(), rule.to_owned())]);
    }
    let nobodys = json!({"event_id": uuid::Uuid::now_v7()});
    api.post(&format!("{}/preview", paths[0]), &nobodys).await.problem(404, "not-found");
    // of no stored one, it has an id and a time of its own
    let sample = api.act(&format!("{}/preview", paths[0])).await;
    assert!(!sample.text.contains(&event), "{}", sample.text);
}

#[tokio::test]
async fn without_a_dispatcher_a_test_send_says_so() {
    let serving = Serving::with(&[("POSTHORN_ROLE", "api"), ("WEBHOOK_TIMEOUT_SECONDS", "1")]).await;
    let (_, api) = serving.tenant("a").await;
    let (path, _) = made(&api, json!({"url": "https://a.example/in", "event": "a.b"})).await;
    api.act(&format!("{path}/test")).await.problem(503, "no-dispatcher");
    api.act(&format!("{path}/preview")).await.ok(200);
}
