//! Changing subscriptions over HTTP: PATCH and its ETag, switching off and on, rotating secrets (R12, R13, F5).

use serde_json::{Value, json};
use standardwebhooks::Webhook;

use crate::harness::api::id_of;
use crate::harness::{Answer, Api, Receiver, SOON, Serving, eventually};

async fn made(api: &Api, body: Value) -> (String, Value) {
    let made = api.post("/subscriptions", &body).await.ok(201);
    (format!("/subscriptions/{}", id_of(&made)), made)
}

fn well(_: &str, _: usize) -> Answer {
    Answer::status(204)
}

#[tokio::test]
async fn a_change_touches_what_it_says_and_null_sets_the_default_again() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let body = json!({"url": "https://a.example/in", "events": ["a.b"], "description": "first", "timeout_seconds": 7,
        "metadata": {"team": 1}, "rate_per_second": 2.5, "rate_burst": 9, "max_in_flight": 3, "ordered": true,
        "batch_max": 10, "batch_wait_ms": 50, "circuit_failures": 4, "circuit_failure_ratio": 0.25, "circuit_seconds": 60,
        "suspend_after_seconds": 0, "success_codes": [200, 302], "retry_preset": "gestiq"});
    let (path, first) = made(&api, body.clone()).await;
    for (field, value) in body.as_object().unwrap().iter().filter(|(field, _)| *field != "retry_preset") {
        assert_eq!(&first[field], value, "{field}");
    }
    assert_eq!(first["retry_schedule"], json!([1, 2, 4]));

    let change = json!({"description": null, "timeout_seconds": 9, "events": ["a.*", "b.c"], "rate_per_second": null, "rate_burst": null});
    let changed = api.patch(&path, &change).await.ok(200);
    let mut want = first.clone();
    for (field, value) in [
        ("description", json!(null)),
        ("timeout_seconds", json!(9)),
        ("events", json!(["a.*", "b.c"])),
        ("event", json!("a.*")),
        ("rate_per_second", json!(null)),
        ("rate_burst", json!(null)),
        ("updated_at", changed["updated_at"].clone()),
        ("secret", json!("whsec_****")),
    ] {
        want[field] = value;
    }
    assert_eq!(changed, want);
    assert_eq!(api.get(&path).await.ok(200), want);
    assert_eq!(api.patch(&path, &json!({})).await.ok(200)["events"], json!(["a.*", "b.c"]));
}

#[tokio::test]
async fn a_change_that_breaks_rules_names_them_all_and_changes_nothing() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let (path, _) = made(&api, json!({"url": "https://a.example/in", "event": "a.b"})).await;
    let before = api.get(&path).await.text;
    let body = json!({"url": null, "events": [], "filter": "$.a ==", "rate_burst": 5, "batch_wait_ms": 10, "ordered": "yes",
        "success_codes": [404], "metadata": [], "headers": {"Host": "x"}, "credentials": {"type": "digest"},
        "client_key": "x", "retry_preset": "daily", "template": "{% set x = 1 %}", "signature": "rsa", "active": false,
        "circuit_failure_ratio": 1.5});
    let mut fields: Vec<String> = api.patch(&path, &body).await.rules().into_iter().map(|(field, _)| field).collect();
    fields.sort();
    fields.dedup();
    let want = [
        "active",
        "batch_wait_ms",
        "circuit_failure_ratio",
        "client_key",
        "credentials",
        "events",
        "filter",
        "headers.Host",
        "metadata",
        "ordered",
        "rate_burst",
        "retry_preset",
        "signature",
        "success_codes",
        "template",
        "url",
    ];
    assert_eq!(fields, want);
    assert_eq!(api.get(&path).await.text, before);
}

#[tokio::test]
async fn a_filter_that_walks_within_a_walk_is_refused_but_stays_where_it_is() {
    let serving = Serving::start().await;
    let (tenant, api) = serving.tenant("a").await;
    let dear = "exists($.** ? (exists($.** ? (@ == -1))))";
    let older = serving.world.subscribe_filtered(tenant, dear).await;
    let path = format!("/subscriptions/{older}");
    assert_eq!(api.patch(&path, &json!({"description": "older"})).await.ok(200)["description"], "older");
    let refused = api.patch(&path, &json!({"filter": dear})).await;
    assert_eq!(refused.rules(), [("filter".to_owned(), "filter_cost".to_owned())], "{}", refused.text);
}

#[tokio::test]
async fn a_change_meant_for_another_state_is_refused() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let (path, _) = made(&api, json!({"url": "https://a.example/in", "event": "a.b"})).await;
    let read = api.get(&path).await;
    let etag = read.headers["etag"].to_str().unwrap().to_owned();
    let meant = api.clone().with("if-match", &etag);
    let changed = meant.patch(&path, &json!({"description": "mine"})).await;
    assert_ne!(changed.headers["etag"].to_str().unwrap(), etag);
    meant.patch(&path, &json!({"description": "theirs"})).await.problem(412, "changed-meanwhile");
    assert_eq!(api.get(&path).await.ok(200)["description"], "mine");
    api.clone().with("if-match", "*").patch(&path, &json!({"description": "any"})).await.ok(200);
    let rules = api.clone().with("if-match", "nonsense").patch(&path, &json!({})).await.rules();
    assert_eq!(rules, [("If-Match".to_owned(), "etag".to_owned())]);
}

#[tokio::test]
async fn a_change_cannot_make_a_duplicate() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let (_, first) = made(&api, json!({"url": "https://a.example/in", "event": "a.b"})).await;
    let (path, _) = made(&api, json!({"url": "https://a.example/in", "event": "c.d"})).await;
    let refused = api.patch(&path, &json!({"events": ["c.d", "a.*"]})).await.problem(409, "duplicate-subscription");
    assert_eq!(refused["existing_id"], first["id"]);
    api.patch(&path, &json!({"events": ["c.*"]})).await.ok(200);
}

