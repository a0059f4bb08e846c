//! What lists and overviews show: statistics of several subscriptions at once, and what waits for all.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::api::id_of;
use crate::harness::{Answer, Receiver, SOON, Serving, eventually};

fn ids(text: &[&str]) -> String {
    format!("/statistics/subscriptions?subscription_ids={}", text.join(","))
}

#[tokio::test]
async fn one_request_tells_of_a_page_of_subscriptions() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let (_, other) = serving.tenant("b").await;
    let good = Receiver::start(|_, _| Answer::status(204));
    let bad = Receiver::start(|_, _| Answer::status(500));
    let fine = id_of(&api.subscribe(&good.url("/"), "a.b").await);
    let failing = id_of(&api.subscribe(&bad.url("/"), "a.b").await);
    let paused = id_of(&api.subscribe("https://receiver.example/", "c.d").await);
    api.publish("a.b", json!({"n": 1})).await;
    let later = json!({"event": "c.d", "payload": {}, "deliver_after": "2999-01-01T00:00:00Z"});
    api.post("/events", &later).await.ok(201);
    api.act(&format!("/subscriptions/{paused}/disable")).await.ok(200);
    let nobodys = Uuid::now_v7().to_string();
    let path = ids(&[&failing, &nobodys, &fine, &paused, &fine]);
    // it goes on failing while we look
    let counted = |page: &Value| {
        let totals = [0, 1].map(|index| &page["data"][index]["totals"]);
        totals[1]["delivered"] == 1 && totals[0]["retried"].as_i64().unwrap() >= 1
    };
    eventually("the figures are there", SOON, async || counted(&api.get(&path).await.ok(200))).await;

    let page = api.get(&path).await.ok(200);
    let shown: Vec<&str> =
        page["data"].as_array().unwrap().iter().map(|row| row["subscription_id"].as_str().unwrap()).collect();
    assert_eq!(shown, [&failing, &fine, &paused], "those that there are, in the order asked for, each once");
    let [bad, good, waiting] = [0, 1, 2].map(|index| &page["data"][index]);
    assert_eq!(
        (&good["health"]["state"], &good["totals"]["success_rate"], &good["waiting"]),
        (&json!("healthy"), &json!(1.0), &json!(0))
    );
    assert!(good["health"]["last_delivered_at"].is_string() && good["oldest_due_at"].is_null(), "{good}");
    assert!(bad["health"]["last_failed_at"].is_string(), "{bad}");
    assert_eq!((&bad["waiting"], &bad["waits_for_more"]), (&json!(1), &json!(false)));
    assert_eq!((&waiting["health"]["state"], &waiting["waiting"]), (&json!("paused"), &json!(1)));
    assert_eq!((&waiting["totals"]["attempts"], &waiting["totals"]["success_rate"]), (&json!(0), &Value::Null));
    assert_eq!(waiting["health"]["subscription_id"], paused.as_str());

    let foreign = other.get(&path).await.ok(200);
    assert_eq!(foreign["data"], json!([]), "nothing of another tenant's, as of nobody's");
    let own = id_of(&other.subscribe("https://receiver.example/", "a.b").await);
    let mixed = other.get(&ids(&[&failing, &own, &nobodys])).await.ok(200);
    let shown = mixed["data"].as_array().unwrap();
    assert_eq!((shown.len(), &shown[0]["subscription_id"]), (1, &json!(own)), "{mixed}");
    assert_eq!((&shown[0]["waiting"], &shown[0]["totals"]["attempts"]), (&json!(0), &json!(0)));
}

#[tokio::test]
async fn ids_are_checked() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let many: Vec<String> = (0..101).map(|_| Uuid::now_v7().to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    api.get(&ids(&many[1..])).await.ok(200);
    let twice = [&many[1..], &many[1..]].concat();
    assert_eq!(api.get(&ids(&twice)).await.ok(200)["data"], json!([]), "each counts once");
    for (path, rule) in [
        (ids(&many), "count"),
        (ids(&["x"]), "uuid"),
        (ids(&[""]), "uuid"),
        (ids(&[many[0], ""]), "uuid"),
        (ids(&[many[0], "%27%20OR%201=1--"]), "uuid"),
        (ids(&[many[0], &"0".repeat(4000)]), "uuid"),
        (ids(&["%00"]), "uuid"),
    ] {
        assert_eq!(api.get(&path).await.rules(), [("subscription_ids".to_owned(), rule.to_owned())]);
    }
    assert_eq!(api.get("/statistics/subscriptions").await.rules()[0].0, "subscription_ids");
}

#[tokio::test]
async fn more_than_a_thousand_are_not_counted() {
    let serving = Serving::with(&[("POSTHORN_ROLE", "api")]).await;
    let (_, api) = serving.tenant("a").await;
    let id = id_of(&api.subscribe("https://receiver.example/", "a.b").await);
    let publish = "INSERT INTO posthorn.outbox (tenant_id, event, payload)
                   SELECT s.tenant_id, 'a.b', '{}' FROM posthorn.webhook_subscriptions s, generate_series(1, 1001)";
    serving.world.db.execute(publish, &[]).await.unwrap();
    let row = &api.get(&ids(&[&id])).await.ok(200)["data"][0];
    assert_eq!((&row["waiting"], &row["waits_for_more"]), (&json!(1000), &json!(true)));
    let backlog = api.get("/statistics/backlog").await.ok(200);
    assert_eq!((&backlog["waiting"], &backlog["waits_for_more"]), (&json!(1001), &json!(false)));
    assert_eq!(backlog["dispatchers_alive"], 0, "{backlog}");
    assert!(backlog["oldest_due_at"].is_string(), "{backlog}");
    let (_, other) = serving.tenant("b").await;
    let backlog = other.get("/statistics/backlog").await.ok(200);
    assert_eq!(
        (&backlog["waiting"], &backlog["oldest_due_at"]),
        (&json!(0), &Value::Null),
        "nothing of another tenant's"
    );
}

#[tokio::test]
async fn the_backlog_is_the_tenants_own() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let (_, other) = serving.tenant("b").await;
    let alive = || async { other.get("/statistics/backlog").await.ok(200)["dispatchers_alive"] == 1 };
    eventually("the dispatcher is seen", SOON, async || alive().await).await;
    let id = id_of(&api.subscribe("https://receiver.example/", "a.b").await);
    let event = json!({"event": "a.b", "payload": {}, "deliver_after": "2999-01-01T00:00:00Z"});
    api.post("/events", &event).await.ok(201);
    let backlog = api.get("/statistics/backlog").await.ok(200);
    assert_eq!((&backlog["waiting"], &backlog["oldest_due_at"]), (&json!(1), &Value::Null), "it is not due yet");
    assert_eq!(other.get("/statistics/backlog").await.ok(200)["waiting"], 0);
    api.delete(&format!("/subscriptions/{id}")).await.ok(204);
    assert_eq!(api.get("/statistics/backlog").await.ok(200)["waiting"], 0);
}
