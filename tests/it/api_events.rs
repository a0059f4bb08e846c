//! Events over HTTP: what is published arrives as it was said, and what cannot be an event is refused (R53, R55, FAILURES 2.4).

use std::collections::BTreeSet;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::api::id_of;
use crate::harness::{Answer, Receiver, SOON, Serving};

fn of_payload(payload: &str) -> String {
    format!("{{\"event\": \"a.b\", \"payload\": {payload}}}")
}

#[tokio::test]
async fn a_published_event_arrives() {
    let serving = Serving::with(&[("WEBHOOK_SOURCE", "erp")]).await;
    let (tenant, api) = serving.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(204));
    api.subscribe(&receiver.url("/in"), "invoice.*").await;
    let body = json!({
        "event": " Invoice.Created ", "payload": {"amount": "1500.00"}, "resource_type": "invoice", "resource_id": "7",
        "metadata": {"trace": "t1", "source": "forged"},
    });
    let reply = api.post("/events", &body).await;
    let made = reply.ok(201);
    assert_eq!((&made["event"], &made["deliveries"]), (&json!("invoice.created"), &json!(1)));
    assert!(reply.headers["location"].to_str().unwrap().ends_with(&format!("events/{}", id_of(&made))));

    let request = receiver.wait_for(1, SOON).await.remove(0);
    let sent: Value = serde_json::from_slice(&request.body).unwrap();
    for (field, want) in [
        ("id", made["id"].clone()),
        ("type", json!("invoice.created")),
        ("event", json!("invoice.created")),
        ("tenant_id", json!(tenant)),
        ("resource_type", json!("invoice")),
        ("resource_id", json!("7")),
        ("data", json!({"amount": "1500.00"})),
        ("metadata", json!({"trace": "t1", "source": "erp", "tenant_id": tenant, "version": "1.0"})),
    ] {
        assert_eq!(sent[field], want, "{field} of {sent}");
    }
    assert!(sent["timestamp"].as_str().unwrap().ends_with('Z'), "{sent}");

    let read = api.get(&format!("/events/{}", id_of(&made))).await.ok(200);
    for (field, want) in [
        ("event", json!("invoice.created")),
        ("payload", json!({"amount": "1500.00"})),
        ("resource_type", json!("invoice")),
        ("resource_id", json!("7")),
        ("metadata", json!({"trace": "t1", "source": "forged"})),
        ("fanout", json!("done")),
        ("tenant_id", json!(tenant)),
    ] {
        assert_eq!(read[field], want, "{field} of {read}");
    }
}

#[tokio::test]
async fn numbers_keep_their_digits_and_nesting_its_depth() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(204));
    api.subscribe(&receiver.url("/in"), "*").await;
    let deep = format!("{}1.50{}", "{\"a\": ".repeat(500), "}".repeat(500));
    let long = format!("1{}", "0".repeat(400));
    let cases = [
        ("{\"n\": 1e400}".to_owned(), format!("{{\"n\": {long}}}")),
        ("{\"n\": 0.10}".to_owned(), "{\"n\": 0.10}".to_owned()),
        ("{\"n\": 123456789012345678901234567890.123456789}".to_owned(), String::new()),
        ("{\"n\": 9007199254740993}".to_owned(), String::new()),
        ("{\"text\": \"Größe ☃ 💥 \\\\ \\\"\"}".to_owned(), String::new()),
        (deep, String::new()),
    ];
    for (nth, (payload, want)) in cases.into_iter().enumerate() {
        let want = if want.is_empty() { &payload } else { &want };
        let event = id_of(&api.post_bytes("/events", of_payload(&payload)).await.ok(201));
        let requests = receiver.wait_for(nth + 1, SOON).await;
        let request = requests.iter().find(|request| request.headers["webhook-id"] == event);
        let sent = String::from_utf8(request.expect("the event arrives").body.to_vec()).unwrap();
        assert!(sent.contains(want), "{want} is not in {sent}");
        let read = api.get(&format!("/events/{event}")).await;
        assert!(read.status == 200 && read.text.contains(want), "{want} is not in {}", read.text);
        let delivery = api.delivery_of(&event).await;
        assert!(api.get(&format!("/deliveries/{delivery}")).await.text.contains(want));
    }
}

#[tokio::test]
async fn what_postgres_cannot_hold_is_the_callers_fault() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let very_deep = format!("{}1{}", "{\"a\":".repeat(50_000), "}".repeat(50_000));
    for payload in [
        "{\"a\": \"\\u0000\"}",
        "{\"a\\u0000\": 1}",
        "{\"a\": \"\\ud800\"}",
        "{\"a\": \"\\udc00\\ud800\"}",
        "{\"a\": 1e1000000}",
        "{\"a\": 1e-1000000}",
        &very_deep,
    ] {
        let start = &payload[..payload.len().min(40)];
        let problem = api.post_bytes("/events", of_payload(payload)).await;
        assert_eq!(problem.status, 400, "{start}: {}", problem.text);
        problem.problem(400, "validation");
        let metadata = format!("{{\"event\": \"a.b\", \"payload\": {{}}, \"metadata\": {payload}}}");
        api.post_bytes("/events", metadata).await.problem(400, "validation");
        api.post_bytes("/deliveries?strict=false", of_payload(payload)).await.problem(400, "validation");
    }
    assert_eq!(serving.world.count("SELECT count(*) FROM posthorn.outbox").await, 0);
    serving.assert_alive().await;
}

