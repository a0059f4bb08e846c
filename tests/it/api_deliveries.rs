//! Deliveries over HTTP: enqueue, list, read with attempts, retry (R6–R9).

use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::api::id_of;
use crate::harness::{Answer, Receiver, SOON, Serving};

fn ids(page: &Value) -> Vec<String> {
    page["data"].as_array().unwrap().iter().map(id_of).collect()
}

#[tokio::test]
async fn enqueueing_counts_and_refuses_what_nobody_wants() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(204));
    let body = json!({"event": " Invoice.Created ", "payload": {"n": 1}});
    api.post("/deliveries", &body).await.problem(404, "not-found");
    assert_eq!(serving.world.count("SELECT count(*) FROM posthorn.outbox").await, 0, "a refused event is stored");
    let accepted = api.post("/deliveries?strict=false", &body).await.ok(202);
    assert_eq!(accepted["count"], 0);
    api.get(&format!("/events/{}", accepted["event_id"].as_str().unwrap())).await.ok(200);

    for (path, event) in [("/1", "invoice.created"), ("/2", "invoice.*"), ("/3", "*"), ("/4", "payment.*")] {
        api.subscribe(&receiver.url(path), event).await;
    }
    let off = json!({"url": receiver.url("/off"), "event": "ticket.closed", "active": false});
    api.post("/subscriptions", &off).await.ok(201);
    let accepted = api.post("/deliveries", &body).await.ok(202);
    assert_eq!(accepted["count"], 3);
    let requests = receiver.wait_for(3, SOON).await;
    let mut paths: Vec<&str> = requests.iter().map(|request| request.path.as_str()).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["/1", "/2", "/3"]);
    for request in &requests {
        assert_eq!(request.headers["webhook-id"], accepted["event_id"].as_str().unwrap());
    }
    api.post("/deliveries?strict=true", &json!({"event": "posthorn.x", "payload": {}})).await.rules();
    api.post("/deliveries?strict=perhaps", &body).await.rules();
}

#[tokio::test]
async fn a_list_is_newest_first_and_of_what_is_asked_for() {
    let serving = Serving::with(&[("WEBHOOK_RETRY_SCHEDULE", "1h")]).await;
    let (_, api) = serving.tenant("a").await;
    let receiver = Receiver::start(|path, _| match path {
        "/ok" => Answer::status(200),
        "/busy" => Answer::status(503),
        _ => Answer::status(400).body("no such thing"),
    });
    let mut made = Vec::new();
    let mut subscriptions = Vec::new();
    let mut events = Vec::new();
    for (path, event, status) in
        [("/ok", "a.one", "delivered"), ("/busy", "a.two", "retrying"), ("/never", "a.three", "failed")]
    {
        subscriptions.push(id_of(&api.subscribe(&receiver.url(path), event).await));
        events.push(api.publish(event, json!({})).await);
        made.push(api.delivery_of(events.last().unwrap()).await);
        api.wait_for_status(made.last().unwrap(), status).await;
    }
    for (query, want) in [
        (String::new(), &[2, 1, 0][..]),
        ("?status=delivered".to_owned(), &[0]),
        ("?status=FAILED".to_owned(), &[2]),
        ("?status=Retrying".to_owned(), &[1]),
        ("?status=abandoned".to_owned(), &[]),
        ("?event=A.Two".to_owned(), &[1]),
        ("?event=a.two&status=failed".to_owned(), &[]),
        (format!("?subscription_id={}", subscriptions[0]), &[0]),
        (format!("?event_id={}", events[2]), &[2]),
        (format!("?event_id={}&subscription_id={}", events[2], subscriptions[0]), &[]),
    ] {
        let page = api.get(&format!("/deliveries{query}")).await.ok(200);
        let want: Vec<&String> = want.iter().map(|n| &made[*n]).collect();
        assert_eq!(ids(&page).iter().collect::<Vec<_>>(), want, "{query}");
    }
    let failed = api.get("/deliveries?status=failed").await.ok(200)["data"][0].clone();
    assert_eq!(failed["last_status_code"], 400);
    assert!(failed["last_error"].as_str().unwrap().contains("400"), "{failed}");
    assert_eq!(failed["target_url"], receiver.url("/never"));

    let first = api.get("/deliveries?limit=2").await.ok(200);
    assert_eq!(ids(&first), [made[2].clone(), made[1].clone()]);
    let cursor = first["next_cursor"].as_str().unwrap();
    let last = api.get(&format!("/deliveries?limit=2&cursor={cursor}")).await.ok(200);
    assert_eq!((ids(&last), &last["next_cursor"]), (vec![made[0].clone()], &Value::Null));

    let wrong = api.get("/deliveries?status=lost&cursor=x&event=y").await;
    assert_eq!(wrong.rules().len(), 3, "{}", wrong.text);
    let unknown = api.get("/deliveries?status=lost").await;
    assert_eq!(unknown.rules(), [("status".to_owned(), "unknown_word".to_owned())]);
    assert!(unknown.text.contains("pending, sending, retrying, delivered, failed, abandoned, cancelled"));
    for query in
        ["status=", "event=x", "event_id=1", "subscription_id=x", "limit=-1", "limit=1e3", "cursor=", "cursor=AAAA"]
    {
        assert_eq!(api.get(&format!("/deliveries?{query}")).await.rules().len(), 1, "{query}");
    }
}

