//! Links into one tenant's admin page: what they open, for how long, and what they cannot do.

use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::harness::api::{ADMIN_TOKEN, id_of};
use crate::harness::{Api, REVOKED_WITHIN, Serving, eventually};

const BASE: &str = "/api/v1/admin";

fn operator(serving: &Serving) -> Api {
    serving.nobody().at(BASE).bearer(ADMIN_TOKEN)
}

async fn link(serving: &Serving, body: &Value) -> Value {
    operator(serving).post("/portal-links", body).await.ok(201)
}

/// Whoever follows a link.
fn follow(serving: &Serving, link: &Value) -> Api {
    serving.nobody().bearer(link["token"].as_str().unwrap())
}

fn end_of(link: &Value) -> OffsetDateTime {
    OffsetDateTime::parse(link["expires_at"].as_str().unwrap(), &Rfc3339).unwrap()
}

#[tokio::test]
async fn a_link_opens_one_tenants_page_and_makes_no_keys() {
    let serving = Serving::start().await;
    let (tenant, api) = serving.tenant("Acme").await;
    let (_, others) = serving.tenant("Other").await;
    let (own, foreign) = (
        id_of(&api.subscribe("https://receiver.example/own", "a.b").await),
        id_of(&others.subscribe("https://receiver.example/foreign", "a.b").await),
    );
    let before = OffsetDateTime::now_utc();
    let reply = operator(&serving).post("/portal-links", &json!({"tenant_id": tenant})).await;
    let link = reply.ok(201);
    let token = link["token"].as_str().unwrap();
    assert_eq!(
        link["url"],
        format!("/#/portal?token={token}"),
        "its Host is the caller's word, so that it is relative"
    );
    let hour = Duration::hours(1);
    assert!((before + hour..OffsetDateTime::now_utc() + hour).contains(&end_of(&link)), "{link}");

    let portal = follow(&serving, &link);
    let told = portal.get("/caller").await.ok(200);
    assert_eq!((&told["tenant_id"], &told["permissions"]), (&json!(tenant), &json!(["read", "manage"])));
    assert!(!told["expires_at"].is_null(), "{told}");
    let listed = portal.get("/subscriptions").await.ok(200);
    assert_eq!(listed["data"].as_array().unwrap().len(), 1, "{listed}");
    portal.get(&format!("/subscriptions/{own}")).await.ok(200);
    portal.get(&format!("/subscriptions/{foreign}")).await.problem(404, "not-found");
    portal.post(&format!("/subscriptions/{own}/disable"), &json!({})).await.ok(200);
    assert_eq!(portal.post("/api-keys", &json!({})).await.problem(403, "scope")["scope"], "keys");
    assert_eq!(portal.post("/events", &json!({})).await.problem(403, "scope")["scope"], "publish");
    portal.at(BASE).get("/tenants").await.problem(401, "unauthorised");

    // it is a key like others: listed, in the audit log, revoked where Location says
    let keys = api.get("/api-keys").await.ok(200);
    assert_eq!(keys["data"][0]["name"], "portal link", "{keys}");
    let entries = api.get("/audit-log?action=api_key.created").await.ok(200);
    assert_eq!(
        (&entries["data"][0]["actor"], &entries["data"][0]["target_id"]),
        (&json!("operator"), &keys["data"][0]["id"])
    );
    assert!(!entries.to_string().contains(token), "{entries}");
    let place = reply.headers["location"].to_str().unwrap().strip_prefix(BASE).unwrap();
    operator(&serving).delete(place).await.ok(204);
    eventually("the link is refused", REVOKED_WITHIN, async || portal.get("/caller").await.status == 401).await;
}

