//! Subscriptions over HTTP: what is accepted, shown, listed, refused and forgotten (R1–R5, R37, R52–R57).

use std::collections::HashSet;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use url::Url;
use uuid::Uuid;

use crate::harness::api::{BASE, id_of};
use crate::harness::{Answer, Api, Receiver, SOON, Serving};

fn ids(page: &Value) -> Vec<String> {
    page["data"].as_array().unwrap().iter().map(id_of).collect()
}

fn rules(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut rules: Vec<_> = expected.iter().map(|(f, r)| ((*f).to_owned(), (*r).to_owned())).collect();
    rules.sort();
    rules
}

#[tokio::test]
async fn a_secret_is_shown_when_it_is_made_and_never_again() {
    let serving = Serving::start().await;
    let (tenant, api) = serving.tenant("a").await;
    let body = json!({"url": " https://Hooks.Example:443/in ", "event": " Invoice.Created ", "description": "billing"});
    let reply = api.post("/subscriptions", &body).await;
    let made = reply.ok(201);

    assert_eq!(made["tenant_id"], tenant.to_string());
    assert_eq!((&made["url"], &made["event"]), (&json!("https://hooks.example/in"), &json!("invoice.created")));
    assert_eq!((&made["events"], &made["description"]), (&json!(["invoice.created"]), &json!("billing")));
    assert_eq!((&made["status"], &made["active"], &made["is_active"]), (&json!("active"), &json!(true), &json!(true)));
    let secret = made["secret"].as_str().unwrap();
    assert!(secret.starts_with("whsec_") && secret.len() > 40, "{secret}");

    let asked = Url::parse("http://posthorn.example").unwrap().join(&format!("{BASE}/subscriptions")).unwrap();
    let location = asked.join(reply.headers["location"].to_str().unwrap()).unwrap();
    assert_eq!(location.path(), format!("{BASE}/subscriptions/{}", id_of(&made)));
    let read = api.at("").get(location.path()).await;
    let list = api.get("/subscriptions").await;
    for reply in [&read, &list] {
        assert!(!reply.text.contains(secret), "{}", reply.text);
    }
    let (mut shown, mut created) = (read.ok(200), made.clone());
    assert_eq!(shown["secret"].take(), "whsec_****");
    created["secret"].take();
    assert_eq!(shown, created);
    assert_eq!(list.ok(200)["data"][0]["secret"], "whsec_****");
}

#[tokio::test]
async fn an_own_secret_signs_every_header_family() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(204));
    let secret = "my-webhook-secret-12345678";
    let body = json!({"url": receiver.url("/own"), "event": "payment.*", "secret": secret});
    assert_eq!(api.post("/subscriptions", &body).await.ok(201)["secret"], secret);
    let event = api.publish("payment.received", json!({"amount": "1500.00"})).await;

    let request = receiver.wait_for(1, SOON).await.remove(0);
    standardwebhooks::Webhook::from_bytes(secret.into()).unwrap().verify(&request.body, &request.headers).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(&request.body);
    let signature = hex::encode(mac.finalize().into_bytes());
    for (name, want) in [
        ("webhook-id", event.as_str()),
        ("x-event", "payment.received"),
        ("x-signature", &format!("sha256={signature}")),
        ("x-webhook-signature", &signature),
        ("x-webhook-event-type", "payment.received"),
        ("x-webhook-event-id", &event),
        ("content-type", "application/json"),
    ] {
        assert_eq!(request.headers[name], want, "{name}");
    }
    assert!(request.headers["user-agent"].to_str().unwrap().starts_with("Posthorn/"));
}

#[tokio::test]
async fn a_generated_secret_signs() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(204));
    let made = api.subscribe(&receiver.url("/generated"), "*").await;
    api.publish("a.b", json!({})).await;
    let request = receiver.wait_for(1, SOON).await.remove(0);
    let webhook = standardwebhooks::Webhook::new(made["secret"].as_str().unwrap()).unwrap();
    webhook.verify(&request.body, &request.headers).unwrap();
}

