//! Links into one tenant's admin page: what they open, for how long, and what they cannot do.

use posthorn::store::StoreRole;
use posthorn::store::api_keys;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::harness::api::{ADMIN_TOKEN, id_of, start};
use crate::harness::{Api, REVOKED_WITHIN, SOON, Serving, eventually};

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
    let (tenant, api) = serving.tenant("Acme").await;
    let operator = operator(&serving);
    for (more, want) in [
        (json!({"tenant_id": "x"}), [("tenant_id", "type")].as_slice()),
        (json!({"tenant_id": null}), &[("tenant_id", "required")]),
        (json!({"permissions": "read"}), &[("permissions", "type")]),
        (json!({"permissions": ["read", "keys"]}), &[("permissions[1]", "unknown_word")]),
        (json!({"permissions": ["READ"]}), &[("permissions[0]", "unknown_word"), ("permissions", "read_needed")]),
        (json!({"permissions": []}), &[("permissions", "read_needed")]),
        (json!({"permissions": ["manage"]}), &[("permissions", "read_needed")]),
        (json!({"permissions": ["keys"]}), &[("permissions[0]", "unknown_word"), ("permissions", "read_needed")]),
        (json!({"permissions": ["read", "manage", "read", "manage"]}), &[("permissions", "count")]),
        (json!({"permissions": vec!["x"; 10_000]}), &[("permissions", "count")]),
        (json!({"permissions": ["read", 1]}), &[("permissions", "type")]),
        (json!({"expires_in_seconds": 0}), &[("expires_in_seconds", "range")]),
        (json!({"expires_in_seconds": -60}), &[("expires_in_seconds", "range")]),
        (json!({"expires_in_seconds": 59}), &[("expires_in_seconds", "range")]),
        (json!({"expires_in_seconds": 86_401}), &[("expires_in_seconds", "range")]),
        (json!({"expires_in_seconds": u64::MAX}), &[("expires_in_seconds", "type")]),
        (json!({"expires_in_seconds": 1e300}), &[("expires_in_seconds", "type")]),
        (json!({"expires_in_seconds": "60"}), &[("expires_in_seconds", "type")]),
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
    let good = json!({"tenant_id": tenant});
    for stranger in [serving.nobody(), serving.nobody().bearer("a-token-of-nobody-at-all"), api] {
        stranger.at(BASE).post("/portal-links", &good).await.problem(401, "unauthorised");
    }
    operator.post("/portal-links", &json!({"tenant_id": Uuid::now_v7()})).await.problem(404, "not-found");
    operator.delete(&format!("/tenants/{tenant}")).await.ok(204);
    operator.post("/portal-links", &json!({"tenant_id": tenant})).await.problem(409, "conflict");
    assert_eq!(serving.world.count("SELECT count(*) FROM posthorn.api_keys WHERE name = 'portal link'").await, 0);
}

#[tokio::test]
async fn bounds_belong_to_what_is_good_and_words_count_once() {
    let serving = Serving::start().await;
    let (tenant, _) = serving.tenant("Acme").await;
    for (permissions, told) in [
        (json!(["publish", "read", "read"]), json!(["read", "publish"])),
        (json!(["manage", "publish", "read"]), json!(["read", "publish", "manage"])),
        (json!(null), json!(["read", "manage"])),
    ] {
        for seconds in [60, 86_400] {
            let body = json!({"tenant_id": tenant, "permissions": permissions, "expires_in_seconds": seconds});
            let link = link(&serving, &body).await;
            let left = end_of(&link) - OffsetDateTime::now_utc();
            assert!((seconds - 30..=seconds).contains(&left.whole_seconds()), "{left}");
            assert_eq!(follow(&serving, &link).get("/caller").await.ok(200)["permissions"], told, "{body}");
        }
    }
}

#[tokio::test]
async fn a_disabled_tenants_links_open_nothing() {
    let serving = Serving::start().await;
    let (tenant, _) = serving.tenant("Acme").await;
    let link = link(&serving, &json!({"tenant_id": tenant})).await;
    let portal = follow(&serving, &link);
    portal.get("/caller").await.ok(200);
    operator(&serving).delete(&format!("/tenants/{tenant}")).await.ok(204);
    eventually("the link is refused", REVOKED_WITHIN, async || portal.get("/caller").await.status == 401).await;
}

/// Moves beginning and end of a key back by so many hours.
async fn age(serving: &Serving, key: &str, hours: i32) {
    let sql = "UPDATE posthorn.api_keys SET created_at = created_at - make_interval(hours => $2),
                   expires_at = expires_at - make_interval(hours => $2), revoked_at = revoked_at - make_interval(hours => $2)
               WHERE id = $1";
    assert_eq!(serving.world.db.execute(sql, &[&key, &hours]).await.unwrap(), 1);
}