#[tokio::test]
async fn a_link_that_may_only_read_changes_nothing() {
    let serving = Serving::start().await;
    let (tenant, api) = serving.tenant("Acme").await;
    let id = id_of(&api.subscribe("https://receiver.example/", "a.b").await);
    let body = json!({"tenant_id": tenant, "permissions": ["read"], "expires_in_seconds": 60});
    let link = link(&serving, &body).await;
    assert!(end_of(&link) <= OffsetDateTime::now_utc() + Duration::seconds(60), "{link}");
    let portal = follow(&serving, &link);
    portal.get("/subscriptions").await.ok(200);
    for path in [
        "/subscriptions".to_owned(),
        format!("/subscriptions/{id}/disable"),
        format!("/subscriptions/{id}/rotate-secret"),
    ] {
        assert_eq!(portal.post(&path, &json!({})).await.problem(403, "scope")["scope"], "manage", "{path}");
    }
    portal.delete(&format!("/subscriptions/{id}")).await.problem(403, "scope");
    assert_eq!(api.get(&format!("/subscriptions/{id}")).await.ok(200)["active"], true);
}

#[tokio::test]
async fn a_link_ends() {
    let serving = Serving::start().await;
    let (tenant, _) = serving.tenant("Acme").await;
    let link = link(&serving, &json!({"tenant_id": tenant, "expires_in_seconds": 86_400})).await;
    let portal = follow(&serving, &link);
    portal.get("/subscriptions").await.ok(200);
    // the shortest lasts a minute: the clock is moved instead
    let end = "UPDATE posthorn.api_keys SET expires_at = now() WHERE name = 'portal link' AND expires_at > now() + interval '23 hours'";
    assert_eq!(serving.world.db.execute(end, &[]).await.unwrap(), 1);
    eventually("it is refused", REVOKED_WITHIN, async || portal.get("/subscriptions").await.status == 401).await;
}

#[tokio::test]
async fn only_good_requests_make_links() {
    let serving = Serving::start().await;
    let (tenant, _) = serving.tenant("Acme").await;
    let operator = operator(&serving);
    for (more, want) in [
        (json!({"tenant_id": "x"}), [("tenant_id", "type")].as_slice()),
        (json!({"tenant_id": null}), &[("tenant_id", "required")]),
        (json!({"permissions": "read"}), &[("permissions", "type")]),
        (json!({"permissions": ["read", "keys"]}), &[("permissions[1]", "unknown_word")]),
        (json!({"permissions": ["READ"]}), &[("permissions[0]", "unknown_word"), ("permissions", "read_needed")]),
        (json!({"permissions": []}), &[("permissions", "read_needed")]),
        (json!({"permissions": ["manage"]}), &[("permissions", "read_needed")]),
        (json!({"expires_in_seconds": 59}), &[("expires_in_seconds", "range")]),
        (json!({"expires_in_seconds": 86_401}), &[("expires_in_seconds", "range")]),
        (json!({"expires_in_seconds": 60.5}), &[("expires_in_seconds", "type")]),
        (
            json!({"tenant_id": 1, "expires_in_seconds": "1", "origin": "https://a.example"}),
            &[("tenant_id", "type"), ("expires_in_seconds", "type"), ("origin", "unknown_field")],
        ),
    ] {
        let mut body = json!({"tenant_id": tenant});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let rules = operator.post("/portal-links", &body).await.rules();
        let rules: Vec<(&str, &str)> = rules.iter().map(|(field, rule)| (field.as_str(), rule.as_str())).collect();
        assert_eq!(rules, want, "{body}");
    }
    operator.post("/portal-links", &json!({"tenant_id": Uuid::now_v7()})).await.problem(404, "not-found");
    operator.delete(&format!("/tenants/{tenant}")).await.ok(204);
    operator.post("/portal-links", &json!({"tenant_id": tenant})).await.problem(409, "conflict");
    assert_eq!(serving.world.count("SELECT count(*) FROM posthorn.api_keys WHERE name = 'portal link'").await, 0);
}

#[tokio::test]
async fn links_begin_where_people_reach_the_server() {
    let serving = Serving::with(&[("POSTHORN_PUBLIC_URL", "https://example.com/posthorn/")]).await;
    let (tenant, _) = serving.tenant("Acme").await;
    let asked = operator(&serving).with("x-forwarded-host", "evil.example");
    let link = asked.post("/portal-links", &json!({"tenant_id": tenant})).await.ok(201);
    let token = link["token"].as_str().unwrap();
    assert_eq!(link["url"], format!("https://example.com/posthorn/#/portal?token={token}"));
    let lines = serving.binary.lines().join("\n");
    assert!(!lines.contains(token), "{lines}");
}