#[tokio::test]
async fn pages_over_many_deliveries_have_neither_gap_nor_repeat() {
    let serving = Serving::start().await;
    let (tenant, api) = serving.tenant("a").await;
    let off = json!({"url": "https://receiver.example/", "event": "a.b"});
    api.post("/subscriptions", &off).await.ok(201);
    let publish = "INSERT INTO posthorn.outbox (tenant_id, event, payload, deliver_after)
                   SELECT $1, 'a.b', '{}', now() + interval '1 day' FROM generate_series(1, 250)";
    serving.world.db.execute(publish, &[&tenant]).await.unwrap();
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    for _ in 0..3 {
        let page = api.get(&format!("/deliveries?{cursor}")).await.ok(200);
        seen.extend(ids(&page));
        serving.world.db.execute(publish, &[&tenant]).await.unwrap();
        cursor = page["next_cursor"].as_str().map(|c| format!("cursor={c}")).unwrap_or_default();
    }
    assert_eq!((seen.len(), cursor.as_str()), (250, ""));
    assert!(seen.is_sorted_by(|newer, older| newer > older), "repeated or out of order");
}

#[tokio::test]
async fn a_failed_delivery_is_retried_as_a_new_generation_and_keeps_its_history() {
    let serving = Serving::start().await;
    let (tenant, api) = serving.tenant("a").await;
    let receiver = Receiver::start(|_, nth| match nth {
        0 => Answer::status(400).header("x-why", "because").body("{\"error\": \"bad\"}"),
        _ => Answer::status(200).body("thanks"),
    });
    let subscription = id_of(&api.subscribe(&receiver.url("/in"), "a.b").await);
    let event = api.publish("a.b", json!({"amount": "1500.00"})).await;
    let delivery = api.delivery_of(&event).await;
    let failed = api.wait_for_status(&delivery, "failed").await;
    assert_eq!((&failed["generation"], &failed["attempts"]), (&json!(0), &json!(1)));

    let retried = api.act(&format!("/deliveries/{delivery}/retry")).await.ok(202);
    assert_eq!((&retried["generation"], &retried["attempts"]), (&json!(1), &json!(0)));
    assert_eq!((&retried["status"], &retried["finished_at"]), (&json!("pending"), &Value::Null));
    let record = api.wait_for_status(&delivery, "delivered").await;
    assert_eq!((&record["id"], &record["event_id"]), (&json!(delivery), &json!(event)));
    assert_eq!((&record["tenant_id"], &record["subscription_id"]), (&json!(tenant), &json!(subscription)));
    assert_eq!((&record["generation"], &record["attempts"]), (&json!(1), &json!(1)));
    assert_eq!((&record["event"], &record["payload"]), (&json!("a.b"), &json!({"amount": "1500.00"})));

    let attempts = record["attempt_history"].as_array().unwrap();
    assert_eq!(attempts.len(), 2);
    for (attempt, (generation, code, body)) in
        attempts.iter().zip([(0, 400, "{\"error\": \"bad\"}"), (1, 200, "thanks")])
    {
        assert_eq!((&attempt["generation"], &attempt["number"]), (&json!(generation), &json!(1)), "{attempt}");
        assert_eq!((&attempt["status_code"], &attempt["response_body"]), (&json!(code), &json!(body)), "{attempt}");
        assert_eq!((&attempt["target_url"], attempt["error"].is_null()), (&json!(receiver.url("/in")), code == 200));
        assert!(attempt["started_at"].as_str().unwrap().ends_with('Z'), "{attempt}");
    }
    assert!(attempts[0]["response_headers"].to_string().contains("because"), "{}", attempts[0]);
    let requests = receiver.requests();
    assert_eq!(requests[0].body, requests[1].body);
    assert_eq!(requests[0].headers["webhook-id"], requests[1].headers["webhook-id"]);

    api.act(&format!("/deliveries/{delivery}/retry")).await.ok(202);
    let again = api.wait_for_status(&delivery, "delivered").await;
    assert_eq!((&again["generation"], again["attempt_history"].as_array().unwrap().len()), (&json!(2), 3));
}