#[tokio::test]
async fn every_failed_rule_of_an_event_is_named_at_once() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let all_wrong = json!({
        "event": "invoice", "payload": [], "resource_type": "a\nb", "resource_id": "", "metadata": "x",
        "deliver_after": "tomorrow", "tenant_id": Uuid::now_v7(), "status": "delivered",
    });
    let found: BTreeSet<(String, String)> = api.post("/events", &all_wrong).await.rules().into_iter().collect();
    let want = [
        ("event", "event_format"),
        ("payload", "object"),
        ("resource_type", "printable"),
        ("resource_id", "printable"),
        ("metadata", "object"),
        ("deliver_after", "time"),
        ("tenant_id", "unknown_field"),
        ("status", "unknown_field"),
    ];
    assert_eq!(found, want.map(|(f, r)| (f.to_owned(), r.to_owned())).into());

    for (body, field, rule) in [
        (json!({}), "event", "required"),
        (json!({"event": "a.b"}), "payload", "required"),
        (json!({"event": "a.b", "payload": null}), "payload", "required"),
        (json!({"event": "a.b", "payload": "x"}), "payload", "object"),
        (json!({"event": "a.b", "payload": 1}), "payload", "object"),
        (json!({"event": "a.b", "payload": true}), "payload", "object"),
        (json!({"event": 1, "payload": {}}), "event", "type"),
        (json!({"event": "", "payload": {}}), "event", "event_length"),
        (json!({"event": "a.*", "payload": {}}), "event", "event_format"),
        (json!({"event": "a.b\r\nX: y", "payload": {}}), "event", "event_format"),
        (json!({"event": "posthorn.x", "payload": {}}), "event", "event_reserved"),
        (json!({"event": "a.b", "payload": {}, "resource_id": "x".repeat(201)}), "resource_id", "printable"),
        (json!({"event": "a.b", "payload": {}, "deliver_after": 1}), "deliver_after", "type"),
        (json!({"event": "a.b", "payload": {}, "unknown": 1}), "unknown", "unknown_field"),
    ] {
        for path in ["/events", "/deliveries?strict=false"] {
            let found = api.post(path, &body).await.rules();
            assert!(found.contains(&(field.to_owned(), rule.to_owned())), "{path} {body}: {found:?}");
        }
    }
    assert_eq!(serving.world.count("SELECT count(*) FROM posthorn.outbox").await, 0);
}

#[tokio::test]
async fn a_time_is_one_that_can_be_stored_and_shown() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    api.subscribe("https://receiver.example/", "a.b").await;
    let at = |time: &str| json!({"event": "a.b", "payload": {}, "deliver_after": time});
    for (time, shown) in [
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
        ("2099-01-01T01:00:00.5+01:00", "2099-01-01T00:00:00.5Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
    ] {
        let event = id_of(&api.post("/events", &at(time)).await.ok(201));
        assert_eq!(api.get(&format!("/events/{event}")).await.ok(200)["deliver_after"], shown);
    }
    assert_eq!(api.get("/deliveries").await.ok(200)["data"].as_array().unwrap().len(), 3);
    for time in [
        "9999-12-31T23:59:59-23:59",
        "0000-12-31T23:59:59Z",
        "0001-01-01T00:00:00+23:59",
        "0000-01-01T00:00:00+23:59",
        "20000-01-01T00:00:00Z",
        "2099-02-30T00:00:00Z",
        "2099-01-01",
        "2099-01-01T00:00:00",
        "infinity",
        "",
    ] {
        let found = api.post("/events", &at(time)).await.rules();
        assert_eq!(found, [("deliver_after".to_owned(), "time".to_owned())], "{time}");
    }
    serving.assert_alive().await;
}

#[tokio::test]
async fn a_payload_beyond_the_limit_is_too_large_however_it_is_written() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let limit = 262_144;
    // {"a": "…"} as PostgreSQL prints it has nine bytes beside the text
    let fits = format!("{{\"a\": \"{}\"}}", "x".repeat(limit - 9));
    api.post_bytes("/events", of_payload(&fits)).await.ok(201);
    let one_more = format!("{{\"a\": \"{}\"}}", "x".repeat(limit - 8));
    // 9 bytes of text each that PostgreSQL prints as 131,072
    let amplified = format!("{{\"a\": [{}]}}", vec!["1e131071"; 100].join(","));
    let large = format!("{{\"a\": \"{}\"}}", "x".repeat(2_000_000));
    for payload in [one_more, amplified, large] {
        for path in ["/events", "/deliveries?strict=false"] {
            api.post_bytes(path, of_payload(&payload)).await.problem(413, "too-large");
        }
    }
    assert_eq!(serving.world.count("SELECT count(*) FROM posthorn.outbox").await, 1);
    serving.assert_alive().await;
}

#[tokio::test]
async fn the_limit_is_a_setting() {
    let serving = Serving::with(&[("WEBHOOK_MAX_PAYLOAD_BYTES", "1024")]).await;
    let (_, api) = serving.tenant("a").await;
    let payload = |bytes: usize| of_payload(&format!("{{\"a\": \"{}\"}}", "x".repeat(bytes - 9)));
    api.post_bytes("/events", payload(1024)).await.ok(201);
    api.post_bytes("/events", payload(1025)).await.problem(413, "too-large");
}