#[tokio::test]
async fn a_subscription_says_how_it_wants_to_be_served() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(204));
    let wanted = json!({
        "url": receiver.url("/raw"), "events": ["Invoice.*", "payment.failed", "invoice.*"], "signing": "none",
        "payload_format": "raw", "header_families": ["standard"], "success_policy": "gestiq", "timeout_seconds": 300,
        "retry_schedule": [0, 2_592_000], "max_retries": 30, "max_in_flight": 10_000, "active": true,
        "filter": "$.amount > 100", "description": "ñ".repeat(500),
    });
    let made = api.post("/subscriptions", &wanted).await.ok(201);
    assert_eq!((&made["events"], &made["secret"]), (&json!(["invoice.*", "payment.failed"]), &Value::Null));
    assert_eq!(made["filter"], "($.\"amount\" > 100)");
    for field in ["signing", "payload_format", "header_families", "success_policy", "timeout_seconds", "retry_schedule"]
        .into_iter()
        .chain(["max_retries", "max_in_flight", "active", "description"])
    {
        assert_eq!(made[field], wanted[field], "{field}");
    }
    api.publish("invoice.created", json!({"amount": 100})).await;
    api.publish("invoice.created", json!({"amount": 101})).await;
    let request = receiver.wait_for(1, SOON).await.remove(0);
    assert_eq!(request.body, r#"{"amount": 101}"#);
    for name in ["webhook-signature", "x-signature", "x-event", "x-webhook-signature"] {
        assert!(!request.headers.contains_key(name), "{name}");
    }
}

#[tokio::test]
async fn every_failed_rule_is_named_at_once() {
    let serving = Serving::with(&[("WEBHOOK_ALLOW_HTTP", "false")]).await;
    let (_, api) = serving.tenant("a").await;
    let body = json!({
        "url": "http://user:pw@example.com/#x", "events": ["invoice", "ok.ok", "a..b"], "secret": "short",
        "description": "x".repeat(501), "filter": "$.a like_regex \"(a+)+$\"", "payload_format": "xml",
        "header_families": ["svix"], "success_policy": "any", "timeout_seconds": 301, "retry_schedule": [-1],
        "max_retries": 31, "max_in_flight": 0, "signing": "maybe", "active": "yes", "tenant_id": Uuid::now_v7(),
    });
    let mut found = api.post("/subscriptions", &body).await.rules();
    found.sort();
    let want = rules(&[
        ("url", "url_scheme"),
        ("url", "url_userinfo"),
        ("url", "url_fragment"),
        ("events[0]", "event_pattern_format"),
        ("events[2]", "event_pattern_format"),
        ("secret", "secret_length"),
        ("description", "length"),
        ("filter", "filter_like_regex"),
        ("payload_format", "unknown_word"),
        ("header_families[0]", "header_family_unknown"),
        ("success_policy", "unknown_word"),
        ("timeout_seconds", "range"),
        ("retry_schedule", "retry_schedule_range"),
        ("max_retries", "range"),
        ("max_in_flight", "range"),
        ("signing", "unknown_word"),
        ("active", "type"),
        ("tenant_id", "unknown_field"),
    ]);
    assert_eq!(found, want);
    assert_eq!(api.get("/subscriptions?active=all").await.ok(200)["data"], json!([]));
}