#[tokio::test]
async fn a_delivery_that_waits_for_its_retry_can_be_sent_now() {
    let serving = Serving::with(&[("WEBHOOK_RETRY_SCHEDULE", "1h")]).await;
    let (_, api) = serving.tenant("a").await;
    let receiver = Receiver::start(|_, nth| Answer::status(if nth == 0 { 503 } else { 200 }));
    api.subscribe(&receiver.url("/in"), "a.b").await;
    let delivery = api.delivery_of(&api.publish("a.b", json!({})).await).await;
    api.wait_for_status(&delivery, "retrying").await;
    api.act(&format!("/deliveries/{delivery}/retry")).await.ok(202);
    api.wait_for_status(&delivery, "delivered").await;
}

#[tokio::test]
async fn what_is_being_sent_cannot_be_retried() {
    let serving = Serving::with(&[("WEBHOOK_TIMEOUT_SECONDS", "300")]).await;
    let (_, api) = serving.tenant("a").await;
    let receiver = Receiver::start(|_, _| Answer::status(200).after(Duration::from_secs(300)));
    api.subscribe(&receiver.url("/slow"), "a.b").await;
    let delivery = api.delivery_of(&api.publish("a.b", json!({})).await).await;
    receiver.wait_for(1, SOON).await;
    assert_eq!(api.get(&format!("/deliveries/{delivery}")).await.ok(200)["status"], "sending");
    api.act(&format!("/deliveries/{delivery}/retry")).await.problem(409, "conflict");
    assert_eq!(api.get(&format!("/deliveries/{delivery}")).await.ok(200)["generation"], 0);
}

#[tokio::test]
async fn what_nobody_would_receive_cannot_be_retried() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let receiver = Receiver::start(|path, _| Answer::status(if path == "/gone" { 410 } else { 204 }));
    let gone = id_of(&api.subscribe(&receiver.url("/gone"), "a.gone").await);
    let deleted = id_of(&api.subscribe(&receiver.url("/ok"), "a.ok").await);
    let failed = api.delivery_of(&api.publish("a.gone", json!({})).await).await;
    let delivered = api.delivery_of(&api.publish("a.ok", json!({})).await).await;
    api.wait_for_status(&failed, "failed").await;
    api.wait_for_status(&delivered, "delivered").await;
    let suspended = api.get(&format!("/subscriptions/{gone}")).await.ok(200);
    assert_eq!((&suspended["status"], &suspended["active"]), (&json!("suspended"), &json!(false)));
    assert!(suspended["status_reason"].as_str().unwrap().contains("410"), "{suspended}");
    api.delete(&format!("/subscriptions/{deleted}")).await.ok(204);

    for (delivery, word) in [(failed, "suspended"), (delivered, "deleted")] {
        let refused = api.act(&format!("/deliveries/{delivery}/retry")).await.problem(409, "conflict");
        assert!(refused["detail"].as_str().unwrap().contains(word), "{refused}");
        assert_eq!(api.get(&format!("/deliveries/{delivery}")).await.ok(200)["generation"], 0);
    }
    for id in [Uuid::now_v7(), Uuid::nil()] {
        api.act(&format!("/deliveries/{id}/retry")).await.problem(404, "not-found");
    }
}