#[tokio::test]
async fn a_subscription_that_plain_sql_deletes_at_this_moment_is_not_found() {
    let serving = Serving::start().await;
    let (tenant, api) = serving.tenant("a").await;
    let deleting = serving.world.client_of(tenant).await;
    for change in [json!({"description": "late"}), json!({"secret": "my-own-secret-12345678"})] {
        let (path, made) = made(&api, json!({"url": "https://a.example/in", "event": "a.b"})).await;
        deleting.batch_execute("BEGIN").await.unwrap();
        let delete = format!("SELECT posthorn.delete_subscription('{}')", id_of(&made));
        deleting.batch_execute(&delete).await.unwrap();
        let late = async {
            let waits = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
                             AND wait_event_type = 'Lock')";
            // not before the change has read the subscription and wants to write
            eventually("the change waits for the delete", SOON, async || {
                serving.world.db.query_one(waits, &[]).await.unwrap().get(0)
            })
            .await;
            deleting.batch_execute("COMMIT").await.unwrap();
        };
        let (reply, ()) = tokio::join!(api.patch(&path, &change), late);
        reply.problem(404, "not-found");
        api.get(&path).await.problem(404, "not-found");
    }
    serving.assert_alive().await;
}

#[tokio::test]
async fn what_waits_while_it_is_off_goes_when_it_is_on() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let receiver = Receiver::start(|_, n| Answer::status(if n == 0 { 503 } else { 204 }));
    let body = json!({"url": receiver.url("/in"), "event": "a.b", "retry_schedule": [0, 0, 0, 0, 1]});
    let (path, _) = made(&api, body).await;
    let event = api.publish("a.b", json!({})).await;
    let delivery = api.delivery_of(&event).await;
    receiver.wait_for(1, SOON).await;
    api.act(&format!("{path}/disable")).await.ok(200);
    api.act(&format!("{path}/disable")).await.ok(200);
    let off = api.get(&path).await.ok(200);
    assert_eq!((&off["status"], &off["active"]), (&json!("inactive"), &json!(false)));
    let on = api.act(&format!("{path}/enable")).await.ok(200);
    assert_eq!((&on["status"], &on["status_reason"]), (&json!("active"), &json!(null)));
    api.wait_for_status(&delivery, "delivered").await;
}

#[tokio::test]
async fn both_secrets_sign_until_the_overlap_ends() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let receiver = Receiver::start(well);
    let (path, first) = made(&api, json!({"url": receiver.url("/in"), "event": "a.b"})).await;
    let rotate = format!("{path}/rotate-secret");
    let second = api.act(&rotate).await.ok(200);
    let (old, new) = (first["secret"].as_str().unwrap(), second["secret"].as_str().unwrap());
    assert!(new.starts_with("whsec_") && new != old && !new.contains('*'));
    assert!(second["previous_secret_until"].is_string());
    assert_eq!(api.get(&path).await.ok(200)["secret"], "whsec_****");
    api.publish("a.b", json!({})).await;
    let both = receiver.wait_for(1, SOON).await.remove(0);
    for secret in [old, new] {
        Webhook::new(secret).unwrap().verify(&both.body, &both.headers).unwrap();
    }

    let own = "my-own-secret-12345678";
    let third = api.post(&rotate, &json!({"secret": own, "overlap_seconds": 0})).await.ok(200);
    assert_eq!((&third["secret"], &third["previous_secret_until"]), (&json!(own), &json!(null)));
    api.publish("a.b", json!({})).await;
    let alone = receiver.wait_for(2, SOON).await.remove(1);
    Webhook::from_bytes(own.into()).unwrap().verify(&alone.body, &alone.headers).unwrap();
    assert!(Webhook::new(new).unwrap().verify(&alone.body, &alone.headers).is_err());
    let refused = api.post(&rotate, &json!({"secret": "short", "overlap_seconds": -1, "x": 1})).await.rules();
    assert_eq!(refused.len(), 3, "{refused:?}");
    let (unsigned, _) = made(&api, json!({"url": receiver.url("/u"), "event": "x.y", "signing": "none"})).await;
    api.act(&format!("{unsigned}/rotate-secret")).await.problem(409, "conflict");
}

#[tokio::test]
async fn a_secret_is_shown_when_a_change_makes_one() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let receiver = Receiver::start(well);
    let (path, first) = made(&api, json!({"url": receiver.url("/in"), "event": "a.b", "signing": "none"})).await;
    assert_eq!(first["secret"], json!(null));
    let signed = api.patch(&path, &json!({"signing": "required"})).await.ok(200);
    let secret = signed["secret"].as_str().unwrap();
    assert!(secret.starts_with("whsec_") && !secret.contains('*'));
    let asymmetric = api.patch(&path, &json!({"signature": "ed25519"})).await.ok(200);
    assert!(asymmetric["secret"].as_str().unwrap().starts_with("whsk_"));
    assert!(asymmetric["public_key"].as_str().unwrap().starts_with("whpk_"));
    assert_eq!(asymmetric["header_families"], json!(["standard"]));
    let back = api.patch(&path, &json!({"signature": "hmac"})).await.ok(200);
    assert_eq!((&back["public_key"], back["secret"].as_str().unwrap().len()), (&json!(null), secret.len()));
    let off = api.patch(&path, &json!({"signing": "none"})).await.ok(200);
    assert_eq!(off["secret"], json!(null));
    api.publish("a.b", json!({})).await;
    assert!(!receiver.wait_for(1, SOON).await[0].headers.contains_key("webhook-signature"));
}