#[tokio::test]
async fn single_faults_are_refused_by_their_own_rule() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let url = "https://receiver.example/in";
    let many: Vec<String> = (0..101).map(|n| format!("a.b{n}")).collect();
    for (body, field, rule) in [
        (json!({"event": "a.b"}), "url", "required"),
        (json!({"url": null, "event": "a.b"}), "url", "required"),
        (json!({"url": 1, "event": "a.b"}), "url", "type"),
        (json!({"url": "https://a\u{0}.example/", "event": "a.b"}), "url", "nul"),
        (json!({"url": url}), "events", "events_count"),
        (json!({"url": url, "events": []}), "events", "events_count"),
        (json!({"url": url, "events": many}), "events", "events_count"),
        (json!({"url": url, "events": "a.b"}), "events", "type"),
        (json!({"url": url, "event": "a.b", "events": ["a.c"]}), "events", "event_or_events"),
        (json!({"url": url, "event": "a"}), "event", "event_pattern_format"),
        (json!({"url": url, "event": "a.b\u{0}"}), "event", "nul"),
        (json!({"url": url, "events": ["a.b\u{0}"]}), "events[0]", "event_pattern_format"),
        (json!({"url": url, "event": "x".repeat(101)}), "event", "event_length"),
        (json!({"url": url, "event": "a.b", "secret": ""}), "secret", "secret_length"),
        (json!({"url": url, "event": "a.b", "secret": "x".repeat(501)}), "secret", "secret_length"),
        (json!({"url": url, "event": "a.b", "secret": "with\u{0}nul"}), "secret", "nul"),
        (json!({"url": url, "event": "a.b", "secret": "line\nbreak"}), "secret", "secret_characters"),
        (
            json!({"url": url, "event": "a.b", "secret": "12345678", "signing": "none"}),
            "secret",
            "secret_without_signing",
        ),
        (json!({"url": url, "event": "a.b", "description": "\u{0}"}), "description", "nul"),
        (json!({"url": url, "event": "a.b", "timeout_seconds": 1.5}), "timeout_seconds", "type"),
        (json!({"url": url, "event": "a.b", "timeout_seconds": 99_999_999_999_i64}), "timeout_seconds", "type"),
        (json!({"url": url, "event": "a.b", "retry_schedule": [1, null]}), "retry_schedule", "type"),
        (json!({"url": url, "event": "a.b", "header_families": []}), "header_families", "header_families_empty"),
    ] {
        let found = api.post("/subscriptions", &body).await.rules();
        assert!(found.contains(&(field.to_owned(), rule.to_owned())), "{found:?} for {body}");
    }
    // what is not a whole character is not JSON for anybody
    for body in [&b"{\"url\": \"https://a\\ud800.example/\", \"event\": \"a.b\"}"[..], b"{\"url\": \"https://\xff\"}"] {
        assert_eq!(api.post_bytes("/subscriptions", body.to_vec()).await.status, 400);
    }
}

#[tokio::test]
async fn a_filter_that_is_no_jsonpath_is_refused_in_postgres_words() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let subscribe = async |filter: &str| {
        let body = json!({"url": "https://receiver.example/f", "event": "a.b", "filter": filter, "max_retries": 99});
        api.post("/subscriptions", &body).await
    };
    let deep = format!("{}1{}", "(".repeat(1500), ")".repeat(1500));
    for filter in ["", "$.a >", "'; DROP TABLE x --", "$[", "$.a == \"", &deep] {
        let reply = subscribe(filter).await;
        let rules = reply.rules();
        assert!(rules.contains(&("max_retries".to_owned(), "range".to_owned())), "{filter:?}: {rules:?}");
        if filter == deep {
            continue; // how deep it may be is Postgres's to say
        }
        let body = reply.ok(400);
        let fault = body["errors"].as_array().unwrap().iter().find(|e| e["field"] == "filter").unwrap();
        assert_eq!(fault["rule"], "filter_jsonpath");
        assert!(fault["message"].as_str().unwrap().contains("jsonpath"), "{fault}");
    }
    let words = subscribe("$.a >").await.text;
    assert!(words.contains("syntax error at end of jsonpath input"), "{words}");
    serving.assert_alive().await;
}

