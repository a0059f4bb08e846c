//! The audit log: every change, by whoever and however, and never a secret.

use bytes::Bytes;
use hyper::Method;
use posthorn::store::{StoreRole, audit};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::harness::api::{ADMIN_TOKEN, id_of, start};
use crate::harness::{Api, SOON, Serving, eventually};

async fn log(api: &Api, query: &str) -> Vec<Value> {
    api.get(&format!("/audit-log{query}")).await.ok(200)["data"].as_array().unwrap().clone()
}

/// Actions, oldest first.
fn actions(log: &[Value]) -> Vec<&str> {
    log.iter().rev().map(|entry| entry["action"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn every_change_is_logged_with_who_made_it() {
    let serving = Serving::start().await;
    let (tenant, api) = serving.tenant("a").await;
    let db = &serving.world.db;
    let made = api.subscribe("https://receiver.example/", "a.b").await;
    let id = id_of(&made);
    let by_sql = async |set: &str| {
        let sql = format!("UPDATE posthorn.webhook_subscriptions SET {set} WHERE id = '{id}'");
        assert_eq!(db.execute(&sql, &[]).await.unwrap(), 1, "{set}");
    };
    by_sql("description = 'by hand', url = 'https://receiver.example/2'").await;
    by_sql("status = 'inactive'").await;
    by_sql("status = 'active'").await;
    by_sql("secret = secret || '\\x00'").await;
    by_sql("updated_at = now()").await;
    let operator = serving.nobody().bearer(ADMIN_TOKEN).with("X-Posthorn-Tenant", &tenant.to_string());
    operator.delete(&format!("/subscriptions/{id}")).await.ok(204);

    let of_it = log(&api, &format!("?target_id={id}")).await;
    let want = [
        "subscription.created",
        "subscription.updated",
        "subscription.disabled",
        "subscription.enabled",
        "secret.rotated",
        "subscription.deleted",
    ];
    assert_eq!(actions(&of_it), want);
    let oldest_first: Vec<&Value> = of_it.iter().rev().collect();
    let own_key = api.get("/api-keys").await.ok(200)["data"][0]["id"].as_str().unwrap().to_owned();
    let login: String = db.query_one("SELECT 'role:' || session_user", &[]).await.unwrap().get(0);
    let actors = oldest_first.iter().map(|entry| entry["actor"].as_str().unwrap());
    let by = format!("api_key:{own_key}");
    assert_eq!(actors.collect::<Vec<_>>(), [by.as_str(), &login, &login, &login, &login, "operator"]);
    assert_eq!(
        oldest_first[1]["changes"],
        json!({"description": {"old": null, "new": "by hand"},
               "url": {"old": "https://receiver.example/", "new": "https://receiver.example/2"}})
    );
    assert_eq!(oldest_first[4]["changes"], json!({"secret": {"old": "***", "new": "***"}}));
    assert_eq!(oldest_first[0]["changes"]["secret"]["new"], "***");
    assert_eq!(oldest_first[0]["target_type"], "subscription");
}

#[tokio::test]
async fn keys_and_the_tenant_itself_are_logged_too() {
    let serving = Serving::start().await;
    let (tenant, api) = serving.tenant("a").await;
    let made = api.post("/api-keys", &json!({"name": "billing"})).await.ok(201);
    api.delete(&format!("/api-keys/{}", id_of(&made))).await.ok(204);
    let headers = [("content-type", "application/json")];
    api.send(Method::PATCH, "/tenant", &headers, Bytes::from_static(b"{\"name\": \"b\"}")).await.ok(200);
    for set in ["disabled_at = now()", "disabled_at = NULL"] {
        let sql = format!("UPDATE posthorn.tenants SET {set} WHERE id = $1");
        serving.world.db.execute(&sql, &[&tenant]).await.unwrap();
    }
    let add = "INSERT INTO posthorn.event_types (name, tenant_id, group_name) VALUES ('own.type', $1, 'Own')";
    serving.world.db.execute(add, &[&tenant]).await.unwrap();
    let all = log(&api, "").await;
    let want = [
        "tenant.created",
        "api_key.created",
        "api_key.created",
        "api_key.revoked",
        "tenant.updated",
        "tenant.disabled",
        "tenant.enabled",
        "event_type.created",
    ];
    assert_eq!(actions(&all), want);
    assert_eq!(all[3]["changes"], json!({"name": {"old": "a", "new": "b"}}));
    assert_eq!((&all[0]["target_id"], &all[7]["target_id"]), (&json!("own.type"), &json!(tenant.to_string())));
}

#[tokio::test]
async fn what_is_done_to_one_delivery_or_event_is_logged_when_it_changes_something() {
    let serving = Serving::with(&[("POSTHORN_ROLE", "api")]).await;
    let (_, api) = serving.tenant("a").await;
    api.subscribe("https://receiver.example/", "a.b").await;
    let event = api.publish("a.b", json!({})).await;
    let delivery = api.delivery_of(&event).await;
    let (retry, cancel) = (format!("/deliveries/{delivery}/retry"), format!("/deliveries/{delivery}/cancel"));
    api.act(&retry).await.ok(202);
    api.act(&cancel).await.ok(200);
    api.act(&cancel).await.ok(200);
    api.act(&retry).await.ok(202);
    let of_it = log(&api, &format!("?target_id={delivery}")).await;
    assert_eq!(actions(&of_it), ["delivery.retried", "delivery.cancelled", "delivery.retried"]);
    let statuses: Vec<&Value> = of_it.iter().rev().map(|entry| &entry["details"]["status"]).collect();
    assert_eq!(statuses, ["pending", "pending", "cancelled"]);
    let own_key = api.get("/api-keys").await.ok(200)["data"][0]["id"].as_str().unwrap().to_owned();
    let by = json!(format!("api_key:{own_key}"));
    assert!(of_it.iter().all(|entry| entry["actor"] == by && entry["target_type"] == "delivery"), "{of_it:?}");

    for _ in 0..2 {
        api.act(&format!("/events/{event}/cancel")).await.ok(200);
    }
    let of_it = log(&api, &format!("?target_id={event}")).await;
    assert_eq!(actions(&of_it), ["event.cancelled"]);
    let details = json!({"cancelled": 1, "in_flight": 0, "is_fanout_cancelled": false});
    assert_eq!((&of_it[0]["details"], &of_it[0]["target_type"]), (&details, &json!("event")));
    api.act(&format!("/events/{}/cancel", uuid::Uuid::now_v7())).await.problem(404, "not-found");
    assert_eq!(log(&api, "?action=event.cancelled").await.len(), 1);
}

#[tokio::test]
async fn old_entries_are_forgotten_and_no_others() {
    let serving = Serving::with(&[("POSTHORN_ROLE", "api")]).await;
    let (tenant, api) = serving.tenant("a").await;
    let add = "INSERT INTO posthorn.audit_log (id, tenant_id, created_at, actor, action, target_type, target_id)
               SELECT posthorn.first_id_at(now() - make_interval(days => n)), $1, now() - make_interval(days => n), 'a',
                   'old.entry', 'test', n::text
               FROM generate_series(9, 12) n";
    serving.world.db.execute(add, &[&tenant]).await.unwrap();
    let store = serving.world.store(StoreRole::Dispatcher);
    assert_eq!(audit::forget_old(&store, 0).await.unwrap(), 0);
    assert_eq!(audit::forget_old(&store, 11).await.unwrap(), 2);
    let left = log(&api, "?action=old.entry").await;
    let left: Vec<&str> = left.iter().map(|entry| entry["target_id"].as_str().unwrap()).collect();
    assert_eq!(left, ["9", "10"]);
    assert_eq!(log(&api, "").await.len(), 4);

    // the dispatcher does it by itself, as its setting says
    let url = serving.world.url();
    let settings = [("POSTHORN_ROLE", "dispatcher"), ("POSTHORN_AUDIT_RETENTION_DAYS", "10")];
    let _dispatcher = start(url.expose_secret(), &settings.map(|(name, value)| (name, value)));
    eventually("the dispatcher forgets the tenth", SOON, async || log(&api, "?action=old.entry").await.len() == 1)
        .await;
    // nobody else may
    let error = serving.world.client_as("posthorn_api").await;
    let error = error.batch_execute("SELECT posthorn.forget_audit_log(1, 1)").await.unwrap_err();
    assert_eq!(error.code().map(|code| code.code()), Some("42501"), "{error:?}");
}

#[tokio::test]
async fn no_secret_is_in_the_log() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    let body = json!({"url": "https://receiver.example/", "event": "a.b", "secret": "CANARY-secret-0123456789"});
    api.post("/subscriptions", &body).await.ok(201);
    let key = api.post("/api-keys", &json!({})).await.ok(201)["key"].as_str().unwrap().to_owned();
    let sealed = "SELECT encode(s.secret, 'hex') FROM posthorn.webhook_subscriptions s
                  UNION ALL SELECT encode(k.secret_sha256, 'hex') FROM posthorn.api_keys k";
    let rows = serving.world.db.query(sealed, &[]).await.unwrap();
    let mut secrets: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    secrets.extend(["CANARY".to_owned(), key.rsplit('_').next().unwrap().to_owned()]);
    let dump = "SELECT string_agg(a::text, ' ') FROM posthorn.audit_log a";
    let logged: String = serving.world.db.query_one(dump, &[]).await.unwrap().get(0);
    assert!(secrets.len() >= 4 && logged.contains("***"), "{logged}");
    for secret in secrets {
        assert!(!logged.contains(&secret), "{secret}: {logged}");
    }
}

#[tokio::test]
async fn the_log_is_filtered_and_paged() {
    let serving = Serving::start().await;
    let (_, api) = serving.tenant("a").await;
    for n in 0..3 {
        api.subscribe(&format!("https://receiver.example/{n}"), "a.b").await;
    }
    let all = log(&api, "").await;
    assert_eq!(all.len(), 5);
    assert_eq!(log(&api, "?action=subscription.created").await.len(), 3);
    assert!(log(&api, "?action=subscription.creat%25").await.is_empty());
    let middle = all[2]["created_at"].as_str().unwrap();
    assert_eq!(log(&api, &format!("?since={middle}")).await, all[..3]);
    assert_eq!(log(&api, &format!("?until={middle}")).await, all[3..]);
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = api.get(&format!("/audit-log?limit=2{cursor}")).await.ok(200);
        paged.extend(page["data"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(paged, all);
    let rules = api.get("/audit-log?since=now&until=2020&cursor=x&action=%00").await.rules();
    let fields: Vec<&str> = rules.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(fields, ["action", "since", "until", "cursor"]);
}

#[tokio::test]
async fn the_log_is_its_tenants_and_nobody_writes_in_it() {
    let serving = Serving::start().await;
    let ((a, api), (_, b)) = (serving.tenant("a").await, serving.tenant("b").await);
    api.subscribe("https://receiver.example/", "a.b").await;
    assert_eq!((log(&api, "").await.len(), log(&b, "").await.len()), (3, 2));
    let tenant = serving.world.client_of(a).await;
    for statement in [
        "INSERT INTO posthorn.audit_log (tenant_id, actor, action, target_type, target_id) SELECT posthorn.current_tenant(), 'a', 'b', 'c', 'd'",
        "UPDATE posthorn.audit_log SET actor = 'nobody'",
        "DELETE FROM posthorn.audit_log",
        "SELECT posthorn.audit_for(posthorn.current_tenant(), 'a', 'b', 'c')",
    ] {
        let error = tenant.batch_execute(statement).await.expect_err(statement);
        assert_eq!(error.code().map(|code| code.code()), Some("42501"), "{statement}: {error:?}");
    }
    // what a bulk operation says of itself
    let said = "SELECT posthorn.audit('deliveries.retried', 'subscription', 'all', '{\"count\": 7}')";
    tenant.batch_execute(said).await.unwrap();
    assert_eq!(log(&api, "?action=deliveries.retried").await[0]["details"], json!({"count": 7}));
    let nobody = serving.world.client_as("posthorn_api").await;
    let error = nobody.batch_execute(said).await.unwrap_err();
    assert_eq!(error.code().map(|code| code.code()), Some("42501"), "{error:?}");
}