/// Names in a list of keys.
fn names(listed: &Value) -> Vec<&str> {
    listed["data"].as_array().unwrap().iter().map(|key| key["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn what_ended_leaves_the_list_and_then_the_table_and_stays_in_the_audit_log() {
    let serving = Serving::with(&[("POSTHORN_ROLE", "api")]).await;
    let (tenant, api) = serving.tenant("Acme").await;
    let id = id_of(&api.subscribe("https://receiver.example/", "a.b").await);
    let link_id = |link: &Value| link["token"].as_str().unwrap().split('_').nth(1).unwrap().to_owned();
    let day = json!({"tenant_id": tenant, "expires_in_seconds": 86_400});
    let [expired, revoked, live] = [link(&serving, &day).await, link(&serving, &day).await, link(&serving, &day).await];
    follow(&serving, &expired).post(&format!("/subscriptions/{id}/disable"), &json!({})).await.ok(200);
    let spec = json!({"name": "for long", "expires_at": OffsetDateTime::now_utc().replace_nanosecond(0).unwrap()
        .saturating_add(Duration::days(2)).format(&Rfc3339).unwrap()});
    let long = api.post("/api-keys", &spec).await.ok(201);
    let gone = api.post("/api-keys", &json!({"name": "revoked"})).await.ok(201);
    let all = ["revoked", "for long", "portal link", "portal link", "portal link", "Acme"];
    assert_eq!(names(&api.get("/api-keys").await.ok(200)), all);

    // ended less than a day ago: the list no longer has them, whoever asks
    operator(&serving).delete(&format!("/tenants/{tenant}/api-keys/{}", link_id(&revoked))).await.ok(204);
    api.delete(&format!("/api-keys/{}", id_of(&gone))).await.ok(204);
    age(&serving, &link_id(&expired), 25).await;
    age(&serving, &id_of(&long), 49).await;
    let left = ["revoked", "portal link", "Acme", "for long"];
    assert_eq!(names(&api.get("/api-keys").await.ok(200)), left);
    let operators = operator(&serving).get(&format!("/tenants/{tenant}/api-keys")).await.ok(200);
    assert_eq!(names(&operators), left);

    // a day later they are gone for good; keys that were made for longer, or for ever, stay
    let store = serving.world.store(StoreRole::Dispatcher);
    assert_eq!(api_keys::forget_ended(&store).await.unwrap(), 0);
    for key in [link_id(&revoked), id_of(&gone), id_of(&long)] {
        age(&serving, &key, 25).await;
    }
    age(&serving, &link_id(&expired), 22).await;
    assert_eq!(
        api_keys::forget_ended(&store).await.unwrap(),
        1,
        "the one that ended first has not been gone for a day"
    );
    age(&serving, &link_id(&expired), 2).await;
    let url = serving.world.url();
    let _dispatcher = start(url.expose_secret(), &[("POSTHORN_ROLE", "dispatcher")]);
    let rows = "SELECT count(*) FROM posthorn.api_keys WHERE name = 'portal link'";
    eventually("a dispatcher forgets the other", SOON, async || serving.world.count(rows).await == 1).await;
    assert_eq!(serving.world.count("SELECT count(*) FROM posthorn.api_keys").await, 4);
    follow(&serving, &live).get("/caller").await.ok(200);
    let old = follow(&serving, &expired);
    eventually("the link is refused", REVOKED_WITHIN, async || old.get("/caller").await.status == 401).await;

    // who acted is still told, and what the key was
    let disabled = api.get(&format!("/audit-log?target_id={id}&action=subscription.disabled")).await.ok(200);
    assert_eq!(disabled["data"][0]["actor"], format!("api_key:{}", link_id(&expired)));
    let of_key = api.get(&format!("/audit-log?target_id={}", link_id(&expired))).await.ok(200);
    let entries = of_key["data"].as_array().unwrap();
    let (deleted, created) = (&entries[0], entries.last().unwrap());
    assert_eq!((&deleted["action"], &deleted["actor"]), (&json!("api_key.deleted"), &json!("dispatcher")));
    assert_eq!((&created["action"], &created["actor"]), (&json!("api_key.created"), &json!("operator")));
    assert_eq!(created["changes"]["name"]["new"], "portal link");

    // nobody else may
    for role in ["posthorn_api", "posthorn_readonly"] {
        let client = serving.world.client_as(role).await;
        let error = client.batch_execute("SELECT posthorn.forget_short_lived_keys(1)").await.unwrap_err();
        assert_eq!(error.code().map(|code| code.code()), Some("42501"), "{role}: {error:?}");
    }
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