#[tokio::test]
async fn the_same_url_and_an_overlapping_event_are_a_duplicate() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let (_, other) = serving.tenant("b").await;
    let url = "https://receiver.example/in";
    let first = id_of(&api.subscribe(url, "invoice.*").await);
    for (url, events) in [
        (url, json!(["invoice.created"])),
        ("HTTPS://Receiver.Example:443/in", json!(["INVOICE.*"])),
        ("https://receiver.example./x/../in", json!(["payment.failed", "*"])),
        (url, json!(["invoice.line.*"])),
    ] {
        let reply = api.post("/subscriptions", &json!({"url": url, "events": events})).await;
        assert_eq!(reply.problem(409, "duplicate-subscription")["existing_id"], first, "{url} {events}");
    }
    api.subscribe(url, "payment.*").await;
    api.subscribe("https://receiver.example/in?x=1", "invoice.*").await;
    api.subscribe(url, "posthorn.*").await;
    other.subscribe(url, "invoice.*").await;
    api.delete(&format!("/subscriptions/{first}")).await.ok(204);
    api.subscribe(url, "invoice.*").await;
}

#[tokio::test]
async fn of_equal_requests_at_once_one_is_created() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let requests = (0..8).map(|n| {
        let event = if n % 2 == 0 { "invoice.*" } else { "invoice.created" };
        let api = api.clone();
        async move { api.post("/subscriptions", &json!({"url": "https://receiver.example/race", "event": event})).await }
    });
    let replies = futures_util::future::join_all(requests).await;
    let made: Vec<String> = replies.iter().filter(|r| r.status == 201).map(|r| id_of(&r.ok(201))).collect();
    assert_eq!(made.len(), 1, "{replies:?}");
    for reply in replies.iter().filter(|reply| reply.status != 201) {
        assert_eq!(reply.problem(409, "duplicate-subscription")["existing_id"], made[0]);
    }
    assert_eq!(ids(&api.get("/subscriptions?active=all").await.ok(200)), made);
}

#[tokio::test]
async fn a_list_is_newest_first_and_of_what_is_asked_for() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let mut made = Vec::new();
    for events in
        [json!(["invoice.created"]), json!(["invoice.*"]), json!(["*"]), json!(["payment.*", "invoice.line.*"])]
    {
        let url = format!("https://receiver.example/{}", made.len());
        made.push(id_of(&api.post("/subscriptions", &json!({"url": url, "events": events})).await.ok(201)));
    }
    let inactive = json!({"url": "https://receiver.example/off", "event": "invoice.created", "active": false});
    made.push(id_of(&api.post("/subscriptions", &inactive).await.ok(201)));

    for (query, want) in [
        ("", &[3, 2, 1, 0][..]),
        ("?active=true", &[3, 2, 1, 0]),
        ("?active=all", &[4, 3, 2, 1, 0]),
        ("?active=false", &[4]),
        ("?event=invoice.created", &[2, 1, 0]),
        ("?event=INVOICE.created&active=all", &[4, 2, 1, 0]),
        ("?event=invoice.line.added", &[3, 2, 1]),
        ("?event=payment.failed", &[3, 2]),
        ("?event=posthorn.endpoint_failing", &[]),
        ("?event=invoice.*", &[1]),
        ("?event=*", &[2]),
    ] {
        let page = api.get(&format!("/subscriptions{query}")).await.ok(200);
        let want: Vec<&String> = want.iter().map(|n| &made[*n]).collect();
        assert_eq!(ids(&page).iter().collect::<Vec<_>>(), want, "{query}");
        assert_eq!(page["next_cursor"], Value::Null, "{query}");
    }
    for query in ["?active=maybe", "?event=invoice", "?event=", "?limit=0", "?limit=501", "?limit=x", "?cursor=x"] {
        assert_eq!(api.get(&format!("/subscriptions{query}")).await.rules().len(), 1, "{query}");
    }
}

#[tokio::test]
async fn pages_have_neither_gap_nor_repeat_while_rows_come() {
    const ROWS: usize = 250;
    let serving = Serving::start().await;
    let (tenant, api) = serving.tenant("a").await;
    let sql = "INSERT INTO posthorn.webhook_subscriptions (tenant_id, url, events, signing)
               SELECT $1, 'https://receiver.example/' || n, '{a.b}', 'none' FROM generate_series(1, 250) n
               RETURNING id::text";
    let rows = serving.world.db.query(sql, &[&tenant]).await.unwrap();
    let there: HashSet<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(there.len(), ROWS);

    let (mut seen, mut cursor, mut pages) = (Vec::new(), None, 0);
    loop {
        let after: String = cursor.map(|c: String| format!("&cursor={c}")).unwrap_or_default();
        let page = api.get(&format!("/subscriptions?limit=40{after}")).await.ok(200);
        seen.extend(ids(&page));
        pages += 1;
        api.subscribe(&format!("https://receiver.example/new{pages}"), "a.b").await;
        match page["next_cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => break,
        }
    }
    assert_eq!(pages, ROWS.div_ceil(40));
    assert!(seen.is_sorted_by(|newer, older| newer > older), "repeated or out of order");
    assert_eq!(seen.into_iter().collect::<HashSet<_>>(), there);
    assert_eq!(ids(&api.get("/subscriptions").await.ok(200)).len(), 100);
}

#[tokio::test]
async fn deleting_cancels_what_waits_and_is_final() {
    let serving = Serving::with(&[("WEBHOOK_RETRY_SCHEDULE", "1h")]).await;
    let (_, api) = serving.tenant("a").await;
    let receiver = Receiver::start(|path, _| Answer::status(if path == "/ok" { 204 } else { 503 }));
    let doomed = id_of(&api.subscribe(&receiver.url("/busy"), "invoice.*").await);
    api.subscribe(&receiver.url("/ok"), "payment.*").await;
    let retrying = api.delivery_of(&api.publish("invoice.created", json!({})).await).await;
    let later = json!({"event": "invoice.sent", "payload": {}, "deliver_after": "2099-01-01T00:00:00Z"});
    let pending = api.delivery_of(&id_of(&api.post("/events", &later).await.ok(201))).await;
    let delivered = api.delivery_of(&api.publish("payment.failed", json!({})).await).await;
    api.wait_for_status(&retrying, "retrying").await;
    api.wait_for_status(&delivered, "delivered").await;

    let path = format!("/subscriptions/{doomed}");
    let reply = api.delete(&path).await;
    assert_eq!((reply.status, reply.text.as_str()), (204, ""));
    for delivery in [&retrying, &pending] {
        let record = api.get(&format!("/deliveries/{delivery}")).await.ok(200);
        assert_eq!(record["status"], "cancelled");
        assert!(record["finished_at"].is_string(), "{record}");
    }
    assert_eq!(
        api.get(&format!("/deliveries/{retrying}")).await.ok(200)["attempt_history"].as_array().unwrap().len(),
        1
    );
    assert_eq!(api.get(&format!("/deliveries/{delivered}")).await.ok(200)["status"], "delivered");

    api.get(&path).await.problem(404, "not-found");
    api.delete(&path).await.problem(404, "not-found");
    let all = api.get("/subscriptions?active=all").await;
    assert!(!all.text.contains(&doomed), "{}", all.text);
    nothing_is_enqueued(&api).await;
    let sql = format!("SELECT count(*) FROM posthorn.webhook_subscriptions WHERE id = '{doomed}' AND secret IS NULL");
    assert_eq!(serving.world.count(&sql).await, 1, "the secret is still there");
}

async fn nothing_is_enqueued(api: &Api) {
    let body = json!({"event": "invoice.created", "payload": {}});
    api.post("/deliveries", &body).await.problem(404, "not-found");
    assert_eq!(api.post("/deliveries?strict=false", &body).await.ok(202)["count"], 0);
}
